"""Runs all tests in two processes at once (`make test`): on two cores that takes little more than half the time.

What needs a front end is one half, since Playwright's event loop must not meet the other tests; everything else that
there is, the notebooks too, is the other half. The output of the second half is shown as it comes, that of the first
after it; the exit code is not zero if either fails.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
FRONT_ENDS = ("browser", "display", "magics", "widgets")


def halves() -> tuple[list[str], list[str]]:
    """Give the paths of both halves; nothing that pytest would find is in neither."""
    folders = {path.parent.relative_to(ROOT).parts[1] for path in ROOT.glob("tests/*/**/test_*.py")}
    alone = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/test_*.py"))
    rest = sorted(f"tests/{name}" for name in folders - set(FRONT_ENDS))
    return [f"tests/{name}" for name in FRONT_ENDS], [*rest, *alone, "notebooks"]


def start(paths: list[str], out: int | None) -> subprocess.Popen[bytes]:
    """Start one half."""
    return subprocess.Popen([sys.executable, "-m", "pytest", *sys.argv[1:], *paths], cwd=ROOT, stdout=out, stderr=out)


def main() -> int:
    """Run both halves."""
    front, rest = halves()
    with tempfile.TemporaryFile() as kept:
        first, second = start(front, kept.fileno()), start(rest, None)
        try:
            codes = [second.wait(), first.wait()]
        finally:
            for process in (first, second):
                if process.poll() is None:
                    process.terminate()
                    process.wait()
        sys.stdout.flush()
        kept.seek(0)
        sys.stdout.buffer.write(kept.read())
    return max(codes, key=abs)


if __name__ == "__main__":
    sys.exit(main())
