"""The test file for a network: the tests of `delivered/behaviour_tests.py` that it must pass, with its own head."""

import ast
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources

from mlexpert_nb.verify.behaviour.measures.positions import masked_axis, masked_outputs
from mlexpert_nb.verify.behaviour.rebuild import Recipe
from mlexpert_nb.verify.behaviour.report import Behaviour, Examination
from mlexpert_nb.verify.behaviour.slots import STEP, Reading, Template
from mlexpert_nb.verify.behaviour.subject import PAIR, Subject

TESTS: Mapping[str, str] = {  # behaviour, without its inputs: the test of it
    "determinism": "test_evaluation_mode_draws_no_random_numbers",
    "no_state_leak": "test_an_earlier_call_leaves_no_trace",
    "inputs_untouched": "test_forward_does_not_write_into_its_inputs",
    "parameters_untouched": "test_forward_does_not_change_parameters",
    "train_eval": "test_only_buffers_carry_something_from_training_to_evaluation",
    "batch_independence": "test_an_example_does_not_see_the_others_of_its_batch",
    "batch_independence_in_training": "test_an_example_does_not_see_the_others_in_training_mode",
    "causality": "test_a_position_does_not_see_those_after_it",
    "padding_invariance": "test_what_the_mask_leaves_out_does_not_count",
    "permutation_equivariance": "test_outputs_follow_the_order_of_the_elements",
    "permutation_invariance": "test_outputs_do_not_see_the_order_of_the_elements",
    "node_equivariance": "test_outputs_follow_the_order_of_the_nodes",
    "gradients": "test_a_gradient_reaches_every_parameter",
    "parameters_registered": "test_everything_that_is_trained_is_a_parameter",
    "save_load": "test_saved_and_loaded_it_gives_the_same",
    "finite": "test_outputs_are_finite",
    "finite_when_large": "test_outputs_on_large_inputs_are_finite",
    "dtype": "test_it_stays_in_the_kind_of_number_it_is_given",
    "device": "test_everything_moves_to_another_device",
    "export": "test_the_whole_network_can_be_exported",
}
_ALWAYS = "test_it_runs_and_gives_its_outputs"
_PACKAGE = "mlexpert_nb.verify.behaviour.delivered"
_HELD = ast.FunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Suite:
    """A test file.

    Attributes:
        text: Its text.
        tests: The tests in it, by name.
        to_do: What the user has to fill in before it runs; empty if nothing.
    """

    text: str
    tests: tuple[str, ...]
    to_do: str = ""


def suite_for(subject: Subject, found: Examination, recipe: Recipe) -> Suite:
    """Write the tests of everything that holds, and of everything that has to."""
    kept = [each for each in found.behaviours if each.holds or each.is_defect]
    if subject.loss is not None:  # the test follows the outputs alone, and some parts learn by the loss only
        kept = [each for each in kept if each.name != "gradients"]
    wanted = [name for key, name in TESTS.items() if any(each.name.partition(":")[0] == key for each in kept)]
    text = (resources.files(_PACKAGE) / "behaviour_tests.py").read_text("utf-8")
    tree = ast.parse(text)
    needed = _needed(tree, (_ALWAYS, *wanted))
    replaced = {**_constants(subject, kept), **_functions(subject.reading, recipe)}
    body = [_piece(text, node, replaced) for node in tree.body if _names(node) & needed]
    told = f'"""Behaviour of {found.network}: what holds for it, and must go on to hold.\n\n'
    told += f'Written by mlexpert_nb.add_tests from what was measured in {found.precision}; it is yours to change.\n"""'
    pieces = [*recipe.source, *body]
    head = [told, _imports(tree, "\n".join(pieces), recipe)]
    to_do = "" if recipe.call else "write the body of build(): how this network is made was not found out"
    return Suite(_joined(head, pieces), (_ALWAYS, *wanted), to_do)


