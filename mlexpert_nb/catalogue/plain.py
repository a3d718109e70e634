"""Entries whose delivery follows from their folder: every page of `model/`, the tests, the example and the document.

What differs between two such entries stands in their folders under `families/`, and in the values of one `PlainEntry`.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from mlexpert_nb.catalogue.cells import entry_cells
from mlexpert_nb.catalogue.compose import compose
from mlexpert_nb.catalogue.entry import Config, Entry
from mlexpert_nb.catalogue.sizing import Sizes, solve_sizes
from mlexpert_nb.catalogue.writing import chosen, fill, first_line, with_defaults
from mlexpert_nb.errors import UsageError
from mlexpert_nb.packages import Cell, Json

_CATALOGUE = "mlexpert_nb.catalogue"
_FRONT = "build"  # the module that becomes src/model/__init__.py
_SHARED: Mapping[str, str] = {  # delivered path: template, the same for every entry
    "pyproject.toml": "project.toml",
    "README.md": "README.md",
}
_DESCRIPTIONS: Mapping[str, str] = {
    "src/model/__init__.py": "front door: build_model, ModelConfig, the parameter count",
    "src/model/config.py": "every knob, validated, with the delivered values as defaults; parameters in closed form",
    "src/model/functional.py": "the same as plain functions, for tests and tools",
    "docs/architecture.md": "diagram, shapes, parameter table, equations and sources",
    "pyproject.toml": "project metadata and test settings",
    "README.md": "what this is and how to use it",
}


@dataclass(frozen=True)
class PlainEntry(Entry):
    """An entry that is written out from `families/<package>`.

    Attributes:
        package: Folder under `families/`.
        sizes: How its sizes hang together, with the published ones.
        derived: Gives what the documents may name beside the keys of the configuration.
        blocks: Modules of `blocks/` that a page is made of before its own module, by page.
        only: Pages and tests that go with one value of an option, by their path in the folder: `(key, value)`; single
            lines that do so are marked (`writing.chosen`).
        usage: Python lines for the README that use the network, after `model = build_model()`.
        implied: Gives keys that follow from those that a request fixes (patches from the size of an image, say).
    """

    package: str = ""
    sizes: Sizes | None = None
    derived: Callable[[Any], Mapping[str, object]] | None = None
    blocks: Mapping[str, tuple[str, ...]] | None = None
    only: Mapping[str, tuple[str, Json]] | None = None
    usage: str = ""
    implied: Callable[[Mapping[str, Json]], Mapping[str, Json]] | None = None

    def solve(self, num_parameters: int | None, fixed: Mapping[str, Json] | None = None) -> Config:
        """Give a full configuration within 2 % of the target, keeping the fixed keys; a published one where it fits."""
        if self.sizes is None:
            raise UsageError(f"{self.title} has no sizes to choose from")
        defaults = asdict(self._config_class()())
        kept = fixed or {}
        implied = self.implied(kept) if self.implied else {}
        return solve_sizes(self.sizes, defaults, num_parameters, {**implied, **kept}, self.count_parameters)

    def count_parameters(self, config: Mapping[str, Json]) -> int:
        """Count the parameters in closed form."""
        return int(self._module("config").count_parameters(self._config(config)))

    def parameter_table(self, config: Mapping[str, Json]) -> tuple[tuple[str, int], ...]:
        """Give the parameters of each part; `*` in a name stands for every block."""
        table: tuple[tuple[str, int], ...] = self._module("config").parameter_table(self._config(config))
        return table

    def describe(self, config: Mapping[str, Json]) -> tuple[tuple[str, str], ...]:
        """Give every delivered path with one line about it."""
        files = {**self.skeleton(config), **self.tests(config)}
        return tuple((path, _DESCRIPTIONS.get(path) or first_line(text)) for path, text in files.items())

    def skeleton(self, config: Mapping[str, Json]) -> dict[str, str]:
        """Give the text of every delivered file except the tests."""
        checked = self._config(config)
        options = asdict(checked)
        pages = compose(self._pages(options), options)
        pages["config"] = with_defaults(pages["config"], options)
        files = {f"src/model/{name}.py": text for name, text in pages.items()}
        values = self._values(checked)
        files["docs/architecture.md"] = fill(chosen(self._read("docs/architecture.md"), options), values)
        files["examples/train.py"] = chosen(self._read("examples/train.py"), options)
        for path, template in _SHARED.items():
            files[path] = fill(_template(template), values)
        return files

    def tests(self, config: Mapping[str, Json]) -> dict[str, str]:
        """Give the delivered tests; they hold for every size, because they build small networks."""
        options = asdict(self._config(config))
        own = {
            f"tests/{name}.py": chosen(self._read(f"tests/{name}.py"), options)
            for name in self._names("tests", options)
        }
        return {"tests/conftest.py": _template("conftest.py.txt"), **own}

    def cells(self, config: Mapping[str, Json], *, workspace: str) -> tuple[Cell, ...]:
        """Give the notebook cells that build, inspect and run what was delivered."""
        intro = f"### {self.title}, {self.count_parameters(config):,} parameters\n\n{self.summary}."
        return entry_cells(workspace, intro, is_token_model=self.is_token_model)

    @property
    def family(self) -> str:
        """Folder that it is written out from; entries that share it are options of one network."""
        return self.package

    @property
    def presets(self) -> Mapping[str, Mapping[str, Json]]:
        """Published sizes by name."""
        return self.sizes.presets if self.sizes else {}

    @property
    def is_token_model(self) -> bool:
        """Whether the network reads token ids and gives the logits of the next token at every position."""
        return "causal" in self.claims

    def _folder(self) -> Path:
        return Path(str(resources.files(f"{_CATALOGUE}.families.{self.package}")))

    def _read(self, path: str) -> str:
        return (self._folder() / path).read_text("utf-8")

    def _module(self, name: str) -> Any:
        return importlib.import_module(f"{_CATALOGUE}.families.{self.package}.model.{name}")

    def _config_class(self) -> Callable[..., Any]:
        found: Callable[..., Any] = self._module("config").ModelConfig
        return found

    def _config(self, config: Mapping[str, Json]) -> Any:
        """Build the configuration; lists, which plans hold in place of tuples, become tuples again.

        Raises:
            ValueError: A value is impossible, or a key is unknown.
        """
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in config.items()}
        try:
            return self._config_class()(**values)
        except TypeError as error:
            raise ValueError(str(error)) from error

    def _names(self, folder: str, options: Mapping[str, Json]) -> list[str]:
        """Give the modules of a folder, without those that go with an option that was not chosen."""
        names = sorted(path.stem for path in (self._folder() / folder).glob("*.py"))
        needs = {name: (self.only or {}).get(f"{folder}/{name}.py") for name in names}
        return [name for name, need in needs.items() if need is None or options[need[0]] == need[1]]

    def _pages(self, options: Mapping[str, Json]) -> dict[str, tuple[str, ...]]:
        """Give the modules of each page; `functional` and the blocks of a page come where they are needed."""
        home = f"{_CATALOGUE}.families.{self.package}.model"
        order = [_FRONT, *(name for name in self._names("model", options) if name not in {"__init__", _FRONT})]
        extra = self.blocks or {}
        return {
            "__init__" if name == _FRONT else name: (
                *(f"{_CATALOGUE}.blocks.{block}" for block in extra.get(name, ())),
                f"{home}.{name}",
            )
            for name in order
        }

    def _values(self, config: Any) -> dict[str, str]:
        """Give what the documents may name: every key of the configuration, and what follows from it."""
        table = self._module("config").parameter_table(config)
        total = sum(count for _, count in table)
        rows = [f"| `{name}` | {count:,} | {count / total:.1%} |" for name, count in table]
        known = {
            "name": self.name,
            "title": self.title,
            "summary": self.summary,
            "papers": "\n".join(f"- {paper}" for paper in self.sources(asdict(config))),
            "usage": self.usage.strip("\n"),
            "num_parameters": f"{total:,}",
            "parameter_rows": "\n".join(rows),
        }
        more = self.derived(config) if self.derived else {}
        return {key: str(value) for key, value in {**asdict(config), **known, **more}.items()}


def _template(name: str) -> str:
    return (resources.files(f"{_CATALOGUE}.templates") / name).read_text("utf-8")
