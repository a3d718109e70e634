"""Behaviour of Linear: what holds for it, and must go on to hold."""

import copy
import functools
import io
from typing import Any

import pytest
import torch
from torch import Tensor, nn

DTYPE = torch.float64  # kind of number that everything is measured in
TOLERANCE, LOOSE = 1e-9, 1e-7  # for equal results, and for those whose sums are taken in another order
BATCH = 3  # examples in a batch
LENGTH = 0  # positions in an example; 0 if there are none
ROWS = {"output": 0}  # axis of each output that counts the examples
NODES: dict[str, int] = {}  # axis of each output that follows the nodes of a graph
POSITIONS: dict[str, int] = {}  # axis of each output that follows the positions of the inputs
CAUSAL: tuple[tuple[str, int], ...] = ()  # inputs, and the axis of their positions
PADDED: tuple[tuple[str, int, str, bool, dict[str, int]], ...] = ()  # input, its axis, mask, is True padding, outputs
EQUIVARIANT: tuple[tuple[str, int], ...] = ()  # inputs whose order the outputs follow
INVARIANT: tuple[tuple[str, int], ...] = ()  # inputs whose order the outputs do not see
UNBOUNDED = ("input",)  # inputs that may be any number
ZERO = ("input",)  # inputs that may be zero
DTYPES = (torch.float64, torch.bfloat16)
GRAPH: tuple[
    tuple[str, tuple[str, ...], tuple[str, ...]], ...
] = ()  # its edges, and inputs with a row a node or an edge
COMPLEX = {torch.float64: torch.complex128, torch.float32: torch.complex64, torch.float16: torch.complex32}


def build() -> nn.Module:
    """Build the network; the random numbers of its weights are seeded by whoever calls."""
    return nn.Linear(4, 2)


def draw(batch: int = BATCH, seed: int = 0, *, whole: bool = False) -> dict[str, Tensor]:  # noqa: ARG001 - a linear layer has no mask
    """Draw the inputs of forward: the same for the same seed; with `whole` no mask leaves anything out."""
    generator = torch.Generator().manual_seed(seed)
    return {"input": torch.randn((batch, 4), generator=generator)}


