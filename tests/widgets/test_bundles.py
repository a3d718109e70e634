"""The built browser parts of the views: made from these sources, small, and asking nothing of any network."""

import hashlib
import json
import re
from pathlib import Path

import pytest

WIDGETS = Path(__file__).parents[2] / "widgets"
PACKAGE = WIDGETS / "mlexpert_widgets"
BUNDLES = sorted((PACKAGE / "bundles").glob("*.js"))
LIMIT = 80_000  # bytes: every instance carries its bundle


def test_there_is_one_for_every_view():
    told = (WIDGETS / "bundle" / "build.mjs").read_text("utf-8")
    assert [each.stem for each in BUNDLES] == sorted(re.findall(r'^\t(\w+): "', told, re.MULTILINE))


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.stem)
def test_a_bundle_is_made_from_these_sources_and_small(bundle):
    text = bundle.read_text("utf-8")
    told = dict(each.split("=") for each in re.match(r"/\* sources: (.*?) \*/", text)[1].split())
    assert len(told) >= 2
    there = {name: hashlib.sha256((PACKAGE / name).read_bytes()).hexdigest()[:16] for name in told}
    assert told == there, "the sources changed; run: make bundles"
    assert len(text.encode()) <= LIMIT


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.stem)
def test_a_bundle_loads_nothing_from_anywhere(bundle):
    text = bundle.read_text("utf-8")
    addresses = set(re.findall(r"https?://[\w./-]+", text))
    assert {each for each in addresses if not each.startswith("http://www.w3.org/")} == set()
    assert not re.search(r"\bfetch\(|XMLHttpRequest|WebSocket|\bimport\(", text)


def test_the_lock_file_names_no_address():
    lock = json.loads((WIDGETS / "bundle" / "package-lock.json").read_text("utf-8"))
    assert not any("resolved" in each for each in lock["packages"].values())
