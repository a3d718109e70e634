"""environment.yml and pyproject.toml name the same packages in the same versions, and the check would notice if not.

That conda-forge has these packages, and that they can be solved together, cannot be checked without a network.
"""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

ROOT = Path(__file__).parents[1]
ENVIRONMENT = (ROOT / "environment.yml").read_text("utf-8")
PYPROJECT = (ROOT / "pyproject.toml").read_text("utf-8")
PYPI_NAMES = {
    "pytorch": "torch",
    "matplotlib-base": "matplotlib",
    "playwright-python": "playwright",
}  # where conda-forge has another name
ONLY_CONDA = {"python", "pip"}


def canonical(name):
    return re.sub(r"[-_.]+", "-", PYPI_NAMES.get(name, name)).lower()


def conda_spec(text):
    """Read `name >=1,<2` or `name=1.2`, the part of conda's language that is used here."""
    match = re.fullmatch(r"([A-Za-z0-9_.-]+?)\s*([<>=!~][^\s]*)?", text.strip())
    if match is None:
        raise InvalidSpecifier(f"cannot be read: {text!r}")
    parts = [re.sub(r"^=(?!=)(.*?)(\.\*)?$", r"==\1.*", part) for part in (match[2] or "").split(",") if part]
    return match[1], SpecifierSet(",".join(parts))


def listed(environment, problems):
    """Give the packages of an environment file with their versions; what cannot be read is a problem."""
    found = {}
    pip = [item for each in environment["dependencies"] if isinstance(each, dict) for item in each.get("pip", [])]
    for item in (each for each in environment["dependencies"] if not isinstance(each, dict)):
        try:
            name, versions = conda_spec(item)
        except InvalidSpecifier as error:
            problems.append(f"{item}: {error}")
            continue
        if canonical(name) in found:
            problems.append(f"{name}: listed twice")
        found[canonical(name)] = versions
    for item in (each for each in pip if not re.match(r"(-e )?\.", each)):
        try:
            requirement = Requirement(item)
            found[canonical(requirement.name)] = requirement.specifier
        except InvalidRequirement as error:
            problems.append(f"{item}: {error}")
    if pip and "pip" not in found:
        problems.append("pip: a pip section needs it as a dependency")
    return found


def differences(environment_text, pyproject_text, extras=("dev",)):
    """List every way in which an environment file and a pyproject differ, one line each."""
    environment, project = yaml.safe_load(environment_text), tomllib.loads(pyproject_text)["project"]
    problems = [] if "conda-forge" in environment.get("channels", []) else ["conda-forge: not among the channels"]
    if "defaults" in environment.get("channels", []):
        problems.append("defaults: must not be mixed with conda-forge")
    have = listed(environment, problems)
    wanted = [*project["dependencies"], *(each for extra in extras for each in project["optional-dependencies"][extra])]
    want = {canonical(each.name): each.specifier for each in map(Requirement, wanted)}
    want["python"] = SpecifierSet(project["requires-python"])
    problems += [f"{name}: in pyproject.toml, not in environment.yml" for name in want.keys() - have.keys()]
    problems += [
        f"{name}: in environment.yml, not in pyproject.toml" for name in have.keys() - want.keys() - ONLY_CONDA
    ]
    both = want.keys() & have.keys()
    problems += [f"{name}: {have[name]} is not {want[name]}" for name in both if have[name] != want[name]]
    return sorted(problems)


def test_the_two_files_agree():
    assert differences(ENVIRONMENT, PYPROJECT) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("  - pypdf >=6.0\n", "", "pypdf: in pyproject.toml, not in environment.yml"),
        ("  - pip\n", "  - pip\n  - pandas >=2\n", "pandas: in environment.yml, not in pyproject.toml"),
        ("pytorch >=2.8", "pytorch >=2.9", "torch: >=2.9 is not >=2.8"),
        ("python >=3.11", "python >=3.12", "python: >=3.12 is not >=3.11"),
        ("ipython >=9.0", "ipython", "ipython:  is not >=9.0"),
        ("mypy >=1.18", "mypy =1.18", "mypy: ==1.18.* is not >=1.18"),
        ("ruff >=0.14", "ruff >=0.14\n  - ruff >=0.14", "ruff: listed twice"),
        ("ruff >=0.14", "ruff >=0.14 bad spec", "ruff >=0.14 bad spec: cannot be read: 'ruff >=0.14 bad spec'"),
        ("  - conda-forge\n", "  - defaults\n", "conda-forge: not among the channels"),
        ("  - conda-forge\n", "  - conda-forge\n  - defaults\n", "defaults: must not be mixed with conda-forge"),
        ("  - pip\n", "", "pip: a pip section needs it as a dependency"),
        ("      - -e .", "      - pandas>=2", "pandas: in environment.yml, not in pyproject.toml"),
    ],
)
def test_a_difference_in_the_environment_is_found(old, new, problem):
    assert old in ENVIRONMENT
    assert problem in differences(ENVIRONMENT.replace(old, new, 1), PYPROJECT)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('  "pypdf>=6.0",\n', "", "pypdf: in environment.yml, not in pyproject.toml"),
        ('  "pypdf>=6.0",\n', '  "pypdf>=6.0",\n  "pandas",\n', "pandas: in pyproject.toml, not in environment.yml"),
        ('"mypy>=1.18"', '"mypy>=1.19"', "mypy: >=1.18 is not >=1.19"),
    ],
)
def test_a_difference_in_pyproject_is_found(old, new, problem):
    assert old in PYPROJECT
    assert problem in differences(ENVIRONMENT, PYPROJECT.replace(old, new, 1))


def test_the_pinned_torch_is_one_that_both_files_allow():
    pinned = Requirement((ROOT / "constraints.txt").read_text("utf-8").splitlines()[-1])
    allowed = next(
        each for each in map(Requirement, tomllib.loads(PYPROJECT)["project"]["dependencies"]) if each.name == "torch"
    )
    (pin,) = pinned.specifier
    assert pinned.name == "torch"
    assert pin.version in allowed.specifier
