"""The reference pages: every block of code in them runs and holds, and what lists them says what is there."""

import ast
import re
import subprocess
import sys
from importlib import resources

import pytest

from mlexpert_nb.agent.tools.references import read_reference as tool
from mlexpert_nb.catalogue.references import REFERENCES, read_reference
from mlexpert_nb.errors import UnknownNameError
from mlexpert_nb.workspace import Workspace

BLOCK = re.compile(r"^```python( gpu)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text, *, gpu):
    """Give the blocks of a page, each moved down to its own lines, so that a traceback points into the page."""
    found = [match for match in BLOCK.finditer(text) if bool(match[1]) is gpu]
    return ["\n" * (text[: match.start(2)].count("\n")) + match[2] for match in found]


def joined(text, *, gpu=(False,)):
    """Join blocks into one program whose lines are the page's lines."""
    lines = [""] * len(text.splitlines())
    for block in (each for kind in gpu for each in blocks(text, gpu=kind)):
        for number, line in enumerate(block.splitlines()):
            lines[number] = line or lines[number]
    return "\n".join(lines).rstrip() + "\n"


def run(program, name):
    """Run a page's program in a namespace of its own; a traceback names the page and its line."""
    exec(compile(program, f"{name}.md", "exec"), {"__name__": "page"})  # noqa: S102 - our own pages


def headings(text):
    return re.findall(r"^## (.+)$", text, re.MULTILINE)


@pytest.fixture
def stage(tmp_path):
    with Workspace.open(tmp_path).stage() as stage:
        yield stage


@pytest.mark.parametrize("name", REFERENCES)
def test_every_block_runs_and_its_asserts_hold(name, capsys):
    run(joined(read_reference(name)), name)
    assert capsys.readouterr().out == ""


def test_a_claim_that_does_not_hold_is_found_with_its_line():
    page = "# Page\n\n```python\nx = 1\n```\n\n```python\nassert x == 2\n```\n"
    with pytest.raises(AssertionError) as raised:
        run(joined(page), "page")
    last = raised.traceback[-1]
    assert (str(last.path), last.lineno + 1) == ("page.md", 8)


def test_a_warning_in_a_block_is_an_error():
    with pytest.raises(UserWarning, match="old"):
        run(joined("```python\nimport warnings\nwarnings.warn('old')\n```\n"), "page")


@pytest.mark.parametrize("name", REFERENCES)
def test_a_block_for_gpus_compiles_and_imports_what_exists(name):
    for block in blocks(read_reference(name), gpu=True):
        tree = ast.parse(block)
        imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        exec(compile(ast.Module(imports, []), f"{name}.md", "exec"), {})  # noqa: S102 - imports of our own page


@pytest.mark.parametrize("name", REFERENCES)
def test_the_code_of_a_page_is_as_the_judge_wants_code(name):
    options = [
        "--isolated",
        "--select=E,W,F,B,PLE",
        "--ignore=E741,E402",
        "--line-length=120",
        f"--stdin-filename={name}",
    ]
    command = [sys.executable, "-m", "ruff", "check", *options, "-"]
    program = joined(read_reference(name), gpu=(False, True))
    done = subprocess.run(command, input=program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", REFERENCES)
def test_every_block_is_marked_with_what_it_is(name):
    text = read_reference(name)
    opened = re.findall(r"^```(.+)$", text, re.MULTILINE)
    assert set(opened) <= {"python", "python gpu", "text"}
    assert text.count("```") == 2 * len(opened)


@pytest.mark.parametrize("name", REFERENCES)
def test_every_section_proves_something(name):
    text = read_reference(name)
    proofs = {each: "".join(blocks(read_reference(name, each), gpu=False)) for each in headings(text)}
    assert [each for each, code in proofs.items() if "assert" not in code] == []


@pytest.mark.parametrize("name", REFERENCES)
def test_the_top_of_a_page_lists_its_sections(name):
    text = read_reference(name)
    listed = re.search(r"^Sections: (.+)$", text, re.MULTILINE)[1].split(" · ")
    assert listed == headings(text)
    assert len(set(listed)) == len(listed) >= 8


@pytest.mark.parametrize("name", REFERENCES)
def test_a_page_is_as_long_as_one_reads_at_once(name):
    assert 120 <= len(read_reference(name).splitlines()) <= 300


def test_every_page_has_a_summary_of_one_line():
    there = {path.name for path in resources.files("mlexpert_nb.catalogue.references").iterdir()}
    assert {name for name in there if name.endswith(".md")} == {f"{name}.md" for name in REFERENCES}
    assert all(0 < len(summary) <= 100 and "\n" not in summary for summary in REFERENCES.values())


@pytest.mark.parametrize("name", REFERENCES)
def test_the_sections_of_a_page_add_up_to_the_page(name):
    text = read_reference(name)
    parts = [read_reference(name, each) for each in headings(text)]
    assert text.endswith("".join(parts))
    assert all(part.startswith("## ") and part.count("\n## ") == 0 for part in parts)


@pytest.mark.parametrize("spelled", ["Causality", "causality", "## Causality", " causality "])
def test_a_section_is_found_however_its_heading_is_spelled(spelled):
    assert read_reference("testing-guide", spelled).startswith("## Causality\n")


@pytest.mark.parametrize(
    ("name", "section", "message"),
    [
        ("testing", "", "no reference named 'testing'; did you mean 'testing-guide'?"),
        ("../errors", "", "no reference named '../errors'; known: architecture-patterns, optimization-techniques, "),
        ("testing-guide", "Causalty", "no section of testing-guide named 'Causalty'; did you mean 'Causality'?"),
        ("testing-guide", "zzz", "no section of testing-guide named 'zzz'; known: "),
    ],
)
def test_an_unknown_name_gives_one_clear_line(name, section, message):
    with pytest.raises(UnknownNameError) as raised:
        read_reference(name, section)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def test_the_tool_reads_and_tells_the_llm_what_there_is():
    assert (tool.name, tool.effect) == ("read_reference", "read")
    assert all(f"- {name}: {summary}" in tool.schema.description for name, summary in REFERENCES.items())
    assert tool.schema.input_schema["required"] == ["name"]
    assert set(tool.schema.input_schema["properties"]) == {"name", "section"}


def test_the_tool_gives_a_page_or_a_section(stage):
    assert tool.call(stage, {"name": "testing-guide"}) == read_reference("testing-guide")
    given = {"name": "testing-guide", "section": "Causality"}
    assert tool.call(stage, given) == read_reference("testing-guide", "Causality")
    with pytest.raises(UnknownNameError, match="did you mean 'testing-guide'"):
        tool.call(stage, {"name": "testing_guide"})
    assert stage.changes() == ()


def test_the_front_door_loads_no_torch():
    code = "import sys, mlexpert_nb.catalogue.references; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
