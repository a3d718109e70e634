"""Mamba beside transformers' MambaForCausalLM, and its scan beside mambapy's."""

import types

import pytest
import torch
from mambapy.pscan import pscan
from torch.nn import functional as F
from transformers import MambaConfig, MambaForCausalLM
from transformers.models.mamba import modeling_mamba

from mlexpert_nb.catalogue.families.mamba.model.mamba import build_model
from mlexpert_nb.catalogue.families.mamba.model.scan import selective_scan

pytestmark = pytest.mark.oracle

MINI = {"hidden_size": 256, "num_hidden_layers": 8, "state_size": 16, "conv_kernel": 4, "time_step_rank": 16}
ODD = {"hidden_size": 20, "num_hidden_layers": 3, "state_size": 5, "conv_kernel": 3, "time_step_rank": 7}


@pytest.fixture
def exact(monkeypatch):
    """Let the oracle compute in float64 throughout; it casts norms and scan to float32 whatever its weights are."""
    double = types.SimpleNamespace(**{**vars(torch), "float32": torch.float64})
    monkeypatch.setattr(modeling_mamba, "torch", double)
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)


def pair(sizes, dtype, vocab_size, noise=0.02):
    """Give our network and theirs with the same weights, all of them random, in evaluation mode."""
    theirs = (
        MambaForCausalLM(MambaConfig(vocab_size=vocab_size, expand=2, initializer_range=0.02, **sizes)).to(dtype).eval()
    )
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(noise * torch.randn_like(parameter))
    ours = build_model(vocab_size=vocab_size, intermediate_size=2 * sizes["hidden_size"], **sizes).to(dtype).eval()
    ours.load_state_dict(renamed(theirs.state_dict()))
    return ours, theirs


def renamed(state):
    """Give their weights under our names."""
    names = {name: name.removeprefix("backbone.").replace("mixer.", "").replace("conv1d", "conv") for name in state}
    names = {name: own.replace("embeddings.", "embedding.").replace("norm_f.", "norm.") for name, own in names.items()}
    return {own: state[name] for name, own in names.items() if name != "lm_head.weight"}


def gap(left, right):
    return (left - right).abs().max().item()


def differences(sizes, dtype, vocab_size, noise=0.02):
    """Give the largest differences of the logits and of the gradients of the loss."""
    ours, theirs = pair(sizes, dtype, vocab_size, noise)
    ids = torch.randint(vocab_size, (2, 70))
    found, expected = ours(ids), theirs(ids).logits
    for logits in (found, expected):
        F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten()).backward()
    wanted = renamed({name: each.grad for name, each in theirs.named_parameters()})
    gradient = max(gap(each.grad, wanted[name]) for name, each in ours.named_parameters())
    counts = [sum(p.numel() for p in model.parameters()) for model in (ours, theirs)]
    return gap(found, expected), gradient, counts


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize(("sizes", "words"), [(MINI, 32000), (ODD, 101)])
def test_it_is_the_mamba_of_transformers(figures, sizes, words):
    output, gradient, counts = differences(sizes, torch.float64, words)
    oracle = f"transformers MambaForCausalLM ({sizes['num_hidden_layers']} layers of {sizes['hidden_size']})"
    figures.add("mamba", oracle, output=output, gradient=gradient, parameters=counts)


def test_so_it_is_in_single_precision(figures):
    output, _, counts = differences(MINI, torch.float32, 32000, noise=0.0)
    figures.add("mamba", "transformers MambaForCausalLM (float32)", output_float32=output, parameters=counts)


@pytest.mark.usefixtures("exact")
def test_its_stream_is_the_cache_of_transformers(figures):
    ours, theirs = pair(ODD, torch.float64, 101)
    ids = torch.randint(101, (2, 12))
    (found, state), expected = ours.stream(ids[:, :6]), theirs(ids[:, :6], use_cache=True)
    differences = [gap(found[:, -1], expected.logits[:, -1])]
    for t in range(6, 12):
        found, state = ours.stream(ids[:, t : t + 1], state)
        expected = theirs(ids[:, t : t + 1], cache=expected.cache, use_cache=True)
        differences.append(gap(found, expected.logits))
    figures.add("mamba", "transformers MambaForCausalLM (token by token)", output=max(differences))


def test_its_scan_is_the_parallel_scan_of_mambapy(figures):
    u, step = (torch.randn(2, 48, 6, dtype=torch.float64).requires_grad_() for _ in range(2))
    rate = torch.randn(6, 4, dtype=torch.float64).requires_grad_()
    write, read = (torch.randn(2, 48, 4, dtype=torch.float64).requires_grad_() for _ in range(2))
    inputs, weights = (u, step, rate, write, read), torch.randn(2, 48, 6, dtype=torch.float64)
    sizes, rates = F.softplus(step), -rate.exp()
    found, _ = selective_scan(u, sizes, rates, write, read, torch.zeros(2, 6, 4, dtype=torch.float64))
    kept, written = (sizes[..., None] * rates).exp(), (sizes * u)[..., None] * write[:, :, None]
    expected = (pscan(kept, written) @ read[..., None]).squeeze(-1)
    ours, theirs = (
        torch.autograd.grad((each * weights).sum(), inputs, retain_graph=True) for each in (found, expected)
    )
    gradient = max(gap(left, right) for left, right in zip(ours, theirs, strict=True))
    figures.add("mamba", "mambapy pscan (the scan)", output=gap(found, expected), gradient=gradient)
