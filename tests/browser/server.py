"""A real Jupyter server in folders of its own; it serves JupyterLab and Notebook 7 side by side."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOKEN = "browser-tests"  # noqa: S105 - of a server that lives for one test run, on the loopback
ALONE = Path(__file__).with_name("alone")  # settings that keep jupyter-collaboration, once installed, out of a server
LIGHT = ROOT / "tests" / "light"  # what kernels are quicker with
QUIET = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
}
START_S = 60


@dataclass(frozen=True)
class Server:
    """A running server: its address, the folder it serves, what it has logged."""

    url: str
    folder: Path
    log: Path

    def ask(self, method, what, **content):
        """Ask its API for something, and give what it answers."""
        request = urllib.request.Request(  # noqa: S310 - our own loopback server
            f"{self.url}/api/{what}",
            json.dumps(content).encode() if content else None,
            {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=START_S) as answer:  # noqa: S310 - our own loopback server
            return json.loads(answer.read() or "null")


@contextmanager
def jupyter(home: Path, *, collaborative: bool = False, without: tuple[str, ...] = ()) -> Iterator[Server]:
    """Start a server, and stop it with its kernels on leaving.

    Args:
        home: Empty folder for everything that it keeps.
        collaborative: Whether documents are shared between browsers.
        without: Front-end extensions that are switched off.
    """
    folder, log = home / "notebooks", home / "server.log"
    folder.mkdir(parents=True)
    _configure(home / "config", without)
    port = _free_port()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--ServerApp.root_dir={folder}"]
    command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    command += [f"--IdentityProvider.token={TOKEN}", "--LabApp.expose_app_in_browser=True"]
    command += ["--JupyterNotebookApp.expose_app_in_browser=True", "--MappingKernelManager.cull_idle_timeout=0"]
    with log.open("w") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(home, collaborative=collaborative),
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait(process, f"http://127.0.0.1:{port}/api?token={TOKEN}", log)
            yield Server(f"http://127.0.0.1:{port}", folder, log)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _configure(config: Path, without: tuple[str, ...]) -> None:
    (config / "labconfig").mkdir(parents=True)
    off = {"disabledExtensions": dict.fromkeys(without, True)}
    (config / "labconfig" / "page_config.json").write_text(json.dumps(off))
    (config / "labconfig" / "default_setting_overrides.json").write_text(json.dumps(QUIET))


def _environment(home: Path, *, collaborative: bool) -> Mapping[str, str]:
    own = {
        "HOME": home,
        "IPYTHONDIR": home / "ipython",
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_CONFIG_PATH": "" if collaborative else ALONE,
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": home / "lab-settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "lab-workspaces",
    }
    paths = (ROOT, ROOT / "widgets", ROOT / "tests" / "browser", LIGHT)
    env = {**os.environ, **{name: str(path) for name, path in own.items()}}
    return {**env, "PYTHONPATH": os.pathsep.join(map(str, paths)), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 - our own loopback server
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the Jupyter server did not start:\n{log.read_text()[-3000:]}")
