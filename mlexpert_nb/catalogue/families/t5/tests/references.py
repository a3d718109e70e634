"""Small networks and sequences for the tests, and the paper's equations, one head and one query at a time."""

import math

import torch

from model import build_model

SMALL = {
    "vocab_size": 17,
    "d_model": 12,
    "d_kv": 5,
    "d_ff": 20,
    "num_layers": 2,
    "num_heads": 3,
    "relative_attention_num_buckets": 8,
    "relative_attention_max_distance": 10,
    "feed_forward": "relu",
    "tie_word_embeddings": True,
    "dropout": 0.0,
    "layer_norm_epsilon": 1e-2,
}
VARIANTS = [
    {},
    {"feed_forward": "gated-gelu"},
    {"tie_word_embeddings": False},
    {"num_heads": 1, "num_layers": 1},
    {"relative_attention_num_buckets": 4, "relative_attention_max_distance": 3},
]


def small_model(**changes):
    """Build a small network in float64 and evaluation mode, with every parameter far from its start."""
    model = build_model(**{**SMALL, **changes}).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return model


def random_pair(rows, source=9, target=6):
    """Draw source and target token ids."""
    return torch.randint(17, (rows, source)), torch.randint(17, (rows, target))


def rms_norm(x, module):
    """Divide the last axis by its root mean square, and scale."""
    return x / torch.sqrt((x**2).mean(-1, keepdim=True) + SMALL["layer_norm_epsilon"]) * module.weight


def bucket_of(distance, count, max_distance, is_decoder):
    """Give the bucket of one distance, with plain numbers."""
    first = 0
    if is_decoder:
        distance = max(0, -distance)
    else:
        count //= 2
        first, distance = (count if distance > 0 else 0), abs(distance)
    exact = count // 2
    if distance < exact:
        return first + distance
    far = exact + int(math.log(distance / exact) / math.log(max_distance / exact) * (count - exact))
    return first + min(far, count - 1)


def attention(x, read, module, config, bias):
    """Attend one head at a time; `bias(query, key, head)` is added to a score, and None forbids it."""
    queries, (keys, values) = x @ module.query.weight.T, (read @ module.key_value.weight.T).chunk(2, dim=-1)
    rows = []
    for t in range(len(x)):
        heads = []
        for head in range(config.num_heads):
            part = slice(head * config.d_kv, (head + 1) * config.d_kv)
            allowed = [s for s in range(len(read)) if bias(t, s, head) is not None]
            scores = torch.stack([queries[t, part] @ keys[s, part] + bias(t, s, head) for s in allowed])
            weights = scores.exp() / scores.exp().sum()
            heads.append(weights @ values[allowed][:, part])
        rows.append(torch.cat(heads))
    return torch.stack(rows) @ module.out.weight.T


def fed_forward(x, module, kind):
    """Widen, apply ReLU or the gate, narrow."""
    hidden = x @ module.wide.weight.T
    if kind == "relu":
        hidden = hidden * (hidden > 0)
    else:
        gate, value = hidden.chunk(2, dim=-1)
        hidden = 0.5 * gate * (1 + torch.tanh(math.sqrt(2 / math.pi) * (gate + 0.044715 * gate**3))) * value
    return hidden @ module.narrow.weight.T


def stacked(ids, model, memory=None):
    """Run the encoder over one source, or the decoder over one target with its memory."""
    config, is_decoder = model.config, memory is not None
    stack = model.decoder if is_decoder else model.encoder
    sizes = (config.relative_attention_num_buckets, config.relative_attention_max_distance)

    def positions(t, s, head):
        if is_decoder and s > t:
            return None
        return stack.position_bias.weight[bucket_of(s - t, *sizes, is_decoder), head]

    x = model.embedding.weight[ids]
    for layer in stack.layers:
        part = layer.attention
        normed = rms_norm(x, part.norm)
        x = x + attention(normed, normed, part.part, config, positions)
        if is_decoder:
            part = layer.cross_attention
            x = x + attention(rms_norm(x, part.norm), memory, part.part, config, lambda *_: 0.0)
        x = x + fed_forward(rms_norm(x, layer.feed_forward.norm), layer.feed_forward.part, config.feed_forward)
    return rms_norm(x, stack.norm)


def logits(source, target, model):
    """Give the logits of the next target token at every place, for one pair."""
    x = stacked(target, model, stacked(source, model))
    if model.output is not None:
        return x @ model.output.weight.T
    return x @ model.embedding.weight.T / math.sqrt(model.config.d_model)
