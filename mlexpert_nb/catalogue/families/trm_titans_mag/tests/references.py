"""Slow, literal versions of the papers' equations, and the small networks that the tests use.

Nothing here shares code with the network: loops over tokens, dense masks and autograd stand in for its closed forms.
Shapes: B batch, T tokens, H heads, G key/value heads, P persistent slots, D head size, F hidden size, N steps.
"""

import math
from itertools import count

import torch
from torch.nn import functional as F

from model import functional

SMALL = {
    "vocab_size": 13,
    "d_model": 16,
    "n_layers": 2,
    "n_heads": 4,
    "n_kv_heads": 2,
    "d_ff": 24,
    "window": 4,
    "n_persist": 2,
    "rope_theta": 10000.0,
    "mem_heads": 2,
    "mem_head_dim": 6,
    "mem_depth": 1,
    "mem_expand": 2,
    "mem_chunk": 4,
    "mem_exact": True,
    "theta_max": 0.5,
    "conv_kernel": 4,
    "gate": "convex",
    "core": "mlp",
    "core_layers": 2,
    "core_d_ff": 20,
    "core_window": 3,
    "n_latent": 2,
    "n_cycles": 2,
    "n_sup": 3,
    "halting": "qhalt",
    "halt_prior": 0.2,
    "halt_bias": -2.0,
    "halt_init_std": 0.02,
    "lambda_halt": 0.5,
    "lambda_div": 0.1,
    "lambda_ponder": 0.0,
    "tie": True,
}


def small_model(noise=0.3, **changes):
    """Build a float64 network with every parameter moved off its start, so that no path is silently zero."""
    model = functional.build(**{**SMALL, **changes}).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(noise * torch.randn_like(parameter))
    return model.eval()


def random_ids(batch, tokens, vocab=SMALL["vocab_size"]):
    return torch.randint(vocab, (batch, tokens))


def changed_from(ids_T, t, vocab=SMALL["vocab_size"]):
    """Replace every token from position `t` on by a different one."""
    return torch.cat([ids_T[:t], (ids_T[t:] + 1) % vocab])


def memory_inputs(batch=2, heads=3, tokens=11, dim=4, dtype=torch.float64):
    """Unit keys and queries, free values, and gates that really forget, carry and learn."""
    q, k, v = torch.randn(3, batch, heads, tokens, dim, dtype=dtype)
    alpha, eta, theta = torch.rand(3, batch, heads, tokens, dtype=dtype)
    return F.normalize(q, dim=-1), F.normalize(k, dim=-1), v, 0.5 * alpha, eta, theta


def memory_loop(*inputs):
    """Titans eq. 12-15, one token at a time; the memory maps a key (row) to a value (column).

    Inputs: q, k, v (B, H, T, D); forget, momentum and learning rate (B, H, T); and, if not zero, the memory and its
    momentum (B, H, D, D).
    """
    q, k, v, alpha, eta, theta, *start = inputs
    M, S = start or 2 * [q.new_zeros(*q.shape[:2], q.shape[-1], v.shape[-1])]
    read = []
    for t in range(q.shape[2]):
        error = torch.einsum("bhk,bhkv->bhv", k[:, :, t], M) - v[:, :, t]
        surprise = torch.einsum("bhk,bhv->bhkv", k[:, :, t], error)
        S = eta[:, :, t, None, None] * S - theta[:, :, t, None, None] * surprise
        M = (1 - alpha[:, :, t, None, None]) * M + S
        read.append(torch.einsum("bhk,bhkv->bhv", q[:, :, t], M))
    return torch.stack(read, 2), M, S


def dense_attention(q_BHTD, k_BGTD, v_BGTD, window, persist=None):
    """Window attention with one explicit mask; `persist` is a (key, value) pair of (G, P, D), visible to all."""
    B, H, T, D = q_BHTD.shape
    group = H // k_BGTD.shape[1]
    i, j = torch.arange(T)[:, None], torch.arange(T)[None]
    seen = (j <= i) & (j > i - window)
    if persist is not None:
        k_BGTD = torch.cat([persist[0].expand(B, -1, -1, -1), k_BGTD], 2)
        v_BGTD = torch.cat([persist[1].expand(B, -1, -1, -1), v_BGTD], 2)
        seen = torch.cat([torch.ones(T, persist[0].shape[1], dtype=torch.bool), seen], 1)
    k, v = k_BGTD.repeat_interleave(group, 1), v_BGTD.repeat_interleave(group, 1)
    scores = (q_BHTD @ k.transpose(-1, -2)) / math.sqrt(D)
    return scores.masked_fill(~seen, -math.inf).softmax(-1) @ v


