"""A slip of paper with a secret on it, from the judge to a child process."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def leave(path: Path, job: Mapping[str, Any]) -> None:
    """Put a job where the child finds it."""
    path.write_text(json.dumps(job), encoding="utf-8")


def take(path: Path) -> dict[str, Any]:
    """Read a job and remove it, before any code under judgement runs."""
    job: dict[str, Any] = json.loads(path.read_text("utf-8"))
    path.unlink()
    return job
