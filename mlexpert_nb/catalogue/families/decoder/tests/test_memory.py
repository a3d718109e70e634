"""The long-term memory beside attention: the layer, the gate, and decoders of every kind that have one."""

import copy

import pytest
import torch
from networks import KINDS, SMALL, network, options, tokens
from references import memory_loop, two_layer_loop
from torch.nn import functional as F

from model import ModelConfig, build_model, count_parameters, functional, parameter_table
from model.titans import LongTermMemory, MemoryShape

EACH = [{**kind, "memory": "titans"} for kind in KINDS[::3]]
EACH += [{"memory": "titans", "memory_depth": 2, "memory_chunk": chunk} for chunk in (1, 4)]
EACH += [{"memory": "titans", "norm": "layernorm", "ffn": "moe", "attention": "linear", "position": "none"}]
each_kind = pytest.mark.parametrize("kind", EACH, ids=lambda kind: "-".join(map(str, kind.values())))


def layer(noise=0.4, **changes):
    sizes = {"dim": 8, "num_heads": 2, "head_dim": 3, "chunk": 4, "theta_max": 0.7, "conv_kernel": 3}
    module = LongTermMemory(MemoryShape(**{**sizes, **changes})).double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(noise * torch.randn_like(parameter))
        module.gates.bias.view(3, -1)[0] += 5 * noise  # forget something, or the test could not see it
    return module


def prepared(module, x):
    """Compute queries, keys, values (B, H, T, D) and the three gates (B, H, T) as the paper writes them."""
    shape, (B, T, _) = module.shape, x.shape
    raw = x @ module.qkv.weight.T
    mixed = torch.zeros_like(raw)
    for tap in range(shape.conv_kernel):
        back = shape.conv_kernel - 1 - tap
        mixed += F.pad(raw, (0, 0, back, 0))[:, :T] * module.conv[:, 0, 0, tap]
    split = [part.reshape(B, T, shape.num_heads, -1).transpose(1, 2) for part in F.silu(mixed).chunk(3, -1)]
    q, k = (each / each.norm(dim=-1, keepdim=True) for each in split[:2])
    a, h, r = (x @ module.gates.weight.T + module.gates.bias).transpose(1, 2).chunk(3, 1)
    return q, k, split[2], a.sigmoid(), h.sigmoid(), shape.theta_max * r.sigmoid()


def joined(module, o_BHTD):
    return module.out(o_BHTD.transpose(1, 2).flatten(2))


@pytest.mark.parametrize("num_tokens", [1, 4, 11])
@pytest.mark.parametrize("changes", [{}, {"conv_kernel": 1}, {"head_dim": 4}, {"chunk": 64}], ids=str)
def test_a_matrix_memory_is_its_equations(changes, num_tokens):
    module, x = layer(**changes), torch.randn(2, num_tokens, 8, dtype=torch.float64)
    start = module.initial[0].repeat(2, 1, 1)
    inputs = [each.flatten(0, 1) for each in prepared(module, x)]
    read, M, S = memory_loop(inputs, start, torch.zeros_like(start))
    out, state = module(x)
    torch.testing.assert_close(out, joined(module, read.unflatten(0, (2, 2))))
    torch.testing.assert_close((state.memory.weights[0], state.memory.momenta[0]), (M, S))


@pytest.mark.parametrize("num_tokens", [1, 4, 10])
@pytest.mark.parametrize("chunk", [1, 4, 64])
def test_a_two_layer_memory_is_autograd_at_the_start_of_the_chunk(chunk, num_tokens):
    module, x = layer(depth=2, chunk=chunk), torch.randn(2, num_tokens, 8, dtype=torch.float64)
    inputs = prepared(module, x)
    expected = torch.empty_like(inputs[0])
    for b, h in ((b, h) for b in range(2) for h in range(2)):
        weights = [w[h].detach().T for w in module.initial]
        expected[b, h] = two_layer_loop([each[b, h].detach() for each in inputs], weights, chunk)
    torch.testing.assert_close(module(x)[0], joined(module, expected))


@pytest.mark.parametrize("changes", [{}, {"depth": 2}, {"is_exact": False}, {"conv_kernel": 1}], ids=str)
@pytest.mark.parametrize("split", [(1,) * 11, (3, 1, 7), (9, 2)])
def test_a_stream_may_stop_anywhere_even_inside_a_chunk(changes, split):
    module, x = layer(**changes), torch.randn(2, 11, 8, dtype=torch.float64)
    state, pieces = None, []
    for piece in x.split(list(split), 1):
        out, state = module(piece, state)
        pieces.append(out)
    whole, last = module(x)
    torch.testing.assert_close(torch.cat(pieces, 1), whole)
    torch.testing.assert_close(state.memory[:2], last.memory[:2])
    torch.testing.assert_close(state.tail_BKC, last.tail_BKC)


def test_a_new_memory_is_empty_forgets_little_and_learns_at_half_its_limit():
    model = build_model(**options(memory="titans", hidden_size=64, num_heads=4))
    mixer = model.blocks[0].attention
    alpha, eta, theta = prepared(mixer.memory, torch.full((1, 1, 64), 1e-9))[3:]
    assert alpha.mean().item() == pytest.approx(0.0025, rel=0.02)
    assert eta.mean().item() == pytest.approx(0.5)
    assert theta.mean().item() == pytest.approx(0.05)
    assert mixer.memory.initial[0].eq(0).all()
    taps = mixer.memory.conv[:, 0, 0]
    assert taps[:, -1].mean().item() == pytest.approx(1, abs=0.01)
    assert taps[:, :-1].abs().max() < 0.1
    assert taps.std(0).min() > 0.01
    network_of_two = layer(noise=0, depth=2).initial
    assert all(0.3 < w.std().item() * w.shape[1] ** 0.5 < 3 for w in network_of_two)