def rotate(x_BHTD, theta=10000.0, start=0):
    """Rotary position embedding, LLaMA's half-split convention, one position and one frequency at a time."""
    half = x_BHTD.shape[-1] // 2
    out = torch.empty_like(x_BHTD)
    for t in range(x_BHTD.shape[2]):
        for f in range(half):
            angle = (start + t) * theta ** (-f / half)
            a, b = x_BHTD[:, :, t, f], x_BHTD[:, :, t, half + f]
            out[:, :, t, f] = a * math.cos(angle) - b * math.sin(angle)
            out[:, :, t, half + f] = b * math.cos(angle) + a * math.sin(angle)
    return out


def mlp_memory_autograd(inputs, weights, chunk):
    """Memory of depth 2, `M(x) = W2 silu(W1 x)`: autograd at the weights of the chunk start, then a token loop.

    Shapes here: q, k, v (T, D); gates (T,); weights (F, D) and (D, F), one head of one row.
    """
    q, k, v, alpha, eta, theta = inputs
    current, momenta, read = list(weights), [torch.zeros_like(w) for w in weights], []
    for t in range(len(q)):
        if t % chunk == 0:
            start = [w.detach().requires_grad_() for w in current]
        with torch.enable_grad():
            loss = 0.5 * (start[1] @ F.silu(start[0] @ k[t]) - v[t]).square().sum()
            surprise = torch.autograd.grad(loss, start)
        momenta = [eta[t] * s - theta[t] * u for s, u in zip(momenta, surprise, strict=True)]
        current = [(1 - alpha[t]) * w + s for w, s in zip(current, momenta, strict=True)]
        read.append(current[1] @ F.silu(current[0] @ q[t]))
    return torch.stack(read)


def graves_by_hand(h, eps):
    """Halting of Graves 2016 for one token: probabilities, number of steps, remainder, ponder cost."""
    total, p = 0.0, [0.0] * len(h)
    for n, value in enumerate(h):
        if total + value >= 1 - eps or n == len(h) - 1:
            p[n] = 1 - total
            return p, n + 1, 1 - total, n + 1 + 1 - total
        p[n], total = value, total + value
    return p, 0, 0.0, 0.0


def adaptive_by_token(model, ids_T, threshold):
    """Run one row token by token, in order: each thinks until it halts and leaves its last keys and values behind."""
    cfg, x_Td = model.config, model.backbone(ids_T[None])[0][0]
    left, steps, answers = {}, [], []
    for t in range(len(ids_T)):
        y, z = model.recursion.y0_d, model.recursion.z0_d
        for step in range(cfg.n_sup):
            call = count()
            for _ in range(cfg.n_cycles):
                for _ in range(cfg.n_latent):
                    z = _core_token(model, z + y + x_Td[t], t, (step, next(call), left))
                y = _core_token(model, y + z, t, (step, next(call), left))
            if torch.sigmoid(model.halting(y)) > threshold:
                break
        steps.append(step + 1)
        answers.append(model.logits(y))
    return torch.stack(answers), torch.tensor(steps)


def _core_token(model, h_d, t, where):
    """Apply the small network to token `t`, which attends to what earlier tokens left at the same call."""
    step, call, left = where
    for number, layer in enumerate(model.recursion.layers):
        seen = left.setdefault((call, number), [])
        heads = (layer.attention.qkv.weight @ h_d).view(3, model.config.n_heads, -1)
        q_H1D, k_H1D = (rotate(each[None, :, None], model.config.rope_theta, t)[0] for each in heads[:2])
        seen[t:] = [[*(seen[t] if len(seen) > t else []), (k_H1D, heads[2][:, None])]]
        window = seen[max(0, t - model.config.core_window + 1) :]
        k, v = (torch.cat([each[min(step, len(each) - 1)][i] for each in window], 1) for i in (0, 1))
        weights = (q_H1D @ k.mT / math.sqrt(k.shape[-1])).softmax(-1)
        h_d = unit(h_d + layer.out.weight @ (weights @ v).flatten())
        h_d = unit(h_d + swiglu(h_d, layer.feed_forward))
    return h_d


def unit(x):
    """Scale the last dimension to root-mean-square 1."""
    return x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt()


def swiglu(x, module):
    gate, up = (x @ module.gate_up.weight.T).chunk(2, -1)
    return (F.silu(gate) * up) @ module.out.weight.T
