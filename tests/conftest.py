"""Real things that tests share: an interactive shell, a kernel, a place to run programs in."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty

import pytest
from IPython.core.interactiveshell import InteractiveShell
from jupyter_client import BlockingKernelClient, KernelManager
from messages import Server
from pdf import pdf_with
from playwright._impl._driver import compute_driver_executable
from traitlets.config import Config

ROOT = Path(__file__).parents[1]
os.environ.setdefault("MLEXPERT_PLANTED_FAULTS", "4")  # of a run that is about something else; 24 take their time
PATHS = os.pathsep.join(str(ROOT / each) for each in (".", "widgets", "tests/light"))


@dataclass
class Ran:
    """What one execution in a kernel came to: the reply, and every output message in order."""

    reply: dict
    messages: list[dict] = field(default_factory=list)

    @property
    def shown(self):
        """Outputs as a front end has them at the end: updates applied, streams joined."""
        outputs, places = [], {}
        for message in self.messages:
            content, kind = message["content"], message["msg_type"]
            name = content.get("transient", {}).get("display_id")
            if kind == "update_display_data":
                outputs[places[name]] = content
            elif kind in {"display_data", "execute_result", "error"}:
                places.setdefault(name, len(outputs))
                outputs.append(content)
        return outputs

    @property
    def text(self):
        """What was printed."""
        return "".join(m["content"]["text"] for m in self.messages if m["msg_type"] == "stream")


class Kernel:
    """A real kernel, driven as a front end drives it."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager, self.client = manager, client

    def start(self, code, *, allow_stdin=False):
        """Send code and return at once."""
        return self.client.execute(code, allow_stdin=allow_stdin)

    def run(self, code, *, answer=None, timeout=60):
        """Run code to its end; `answer` is typed in when the code asks."""
        return self.finish(self.start(code, allow_stdin=answer is not None), answer=answer, timeout=timeout)

    def finish(self, sent, *, answer=None, timeout=60):
        """Wait for code that was started, and gather its outputs."""
        if answer is not None:
            self.client.get_stdin_msg(timeout=timeout)
            self.client.input(answer)
        messages = []
        while True:
            message = self.client.get_iopub_msg(timeout=timeout)
            if message["parent_header"].get("msg_id") != sent:
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
            messages.append(message)
        while (reply := self.client.get_shell_msg(timeout=timeout))["parent_header"].get("msg_id") != sent:
            pass
        return Ran(reply["content"], messages)

    def wait_for(self, sent, kind, timeout=30):
        """Wait for one kind of output of running code and return it."""
        while True:
            message = self.client.get_iopub_msg(timeout=timeout)
            if message["parent_header"].get("msg_id") == sent and message["msg_type"] == kind:
                return message

    def quiet(self, seconds=0.6):
        """Tell whether nothing is sent for a while."""
        try:
            self.client.get_iopub_msg(timeout=seconds)
        except Empty:
            return True
        return False


@pytest.fixture(scope="session", autouse=True)
def _settings_of_nobody(tmp_path_factory) -> Iterator[None]:
    """Keep the developer's settings and keys out of the tests, and out of every process that a test starts."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("MLEXPERT_", "ANTHROPIC_"))]:
            patch.delenv(name)
        patch.setenv("MLEXPERT_CONFIG", str(tmp_path_factory.mktemp("settings") / "config.toml"))
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def endpoint_process() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def endpoint(endpoint_process, tmp_path, monkeypatch) -> Iterator[Server]:
    """A Messages endpoint on this machine that remembers nothing of an earlier test, and nor do we of it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    endpoint_process.clear()
    yield endpoint_process
    assert endpoint_process.broken_rules == []


@pytest.fixture(scope="session")
def kernel_process(tmp_path_factory) -> Iterator[Kernel]:
    folder = tmp_path_factory.mktemp("kernel")
    manager = KernelManager(kernel_name="python3")
    env = {**os.environ, "PYTHONPATH": PATHS, "IPYTHONDIR": str(folder / "ipython")}
    manager.start_kernel(cwd=str(folder), env=env)
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield Kernel(manager, client)
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(kernel_process, tmp_path) -> Kernel:
    """A kernel with the extension loaded, no variables of an earlier test, in a folder of its own."""
    ran = kernel_process.run(f"%reset -f\n%cd -q {tmp_path}\n%reload_ext mlexpert_nb")
    assert ran.reply["status"] == "ok", ran.reply
    return kernel_process


@pytest.fixture
def make_pdf(tmp_path):
    """Put a PDF with the given pages into the test's folder and give its path."""

    def make(name, *pages):
        path = tmp_path / name
        path.write_bytes(pdf_with(pages))
        return path

    return make


@pytest.fixture
def reachable(monkeypatch) -> None:
    """Make the packages importable in every child process, installed or not."""
    monkeypatch.setenv("PYTHONPATH", PATHS)


@pytest.fixture
def shell(tmp_path, monkeypatch) -> Iterator[InteractiveShell]:
    """A shell without a kernel, as in a terminal, in a folder of its own, with the extension loaded."""
    monkeypatch.chdir(tmp_path)
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config, ipython_dir=str(tmp_path / "ipython"))
    shell.run_line_magic("load_ext", "mlexpert_nb")
    yield shell
    InteractiveShell.clear_instance()


@pytest.fixture(scope="session")
def node() -> str:
    """The node that playwright brings along, so that testing JavaScript needs no install of its own."""
    return str(compute_driver_executable()[0])


@pytest.fixture(scope="session")
def extension(node):
    """The labextension's decisions, run from their sources: `extension("insertion", cells=…)` gives the answer."""
    program = ROOT / "tests" / "widgets" / "decide.mjs"
    with subprocess.Popen([node, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def ask(kind, **request):
            process.stdin.write(json.dumps({"ask": kind, **request}) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield ask
        process.stdin.close()


@pytest.fixture
def mlexpert(tmp_path):
    """The command line as a user has it: `mlexpert("undo", "W")` gives a finished process."""

    def run(*words, env=None, cwd=tmp_path, **more):
        return subprocess.run(
            [sys.executable, "-m", "mlexpert_nb", *map(str, words)],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": PATHS, **(env or {})},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            **{"stdin": subprocess.DEVNULL, **more},
        )

    return run
