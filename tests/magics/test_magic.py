"""The magics in a shell without a kernel: parse, call, show; one line for every error."""

import pytest
from IPython.utils.capture import capture_output

from mlexpert_nb.errors import UnknownNameError, UsageError


def _run(shell, source):
    """Run a cell as a user does; give the error and everything that was shown or printed."""
    with capture_output() as captured:
        result = shell.run_cell(source)
    shown = "".join(output.data["text/plain"] for output in captured.outputs)
    return result.error_in_exec, captured.stdout + shown, captured.stderr


def test_help_lists_the_commands_and_their_options(shell):
    assert "%mlexpert COMMAND" in _run(shell, "%mlexpert")[1]
    assert "--max-turns N" in _run(shell, "%mlexpert help implement")[1]
    assert "--max-turns N" in _run(shell, "%%mlexpert implement --help\nx")[1]


def test_the_catalogue_is_listed_without_a_workspace(shell, tmp_path):
    error, shown, _ = _run(shell, "%mlexpert catalogue")
    assert error is None
    assert "last verified" in shown
    assert "trm" in shown
    assert [each.name for each in tmp_path.iterdir() if each.name != "ipython"] == []


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("%mlexpert implmnt x", "no command named 'implmnt'; did you mean 'implement'?"),
        ("%%mlexpert implement --parms 25M\nx", "no option of implement named '--parms'; did you mean '--params'?"),
        ("%%mlexpert implement --params banana\nImplement TRM", "'banana' is not a number of parameters"),
        ("%%mlexpert implement --vram -1GB\nImplement TRM", "'-1GB' is negative"),
        ("%%mlexpert implement\n\n", "implement what?"),
        ("%mlexpert implement 'open", "close every quote"),
        ("%mlexpert approve nowhere", "no plan waits in nowhere"),
    ],
)
def test_a_wrong_line_is_one_line_and_writes_nothing(shell, tmp_path, source, message):
    error, shown, errors = _run(shell, source)
    assert isinstance(error, UsageError)
    assert message in str(error)
    assert error._render_traceback_() == [f"{type(error).__name__}: {error}"]
    assert "Traceback" not in shown + errors
    assert [each.name for each in tmp_path.iterdir() if each.name != "ipython"] == []


def test_an_unknown_command_is_an_unknown_name(shell):
    assert isinstance(_run(shell, "%mlexpert nope")[0], UnknownNameError)


@pytest.mark.parametrize(
    "source",
    [
        "%%mlexpert implement\nuse sk-ant-api03-abcdefgh12345678",
        "%mlexpert plan x --model sk-ant-api03-abcdefgh12345678",
    ],
)
def test_a_key_in_the_cell_is_refused_with_the_way_to_clear_it_and_never_repeated(shell, source):
    error, shown, errors = _run(shell, source)
    assert "looks like an API key, and was not used" in str(error)
    assert "ipython history clear" in str(error)
    assert "ANTHROPIC_API_KEY" in str(error)
    assert "abcdefgh" not in f"{error}{shown}{errors}"


def test_a_request_that_is_not_ours_gets_a_card_and_no_error(shell):
    error, shown, _ = _run(shell, "%%mlexpert\nPlot a histogram of the sales column and test whether it is normal")
    assert error is None
    assert "This needs a person" in shown


def test_json_is_printed_in_place_of_the_card(shell):
    _, shown, _ = _run(shell, "%%mlexpert --json\nClean and load 3 TB of logs into the warehouse every night")
    assert shown.startswith("{")
    assert '"status": "escalated"' in shown


def test_history_and_undo_of_an_untouched_workspace(shell):
    assert "No run has changed this workspace yet" in _run(shell, "%mlexpert history")[1]
    error, _, _ = _run(shell, "%mlexpert undo W")
    assert "\n" not in str(error)
    assert error.exit_code in {2, 3}
