"""Where the SDK's program lives while a conversation lasts: a private home, few variables, and a certain end."""

import os
import shlex
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mlexpert_nb.agent.sdk import launcher
from mlexpert_nb.workspace import temporary_folder

_INHERITED = (
    *("PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"),
    *("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"),
)
_FROM_SDK = ("PWD", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_AGENT_SDK_VERSION", "CLAUDE_CODE_SDK_READS_SESSION_STATE")
_A_DAY_MS = str(24 * 60 * 60 * 1000)
_SWITCHES = {
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_BUG_COMMAND": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS": "1",  # else it sends blocks that only Anthropic's own endpoint knows
    "ENABLE_TOOL_SEARCH": "false",  # all our tools at once; there are a dozen
    "CLAUDE_CODE_MAX_RETRIES": "2",  # ten by default, which looks like a hang
    "MCP_TOOL_TIMEOUT": _A_DAY_MS,  # a person may take long to read a plan
}


@dataclass(frozen=True, slots=True)
class Home:
    """A private folder for one conversation."""

    folder: Path

    @property
    def command(self) -> Path:
        """The file that the SDK starts in place of its program."""
        return self.folder / "claude"

    def environment(self, program: Path, told: Mapping[str, str]) -> dict[str, str]:
        """Give the variables for the SDK; the launcher passes on those, the inherited few, and nothing else.

        Args:
            program: What the launcher becomes.
            told: Address and key.
        """
        place, scratch = self.folder / "home", self.folder / "tmp"
        own = {"HOME": str(place), "TMPDIR": str(scratch), "CLAUDE_CODE_TMPDIR": str(scratch), **_SWITCHES, **told}
        return own | {
            launcher.PROGRAM: str(program),
            launcher.NAMES: ",".join((*_INHERITED, *_FROM_SDK, *own)),
            launcher.NUMBERS: str(self._numbers),
        }

    def kill(self) -> None:
        """Kill the program and all that it started, also one that is only about to start; safe to call again."""
        ended = self.folder / "ended"
        with suppress(FileNotFoundError):  # from this rename on, a launcher that is late finds no folder and ends
            self._numbers.rename(ended)
        with suppress(FileNotFoundError):  # the other thread has done it
            for entry in list(ended.iterdir()):
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(int(entry.name), signal.SIGKILL)
                entry.rmdir()

    @property
    def _numbers(self) -> Path:
        return self.folder / "numbers"


@contextmanager
def private_home() -> Iterator[Home]:
    """Give a home that is gone afterwards, with everything that still ran in it."""
    with temporary_folder("mlexpert-sdk-") as folder:
        home = Home(folder)
        for name in ("home", "tmp", "numbers"):
            (folder / name).mkdir(mode=0o700)
        line = shlex.join([sys.executable, "-I", "-S", launcher.__file__])
        home.command.write_text(f'#!/bin/sh\nexec {line} "$@"\n', encoding="utf-8")
        home.command.chmod(0o700)
        try:
            yield home
        finally:
            home.kill()
