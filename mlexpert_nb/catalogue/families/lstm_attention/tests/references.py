"""Small networks and sequences for the tests, and the equations written out one gate and one token at a time."""

import torch

from model import build_model

SMALL = {
    "source_vocab_size": 11,
    "target_vocab_size": 13,
    "embedding_size": 5,
    "hidden_size": 6,
    "num_layers": 2,
    "attention": "bahdanau",
    "input_feeding": False,
    "dropout": 0.0,
}
VARIANTS = [
    {},
    {"num_layers": 1},
    {"attention": "luong"},
    {"attention": "dot"},
    {"attention": "luong", "input_feeding": True},
    {"attention": "dot", "input_feeding": True, "num_layers": 1},
]


def small_model(**changes):
    """Build a small network in float64 and evaluation mode, with every parameter far from its start."""
    model = build_model(**{**SMALL, **changes}).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.4)
    return model


def random_pair(rows, source=7, target=5):
    """Draw source and target token ids."""
    return torch.randint(11, (rows, source)), torch.randint(13, (rows, target))


def cell(x, h, c, lstm, suffix):
    """Take one LSTM step: input, forget, candidate and output gates."""
    w_x, w_h, b_x, b_h = (
        getattr(lstm, f"{kind}_{suffix}") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    i, f, g, o = (w_x @ x + b_x + w_h @ h + b_h).chunk(4)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def run(xs, lstm, suffix, size):
    """Run one layer in one direction; give the outputs and the last states."""
    h = c = torch.zeros(size, dtype=torch.float64)
    outputs = []
    for x in xs:
        h, c = cell(x, h, c, lstm, suffix)
        outputs.append(h)
    return outputs, h, c


def encoded(ids, model):
    """Read one source in both directions; give values (S, H) and the states (h, c) of every layer."""
    xs, half, states = list(model.source_embedding.weight[ids]), model.config.hidden_size // 2, []
    for layer in range(model.config.num_layers):
        there, h, c = run(xs, model.encoder, f"l{layer}", half)
        back, h_back, c_back = run(xs[::-1], model.encoder, f"l{layer}_reverse", half)
        xs = [torch.cat(pair) for pair in zip(there, back[::-1], strict=True)]
        states.append((torch.cat([h, h_back]), torch.cat([c, c_back])))
    return torch.stack(xs), states


def attended(s, values, module, kind):
    """Give the mean of the values, weighted by the softmax of their scores."""
    scores = []
    for x in values:
        if kind == "bahdanau":
            hidden = torch.tanh(module.query.weight @ s + module.key.weight @ x)
            scores.append(module.score.weight[0] @ hidden)
        else:
            scores.append(s @ (module.key.weight @ x if kind == "luong" else x))
    weights = torch.stack(scores).exp()
    return (weights[:, None] * values).sum(0) / weights.sum()


def stepped(x, states, lstm):
    """Take one step through all layers of the decoder."""
    after = []
    for layer, (h, c) in enumerate(states):
        after.append(cell(x, h, c, lstm, f"l{layer}"))
        x = after[-1][0]
    return after


def logits(source, target, model):
    """Give the logits of the next target token at every place, for one pair."""
    config = model.config
    values, states = encoded(source, model)
    output, rows = torch.zeros(config.hidden_size, dtype=torch.float64), []
    for token in target:
        y = model.target_embedding.weight[token]
        if config.attention == "bahdanau":
            context = attended(states[-1][0], values, model.attention, "bahdanau")
            states = stepped(torch.cat([y, context]), states, model.decoder)
        else:
            states = stepped(torch.cat([y, output]) if config.input_feeding else y, states, model.decoder)
            context = attended(states[-1][0], values, model.attention, config.attention)
        both = torch.cat([context, states[-1][0]])
        output = torch.tanh(model.combine.weight @ both + model.combine.bias)
        rows.append(model.output.weight @ output + model.output.bias)
    return torch.stack(rows)
