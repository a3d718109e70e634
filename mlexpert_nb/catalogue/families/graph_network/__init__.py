"""Graph networks: GCN, GAT and GraphSAGE."""

from mlexpert_nb.catalogue.families.graph_network.entry import GRAPH_NETWORK

__all__ = ["GRAPH_NETWORK"]
