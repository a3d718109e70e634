"""The checks of the environment: each thing that can be wrong is a row with what to do, and no key is ever shown."""

import json
import os
import socket
from dataclasses import asdict
from threading import Thread
from urllib.parse import urlsplit

import pytest

from mlexpert_nb import api
from mlexpert_nb.agent import DEFAULT_MODEL
from mlexpert_nb.api.doctor import device_row, disk_row, front_end_row
from mlexpert_nb.api.endpoint import proxy_of, unreachable
from mlexpert_nb.api.health import Health, Row
from mlexpert_nb.api.installed import extension_row, package_row
from mlexpert_nb.api.leaks import leak_row
from mlexpert_nb.display import doctor_card, render_html, render_text
from mlexpert_nb.keys import configure
from mlexpert_nb.verify.device import Device, read_device
from mlexpert_nb.workspace import ChildResult

CANARY = "sk-ant-api03-canarycanarycanary1234"
GIB = 2**30


@pytest.fixture
def open_port():
    """A port of this machine that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port():
    """A port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture
def environ(tmp_path, monkeypatch, closed_port):
    """An environment of its own; the endpoint is on this machine, so that nothing leaves it."""
    monkeypatch.chdir(tmp_path)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "MLEXPERT_CONFIG": str(tmp_path / "config.toml"),
        "MLEXPERT_BASE_URL": f"http://127.0.0.1:{closed_port}",
    }


def _row(found, name):
    return next(row for row in found.rows if row.name == name)


def _doctor(environ):
    """Look at everything but torch, which takes seconds."""
    return api.doctor(environ=environ, ask_torch=lambda: Device("2.13+cpu"))


def _ended(exit_code=0, stdout="", stderr="", *, timed_out=False):
    return ChildResult(exit_code, stdout, stderr, 90.0, 1.0, timed_out, "walls")


def test_everything_is_looked_at_in_a_fixed_order(environ, open_port):
    found = api.doctor(environ={**environ, "MLEXPERT_BASE_URL": f"http://127.0.0.1:{open_port}"})
    packages = ["mlexpert-nb", "torch", "anthropic", "jupyterlab", "ipykernel", "anywidget", "nbval"]
    there = ["Device", "Sandbox", "Workspace", "Disk", "Extension of JupyterLab", "Front end"]
    asked = ["Settings", "Language model", "API key", "Leaked keys", "Endpoint"]
    assert [row.name for row in found.rows] == ["Python", *packages, *there, *asked]
    assert [row for row in found.rows if row.state == "problem"] == []
    assert found.exit_code == 0
    assert all(row.advice for row in found.rows if row.state != "ok")
    assert "torch" in _row(found, "Device").found
    assert _row(found, "API key").found == "none; a server on this machine needs none"


def test_an_endpoint_that_is_chosen_and_does_not_answer_is_a_problem(environ):
    found = _doctor(environ)
    row = _row(found, "Endpoint")
    assert (row.state, found.exit_code) == ("problem", 5)
    assert row.found == f"{environ['MLEXPERT_BASE_URL']}: connection refused"
    assert "start the server, or name another endpoint: mlexpert config base_url=URL" in row.advice
    assert _row(found, "Language model").found == f"auto chooses claude, {DEFAULT_MODEL}"


def test_the_offline_specialist_asks_nobody(environ):
    found = _doctor({**environ, "MLEXPERT_LLM": "offline"})
    assert _row(found, "Endpoint") == Row("Endpoint", "ok", "not looked at: the offline specialist asks nobody")
    assert _row(found, "API key").found == "none; the offline specialist needs none"
    assert found.exit_code == 0


@pytest.mark.parametrize("variable", ["ANTHROPIC_API_KEY", "MLEXPERT_API_KEY"])
def test_of_a_key_only_where_it_was_found_is_told(environ, variable):
    found = _doctor({**environ, variable: CANARY})
    row = _row(found, "API key")
    assert row.state == "ok"
    assert variable in row.found
    for text in (str(found), json.dumps(asdict(found)), *_cards(found)):
        assert "canary" not in text
        assert "sk-ant" not in text


def test_a_function_that_fails_to_give_the_key_is_a_problem_and_its_words_are_not_shown(environ):
    def give():
        raise RuntimeError(CANARY)

    configure(api_key=give)
    try:
        found = _doctor(environ)
    finally:
        configure(api_key=None)
    assert _row(found, "API key").found == "asking for it failed with RuntimeError"
    assert "canary" not in str(found)


def test_an_endpoint_that_a_key_may_not_be_sent_to_is_a_problem_and_is_not_asked(environ):
    found = _doctor({**environ, "MLEXPERT_BASE_URL": "http://192.0.2.1"})
    assert "plain http would show the key" in _row(found, "Endpoint").found
    assert _row(found, "API key").found == "none, and the language model needs one"


