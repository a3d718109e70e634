"""The cells for a delivery of which only the layout is known, run against a real one."""

from mlexpert_nb.catalogue import plain_cells

MODEL = """\
from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class ModelConfig:
    vocab_size: int = 11


class Tiny(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embed = nn.Embedding(config.vocab_size, 4)
        self.head = nn.Linear(4, config.vocab_size)

    def forward(self, ids_BT):
        return self.head(self.embed(ids_BT))


def build_model(**config):
    return Tiny(ModelConfig(**config))
"""


def test_the_cells_run_in_order_on_any_delivery(tmp_path, monkeypatch, capsys):
    (tmp_path / "W" / "src" / "model").mkdir(parents=True)
    (tmp_path / "W" / "src" / "model" / "__init__.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["W/src", *__import__("sys").path])
    monkeypatch.delitem(__import__("sys").modules, "model", raising=False)
    namespace = {}
    for cell in plain_cells("W"):
        assert cell.cell_type == "code"
        exec(cell.source, namespace)  # noqa: S102 - our own cells, on our own model
    monkeypatch.delitem(__import__("sys").modules, "model", raising=False)
    assert "token ids (2, 64) -> logits (2, 64, 11)" in capsys.readouterr().out


def test_the_cells_depend_on_nothing_but_the_workspace():
    assert plain_cells("W") == plain_cells("W")
    assert [cell.role for cell in plain_cells("W")] == ["imports", "build", "parameters", "forward", "architecture"]
