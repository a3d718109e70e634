"""The decoder: its formula, what it may see, streams, losses, gradients, saving, precision."""

import copy
import io
import math

import pytest
import torch
from networks import KINDS, network, options, tokens

from model import build_model, functional

NAMES = ["-".join(kind.values()) for kind in KINDS]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=NAMES)


@each_kind
@torch.no_grad()
def test_a_token_does_not_see_what_comes_after_it_nor_other_rows(kind):
    model, ids = network(**kind), tokens(2, 19)
    logits = model(ids)
    changed = ids.clone()
    changed[0, 10:] = (changed[0, 10:] + 1) % 13
    moved = (model(changed) - logits).abs()
    assert moved[0, :10].max() < 1e-12
    assert moved[1].max() < 1e-12
    assert moved[0, 10:].amax(-1).gt(1e-9).all()


@each_kind
@torch.no_grad()
def test_a_stream_gives_what_a_whole_pass_gives_and_leaves_its_states_alone(kind):
    model, ids = network(**kind), tokens(2, 19)
    state, found = None, []
    for piece in ids.split([1, 7, 3, 1, 1, 6], 1):
        before = copy.deepcopy(state)
        logits, after = functional.stream(model, piece, state)
        again, _ = functional.stream(model, piece, before)
        assert torch.equal(again, logits)
        found.append(logits)
        state = after
    torch.testing.assert_close(torch.cat(found, 1), model(ids))
    assert state.position == 19


@each_kind
def test_the_loss_reaches_every_parameter(kind):
    model = network(**kind).train()
    waiting = dict(model.named_parameters())
    for _ in range(3):
        ids = tokens(2, 40)
        functional.loss(model, ids[:, :-1], ids[:, 1:]).backward()
        waiting = {name: p for name, p in waiting.items() if p.grad is None or p.grad.eq(0).all()}
    assert not waiting


@pytest.mark.parametrize("norm", ["rmsnorm", "layernorm"])
@torch.no_grad()
def test_blocks_are_pre_norm_with_residuals(norm):
    model, ids = network(norm=norm, tie_embeddings=False), tokens(2, 6)
    x = model.embedding.weight[ids]

    def normed(layer, x):
        if norm == "layernorm":
            x = x - x.mean(-1, keepdim=True)
            return x / (x.var(-1, correction=0, keepdim=True) + 1e-6).sqrt() * layer.weight + layer.bias
        return x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt() * layer.weight

    for block in model.blocks:
        x = x + block.attention(normed(block.norm1, x), 0, None)[0]
        x = x + block.feed_forward(normed(block.norm2, x))
    torch.testing.assert_close(model(ids), normed(model.norm, x) @ model.head.weight.T)


@torch.no_grad()
def test_learned_positions_are_added_and_their_end_is_told():
    model, ids = network(position="learned", max_length=6), tokens(1, 6)
    other = copy.deepcopy(model)
    other.positions.weight.zero_()
    assert not torch.allclose(model(ids), other(ids))
    shifted = copy.deepcopy(model)
    shifted.embedding.weight.add_(shifted.positions.weight[0])
    shifted.positions.weight.sub_(shifted.positions.weight[0].clone())
    x = shifted.embedding(ids) + shifted.positions(torch.arange(6))
    torch.testing.assert_close(x, model.embedding(ids) + model.positions(torch.arange(6)))
    with pytest.raises(ValueError, match="7 tokens are more than max_length=6 learned positions"):
        model(tokens(1, 7))
    _, state = model.stream(ids)
    with pytest.raises(ValueError, match="7 tokens are more than max_length=6"):
        model.stream(tokens(1, 1), state)


def test_tied_logits_use_the_embedding_and_untied_ones_do_not():
    tied, untied = network(tie_embeddings=True), network(tie_embeddings=False)
    assert tied.head is None
    assert untied.head.weight.data_ptr() != untied.embedding.weight.data_ptr()
    ids = tokens(1, 5)
    with torch.no_grad():
        before = untied(ids)
        untied.head.weight.zero_()
        assert before.abs().max() > 0
        assert untied(ids).eq(0).all()


