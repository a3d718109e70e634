"""transformers: a callback for its `Trainer`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlexpert_widgets.curves.recorder import Recorder

NOT_CURVES = ("epoch", "step", "total_flos")
SPEEDS = ("_runtime", "_per_second")


def callback(recorder: "Recorder") -> Any:
    """Give a `TrainerCallback` that records what the trainer logs; "eval_loss" is its validation twin of "loss".

    Args:
        recorder: Where it goes.

    Raises:
        ImportError: transformers is not installed.
    """
    try:
        from transformers import TrainerCallback  # noqa: PLC0415 - seconds to import
    except ImportError:
        raise ImportError("transformers is not installed; type: pip install transformers") from None

    class Curves(TrainerCallback):  # type: ignore[misc]  # its base has no types
        """Records the metrics of a Trainer."""

        def on_log(self, _arguments: Any, state: Any, _control: Any, logs: Any = None, **_named: Any) -> None:
            chosen = {
                name: value
                for name, value in (logs or {}).items()
                if isinstance(value, int | float) and name not in NOT_CURVES and not name.endswith(SPEEDS)
            }
            if "train_loss" not in chosen:  # the mean of the whole run comes last, and is no point of a curve
                recorder.log(state.global_step, **chosen)

        def on_epoch_end(self, _arguments: Any, state: Any, _control: Any, **_named: Any) -> None:
            recorder.epoch(round(state.epoch or 0), step=state.global_step)

    return Curves()
