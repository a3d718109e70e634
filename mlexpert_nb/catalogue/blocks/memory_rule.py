"""The write rule of a neural long-term memory: surprise with momentum and forgetting, a chunk of tokens at a time.

Paper: Behrouz, Zhong & Mirrokni 2025 (Titans), arXiv:2501.00663, eq. 8 to 16. For every token and head, with the inner
loss 1/2 |M(k) - v|^2 (theta absorbs the paper's factor 2):

    u_t = grad_M loss(M_{t-1}; k_t, v_t)      momentary surprise
    S_t = eta_t S_{t-1} - theta_t u_t         surprise with momentum
    M_t = (1 - alpha_t) M_{t-1} + S_t         forgetting
    o_t = M_t(q_t)                            the read sees the write of its own token

M maps keys to values and is stored key x value, so a read is `q @ M`. Every write is a rank-1 update, so a chunk has a
closed form. With a_i = log(1 - alpha_i) and h_i = log eta_i:

    A_il = exp(sum of a over l < m <= i),  N_lj = exp(sum of h over j < m <= l)     lower triangular, unit diagonal
    P = A N,   beta_i = exp(sum of a over m <= i),   gamma_i = exp(sum of h over m <= i),   c = A gamma
    M_i = beta_i M + c_i S - sum_j P_ij theta_j k_j' e_j,     S_i = gamma_i S - sum_j N_ij theta_j k_j' e_j

`linear_memory` uses the true error of each token, e_i = k_i M_{i-1} - v_i, which solves a unit lower triangular system
(the WY form of DeltaNet, Yang et al. 2024, arXiv:2406.06484, with momentum added); it equals the token loop for every
chunk size. `chunk_memory` takes all errors of a chunk at the weights of its start (eq. 16), for a matrix or for the
two-layer memory M(x) = SiLU(x W_1) W_2; there the chunk is part of the definition.
Shapes: G batch times heads, T tokens, N chunks, b tokens of a chunk, D head size, E hidden size of a two-layer memory.
"""

from typing import Any, NamedTuple, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

MIN_LOG = -60.0  # log of a closed gate: forgets all but 1e-26, and stays finite

Weights: TypeAlias = tuple[Tensor, ...]


class Writes(NamedTuple):
    """What is written and read: queries, keys and values of each token with the logarithms of its gates."""

    q_GTD: Tensor
    k_GTD: Tensor
    v_GTD: Tensor
    log_keep_GT: Tensor
    log_eta_GT: Tensor
    theta_GT: Tensor


class ChunkState(NamedTuple):
    """A chunked memory between two tokens: weights, their momenta, the weights of the chunk's start, tokens since."""

    weights: Weights
    momenta: Weights
    anchor: Weights
    position: int


class Decay(NamedTuple):
    """How much of the start state (`beta`, `carry`, `gamma`) and of each write (`pairs`, `momenta`) token i sees."""

    beta_b: Tensor
    carry_b: Tensor
    gamma_b: Tensor
    pairs_bb: Tensor
    momenta_bb: Tensor

    def rows(self, row_N: list[int]) -> "Decay":
        """Take one row of each of N chunks."""
        return Decay(*(each[:, range(len(row_N)), row_N] for each in self))


def linear_memory(writes: Writes, M_GDD: Tensor, S_GDD: Tensor, chunk: int) -> tuple[Tensor, Tensor, Tensor]:
    """Write and read every token exactly; give the reads (G, T, D) and the state after the last token."""
    length = writes.q_GTD.shape[1]
    with torch.autocast(M_GDD.device.type, enabled=False):
        if length == 1:
            return _one_token(writes, M_GDD, S_GDD)
        size = min(chunk, length)
        parts = Writes(*(_chunks(each, size) for each in writes))
        decay = _decay(parts.log_keep_GT, parts.log_eta_GT, parts.theta_GT)
        errors, starts, state = _scan(parts, decay, (M_GDD, S_GDD), (length - 1) % size)
        o = _read(parts.q_GTD, decay, starts, (parts.k_GTD, errors))
        return o.flatten(1, 2)[:, :length], *state


