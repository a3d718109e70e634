"""Children behind each level of walls: what they can do, what they cannot, and how they end."""

import os
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

import pytest
from workspace.witness import MEMORY, TEMPORARY, alive, end_of, look

from mlexpert_nb.errors import EnvironmentProblem
from mlexpert_nb.workspace import ChildLimits, isolation, run_child
from mlexpert_nb.workspace.child import Child, run
from mlexpert_nb.workspace.sandbox import best_level, works
from mlexpert_nb.workspace.walls import STATEMENTS

LEVELS = [level for level in STATEMENTS if works(level)]
WALLED = [level for level in LEVELS if level != "none"]
FAST = ChildLimits(timeout_s=20)


def python(code: str, folder: Path, level: str, **options: object):
    """Run Python code behind a level."""
    return run(Child((sys.executable, "-c", code), folder, limits=options.pop("limits", FAST), **options), level)


def test_the_strongest_level_that_works_is_used_and_named():
    assert best_level() == LEVELS[0]
    assert LEVELS[-1] == "none"
    assert isolation() == STATEMENTS[LEVELS[0]]
    assert "network NOT blocked" in STATEMENTS["none"]
    assert "no network" in STATEMENTS["bubblewrap"]


def test_run_child_says_how_it_went(tmp_path):
    result = run_child(["sh", "-c", "echo out; echo err >&2; exit 7"], cwd=tmp_path)
    assert (result.exit_code, result.stdout, result.stderr) == (7, "out\n", "err\n")
    assert result.isolation == isolation()
    assert not result.timed_out
    assert result.elapsed_s > 0


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("pass", 0),
        ("import sys; sys.exit(3)", 3),
        ("import sys; sys.exit(200)", 200),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
        ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL),
        ("import os; os.abort()", -signal.SIGABRT),
        ("import signal; assert signal.getsignal(signal.SIGINT) is signal.default_int_handler", 0),
        ("import sys; assert sys.stdin.read() == ''", 0),
    ],
)
def test_exit_codes_and_signals_are_told_apart(tmp_path, level, code, expected):
    assert python(code, tmp_path, level).exit_code == expected


@pytest.mark.parametrize("level", LEVELS)
def test_processor_time_of_all_processes_is_counted(tmp_path, level):
    code = "import os, time\nif os.fork(): os.wait()\nelse:\n  while time.process_time() < 0.3: pass"
    assert python(code, tmp_path, level).cpu_s >= 0.3


def test_a_program_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(EnvironmentProblem, match="'no-such-program' is not installed or not on PATH; install it"):
        run_child(["no-such-program"], cwd=tmp_path)


@pytest.mark.parametrize("level", LEVELS)
def test_a_folder_that_is_not_there_is_one_line(tmp_path, level):
    with pytest.raises(EnvironmentProblem, match=r"could not be started: .* repair it"):
        python("", tmp_path / "absent", level)


@pytest.mark.parametrize("level", WALLED)
def test_there_is_no_network(tmp_path, level):
    with socket.create_server(("127.0.0.1", 0)) as server:
        connect = f"import socket; socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 2)"
        assert python(connect, tmp_path, "none").exit_code == 0
        assert "ConnectionRefusedError" in python(connect, tmp_path, level).stderr
    code = "import socket; print([name for _, name in socket.if_nameindex()])"
    assert python(code, tmp_path, level).stdout == "['lo']\n"


@pytest.mark.parametrize("level", WALLED)
def test_a_loopback_of_its_own_works(tmp_path, level):
    code = "import socket\ns = socket.create_server(('127.0.0.1', 0))\nsocket.create_connection(s.getsockname(), 2)"
    assert python(code, tmp_path, level).exit_code == 0


@pytest.mark.parametrize("level", LEVELS)
def test_nothing_but_the_allow_list_is_inherited(tmp_path, level, monkeypatch):
    for name in (
        "ANTHROPIC_API_KEY",
        "MLEXPERT_API_KEY",
        "NVIDIA_API_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "PYTHONPATH",
        "FOO",
    ):
        monkeypatch.setenv(name, "sk-ant-secret")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
    result = run(Child(("env",), tmp_path, env={"MINE": "given"}), level)
    names = {line.split("=")[0] for line in result.stdout.splitlines()}
    assert "sk-ant-secret" not in result.stdout
    assert {"PATH", "HOME", "TMPDIR", "OMP_NUM_THREADS", "LC_ALL", "MINE"} <= names
    assert names <= {
        "PATH",
        "HOME",
        "TMPDIR",
        "OMP_NUM_THREADS",
        "LC_ALL",
        "MINE",
        "LANG",
        "LANGUAGE",
        "TZ",
        "VIRTUAL_ENV",
    } | {
        "PYTHONUNBUFFERED",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONUSERBASE",
        "MLEXPERT_CHILD",
        "PWD",
        "SHLVL",
        "OLDPWD",
        "_",
        "CONDA_PREFIX",
        "LD_LIBRARY_PATH",
    } | {
        name  # lightning sets a PYTORCH_ variable when it is imported, as a user's own notebook may
        for name in os.environ
        if name.startswith(("LC_", "CUDA_", "NVIDIA_VISIBLE", "OMP_", "MKL_", "KMP_", "OPENBLAS_", "PYTORCH_"))
    }


