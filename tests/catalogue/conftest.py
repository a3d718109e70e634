"""What the catalogue's tests share: one thread, one seed, and a delivered folder."""

import pytest
import torch

from mlexpert_nb.catalogue import ENTRIES


@pytest.fixture(autouse=True)
def _same_start():
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def delivered(tmp_path_factory):
    """Write out a small configuration and give the folder."""
    root, entry = tmp_path_factory.mktemp("delivered"), ENTRIES["trm-titans-mag"]
    config = entry.solve(300_000, {"vocab_size": 256})
    for path, text in {**entry.skeleton(config), **entry.tests(config)}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    return root
