"""A graph as text for other programs: DOT, Mermaid, and a table for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from mlexpert_widgets.graph.fold import opened, runs, signatures
from mlexpert_widgets.graph.layout import lay_out
from mlexpert_widgets.graph.walk import Entry
from mlexpert_widgets.graph.words import count, cut, shapes

MERMAID_BOXES = 120  # Mermaid stops at 500 edges and 50,000 characters
DOT_BOXES = 2000
TEXT_LINES = 60


def to_dot(entries: Sequence[Entry], edges: Sequence[tuple[int, int]]) -> str:
    """Give the graph for Graphviz, each open module a cluster."""
    shown, inner = _chosen(entries, edges, DOT_BOXES)
    lines = ["digraph model {", '  node [shape=box, style=rounded, fontname="sans-serif"];', "  compound=true;"]
    stack: list[tuple[int, int, bool]] = [(0, 1, False)]
    while stack:
        index, times, done = stack.pop()
        if done:
            lines.append("  }")
        elif index in shown:
            lines += [f"  subgraph cluster_{index} {{", f"  label={_quoted(_label(entries[index], times))};"]
            stack.append((index, times, True))
            stack.extend((run.first, run.count, False) for run in reversed(shown[index]))
        else:
            lines.append(f"  n{index} [label={_quoted(_label(entries[index], times))}];")
    lines += [f"  n{_first(a, shown)} -> n{_first(b, shown)};" for a, b in inner]
    return "\n".join((*lines, "}"))


def to_mermaid(entries: Sequence[Entry], edges: Sequence[tuple[int, int]]) -> str:
    """Give the graph for Mermaid, as deep as it draws."""
    shown, inner = _chosen(entries, edges, MERMAID_BOXES)
    lines = ["flowchart TD"]
    stack: list[tuple[int, int, bool]] = [(0, 1, False)]
    while stack:
        index, times, done = stack.pop()
        label = _label(entries[index], times).replace('"', "#quot;").replace("\n", "<br/>")
        if done:
            lines.append("  end")
        elif index in shown:
            lines.append(f'  subgraph n{index}["{label}"]')
            stack.append((index, times, True))
            stack.extend((run.first, run.count, False) for run in reversed(shown[index]))
        else:
            lines.append(f'  n{index}["{label}"]')
    return "\n".join((*lines, *(f"  n{a} --> n{b}" for a, b in inner)))


def to_text(entries: Sequence[Entry], flops: Sequence[int] | None) -> str:
    """Give the graph as a tree of lines, repeats folded."""
    numbers = signatures(entries)
    rows: list[tuple[str, ...]] = []
    stack = [(0, 0, 1)]
    left_out = 0
    while stack:
        index, depth, times = stack.pop()
        entry = entries[index]
        if len(rows) >= TEXT_LINES:
            left_out += 1
            continue
        name = f"{'  ' * min(depth, 12)}{entry.name or type(entry.module).__name__}{f' ×{times}' if times > 1 else ''}"
        kind = type(entry.module).__name__ if entry.name else ""
        cost = count(flops[index]) if flops else ""
        failed = f"✕ {entry.failed}" if entry.failed else ""
        rows.append((cut(name, 44), kind, shapes(entry.outputs), f"{entry.total:,}", cost, failed))
        stack.extend((r.first, depth + 1, r.count) for r in reversed(runs(entries, entry.children, numbers)))
    head = ("module", "class", "output", "parameters", "FLOPs" if flops else "", "")
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(6)]
    lines = ["  ".join(each.ljust(width) for each, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return "\n".join([*(line.rstrip() for line in lines), *([f"… {left_out} more"] if left_out else [])])


def _chosen(
    entries: Sequence[Entry], edges: Sequence[tuple[int, int]], limit: int
) -> tuple[dict[int, Any], Sequence[tuple[int, int]]]:
    shown = opened(entries, signatures(entries), limit)
    laid = lay_out(shown, edges, [entry.parent for entry in entries], [entry.order for entry in entries])
    return shown, laid.edges


def _label(entry: Entry, times: int) -> str:
    name = f"{entry.name or type(entry.module).__name__}{f' ×{times}' if times > 1 else ''}"
    words = [type(entry.module).__name__ if entry.name else "", shapes(entry.outputs, 1), count(entry.total)]
    return f"{name}\n{' · '.join(each for each in words if each and each != '0')}" + (
        f"\n✕ {cut(entry.failed, 60)}" if entry.failed else ""
    )


def _first(index: int, shown: Mapping[int, Any]) -> int:
    """Give a box inside a cluster, since Graphviz draws no edge to a cluster itself."""
    while index in shown:
        index = shown[index][0].first
    return index


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
