"""Writes out an entry of the catalogue: `python tests/catalogue/deliver.py NAME FOLDER [--params N] [key=value]`."""

import argparse
import ast
import sys
from collections.abc import Mapping
from pathlib import Path

from mlexpert_nb.catalogue.entries import ENTRIES


def deliver(
    name: str, root: Path, num_parameters: int | None = None, fixed: Mapping[str, object] | None = None
) -> Path:
    """Write the files of an entry, its tests among them, into a folder; give the folder."""
    entry = ENTRIES[name]
    config = entry.solve(num_parameters, fixed)
    for path, text in {**entry.skeleton(config), **entry.tests(config)}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    return root


def _value(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def main() -> None:
    """Read the command line and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--params", type=int)
    parser.add_argument("fixed", nargs="*")
    args = parser.parse_args()
    fixed = {key: _value(value) for key, _, value in (pair.partition("=") for pair in args.fixed)}
    sys.stdout.write(f"{deliver(args.name, args.folder, args.params, fixed)}\n")


if __name__ == "__main__":
    main()
