"""The agent on one page: a ContextPackage in, a ResultPackage out, with a scripted endpoint and the real judge."""

import json
import os
import subprocess
import sys

import pytest
from agent.sdk.messages import Messages, look, say, work
from agent.sdk.test_absent import PACKAGE
from conftest import PATHS
from tiny_delivery import FILES

from mlexpert_nb.packages import ResultPackage

pytestmark = pytest.mark.agent_sdk
CANARY = "canary-key-0123456789abcdef"
PLAN = look(
    "propose_plan",
    title="a small recurrent language model",
    summary="a GRU",
    steps=["write it"],
    files=[{"path": path, "action": "create", "description": "a file"} for path in FILES],
)
BROKEN = FILES["src/model/network.py"].replace("return self.head(x_BTD)", "return self.head(x_BTD.flip(1))")


@pytest.fixture
def page(tmp_path):
    """Run the page as a program against a script; give the process, its server and the workspace."""

    def run(*replies, words=()):
        context = tmp_path / "context.json"
        context.write_text(json.dumps(PACKAGE))
        with Messages(*replies) as server:
            program = [sys.executable, "-m", "mlexpert_nb.agent.index", str(context), "--base-url", server.url]
            done = subprocess.run(
                [*program, "--model", "fake", "--workspace", str(tmp_path / "work"), *words],
                env={**os.environ, "PYTHONPATH": PATHS, "ANTHROPIC_API_KEY": CANARY},
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=240,
                check=False,
            )
        assert CANARY not in done.stdout + done.stderr
        return done, server, tmp_path / "work"

    return run


def test_without_approval_it_stops_at_the_plan(page):
    done, server, workspace = page([PLAN])
    assert done.returncode == 3
    result = ResultPackage.from_json(json.loads(done.stdout))
    assert result.status == "plan_ready"
    assert "- create `src/model/network.py`: a file" in result.evidence["plan"]
    assert len(server.asked) == 1
    assert not workspace.exists()


def test_what_the_judge_does_not_pass_is_mended_and_then_delivered(page):
    writes = [work("Write", path=path, text=text) for path, text in {**FILES, "src/model/network.py": BROKEN}.items()]
    mended = work("Write", path="src/model/network.py", text=FILES["src/model/network.py"])
    done, server, workspace = page(
        [PLAN], writes, [say("done")], [mended], [say("mended")], words=("--approve", "auto")
    )
    assert done.returncode == 0, done.stderr
    result = ResultPackage.from_json(json.loads(done.stdout))
    assert result.status == "implementation_complete"
    assert "causality" in json.dumps(server.asked[3]["messages"][-1])
    assert "no price known" in result.evidence["cost"]
    assert (workspace / "src/model/network.py").read_text() == FILES["src/model/network.py"]
    assert not [path for path in workspace.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]


def test_an_endpoint_that_refuses_is_one_line_and_nothing_is_written(page):
    done, _, workspace = page((400, f"bad key {CANARY}"))
    assert done.returncode == 5
    assert done.stdout == ""
    assert "answered HTTP 400" in done.stderr.splitlines()[-1]
    assert not workspace.exists()
