"""Small networks that read any tensors, each of another kind and without a fault.

Shapes: B batch, T positions, N nodes, E edges, C channels, D width, K classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlexpert_nb.verify import JudgeSpec
from mlexpert_nb.verify.checks import TensorModel

C, D, K, T, N, E = 6, 16, 5, 9, 14, 40


def drawn(batch_size, seed):
    """Give a generator, features of positions, and a label for each."""
    generator = torch.Generator().manual_seed(seed)
    x_BTC = torch.randn(batch_size, T, C, generator=generator)
    return generator, x_BTC, torch.randint(K, (batch_size, T), generator=generator)


def sequences(batch_size, seed):
    _, x_BTC, labels_BT = drawn(batch_size, seed)
    return {"x_BTC": x_BTC}, {"labels_BT": labels_BT}


def masked_sequences(batch_size, seed):
    generator, x_BTC, labels_BT = drawn(batch_size, seed)
    lengths_B = torch.randint(4, T, (batch_size,), generator=generator)
    mask_BT = torch.arange(T) < lengths_B[:, None]
    return {"x_BTC": x_BTC, "mask_BT": mask_BT}, {"labels_BT": labels_BT.masked_fill(~mask_BT, -100)}


def graphs(batch_size, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(N, C, generator=generator)
    edge_index = torch.randint(N, (2, E), generator=generator)
    edge_weight = torch.rand(E, generator=generator)
    labels = torch.randint(K, (N,), generator=generator)
    return {"x": x, "edge_index": edge_index, "edge_weight": edge_weight}, {"labels": labels}


def pairs(batch_size, seed):
    generator, x_BTC, _ = drawn(batch_size, seed)
    return {"left_BC": x_BTC[:, 0], "right_BC": torch.randn(batch_size, C, generator=generator)}, {}


def cross_entropy(module, inputs, targets):
    (labels,) = targets.values()
    output = module(**inputs)
    logits = output if isinstance(output, Tensor) else output.logits
    return F.cross_entropy(logits.flatten(0, -2), labels.flatten())


def info_nce(module, inputs, _targets):
    similarity_BB = module(**inputs)["left"] @ module(**inputs)["right"].T
    return F.cross_entropy(similarity_BB, torch.arange(len(similarity_BB)))


class Running(nn.Module):
    """Causal: every position sees the sum of those before it."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Linear(C, D), nn.Linear(D, K)

    def inside(self, x_BTC: Tensor) -> Tensor:
        y_BTD = self.embed(x_BTC).tanh()
        return y_BTD + y_BTD.cumsum(1)

    def forward(self, x_BTC: Tensor):
        return self.head(self.inside(x_BTC))


class Forgetful(Running):
    """Is trained with most of its input left out."""

    def inside(self, x_BTC: Tensor) -> Tensor:
        return super().inside(F.dropout(x_BTC, 0.7, self.training))


class Members(Running):
    """A set: every member sees the mean of all."""

    def inside(self, x_BTC: Tensor) -> Tensor:
        y_BTD = self.embed(x_BTC).tanh()
        return y_BTD + y_BTD.mean(1, keepdim=True)


class Pooled(Members):
    """A set as a whole."""

    def forward(self, x_BTC: Tensor):
        return self.head(self.inside(x_BTC).amax(1))


@dataclass
class Output:
    """What a network with more than one output returns."""

    logits: Tensor
    pooled: tuple[Tensor, None]


class Masked(Members):
    """A set with padding; dropout while it is trained."""

    def forward(self, x_BTC: Tensor, mask_BT: Tensor):
        y_BTD = F.dropout(self.embed(x_BTC).tanh(), 0.1, self.training)
        pooled_BD = (y_BTD * mask_BT[:, :, None]).sum(1) / mask_BT.sum(1, keepdim=True)
        return Output(self.head(y_BTD + pooled_BD[:, None]), (pooled_BD, None))


class Normed(Running):
    """Normalises over the batch while it is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(D)

    def inside(self, x_BTC: Tensor) -> Tensor:
        return self.norm(super().inside(x_BTC).transpose(1, 2)).transpose(1, 2)


class Graph(nn.Module):
    """One round of messages along weighted edges."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Linear(C, D), nn.Linear(2 * D, K)

    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor) -> Tensor:
        y_ND = self.embed(x).tanh()
        sent_ED = y_ND[edge_index[0]] * edge_weight[:, None]
        return self.head(torch.cat([y_ND, torch.zeros_like(y_ND).index_add(0, edge_index[1], sent_ED)], dim=1))


class Adapted(Running):
    """The embedding stays as it is, and a small change of it is learned."""

    def __init__(self) -> None:
        super().__init__()
        self.embed.requires_grad_(requires_grad=False)
        self.change = nn.Linear(C, D)

    def inside(self, x_BTC: Tensor) -> Tensor:
        return super().inside(x_BTC) + self.change(x_BTC)


class Critic(nn.Module):
    """Scores what is real above what is not."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(C, D), nn.Tanh(), nn.Linear(D, 1, bias=False))

    def forward(self, left_BC: Tensor, right_BC: Tensor) -> tuple[Tensor, Tensor]:
        return self.layers(left_BC), self.layers(right_BC)


def wasserstein(module, inputs, _targets):
    """Take the slope at points between the two, which are leaves of the graph and no weights."""
    real_B1, fake_B1 = module(**inputs)
    share_B1 = torch.rand(len(real_B1), 1)
    between_BC = (share_B1 * inputs["left_BC"] + (1 - share_B1) * inputs["right_BC"]).requires_grad_()
    (slope_BC,) = torch.autograd.grad(module.layers(between_BC).sum(), between_BC, create_graph=True)
    return (fake_B1 - real_B1).mean() + 10 * (slope_BC.norm(dim=1) - 1).square().mean()


class Pair(nn.Module):
    """Two views of a thing, compared over the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(C, D), nn.Linear(C, D)

    def forward(self, left_BC: Tensor, right_BC: Tensor) -> dict[str, Tensor]:
        return {"left": self.left(left_BC), "right": self.right(right_BC)}


def of(build, example=sequences, loss=cross_entropy, claims=("batch_independent",), **limits) -> TensorModel:
    return TensorModel(build, example, loss, spec=JudgeSpec("test", **limits), claims=claims)


GRAPH = of(Graph, graphs, claims=("node_equivariant",))
MASKED = of(Masked, masked_sequences, claims=("batch_independent", "padding_invariant:x_BTC:mask_BT"))
PAIR = of(Pair, pairs, info_nce, claims=("batch_independent", "whole_batch"))
POOLED = of(
    Pooled,
    lambda batch_size, seed: (sequences(batch_size, seed)[0], {"labels": drawn(batch_size, seed)[2][:, 0]}),
    claims=("batch_independent", "permutation_invariant:x_BTC"),
)
GOOD: Mapping[str, TensorModel] = {
    "causal": of(Running, claims=("batch_independent", "causal:x_BTC")),
    "members": of(Members, claims=("batch_independent", "permutation_equivariant:x_BTC")),
    "pooled": POOLED,
    "masked": MASKED,
    "batch-norm": of(Normed),
    "dropout": of(Forgetful),
    "graph": GRAPH,
    "adapted": of(Adapted, claims=("batch_independent", "frozen")),
    "critic": of(Critic, pairs, wasserstein),
    "pair": PAIR,
    "claims-nothing": of(Members, claims=()),
}
