"""Without the extra: one line that says what to install, and nothing loads what is not there."""

import json
import os
import subprocess
import sys

import pytest
from conftest import PATHS, ROOT

ABSENT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("claude_agent_sdk", "mcp"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
"""
HEAVY = ("claude_agent_sdk", "mcp", "anthropic", "torch")


def python(code, *words, **env):
    """Run code in a fresh interpreter that has no claude-agent-sdk."""
    return subprocess.run(
        [sys.executable, "-c", ABSENT + code, *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": PATHS, **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "module", ["mlexpert_nb", "mlexpert_nb.agent", "mlexpert_nb.agent.sdk", "mlexpert_nb.agent.index"]
)
def test_importing_loads_no_sdk(module):
    code = f"import {module}; print([name for name in {HEAVY} if name in sys.modules])"
    command = [sys.executable, "-c", f"import sys; {code}"]
    env = {**os.environ, "PYTHONPATH": PATHS}
    for done in (python(code), subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)):
        assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_the_page_says_in_one_line_what_to_install(tmp_path):
    context = tmp_path / "context.json"
    context.write_text(json.dumps(PACKAGE))
    code = "from mlexpert_nb.agent.index import main; sys.exit(main())"
    words = (context, "--workspace", tmp_path / "work", "--base-url", "http://127.0.0.1:9")
    done = python(code, *words, ANTHROPIC_API_KEY="canary-key-0123456789")
    assert done.returncode == 5
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "claude_agent_sdk is not installed); run: pip install 'mlexpert-nb[agent-sdk]'" in line
    assert "canary" not in line
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON: Expecting property name"),
        ("[]", "not a context_package: $: [] is not of type 'object'"),
        ('{"task": 3}', "not a context_package"),
        ("\udcff", "is not JSON"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_a_file_that_is_no_context_package_is_one_line_and_exit_code_2(tmp_path, text, words):
    context = tmp_path / "context.json"
    if text is not None:
        context.write_bytes(text.encode("utf-8", "surrogateescape"))
    done = python("from mlexpert_nb.agent.index import main; sys.exit(main())", context)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert words in line


PACKAGE = {
    "task": "Implement a small recurrent language model",
    "requirements": {
        "model_type": "recurrent",
        "parameters": "",
        "features": [],
        "framework": "pytorch",
        "constraints": {"vram": "", "inference_speed": ""},
    },
    "existing_code": {"files": [], "status": "none"},
    "reference_materials": {"papers": [], "implementations": []},
}
