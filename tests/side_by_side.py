"""Runs all tests in two processes at once (`make test`): on two cores that takes little more than half the time.

What needs a front end is one half, since Playwright's event loop must not meet the other tests; everything else that
there is, the notebooks too, is the other half. The output of the second half is shown as it comes, that of the first
after it. Each half slows the other down, so what failed is run once more alone, in the open: what fails again, fails.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
FRONT_ENDS = ("browser", "display", "magics", "widgets")
SOME_FAILED = 1  # pytest's exit code; anything above is no verdict on tests
AGAIN = ("--last-failed", "--last-failed-no-failures", "none")


def halves() -> dict[str, list[str]]:
    """Give the paths of both halves by name; nothing that pytest would find is in neither."""
    folders = {path.parent.relative_to(ROOT).parts[1] for path in ROOT.glob("tests/*/**/test_*.py")}
    alone = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/test_*.py"))
    rest = sorted(f"tests/{name}" for name in folders - set(FRONT_ENDS))
    return {"front": [f"tests/{name}" for name in FRONT_ENDS], "rest": [*rest, *alone, "notebooks"]}


def start(name: str, *more: str, out: int | None = None) -> subprocess.Popen[bytes]:
    """Start one half; it notes what failed in a cache of its own."""
    words = ["-o", f"cache_dir=.pytest_cache/{name}", *more, *sys.argv[1:], *halves()[name]]
    return subprocess.Popen([sys.executable, "-m", "pytest", *words], cwd=ROOT, stdout=out, stderr=out)


def both() -> dict[str, int]:
    """Run both halves at once; give their exit codes."""
    with tempfile.TemporaryFile() as kept:
        running = {"front": start("front", out=kept.fileno()), "rest": start("rest")}
        try:
            codes = {name: running[name].wait() for name in ("rest", "front")}
        finally:
            for process in running.values():
                if process.poll() is None:
                    process.terminate()
                    process.wait()
        kept.seek(0)
        sys.stdout.buffer.write(kept.read())
        sys.stdout.flush()
    return codes


def main() -> int:
    """Run everything, and what failed beside the other half once more alone."""
    codes = both()
    for name in [name for name, code in codes.items() if code == SOME_FAILED]:
        sys.stdout.write(f"\nonce more alone: what failed in the half {name!r}\n")
        sys.stdout.flush()
        codes[name] = start(name, *AGAIN).wait()
    return max(codes.values(), key=abs)


if __name__ == "__main__":
    sys.exit(main())
