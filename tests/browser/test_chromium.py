"""Where the browser comes from, and the one line where there is none."""

import subprocess
import sys
from pathlib import Path

from browser.chromium import ADVICE, find

PROGRAM = Path(__file__).with_name("chromium.py")


def _run(**env):
    return subprocess.run([sys.executable, str(PROGRAM)], env=env, capture_output=True, text=True, check=False)


def test_a_named_program_is_taken(tmp_path):
    program = tmp_path / "my-chromium"
    program.touch(mode=0o755)
    ran = _run(CHROMIUM=str(program))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"Chromium: {program}\n", "")


def test_a_named_program_that_is_not_there_is_one_line_to_run(tmp_path):
    ran = _run(CHROMIUM=str(tmp_path / "none"))
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", f"{ADVICE}\n")
    assert "run: sudo apt-get install -y chromium" in ran.stderr


def test_one_on_the_path_is_found(tmp_path, monkeypatch):
    program = tmp_path / "chromium-browser"
    program.touch(mode=0o755)
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find() == program
