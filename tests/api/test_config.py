"""Settings: which source wins, what is stored and how, what is refused with nothing written."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlexpert_nb import api
from mlexpert_nb.config import Defaults, read_defaults
from mlexpert_nb.display import config_card, render_text
from mlexpert_nb.errors import EnvironmentProblem, UsageError
from mlexpert_nb.keys import how_to_clear

CANARY = "sk-ant-api03-canarycanarycanary1234"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "deep" / "config.toml"


@pytest.fixture
def environ(file):
    return {"MLEXPERT_CONFIG": str(file)}


def _now(environ, name):
    return next(each for each in api.config(environ=environ).settings if each.name == name)


def test_nothing_set_is_no_default_at_all(environ):
    assert api.defaults(environ) == Defaults()


def test_the_environment_wins_over_the_file_and_each_source_is_named():
    text = 'model = "of-file"\nmax_turns = 7\nworkspace = "~/w"\napprove = "plan"\n'
    environ = {"MLEXPERT_MODEL": "of-environment", "MLEXPERT_BUDGET_USD": "2.5", "MLEXPERT_LLM": " "}
    found = read_defaults(environ, text)
    assert (found.model, found.max_turns, found.budget_usd, found.llm) == ("of-environment", 7, 2.5, None)
    assert (found.workspace, found.approve) == (Path("~/w").expanduser(), "plan")
    sources = {"workspace": "file", "approve": "file", "max_turns": "file"}
    assert found.sources == {**sources, "model": "environment", "budget_usd": "environment"}


@pytest.mark.parametrize(
    ("name", "variable", "text", "value"),
    [
        ("llm", "MLEXPERT_LLM", "offline", "offline"),
        ("model", "MLEXPERT_MODEL", "m", "m"),
        ("base_url", "MLEXPERT_BASE_URL", "http://127.0.0.1:1/x", "http://127.0.0.1:1/x"),
        ("budget_usd", "MLEXPERT_BUDGET_USD", "1e-1", 0.1),
        ("max_turns", "MLEXPERT_MAX_TURNS", "3", 3),
    ],
)
def test_each_variable_gives_its_setting(environ, name, variable, text, value):
    assert getattr(api.defaults({**environ, variable: text}), name) == value


def test_what_is_stored_is_private_and_read_back(file, environ):
    found = api.config(
        {"model": "claude-opus-5-5", "budget-usd": "2", "max_turns": 80, "workspace": Path("W")}, environ
    )
    assert file.read_text() == 'model = "claude-opus-5-5"\nbudget_usd = 2.0\nmax_turns = 80\nworkspace = "W"\n'
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["config.toml"]
    assert found.changed == ("model", "budget_usd", "max_turns", "workspace")
    assert (_now(environ, "max_turns").value, _now(environ, "max_turns").source) == (80, "file")


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_value_takes_a_setting_out(file, environ, empty):
    api.config({"model": "m", "llm": "offline"}, environ)
    api.config({"model": empty}, environ)
    assert file.read_text() == 'llm = "offline"\n'
    assert _now(environ, "model").source == "default"


def test_taking_out_what_is_not_there_makes_no_file(file, environ):
    api.config({"model": ""}, environ)
    assert not file.parent.exists()


def test_what_a_person_wrote_into_the_file_stays(file, environ):
    file.parent.mkdir()
    file.write_text('# mine\nmodel = "a"  # old\n\nllm = "offline"\n')
    api.config({"model": "b", "approve": "plan"}, environ)
    assert file.read_text() == '# mine\nmodel = "b"\n\nllm = "offline"\napprove = "plan"\n'


def test_a_file_written_in_another_way_is_written_anew(file, environ):
    file.parent.mkdir()
    file.write_text('"model" = """\\\na"""\nllm = "offline"\n')
    api.config({"model": "b"}, environ)
    assert file.read_text() == 'model = "b"\nllm = "offline"\n'


def test_a_link_stays_a_link(tmp_path, file, environ):
    file.parent.mkdir()
    (tmp_path / "dotfiles.toml").write_text("")
    file.symlink_to(tmp_path / "dotfiles.toml")
    api.config({"model": "m"}, environ)
    assert file.is_symlink()
    assert (tmp_path / "dotfiles.toml").read_text() == 'model = "m"\n'


def test_of_two_who_store_at_once_none_is_lost(file, environ):
    changes = [{"model": "m"}, {"llm": "offline"}, {"max_turns": 3}, {"approve": "auto"}] * 5
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda change: api.config(change, environ), changes))
    lines = ['approve = "auto"', 'llm = "offline"', "max_turns = 3", 'model = "m"']
    assert sorted(file.read_text().splitlines()) == lines


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("modle", "x", "no setting named 'modle'; did you mean 'model'?"),
        ("max_turns", "x", "max_turns=x: give a whole number of at least 1"),
        ("max_turns", 0, "max_turns=0: give a whole number"),
        ("max_turns", True, "max_turns=True: give a whole number"),
        ("max_tokens", "9", "no setting named 'max_tokens'"),
        ("budget_usd", "inf", "budget_usd=inf: give an amount of dollars above zero"),
        ("budget_usd", "nan", "budget_usd=nan: give an amount"),
        ("budget_usd", [2], r"budget_usd=\[2\]: give an amount"),
        ("llm", "clod", "llm=clod: give one of auto, offline, claude, claude-agent-sdk"),
        ("approve", "yes", "approve=yes: give one of ask, auto, plan"),
        ("model", "two words", "model=two words: give the name of a language model"),
        ("model", "a\x1b[2J", r"model='a\\x1b\[2J': give the name of a language model"),
        ("base_url", "127.0.0.1:80", "base_url=127.0.0.1:80: give a URL such as http"),
        ("base_url", "http://h:99999", "base_url=http://h:99999: give a URL"),
        ("workspace", " ", "workspace= : give the name of a folder"),
    ],
)
def test_what_cannot_be_a_setting_is_one_line_and_changes_nothing(file, environ, name, value, message):
    api.config({"llm": "offline"}, environ)
    with pytest.raises(UsageError, match=message) as error:
        api.config({"model": "m", name: value}, environ)
    assert "\n" not in str(error.value)
    assert file.read_text() == 'llm = "offline"\n'


@pytest.mark.parametrize("url", ["http://me:secretword@h/", "http://h/?api_key=secretword", "http://h/#secretword"])
def test_a_url_with_a_password_is_refused_and_not_repeated(file, environ, url):
    with pytest.raises(UsageError, match="base_url has a name, a password, a query or a fragment in it") as error:
        api.config({"base_url": url}, environ)
    assert "secretword" not in str(error.value)
    assert not file.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_key", "word-of-mine"),
        ("ANTHROPIC_API_KEY", "word-of-mine"),
        ("auth-token", "word-of-mine"),
        ("model", CANARY),
        ("workspace", f"/w/{CANARY}"),
        ("base_url", f"https://h/{CANARY}"),
        (CANARY, "x"),
        ("max_turns", "sk-abcdefghijklmnop"),
    ],
)
def test_a_key_is_refused_with_the_way_to_clear_it_and_nothing_is_written(file, environ, name, value):
    with pytest.raises(UsageError, match="an API key is never a setting, and was not used") as error:
        api.config({name: value}, environ)
    assert how_to_clear() in str(error.value)
    assert "\n" not in str(error.value)
    assert not {part for part in ("canary", "word-of-mine", "sk-a") if part in str(error.value)}
    assert not file.parent.exists()


def test_a_folder_may_be_called_like_a_library(environ):
    api.config({"workspace": "/w/sk-learn-experiments"}, environ)
    assert api.defaults(environ).workspace == Path("/w/sk-learn-experiments")


@pytest.mark.parametrize("text", [f'model = "{CANARY}"\n', f'api_key = "{CANARY[7:]}"\n'])
def test_a_key_in_the_file_is_told_with_the_name_of_the_file_and_not_repeated(file, environ, text):
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(UsageError, match=f"^{file}: an API key is never a setting") as error:
        api.defaults(environ)
    assert "canary" not in str(error.value)


def test_a_key_in_a_variable_of_a_setting_is_told_and_not_repeated(environ):
    with pytest.raises(UsageError, match=r"^MLEXPERT_MODEL: an API key is never a setting") as error:
        api.defaults({**environ, "MLEXPERT_MODEL": CANARY})
    assert "canary" not in str(error.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"model = \n", r"is damaged: .*\(at line 1, column 9\); mend it or delete it"),
        (b"\xff\xfe", "is damaged: it is not text in UTF-8; mend it or delete it"),
        (b"modle = 'x'\n", ": no setting named 'modle'; did you mean 'model'?"),
        (b"max_turns = 'x'\n", ": max_turns=x: give a whole number of at least 1"),
        (b"[model]\nx = 1\n", r": model=\{'x': 1\}: give the name of a language model"),
    ],
)
def test_a_damaged_file_is_one_line_that_names_it_and_is_left_alone(file, environ, data, message):
    file.parent.mkdir()
    file.write_bytes(data)
    for call in (lambda: api.defaults(environ), lambda: api.config({"llm": "offline"}, environ)):
        with pytest.raises(UsageError, match=f"^{file}.*{message}") as error:
            call()
        assert "\n" not in str(error.value)
    assert file.read_bytes() == data


def test_a_wrong_variable_is_named(environ):
    with pytest.raises(UsageError, match=r"^MLEXPERT_MAX_TURNS: max_turns=x: give a whole number"):
        api.config({"model": "m"}, {**environ, "MLEXPERT_MAX_TURNS": "x"})


def test_a_file_that_cannot_be_read_is_one_line(tmp_path):
    with pytest.raises(
        EnvironmentProblem, match="cannot be read: Is a directory; repair it, or name a file in another"
    ):
        api.defaults({"MLEXPERT_CONFIG": str(tmp_path)})


def test_the_file_lies_where_the_user_keeps_configuration(tmp_path):
    api.config({"model": "m"}, {"XDG_CONFIG_HOME": str(tmp_path)})
    assert (tmp_path / "mlexpert_nb" / "config.toml").exists()
    assert api.config(environ={"HOME": str(tmp_path)}).file == f"{tmp_path}/.config/mlexpert_nb/config.toml"
    relative = {"XDG_CONFIG_HOME": "relative", "HOME": str(tmp_path)}
    assert api.config(environ=relative).file == f"{tmp_path}/.config/mlexpert_nb/config.toml"


def test_a_variable_of_this_session_is_told_from_one_of_the_start(environ):
    assert _now({**environ, "MLEXPERT_MODEL": "m"}, "model").source == "session"


def test_the_card_shows_every_setting_with_its_source(environ):
    api.config({"model": "of-file", "budget_usd": 2}, environ)
    text = render_text(config_card(api.config(environ={**environ, "MLEXPERT_MODEL": "m"}), "mlexpert"))
    lines = [line.split() for line in text.splitlines()]
    assert ["budget_usd", "2", "file"] in lines
    assert ["approve", "ask", "default"] in lines
    assert "m                          this session, MLEXPERT_MODEL (the file says of-file)" in text
    assert environ["MLEXPERT_CONFIG"] in text


def test_the_card_says_what_was_stored_and_what_still_wins(environ):
    api.config({"model": "a", "llm": "offline"}, environ)
    found = api.config({"model": "b", "llm": ""}, {**environ, "MLEXPERT_MODEL": "m"})
    text = render_text(config_card(found, "mlexpert"))
    assert text.startswith("! Stored: model; Taken out: llm\n  MLEXPERT_MODEL in the environment wins over model")
