"""Small networks of every kind for the tests, in float64 and moved away from where they start."""

import itertools

import torch

from model import build_model

SMALL = {"vocab_size": 13, "hidden_size": 16, "num_layers": 2, "num_heads": 4, "num_kv_heads": 2}
SMALL |= {"intermediate_size": 20, "attention": "full", "window": 0, "position": "rope", "max_length": 0}
SMALL |= {"norm": "rmsnorm", "norm_eps": 1e-6, "ffn": "swiglu", "num_experts": 0, "top_k": 0, "bias": False}
SMALL |= {"balance": 0.02, "rope_theta": 10000.0, "tie_embeddings": True}
SMALL |= {"memory": "none", "memory_depth": 0, "memory_chunk": 0}  # only memory=titans
SMALL |= {"recursion": "none", "num_latent": 0, "num_cycles": 0, "num_steps": 0}  # only recursion=trm
SMALL |= {"halting": "none"}  # only halting=act
NEEDS = {
    "sliding": {"window": 4},
    "linear": {"num_kv_heads": 4},
    "learned": {"max_length": 40},
    "moe": {"num_experts": 3, "top_k": 2},
    "titans": {"memory_depth": 1, "memory_chunk": 4},  # only memory=titans
    "trm": {"num_latent": 2, "num_cycles": 2, "num_steps": 2},  # only recursion=trm
    "act": {"recursion": "trm", "num_latent": 1, "num_cycles": 2, "num_steps": 3},  # only halting=act
}
KINDS = [
    {"attention": attention, "position": position, "ffn": ffn}
    for attention, position, ffn in itertools.product(
        ("full", "sliding", "linear"), ("rope", "alibi", "learned", "none"), ("swiglu", "gelu", "moe")
    )
    if attention != "linear" or position in {"learned", "none"}
]


def options(**changes):
    """Give the keys of a small network, with what its options need."""
    keys = {**SMALL}
    for value in changes.values():
        keys |= NEEDS.get(value, {}) if isinstance(value, str) else {}
    return {**keys, **changes}


def network(**changes):
    """Build a small network in float64, none of whose parameters is left at its start."""
    model = build_model(**options(**changes)).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model


def tokens(batch, length):
    """Draw token ids."""
    return torch.randint(SMALL["vocab_size"], (batch, length))