def test_the_loss_is_the_mean_over_what_is_supervised():
    model, ids = network(), tokens(2, 8)
    labels = tokens(2, 8)
    labels[0, :3] = -100
    chances = model(ids).log_softmax(-1)
    picked = [-chances[b, t, labels[b, t]] for b in range(2) for t in range(8) if labels[b, t] != -100]
    ours, expected = functional.loss(model, ids, labels), torch.stack(picked).mean()
    torch.testing.assert_close(ours, expected)
    parameters = list(model.parameters())
    torch.testing.assert_close(torch.autograd.grad(ours, parameters), torch.autograd.grad(expected, parameters))
    assert functional.loss(model, ids, torch.full_like(labels, -100)).item() == 0.0


def test_experts_add_their_balance_with_its_weight():
    ids, labels = tokens(2, 8), tokens(2, 8)
    model = network(ffn="moe", balance=0.5)
    plain = torch.nn.functional.cross_entropy(model(ids).flatten(0, 1), labels.flatten())
    routed = []
    for block in model.blocks:
        block.feed_forward.register_forward_hook(lambda _module, _inputs, output: routed.append(output[1]))
    model(ids)
    chance = torch.cat(routed).softmax(-1)
    share = torch.zeros(3, dtype=torch.float64)
    for row in chance:
        share[row.argsort(descending=True)[:2]] += 1 / len(chance)
    balance = 3 * (share * chance.mean(0)).sum()
    torch.testing.assert_close(functional.loss(model, ids, labels), plain + 0.5 * balance)


@torch.no_grad()
def test_generation_takes_the_likeliest_token_of_a_whole_pass():
    model, ids = network(attention="sliding"), tokens(2, 5)
    expected = ids
    for _ in range(6):
        expected = torch.cat([expected, model(expected)[:, -1:].argmax(-1)], 1)
    assert torch.equal(model.generate(ids, 6), expected[:, 5:])
    torch.manual_seed(1)
    drawn = torch.cat([model.generate(ids, 6, temperature=100.0) for _ in range(20)])
    assert drawn.unique().numel() > 6
    torch.manual_seed(2)
    assert torch.equal(model.generate(ids, 6, temperature=1e-6), expected[:, 5:])


@torch.no_grad()
def test_the_logits_of_the_last_token_alone_can_be_asked_for():
    model, ids = network(), tokens(2, 7)
    every, _ = model.stream(ids)
    last, _ = model.stream(ids, last_only=True)
    torch.testing.assert_close(last, every[:, -1:])
    assert not every.requires_grad


@torch.no_grad()
def test_the_cache_of_a_window_does_not_grow():
    model = network(attention="sliding", window=4)
    _, state = model.stream(tokens(1, 30))
    assert state.blocks[0].k.shape[2] == 3
    assert network(attention="linear", position="none").stream(tokens(1, 30))[1].blocks[0].S.shape == (1, 4, 4, 4)


@torch.no_grad()
def test_new_weights_are_small_and_biases_zero():
    model = build_model(**options(hidden_size=64, bias=True, vocab_size=200))
    assert model.embedding.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert model.blocks[0].attention.qkv.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert model.blocks[0].attention.qkv.bias.eq(0).all()
    experts = build_model(**options(hidden_size=64, intermediate_size=64, ffn="moe")).blocks[0].feed_forward
    assert experts.gate_up.std().item() == pytest.approx(0.02, rel=0.1)
    assert experts.out.std().item() == pytest.approx(0.02, rel=0.1)
    ids = torch.randint(200, (2, 20))
    assert functional.loss(model, ids, ids.flip(1)).item() == pytest.approx(math.log(200), rel=0.05)


@pytest.mark.parametrize("kind", KINDS[::5], ids=NAMES[::5])
@torch.no_grad()
def test_a_saved_network_gives_the_same_after_loading_and_bfloat16_stays_close(kind):
    model, file, ids = network(**kind), io.BytesIO(), tokens(2, 9)
    torch.save(model.state_dict(), file)
    file.seek(0)
    loaded = build_model(**options(**kind)).double()
    loaded.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(loaded(ids), model(ids))
    low = loaded.bfloat16()(ids)
    assert low.dtype == torch.bfloat16
    assert (low.double() - model(ids)).abs().mean() < 0.1 * model(ids).abs().mean() + 0.1
