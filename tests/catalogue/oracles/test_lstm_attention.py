"""The LSTM encoder-decoder beside one that is put together from torch's LSTM, LSTMCell and attention."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mlexpert_nb.catalogue.families.lstm_attention.model.seq2seq import build_model

pytestmark = pytest.mark.oracle

SIZES = {"source_vocab_size": 300, "target_vocab_size": 200, "embedding_size": 48, "hidden_size": 64, "num_layers": 2}
VARIANTS = [
    {"attention": "bahdanau"},
    {"attention": "luong"},
    {"attention": "dot"},
    {"attention": "luong", "input_feeding": True},
]


class Assembled(nn.Module):
    """The same network from the library's parts; sentences are read one by one, without padding."""

    def __init__(self, config):
        super().__init__()
        self.config, hidden = config, config.hidden_size
        self.source = nn.Embedding(config.source_vocab_size, config.embedding_size)
        self.target = nn.Embedding(config.target_vocab_size, config.embedding_size)
        layers = config.num_layers
        self.encoder = nn.LSTM(config.embedding_size, hidden // 2, layers, bidirectional=True)
        widths = [config.embedding_size + hidden * config.reads_attention] + [hidden] * (layers - 1)
        self.cells = nn.ModuleList(nn.LSTMCell(width, hidden) for width in widths)
        self.key = None if config.attention == "dot" else nn.Linear(hidden, hidden, bias=False)
        self.query = nn.Linear(hidden, hidden, bias=False) if config.attention == "bahdanau" else None
        self.score = nn.Linear(hidden, 1, bias=False) if config.attention == "bahdanau" else None
        self.combine, self.output = nn.Linear(2 * hidden, hidden), nn.Linear(hidden, config.target_vocab_size)

    def attend(self, s, values):
        if self.config.attention == "bahdanau":
            weights = F.softmax(self.score(torch.tanh(self.query(s) + self.key(values))), dim=0)
            return (weights * values).sum(0)
        keys = values if self.key is None else self.key(values)
        return F.scaled_dot_product_attention(s[None, None], keys[None], values[None], scale=1.0)[0, 0]

    def forward(self, source, target):
        values, (h, c) = self.encoder(self.source(source))
        states = [
            (torch.cat([*h[2 * i : 2 * i + 2]]), torch.cat([*c[2 * i : 2 * i + 2]])) for i in range(len(self.cells))
        ]
        output, rows, is_before = torch.zeros_like(states[0][0]), [], self.config.attention == "bahdanau"
        for y in self.target(target):
            context = self.attend(states[-1][0], values) if is_before else None
            fed = context if is_before else output
            x = torch.cat([y, fed]) if self.config.reads_attention else y
            for index, cell in enumerate(self.cells):
                states[index] = tuple(each[0] for each in cell(x[None], tuple(each[None] for each in states[index])))
                x = states[index][0]
            context = context if is_before else self.attend(x, values)
            output = torch.tanh(self.combine(torch.cat([context, x])))
            rows.append(self.output(output))
        return torch.stack(rows)


def renamed(state, num_layers):
    """Give our weights under the names of the parts."""
    plain = {"source_embedding": "source", "target_embedding": "target", "attention.key": "key"}
    plain |= {"attention.query": "query", "attention.score": "score"}
    found = {}
    for name, value in state.items():
        owner, _, kind = name.rpartition(".")
        if owner == "decoder":
            found[f"cells.{kind[-1]}.{kind.rpartition('_l')[0]}"] = value
        else:
            found[f"{plain.get(owner, owner)}.{kind}"] = value
    assert sum(name.startswith("cells") for name in found) == 4 * num_layers
    return found


def gap(left, right):
    return (left - right).abs().max().item()


def differences(changes, dtype):
    ours = build_model(**SIZES, dropout=0.0, **changes).to(dtype)
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.mul_(2)
    theirs = Assembled(ours.config).to(dtype)
    theirs.load_state_dict(renamed(ours.state_dict(), 2))
    source, target = torch.randint(300, (3, 12)), torch.randint(200, (3, 9))
    lengths = (12, 7, 4)
    mask = torch.arange(12) < torch.tensor(lengths)[:, None]
    found = ours(source, target, mask)
    expected = torch.stack([theirs(source[i, :n], target[i]) for i, n in enumerate(lengths)])
    for logits in (found, expected):
        F.cross_entropy(logits[:, :-1].flatten(0, 1), target[:, 1:].flatten()).backward()
    own = renamed({name: each.grad for name, each in ours.named_parameters()}, 2)
    gradient = max(gap(own[name], each.grad) for name, each in theirs.named_parameters())
    counts = [sum(p.numel() for p in model.parameters()) for model in (ours, theirs)]
    return gap(found, expected), gradient, counts


@pytest.mark.parametrize("changes", VARIANTS)
def test_it_is_what_the_parts_of_torch_give(figures, changes):
    output, gradient, counts = differences(changes, torch.float64)
    single, _, _ = differences(changes, torch.float32)
    oracle = f"torch.nn.LSTM, LSTMCell and attention ({', '.join(map(str, changes.values()))})"
    figures.add("lstm-attention", oracle, output=output, output_float32=single, gradient=gradient, parameters=counts)
