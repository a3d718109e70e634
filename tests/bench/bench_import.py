"""How long `import mlexpert_nb` and `%load_ext mlexpert_nb` keep a notebook waiting, next to bare Python and IPython.

Run: `python tests/bench/bench_import.py [repeats]`. Every line of the table is a fresh process; the four commands take
turns, so that a busy machine slows all of them alike. It reports, and exits with 0 whatever the figures are.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
LIMIT_MS = 150
IPYTHON = [sys.executable, "-m", "IPython", "--no-banner", "--quick", "-c"]
LOADED = "print('mlexpert_nb' in get_ipython().extension_manager.loaded)"
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import mlexpert_nb": [sys.executable, "-c", "import mlexpert_nb; print(True)"],
    "ipython -c pass": [*IPYTHON, "pass"],
    "%load_ext mlexpert_nb": [*IPYTHON, f"%load_ext mlexpert_nb\n{LOADED}"],
}
PAIRS = (("import mlexpert_nb", "python -c pass"), ("%load_ext mlexpert_nb", "ipython -c pass"))


def main(repeats: int) -> None:
    """Print the table: wall-clock median of each command, then what the toolkit adds."""
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, "IPYTHONDIR": home, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "widgets")))}
        broken = [name for name in COMMANDS if _run(name, env)[1] == "broken"]  # also fills the byte-code cache
        times_ms = {name: [] for name in COMMANDS}
        for _ in range(repeats):
            for name in COMMANDS:
                times_ms[name].append(_run(name, env)[0])
    print(f"{repeats} interleaved runs, fresh processes, median wall time [min ... max], ms")
    for name, values in times_ms.items():
        note = "   DOES NOT LOAD: the figure means nothing" if name in broken else ""
        print(f"  {name:24} {median(values):8.1f}   [{min(values):.1f} ... {max(values):.1f}]{note}")
    for ours, bare in PAIRS:
        added = median(a - b for a, b in zip(times_ms[ours], times_ms[bare], strict=True))
        print(f"  {ours} adds {added:.1f} ms (limit {LIMIT_MS}): {'within' if added <= LIMIT_MS else 'OVER'}")


def _run(name: str, env: dict[str, str]) -> tuple[float, str]:
    start = time.perf_counter()
    child = subprocess.run(COMMANDS[name], env=env, capture_output=True, text=True, check=False)
    elapsed_ms = 1000 * (time.perf_counter() - start)
    ok = child.returncode == 0 and ("mlexpert_nb" not in name or child.stdout.split()[-1:] == ["True"])
    return elapsed_ms, "ok" if ok else "broken"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
