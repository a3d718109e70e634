"""The magics in a real kernel: the card in place of the progress, the cells after it, interrupts, no keyboard.

What the specialist does is handed in as a stand-in for the api's function; what is shown and when is real.
"""

import time

import pytest
from lab import lab_of, model_of

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


def test_card_and_cells_stand_in_one_output_where_the_progress_was(specialist):
    ran = specialist.run("%%mlexpert implement --approve auto --params 25M --features a,b\nmake it")
    assert ran.reply["status"] == "ok"
    (card,) = ran.shown
    assert "Implementation complete" in card["data"]["text/plain"]
    assert "make it" in card["data"]["text/plain"]
    assert card["metadata"] == {"mlexpert": {"status": "implementation_complete"}}
    assert set(card["data"]) == {MIME, "text/html", "text/plain"}
    payload = card["data"][MIME]
    assert payload["cells"][0]["source"] == "print('hello')"
    assert payload["card"]["headline"] == "Implementation complete"
    assert ran.reply["payload"] == [], "headless, nothing is put below the cell by the kernel"


@pytest.mark.parametrize(
    ("known", "expected"),
    [("'colab'", ["print('hello')"]), ("'vscode'", ["print('hello')"]), ("'jupyter'", [])],
    ids=["colab", "vscode", "jupyter with the extension"],
)
def test_a_front_end_that_only_shows_cells_gets_the_first_one_as_the_next_input(specialist, known, expected):
    specialist.run(
        f"from mlexpert_nb.display import front_end as _f\n_old = _f.front_end\n_f.front_end = lambda: {known}"
    )
    ran = specialist.run("%%mlexpert implement --approve auto\nmake it")
    specialist.run("_f.front_end = _old")
    assert [each["text"] for each in ran.reply["payload"] if each["source"] == "set_next_input"] == expected


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


@pytest.fixture
def lab(specialist):
    with lab_of(specialist) as lab:
        yield lab


def _assert_stopped(ran):
    assert ran.reply["traceback"] == [
        "RunInterrupted: interrupted; nothing was changed, and the same cell can be run again"
    ]
    cards = [m["content"]["data"] for m in ran.messages if m["msg_type"] == "update_display_data"]
    assert "Interrupted; nothing was changed" in cards[-1]["text/plain"]


TRAINING = """
import threading
from IPython.display import display
from mlexpert_widgets import StopButton

my_stop, my_steps = StopButton("Stop training"), [0]
def train():
    while not my_stop.wait(0.01):
        my_steps[0] += 1
my_thread = threading.Thread(target=train)
my_thread.start()
display(my_stop)
"""


def test_the_assistant_and_a_training_run_are_stopped_each_by_its_own_button(lab):
    training = model_of(next(m for m in lab.run(TRAINING).messages if m["msg_type"] == "display_data"))
    sent = lab.start("%%mlexpert implement --approve auto --seed 30\nmake it")
    assistant = model_of(lab.kernel.wait_for(sent, "display_data"))
    pressed = time.monotonic()
    lab.press(assistant)
    _assert_stopped(lab.kernel.finish(sent))
    assert time.monotonic() - pressed < 2
    trains = "before = my_steps[0]; time.sleep(0.2); print(my_thread.is_alive(), my_steps[0] > before, my_stop.pressed)"
    assert lab.run(trains).text == "True True False\n"

    sent = lab.start("%%mlexpert implement --approve auto --seed 2\nmake it")
    assert model_of(lab.kernel.wait_for(sent, "display_data")) != assistant
    lab.press(training)
    assert lab.kernel.finish(sent).reply["status"] == "ok"
    assert lab.run("my_thread.join(5); print(my_thread.is_alive(), my_stop.pressed)").text == "False True\n"


def test_a_press_after_the_end_hits_nothing(lab):
    sent = lab.start("%%mlexpert implement --approve auto\nmake it")
    assistant = model_of(lab.kernel.wait_for(sent, "display_data"))
    assert lab.kernel.finish(sent).reply["status"] == "ok"
    sent = lab.start("import time; time.sleep(1.5); print('trained')")
    lab.press(assistant)
    assert lab.kernel.finish(sent).text == "trained\n"
    sent = lab.start("%%mlexpert implement --approve auto --seed 1\nmake it")
    lab.kernel.wait_for(sent, "display_data")
    lab.press(assistant)
    assert lab.kernel.finish(sent).reply["status"] == "ok"


def test_a_press_while_the_question_waits_is_an_interrupt(lab):
    sent = lab.start("%%mlexpert implement\nmake it", allow_stdin=True)
    assistant = model_of(lab.kernel.wait_for(sent, "display_data"))
    lab.kernel.client.get_stdin_msg(timeout=30)
    lab.press(assistant)
    _assert_stopped(lab.kernel.finish(sent))
    assert lab.run("print(1)").text == "1\n"


def test_an_interrupt_after_the_files_were_put_in_place_does_not_claim_that_nothing_was_changed(specialist):
    late = (
        "def late(text, *, on_event, **options):\n"
        "    on_event(Event('phase', 'commit'))\n"
        "    raise KeyboardInterrupt\n"
        "early, commands.api.implement = commands.api.implement, late"
    )
    specialist.run(late)
    ran = specialist.run("%%mlexpert implement --approve auto\nmake it")
    specialist.run("commands.api.implement = early")
    assert ran.reply["evalue"] == "interrupted at the last step; %mlexpert history tells whether it was done"
    assert "Interrupted at the last step; it may be done" in ran.shown[0]["data"]["text/plain"]


def test_an_interrupt_while_the_question_waits_is_an_interrupt(specialist):
    sent = specialist.start("%%mlexpert implement\nmake it", allow_stdin=True)
    specialist.client.get_stdin_msg(timeout=30)
    specialist.manager.interrupt_kernel()
    ran = specialist.finish(sent)
    assert ran.reply["ename"] == "RunInterrupted"
    assert not [each for each in ran.shown if "Your approval is needed" in str(each.get("data"))]
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
