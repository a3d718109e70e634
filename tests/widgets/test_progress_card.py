"""The progress card: its traits in Python, its pure parts in node, and the whole of it in a real browser."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
WIDGETS = ROOT / "widgets" / "mlexpert_widgets"
PAGE = Path(__file__).with_name("progress_card.html")
PHASES = [{"name": "plan", "state": "done"}, {"name": "verify", "state": "now"}, {"name": "commit", "state": "next"}]


def test_values_that_are_set_together_travel_in_one_message(kernel):
    code = (
        "from mlexpert_widgets import ProgressCard\ncard = ProgressCard(doing='a')\n"
        "card.show({'doing': 'b', 'tests': [1, 2], 'elapsed_s': 3})\nprint(card, card.differs({'doing': 'b'}))\n"
        "card.close()"
    )
    ran = kernel.run(code)
    told = [m["content"]["data"]["state"] for m in ran.messages if m["msg_type"] == "comm_msg"]
    assert told == [{"doing": "b", "tests": [1, 2], "elapsed_s": 3.0}]
    assert ran.text == "ProgressCard() False\n"


def test_without_a_kernel_it_can_be_made_and_shown_and_is_not_seen():
    code = (
        "from mlexpert_widgets import ProgressCard; card = ProgressCard(on_stop=print); card.show({'doing': 'b'}); "
        "print(card.seen, sorted(card.view()[0])); card.close()"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=ROOT / "widgets", capture_output=True, text=True, check=True)
    assert done.stdout == "False ['application/vnd.jupyter.widget-view+json', 'text/plain']\n"


def test_the_parts_that_need_no_browser_do_what_they_say(node):
    tests = ROOT / "tests" / "widgets" / "progress_card.test.mjs"
    done = subprocess.run([node, "--test", tests], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
