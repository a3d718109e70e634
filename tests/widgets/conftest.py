"""A kernel that is left without the views of a test: those that live on would be brought up to date in the next one."""

import pytest

CLOSE = "import sys\nif 'ipywidgets' in sys.modules:\n    sys.modules['ipywidgets'].Widget.close_all()"


@pytest.fixture
def kernel(kernel):
    yield kernel
    kernel.run(CLOSE)
