"""Lightning: a callback for `Trainer`, a logger for `Fabric`; for `lightning` and for `pytorch_lightning`."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlexpert_widgets.curves.recorder import Recorder

PACKAGES = ("lightning.pytorch", "pytorch_lightning")


def callback(recorder: "Recorder") -> Any:
    """Give a `Callback` that records what the modules log, at each training step and after each validation.

    Args:
        recorder: Where it goes.

    Raises:
        ImportError: Neither package is installed.
    """
    return _callback_class(_package())(recorder)


def _callback_class(library: Any) -> Any:
    class Curves(library.Callback):  # type: ignore[misc]  # of the library that is installed
        """Records the metrics of a Trainer, each value once."""

        def __init__(self, recorder: "Recorder") -> None:
            self._recorder = recorder
            self._seen: dict[str, Any] = {}  # the tensors themselves, so that their memory is not used again

        def on_train_batch_end(self, trainer: Any, *_arguments: Any, **_named: Any) -> None:
            self._record(trainer.global_step, trainer.callback_metrics)

        def on_validation_epoch_end(self, trainer: Any, _module: Any) -> None:
            if not trainer.sanity_checking:
                self._record(trainer.global_step, trainer.callback_metrics)

        def on_train_epoch_end(self, trainer: Any, _module: Any) -> None:
            self._record(trainer.global_step, trainer.callback_metrics)
            self._recorder.epoch(trainer.current_epoch + 1, step=trainer.global_step)

        def _record(self, step: int, metrics: Mapping[str, Any]) -> None:
            fresh = {
                name: value
                for name, value in metrics.items()
                if not _same(value, self._seen.get(name))  # what was not logged again is still there
                and f"{name}_step" not in metrics  # "loss" is then now the one, now the other
                and f"{name}_epoch" not in metrics
            }
            if fresh:
                self._seen |= fresh
                self._recorder.log(step, **fresh)

    return Curves


def _same(value: Any, seen: Any) -> bool:
    return seen is not None and value.data_ptr() == seen.data_ptr()  # Lightning gives a new view each time


def logger(recorder: "Recorder") -> Any:
    """Give a `Logger` for `Fabric(loggers=...)` and `Trainer(logger=...)`: it records what `log_metrics` gets.

    Args:
        recorder: Where it goes.

    Raises:
        ImportError: Lightning is not installed.
    """
    return _logger_class(_package())(recorder)


def _logger_class(library: Any) -> Any:
    class Logger(library.loggers.Logger):  # type: ignore[misc]  # of the library that is installed
        """Records the metrics of Fabric or a Trainer."""

        def __init__(self, recorder: "Recorder") -> None:
            super().__init__()
            self._recorder, self._step = recorder, 0

        @property
        def name(self) -> str:
            return self._recorder.name

        @property
        def version(self) -> str:
            return "0"

        def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
            self._step = self._step + 1 if step is None else step
            self._recorder.log(self._step, **{name: value for name, value in metrics.items() if name != "epoch"})

        def log_hyperparams(self, *_arguments: Any, **_named: Any) -> None:
            """Hyperparameters are no curves."""

    return Logger


def _package() -> Any:
    """Give the Lightning that is loaded, or else installed."""
    from importlib import import_module  # noqa: PLC0415 - for a library that is there or not

    for name in (*(each for each in PACKAGES if each in sys.modules), *PACKAGES):
        try:
            found = import_module(name)
            import_module(f"{name}.loggers")
        except ImportError:
            continue
        return found
    raise ImportError("Lightning is not installed; type: pip install lightning")
