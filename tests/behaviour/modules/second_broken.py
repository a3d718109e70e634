"""Five more networks with one planted defect each, written after `add_tests` was finished.

Shapes: B batch, T time, D width, F features, K classes.
"""

import torch
from torch import Tensor, nn


class RunningGRU(nn.Module):
    """A forecaster that goes on from the hidden state of the call before, `(B, T, F) -> (B, 1)`."""

    def __init__(self, input_size: int = 3, hidden_size: int = 8) -> None:
        super().__init__()
        self.gru = nn.GRU(input_size, hidden_size, batch_first=True)
        self.head = nn.Linear(hidden_size, 1)
        self.hidden = None

    def forward(self, series: Tensor) -> Tensor:
        """Give a forecast."""
        states, hidden = self.gru(series, self.hidden)
        self.hidden = hidden.detach()
        return self.head(states[:, -1])


class TwoTowerNet(nn.Module):
    """Two towers, of which one is cut off from the gradient by `.data`, `(B, F) -> (B, K)`."""

    def __init__(self, in_features: int = 11, num_classes: int = 3) -> None:
        super().__init__()
        self.deep = nn.Sequential(nn.Linear(in_features, 16), nn.ReLU(), nn.Linear(16, num_classes))
        self.wide = nn.Linear(in_features, num_classes)

    def forward(self, features: Tensor) -> Tensor:
        """Add the towers."""
        return self.wide(features) + self.deep(features).data


class RandomProjection(nn.Module):
    """Random Fourier features whose random matrix is a plain tensor: it is not saved, `(B, F) -> (B, K)`."""

    def __init__(self, num_features: int = 5, num_random: int = 32, num_classes: int = 2) -> None:
        super().__init__()
        self.projection = torch.randn(num_features, num_random)
        self.head = nn.Linear(2 * num_random, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Project, then classify."""
        angles = x @ self.projection.to(x.dtype)
        return self.head(torch.cat([angles.cos(), angles.sin()], dim=-1))


class DecoderBlock(nn.Module):
    """An autoregressive block whose softmax is taken over the queries, `(B, T, D) -> (B, T, D)`."""

    def __init__(self, d_model: int = 12) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(d_model, d_model) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        """Attend to the past."""
        scores = self.query(x) @ self.key(x).transpose(1, 2) / x.shape[-1] ** 0.5
        future = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).triu(1)
        weights = scores.masked_fill(future, float("-inf")).softmax(dim=1)
        return x + weights @ self.value(x)


class InPlaceNormaliser(nn.Module):
    """A classifier of spectra that subtracts the mean in the caller's own tensor, `(B, F) -> (B, K)`."""

    def __init__(self, num_bands: int = 14, num_classes: int = 4) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(num_bands, 20), nn.Tanh(), nn.Linear(20, num_classes))

    def forward(self, spectra: Tensor) -> Tensor:
        """Centre, then classify."""
        spectra -= spectra.mean(dim=1, keepdim=True)
        return self.net(spectra)


MODULES = {
    "RunningGRU": (RunningGRU, "no_state_leak"),
    "TwoTowerNet": (TwoTowerNet, "gradients"),
    "RandomProjection": (RandomProjection, "save_load"),
    "DecoderBlock": (DecoderBlock, "causality"),
    "InPlaceNormaliser": (InPlaceNormaliser, "inputs_untouched"),
}
