"""Five sound networks, written before `add_tests` was: not one of them may be told to have a defect.

Shapes: B batch, T time, N set elements, C channels, D width, F features, K classes, H and W height and width.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class CausalTCN(nn.Module):
    """Dilated causal convolutions over a series, `(B, C, T) -> (B, C_out, T)`."""

    def __init__(self, in_channels: int = 4, hidden: int = 12, out_channels: int = 3, levels: int = 3) -> None:
        super().__init__()
        widths = [in_channels, *([hidden] * levels)]
        self.convs = nn.ModuleList(nn.Conv1d(a, b, 3, dilation=2**n) for n, (a, b) in enumerate(pairwise(widths)))
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Conv1d(hidden, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Pad on the left only."""
        for conv in self.convs:
            past = conv.dilation[0] * (conv.kernel_size[0] - 1)
            x = self.dropout(torch.relu(conv(F.pad(x, (past, 0)))))
        return self.head(x)


class SetTransformer(nn.Module):
    """Attention over a set, pooled by a learned query, `(B, N, D) -> (B, K)`."""

    def __init__(self, dim_input: int = 5, dim: int = 16, num_heads: int = 2, num_outputs: int = 3) -> None:
        super().__init__()
        self.project = nn.Linear(dim_input, dim)
        self.encode = nn.MultiheadAttention(dim, num_heads, batch_first=True)
        self.norm = nn.LayerNorm(dim)
        self.seed = nn.Parameter(torch.randn(1, 1, dim))
        self.pool = nn.MultiheadAttention(dim, num_heads, batch_first=True)
        self.out = nn.Linear(dim, num_outputs)

    def forward(self, points: Tensor) -> Tensor:
        """Encode, then pool."""
        h = self.project(points)
        h = self.norm(h + self.encode(h, h, h, need_weights=False)[0])
        seed = self.seed.expand(h.shape[0], -1, -1)
        return self.out(self.pool(seed, h, h, need_weights=False)[0].squeeze(1))


class GRUTagger(nn.Module):
    """A bidirectional GRU that tags tokens, `(B, T) -> (B, T, K)`; `mask` is True where there is a token."""

    def __init__(self, vocab_size: int = 40, embedding_dim: int = 8, hidden_size: int = 10, num_tags: int = 5) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embedding_dim, padding_idx=0)
        self.gru = nn.GRU(embedding_dim, hidden_size, batch_first=True, bidirectional=True)
        self.tags = nn.Linear(2 * hidden_size, num_tags)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Run the GRU over the tokens that are there."""
        lengths = mask.sum(1).cpu()
        packed = pack_padded_sequence(self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=True, total_length=tokens.shape[1])
        return self.tags(states)


class SmallCNN(nn.Module):
    """A classifier of grey pictures with BatchNorm and dropout, `(B, 1, 28, 28) -> (B, K)`."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(nn.Flatten(), nn.Dropout(0.25), nn.Linear(16 * 7 * 7, 10))

    def forward(self, images: Tensor) -> Tensor:
        """Give logits."""
        return self.classifier(self.features(images))


class MixtureDensity(nn.Module):
    """A mixture of Gaussians for every input, `(B, F) -> logits (B, K), means (B, K), scales (B, K)`."""

    def __init__(self, num_features: int, num_hidden: int, num_components: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(num_features, num_hidden), nn.Tanh())
        self.logits = nn.Linear(num_hidden, num_components)
        self.means = nn.Linear(num_hidden, num_components)
        self.log_scales = nn.Linear(num_hidden, num_components)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Give the parameters of the mixture."""
        h = self.body(x)
        return self.logits(h), self.means(h), self.log_scales(h).exp()


MODULES = {
    "CausalTCN": CausalTCN,
    "SetTransformer": SetTransformer,
    "GRUTagger": GRUTagger,
    "SmallCNN": SmallCNN,
    "MixtureDensity": lambda: MixtureDensity(6, 20, 4),
}
