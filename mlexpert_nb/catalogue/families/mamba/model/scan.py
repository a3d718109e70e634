"""The selective scan: the recurrence of the state space over all tokens, with a backward pass of its own.

Paper: Gu and Dao 2023, arXiv:2312.00752; eq. 2 (recurrence), eq. 4 (discretisation), algorithm 2 (selection), section
3.3.2 (states are computed again in the backward pass instead of being kept).

    h_t = exp(step_t A) h_{t-1} + step_t B_t u_t
    y_t = C_t h_t

One step is one multiply-add. Everything else is done for a chunk of tokens at once, which stays in the cache; of the
states, only those between chunks are kept for the backward pass.

Shapes: B batch, T tokens, L tokens of a chunk, E channels, N numbers that a channel remembers.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

CHUNK = 32  # tokens; a few of them cost more time in calls, many of them more in memory traffic


def selective_scan(  # noqa: PLR0913, PLR0917 - the arguments are the paper's symbols
    u_BTE: Tensor, step_BTE: Tensor, A_EN: Tensor, B_BTN: Tensor, C_BTN: Tensor, h_BEN: Tensor
) -> tuple[Tensor, Tensor]:
    """Run the state space over the tokens; every tensor has the same number type.

    Args:
        u_BTE: What is written.
        step_BTE: Step size of each channel; long steps forget more and write more.
        A_EN: Rates, negative.
        B_BTN: Where each token writes.
        C_BTN: Where each token reads.
        h_BEN: State before the first token; left as it was.

    Returns:
        What is read, (B, T, E), and the state after the last token.
    """
    apply: Any = _SelectiveScan.apply
    y_BTE, h_BEN = apply(u_BTE, step_BTE, A_EN, B_BTN, C_BTN, h_BEN)
    return y_BTE, h_BEN


class _SelectiveScan(torch.autograd.Function):
    @staticmethod
    def forward(  # noqa: PLR0913, PLR0917 - the arguments are the paper's symbols
        ctx: Any, u_BTE: Tensor, step_BTE: Tensor, A_EN: Tensor, B_BTN: Tensor, C_BTN: Tensor, h_BEN: Tensor
    ) -> tuple[Tensor, Tensor]:
        starts, reads = [], []
        for u_BLE, step_BLE, B_BLN, C_BLN in _chunks(u_BTE, step_BTE, B_BTN, C_BTN):
            starts.append(h_BEN)
            _, h_BLEN = _states(step_BLE, step_BLE * u_BLE, A_EN, B_BLN, h_BEN)
            reads.append((h_BLEN @ C_BLN[..., None]).squeeze(-1))
            h_BEN = h_BLEN[:, -1].clone()  # a view would keep the whole chunk alive
        ctx.save_for_backward(u_BTE, step_BTE, A_EN, B_BTN, C_BTN, *starts)
        return torch.cat(reads, dim=1), h_BEN

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy_BTE: Tensor, dh_BEN: Tensor) -> tuple[Tensor, ...]:
        u_BTE, step_BTE, A_EN, B_BTN, C_BTN, *starts = ctx.saved_tensors
        dA_EN, parts = torch.zeros_like(A_EN), []
        chunks = list(_chunks(u_BTE, step_BTE, B_BTN, C_BTN, dy_BTE))
        for (u_BLE, step_BLE, B_BLN, C_BLN, dy_BLE), h_BEN in zip(reversed(chunks), reversed(starts), strict=True):
            write_BLE = step_BLE * u_BLE
            keep_BLEN, h_BLEN = _states(step_BLE, write_BLE, A_EN, B_BLN, h_BEN)
            dh_BLEN, dh_BEN = _state_gradients(dy_BLE, C_BLN, keep_BLEN, dh_BEN)
            dC_BLN = (dy_BLE[:, :, None, :] @ h_BLEN).squeeze(2)
            dB_BLN = (write_BLE[:, :, None, :] @ dh_BLEN).squeeze(2)
            dwrite_BLE = (dh_BLEN @ B_BLN[..., None]).squeeze(-1)
            drate_BLEN = keep_BLEN.mul_(dh_BLEN)  # gradient of step times A: dh_t keep_t h_{t-1}
            drate_BLEN[:, 1:].mul_(h_BLEN[:, :-1])
            drate_BLEN[:, 0].mul_(h_BEN)
            dstep_BLE = (drate_BLEN * A_EN).sum(-1).addcmul_(dwrite_BLE, u_BLE)
            dA_EN += drate_BLEN.mul_(step_BLE[..., None]).sum((0, 1))
            parts.append((dwrite_BLE * step_BLE, dstep_BLE, dB_BLN, dC_BLN))
        du_BTE, dstep_BTE, dB_BTN, dC_BTN = (torch.cat(each[::-1], dim=1) for each in zip(*parts, strict=True))
        return du_BTE, dstep_BTE, dA_EN, dB_BTN, dC_BTN, dh_BEN


def _chunks(*tensors: Tensor) -> Any:
    return zip(*(tensor.split(CHUNK, dim=1) for tensor in tensors), strict=True)


def _states(step_BLE: Tensor, write_BLE: Tensor, A_EN: Tensor, B_BLN: Tensor, h_BEN: Tensor) -> tuple[Tensor, Tensor]:
    """Give what is kept from token to token, (B, L, E, N), and the states, (B, L, E, N)."""
    keep_BLEN = torch.exp(step_BLE[..., None] * A_EN)
    h_BLEN = write_BLE[..., None] * B_BLN[:, :, None, :]
    for keep, written in zip(keep_BLEN.unbind(1), h_BLEN.unbind(1), strict=True):
        h_BEN = written.addcmul_(keep, h_BEN)
    return keep_BLEN, h_BLEN


def _state_gradients(dy_BLE: Tensor, C_BLN: Tensor, keep_BLEN: Tensor, dh_BEN: Tensor) -> tuple[Tensor, Tensor]:
    """Give the gradients of the states of a chunk, and of the state before it; the recurrence runs backwards."""
    dh_BLEN = dy_BLE[..., None] * C_BLN[:, :, None, :]
    for keep, gradient in zip(reversed(keep_BLEN.unbind(1)), reversed(dh_BLEN.unbind(1)), strict=True):
        dh_BEN = gradient.add_(dh_BEN) * keep
    return dh_BLEN, dh_BEN
