"""Slow, literal versions of a long-term memory's equations: a loop over tokens, and autograd for two layers.

Shapes: G rows times heads, T tokens, D head size, F hidden size.
"""

import torch
from torch.nn import functional as F


def memory_inputs(rows=3, tokens=11, dim=4, dtype=torch.float64):
    """Draw unit queries and keys, free values, and gates that really forget, carry and learn."""
    q, k, v = torch.randn(3, rows, tokens, dim, dtype=dtype)
    alpha, eta, theta = torch.rand(3, rows, tokens, dtype=dtype)
    return F.normalize(q, dim=-1), F.normalize(k, dim=-1), v, 0.5 * alpha, eta, theta


def memory_loop(inputs, M, S, frozen=0):
    """Follow Titans eq. 12 to 15, one token at a time; the memory maps a key (row) to a value (column).

    With `frozen` the error of a token is taken at the memory from which its chunk of so many tokens started (eq. 16).
    """
    q, k, v, alpha, eta, theta = inputs
    read, start = [], M
    for t in range(q.shape[1]):
        start = M if not frozen or t % frozen == 0 else start
        error = torch.einsum("gk,gkv->gv", k[:, t], start) - v[:, t]
        S = eta[:, t, None, None] * S - theta[:, t, None, None] * torch.einsum("gk,gv->gkv", k[:, t], error)
        M = (1 - alpha[:, t, None, None]) * M + S
        read.append(torch.einsum("gk,gkv->gv", q[:, t], M))
    return torch.stack(read, 1), M, S


def two_layer_loop(inputs, weights, chunk):
    """Do so for M(x) = W2 silu(W1 x) of one row, weights (F, D) and (D, F), with autograd at each chunk's start."""
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
