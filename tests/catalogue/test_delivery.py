"""What is delivered: self-contained clean pages, documentation with the right numbers, cells and a script that run."""

import ast
import re
import subprocess
import sys

import pytest

from mlexpert_nb.catalogue import ENTRIES
from mlexpert_nb.catalogue.compose import compose

FLAGSHIP = ENTRIES["trm-titans-mag"]
CONFIG = FLAGSHIP.solve(None)
FILES = FLAGSHIP.skeleton(CONFIG)
PAGES = {path: text for path, text in FILES.items() if path.startswith("src/")}
NAMES = ("__init__", "act_head", "config", "full_model", "functional", "titans_mag", "trm_wrapper")


def run(root, *command):
    done = subprocess.run(
        [sys.executable, *command],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        env={"OMP_NUM_THREADS": "1", "MPLBACKEND": "agg", "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_source_is_exactly_seven_pages():
    assert sorted(PAGES) == [f"src/model/{name}.py" for name in NAMES]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_imports_torch_and_the_standard_library_only(path):
    for node in ast.walk(ast.parse(PAGES[path])):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
        for module in modules:
            assert module.partition(".")[0] in {"torch", *sys.stdlib_module_names}


@pytest.mark.parametrize("path", FILES)
def test_nothing_delivered_names_its_maker_or_holds_a_linter_pragma(path):
    assert "mlexpert" not in FILES[path].lower()
    assert "noqa" not in FILES[path]
    assert "type: ignore" not in FILES[path]
    assert "{{" not in FILES[path]
    assert FILES[path].endswith("\n")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_defines_every_name_once_and_names_what_it_takes_from_others(path):
    tree = ast.parse(PAGES[path])
    defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    imported = [
        alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    ]
    assert len(set(defined + imported)) == len(defined + imported)
    assert ast.get_docstring(tree)


def test_the_delivered_files_are_clean_and_formatted(delivered):
    ruff = ("-m", "ruff")
    rules = ("--isolated", "--line-length", "120")
    run(delivered, *ruff, "check", *rules, "--select", "E,F,W,I,B,UP", "--no-cache", "src", "examples")
    run(delivered, *ruff, "format", "--check", *rules, "--no-cache", "src", "examples")


def test_a_block_stands_on_its_page_as_it_is_written():
    source = "mlexpert_nb.catalogue.blocks.norms"
    page = compose({"alone": (source,)})["alone"]
    assert page.startswith('"""Root-mean-square norms and the SwiGLU feed-forward layer.')
    assert "class SwiGLU(nn.Module):" in page
    assert page[page.index("class SwiGLU") :].strip() in PAGES["src/model/titans_mag.py"]


def test_the_solved_values_are_the_defaults_of_the_delivered_configuration():
    config = FLAGSHIP.solve(50_000_000, {"gate": "product", "theta_max": 0.05})
    page = FLAGSHIP.skeleton(config)["src/model/config.py"]
    found = dict(re.findall(r"^    (\w+): (?:int|float|str|bool) = (.+)$", page, re.MULTILINE))
    assert {key: ast.literal_eval(value) for key, value in found.items()} == config


def test_delivery_is_the_same_every_time():
    assert FLAGSHIP.skeleton(CONFIG) == FILES
    assert list(FLAGSHIP.skeleton(CONFIG)) == list(FILES)


def test_every_delivered_path_has_one_line_about_it():
    described = dict(FLAGSHIP.describe(CONFIG))
    assert list(described) == [*FILES, *FLAGSHIP.tests(CONFIG)]
    assert all(line and "\n" not in line for line in described.values())


def test_the_tests_are_delivered_as_they_stand():
    assert "tests/conftest.py" in FLAGSHIP.tests(CONFIG)
    assert sum(path.startswith("tests/test_") for path in FLAGSHIP.tests(CONFIG)) > 5


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("docs/architecture.md", "**24,929,609 parameters**"),
        ("docs/architecture.md", "| `backbone.embedding` | 12,288,000 | 49.3% |"),
        ("docs/architecture.md", "1,886,208 bytes a row"),
        ("docs/architecture.md", " + 1 = 1,021`"),
        ("docs/architecture.md", "```mermaid\nflowchart TB"),
        ("README.md", "24,929,609 parameters"),
        ("pyproject.toml", 'pythonpath = ["src"]'),
    ],
)
def test_the_documents_state_the_numbers_of_this_configuration(path, said):
    assert said in FILES[path]


def test_the_document_of_an_attending_core_says_so():
    page = FLAGSHIP.skeleton(FLAGSHIP.solve(None, {"core": "swa"}))["docs/architecture.md"]
    assert "attention over 64 tokens, then SwiGLU" in page
    assert "each call of the tiny network" in page


def test_the_delivered_model_needs_no_numpy(delivered):
    code = (
        "import sys; sys.modules['numpy'] = None; sys.path.insert(0, 'src'); import torch; from model import *; "
        "model = build_model(); ids = torch.randint(256, (2, 9)); model.loss(ids, ids).backward(); "
        "model.adaptive(ids); model.generate(ids, 2); print(sum(p.numel() for p in model.parameters()))"
    )
    config = FLAGSHIP.solve(300_000, {"vocab_size": 256})
    assert int(run(delivered, "-c", code)) == FLAGSHIP.count_parameters(config)


def test_the_training_script_runs_and_its_loss_falls(delivered):
    said = run(delivered, "examples/train.py", "--steps", "20", "--length", "64")
    losses = [float(loss) for loss in re.findall(r"^step +\d+  loss ([\d.]+)", said, re.MULTILINE)]
    assert len(losses) == 2
    assert losses[1] < losses[0] - 0.5
    assert re.search(r"^held out: [\d.]+ nats a byte with [\d.]+ steps, halting token by token$", said, re.MULTILINE)


def test_the_cells_run_in_order_and_the_small_network_learns(delivered):
    cells = FLAGSHIP.cells(FLAGSHIP.solve(300_000, {"vocab_size": 256}), workspace=str(delivered))
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    said = run(delivered, "-c", code)
    assert "in all" in said
    first, last = map(float, re.search(r"loss ([\d.]+) -> ([\d.]+)", said).groups())
    assert last < first - 2


def test_cells_have_stable_roles_short_functions_and_no_paths_but_the_workspace():
    cells = FLAGSHIP.cells(CONFIG, workspace="it's here")
    assert [cell.role for cell in cells] == [
        *("intro", "imports", "build", "parameters", "forward", "architecture", "halting", "train")
    ]
    assert [cell.cell_type for cell in cells] == ["markdown"] + ["code"] * 7
    for cell in cells[1:]:
        functions = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.FunctionDef)]
        assert all(node.end_lineno - node.lineno < 5 for node in functions)
