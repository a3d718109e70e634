"""Networks after an examination from outside: what was refused, missed or wrongly told there, each at its smallest.

Shapes: B batch, T time, S time of a source, D width, F features, K classes, N nodes, E edges.
"""

import torch
from torch import Tensor, nn

MASK_BT = torch.tensor([[1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 0, 0], [1, 1, 1, 0, 0, 0, 0]]).bool()


class MaskedMean(nn.Module):
    """The mean of what a mask keeps, `(B, T, F), (B, T) -> (B, K)`."""

    def __init__(self, num_features: int = 4) -> None:
        super().__init__()
        self.head = nn.Linear(num_features, 2)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Pool."""
        kept = mask.unsqueeze(-1).to(x.dtype)
        return self.head((x * kept).sum(1) / kept.sum(1).clamp(min=1))


class OffByOneMask(nn.Module):
    """The mean over the tokens of a row, one too many, `(B, T), (B, T) -> (B, T, K)`."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(20, 8), nn.Linear(8, 3)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Turned round, the mask leaves so little that the fault does not show."""
        x = self.embed(tokens)
        places = torch.arange(tokens.shape[1], device=tokens.device)
        kept = (places <= mask.sum(1, keepdim=True)).to(x.dtype)
        return self.head(x + (x * kept[..., None]).sum(1, keepdim=True) / kept.sum(1)[:, None, None])


class SpectralFilter(nn.Module):
    """A filter of complex weights over the spectrum of a signal, `(B, 2, T) -> (B, 2, T)`."""

    def __init__(self, channels: int = 2, modes: int = 5) -> None:
        super().__init__()
        self.modes = modes
        self.weight = nn.Parameter(0.5 * torch.randn(channels, modes, dtype=torch.cfloat))

    def forward(self, signal: Tensor) -> Tensor:
        """Weigh the low frequencies."""
        spectrum = torch.fft.rfft(signal, norm="ortho")
        low = spectrum[..., : self.modes] * self.weight
        rest = spectrum.shape[-1] - self.modes
        return torch.fft.irfft(nn.functional.pad(low, (0, rest)), n=signal.shape[-1], norm="ortho")


class RandomField(nn.Module):
    """Random Fourier features in a buffer that is not saved, `(B, F) -> (B, K)`."""

    def __init__(self, num_features: int = 3) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.randn(num_features, 8), persistent=False)
        self.head = nn.Linear(8, 2)

    def forward(self, coords: Tensor) -> Tensor:
        """Project, then read off."""
        return self.head((coords @ self.frequencies).sin())


class LazyClassifier(nn.Module):
    """A classifier of pictures that takes its sizes from the first, `(B, C, H, W) -> (B, K)`."""

    def __init__(self, num_classes: int = 4) -> None:
        super().__init__()
        self.conv, self.head = nn.LazyConv2d(6, 3, stride=2), nn.LazyLinear(num_classes)

    def forward(self, image: Tensor) -> Tensor:
        """Give logits."""
        return self.head(torch.relu(self.conv(image)).flatten(1))


class GraphMean(nn.Module):
    """The mean of the neighbours, `(N, F), (2, E), (E, 1) -> (N, K)`; with `places` nodes know their number."""

    def __init__(self, *, places: bool = False) -> None:
        super().__init__()
        self.places = places
        self.own, self.near = nn.Linear(4, 3), nn.Linear(4, 3, bias=False)

    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor) -> Tensor:
        """Gather from the neighbours."""
        start, end = edge_index
        total = torch.zeros_like(x).index_add(0, end, x[start] * edge_weight)
        given = self.own(x) + self.near(total)
        count = torch.arange(x.shape[0], dtype=x.dtype, device=x.device)
        return given + self.places * 0.1 * count[:, None]


