"""The callbacks in real, tiny trainings: Lightning, Fabric, transformers, and a loop that calls like Keras."""

import importlib
import sys
import warnings

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from mlexpert_widgets import Recorder


@pytest.fixture(autouse=True)
def _their_own_warnings():
    """Let the libraries warn as they like: about workers, missing GPUs, deprecated parts of each other."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def batches():
    inputs = torch.randn(16, 4, generator=torch.Generator().manual_seed(0))
    return DataLoader(TensorDataset(inputs, inputs.sum(1, keepdim=True)), batch_size=4)


@pytest.mark.parametrize("package", ["lightning.pytorch", "pytorch_lightning"])
def test_lightning_brings_every_step_and_every_validation_once(tmp_path, package, monkeypatch):
    lightning = importlib.import_module(package)
    monkeypatch.setattr("mlexpert_widgets.curves.callbacks.lightning.PACKAGES", (package,))

    class Net(lightning.LightningModule):
        """One layer."""

        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 1)

        def training_step(self, batch, _index):
            loss = nn.functional.mse_loss(self.layer(batch[0]), batch[1])
            self.log("loss", loss, on_step=True, on_epoch=True)
            self.log("error", loss, on_step=False, on_epoch=True)
            return loss

        def validation_step(self, batch, _index):
            self.log("val_loss", nn.functional.mse_loss(self.layer(batch[0]), batch[1]))

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.01)

    recorder = Recorder()
    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    trainer = lightning.Trainer(
        max_epochs=3, accelerator="cpu", callbacks=[recorder.lightning()], default_root_dir=tmp_path, **quiet
    )
    trainer.fit(Net(), batches(), batches())
    assert recorder.history("loss_step")[0].tolist() == list(range(1, 13))
    for metric in ("val_loss", "loss_epoch", "error"):
        assert recorder.history(metric)[0].tolist() == [4, 8, 12]
    assert recorder.epochs == ((4, 1), (8, 2), (12, 3))
    means = recorder.history("loss_step")[1].reshape(3, 4).mean(1)
    assert recorder.history("loss_epoch")[1] == pytest.approx(means)
    assert means[2] < means[0]


def test_fabric_brings_what_is_logged():
    from lightning.fabric import Fabric  # noqa: PLC0415 - seconds to import

    recorder = Recorder()
    fabric = Fabric(accelerator="cpu", loggers=recorder.fabric())
    for step in range(5):
        fabric.log("loss", torch.tensor(1.0 / (step + 1)), step=step)
    assert recorder.history("loss")[1].tolist() == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5])


def test_transformers_brings_what_the_trainer_logs(tmp_path):
    from transformers import Trainer, TrainingArguments  # noqa: PLC0415 - seconds to import

    class Net(nn.Module):
        """One layer, as the trainer calls it."""

        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 1)

        def forward(self, x, labels):
            return {"loss": nn.functional.mse_loss(self.layer(x), labels)}

    data = [{"x": torch.randn(4), "labels": torch.randn(1)} for _ in range(16)]
    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        num_train_epochs=2,
        per_device_train_batch_size=4,
        logging_steps=1,
        eval_strategy="epoch",
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
    )
    recorder = Recorder()
    Trainer(Net(), arguments, train_dataset=data, eval_dataset=data, callbacks=[recorder.transformers()]).train()
    assert recorder.history("loss")[0].tolist() == list(range(1, 9))
    assert recorder.history("eval_loss")[0].tolist() == [4, 8]
    assert recorder.epochs == ((4, 1), (8, 2))
    assert not [each.name for each in recorder.series() if each.name.endswith(("runtime", "per_second"))]


def test_a_loop_that_calls_like_keras_brings_epochs_and_batches():
    recorder = Recorder()
    told = recorder.keras()
    told.set_params({})
    told.on_train_begin()
    for epoch in range(3):
        told.on_train_batch_end(0, {"loss": 9.0})
        told.on_epoch_end(epoch, {"loss": 3.0 - epoch, "val_loss": 4.0 - epoch})
    assert recorder.history("loss")[0].tolist() == [1, 2, 3]
    assert recorder.history("val_loss")[1].tolist() == [4, 3, 2]
    fine = Recorder()
    told = fine.keras(batches=True)
    for epoch in range(2):
        for batch in range(5):
            told.on_batch_end(batch, {"loss": 1.0})
        told.on_epoch_end(epoch, {"loss": 1.0, "val_loss": 2.0})
    assert fine.history("loss")[0].tolist() == list(range(1, 11))
    assert fine.history("val_loss")[0].tolist() == [5, 10]
    assert fine.epochs == ((5, 1), (10, 2))
    with pytest.raises(AttributeError, match="has no 'nope'"):
        _ = told.nope


def test_a_library_that_is_missing_is_named(monkeypatch):
    for name in ("lightning.pytorch", "pytorch_lightning", "transformers"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match="Lightning is not installed; type: pip install lightning"):
        Recorder().lightning()
    with pytest.raises(ImportError, match="Lightning is not installed"):
        Recorder().fabric()
    with pytest.raises(ImportError, match="transformers is not installed; type: pip install transformers"):
        Recorder().transformers()
