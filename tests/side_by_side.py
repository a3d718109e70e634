"""Runs all tests, two processes at once (`make test`): on two cores that takes little more than half the time.

There are four parts. What needs a front end is one, since Playwright's event loop must not meet the other tests; what
runs many networks and what judges them are two more, each started when another part is through; everything else, the
notebooks too, is the first, whose output is shown as it comes, that of the others when they end. Each slows the other
down, so what failed is run once more alone, in the open: what fails again, fails.
"""

import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
FRONT_ENDS = ("browser", "display", "magics", "widgets")
NETWORKS, JUDGE = ("behaviour", "catalogue"), ("verify", "workspace")
AT_ONCE = 2
SOME_FAILED = 1  # pytest's exit code; anything above is no verdict on tests
AGAIN = ("--last-failed", "--last-failed-no-failures", "none")


def parts() -> dict[str, list[str]]:
    """Give the paths of each part by name, in the order in which they start; what pytest would find is in one."""
    folders = {path.parent.relative_to(ROOT).parts[1] for path in ROOT.glob("tests/*/**/test_*.py")}
    alone = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/test_*.py"))
    rest = sorted(f"tests/{name}" for name in folders - {*FRONT_ENDS, *NETWORKS, *JUDGE})
    front, networks, judge = ([f"tests/{name}" for name in names] for names in (FRONT_ENDS, NETWORKS, JUDGE))
    return {"rest": [*rest, *alone, "notebooks"], "front": front, "networks": networks, "judge": judge}


def run(name: str, *more: str) -> int:
    """Run one part; it notes what failed in a cache of its own."""
    words = ["-o", f"cache_dir=.pytest_cache/{name}", *more, *sys.argv[1:], *parts()[name]]
    return _shown([sys.executable, "-m", "pytest", *words], live=name == "rest" or bool(more))


def _shown(command: list[str], *, live: bool) -> int:
    if live:
        return subprocess.run(command, cwd=ROOT, check=False).returncode
    with tempfile.TemporaryFile() as kept:
        code = subprocess.run(command, cwd=ROOT, stdout=kept, stderr=kept, check=False).returncode
        kept.seek(0)
        sys.stdout.buffer.write(b"\n" + kept.read())
        sys.stdout.flush()
    return code


def main() -> int:
    """Run everything, and what failed beside another part once more alone."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        codes = dict(zip(parts(), pool.map(run, parts()), strict=True))
    for name in [name for name, code in codes.items() if code == SOME_FAILED]:
        sys.stdout.write(f"\nonce more alone: what failed in the part {name!r}\n")
        sys.stdout.flush()
        codes[name] = run(name, *AGAIN)
    return max(codes.values(), key=abs)


if __name__ == "__main__":
    sys.exit(main())
