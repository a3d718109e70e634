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
import ctypes, json, sys
if sys.argv[1]:
    ctypes.CDLL(sys.argv[1], ctypes.RTLD_GLOBAL)
from mlexpert_widgets.memory.nvml import Nvml
from mlexpert_widgets.memory.sampler import MemorySampler
sampler = MemorySampler(sources=[Nvml()])
told = []
for state in json.loads(sys.argv[2]):
    open(sys.argv[3], "w").write("\\n".join(f"{k} {v}" for k, v in state.items()))
    values = sampler.sample()
    told.append({"values": values, "limits": sampler.limits, "reasons": sampler.reasons, "notes": sampler.notes})
print(json.dumps(told, default=dict))
"""


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """Compile the stand-in: `compiled("OLD")` gives one that lacks what an old driver lacks."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.fail("no C compiler, which the stand-in for the NVIDIA driver needs; as root: apt-get install gcc")

    def compile_(*defined):
        library = tmp_path_factory.mktemp("nvml") / "libnvidia-ml.so.1"
        flags = ["-O1", "-shared", "-fPIC", "-Wl,-soname,libnvidia-ml.so.1", *(f"-D{each}" for each in defined)]
        subprocess.run([compiler, *flags, "-o", library, HERE / "fake_nvml.c"], check=True)
        return library

    return compile_


@pytest.fixture
def nvml(compiled, tmp_path):
    """Read NVML in a process of its own, once for each state of the stand-in."""

    def read(*states, defined=(), library=True):
        found = str(compiled(*defined)) if library else ""
        state = tmp_path / "state"
        command = [sys.executable, "-c", READ, found, json.dumps(states), str(state)]
        env = {**os.environ, "FAKE_NVML": str(state), "PYTHONPATH": str(WIDGETS)}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    return read