@pytest.mark.parametrize("gate", [None, 0.0, 0.3, 1.0])
@pytest.mark.parametrize("norm", ["rmsnorm", "layernorm"])
@torch.no_grad()
def test_the_gate_mixes_what_is_seen_with_what_is_recalled(norm, gate):
    mixer, x = network(memory="titans", norm=norm).blocks[0].attention, torch.randn(2, 9, 16, dtype=torch.float64)
    mixer.override = gate

    def normed(layer, x):
        if norm == "layernorm":
            x = x - x.mean(-1, keepdim=True)
            return x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt() * layer.weight + layer.bias
        return x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt() * layer.weight

    y = normed(mixer.norm_attention, mixer.attention(x, 0, None)[0])
    m = normed(mixer.norm_memory, mixer.memory(x)[0])
    g = torch.sigmoid(torch.cat([y, m], -1) @ mixer.gate.weight.T + mixer.gate.bias) if gate is None else gate
    torch.testing.assert_close(mixer(x, 0, None)[0], (g * y + (1 - g) * m) @ mixer.out.weight.T)


@torch.no_grad()
def test_the_memory_reaches_beyond_the_windows_of_attention():
    model, ids = network(memory="titans", attention="sliding", window=2), tokens(1, 12)
    changed = ids.clone()
    changed[0, 0] = (changed[0, 0] + 1) % 13
    reach = {}
    for gate in (1.0, None):
        for block in model.blocks:
            block.attention.override = gate
        reach[gate] = (model(ids) - model(changed)).abs().amax(-1)[0].gt(1e-9).nonzero().max().item()
    assert reach == {1.0: 2, None: 11}


@each_kind
@torch.no_grad()
def test_a_token_does_not_see_what_comes_after_it_nor_other_rows(kind):
    model, ids = network(**kind), tokens(2, 13)
    changed = ids.clone()
    changed[0, 6:] = (changed[0, 6:] + 1) % 13
    moved = (model(changed) - model(ids)).abs()
    assert moved[0, :6].max() < 1e-12
    assert moved[1].max() < 1e-12
    assert moved[0, 6:].amax(-1).gt(1e-9).all()


@each_kind
@torch.no_grad()
def test_a_stream_gives_what_a_whole_pass_gives_and_leaves_its_states_alone(kind):
    model, ids = network(**kind), tokens(2, 13)
    state, found = None, []
    for piece in ids.split([1, 5, 2, 1, 4], 1):
        before = copy.deepcopy(state)
        logits, after = functional.stream(model, piece, state)
        assert torch.equal(functional.stream(model, piece, before)[0], logits)
        found.append(logits)
        state = after
    torch.testing.assert_close(torch.cat(found, 1), model(ids))


@each_kind
def test_the_count_is_that_of_the_network_and_the_loss_reaches_all_of_it(kind):
    model, config = network(**kind), ModelConfig(**options(**kind))
    assert count_parameters(config) == sum(p.numel() for p in model.parameters())
    table = dict(parameter_table(config))
    names = [("attention.memory", (".memory.",)), ("attention.gate", (".gate.", ".out.weight", "norm_"))]
    for part, words in names:
        mixers = [block.attention.named_parameters(prefix="") for block in model.blocks]
        own = [(f".{name}", p.numel()) for each in mixers for name, p in each if not name.startswith("attention.")]
        mine = [
            n for name, n in own if any(word in name for word in words) and (".memory." in name) == ("memory" in part)
        ]
        assert table[f"blocks.*.{part}"] == sum(mine)
    waiting = dict(model.named_parameters())
    for _ in range(3):
        ids = tokens(2, 20)
        functional.loss(model, ids[:, :-1], ids[:, 1:]).backward()
        waiting = {name: p for name, p in waiting.items() if p.grad is None or p.grad.eq(0).all()}
    assert not waiting


@torch.no_grad()
def test_the_memory_of_a_stream_does_not_grow_and_bfloat16_stays_close():
    model = network(memory="titans", attention="sliding")
    ids = tokens(1, 30)
    shapes = []
    for length in (12, 30):
        _, state = model.stream(ids[:, :length])
        shapes.append([tuple(w.shape) for w in state.blocks[0].memory.memory.weights])
    assert shapes == [[(4, 4, 4)]] * 2
    assert state.blocks[0].memory.tail_BKC.shape == (1, 3, 48)
    whole = model(ids)
    low = model.bfloat16()(ids)
    assert low.dtype == torch.bfloat16
    assert (low.double() - whole).abs().mean() < 0.1 * whole.abs().mean() + 0.1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"memory": "hopfield"}, "memory='hopfield' must be one of none, titans"),
        ({"memory": "titans", "memory_chunk": 4}, "memory_depth=0 must be 1 or 2 with memory='titans'"),
        ({"memory": "titans", "memory_depth": 3, "memory_chunk": 4}, "memory_depth=3 must be 1 or 2"),
        ({"memory": "titans", "memory_depth": 1}, "memory_chunk=0 must be at least 1 with memory='titans'"),
        ({"memory_depth": 1}, "memory_depth and memory_chunk need memory='titans'"),
        ({"memory_chunk": 4}, "memory_depth and memory_chunk need memory='titans'"),
    ],
)
def test_what_a_memory_needs_is_asked_for(changes, said):
    with pytest.raises(ValueError, match=said):
        ModelConfig(**{**SMALL, **changes})
