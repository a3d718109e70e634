"""Plants the faults of one job in a copy of the delivery, one at a time, and writes down which were found.

`python -m mlexpert_nb.verify.mutation.harness FOLDER` is started by the judge. It never runs delivered code itself:
its nursery forks the processes that do, and what they change in the copy is undone before the next fault.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlexpert_nb.verify import tree
from mlexpert_nb.verify.mutation.job import FOUND, RESULTS, Job, Notes, Summary, Trial
from mlexpert_nb.verify.mutation.mutant import Mutant
from mlexpert_nb.verify.mutation.nursery import Nursery
from mlexpert_nb.verify.mutation.reach import Reach

_LEAST_TEST_S, _TIMES = 5.0, 4.0  # processor seconds that a test may take, and how many times its usual ones
_LEAST_WALL_S, _WALL_TIMES = 60.0, 6.0  # likewise for all tests of a fault, by the clock of a busy machine
_FATAL_TESTS = 10
_HEAVY = {  # what torch imports late, in seconds, when something of this name is used
    "assert_close": "torch.distributed.tensor",
    "checkpoint": "torch._dynamo",
    "optim": "torch._dynamo",
}


class Copy:
    """A copy of the delivery in which files are changed and put back."""

    def __init__(self, delivery: Path, root: Path) -> None:
        tree.copy(delivery, root)
        self.root = root
        self.files = {path: (root / path).read_bytes() for path in tree.walk(root, ".")}

    def write(self, changed: Mapping[str, str]) -> None:
        """Hold exactly the delivered files, with these changed."""
        wanted = {**self.files, **{path: text.encode() for path, text in changed.items()}}
        for path in {*tree.walk(self.root, ".")} - set(wanted):
            (self.root / path).unlink()
        for path, content in wanted.items():
            place = self.root / path
            if not place.is_file() or place.is_symlink() or place.read_bytes() != content:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.unlink(missing_ok=True)
                place.write_bytes(content)

    def imports(self) -> list[str]:
        """List what the files import that is not their own, the heavy parts of torch first."""
        texts = [content.decode(errors="replace") for path, content in self.files.items() if path.endswith(".py")]
        own = {Path(path).stem for path in self.files} | {"model", "src", "tests"}
        heavy = {module for word, module in _HEAVY.items() if any(word in text for text in texts)}
        found = {name for text in texts for name in _imported(text) if name.split(".")[0] not in own}
        return [*sorted(heavy), *sorted(found)]


class Bench:
    """Where faults are tried: a copy, settings of pytest, and a nursery."""

    def __init__(self, copy: Copy, settings: Path, nursery: Nursery) -> None:
        self.copy, self.settings, self.nursery = copy, settings, nursery

    def run(self, changed: Mapping[str, str], costs: Mapping[str, float]) -> dict[str, Any]:
        """Run tests, by name with their usual cost, on changed files; say what came of it."""
        self.copy.write(changed)
        limits = {name: max(_LEAST_TEST_S, _TIMES * cost) for name, cost in costs.items()}
        wall_s = max(_LEAST_WALL_S, _WALL_TIMES * sum(costs.values()))
        order = {"root": str(self.copy.root), "settings": str(self.settings), "limits": limits, "wall_s": wall_s}
        return self.nursery.run(order)


def main(argv: list[str]) -> int:
    """Do the job in a folder."""
    folder = Path(argv[0])
    with Nursery() as nursery:  # before the secret is in memory
        job = Job.take(folder)
        with (folder / RESULTS).open("a", encoding="utf-8") as out:  # whoever cuts it short is noticed
            notes = Notes(out, job.nonce, sys.stdout)
            try:
                broken = _try_all(job, Reach.read(folder, job.measured_root), _bench(folder, job, nursery), notes)
            except (OSError, ValueError, KeyError) as error:
                broken = str(error)
            notes.add(Summary(broken, notes.tried, round(nursery.spent_s, 2)))
    return 0


def _bench(folder: Path, job: Job, nursery: Nursery) -> Bench:
    copy = Copy(Path.cwd(), folder / "delivery")
    settings = folder / "pytest.toml"
    settings.write_text(job.settings.replace("ROOT", str(copy.root)), encoding="utf-8")
    nursery.get_ready(copy.imports())
    return Bench(copy, settings, nursery)


def _try_all(job: Job, reach: Reach, bench: Bench, notes: Notes) -> str:
    """Try every fault as long as there is time; say what makes the figure worthless, if anything does."""
    if silent := _unnoticed(job, reach, bench):
        return silent
    killers: dict[str, float] = {}
    pages: dict[str, str] = {}
    for number, mutant in enumerate(job.mutants):
        if bench.nursery.spent_s > job.budget_s:
            break
        trial = _try(number, mutant, job, reach, bench)
        notes.add(trial)
        if trial.fate in FOUND:
            pages.setdefault(mutant.path, mutant.same_source)
        if trial.by in reach.costs:
            killers[trial.by] = reach.costs[trial.by]
    return _false_alarm(pages, killers, bench)


def _try(number: int, mutant: Mutant, job: Job, reach: Reach, bench: Bench) -> Trial:
    reaching = reach.tests(mutant.path, mutant.first_line, mutant.last_line)
    if not reaching:
        return Trial(number, "unreached", "", 0, 0, 0.0)
    costs, total = dict[str, float](), 0.0
    for name in reaching:
        total += reach.costs[name]
        if costs and total > job.each_s:
            break
        costs[name] = reach.costs[name]
    said = bench.run({mutant.path: mutant.new_source}, costs)
    return Trial(number, said["fate"], said["by"], len(reaching), said["ran"], round(said["seconds"], 3))


def _unnoticed(job: Job, reach: Reach, bench: Bench) -> str:
    """Plant a fault that every test must notice that reaches it."""
    for mutant in job.fatal:
        reaching = reach.tests(mutant.path, mutant.first_line, mutant.last_line)[:_FATAL_TESTS]
        if reaching:
            said = bench.run({mutant.path: mutant.new_source}, {name: reach.costs[name] for name in reaching})
            where = f"{mutant.path}:{mutant.line} was made to raise"
            return "" if said["fate"] == "killed" else f"{where}, and no test that runs it failed"
    return ""  # no function is reached: every fault will be told as such


def _false_alarm(pages: Mapping[str, str], killers: Mapping[str, float], bench: Bench) -> str:
    """Run the tests that found faults where the same places are written otherwise and mean the same."""
    if not killers:
        return ""
    said = bench.run(pages, dict(sorted(killers.items(), key=lambda each: each[1])))
    if said["fate"] == "survived":
        return ""
    return f"{said['by'] or 'a test'} also fails where nothing is wrong: run by itself, or because the text is another"


def _imported(text: str) -> Iterator[str]:
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
