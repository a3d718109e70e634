"""Runs pytest while the lines of one folder are measured: `python metered.py SETTINGS DATA MODULES ARGUMENT...`.

It does what `coverage run -m pytest` does, but imports the named modules first (comma-separated): measured, the import
of torch takes twice as long, and none of its lines count. It is run by path and imports nothing of this package.
"""

import sys
from contextlib import suppress
from importlib import import_module

import coverage
import pytest


def main(settings: str, data: str, modules: str, *arguments: str) -> int:
    """Run pytest with the arguments, write what was measured, and give its exit code."""
    for name in filter(None, modules.split(",")):
        with suppress(Exception):  # whoever needs it will say so
            import_module(name)
    sys.argv[:] = ["pytest", *arguments]
    meter = coverage.Coverage(data_file=data, config_file=settings)
    meter.start()
    try:
        return int(pytest.main([*arguments]))
    finally:
        meter.stop()
        meter.save()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
