"""The network against the papers' equations, and what follows from them."""

import pytest
import torch
from references import SMALL, VARIANTS, encoded, logits, random_pair, small_model

from model import build_model
from model.seq2seq import Memory


def close(left, right, atol=1e-11):
    torch.testing.assert_close(left, right, rtol=0, atol=atol)


@pytest.mark.parametrize("changes", VARIANTS)
def test_the_logits_are_those_of_the_equations(changes):
    model, (source, target) = small_model(**changes), random_pair(3)
    found = model(source, target)
    assert found.shape == (3, 5, 13)
    close(found, torch.stack([logits(*pair, model) for pair in zip(source, target, strict=True)]))


@pytest.mark.parametrize("changes", VARIANTS)
def test_padding_is_never_read(changes):
    model, (source, target) = small_model(**changes), random_pair(3)
    mask = torch.arange(7) < torch.tensor([[4], [6], [1]])
    found = model(source, target, mask)
    for row, length in enumerate((4, 6, 1)):
        close(found[row], logits(source[row, :length], target[row], model))
    close(model(source, target, mask.long()), found)
    close(model(source, target, torch.ones_like(mask)), model(source, target))


def test_the_encoder_reads_in_both_directions_and_its_last_states_start_the_decoder():
    model, (source, _) = small_model(), random_pair(2)
    memory, state = model.encode(source, torch.arange(7) < torch.tensor([[7], [5]]))
    for row, length in enumerate((7, 5)):
        values, states = encoded(source[row, :length], model)
        close(memory.values_BSH[row, :length], values)
        assert not memory.values_BSH[row, length:].any()
        for layer, (h, c) in enumerate(states):
            close(state.h_LBH[layer, row], h)
            close(state.c_LBH[layer, row], c)
    close(memory.keys_BSH, memory.values_BSH @ model.attention.key.weight.T)
    assert memory.mask_BS.dtype == torch.bool
    assert state.a_BH.shape == (2, 6)
    assert not state.a_BH.any()


@pytest.mark.parametrize("changes", VARIANTS)
def test_the_target_may_come_in_parts(changes):
    model, (source, target) = small_model(**changes), random_pair(2)
    memory, state = model.encode(source)
    found = []
    for part in target.split([2, 1, 2], dim=1):
        out, state = model.decode(part, memory, state)
        found.append(out)
    close(torch.cat(found, 1), model(source, target))


@pytest.mark.parametrize("changes", VARIANTS)
def test_writing_takes_the_most_likely_token_each_time(changes):
    model, (source, _) = small_model(**changes), random_pair(3)
    mask = torch.arange(7) < torch.tensor([[4], [7], [2]])
    written = model.generate(source, mask, start=3, length=6)
    read = torch.cat([torch.full((3, 1), 3), written[:, :-1]], dim=1)
    assert torch.equal(model(source, read, mask).argmax(-1), written)
    assert written.shape == (3, 6)


def test_writing_begins_behind_the_start_token():
    model, (source, _) = small_model(attention="dot"), random_pair(40)
    model.target_embedding.weight.data *= 10
    model.combine.weight.data *= 5
    written = {start: model.generate(source, start=start, length=2) for start in range(13)}
    for start, ids in written.items():
        read = torch.cat([torch.full((40, 1), start), ids[:, :1]], dim=1)
        assert torch.equal(model(source, read).argmax(-1), ids)
    assert any(not torch.equal(written[0], ids) for ids in written.values())


def test_writing_keeps_nothing_for_a_backward_pass():
    model, (source, _) = small_model(), random_pair(2)
    graphs = []
    model.output.register_forward_hook(lambda _module, _inputs, logits: graphs.append(logits.requires_grad))
    model.generate(source, start=3, length=2)
    assert graphs == [False, False]


@pytest.mark.parametrize("kind", ["bahdanau", "luong", "dot"])
def test_the_weights_are_shares_of_what_is_no_padding(kind):
    model = small_model(attention=kind)
    values = torch.randn(2, 7, 6, dtype=torch.float64)
    mask = torch.arange(7) < torch.tensor([[7], [3]])
    memory = Memory(values, model.attention.keys(values), mask)
    weights = model.attention.weights(torch.randn(2, 5, 6, dtype=torch.float64), memory)
    assert weights.shape == (2, 5, 7)
    close(weights.sum(-1), torch.ones(2, 5, dtype=torch.float64))
    assert not weights[1, :, 3:].any()
    assert (weights[0] > 0).all()


@pytest.mark.parametrize("changes", VARIANTS)
def test_dropout_acts_in_training_alone(changes):
    model, (source, target) = small_model(**{**changes, "dropout": 0.5}), random_pair(2)
    assert torch.equal(model(source, target), model(source, target))
    close(model(source, target)[0], logits(source[0], target[0], model))
    model.train()
    assert not torch.equal(model(source, target), model(source, target))


def test_dropout_falls_on_both_embeddings_between_layers_and_before_the_output():
    model, (source, target) = small_model(attention="dot", dropout=0.5), random_pair(2)
    seen = []
    model.dropout.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    model(source, target)
    close(seen[0], model.source_embedding(source))
    close(seen[1], model.target_embedding(target))
    close(model.output(seen[2]), model(source, target))
    assert seen[2].shape == (2, 5, 6)
    assert model.dropout.p == model.encoder.dropout == model.decoder.dropout == 0.5
    assert small_model(num_layers=1, dropout=0.5).encoder.dropout == 0


def test_all_parameters_start_within_a_tenth():
    model = build_model(**{**SMALL, "hidden_size": 80, "embedding_size": 60})
    values = torch.cat([parameter.flatten() for parameter in model.parameters()])
    assert values.abs().max() <= 0.1
    assert values.std().item() == pytest.approx(0.1 / 3**0.5, rel=0.02)
    for name, parameter in model.named_parameters():
        assert parameter.min() < 0 < parameter.max(), name
