"""Finds a Chromium for the browser tests; run as a program, it installs one where none is found."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ADVICE = "no Chromium was found; run: sudo apt-get install -y chromium (or set CHROMIUM to the program)"


def find() -> Path | None:
    """Give the program: CHROMIUM, one on PATH, or the one that playwright has installed; None if there is none."""
    named = os.environ.get("CHROMIUM")
    if named:
        return Path(named) if os.access(named, os.X_OK) else None
    on_path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if on_path:
        return Path(on_path)
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return own if own.is_file() else None


def install() -> None:
    """Install one: quietly from Debian's packages as root, else the one that playwright brings."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]):
            _quietly(command)
    if find() is None:
        _quietly([sys.executable, "-m", "playwright", "install", "chromium"])


def main() -> int:
    """Make sure that there is one."""
    if find() is None and not os.environ.get("CHROMIUM"):  # who names one wants that one
        install()
    found = find()
    sys.stdout.write(f"Chromium: {found}\n" if found else "")
    sys.stderr.write("" if found else f"{ADVICE}\n")
    return 0 if found else 1


def _quietly(command: list[str]) -> None:
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
