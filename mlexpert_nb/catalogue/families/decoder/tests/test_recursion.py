"""The recursion: how often the blocks run, on what, what is differentiated, and decoders of every kind that recur."""

import copy

import pytest
import torch
from networks import KINDS, SMALL, network, options, tokens

from model import ModelConfig, build_model, count_parameters, functional

EACH = [{**kind, "recursion": "trm"} for kind in KINDS[::7]]
EACH += [{"recursion": "trm", "norm": "layernorm", "ffn": "moe", "attention": "linear", "position": "none"}]
EACH += [{"recursion": "trm", "num_steps": 1, "num_cycles": 1, "num_latent": 1, "tie_embeddings": False}]
EACH += [{"recursion": "trm", "memory": "titans"}]  # only memory=titans
EACH += [{"recursion": "trm", "memory": "titans", "attention": "sliding", "ffn": "moe"}]  # only memory=titans
each_kind = pytest.mark.parametrize("kind", EACH, ids=lambda kind: "-".join(map(str, kind.values())))


def unit(x):
    return x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt()


def recorded(model, ids):
    """Run the network and note input and gradient mode of every call of the blocks."""
    calls = []

    def before(_module, inputs):
        calls.append({"input": inputs[0], "grad": torch.is_grad_enabled()})

    handle = model.blocks[0].register_forward_pre_hook(before)
    logits = model(ids)
    handle.remove()
    return logits, calls


def applied(model, h):
    """Send tokens through all blocks."""
    for block in model.blocks:
        h = block(h, 0, None)[0]
    return unit(h)


@pytest.mark.parametrize(("num_steps", "num_cycles", "num_latent"), [(1, 1, 1), (3, 2, 2), (2, 3, 1)])
def test_the_blocks_run_once_an_update_and_only_the_last_cycle_of_a_step_has_a_gradient(
    num_steps, num_cycles, num_latent
):
    counts = {"num_steps": num_steps, "num_cycles": num_cycles, "num_latent": num_latent}
    _, calls = recorded(network(recursion="trm", **counts), tokens(1, 4))
    size = num_latent + 1
    assert [call["grad"] for call in calls] == ([False] * size * (num_cycles - 1) + [True] * size) * num_steps


@torch.no_grad()
def test_the_latent_sees_the_text_the_answer_sees_the_latent_and_the_last_answer_is_read():
    model, ids = network(recursion="trm", position="learned"), tokens(2, 5)
    x = unit(model.embedding(ids) + model.positions(torch.arange(5)))
    y, z = (start.expand_as(x) for start in (model.recursion.y0_d, model.recursion.z0_d))
    inputs = []
    for _ in range(2 * 2):  # steps times cycles
        for _ in range(2):
            inputs.append(z + y + x)
            z = applied(model, inputs[-1])
        inputs.append(y + z)
        y = applied(model, inputs[-1])
    logits, calls = recorded(model, ids)
    torch.testing.assert_close([call["input"] for call in calls], inputs)
    torch.testing.assert_close(logits, unit(y) * model.norm.weight @ model.embedding.weight.T)


@pytest.mark.parametrize("num_cycles", [1, 2])
def test_no_gradient_flows_from_one_step_or_cycle_into_an_earlier_one(num_cycles):
    model = network(recursion="trm", num_steps=2, num_cycles=num_cycles, num_latent=1)
    outputs = []
    model.blocks[-1].register_forward_hook(lambda _module, _inputs, output: outputs.append(output[0]))
    logits = model(tokens(1, 4))
    assert [each.requires_grad for each in outputs] == ([False] * 2 * (num_cycles - 1) + [True] * 2) * 2
    grads = torch.autograd.grad(logits.sum(), [each for each in outputs if each.requires_grad], allow_unused=True)
    assert [grad is not None and bool(grad.any()) for grad in grads] == [False, False, True, True]


def test_the_loss_is_the_mean_over_steps_and_what_is_supervised():
    model, ids, labels = network(recursion="trm", num_steps=3), tokens(2, 8), tokens(2, 8)
    labels[0, :3] = -100
    losses = []
    for number in (1, 2, 3):
        fewer = build_model(**options(recursion="trm", num_steps=number)).double()
        fewer.load_state_dict(model.state_dict())
        chances = fewer(ids).log_softmax(-1)
        losses += [-chances[b, t, labels[b, t]] for b in range(2) for t in range(8) if labels[b, t] != -100]
    torch.testing.assert_close(functional.loss(model, ids, labels), torch.stack(losses).mean())
    assert functional.loss(model, ids, torch.full_like(labels, -100)).item() == 0.0


