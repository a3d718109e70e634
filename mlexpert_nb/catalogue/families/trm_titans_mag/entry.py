"""The entry of the catalogue: how the network is found, sized, described and written out."""

from collections.abc import Mapping

from mlexpert_nb.catalogue.entry import Config, Entry
from mlexpert_nb.catalogue.families.trm_titans_mag.cells import notebook_cells
from mlexpert_nb.catalogue.families.trm_titans_mag.delivery import DESCRIPTIONS, read_tests, skeleton
from mlexpert_nb.catalogue.families.trm_titans_mag.model.config import (
    ModelConfig,
    count_parameters,
    parameter_table,
)
from mlexpert_nb.catalogue.families.trm_titans_mag.solver import solve_config
from mlexpert_nb.catalogue.writing import first_line
from mlexpert_nb.packages import Cell, Json


class _TrmTitansMag(Entry):
    """The flagship: everything about it is computed from its configuration."""

    def solve(self, num_parameters: int | None, fixed: Mapping[str, Json] | None = None) -> Config:
        """Give a full configuration within 2 % of the target, keeping the fixed keys."""
        return solve_config(num_parameters, fixed or {})

    def count_parameters(self, config: Mapping[str, Json]) -> int:
        """Count the parameters in closed form."""
        return count_parameters(config)

    def parameter_table(self, config: Mapping[str, Json]) -> tuple[tuple[str, int], ...]:
        """Give the parameters of each part; `*` in a name stands for every block."""
        return parameter_table(ModelConfig.from_mapping(config))

    def describe(self, config: Mapping[str, Json]) -> tuple[tuple[str, str], ...]:
        """Give every delivered path with one line about it."""
        paths = [*self.skeleton(config), *self.tests(config)]
        return tuple((path, DESCRIPTIONS.get(path) or first_line(self.tests(config)[path])) for path in paths)

    def skeleton(self, config: Mapping[str, Json]) -> dict[str, str]:
        """Give the text of every delivered file except the tests."""
        return skeleton(ModelConfig.from_mapping(config))

    def tests(self, config: Mapping[str, Json]) -> dict[str, str]:
        """Give the delivered tests; they hold for every configuration, because they build small networks."""
        del config
        return read_tests()

    def cells(self, config: Mapping[str, Json], *, workspace: str) -> tuple[Cell, ...]:
        """Give the notebook cells that build, inspect and train what was delivered."""
        return notebook_cells(ModelConfig.from_mapping(config), workspace)


TRM_TITANS_MAG = _TrmTitansMag(
    name="trm-titans-mag",
    title="TRM × Titans-MAG",
    summary=(
        "Causal language model: sliding-window attention gated with a neural long-term memory that learns while it"
        " reads, under a tiny recursive model that halts token by token"
    ),
    model_type="transformer",
    features=(
        "sliding_window_attention",
        "long_term_memory",
        "ACT",
        "persistent_memory",
        "RoPE",
        "GQA",
        "SwiGLU",
        "RMSNorm",
        "weight_tying",
    ),
    keywords=(
        "trm",
        "tiny recursive model",
        "tiny recursion model",
        "titans",
        "titans mag",
        "trm titans",
        "trm x titans mag",
        "mag",
        "memory as gate",
        "memory as a gate",
        "long term memory",
        "neural memory",
    ),
    papers=(
        "Titans: Learning to Memorize at Test Time, arXiv:2501.00663",
        "Less is More: Recursive Reasoning with Tiny Networks (TRM), arXiv:2510.04871",
        "Adaptive Computation Time for Recurrent Neural Networks, arXiv:1603.08983",
    ),
    default_parameters=24_929_609,
    request="Implement TRM × Titans-MAG",
)
