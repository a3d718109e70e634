"""An entry run once, to measure it: its source in a temporary folder, under the judge's own checks."""

from collections.abc import Mapping, Sequence

from mlexpert_nb.catalogue.entry import Entry
from mlexpert_nb.packages import Json, OnEvent
from mlexpert_nb.verify import JudgeSpec, ProbeReport, measure
from mlexpert_nb.workspace import Workspace, temporary_folder


def try_out(
    entry: Entry, config: Mapping[str, Json], checks: Sequence[str], on_event: OnEvent, spec: JudgeSpec | None = None
) -> ProbeReport:
    """Write an entry out, without its tests, and measure it; nothing is left behind.

    Args:
        entry: The entry.
        config: Its full configuration.
        checks: Names in `MODEL_CHECKS`.
        on_event: Told what happens.
        spec: Limits and the seed.

    Raises:
        EnvironmentProblem: Nothing can be run here.
    """
    with temporary_folder("mlexpert-trial-") as folder:
        workspace = Workspace.open(folder / "delivery")
        with workspace.stage() as stage:
            for path, text in entry.skeleton(config).items():
                stage.write(path, text)
            workspace.commit(stage, label=f"trial: {entry.name}")
        return measure(folder / "delivery", checks, on_event, spec)