def test_a_check_that_cannot_be_made_is_a_row_and_hides_no_other(environ):
    def give():
        raise MemoryError("no room")

    found = api.doctor(environ={**environ, "MLEXPERT_LLM": "offline"}, ask_torch=give)
    assert _row(found, "Device").found == "could not be looked at: MemoryError: no room"
    assert [row.name for row in found.rows if row.state == "problem"] == ["Device"]


def test_a_key_in_the_settings_file_is_a_problem(environ, tmp_path):
    for text in (f'model = "{CANARY}"', f'api_key = "{CANARY}"'):
        (tmp_path / "config.toml").write_text(text)
        found = _doctor({**environ, "MLEXPERT_LLM": "offline"})
        assert [row.name for row in found.rows if row.state == "problem"] == ["Settings", "Leaked keys"]
        assert _row(found, "Leaked keys").found == f"a key stands in {tmp_path / 'config.toml'}"
        assert "revoke" in _row(found, "Leaked keys").advice
        assert "canary" not in str(found)


def test_a_key_in_a_notebook_or_in_the_history_is_a_problem(tmp_path):
    (tmp_path / "a.ipynb").write_text('{"source": "<div class=sk-text-repr-fallback-and-more>"}')
    history = tmp_path / "profile_default" / "history.sqlite"
    history.parent.mkdir()
    history.write_bytes(b"\0\1")
    environ = {"IPYTHONDIR": str(tmp_path)}
    assert leak_row(tmp_path / "none", tmp_path, environ).state == "ok"
    (tmp_path / "a.ipynb").write_text(json.dumps({"source": f"key = '{CANARY}'"}))
    history.write_bytes(b"\0key=" + CANARY.encode() + b"\0")
    row = leak_row(tmp_path / "none", tmp_path, environ)
    assert row.found == f"a key stands in {tmp_path / 'a.ipynb'}, {history}"


def test_damaged_settings_are_a_row_and_the_rest_is_looked_at(environ, tmp_path):
    (tmp_path / "config.toml").write_text("model =")
    found = _doctor({**environ, "MLEXPERT_BASE_URL": "", "MLEXPERT_LLM": "offline", **_no_network()})
    assert _row(found, "Settings").state == "problem"
    assert "config.toml is damaged" in _row(found, "Settings").found


def _no_network():
    """Send what would go to the internet to a port of this machine that refuses it."""
    return {"HTTPS_PROXY": "http://user:word-of-mine@127.0.0.1:9"}


def test_without_a_key_an_endpoint_out_of_reach_is_a_warning(environ):
    found = _doctor({**environ, "MLEXPERT_BASE_URL": "", **_no_network()})
    row = _row(found, "Endpoint")
    assert (row.state, found.exit_code) == ("warning", 0)
    assert "the proxy 127.0.0.1:9: connection refused; the offline specialist needs none" in row.found
    assert "word-of-mine" not in str(found)
    assert _row(found, "Language model").found.startswith("auto chooses offline")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://p:1"}, "p:1"),
        ({"https_proxy": "p:1"}, "p:1"),
        ({"ALL_PROXY": "socks5://p:1"}, "p:1"),
        ({"HTTP_PROXY": "http://p:1"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "x, .anthropic.com"}, None),
        ({"HTTPS_PROXY": "http://p:1", "no_proxy": "*"}, None),
        ({"HTTPS_PROXY": "http://p:1", "no_proxy": "thropic.com"}, "p:1"),
    ],
)
def test_the_proxy_is_the_one_that_requests_go_through(environ, expected):
    found = proxy_of(urlsplit("https://api.anthropic.com"), environ)
    assert (found and found.netloc) == expected


def test_an_endpoint_that_listens_and_says_nothing_is_reached_without_tls_and_not_with_it(open_port):
    assert unreachable(f"http://127.0.0.1:{open_port}", {}) == ""
    assert unreachable(f"https://127.0.0.1:{open_port}", {}, timeout_s=0.3) == "no answer within 0.3 s"


def test_an_endpoint_that_speaks_no_tls_is_told():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = Thread(target=answer)
        thread.start()
        assert "it speaks no TLS" in unreachable(f"https://127.0.0.1:{server.getsockname()[1]}", {})
        thread.join()


def test_a_missing_extension_is_a_warning_with_the_command_that_installs_it(tmp_path):
    row = extension_row([str(tmp_path)])
    assert row.state == "warning"
    assert row.found == "not installed: cells are shown, and not put into the notebook"
    assert row.advice.startswith("pip install ")


@pytest.mark.parametrize(
    ("text", "state", "said"),
    [
        ('{"version": "0.0.1"}', "warning", "0.0.1, and the package is "),
        ("{", "problem", "cannot be read"),
        ("[]", "problem", "cannot be read"),
    ],
)
def test_an_extension_of_another_version_or_a_damaged_one_is_told(tmp_path, text, state, said):
    file = tmp_path / "mlexpert-nb" / "package.json"
    file.parent.mkdir()
    file.write_text(text)
    row = extension_row([str(tmp_path / "none"), str(tmp_path)])
    assert (row.state, said in row.found, bool(row.advice)) == (state, True, True)


