"""The blocks against literal versions of their papers' equations: token loops, dense masks, autograd."""

import pytest
import torch
import torch.nn.functional as F

from mlexpert_nb.catalogue.blocks.act_head import above, graves, graves_rule, prior_divergence, run_adaptive
from mlexpert_nb.catalogue.blocks.halting_head import (
    ActWeights,
    HaltingHead,
    diversity,
    halting_distribution,
    halting_loss,
)
from mlexpert_nb.catalogue.blocks.long_term_memory import LongTermMemory, MemoryShape
from mlexpert_nb.catalogue.blocks.mag_block import MemoryAsGate
from mlexpert_nb.catalogue.blocks.memory_rule import ChunkState, Writes, chunk_memory, linear_memory
from mlexpert_nb.catalogue.blocks.sliding_window import AttentionShape, SlidingWindowAttention, rotate, window_attention
from mlexpert_nb.catalogue.blocks.trm import CoreLayer, Tape, TinyRecursion


def writes(tokens, dim=5, rows=3, start=0.0):
    """Random writes with unit queries and keys, in float64, that want gradients."""
    q, k, v = torch.randn(3, rows, tokens, dim).double()
    forget, eta, theta = torch.rand(3, rows, tokens).double() * 0.9 + start
    parts = (F.normalize(q, dim=-1), F.normalize(k, dim=-1), v, (1 - forget).log(), eta.log(), theta)
    return Writes(*(part.detach().requires_grad_() for part in parts))


def token_loop(parts, M, S):
    """Follow eq. 12 to 15 token by token."""
    reads = []
    for q, k, v, keep, eta, theta in zip(*(part.unbind(1) for part in parts), strict=True):
        error = torch.einsum("gd,gde->ge", k, M) - v
        S = eta.exp()[:, None, None] * S - theta[:, None, None] * k[:, :, None] * error[:, None, :]
        M = keep.exp()[:, None, None] * M + S
        reads.append(torch.einsum("gd,gde->ge", q, M))
    return torch.stack(reads, 1), M, S


@pytest.mark.parametrize("chunk", [1, 2, 5, 8, 64])
@pytest.mark.parametrize("tokens", [1, 7, 16])
def test_the_chunked_memory_equals_the_token_loop_with_its_gradients(tokens, chunk):
    parts = writes(tokens)
    state = [torch.randn(3, 5, 5).double().requires_grad_() for _ in range(2)]
    weights = [torch.randn(3, tokens, 5).double(), *torch.randn(2, 3, 5, 5).double()]
    results = [linear_memory(parts, *state, chunk), token_loop(parts, *state)]
    grads = []
    for result in results:
        total = sum((part * weight).sum() for part, weight in zip(result, weights, strict=True))
        grads.append(torch.autograd.grad(total, [*parts, *state]))
    for ours, theirs in zip((*results[0], *grads[0]), (*results[1], *grads[1]), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)


def test_the_inverse_has_a_second_derivative_too():
    parts, state = writes(6, dim=2, rows=1), torch.zeros(1, 2, 2).double()
    assert torch.autograd.gradgradcheck(lambda k: linear_memory(parts._replace(k_GTD=k), state, state, 4)[0], parts[1])


def two_layers(k, W1, W2):
    return F.silu(k @ W1) @ W2


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("split", [(13,), (1, 3, 9), (5, 8)])
def test_the_memory_by_chunks_follows_autograd_at_the_chunk_start(depth, split):
    parts = Writes(*(part.detach() for part in writes(13, dim=4, rows=1)))
    shapes = [(1, 4, 4)] if depth == 1 else [(1, 4, 6), (1, 6, 4)]
    start = tuple(0.5 * torch.randn(shape).double() for shape in shapes)
    zeros = tuple(map(torch.zeros_like, start))
    state, reads = ChunkState(start, zeros, start, 0), []
    for piece in zip(*(part.split(split, 1) for part in parts), strict=True):
        o, state = chunk_memory(Writes(*piece), state, 5)
        reads.append(o)
    network = two_layers if depth == 2 else torch.matmul
    weights, momenta, anchor, expected = list(start), list(zeros), [], []
    for t, (q, k, v, keep, eta, theta) in enumerate(zip(*(part[0] for part in parts), strict=True)):
        anchor = [w.clone().requires_grad_() for w in weights] if t % 5 == 0 else anchor
        surprise = torch.autograd.grad(0.5 * (network(k, *anchor) - v).square().sum(), anchor)
        momenta = [eta.exp() * S - theta * u for S, u in zip(momenta, surprise, strict=True)]
        weights = [keep.exp() * W + S for W, S in zip(weights, momenta, strict=True)]
        expected.append(network(q, *weights))
    torch.testing.assert_close(torch.cat(reads, 1)[0], torch.stack(expected).flatten(1), rtol=0, atol=1e-10)
    for ours, theirs in zip(state.weights, weights, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)


