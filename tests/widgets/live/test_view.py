"""A view in a real kernel: what its output holds, when it is brought up to date, and that it can be closed for good."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PROBE = textwrap.dedent("""
    import gc, threading, weakref
    from mlexpert_widgets.live.plot import Plot
    from mlexpert_widgets.live.picture import Picture, Table
    from mlexpert_widgets.live.view import View

    class Probe(View):
        _esm = "export default {}"
        count = 0

        def picture(self):
            return Picture("Probe", f"{self.count} points", "<svg/>", (Table("t", ("a",), (("1",),)),))

        def plot(self):
            figure = Plot(2, 1)
            figure.subplots().plot([0, self.count])
            return figure
""")
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def probe(kernel):
    kernel.run(PROBE)
    return kernel


def test_an_output_holds_the_picture_at_once_and_an_image_when_the_cell_has_ended(probe):
    ran = probe.run("p = Probe()\np.count = 3\np")
    (output,) = ran.shown
    assert sorted(output["data"]) == ["image/png", "text/html", "text/plain"]
    assert output["metadata"]["image/png"]["alt"] == "Probe. 3 points"
    assert "3 points" in output["data"]["text/html"]
    assert [m["msg_type"] for m in ran.messages if "display_data" in m["msg_type"]] == [
        "display_data",
        "update_display_data",
    ]


def test_a_later_cell_brings_it_up_to_date_only_if_it_has_moved(probe):
    name = probe.run("p = Probe()\np").messages
    shown = next(m for m in name if m["msg_type"] == "display_data")["content"]["transient"]["display_id"]
    assert probe.run("1 + 1").shown[0]["data"] == {"text/plain": "2"}
    ran = probe.run("p.count = 7\np.changed()")
    (update,) = [m for m in ran.messages if m["msg_type"] == "update_display_data"]
    assert update["content"]["transient"]["display_id"] == shown
    assert "7 points" in update["content"]["data"]["text/plain"]


def test_while_a_long_cell_runs_the_output_is_brought_up_to_date_without_an_image(probe):
    ran = probe.run("p = Probe()\np.show()\np.count = 5\np.changed()\np._freeze_at -= 1000\np.flush()\nprint('on')")
    updates = [m["content"]["data"] for m in ran.messages if m["msg_type"] == "update_display_data"]
    assert [sorted(each) for each in updates] == [
        ["text/html", "text/plain"],
        ["image/png", "text/html", "text/plain"],
    ]


def test_while_no_cell_runs_the_notebook_is_left_alone(probe):
    code = (
        "from mlexpert_widgets.live import output, view\np = Probe()\np.show()\np.changed()\np._freeze_at -= 1000\n"
        "listening = output._listening(get_ipython())\nlistening._ended(None)\np.changed()\np._freeze_at -= 1000\n"
        "p.count = 8\np.flush()\nprint('flushed')\nlistening._began(None)\np.flush()"
    )
    ran = probe.run(code)
    kinds = [m["msg_type"] for m in ran.messages if m["msg_type"] in {"stream", "update_display_data"}]
    assert kinds == ["update_display_data", "stream", "update_display_data", "update_display_data"]


def test_where_only_a_widget_output_is_drawn_there_is_one_beside_the_picture(probe):
    ran = probe.run("__vsc_ipynb_file__ = '/somewhere/a.ipynb'\np = Probe()\np")
    (output,) = ran.shown
    assert WIDGET in output["data"]
    closed = probe.run("p.changed()\np.close()")
    (update,) = [m for m in closed.messages if m["msg_type"] == "update_display_data"]
    assert WIDGET not in update["content"]["data"]


def test_after_close_the_picture_stays_and_nothing_of_the_view_is_alive(probe):
    code = (
        "p = Probe()\np.live()\np.show()\nparts = [weakref.ref(p), weakref.ref(p.layout)]\np.count = 9\np.changed()\n"
        "p.close()\np.close()\ndel p\n_ = gc.collect()\nprint([part() for part in parts])"
    )
    ran = probe.run(code)
    assert ran.text == "[None, None]\n"
    assert "9 points" in ran.shown[0]["data"]["text/html"]


def test_a_page_that_asks_while_a_cell_runs_is_told_of_every_view_and_its_layout(probe):
    ran = probe.run(
        "p = Probe()\np.show()\nprint(p.layout.model_id, p.model_id)\n"
        "get_ipython().kernel.comm_manager.targets['mlexpert.views'](None, None)"
    )
    mine = ran.text.split()
    opened = [m["content"] for m in ran.messages if m["msg_type"] == "comm_open" and m["content"]["comm_id"] in mine]
    assert [each["comm_id"] for each in opened] == mine * 2
    assert {each["target_name"] for each in opened} == {"jupyter.widget"}
    assert opened[3]["data"]["state"]["key"] == opened[1]["data"]["state"]["key"]


def test_a_terminal_shows_the_text():
    code = (
        PROBE
        + "\nfrom IPython.core.interactiveshell import InteractiveShell\nInteractiveShell.instance()\nProbe().show()"
    )
    done = _python(code)
    assert done.stdout.startswith("Probe\n\n0 points")


def test_a_script_without_ipython_can_have_views():
    assert _python(PROBE + "\np = Probe()\np.show()\np.stop()\np.close()").stdout


def _python(code):
    command = [sys.executable, "-W", "error", "-c", code]
    folder = Path(__file__).parents[3] / "widgets"
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
