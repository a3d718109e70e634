"""Five networks with one planted defect each, written before `add_tests` was.

Shapes: B batch, T time, C channels, D width, F features, K classes.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class CausalConvLM(nn.Module):
    """A causal convolutional language model, `(B, T) -> (B, T, V)`; it pads on both sides, and so sees the future."""

    def __init__(self, vocab_size: int = 30, dim: int = 12) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocab_size, dim)
        self.conv = nn.Conv1d(dim, dim, 3, padding=1)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, vocab_size)

    def forward(self, input_ids: Tensor) -> Tensor:
        """Give the logits of the next token."""
        x = self.embed(input_ids)
        x = x + torch.relu(self.conv(x.transpose(1, 2))).transpose(1, 2)
        return self.head(self.norm(x))


class StandardisedMLP(nn.Module):
    """A regressor that standardises its input by the batch at hand, also when it is used: rows see each other."""

    def __init__(self, in_features: int = 7, hidden: int = 16) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(in_features, hidden), nn.SiLU(), nn.Linear(hidden, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Give one number a row."""
        x = (x - x.mean(0)) / (x.std(0) + 1e-5)
        return self.net(x).squeeze(-1)


class ListResNet(nn.Module):
    """A residual network over features whose blocks stand in a plain list: no optimiser ever sees them."""

    def __init__(self, features: int = 9, depth: int = 3, num_classes: int = 4) -> None:
        super().__init__()
        self.stem = nn.Linear(features, 16)
        self.blocks = [nn.Sequential(nn.LayerNorm(16), nn.Linear(16, 16), nn.GELU()) for _ in range(depth)]
        self.head = nn.Linear(16, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Give logits."""
        h = self.stem(x)
        for block in self.blocks:
            h = h + block(h)
        return self.head(h)


class FunctionalDropoutCNN(nn.Module):
    """A picture classifier, `(B, 3, 32, 32) -> (B, 10)`, whose dropout is never switched off."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1)
        self.fc = nn.Linear(8 * 8 * 8, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Give logits."""
        h = F.max_pool2d(torch.relu(self.conv1(images)), 2)
        h = F.max_pool2d(torch.relu(self.conv2(h)), 2)
        return self.fc(F.dropout(h.flatten(1), 0.3))


class MeanPooledEncoder(nn.Module):
    """A sentence encoder, `(B, T) -> (B, D)`; attention heeds the mask, the mean over tokens does not."""

    def __init__(self, vocab_size: int = 50, dim: int = 16, num_heads: int = 4) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocab_size, dim)
        self.layer = nn.TransformerEncoderLayer(dim, num_heads, 32, dropout=0.0, batch_first=True)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Give one vector a sentence."""
        x = self.layer(self.embed(input_ids), src_key_padding_mask=~attention_mask.bool())
        return x.mean(1)


MODULES = {
    "CausalConvLM": (CausalConvLM, "causality"),
    "StandardisedMLP": (StandardisedMLP, "batch_independence"),
    "ListResNet": (ListResNet, "parameters_registered"),
    "FunctionalDropoutCNN": (FunctionalDropoutCNN, "determinism"),
    "MeanPooledEncoder": (MeanPooledEncoder, "padding_invariance"),
}