@pytest.mark.parametrize("level", WALLED)
def test_the_memory_and_environment_of_the_parent_are_out_of_reach(tmp_path, level, monkeypatch):
    assert python(f"open('/proc/{os.getpid()}/environ', 'rb').read()", tmp_path, "none").exit_code == 0
    code = (
        "import glob, os\n"
        "for file in glob.glob('/proc/[0-9]*/environ'):\n"
        "    assert b'PYTEST_CURRENT_TEST' not in open(file, 'rb').read()\n"
        "print(len(glob.glob('/proc/[0-9]*')))"
    )
    assert int(python(code, tmp_path, level).stdout) <= 4
    ppid = python("import os; print(open(f'/proc/{os.getppid()}/environ', 'rb').read())", tmp_path, level)
    assert "PYTEST_CURRENT_TEST" not in ppid.stdout


@pytest.mark.parametrize("level", WALLED)
def test_only_the_folder_and_what_is_offered_can_be_written(tmp_path, level):
    for name in ("work", "offered", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "other" / "kept.txt").write_text("kept")
    places = [tmp_path / "work", tmp_path / "offered"]
    allowed = [str(place) for place in (*places, TEMPORARY, MEMORY)]
    refused = [
        "/etc",
        "/usr",
        "/",
        "/dev",
        "/run",
        str(Path.home()),
        sys.prefix,
        sys.base_prefix,
        str(tmp_path / "other"),
    ]
    code = f"""
import os, pathlib, tempfile
for place in {allowed!r} + [os.environ["HOME"], tempfile.gettempdir()]:
    pathlib.Path(place, "new.txt").write_text("x")
for place in {refused!r}:
    for path in (pathlib.Path(place, "new.txt"), pathlib.Path(place, "kept.txt")):
        try:
            path.write_text("x")
        except OSError:
            continue
        print("written:", path)
for path in ("/etc/passwd", {sys.executable!r}):
    try:
        os.open(path, os.O_WRONLY)
        print("opened:", path)
    except OSError:
        pass
"""
    result = python(code, places[0], level, writable=(places[1],))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    assert sorted(look(tmp_path)) == ["offered", "offered/new.txt", "other", "other/kept.txt", "work", "work/new.txt"]
    assert (tmp_path / "other" / "kept.txt").read_text() == "kept"
    for place in (TEMPORARY, MEMORY, Path.home()):
        assert not Path(place, "new.txt").exists()


@pytest.mark.parametrize("level", WALLED)
def test_the_home_folder_and_sockets_are_hidden_but_python_works(tmp_path, level, monkeypatch):
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "id").write_text("secret")
    (home / "project" / "data").mkdir(parents=True)
    (home / "project" / "data" / "x").write_text("seen")
    monkeypatch.setenv("HOME", str(home))
    code = (
        "import os, sys\n"
        f"home = {str(home)!r}\n"
        "print(os.listdir(home), open('data/x').read(), os.listdir('/run'), os.path.exists(home + '/.ssh'))\n"
        "import mlexpert_nb.workspace, encodings, ssl\n"
    )
    result = python(code, home / "project", level)
    assert (result.stderr, result.stdout) == ("", "['project'] seen [] False\n")


@pytest.mark.parametrize("level", WALLED)
def test_the_walls_cannot_be_taken_down_from_inside(tmp_path, level):
    code = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
assert libc.mount(b"", b"/", b"", 32 | 4096, None) != 0  # remount writable
assert libc.umount2(b"/run", 2) != 0
status = open("/proc/self/status").read()
assert "CapEff:\\t0000000000000000" in status and "CapBnd:\\t0000000000000000" in status and "NoNewPrivs:\\t1" in status
libc.unshare(0x10000000 | 0x00020000)  # a user and mount space of its own, where that is permitted
assert libc.mount(b"", b"/etc", b"", 32 | 4096, None) != 0
for path in ("/etc/new.txt", "/usr/new.txt"):
    try:
        open(path, "w")
    except OSError:
        continue
    raise AssertionError(path)