@each_kind
@torch.no_grad()
def test_a_token_does_not_see_what_comes_after_it_nor_other_rows(kind):
    model, ids = network(**kind), tokens(2, 11)
    changed = ids.clone()
    changed[0, 6:] = (changed[0, 6:] + 1) % 13
    moved = (model(changed) - model(ids)).abs()
    assert moved[0, :6].max() < 1e-12
    assert moved[1].max() < 1e-12
    assert moved[0, 6:].amax(-1).gt(1e-9).all()


@each_kind
@torch.no_grad()
def test_a_stream_keeps_what_each_call_remembers_and_gives_what_a_whole_pass_gives(kind):
    model, ids = network(**kind), tokens(2, 11)
    state, found = None, []
    for piece in ids.split([1, 5, 1, 4], 1):
        before = copy.deepcopy(state)
        logits, after = functional.stream(model, piece, state)
        assert torch.equal(functional.stream(model, piece, before)[0], logits)
        found.append(logits)
        state = after
    torch.testing.assert_close(torch.cat(found, 1), model(ids))
    config = model.config
    assert len(state.blocks) == config.num_steps * config.num_cycles * (config.num_latent + 1)
    assert state.position == 11


@each_kind
def test_the_blocks_are_counted_once_and_the_loss_reaches_every_parameter(kind):
    model = network(**kind)
    assert count_parameters(ModelConfig(**options(**kind))) == sum(p.numel() for p in model.parameters())
    waiting = dict(model.named_parameters())
    for _ in range(3):
        ids = tokens(2, 20)
        functional.loss(model, ids[:, :-1], ids[:, 1:]).backward()
        waiting = {name: p for name, p in waiting.items() if p.grad is None or p.grad.eq(0).all()}
    assert not waiting


@torch.no_grad()
def test_generation_takes_the_likeliest_token_of_a_whole_pass():
    model, ids = network(recursion="trm"), tokens(2, 5)
    expected = ids
    for _ in range(5):
        expected = torch.cat([expected, model(expected)[:, -1:].argmax(-1)], 1)
    assert torch.equal(model.generate(ids, 5), expected[:, 5:])


def test_experts_of_every_call_are_spread():
    model, ids = network(recursion="trm", ffn="moe", balance=0.5), tokens(2, 8)
    routed = []
    for block in model.blocks:
        block.feed_forward.register_forward_hook(lambda _module, _inputs, output: routed.append(output[1]))
    with_balance = functional.loss(model, ids, ids)
    chance = torch.cat(routed).softmax(-1)
    share = torch.zeros(3, dtype=torch.float64)
    for row in chance:
        share[row.argsort(descending=True)[:2]] += 1 / len(chance)
    other = build_model(**options(recursion="trm", ffn="moe", balance=0.0)).double()
    other.load_state_dict(model.state_dict())
    without = functional.loss(other, ids, ids)
    torch.testing.assert_close(with_balance - without, 0.5 * 3 * (share * chance.mean(0)).sum())


def test_answer_and_latent_start_from_two_fixed_vectors_of_normal_size():
    recursion = build_model(**options(recursion="trm", hidden_size=512)).recursion
    starts = torch.stack([recursion.y0_d, recursion.z0_d])
    assert not starts.requires_grad
    assert starts.std(-1).tolist() == pytest.approx([0.9, 0.9], abs=0.15)
    assert (starts[0] - starts[1]).abs().max() > 0.1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"recursion": "loop"}, "recursion='loop' must be one of none, trm"),
        ({"recursion": "trm"}, r"recursion='trm' needs num_latent, num_cycles and num_steps of at least 1, not \(0, 0"),
        ({"recursion": "trm", "num_latent": 1, "num_cycles": 1}, r"of at least 1, not \(1, 1, 0\)"),
        ({"num_latent": 1}, "num_latent, num_cycles and num_steps need recursion='trm'"),
        ({"num_steps": 1}, "num_latent, num_cycles and num_steps need recursion='trm'"),
    ],
)
def test_what_a_recursion_needs_is_asked_for(changes, said):
    with pytest.raises(ValueError, match=said):
        ModelConfig(**{**SMALL, **changes})
