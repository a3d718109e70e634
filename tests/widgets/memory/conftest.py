"""A stand-in for the driver's library, compiled here and loaded before nvidia-ml-py looks for the real one."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
WIDGETS = HERE.parents[2] / "widgets"
READ = """
import ctypes, json, sys, time
if sys.argv[1]:
    ctypes.CDLL(sys.argv[1], ctypes.RTLD_GLOBAL)
from mlexpert_widgets.memory.nvml import Nvml
from mlexpert_widgets.memory.sampler import MemorySampler
_, _library, states, file, fresh = sys.argv
told = []
for at, state in enumerate(json.loads(states)):
    with open(file, "w") as written:
        written.write("\\n".join(f"{k} {v}" for k, v in state.items()))
    if at == 0 or fresh == "fresh":
        nvml = Nvml()
        sampler = MemorySampler(sources=[nvml])
    values = sampler.sample()
    told.append({
        "values": values, "limits": sampler.limits, "reasons": sampler.reasons, "notes": sampler.notes,
        "rows": [row._asdict() for row in sampler.rows()], "text": sampler.text(), "indices": nvml.indices(),
        "others": [] if sampler.reasons else nvml.others(),
    })
print(json.dumps(told, default=dict))
"""


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """Compile the stand-in: `compiled("OLD")` gives one that lacks what an old driver lacks."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.fail("no C compiler, which the stand-in for the NVIDIA driver needs; as root: apt-get install gcc")
    made = {}

    def compile_(*defined):
        if defined not in made:
            made[defined] = tmp_path_factory.mktemp("nvml") / "libnvidia-ml.so.1"
            flags = ["-O1", "-shared", "-fPIC", "-Wl,-soname,libnvidia-ml.so.1", *(f"-D{each}" for each in defined)]
            subprocess.run([compiler, *flags, "-o", made[defined], HERE / "fake_nvml.c"], check=True)
        return made[defined]

    return compile_


@pytest.fixture
def nvml(compiled, tmp_path):
    """Read NVML in a process of its own, once for each state of the stand-in; `fresh` for a new sampler each time."""

    def read(*states, defined=(), library=True, fresh=False):
        found = str(compiled(*defined)) if library else ""
        state = tmp_path / "state"
        command = [sys.executable, "-c", READ, found, json.dumps(states), str(state), "fresh" if fresh else ""]
        env = {
            **os.environ,
            "FAKE_NVML": str(state),
            "PYTHONPATH": os.pathsep.join((os.environ.get("PYTHONPATH", ""), str(WIDGETS))),
        }
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    return read