@pytest.mark.parametrize(
    ("version", "needed", "state"),
    [
        ("2.13.0+cpu", ">=2.8", "ok"),
        ("2.8.0a0+git", ">=2.8", "ok"),
        ("2.10", "<3,>=2.10", "ok"),
        ("2.9", "<3,>=2.10", "problem"),
        ("3.0.1", "<3,>=2.10", "problem"),
        ("3", ">=3.0.0", "ok"),
        ("", ">=2.8", "problem"),
        ("1", "", "ok"),
    ],
)
def test_a_package_must_be_there_in_a_version_that_will_do(version, needed, state):
    row = package_row("torch", version, needed, "problem")
    assert row.state == state
    assert (f'pip install "torch{needed}"' in row.advice) == (state != "ok")


@pytest.mark.parametrize(
    ("ended", "trouble"),
    [
        (_ended(1, stderr="Traceback\nOSError: libcudart.so.12: cannot open"), "OSError: libcudart.so.12: cannot open"),
        (_ended(-11), "the process ended with signal 11"),
        (_ended(timed_out=True), "importing torch took longer than 90 s and was stopped"),
        (_ended(stdout="hello\n"), "importing torch printed something that is no answer"),
        (_ended(stdout="[1]\n"), "importing torch printed something that is no answer"),
    ],
)
def test_a_broken_torch_is_a_row_and_no_crash(ended, trouble):
    row = device_row(read_device(ended), [])
    assert (row.state, row.found) == ("problem", f"torch cannot be loaded: {trouble}")
    assert row.advice


@pytest.mark.parametrize(
    ("device", "cards", "state", "found"),
    [
        (Device("2.13", "12.8", (("NVIDIA H100", 80 * GIB),)), [], "ok", "NVIDIA H100 (80 GiB), torch 2.13"),
        (Device("2.13", has_mps=True), [], "ok", "Apple graphics (MPS), torch 2.13"),
        (Device("2.13+cpu"), [], "ok", "CPU, torch 2.13+cpu; memory on a graphics card is an estimate"),
        (Device("2.13+cpu"), ["NVIDIA H100, 81559 MiB"], "warning", "it was built without CUDA"),
        (Device("2.13", "12.8"), ["NVIDIA T4, 1 MiB"], "warning", "it finds no usable driver"),
        (Device("2.13", "12.8", trouble="driver is too old"), ["NVIDIA T4, 1 MiB"], "warning", "driver is too old"),
    ],
)
def test_the_device_is_the_one_that_torch_can_use(device, cards, state, found):
    row = device_row(device, cards)
    assert (row.state, found in row.found, bool(row.advice)) == (state, True, state != "ok")


@pytest.mark.parametrize(("free", "state"), [(50 * GIB, "ok"), (GIB // 2, "warning"), (2**20, "problem")])
def test_a_disk_without_room_is_told(free, state):
    row = disk_row({"the workspace": 60 * GIB, "temporary files": free})
    assert (row.state, bool(row.advice)) == (state, state != "ok")


def test_a_workspace_that_is_a_file_is_a_problem(environ, tmp_path):
    (tmp_path / "W").touch()
    api.config({"workspace": "W/deep", "llm": "offline"}, environ)
    row = _row(_doctor(environ), "Workspace")
    assert (row.state, row.found) == ("problem", f"{tmp_path / 'W'} is a file, not a folder")


@pytest.mark.parametrize(
    ("name", "found"),
    [("jupyter", "JupyterLab or Notebook 7"), ("vscode", "VS Code"), ("", "no screen"), ("shell", "a shell")],
)
def test_the_front_end_is_named(name, found):
    assert front_end_row(name).found.startswith(found)


def _cards(found):
    card = doctor_card(found, "%mlexpert")
    return render_text(card), render_html(card)


def test_the_card_has_the_worst_first_and_says_what_to_do():
    rows = (
        Row("Python", "ok", "3.11"),
        Row("Sandbox", "warning", "process limits only", "install bubblewrap"),
        Row("Endpoint", "problem", "refused", "start it, or: mlexpert config base_url=URL " + "and more " * 20),
    )
    text, html = _cards(Health(rows))
    assert text.splitlines()[:6] == [
        "✗ 1 problem, 1 warning",
        "",
        "Checks:",
        "  ✗  Endpoint  refused",
        "  !  Sandbox   process limits only",
        "  ✓  Python    3.11",
    ]
    assert "  Sandbox: install bubblewrap" in text
    assert "%mlexpert config base_url=URL" in text
    assert max(map(len, text.splitlines())) <= 100
    assert "install bubblewrap" in html


def test_the_card_tells_the_whole_of_what_a_line_is_too_short_for():
    text, _ = _cards(Health((Row("Settings", "problem", "damaged " * 20 + "at line 7", "mend it"),)))
    assert "at line 7. To do: mend it" in " ".join(text.split())


def test_the_card_of_a_machine_in_order():
    assert _cards(Health((Row("Python", "ok", "3.11"),)))[0].startswith("✓ Everything is in order")