def arguments(inputs: dict[str, Tensor]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Give what forward is called with: by order, and by name."""
    return (), inputs


def call(module: nn.Module, inputs: dict[str, Tensor]) -> object:
    """Run the network."""
    by_order, by_name = arguments(inputs)
    return module(*by_order, **by_name)


@functools.cache
def _built() -> nn.Module:
    torch.manual_seed(0)
    module = retyped(build(), DTYPE).eval()
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.is_floating_point():  # zeros would hide a fault
                parameter.add_(0.02 * torch.randn_like(parameter))
    return module


def fresh() -> nn.Module:
    """Give a network that nothing has been run on."""
    return copy.deepcopy(_built())


def cast(inputs: dict[str, Tensor], dtype: torch.dtype = DTYPE) -> dict[str, Tensor]:
    """Give inputs with every float in one type."""
    return {name: as_type(each, dtype) for name, each in inputs.items()}


def as_type(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Give a tensor in one type; complex numbers stay complex, integers as they are."""
    if tensor.is_complex():
        return tensor.to(COMPLEX.get(dtype, tensor.dtype))
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def retyped(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Change the type of every number of a network; `Module.to` would cut complex ones down to their real part."""
    held = [*module.parameters(), *module.buffers()]
    if not any(each.is_complex() for each in held):
        return module.to(dtype)
    for each in held:
        each.data = as_type(each.data, dtype)
    return module


def flat(value: object, name: str = "") -> dict[str, Tensor]:
    """Give every tensor in what a network returns, by name; a lone one is `output`."""
    if isinstance(value, Tensor):
        return {name or "output": value}
    if isinstance(value, dict):
        parts = [(str(key), each) for key, each in value.items()]
    elif isinstance(value, (tuple, list)):
        parts = list(zip(getattr(value, "_fields", map(str, range(len(value)))), value, strict=True))
    else:
        parts = [(key, getattr(value, key)) for key in getattr(value, "__dataclass_fields__", ())]
    found: dict[str, Tensor] = {}
    for key, each in parts:
        found.update(flat(each, f"{name}.{key}" if name else key))
    return found


def run(module: nn.Module, inputs: dict[str, Tensor], seed: int = 0) -> dict[str, Tensor]:
    """Run on a copy of the inputs, without gradients, with given random numbers."""
    torch.manual_seed(seed)
    with torch.no_grad():
        return flat(call(module, {name: each.clone() for name, each in inputs.items()}))


def gap(left: Tensor, right: Tensor) -> float:
    """Give the largest difference, relative to the size where that exceeds one; equal infinities do not differ."""
    assert left.shape == right.shape
    if not left.numel():
        return 0.0
    wide = torch.complex128 if left.is_complex() else torch.float64
    first, second = left.to(wide), right.to(wide)
    same = (first == second) | (first.isnan() & second.isnan())
    largest = torch.where(first.isfinite(), first.abs(), 0.0).max().clamp(min=1.0)
    return float((torch.where(same, 0.0, (first - second).abs()) / largest).nan_to_num(nan=float("inf")).max())


def distance(left: dict[str, Tensor], right: dict[str, Tensor]) -> float:
    """Give the largest difference of two sets of outputs."""
    assert left.keys() == right.keys()
    return max(gap(left[name], right[name]) for name in left)


def joined(front: Tensor, back: Tensor, axis: int, start: int) -> Tensor:
    """Give the front of one tensor and the back of another."""
    return torch.cat([front.narrow(axis, 0, start), back.narrow(axis, start, back.shape[axis] - start)], axis)


def score(module: nn.Module, seed: int) -> Tensor:
    """Give a number that depends on every output."""
    inputs = cast(draw(6, seed))
    torch.manual_seed(seed)
    given = [each for each in flat(call(module, inputs)).values() if each.requires_grad]
    assert given, "no output carries a gradient"
    real = [torch.view_as_real(each) if each.is_complex() else each for each in given]
    clean = [each.masked_fill(~each.isfinite(), 0.0) if bool(each.isinf().any()) else each for each in real]
    return torch.stack([(each * torch.randn_like(each)).sum() + 0.5 * each.square().mean() for each in clean]).sum()


def rows_of_another(first: dict[str, Tensor], other: dict[str, Tensor]) -> dict[str, Tensor]:
    """Give the first row of one batch and the other rows, three times as large, of another."""
    mixed = {}
    for name, each in first.items():
        louder = 3.0 * other[name] if name in UNBOUNDED else other[name]
        mixed[name] = joined(each, louder, 0, 1) if each.shape[:1] == (BATCH,) else each
    return mixed


def is_finite(tensor: Tensor) -> bool:
    """Tell whether there is no NaN and no infinity; minus infinity is a mask."""
    return not tensor.is_floating_point() or not bool((tensor.isnan() | (tensor == float("inf"))).any())


def test_it_runs_and_gives_its_outputs():
    given = run(fresh(), cast(draw()))
    assert set(ROWS) <= set(given)
    assert all(given[name].shape[axis] == BATCH for name, axis in ROWS.items())
    assert all(given[name].shape[axis] == LENGTH for name, axis in POSITIONS.items())


def test_evaluation_mode_draws_no_random_numbers():
    inputs = cast(draw())
    assert distance(run(fresh(), inputs, seed=1), run(fresh(), inputs, seed=2)) == 0


def test_an_earlier_call_leaves_no_trace():
    used, inputs = fresh(), cast(draw(seed=1))
    run(used, cast(draw(seed=2)))
    assert distance(run(fresh(), inputs), run(used, inputs)) <= TOLERANCE


@pytest.mark.parametrize("training", [False, True])
def test_forward_does_not_write_into_its_inputs(training):
    inputs = cast(draw())
    before = {name: each.clone() for name, each in inputs.items()}
    with torch.no_grad():
        call(fresh().train(training), inputs)
    assert distance(before, inputs) == 0


@pytest.mark.parametrize("training", [False, True])
def test_forward_does_not_change_parameters(training):
    module = fresh().train(training)
    held = dict(module.named_parameters()) if training else module.state_dict()
    before = {name: each.detach().clone() for name, each in held.items()}
    run(module, cast(draw()))
    after = dict(module.named_parameters()) if training else module.state_dict()
    assert after.keys() == before.keys()
    assert all(gap(before[name], after[name].detach()) == 0 for name in before)


def test_only_buffers_carry_something_from_training_to_evaluation():
    module, inputs = fresh(), cast(draw())
    before = run(module, inputs)
    buffers = {name: each.clone() for name, each in module.named_buffers()}
    run(module.train(), cast(draw(seed=1)))
    for name, each in module.named_buffers():
        if name in buffers:
            each.data.copy_(buffers[name])
    assert distance(before, run(module.eval(), inputs)) <= TOLERANCE


def test_an_example_does_not_see_the_others_of_its_batch():
    first, other = cast(draw(seed=1)), cast(draw(seed=2))
    before, after = run(fresh(), first), run(fresh(), rows_of_another(first, other))
    for name, axis in ROWS.items():
        assert gap(before[name].narrow(axis, 0, 1), after[name].narrow(axis, 0, 1)) <= TOLERANCE


def test_an_example_does_not_see_the_others_in_training_mode():
    first, other = cast(draw(seed=1)), cast(draw(seed=2))
    before, after = run(fresh().train(), first), run(fresh().train(), rows_of_another(first, other))
    for name, axis in ROWS.items():
        assert gap(before[name].narrow(axis, 0, 1), after[name].narrow(axis, 0, 1)) <= TOLERANCE


@pytest.mark.parametrize(("name", "axis"), CAUSAL)
@pytest.mark.parametrize("start", [1, 2, LENGTH // 2, LENGTH - 1])
def test_a_position_does_not_see_those_after_it(name, axis, start):
    inputs, other = cast(draw(seed=1, whole=True)), cast(draw(seed=2, whole=True))
    changed = {**inputs, name: joined(inputs[name], other[name], axis, start)}
    before, after = run(fresh(), inputs), run(fresh(), changed)
    for output, along in POSITIONS.items():
        assert gap(before[output].narrow(along, 0, start), after[output].narrow(along, 0, start)) <= TOLERANCE


@pytest.mark.parametrize(("name", "axis", "mask", "hides", "positions"), PADDED)
def test_what_the_mask_leaves_out_does_not_count(name, axis, mask, hides, positions):
    inputs, other = cast(draw(seed=1)), cast(draw(seed=2))
    value = inputs[mask]
    kept = torch.arange(LENGTH) < value[:, None] if value.ndim == 1 else value.bool() != hides
    assert not bool(kept.all())
    shape = [1] * inputs[name].ndim
    shape[0], shape[axis] = kept.shape
    changed = {**inputs, name: torch.where(kept.view(shape), inputs[name], other[name])}
    before, after = run(fresh(), inputs), run(fresh(), changed)
    for output, row in ROWS.items():
        if output in positions:
            left, right = (each[output].movedim((row, positions[output]), (0, 1))[kept] for each in (before, after))
            assert gap(left, right) <= TOLERANCE
        else:
            assert gap(before[output], after[output]) <= TOLERANCE


@pytest.mark.parametrize(("name", "axis"), EQUIVARIANT)
def test_outputs_follow_the_order_of_the_elements(name, axis):
    inputs, order = cast(draw(seed=1, whole=True)), torch.randperm(LENGTH, generator=torch.Generator().manual_seed(0))
    before = run(fresh(), inputs)
    after = run(fresh(), {**inputs, name: inputs[name].index_select(axis, order)})
    for output, each in before.items():
        expected = each.index_select(POSITIONS[output], order) if output in POSITIONS else each
        assert gap(expected, after[output]) <= LOOSE


@pytest.mark.parametrize(("name", "axis"), INVARIANT)
def test_outputs_do_not_see_the_order_of_the_elements(name, axis):
    inputs, order = cast(draw(seed=1, whole=True)), torch.randperm(LENGTH, generator=torch.Generator().manual_seed(0))
    after = run(fresh(), {**inputs, name: inputs[name].index_select(axis, order)})
    assert distance(run(fresh(), inputs), after) <= LOOSE


@pytest.mark.parametrize(("edges", "nodes", "per_edge"), GRAPH)
def test_outputs_follow_the_order_of_the_nodes(edges, nodes, per_edge):
    inputs, generator = cast(draw(seed=1)), torch.Generator().manual_seed(0)
    order = torch.randperm(BATCH, generator=generator)
    shuffled = torch.randperm(inputs[edges].shape[1], generator=generator)
    changed = {**inputs, edges: order.argsort()[inputs[edges][:, shuffled]]}
    changed |= {name: inputs[name][order] for name in nodes} | {name: inputs[name][shuffled] for name in per_edge}
    before, after = run(fresh(), inputs), run(fresh(), changed)
    for output, each in before.items():
        expected = each.index_select(NODES[output], order) if output in NODES else each
        assert gap(expected, after[output]) <= LOOSE


def test_a_gradient_reaches_every_parameter():
    module = fresh()
    waiting = {name for name, each in module.named_parameters() if each.requires_grad}
    for training in (True, False):
        for seed in range(3):
            score(module.train(training), seed).backward()
    for name, each in module.named_parameters():
        if each.grad is not None and bool((each.grad != 0).any()):
            assert bool(torch.isfinite(each.grad).all()), name
            waiting.discard(name)
    assert not waiting


def test_everything_that_is_trained_is_a_parameter():
    module = fresh().train()
    known = {id(each) for each in module.parameters()}
    seen, nodes, strangers = set(), [score(module, 0).grad_fn], 0
    while nodes:
        node = nodes.pop()
        if node is not None and node not in seen:
            seen.add(node)
            leaf = getattr(node, "variable", None)
            strangers += leaf is not None and id(leaf) not in known
            nodes += [parent for parent, _ in node.next_functions]
    assert strangers == 0


def test_saved_and_loaded_it_gives_the_same():
    file, inputs = io.BytesIO(), cast(draw())
    torch.save(fresh().state_dict(), file)
    file.seek(0)
    torch.manual_seed(1)
    other = retyped(build(), DTYPE).eval()
    other.load_state_dict(torch.load(file, weights_only=True))
    assert distance(run(fresh(), inputs), run(other, inputs)) <= TOLERANCE


def test_outputs_are_finite():
    zeros = {name: torch.zeros_like(each) if name in ZERO else each for name, each in draw(whole=True).items()}
    for inputs in (cast(draw()), cast(zeros)):
        assert all(is_finite(each) for each in run(fresh(), inputs).values())


def test_outputs_on_large_inputs_are_finite():
    large = {name: 1e3 * each if name in UNBOUNDED else each for name, each in draw().items()}
    assert all(is_finite(each) for each in run(fresh(), cast(large)).values())


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_stays_in_the_kind_of_number_it_is_given(dtype):
    given = run(retyped(fresh(), dtype), cast(draw(), dtype))
    assert all(is_finite(each) for each in given.values())
    assert all(each.dtype == dtype for each in given.values() if each.is_floating_point())


def test_everything_moves_to_another_device():
    inputs = {name: each.to("meta") for name, each in cast(draw()).items()}
    given = run(fresh().to("meta"), inputs)
    assert all(each.device.type == "meta" for each in given.values())


@pytest.mark.filterwarnings("ignore")
def test_the_whole_network_can_be_exported():
    inputs = cast(draw())
    program = torch.export.export(fresh(), *arguments(inputs)).module()
    assert distance(run(fresh(), inputs), run(program, inputs)) <= LOOSE