"""
    result = python(code, tmp_path, level)
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("level", LEVELS)
def test_memory_is_limited(tmp_path, level):
    limits = ChildLimits(timeout_s=20, memory_bytes=256 * 2**20)
    assert python("x = bytearray(64 * 2**20)", tmp_path, level, limits=limits).exit_code == 0
    result = python("x = bytearray(1024 * 2**20)", tmp_path, level, limits=limits)
    assert result.exit_code == 1
    assert "MemoryError" in result.stderr


@pytest.mark.parametrize("level", LEVELS)
def test_file_size_processor_time_and_core_files_are_limited(tmp_path, level):
    limits = ChildLimits(timeout_s=20, file_bytes=2**20, cpu_s=1)
    big = python("open('big', 'wb').write(bytes(2**21))", tmp_path, level, limits=limits)
    assert "File too large" in big.stderr
    assert (tmp_path / "big").stat().st_size <= 2**20
    assert python("while True: pass", tmp_path, level, limits=limits).exit_code == -signal.SIGXCPU
    code = "import resource as r; print(r.getrlimit(r.RLIMIT_CORE)[1], r.getrlimit(r.RLIMIT_NPROC)[0])"
    limits = ChildLimits(processes=77)
    assert python(code, tmp_path, level, limits=limits).stdout == "0 77\n"


def test_torch_can_be_imported_within_the_usual_limits(tmp_path):
    code = "import torch, mlexpert_nb; t = torch.ones(3).share_memory_(); print(torch.matmul(t, t).item())"
    result = run_child([sys.executable, "-c", code], cwd=tmp_path, env={"OMP_NUM_THREADS": "1"})
    assert (result.exit_code, result.stdout, result.stderr) == (0, "3.0\n", "")


GRANDCHILDREN = """
import os, subprocess, sys, time
sleep = [sys.executable, "-c", "import time, sys; open(sys.argv[1], 'w').close(); time.sleep(60)"]
subprocess.Popen([*sleep, "one"])
subprocess.Popen([*sleep, "two"], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, [*sleep, "three"])
    os._exit(0)
while not all(map(os.path.exists, ("one", "two", "three"))):
    time.sleep(0.01)
print("ready", flush=True)
"""


@pytest.mark.parametrize("level", LEVELS)
def test_a_timeout_kills_grandchildren_too(tmp_path, level):
    result = python(GRANDCHILDREN + "time.sleep(60)", tmp_path, level, limits=ChildLimits(timeout_s=5))
    assert result.timed_out
    assert result.exit_code == -signal.SIGKILL
    assert result.stdout == "ready\n"
    assert result.elapsed_s >= 5
    assert end_of(tmp_path, 5) == []


@pytest.mark.parametrize("level", LEVELS)
def test_a_child_that_ends_leaves_nobody_behind(tmp_path, level):
    result = python(GRANDCHILDREN, tmp_path, level)
    assert (result.exit_code, result.stdout, result.timed_out) == (0, "ready\n", False)
    assert end_of(tmp_path, 5) == []


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("stubborn", ["", "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"])
def test_an_interrupt_kills_everything(tmp_path, level, stubborn):
    def interrupt_soon(line: str) -> None:
        assert line == "ready"
        signal.setitimer(signal.ITIMER_REAL, 0.1)

    def on_alarm(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    earlier = signal.signal(signal.SIGALRM, on_alarm)
    try:
        with pytest.raises(KeyboardInterrupt):
            python(stubborn + GRANDCHILDREN + "time.sleep(60)", tmp_path, level, on_line=interrupt_soon)
    finally:
        signal.signal(signal.SIGALRM, earlier)
    assert end_of(tmp_path, 5) == []


@pytest.mark.parametrize("level", LEVELS)
def test_when_we_are_killed_the_children_go_too(tmp_path, level):
    pid = os.fork()
    if pid == 0:
        python(GRANDCHILDREN + "time.sleep(60)", tmp_path, level)
        os._exit(0)
    while not all((tmp_path / name).exists() for name in ("one", "two", "three")):
        time.sleep(0.01)
    assert len(alive(tmp_path)) >= 3
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert end_of(tmp_path, 2) == []


@pytest.mark.parametrize("level", LEVELS)
def test_lines_are_handed_out_while_the_child_runs(tmp_path, level):
    def seen(line: str) -> None:
        lines.append((line, time.monotonic()))

    lines: list[tuple[str, float]] = []
    code = "import sys, time\nprint('one'); time.sleep(0.5); print('two', file=sys.stderr); print('thr', end='')"
    python(code, tmp_path, level, on_line=seen)
    assert sorted(line for line, _ in lines) == ["one", "thr", "two"]
    assert lines[-1][1] - lines[0][1] > 0.3


def test_an_error_in_the_listener_ends_the_child(tmp_path):
    def refuse(line: str) -> None:
        raise ValueError(line)

    with pytest.raises(ValueError, match="ready"):
        python(GRANDCHILDREN + "time.sleep(60)", tmp_path, LEVELS[0], on_line=refuse)
    assert end_of(tmp_path, 0.2) == []


def test_a_temporary_folder_that_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    with pytest.raises(EnvironmentProblem, match=r"No such file or directory .*; repair it or choose another folder"):
        python("", tmp_path, LEVELS[0])


def test_walls_that_cannot_be_built_are_one_line(tmp_path, monkeypatch):
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho bwrap: no permissions >&2\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert not works("bubblewrap")
    with pytest.raises(EnvironmentProblem, match="the sandbox could not be set up: bwrap: no permissions; repair it"):
        python("", tmp_path, "bubblewrap")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert not works("bubblewrap")
    assert not works("unshare")
    assert works("none")


@pytest.mark.parametrize("level", LEVELS)
def test_nothing_temporary_is_left(tmp_path, level):
    code = "import os\nhome = os.environ['HOME']\nos.makedirs(home + '/a/b')\nos.chmod(home, 0)"
    assert python(code, tmp_path, level).exit_code == 0
    assert list(Path(tempfile.gettempdir()).iterdir()) == []
