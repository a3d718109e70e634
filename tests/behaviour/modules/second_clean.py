"""Five more sound networks, written after `add_tests` was finished, to see whether it was fitted to the first ten.

Shapes: B batch, T time, C channels, D width, F features, H and W height and width, K classes.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class TinyGPTConfig:
    """Sizes of `TinyGPT`."""

    vocab_size: int = 37
    context_length: int = 24
    dim: int = 16
    num_heads: int = 4
    num_layers: int = 2


class TinyGPT(nn.Module):
    """A GPT with learned positions and tied embeddings, `(B, T) -> (B, T, V)`."""

    def __init__(self, config: TinyGPTConfig) -> None:
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(config.vocab_size, config.dim)
        self.positions = nn.Embedding(config.context_length, config.dim)
        self.qkv = nn.ModuleList(nn.Linear(config.dim, 3 * config.dim) for _ in range(config.num_layers))
        self.out = nn.ModuleList(nn.Linear(config.dim, config.dim) for _ in range(config.num_layers))
        self.norm = nn.LayerNorm(config.dim)
        self.head = nn.Linear(config.dim, config.vocab_size, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Give logits, and the loss where there are targets."""
        x = self.tokens(idx) + self.positions(torch.arange(idx.shape[1], device=idx.device))
        for qkv, out in zip(self.qkv, self.out, strict=True):
            q, k, v = (
                each.unflatten(-1, (self.config.num_heads, -1)).transpose(1, 2) for each in qkv(x).chunk(3, dim=-1)
            )
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + out(y.transpose(1, 2).flatten(2))
        logits = self.head(self.norm(x))
        loss = None if targets is None else F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        return logits, loss


class UNetMini(nn.Module):
    """A segmentation network with a skip connection, `(B, 3, H, W) -> (B, K, H, W)`."""

    def __init__(self, num_classes: int = 4, width: int = 8) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(3, width, 3, padding=1), nn.GroupNorm(2, width), nn.SiLU())
        self.middle = nn.Sequential(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), nn.SiLU())
        self.up = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.head = nn.Conv2d(2 * width, num_classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Go down, up, and join."""
        skip = self.down(image)
        return self.head(torch.cat([skip, self.up(self.middle(skip))], dim=1))


class TimeConditionedMLP(nn.Module):
    """The denoiser of a toy diffusion model: it reads points and the time of each, `(B, D), (B,) -> (B, D)`."""

    def __init__(self, dim: int = 2, hidden: int = 24) -> None:
        super().__init__()
        self.register_buffer("frequencies", 2.0 ** torch.arange(6), persistent=False)
        self.time = nn.Linear(12, hidden)
        self.enter, self.leave = nn.Linear(dim, hidden), nn.Linear(hidden, dim)
        nn.init.zeros_(self.leave.weight)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """Predict the noise."""
        angles = t[:, None] * self.frequencies
        h = self.enter(x) + self.time(torch.cat([angles.sin(), angles.cos()], dim=-1))
        return self.leave(F.silu(h))


class AutoEncoder(nn.Module):
    """A variational autoencoder that draws only while it is trained, `(B, F) -> (reconstruction, mean, logvar)`."""

    def __init__(self, input_dim: int = 30, latent: int = 3) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(input_dim, 16), nn.ReLU(), nn.Linear(16, 2 * latent))
        self.decoder = nn.Sequential(nn.Linear(latent, 16), nn.ReLU(), nn.Linear(16, input_dim), nn.Sigmoid())

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Encode, draw, decode."""
        mean, logvar = self.encoder(x).chunk(2, dim=-1)
        z = mean + torch.randn_like(mean) * (0.5 * logvar).exp() if self.training else mean
        return {"reconstruction": self.decoder(z), "mean": mean, "logvar": logvar}


class AttentionPooling(nn.Module):
    """Attention over the words of a text with padding, `(B, T), (B, T) -> (B, K)`; the mask is True at padding."""

    def __init__(self, num_embeddings: int, dim: int, num_classes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_embeddings, dim)
        self.score = nn.Linear(dim, 1)
        self.dropout = nn.Dropout(0.2)
        self.classify = nn.Linear(dim, num_classes)

    def forward(self, words: Tensor, padding_mask: Tensor | None = None) -> Tensor:
        """Weigh the words."""
        x = self.embedding(words)
        scores = self.score(x).squeeze(-1)
        if padding_mask is not None:
            scores = scores.masked_fill(padding_mask, float("-inf"))
        pooled = (scores.softmax(-1)[..., None] * x).sum(1)
        return self.classify(self.dropout(pooled))


MODULES = {
    "TinyGPT": lambda: TinyGPT(TinyGPTConfig()),
    "UNetMini": UNetMini,
    "TimeConditionedMLP": TimeConditionedMLP,
    "AutoEncoder": AutoEncoder,
    "AttentionPooling": lambda: AttentionPooling(45, 12, 3),
}
