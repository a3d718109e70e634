"""Keras-style callbacks: an object whose `on_epoch_end(epoch, logs)` a loop calls; Keras itself is not needed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlexpert_widgets.curves.recorder import Recorder


class KerasCurves:
    """Records what a loop tells at the end of batches and epochs; `val_loss` is the validation twin of `loss`."""

    def __init__(self, recorder: "Recorder", *, batches: bool = False) -> None:
        """Record into a recorder.

        Args:
            recorder: Where it goes.
            batches: Whether to record each batch too; the epochs' own metrics then stand at the last batch.
        """
        self._recorder, self._batches, self._step = recorder, batches, 0

    def on_batch_end(self, _batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Record a batch, if batches are recorded."""
        self._step += 1
        if self._batches and logs:
            self._recorder.log(self._step, **logs)

    on_train_batch_end = on_batch_end

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Record an epoch; `epoch` counts from 0, as in Keras."""
        step = self._step if self._batches else epoch + 1
        chosen = {name: value for name, value in (logs or {}).items() if not self._batches or name.startswith("val_")}
        if chosen:
            self._recorder.log(step, **chosen)
        self._recorder.epoch(epoch + 1, step=step)

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("on_", "set_")):  # the other moments of a training, which say nothing new
            return lambda *_arguments, **_named: None
        raise AttributeError(f"KerasCurves has no {name!r}")