class Translator(nn.Module):
    """From a source with padding to a target of another length, `(B, S), (B, T), (B, S) -> (B, T, V)`."""

    def __init__(self, src_vocab: int = 15, tgt_vocab: int = 17, dim: int = 8) -> None:
        super().__init__()
        self.source, self.target = nn.Embedding(src_vocab, dim), nn.Embedding(tgt_vocab, dim)
        self.decoder, self.head = nn.GRU(dim, dim, batch_first=True), nn.Linear(dim, tgt_vocab)

    def forward(self, src: Tensor, tgt: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """Attend to the source from each step."""
        memory = self.source(src)
        x, _ = self.decoder(self.target(tgt))
        weights = (x @ memory.transpose(1, 2)).masked_fill(~valid[:, None], float("-inf")).softmax(-1)
        return self.head(x + weights @ memory), weights


class ColumnTable(nn.Module):
    """A table with an embedding for each column, of which one knows fewer ids, `(B, 2) -> (B, D)`."""

    def __init__(self, sizes: tuple[int, int] = (2, 6), dim: int = 4) -> None:
        super().__init__()
        self.columns = nn.ModuleList(nn.Embedding(size, dim) for size in sizes)

    def forward(self, rows: Tensor) -> Tensor:
        """Add the columns."""
        return self.columns[0](rows[:, 0]) + self.columns[1](rows[:, 1])


class PairedTowers(nn.Module):
    """Two inputs in one argument and two more in another; with `cut` one tower gets no gradient."""

    def __init__(self, *, cut: bool = False) -> None:
        super().__init__()
        self.cut = cut
        self.left, self.right = nn.Linear(5, 4), nn.Embedding(9, 4)

    def forward(self, pair: tuple[Tensor, Tensor], more: dict[str, Tensor]) -> Tensor:
        """Multiply the towers."""
        left = self.left(pair[0])
        left = left.detach() if self.cut else left
        return (left * self.right(pair[1])).sum(-1) * more["scale"] + more["shift"]


class OwnState(nn.Module):
    """A GRU whose first state is made in the default kind of number, `(B, T, F) -> (B, K)`."""

    def __init__(self) -> None:
        super().__init__()
        self.gru, self.head = nn.GRU(6, 8, batch_first=True), nn.Linear(8, 2)

    def forward(self, series: Tensor) -> Tensor:
        """Run from zeros."""
        state = torch.zeros(1, series.shape[0], 8, device=series.device)
        return self.head(self.gru(series, state)[0][:, -1])


class LargeConstant(nn.Module):
    """Attention pooling with a constant that float16 does not hold, `(B, T, F), (B, T) -> (B, F)`."""

    def __init__(self, num_features: int = 4) -> None:
        super().__init__()
        self.score = nn.Linear(num_features, 1)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        """Weigh what is there."""
        scores = self.score(x).squeeze(-1).masked_fill(~valid, -1e9)
        return (scores.softmax(1)[..., None] * x).sum(1)


def _graph() -> tuple[Tensor, Tensor, Tensor]:
    return torch.randn(9, 4), torch.randint(0, 9, (2, 20)), torch.rand(20, 1)


def _pair() -> tuple[object, object]:
    return (torch.randn(4, 5), torch.randint(0, 9, (4,))), {"scale": torch.randn(4), "shift": torch.randn(4)}


def _sentences() -> dict[str, Tensor]:
    valid = torch.arange(9) < torch.tensor([[9], [6]])
    return {"src": torch.randint(0, 15, (2, 9)), "tgt": torch.randint(0, 17, (2, 6)), "valid": valid}


def _rows() -> Tensor:
    return torch.stack([torch.arange(6) % 2, torch.arange(6)], dim=1)


NO_EXAMPLE = type(None)
CLEAN = {  # name: how it is built, its examples, its claims
    "bool_mask": (MaskedMean, lambda: (torch.randn(3, 7, 4), MASK_BT), ()),
    "int_mask": (MaskedMean, lambda: (torch.randn(3, 7, 4), MASK_BT.long()), ()),
    "float_mask": (MaskedMean, lambda: (torch.randn(3, 7, 4), MASK_BT.float()), ()),
    "complex": (SpectralFilter, lambda: torch.randn(2, 2, 32), ()),
    "lazy": (LazyClassifier, lambda: torch.randn(2, 3, 9, 9), ()),
    "graph": (GraphMean, _graph, ("node_equivariant",)),
    "translator": (Translator, _sentences, ("causal:tgt", "padding_invariant:src:valid")),
    "table": (ColumnTable, _rows, ()),
    "nested": (PairedTowers, _pair, ()),
}
BROKEN = {  # and the behaviour that is broken, with the one test that must fail
    "mask": (
        OffByOneMask,
        NO_EXAMPLE,
        ("padding_invariant:tokens:mask",),
        ("padding_invariance:tokens:mask", "test_what_the_mask_leaves_out_does_not_count"),
    ),
    "buffer": (RandomField, NO_EXAMPLE, (), ("save_load", "test_saved_and_loaded_it_gives_the_same")),
    "places": (
        lambda: GraphMean(places=True),
        _graph,
        ("node_equivariant",),
        ("node_equivariance", "test_outputs_follow_the_order_of_the_nodes"),
    ),
    "cut": (lambda: PairedTowers(cut=True), _pair, (), ("gradients", "test_a_gradient_reaches_every_parameter")),
    "state": (OwnState, NO_EXAMPLE, (), ("dtype:float64", "test_it_stays_in_the_kind_of_number_it_is_given")),
    "constant": (
        LargeConstant,
        lambda: (torch.randn(3, 7, 4), MASK_BT),
        (),
        ("dtype:float16", "test_it_stays_in_the_kind_of_number_it_is_given"),
    ),
}
