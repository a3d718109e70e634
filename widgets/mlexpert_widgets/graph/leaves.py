"""What torch's own layers give and cost, from shapes alone: a layer that is known need not run.

A rule gives the output's shape and the floating point operations, a multiply-add counted as two, or nothing where the
layer must run after all, so that an input that does not fit meets the layer's own error.
"""

import math
from collections.abc import Callable, Mapping

from torch import Tensor, nn

Shape = tuple[int, ...]
Rule = Callable[[nn.Module, Tensor], "tuple[Shape, int] | None"]


def linear(layer: nn.Linear, x: Tensor) -> tuple[Shape, int] | None:
    """Give shape and cost of `x @ weight.T + bias`."""
    if not x.dim() or x.shape[-1] != layer.in_features or x.dtype != layer.weight.dtype:
        return None
    shape = (*x.shape[:-1], layer.out_features)
    return shape, 2 * math.prod(shape) * layer.in_features


def convolution(layer: "nn.modules.conv._ConvNd", x: Tensor) -> tuple[Shape, int] | None:
    """Give shape and cost of a convolution over a batch."""
    size = len(layer.kernel_size)
    if x.dim() != size + 2 or x.shape[1] != layer.in_channels or x.dtype != layer.weight.dtype:
        return None
    if layer.padding_mode != "zeros" or isinstance(layer.padding, str):
        return None
    places = zip(x.shape[2:], layer.kernel_size, layer.stride, layer.padding, layer.dilation, strict=True)
    spatial = tuple((n + 2 * int(p) - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in places)
    if min(spatial) < 1:
        return None
    shape = (x.shape[0], layer.out_channels, *spatial)
    return shape, 2 * math.prod(shape) * (layer.in_channels // layer.groups) * math.prod(layer.kernel_size)


def embedding(layer: nn.Embedding, x: Tensor) -> tuple[Shape, int] | None:
    """Give the shape of a look-up."""
    return None if x.is_floating_point() else ((*x.shape, layer.embedding_dim), 0)


def normalization(layer: nn.LayerNorm, x: Tensor) -> tuple[Shape, int] | None:
    """Give the shape of a norm over the last dimensions."""
    fits = tuple(x.shape[-len(layer.normalized_shape) :]) == tuple(layer.normalized_shape)
    return (tuple(x.shape), 0) if fits and x.is_floating_point() else None


def channels(layer: nn.BatchNorm1d, x: Tensor) -> tuple[Shape, int] | None:
    """Give the shape of a norm over channels."""
    count = getattr(layer, "num_features", None) or getattr(layer, "num_channels", None)
    return (tuple(x.shape), 0) if x.dim() > 1 and x.shape[1] == count and x.is_floating_point() else None


def same(_layer: nn.Module, x: Tensor) -> tuple[Shape, int] | None:
    """Give the shape of what works element by element."""
    return tuple(x.shape), 0


_SAME = (
    *(nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout),
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Sigmoid, nn.Tanh),
    *(nn.Hardswish, nn.Hardsigmoid, nn.Hardtanh, nn.Softplus, nn.Softsign, nn.LogSigmoid, nn.Softmax, nn.LogSoftmax),
)
RULES: Mapping[type[nn.Module], Rule] = {
    nn.Linear: linear,  # type: ignore[dict-item]  # each rule takes its own layer
    nn.Conv1d: convolution,  # type: ignore[dict-item]  # each rule takes its own layer
    nn.Conv2d: convolution,  # type: ignore[dict-item]  # each rule takes its own layer
    nn.Conv3d: convolution,  # type: ignore[dict-item]  # each rule takes its own layer
    nn.Embedding: embedding,  # type: ignore[dict-item]  # each rule takes its own layer
    nn.LayerNorm: normalization,  # type: ignore[dict-item]  # each rule takes its own layer
    nn.RMSNorm: normalization,  # type: ignore[dict-item]  # each rule takes its own layer
    nn.BatchNorm1d: channels,  # type: ignore[dict-item]  # each rule takes its own layer
    nn.BatchNorm2d: channels,  # type: ignore[dict-item]  # each rule takes its own layer
    nn.BatchNorm3d: channels,  # type: ignore[dict-item]  # each rule takes its own layer
    nn.GroupNorm: channels,  # type: ignore[dict-item]  # each rule takes its own layer
    **dict.fromkeys(_SAME, same),
}


def recurrent_flops(layer: nn.RNNBase, x: Tensor) -> int:
    """Give the cost of a recurrent layer: the products of every gate with the input and the state, at every step."""
    gates = {"LSTM": 4, "GRU": 3}.get(layer.mode, 1)
    directions = 2 if layer.bidirectional else 1
    places = math.prod(x.shape[:-1])
    hidden = layer.hidden_size
    state = layer.proj_size or hidden
    flops = 0
    for depth in range(layer.num_layers):
        width = layer.input_size if depth == 0 else state * directions
        flops += 2 * places * directions * (gates * hidden * (width + state) + layer.proj_size * hidden)
    return flops
