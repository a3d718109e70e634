"""`%mlexpert dashboard`: a model of the notebook, live, with what the notebook has to show beside it."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlexpert_nb.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from mlexpert_widgets import Dashboard

TYPE = "type: %mlexpert dashboard MODEL [--recorder NAME] [--inputs NAME]"


def show_dashboard(variables: Mapping[str, object], model: str, *, recorder: str = "", inputs: str = "") -> "Dashboard":
    """Show the dashboard of a model in the running cell.

    Args:
        variables: Those of the notebook.
        model: Variable that holds the model; if empty, the only model there is.
        recorder: Variable that holds the runs; if empty, every recorder or learning curves there are.
        inputs: Variable that holds example inputs; if empty there are none.

    Returns:
        The dashboard, so that the notebook can go on with it.

    Raises:
        UsageError: It is not clear which model is meant, or a variable holds something else.
        UnknownNameError: There is no such variable.
    """
    from mlexpert_widgets import Dashboard  # noqa: PLC0415 - brings torch and the widget machinery

    shown = Dashboard(
        _model(variables, model),
        _runs(variables, recorder),
        example_inputs=_variable(variables, inputs) if inputs else None,
    )
    shown.show()
    return shown


def _model(variables: Mapping[str, object], name: str) -> Any:
    models = _of_type(variables, "torch.nn", "Module")
    if name:
        found = _variable(variables, name)
        if name not in models:
            raise UsageError(f"{name} is a {type(found).__name__}, not a torch.nn.Module; {TYPE}")
        return found
    if not models:
        raise UsageError(f"this notebook holds no model yet; build one, then {TYPE}")
    if len(models) > 1:
        raise UsageError(f"which model? there are {', '.join(sorted(models))}; {TYPE}")
    return next(iter(models.values()))


def _runs(variables: Mapping[str, object], name: str) -> Any:
    from mlexpert_widgets import LearningCurves, Recorder  # noqa: PLC0415 - as above

    if name:
        found = _variable(variables, name)
        if not isinstance(found, Recorder | LearningCurves):
            raise UsageError(f"{name} is a {type(found).__name__}, not a Recorder or LearningCurves; {TYPE}")
        return found
    curves = [each for each in _own(variables).values() if isinstance(each, LearningCurves)]
    if len(curves) == 1:
        return curves[0]
    return {name: each for name, each in _own(variables).items() if isinstance(each, Recorder)} or None


def _of_type(variables: Mapping[str, object], module: str, name: str) -> dict[str, Any]:
    """Give the variables of a type whose module is loaded; nothing is imported."""
    kind = getattr(sys.modules.get(module), name, None)
    return {key: value for key, value in _own(variables).items() if kind is not None and isinstance(value, kind)}


def _own(variables: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in list(variables.items()) if not key.startswith("_")}


def _variable(variables: Mapping[str, object], name: str) -> object:
    if name not in variables:
        raise UnknownNameError.among("variable", name, sorted(_own(variables)))
    return variables[name]
