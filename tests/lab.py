"""A front end as the kernel knows it: cells with an id, presses sent over a subshell as JupyterLab sends them."""

from collections.abc import Iterator
from contextlib import contextmanager

VIEW = "application/vnd.jupyter.widget-view+json"


class Lab:
    """Sends what JupyterLab sends; made by `lab_of`."""

    def __init__(self, kernel):
        self.kernel, self._session = kernel, kernel.client.session
        self.subshell = self._control("create_subshell_request", {})["subshell_id"]

    def start(self, code, *, allow_stdin=False):
        """Send a cell and return at once."""
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": allow_stdin}
        message = self._session.msg("execute_request", content, metadata={"cellId": "a-cell"})
        self.kernel.client.shell_channel.send(message)
        return message["msg_id"]

    def run(self, code, timeout=60):
        """Run a cell to its end."""
        return self.kernel.finish(self.start(code), timeout=timeout)

    def say(self, model, kind):
        """Send a message of a widget's browser part, while the main shell may be busy."""
        data = {"method": "custom", "content": {"kind": kind}}
        message = self._session.msg("comm_msg", {"comm_id": model, "data": data})
        message["header"]["subshell_id"] = self.subshell
        self.kernel.client.shell_channel.send(message)

    def press(self, model):
        """Press the button of a widget."""
        self.say(model, "stop")

    def close(self):
        """Take the subshell away."""
        self._control("delete_subshell_request", {"subshell_id": self.subshell})

    def _control(self, kind, content):
        channel = self.kernel.client.control_channel
        message = self._session.msg(kind, content)
        channel.send(message)
        while (reply := channel.get_msg(timeout=30))["parent_header"].get("msg_id") != message["msg_id"]:
            pass
        assert reply["content"]["status"] == "ok"
        return reply["content"]


@contextmanager
def lab_of(kernel) -> Iterator[Lab]:
    lab = Lab(kernel)
    yield lab
    lab.close()


def model_of(message):
    """Give the widget that an output shows."""
    return message["content"]["data"][VIEW]["model_id"]
