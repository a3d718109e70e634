"""The templates of `mlexpert init`: text in `templates/`, with the names of the project put in."""

import keyword
import re
import sys
from collections.abc import Mapping
from importlib import resources

from mlexpert_nb.errors import UsageError

_FOLDER = "mlexpert_nb.catalogue.templates"
TEMPLATES: Mapping[str, Mapping[str, str]] = {  # template: written path, and the file in templates/
    "model": {"NAME.py": "model_template.py.txt", "tests/test_NAME.py": "test_model_template.py.txt"},
    "trainer": {"NAME.py": "trainer_template.py.txt", "tests/test_NAME.py": "test_trainer_template.py.txt"},
    "config": {"NAME.py": "config_template.py.txt", "tests/test_NAME.py": "test_config_template.py.txt"},
}
_TAKEN = sys.stdlib_module_names | {"torch", "numpy", "pytest"}


def template_files(template: str, name: str) -> dict[str, str]:
    """Give the text of every file of a template by path, for a project of some name.

    Raises:
        UsageError: Python keeps the name for itself.
    """
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    module = "_".join(words).lower()
    values = {"NAME": module, "Name": "".join(word[:1].upper() + word[1:] for word in words)}
    if any(map(keyword.iskeyword, values.values())):
        raise UsageError(f"{name!r} is a word of Python's own; give another name, such as {module}_model")
    if module in _TAKEN:
        raise UsageError(f"{name!r} would hide the module {module}; give another name, such as {module}_model")
    return {
        path.replace("NAME", module): re.sub(r"\{\{ (NAME|Name) \}\}", lambda found: values[found[1]], _read(file))
        for path, file in TEMPLATES[template].items()
    }


def _read(file: str) -> str:
    return (resources.files(_FOLDER) / file).read_text("utf-8")
