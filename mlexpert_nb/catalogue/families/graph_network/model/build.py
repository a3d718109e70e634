"""Graph network: GCN, GAT or GraphSAGE, for the classes of nodes and of whole graphs.

`build_model()` gives the delivered network; `functional` has it as plain functions.
"""

from mlexpert_nb.catalogue.families.graph_network.model.config import ModelConfig, count_parameters, parameter_table
from mlexpert_nb.catalogue.families.graph_network.model.graph_network import GraphNetwork, build_model

__all__ = ["GraphNetwork", "ModelConfig", "build_model", "count_parameters", "parameter_table"]
