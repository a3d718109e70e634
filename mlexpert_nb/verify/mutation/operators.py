"""The table of faults, and every place of a page where one can be planted."""

import ast
from collections.abc import Iterable, Iterator, Mapping

from mlexpert_nb.verify.mutation import logic_faults, network_faults
from mlexpert_nb.verify.mutation.mutant import Edit, Mutant, Operator
from mlexpert_nb.verify.mutation.page import Page

OPERATORS: Mapping[str, Operator] = {
    "mask dropped": network_faults.mask_dropped,
    "bound off by one": logic_faults.off_by_one,
    "axis swapped": network_faults.axis_swapped,
    "scale dropped": network_faults.scale_dropped,
    "residual dropped": network_faults.residual_dropped,
    "norm dropped": network_faults.norm_dropped,
    "detach changed": network_faults.detach_changed,
    "no_grad removed": network_faults.no_grad_removed,
    "dropout left on": network_faults.dropout_left_on,
    "wrong reduction": logic_faults.wrong_reduction,
    "wrong index": logic_faults.wrong_index,
    "stale state": logic_faults.stale_state,
    "arithmetic swapped": logic_faults.arithmetic_swapped,
    "boundary moved": logic_faults.boundary_moved,
    "activation swapped": network_faults.activation_swapped,
    "condition negated": logic_faults.condition_negated,
}
_LONGEST = 60  # characters of code that a description shows


def mutants(sources: Mapping[str, str]) -> tuple[Mutant, ...]:
    """Plant every fault that the operators know, one at a time, in the order of files, lines and operators.

    Args:
        sources: Text of each file by its path.
    """
    return tuple(mutant for path in sorted(sources) for mutant in _of_page(path, sources[path]))


def _of_page(path: str, text: str) -> Iterator[Mutant]:
    try:
        page = Page.parse(path, text)
    except (SyntaxError, ValueError, RecursionError):
        return
    seen = set[tuple[int, int, str]]()
    found = [(name, edit) for node in page.nodes() for name, plant in OPERATORS.items() for edit in plant(node, page)]
    for name, edit in sorted(found, key=lambda each: (*page.span(each[1].node), each[0])):
        written = (*page.span(edit.node), edit.text)
        if written not in seen and _differs(edit):
            seen.add(written)
            yield _mutant(page, name, edit)


def _mutant(page: Page, name: str, edit: Edit) -> Mutant:
    code = " ".join(page.source(edit.node).split())
    shown = code if len(code) <= _LONGEST else code[: _LONGEST - 3] + "..."
    is_expression = isinstance(edit.node, ast.expr)
    same = f"({page.source(edit.node)}, None)[0]" if is_expression else f"{page.source(edit.node)}; None"
    return Mutant(
        path=page.path,
        line=edit.node.lineno,
        operator=name,
        description=f"{shown}: {edit.instead}",
        new_source=page.replaced(edit.node, edit.text),
        same_source=page.replaced(edit.node, same),
        first_line=page.lines(edit.node)[0],
        last_line=page.lines(edit.node)[1],
    )


def _differs(edit: Edit) -> bool:
    """Tell whether an edit is Python and says something else than before."""
    mode = "eval" if isinstance(edit.node, ast.expr) else "exec"
    try:
        written = ast.parse(edit.text, mode=mode)
    except SyntaxError:
        return False
    before: ast.AST = written.body if isinstance(written, ast.Expression) else written
    return ast.dump(before) != ast.dump(edit.node)


def count_by(found: Iterable[Mutant]) -> dict[str, int]:
    """Count mutants by operator, in the order of the table."""
    kinds = [mutant.operator for mutant in found]
    return {name: kinds.count(name) for name in OPERATORS if name in kinds}