def _joined(head: list[str], pieces: list[str]) -> str:
    """Put a file together: its head, its constants close together, its definitions two lines apart."""
    definitions = [each for each in pieces if each.startswith(("def ", "class ", "@"))]
    constants = [each for each in pieces if each not in definitions]
    start = "\n\n".join([*head, "\n".join(constants)])
    return "\n\n\n".join([start, *definitions]) + "\n"


def _needed(tree: ast.Module, tests: Iterable[str]) -> set[str]:
    """Give the names that some tests need, directly or by what they call."""
    uses = {name: _used(node) for node in tree.body for name in _names(node)}
    needed, waiting = set[str](), list(tests)
    while waiting:
        name = waiting.pop()
        if name not in needed and name in uses:
            needed.add(name)
            waiting += uses[name]
    return needed


def _names(node: ast.stmt) -> set[str]:
    """Give the names that a statement at the top of a file defines."""
    if isinstance(node, _HELD):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}


def _used(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _piece(text: str, node: ast.stmt, replaced: Mapping[str, str]) -> str:
    """Give the text of one statement, with what is this network's own in the place of the example's."""
    own = [replaced[name] for name in sorted(_names(node)) if name in replaced]
    lines = text.splitlines()
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
    whole = "\n".join(lines[first - 1 : node.end_lineno])
    if not own:
        return whole
    if isinstance(node, _HELD):
        return own[0]
    comment = whole.partition("  # ")[2]
    return own[0] + (f"  # {comment}" if comment else "")


def _constants(subject: Subject, kept: Iterable[Behaviour]) -> dict[str, str]:
    """Write the constants of a network."""
    told = [each.name.split(":") for each in kept]
    axis = {slot.name: slot.length_axis for slot in subject.reading.slots}
    named = {kind: [(p[1], axis[p[1]]) for p in told if p[0] == kind and p[1:] and p[1] in axis] for kind in TESTS}
    padded = [_padded(subject, p[1], p[2]) for p in told if p[0] == "padding_invariance"]
    dtypes = "".join(f"torch.{parts[1]}, " for parts in told if parts[0] == "dtype")
    slots = subject.reading.slots
    zero = tuple(s.name for s in slots if s.kind in ("float", "unit") or (s.kind == "range" and s.low == 0))
    rows = subject.batch_axes() if subject.reading.has_rows else {}
    return {
        "DTYPE": f"DTYPE = torch.{str(subject.dtype).removeprefix('torch.')}",
        "TOLERANCE": f"TOLERANCE, LOOSE = {subject.tolerance}, {subject.loose}",
        "BATCH": f"BATCH = {PAIR}",
        "LENGTH": f"LENGTH = {subject.reading.length}",
        "ROWS": f"ROWS: dict[str, int] = {_text(rows)}",
        "POSITIONS": f"POSITIONS: dict[str, int] = {_text(subject.length_axes())}",
        "CAUSAL": f"CAUSAL = {_text(tuple(named['causality']))}",
        "PADDED": f"PADDED = {_text(tuple(padded))}",
        "EQUIVARIANT": f"EQUIVARIANT = {_text(tuple(named['permutation_equivariance']))}",
        "INVARIANT": f"INVARIANT = {_text(tuple(named['permutation_invariance']))}",
        "UNBOUNDED": f"UNBOUNDED = {_text(tuple(slot.name for slot in slots if slot.kind == 'float'))}",
        "ZERO": f"ZERO = {_text(zero)}",
        "DTYPES": f"DTYPES = ({dtypes.rstrip()})",
        "NODES": f"NODES: dict[str, int] = {_text({} if subject.reading.has_rows else subject.batch_axes())}",
        "GRAPH": f"GRAPH = {_text(_graph(subject.reading))}",
    }


def _padded(subject: Subject, name: str, mask: str) -> tuple[str, int | None, str, bool, dict[str, int]]:
    """Give what the test of a mask needs to know."""
    slots = {slot.name: slot for slot in subject.reading.slots}
    outputs = masked_outputs(subject, slots[mask])
    return name, masked_axis(slots[name], slots[mask]), mask, slots[mask].inverted, outputs


def _graph(reading: Reading) -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
    """Give the edges, and the inputs with a row a node and a row an edge."""
    nodes, per_edge = (tuple(s.name for s in reading.slots if s.shape[:1] == (size,)) for size in ("B", "E"))
    return tuple((slot.name, nodes, per_edge) for slot in reading.slots if slot.kind == "edges")


def _functions(reading: Reading, recipe: Recipe) -> dict[str, str]:
    """Write the functions of a network: how it is built, what it reads, how it is called."""
    built = f"return {recipe.call}" if recipe.call else 'raise NotImplementedError("build the network here")'
    if recipe.is_lazy:
        built = (
            f"module = {recipe.call}\n    with torch.no_grad():\n"
            "        call(module.eval(), draw())  # its lazy layers take their sizes from what they read first\n"
            "    return module.train()"
        )
    lines = [
        "def draw(batch: int = BATCH, seed: int = 0, *, whole: bool = False) -> dict[str, Tensor]:",
        '    """Draw the inputs of forward: the same for the same seed; with `whole` no mask leaves anything out."""',
        "    generator = torch.Generator().manual_seed(seed)",
    ]
    if any("kept" in slot.code() for slot in reading.slots):
        lines += [
            f"    lengths = (LENGTH - (0 if whole else 1) * (torch.arange(batch) % {STEP})).clamp(min=1)",
            "    kept = torch.arange(LENGTH) < lengths[:, None]",
        ]
    lines += ["    return {", *(f'        "{slot.name}": {slot.code()},' for slot in reading.slots), "    }"]
    made = ", ".join(f"{json.dumps(name)}: {_call_text(each)}" for name, each in reading.templates().items())
    given = f"{{{made}}}" if reading.nested else "inputs"
    called = f"(), {given}" if reading.by_name else f"tuple({given}.values()), {{}}"
    return {
        "build": 'def build() -> nn.Module:\n    """Build the network; whoever calls seeds the random numbers of its '
        f'weights."""\n    {built}',
        "draw": "\n".join(lines),
        "arguments": "def arguments(inputs: dict[str, Tensor]) -> tuple[tuple[Any, ...], dict[str, Any]]:\n"
        f'    """Give what forward is called with: by order, and by name."""\n    return {called}',
    }


def _call_text(template: Template) -> str:
    """Write the code that puts an argument together from `inputs`."""
    if isinstance(template, dict):
        return f"{{{', '.join(f'{json.dumps(key)}: {_call_text(each)}' for key, each in template.items())}}}"
    if isinstance(template, list):
        return f"[{', '.join(map(_call_text, template))}]"
    if isinstance(template, tuple):
        return f"({' '.join(f'{_call_text(each)},' for each in template)})"
    return f"inputs[{json.dumps(template)}]"


def _imports(tree: ast.Module, code: str, recipe: Recipe) -> str:
    """Write the imports that the code needs in their order, and those of the network below them."""
    used, lines = _used(ast.parse(code)), list[str]()
    for node in tree.body:
        if isinstance(node, ast.Import):
            lines += [f"import {each.name}" for each in node.names if each.name in used]
        elif isinstance(node, ast.ImportFrom):
            names = [each.name for each in node.names if each.name in used]
            lines += [f"from {node.module} import {', '.join(names)}"] if names else []
    own = [each for each in dict.fromkeys(recipe.imports) if each not in lines]
    paths = [each for each in own if each.startswith("sys.path")]
    standard = [each for each in (*lines, *own) if each.split()[1].partition(".")[0] in sys.stdlib_module_names]
    others = [each for each in (*lines, *own) if each not in standard and each not in paths]
    late = [f"{each}  # noqa: E402" for each in others if paths and each not in lines]
    early = [each for each in others if not paths or each in lines]
    blocks = [sorted(standard, key=lambda each: (each.startswith("from"), each)), early, [*paths, *late]]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _text(value: object) -> str:
    """Write a tuple or a dict of names and numbers, with double quotes."""
    return repr(value).replace("'", '"')
