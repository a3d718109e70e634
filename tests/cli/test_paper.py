"""A whole run on a paper, from the file to a proven delivery with its matrix."""

import json
from pathlib import Path

PAPER = Path(__file__).parents[1] / "papers" / "small_vit.tex"


def test_a_paper_becomes_a_proven_network_with_its_matrix(mlexpert, tmp_path):
    done = mlexpert("paper", PAPER, "--llm", "offline", "--approve", "auto", "--workspace", "W", "--json")
    result = json.loads(done.stdout)
    assert (result["status"], done.returncode) == ("implementation_complete", 0)
    assert "done as planned: docs/traceability.md" in result["evidence"]["planned_vs_done"]
    matrix = (tmp_path / "W/docs/traceability.md").read_text()
    assert "| Patch size = 4 | Table 1 | `src/model/config.py:" in matrix
    assert "done as planned: tests/test_paper_values.py" in result["evidence"]["planned_vs_done"]
    assert (tmp_path / "W/tests/test_vit.py").exists()
    assert mlexpert("verify", "W").returncode == 0


def test_a_paper_that_is_not_there_is_one_line(mlexpert, tmp_path):
    done = mlexpert("paper", "nowhere.pdf", "--llm", "offline")
    assert done.returncode == 2
    assert "there is no file 'nowhere.pdf'" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_text_document_and_an_empty_source_are_one_line(mlexpert, tmp_path):
    (tmp_path / "empty.tex").write_text("")
    word = mlexpert("paper", "paper.docx", "--llm", "offline")
    empty = mlexpert("paper", "empty.tex", "--llm", "offline")
    assert (word.returncode, empty.returncode) == (2, 2)
    assert "a .docx is not read; export 'paper.docx' as .pdf" in word.stderr
    assert "the file 'empty.tex' is empty" in empty.stderr
