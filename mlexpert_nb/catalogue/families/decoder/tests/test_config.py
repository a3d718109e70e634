"""The configuration: what it refuses and why, and the parameters it counts."""

import pytest
import torch
from networks import KINDS, options

from model import ModelConfig, build_model, count_parameters, parameter_table

FIT = {"hidden_size": 384, "num_layers": 8, "num_heads": 6, "num_kv_heads": 2, "intermediate_size": 1024}
PLAIN = {"attention": "full", "window": 0, "position": "rope", "max_length": 0, "norm": "rmsnorm", "norm_eps": 1e-6}
PLAIN |= {"ffn": "swiglu", "num_experts": 0, "top_k": 0, "bias": False, "tie_embeddings": True, "vocab_size": 32000}
PLAIN |= {"memory": "none", "memory_depth": 0, "memory_chunk": 0}  # only memory=titans
PLAIN |= {"recursion": "none", "num_latent": 0, "num_cycles": 0, "num_steps": 0}  # only recursion=trm
PLAIN |= {"halting": "none"}  # only halting=act
GPT2 = {"vocab_size": 50257, "hidden_size": 768, "num_layers": 12, "num_heads": 12, "num_kv_heads": 12}
GPT2 |= {"intermediate_size": 3072, "position": "learned", "max_length": 1024, "norm": "layernorm", "ffn": "gelu"}


@pytest.mark.parametrize("norm", ["rmsnorm", "layernorm"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(kind.values()))
def test_the_count_is_that_of_the_built_network(kind, norm):
    keys = options(**kind, norm=norm, tie_embeddings=norm == "rmsnorm")
    with torch.device("meta"):
        model = build_model(**keys)
    assert count_parameters(ModelConfig(**keys)) == sum(p.numel() for p in model.parameters())
    table = dict(parameter_table(ModelConfig(**keys)))
    for part in ("attention", "feed_forward"):
        own = [p.numel() for name, p in model.named_parameters() if name.startswith("blocks") and f".{part}." in name]
        assert table[f"blocks.*.{part}"] == sum(own)


@pytest.mark.parametrize(
    ("keys", "count"),
    [
        (GPT2 | {"bias": True}, 124_439_808),
        (FIT, 24_877_440),
        (FIT | {"vocab_size": 49152, "hidden_size": 576, "num_layers": 30, "num_heads": 9, "num_kv_heads": 3}, 0),
    ],
)
def test_published_networks_have_their_published_size(keys, count):
    if not count:
        keys, count = keys | {"intermediate_size": 1536}, 134_515_008
    config = ModelConfig(**{**PLAIN, **keys})
    assert count_parameters(config) == count
    with torch.device("meta"):
        assert sum(p.numel() for p in build_model(**{**PLAIN, **keys}).parameters()) == count


@pytest.mark.parametrize("ffn", ["swiglu", "gelu"])
def test_biases_are_counted(ffn):
    keys = options(ffn=ffn, bias=True)
    assert count_parameters(ModelConfig(**keys)) == sum(p.numel() for p in build_model(**keys).parameters())
    assert count_parameters(ModelConfig(**keys)) > count_parameters(ModelConfig(**options(ffn=ffn, bias=False)))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hidden_size": 0}, "hidden_size=0 must be at least 1"),
        ({"num_layers": 0}, "num_layers=0 must be at least 1"),
        ({"num_heads": 0}, "num_heads=0 must be at least 1"),
        ({"num_kv_heads": 0}, "num_kv_heads=0 must be at least 1"),
        ({"intermediate_size": 0}, "intermediate_size=0 must be at least 1"),
        ({"vocab_size": 1}, "vocab_size=1 must be at least 2"),
        ({"attention": "axial"}, "attention='axial' must be one of full, sliding, linear"),
        ({"position": "sine"}, "position='sine' must be one of rope, alibi, learned, none"),
        ({"norm": "batch"}, "norm='batch' must be one of rmsnorm, layernorm"),
        ({"ffn": "relu"}, "ffn='relu' must be one of swiglu, gelu, moe"),
        ({"num_heads": 3}, "hidden_size=16 must be a multiple of num_heads=3"),
        ({"num_kv_heads": 3}, "num_heads=4 must be a multiple of num_kv_heads=3"),
        ({"attention": "sliding"}, "attention='sliding' needs a window of at least 1"),
        ({"window": 3}, "window=3 needs attention='sliding'"),
        ({"position": "learned"}, "position='learned' needs a max_length of at least 1"),
        ({"max_length": 3}, "max_length needs position='learned'"),
        ({"hidden_size": 12}, "position='rope' turns pairs of channels: hidden_size / num_heads = 3 is odd"),
        ({"attention": "linear", "num_kv_heads": 4}, "position='rope' does not go with attention='linear'"),
        ({"attention": "linear", "position": "alibi", "num_kv_heads": 4}, "position='alibi' does not go with"),
        ({"attention": "linear", "position": "none"}, "attention='linear' needs num_kv_heads equal to num_heads"),
        ({"ffn": "moe", "num_experts": 2, "top_k": 1, "bias": True}, "bias=True does not go with ffn='moe'"),
        (
            {"attention": "linear", "position": "none", "num_kv_heads": 4, "bias": True},
            "bias=True does not go with attention='linear'",
        ),
        ({"ffn": "moe", "num_experts": 1, "top_k": 1}, "ffn='moe' needs 2 experts or more, not 1"),
        ({"ffn": "moe", "num_experts": 2, "top_k": 3}, "top_k=3 must be 1 to num_experts"),
        ({"ffn": "moe", "num_experts": 2}, "top_k=0 must be 1 to num_experts"),
        ({"num_experts": 2}, "num_experts and top_k need ffn='moe'"),
        ({"top_k": 2}, "num_experts and top_k need ffn='moe'"),
        ({"balance": -1.0}, "balance=-1.0 must not be negative"),
    ],
)
def test_what_does_not_go_together_is_refused_with_the_reason(changes, said):
    small = {"vocab_size": 13, "hidden_size": 16, "num_layers": 2, "num_heads": 4, "num_kv_heads": 2}
    with pytest.raises(ValueError, match=said):
        ModelConfig(**{**PLAIN, **small, "intermediate_size": 20, **changes})