@pytest.mark.parametrize("shape", [MemoryShape(12, 2, 6), MemoryShape(12, 3, 6, depth=2, chunk=4, conv_kernel=1)])
def test_a_memory_streams_and_keeps_rows_apart(shape):
    memory, x = LongTermMemory(shape).double(), torch.randn(2, 11, 12).double()
    full, _ = memory(x)
    first, state = memory(x[:, :6])
    second, _ = memory(x[:, 6:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), full, rtol=0, atol=1e-12)
    changed, _ = memory(torch.cat([x[:1], x[1:] + 1]))
    assert torch.equal(changed[0], full[0])


@pytest.mark.parametrize("window", [1, 3, 70, 300])
@pytest.mark.parametrize("past", [0, 2])
def test_window_attention_equals_a_dense_mask(window, past):
    past, tokens = min(past, window - 1), 150
    q, kv = torch.randn(2, 4, tokens, 6).double(), torch.randn(2, 2, 2, past + tokens, 6).double()
    slots = torch.randn(2, 2, 3, 6).double()
    ours = window_attention(q, *kv, window, persistent_kv=slots)
    k, v = torch.cat([slots.unsqueeze(1).expand(-1, 2, -1, -1, -1), kv], 3).repeat_interleave(2, 2)
    query, key = torch.arange(past, past + tokens)[:, None], torch.arange(past + tokens)
    mask = F.pad((key <= query) & (query - key < window), (3, 0), value=True)
    scores = (q @ k.mT / 6**0.5).masked_fill(~mask, -torch.inf)
    torch.testing.assert_close(ours, scores.softmax(-1) @ v, rtol=0, atol=1e-12)


def test_rotation_turns_pairs_half_a_head_apart_and_scores_depend_on_distance_only():
    q, k = torch.randn(2, 1, 1, 1, 8).double()
    at = [(rotate(q, torch.tensor([i]), 1e4) * rotate(k, torch.tensor([i - 3]), 1e4)).sum() for i in (3, 10, 500)]
    torch.testing.assert_close(torch.stack(at), at[0].expand(3), rtol=1e-9, atol=0)
    one = torch.tensor([[[[1.0, 0.0, 0.0, 0.0]]]]).double()
    torch.testing.assert_close(rotate(one, torch.tensor([2]), 1e4)[0, 0, 0, 2], torch.tensor(2.0).double().sin())


def test_attention_streams_with_at_most_a_window_of_keys():
    attention, x = SlidingWindowAttention(AttentionShape(12, 2, 1, window=4, num_persist=2)), torch.randn(1, 9, 12)
    full, state = attention(x)
    assert state.k_BGPD.shape == (1, 1, 3, 6)
    outputs, state = [], None
    for token in x.split(1, 1):
        output, state = attention(token, state)
        outputs.append(output)
    torch.testing.assert_close(torch.cat(outputs, 1), full)


@pytest.mark.parametrize("is_convex", [True, False])
def test_a_closed_memory_leaves_the_window_and_a_closed_window_the_memory(is_convex):
    block = MemoryAsGate(AttentionShape(12, 2, 1, window=3), MemoryShape(12, 2, 6), 16, is_convex=is_convex)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    x = torch.randn(1, 10, 12)
    changed = torch.cat([x[:, :1] + 1, x[:, 1:]], 1)
    reach = {}
    for gate in (1.0, 0.0, None):
        block.override = gate
        moved = (block(x)[0] - block(changed)[0]).abs().amax((0, 2))
        reach[gate] = int(moved.nonzero().max())
    assert reach == {1.0: 2, 0.0: 9, None: 9}


def recursion(**changes):
    layers = [CoreLayer(8, 16, **changes), CoreLayer(8, 16, **changes)]
    return TinyRecursion(layers, 8, num_latent=2, num_cycles=3)