def chunk_memory(writes: Writes, state: ChunkState, chunk: int) -> tuple[Tensor, ChunkState]:
    """Write and read with the errors at the weights of each chunk's start; a call may begin and end inside a chunk."""
    length = writes.q_GTD.shape[1]
    first = min(chunk - state.position, length)
    sizes = [first, *[chunk] * ((length - first) // chunk)]
    sizes += [length - sum(sizes)] * (length > sum(sizes))
    reads = []
    with torch.autocast(writes.q_GTD.device.type, enabled=False):
        for piece in zip(*(each.split(sizes, 1) for each in writes), strict=True):
            o_GbD, state = _write_piece(Writes(*piece), state)
            if state.position == chunk:
                state = ChunkState(state.weights, state.momenta, state.weights, 0)
            reads.append(o_GbD)
    return torch.cat(reads, 1), state


def _one_token(writes: Writes, M_GDD: Tensor, S_GDD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Follow the definition for a single token."""
    gates = (writes.log_keep_GT.exp(), writes.log_eta_GT.exp(), writes.theta_GT)
    keep, eta, theta = (gate.unsqueeze(-1) for gate in gates)
    error_G1D = torch.baddbmm(writes.v_GTD, writes.k_GTD, M_GDD, beta=-1)
    S_GDD = torch.baddbmm(eta * S_GDD, theta * writes.k_GTD.mT, error_G1D, alpha=-1)
    M_GDD = keep * M_GDD + S_GDD
    return writes.q_GTD @ M_GDD, M_GDD, S_GDD


def _chunks(x: Tensor, size: int) -> Tensor:
    """Split the time axis into whole chunks; the padding writes nothing because its theta is 0."""
    missing = -x.shape[1] % size
    padded = F.pad(x, (0, 0) * (x.ndim - 2) + (0, missing)) if missing else x
    return padded.unflatten(1, (-1, size))


def _decay(log_keep_b: Tensor, log_eta_b: Tensor, theta_b: Tensor) -> Decay:
    """Turn the gates of a chunk into its decay; theta is folded into the columns of the two b x b matrices."""
    log_2b = torch.stack([log_keep_b, log_eta_b])
    keep_bb, eta_bb = _segment_products(log_2b)
    beta_b, gamma_b = log_2b.cumsum(-1).exp()
    carry_b = (keep_bb @ gamma_b.unsqueeze(-1)).squeeze(-1)
    momenta_bb = eta_bb * theta_b.unsqueeze(-2)
    return Decay(beta_b, carry_b, gamma_b, keep_bb @ momenta_bb, momenta_bb)


def _segment_products(log_b: Tensor) -> Tensor:
    """Multiply the gates over l < m <= i for every pair i >= l, from their logarithms; zero above the diagonal.

    The sums run over each pair's own terms, because a difference of two running sums would lose digits. Above the
    diagonal they are empty, so nothing overflows before it is cut off.
    """
    size = log_b.shape[-1]
    below = torch.ones(size, size, dtype=torch.bool, device=log_b.device).tril(-1)
    return (log_b.unsqueeze(-1) * below).cumsum_(-2).exp_().tril()


def _scan(
    parts: Writes, decay: Decay, state: tuple[Tensor, Tensor], end: int
) -> tuple[Tensor, tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Give every token's error, the start states of all chunks, and the state at row `end` of the last chunk."""
    num_chunks, size = parts.k_GTD.shape[1:3]
    last = decay.rows([*[size - 1] * (num_chunks - 1), end])
    to_M, to_S = ((row.unsqueeze(-2) * parts.k_GTD.mT).unbind(1) for row in (last.pairs_bb, last.momenta_bb))
    beta, carry, gamma = (each[..., None, None].unbind(1) for each in last[:3])
    keys, values = parts.k_GTD.unbind(1), parts.v_GTD.unbind(1)
    from_M, from_S, inverse = (each.unbind(1) for each in _system(parts.k_GTD, decay))
    M, S = state
    errors, starts, momenta = [], [], []
    for n in range(num_chunks):
        recalled = torch.addcmul(from_M[n] * (keys[n] @ M), from_S[n], keys[n] @ S)
        error = inverse[n] @ (recalled - values[n])
        errors.append(error)
        starts.append(M)
        momenta.append(S)
        M = torch.baddbmm(beta[n] * M + carry[n] * S, to_M[n], error, alpha=-1)
        S = torch.baddbmm(gamma[n] * S, to_S[n], error, alpha=-1)
    return torch.stack(errors, 1), (torch.stack(starts, 1), torch.stack(momenta, 1)), (M, S)


def _system(k: Tensor, decay: Decay) -> tuple[Tensor, Tensor, Tensor]:
    """Give what a token's error sees of the chunk's start, beta and c of the row before, and the inverse of the system.

    The system is unit lower triangular: an error depends on the errors before it through the keys they share.
    """
    beta = F.pad(decay.beta_b[..., :-1], (1, 0), value=1.0).unsqueeze(-1)
    carry = F.pad(decay.carry_b[..., :-1], (1, 0)).unsqueeze(-1)
    system = F.pad(decay.pairs_bb[..., :-1, :], (0, 0, 1, 0)) * (k @ k.mT)
    return beta, carry, _UnitLowerInverse.apply(system)  # type: ignore[no-untyped-call]  # so it is in torch


def _read(x: Tensor, decay: Decay, state: tuple[Tensor, Tensor], update: tuple[Tensor, Tensor]) -> Tensor:
    """Read x through weights that start at `state` and took the rank-1 updates `left_j' right_j` up to x's row."""
    (weights, momenta), (left, right) = state, update
    start = decay.beta_b.unsqueeze(-1) * (x @ weights) + decay.carry_b.unsqueeze(-1) * (x @ momenta)
    return start - (decay.pairs_bb * (x @ left.mT)) @ right


def _write_piece(writes: Writes, state: ChunkState) -> tuple[Tensor, ChunkState]:
    """Write and read tokens of one chunk; layer i of the memory takes the updates `left_i' right_i`."""
    decay = _decay(writes.log_keep_GT, writes.log_eta_GT, writes.theta_GT)
    last = Decay(*(each[:, -1:] for each in decay))
    x, weights, momenta = writes.q_GTD, [], []
    layers = zip(state.weights, state.momenta, _gradients(writes, state.anchor), strict=True)
    for depth, (W, S, (left, right)) in enumerate(layers):
        x = _read(F.silu(x) if depth else x, decay, (W, S), (left, right))
        beta, carry, gamma = (each.unsqueeze(-1) for each in last[:3])
        to_W, to_S = (row.mT * left for row in (last.pairs_bb, last.momenta_bb))
        weights.append(torch.baddbmm(beta * W + carry * S, to_W.mT, right, alpha=-1))
        momenta.append(torch.baddbmm(gamma * S, to_S.mT, right, alpha=-1))
    position = state.position + writes.q_GTD.shape[1]
    return x, ChunkState(tuple(weights), tuple(momenta), state.anchor, position)


def _gradients(writes: Writes, anchor: Weights) -> tuple[tuple[Tensor, Tensor], ...]:
    """Give the factors (left, right) of each layer's gradient at the chunk's start, by hand: `left_j' right_j`."""
    k, v = writes.k_GTD, writes.v_GTD
    if len(anchor) == 1:
        return ((k, k @ anchor[0] - v),)
    hidden = k @ anchor[0]
    sigmoid = hidden.sigmoid()
    error = (hidden * sigmoid) @ anchor[1] - v
    slope = sigmoid * (1 + hidden * (1 - sigmoid))
    return (k, (error @ anchor[1].mT) * slope), (hidden * sigmoid, error)


class _UnitLowerInverse(torch.autograd.Function):
    """Inverse of I + L for strictly lower L; the backward pass is two products instead of two more solves."""

    @staticmethod
    def forward(ctx: Any, lower_bb: Tensor) -> Tensor:
        """Solve against the identity."""
        identity = torch.eye(lower_bb.shape[-1], dtype=lower_bb.dtype, device=lower_bb.device)
        inverse = torch.linalg.solve_triangular(lower_bb, identity, upper=False, unitriangular=True)
        ctx.save_for_backward(inverse)
        return inverse

    @staticmethod
    def backward(ctx: Any, *grad_bb: Tensor) -> Tensor:
        """Apply d(A^-1) = -A^-1 dA A^-1."""
        (inverse,) = ctx.saved_tensors
        return -(inverse.mT @ grad_bb[0] @ inverse.mT).tril(-1)
