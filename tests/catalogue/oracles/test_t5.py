"""T5 beside transformers' T5ForConditionalGeneration."""

import types

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from transformers import T5Config, T5ForConditionalGeneration
from transformers.models.t5 import modeling_t5

from mlexpert_nb.catalogue.families.t5.model.t5 import build_model

pytestmark = pytest.mark.oracle

TINY = {"vocab_size": 32128, "d_model": 256, "d_kv": 64, "d_ff": 1024, "num_layers": 4, "num_heads": 4}
ODD = {"vocab_size": 101, "d_model": 20, "d_kv": 7, "d_ff": 30, "num_layers": 3, "num_heads": 3}
BUCKETS = {"relative_attention_num_buckets": 8, "relative_attention_max_distance": 12}
GATED = {"feed_forward": "gated-gelu"}


@pytest.fixture
def exact(monkeypatch):
    """Let the oracle compute in float64 throughout; it takes norms in float32 whatever its weights are."""
    double = types.SimpleNamespace(**{**vars(torch), "float32": torch.float64})
    monkeypatch.setattr(modeling_t5, "torch", double)


def pair(sizes, dtype, noise):
    """Give our network and theirs with the same weights, all of them random, in evaluation mode."""
    ours = build_model(**sizes).to(dtype).eval()
    known = {name: value for name, value in sizes.items() if name not in {"feed_forward", "tie_word_embeddings"}}
    kind, is_tied = sizes.get("feed_forward", "relu"), sizes.get("tie_word_embeddings", True)
    theirs = T5ForConditionalGeneration(T5Config(feed_forward_proj=kind, tie_word_embeddings=is_tied, **known))
    if not is_tied:
        theirs.lm_head.weight = nn.Parameter(torch.randn_like(theirs.lm_head.weight))
    theirs = theirs.to(dtype).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(noise * torch.randn_like(parameter))
    ours.load_state_dict(renamed(theirs.state_dict(), ours))
    return ours, theirs


def renamed(state, ours):
    """Give their weights under our names; keys and values, gate and value lie one below the other."""
    found = {"embedding.weight": state["shared.weight"]}
    if ours.output is not None:
        found["output.weight"] = state["lm_head.weight"]
    for stack, parts in (("encoder", ("SelfAttention",)), ("decoder", ("SelfAttention", "EncDecAttention"))):
        first = f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
        found[f"{stack}.position_bias.weight"] = state[first]
        found[f"{stack}.norm.weight"] = state[f"{stack}.final_layer_norm.weight"]
        for index in range(ours.config.num_layers):
            own, block = f"{stack}.layers.{index}", f"{stack}.block.{index}.layer"
            for place, (part, name) in enumerate(zip(parts, ("attention", "cross_attention"), strict=False)):
                theirs = f"{block}.{place}.{part}"
                found[f"{own}.{name}.norm.weight"] = state[f"{block}.{place}.layer_norm.weight"]
                found[f"{own}.{name}.part.query.weight"] = state[f"{theirs}.q.weight"]
                found[f"{own}.{name}.part.out.weight"] = state[f"{theirs}.o.weight"]
                both = [state[f"{theirs}.{each}.weight"] for each in "kv"]
                found[f"{own}.{name}.part.key_value.weight"] = torch.cat(both)
            last = f"{block}.{len(parts)}"
            wide = ("wi",) if ours.config.feed_forward == "relu" else ("wi_0", "wi_1")
            found[f"{own}.feed_forward.norm.weight"] = state[f"{last}.layer_norm.weight"]
            rows = [state[f"{last}.DenseReluDense.{each}.weight"] for each in wide]
            found[f"{own}.feed_forward.part.wide.weight"] = torch.cat(rows)
            found[f"{own}.feed_forward.part.narrow.weight"] = state[f"{last}.DenseReluDense.wo.weight"]
    return found


def gap(left, right):
    return (left - right).abs().max().item()


def differences(sizes, dtype, noise=0.05):
    """Give the largest differences of the logits and of the gradients of the loss."""
    ours, theirs = pair(sizes, dtype, noise)
    source, target = torch.randint(1, sizes["vocab_size"], (3, 40)), torch.randint(1, sizes["vocab_size"], (3, 17))
    mask = torch.arange(40) < torch.tensor([[40], [33], [9]])
    found = ours(source, target, mask)
    expected = theirs(input_ids=source, attention_mask=mask.long(), decoder_input_ids=target).logits
    for logits in (found, expected):
        F.cross_entropy(logits[:, :-1].flatten(0, 1), target[:, 1:].flatten()).backward()
    wanted = renamed({name: each.grad for name, each in theirs.named_parameters()}, ours)
    gradient = max(gap(each.grad, wanted[name]) for name, each in ours.named_parameters())
    counts = [sum(p.numel() for p in model.parameters()) for model in (ours, theirs)]
    return gap(found, expected), gradient, counts


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("t5-efficient-tiny", TINY),
        ("few buckets", {**ODD, **BUCKETS}),
        ("gated-gelu", {**ODD, **GATED}),
        ("gated-gelu, untied", {**ODD, **GATED, "tie_word_embeddings": False}),
    ],
)
def test_it_is_the_t5_of_transformers(figures, name, sizes):
    output, gradient, counts = differences(sizes, torch.float64)
    oracle = f"transformers T5ForConditionalGeneration ({name})"
    figures.add("t5", oracle, output=output, gradient=gradient, parameters=counts)


def test_so_it_is_in_single_precision(figures):
    output, _, counts = differences(ODD, torch.float32, noise=0.0)
    oracle = "transformers T5ForConditionalGeneration (float32)"
    figures.add("t5", oracle, output_float32=output, parameters=counts)
