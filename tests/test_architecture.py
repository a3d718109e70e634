"""What linters cannot hold: sizes, front doors, light imports, papers, suppressions with reasons, and the map."""

import ast
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "mlexpert_nb"
MAX_MODULE, MAX_FUNCTION = 400, 50  # lines
SOURCES = sorted(
    path
    for folder in (PACKAGE, ROOT / "widgets", ROOT / "tests")
    for path in folder.rglob("*.py")
    if not {"__pycache__", "node_modules"} & set(path.parts)
)
PAPERS = [
    path for path in PACKAGE.rglob("*.py") if path.parent.name == "blocks" and path.name != "__init__.py"
]  # each block is from a paper
STARTS_PROCESSES = {"workspace/child.py", "skill/machine.py"}  # the second asks nvidia-smi, and nothing else
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
WRITTEN = (".py", ".md", ".yml", ".toml", ".ts", ".js", ".css", ".json", ".tsv", ".dot")


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def tree_of(path):
    return ast.parse(path.read_text("utf-8"))


def python(code):
    """Run code in a fresh interpreter and give what it prints."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def imports(path):
    """Give the name of every module that a file imports, wherever in the file it does."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def test_no_module_is_too_long():
    lengths = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    assert {name: length for name, length in lengths.items() if length > MAX_MODULE} == {}


def test_no_function_is_too_long():
    functions = [
        (f"{name_of(path)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1)
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert len(functions) > 100
    assert [(name, length) for name, length in functions if length > MAX_FUNCTION] == []


def test_other_rooms_are_entered_by_the_front_door():
    through_the_wall = [
        f"{name_of(path)} imports {module}"
        for path in PACKAGE.rglob("*.py")
        for module in imports(path)
        if module.startswith("mlexpert_nb.") and module.count(".") > 1 and module.split(".")[1] != room_of(path)
    ]
    assert through_the_wall == []


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_only_the_workspace_starts_processes():
    starters = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if "subprocess" in imports(path)}
    assert starters <= STARTS_PROCESSES


def test_the_import_contracts_hold():
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_importing_the_package_loads_nothing_heavy():
    heavy = "('torch', 'anthropic', 'IPython', 'numpy', 'pydantic', 'jsonschema', 'pypdf')"
    assert python(f"import sys, mlexpert_nb; print([name for name in {heavy} if name in sys.modules])") == "[]"


def test_loading_the_extension_loads_neither_torch_nor_the_sdk():
    code = (
        "import sys; from IPython.core.interactiveshell import InteractiveShell; shell = InteractiveShell.instance(); "
        "shell.run_line_magic('load_ext', 'mlexpert_nb'); "
        "print('mlexpert' in shell.magics_manager.magics['cell'], "
        "[name for name in ('torch', 'anthropic', 'pypdf', 'jsonschema', 'matplotlib') if name in sys.modules])"
    )
    assert python(code) == "True []"


@pytest.mark.parametrize("room", ["api", "display", "skill", "agent", "catalogue", "verify", "workspace"])
def test_the_front_door_of_a_room_loads_no_torch(room):
    code = f"import sys, mlexpert_nb.{room}; print([name for name in ('torch', 'anthropic') if name in sys.modules])"
    assert python(code) == "[]"


@pytest.mark.parametrize("path", PAPERS, ids=name_of)
def test_a_block_names_its_paper_and_its_shape_letters(path):
    told = ast.get_docstring(tree_of(path)) or ""
    assert re.search(r"\b(?:19|20)\d\d\b.*\barXiv:\d{4}\.\d{4,5}", told, re.DOTALL), "no paper with year and arXiv id"
    assert re.search(r"^Shapes: \S", told, re.MULTILINE), "no line of shape letters"


def test_there_are_blocks_to_look_at():
    assert len(PAPERS) >= 4


def comments():
    for path in SOURCES:
        for token in tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline):
            if token.type == tokenize.COMMENT:
                yield f"{name_of(path)}:{token.start[0]}", token.string


def unexplained(comment):
    """Say whether a comment suppresses something without naming what and why."""
    code = r"[A-Z]+\d+(?:, ?[A-Z]+\d+)*"
    if re.search(r"#\s*(?:ruff:\s*)?noqa\b", comment):
        return re.search(rf"noqa: {code} - \S.{{4,}}", comment) is None
    if re.search(r"#\s*type:\s*ignore", comment):
        return re.search(r"type: ignore\[[a-z-]+(?:, ?[a-z-]+)*\] +(?:#|-) +\S.{4,}", comment) is None
    if re.search(r"#\s*pragma:\s*no cover", comment):
        return re.search(r"no cover - \S.{4,}", comment) is None
    return False


def test_every_suppression_has_a_code_and_a_reason():
    assert [f"{place}: {comment}" for place, comment in comments() if unexplained(comment)] == []


@pytest.mark.parametrize(
    ("comment", "found"),
    [
        ("# noqa", True),
        ("# noqa: S603", True),
        ("# noqa: S603 - because the list is ours", False),
        ("# type: ignore", True),
        ("# type: ignore[arg-type]", True),
        ("# type: ignore[arg-type]  # a table of keywords", False),
        ("# pragma: no cover", True),
        ("# a noqa in words", False),
    ],
)
def test_a_suppression_without_a_reason_would_be_found(comment, found):
    assert unexplained(comment) is found


def test_nothing_is_left_for_later():
    files = [path for path in ROOT.rglob("*") if path.suffix in WRITTEN and not _is_made(path)]
    assert len(files) > len(SOURCES)
    assert [name_of(path) for path in files if UNFINISHED.search(path.read_text("utf-8"))] == []


def _is_made(path):
    """Say whether a file was made by a tool and is not part of the project."""
    parts = path.relative_to(ROOT).parts
    made = {"build", "dist", "node_modules", "workspaces", "__pycache__"}
    return bool(made & set(parts)) or (parts[0].startswith(".") and parts[0] != ".ci")


def test_the_readme_maps_every_folder_and_every_room():
    told = (ROOT / "README.md").read_text("utf-8").split("## The map")[1]
    missing = [f"{path.name}/" for path in folders(ROOT) if f"`{path.name}/`" not in told]
    for path in PACKAGE.iterdir():
        room = f"{path.name}/" if path.is_dir() else path.name
        if not path.name.startswith("__") and f"`mlexpert_nb/{room}`" not in told:
            missing.append(room)
    assert missing == []


def test_the_readme_maps_nothing_that_does_not_exist():
    told = (ROOT / "README.md").read_text("utf-8").split("## The map")[1]
    named = re.findall(r"^\| `([^`]+)` \|", told, re.MULTILINE)
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_map_of_the_tests_names_what_is_there():
    told = set(re.findall(r"^\| `([^`]+)` \|", (ROOT / "tests" / "README.md").read_text("utf-8"), re.MULTILINE))
    there = {f"{path.name}/" for path in folders(ROOT / "tests")} | {
        path.name for path in (ROOT / "tests").glob("test_*.py")
    }
    assert told == there


def folders(root):
    made = ("__pycache__", "build", "dist")
    hidden = (path for path in root.iterdir() if path.is_dir() and path.name not in made)
    return [path for path in hidden if any(path.iterdir()) and (not path.name.startswith(".") or path.name == ".ci")]
