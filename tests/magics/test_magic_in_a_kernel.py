"""The magics in a real kernel: the card in place of the progress, the cells after it, interrupts, no keyboard.

What the specialist does is handed in as a stand-in for the api's function; what is shown and when is real.
"""

import time

import pytest

from mlexpert_nb.display.cells import MIME

STAND_IN = """
import time
from mlexpert_nb import commands
from mlexpert_nb.packages import Cell, Event, Proposal, ResultPackage

def implement(text, *, on_event, ask, namespace, wait=0.0, **options):
    seen.update(options=options, names=sorted(name for name in namespace if name.startswith("my_")))
    on_event(Event("phase", "plan"))
    if options.get("approve", "ask") == "ask" and not ask(Proposal("# Plan", "sha256:1", "A  a.py")):
        return ResultPackage("plan_ready", evidence={"message": "not approved"})
    on_event(Event("phase", "verify"))
    time.sleep(float(options.get("seed", 0)))
    if options.get("model") == "broken":
        raise ZeroDivisionError("a bug of ours")
    return ResultPackage("implementation_complete", evidence={"message": "proven"})

seen = {}
commands.api.implement = implement
commands.api.generated_cells = lambda workspace: (Cell("code", "print('hello')", "hello"),)
"""


@pytest.fixture
def specialist(kernel):
    assert kernel.run(STAND_IN).reply["status"] == "ok"
    return kernel


def test_the_card_stands_where_the_progress_was_and_the_cells_come_after_it(specialist):
    ran = specialist.run("%%mlexpert implement --approve auto --params 25M --features a,b\nmake it")
    assert ran.reply["status"] == "ok"
    card, cells = ran.shown
    assert "Implementation complete" in card["data"]["text/plain"]
    assert "make it" in card["data"]["text/plain"]
    assert card["metadata"] == {"mlexpert": {"status": "implementation_complete"}}
    assert cells["data"][MIME]["cells"][0]["source"] == "print('hello')"
    assert set(cells["data"]) == {MIME, "text/html", "text/plain"}


def test_options_and_variables_of_the_notebook_reach_the_api(specialist):
    specialist.run("my_batch = 3")
    specialist.run("%%mlexpert implement --approve auto --params 25M --features a,b --context x.py y.py\nmake it")
    printed = specialist.run("print(seen)").text
    assert "'names': ['my_batch']" in printed
    assert "'params': '25M', 'features': 'a,b', 'context': ['x.py', 'y.py']" in printed


def test_an_interrupt_shows_a_card_and_one_line_and_the_kernel_goes_on(specialist):
    sent = specialist.start("%%mlexpert implement --approve auto --seed 30\nmake it")
    specialist.wait_for(sent, "display_data")
    time.sleep(0.5)
    specialist.manager.interrupt_kernel()
    ran = specialist.finish(sent)
    assert ran.reply["ename"] == "RunInterrupted"
    assert ran.reply["traceback"] == [
        "RunInterrupted: interrupted; nothing was changed, and the same cell can be run again"
    ]
    cards = [m["content"]["data"] for m in ran.messages if m["msg_type"] == "update_display_data"]
    assert "Interrupted; nothing was changed" in cards[-1]["text/plain"]
    assert specialist.quiet()
    again = specialist.run("%%mlexpert implement --approve auto\nmake it")
    assert again.reply["status"] == "ok"


def test_an_interrupt_while_the_question_waits_is_an_interrupt(specialist):
    sent = specialist.start("%%mlexpert implement\nmake it", allow_stdin=True)
    specialist.client.get_stdin_msg(timeout=30)
    specialist.manager.interrupt_kernel()
    assert specialist.finish(sent).reply["ename"] == "RunInterrupted"
    assert specialist.run("print(1)").text == "1\n"


def test_without_a_keyboard_the_answer_is_no_and_the_card_names_the_options(specialist):
    ran = specialist.run("%%mlexpert implement\nmake it")
    assert ran.reply["status"] == "ok"
    card = ran.shown[0]["data"]["text/plain"]
    assert "The plan is ready; no code is written yet" in card
    assert "--approve auto does it without asking" in " ".join(card.split())
    assert not [each for each in ran.shown if MIME in each["data"]]


def test_a_yes_typed_in_goes_on(specialist):
    ran = specialist.run("%%mlexpert implement\nmake it", answer="y")
    assert "Implementation complete" in ran.shown[0]["data"]["text/plain"]


def test_a_bug_leaves_no_progress_behind_and_shows_its_traceback(specialist):
    ran = specialist.run("%%mlexpert implement --approve auto --model broken\nmake it")
    assert ran.reply["ename"] == "ZeroDivisionError"
    assert "Stopped; nothing was changed" in ran.shown[0]["data"]["text/plain"]
    assert specialist.quiet()


def test_a_wrong_option_is_one_line_without_any_display(specialist):
    ran = specialist.run("%%mlexpert implement --max-turns many\nmake it")
    (error,) = ran.shown
    assert error["traceback"] == [
        "UsageError: implement: argument --max-turns: invalid int value: 'many'; see: help implement"
    ]


def test_loading_the_extension_loads_neither_torch_nor_anthropic(kernel):
    ran = kernel.run(
        "import subprocess, sys\n"
        "code = 'import sys; from IPython.core.interactiveshell import InteractiveShell as S; s = S.instance(); '\n"
        'code += \'s.run_line_magic("load_ext", "mlexpert_nb"); \'\n'
        'code += \'print(sorted({"torch", "anthropic", "nbclient", "matplotlib"} & set(sys.modules)))\'\n'
        "print(subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout)"
    )
    assert ran.text.strip() == "[]"