def test_the_recursion_is_the_loop_of_the_paper_and_only_its_last_cycle_has_a_gradient():
    trm, x = recursion(), torch.randn(2, 3, 8)
    y, z = trm.start(x)
    for _ in range(3):
        for _ in range(2):
            z = trm.net(z + y + x, Tape())
        y = trm.net(y + z, Tape())
    calls = []
    trm.layers[0].register_forward_hook(lambda *_: calls.append(torch.is_grad_enabled()))
    ours, _ = trm.deep_recursion(x, *trm.start(x), Tape())
    assert torch.equal(ours, y)
    assert calls == [False] * 6 + [True] * 3
    assert {name for name, _ in trm.named_buffers()} == {"y0_d", "z0_d"}


def test_halting_probabilities_sum_to_one_and_follow_ponder_net():
    p = halting_distribution(torch.tensor([0.5, 0.2, 0.9]))
    torch.testing.assert_close(p, torch.tensor([0.5, 0.1, 0.4]))
    torch.testing.assert_close(halting_distribution(torch.rand(6, 4, 3)).sum(0), torch.ones(4, 3))
    torch.testing.assert_close(prior_divergence(halting_distribution(torch.full((4, 2), 0.3)), 0.3), torch.zeros(2))


def test_graves_counts_steps_and_pays_for_the_remainder():
    h = torch.tensor([[0.3, 0.995, 0.1], [0.5, 0.5, 0.1], [0.6, 0.5, 0.1]], requires_grad=True)
    p, steps, remainder, cost = graves(h)
    assert steps.tolist() == [3, 1, 3]
    torch.testing.assert_close(remainder, torch.tensor([0.2, 1.0, 0.8]))
    torch.testing.assert_close(p.sum(0), torch.ones(3))
    cost.sum().backward()
    assert h.grad.tolist() == [[-1, 0, -1], [-1, 0, -1], [0, 0, 0]]


def test_the_spread_term_has_a_floor_a_constant_slope_and_ignores_what_does_not_count():
    mask = torch.tensor([True, True, True, False])
    assert diversity(torch.tensor([1.0, 2.0, 3.0, 99.0]), mask, 0.5) == 0
    assert diversity(torch.tensor([2.0, 2.0, 2.0, 99.0]), mask, 0.5) == pytest.approx(1 - 2e-4)
    assert diversity(torch.tensor([2.0, 9.0]), torch.tensor([True, False]), 0.5) == 0
    for spread in (1e-1, 1e-2, 1e-3):
        steps = torch.tensor([2.0, 2.0 + spread], requires_grad=True)
        diversity(steps, mask[:2], 0.5).backward()
        assert abs(steps.grad[0]) == pytest.approx(1.0, rel=0.05)


def test_nothing_supervised_costs_nothing():
    loss, terms = halting_loss(torch.randn(3, 2, 4), torch.ones(3, 2, 4), torch.zeros(2, 4).bool(), ActWeights())
    assert loss == 0
    assert {name: float(term) for name, term in terms.items()} == {"halt": 0, "div": 0, "ponder": 0}


def adaptive_answers(rule):
    """Run a counter as the recursion: the answer of step n is n in every channel."""
    head, seen = HaltingHead(2, bias=0.0, std=1.0), []

    def step(x, y, z, active):
        seen.append(active.tolist())
        return y + 1, z

    with torch.no_grad():
        head.score.weight.copy_(torch.tensor([[1.0, 0.0]]))
        x = torch.tensor([[0.0, 0.0], [-2.0, 0.0], [-9.0, 0.0]])
        answers, steps = run_adaptive(step, head, rule, (x, x.clone(), x.clone()), 4)
    return answers, steps.tolist(), seen


def test_halted_tokens_leave_the_batch_with_the_answer_of_their_step():
    answers, steps, seen = adaptive_answers(above(0.6))
    assert steps == [1, 3, 4]
    assert seen == [[0, 1, 2], [1, 2], [1, 2], [2]]
    assert answers[:, 0].tolist() == [1.0, 1.0, -5.0]


def test_graves_rule_answers_with_the_mixture_that_graves_weighs():
    answers, steps, _ = adaptive_answers(graves_rule)
    counted = torch.stack([torch.tensor([0.0, -2.0, -9.0]) + n for n in range(1, 5)])
    p, expected, *_ = graves(counted.sigmoid())
    assert steps == expected.tolist()
    torch.testing.assert_close(answers[:, 0], (p * counted).sum(0))
