"""Cards of what is not the result of a request: the history and an undo."""

from mlexpert_nb.display import history_card, notebook_undone_card, render_text, verification_card
from mlexpert_nb.verify import Verification
from mlexpert_nb.workspace import Commit, Undone

RECEIPT = "sha256:" + "ab12" * 16
RUN = Commit(1, "implement: a model", (), 0, RECEIPT)


def test_the_history_shows_which_receipt_a_run_has():
    text = render_text(history_card([RUN, Commit(2, "plan: another", (), 0)], "W"))
    one, two = (line.split("  ") for line in text.splitlines() if line.startswith("  ") and "file" in line)
    assert [part.strip() for part in one if part][-2:] == ["sha256:ab12ab12ab12", "implement: a model"]
    assert [part.strip() for part in two if part.strip()][-2:] == ["none", "plan: another"]


def test_the_undo_of_a_notebook_names_its_runs_and_says_what_was_kept():
    done = [("W", Undone(RUN, restored=("a.py",), removed=("b.py",)))]
    text = render_text(notebook_undone_card("n.ipynb", done, edited=True))
    assert "what was written since the run was kept" in text
    assert "Run taken back: implement: a model" in text
    assert "every byte is as before" in render_text(notebook_undone_card("n.ipynb", [], edited=False))


def test_what_was_touched_is_told_whole():
    line = f".mlexpert/receipt.jsonl: missing ({'a long reason ' * 12}the end)"
    text = render_text(verification_card(Verification(passed=False, touched=(line, "a.py: gone"), receipt=""), "W"))
    assert line in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 100
