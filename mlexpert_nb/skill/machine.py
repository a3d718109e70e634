"""What the request will run on: versions of the installed packages, processors, memory, graphics cards."""

import os
import platform
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from threading import Timer
from typing import Any

# Packages whose version decides how code for them must be written.
PACKAGES = (
    "accelerate",
    "datasets",
    "einops",
    "flash-attn",
    "ipykernel",
    "jax",
    "jupyterlab",
    "lightning",
    "matplotlib",
    "mlexpert-nb",
    "numpy",
    "pandas",
    "peft",
    "pytest",
    "safetensors",
    "scikit-learn",
    "scipy",
    "tensorflow",
    "tokenizers",
    "torch",
    "torchaudio",
    "torchvision",
    "transformers",
    "triton",
)
SMI_TIMEOUT_S = 3.0
_SMI = ("--query-gpu=name,memory.total", "--format=csv,noheader,nounits")
_SMI_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT")
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def versions() -> dict[str, str]:
    """Give the versions of Python and of those of the relevant packages that are installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def hardware() -> dict[str, Any]:
    """Give the number of processors that may be used, the memory in bytes (None if unknown) and the graphics cards."""
    return {"cpus": _num_cpus(), "ram_bytes": _ram_bytes(), "gpus": graphics_cards()}


def graphics_cards(timeout_s: float = SMI_TIMEOUT_S, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Name the NVIDIA cards, "NVIDIA H100, 81559 MiB"; none if `nvidia-smi` is absent, fails or does not answer."""
    smi = shutil.which("nvidia-smi", path=environment.get("PATH"))
    if smi is None:
        return []
    allowed = {name: environment[name] for name in _SMI_ENVIRONMENT if name in environment}
    with suppress(OSError):
        return [
            f"{line.strip()} MiB" for line in _answer([smi, *_SMI], allowed, timeout_s).splitlines() if line.strip()
        ]
    return []


def _answer(command: list[str], environment: Mapping[str, str], timeout_s: float) -> str:
    process = subprocess.Popen(
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        errors="replace",
        start_new_session=True,  # an interrupt of the notebook must not reach it first
    )
    watchdog = Timer(timeout_s, _kill, [process])
    watchdog.start()
    try:
        text = process.stdout.read() if process.stdout else ""
        return text if process.wait() == 0 else ""
    finally:
        watchdog.cancel()
        _kill(process)
        process.wait()
        if process.stdout:
            process.stdout.close()


def _kill(process: subprocess.Popen[str]) -> None:
    with suppress(OSError):
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()


def _num_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _ram_bytes() -> int | None:
    try:
        physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
    with suppress(OSError, ValueError):
        return min(physical, int(_CGROUP_LIMIT.read_text("ascii")))
    return physical
