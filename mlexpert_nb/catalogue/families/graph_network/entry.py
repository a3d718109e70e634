"""The entry of the catalogue: how the network is found, sized, described and written out."""

from collections.abc import Mapping

from mlexpert_nb.catalogue.families.graph_network.model.config import MIN_OF_WIDTHS, ModelConfig
from mlexpert_nb.catalogue.plain import PlainEntry
from mlexpert_nb.catalogue.sizing import Keys, Sizes
from mlexpert_nb.packages import Json

_HIDDEN = {"gcn": 16, "gat": 64, "sage": 64}  # least width that the papers, or their authors' examples, use
_NAMES = {"gcn": "GCN layer", "gat": "GAT layer", "sage": "GraphSAGE layer"}
_RULES = {
    "gcn": "sum over neighbours and itself,<br/>each divided by √(degree · degree)",
    "gat": "attention over neighbours and itself",
    "sage": "W₁ · itself + W₂ · mean of its neighbours",
}
_EQUATIONS = {
    "gcn": """\
    GCN    H' = D^-1/2 (A + I) D^-1/2 H W + b                          Kipf and Welling, eq. 2 and 8""",
    "gat": """\
    GAT    e_ij = LeakyReLU(a₁ᵀ W h_i + a₂ᵀ W h_j), slope 0.2          Velickovic et al., eq. 3
           alpha_ij = exp(e_ij) / Σ_k exp(e_ik), over neighbours and i eq. 2 and 3
           h_i' = Σ_j alpha_ij W h_j + b                               eq. 5: heads side by side; eq. 6: averaged""",
    "sage": """\
    SAGE   h_i' = W₁ h_i + W₂ mean_j h_j + b = W [h_i; mean_j h_j] + b   Hamilton et al., algorithm 1""",
}


def _complete(keys: Keys) -> Mapping[str, Json]:
    """Give what goes with a layer and a depth: the width at least, residuals where it is deep."""
    layer = str(keys["layer"])
    return {
        "hidden_size": max(int(str(keys["hidden_size"])), _HIDDEN.get(layer, 1)),
        "residual": int(str(keys["num_layers"])) > MIN_OF_WIDTHS,
    }


def _implied(fixed: Keys) -> Keys:
    """Give the least depth that residuals need, where a request asks for them and names no depth."""
    return {"num_layers": MIN_OF_WIDTHS + 1} if fixed.get("residual") is True else {}


def _derived(config: ModelConfig) -> Mapping[str, object]:
    heads = f", {config.num_heads} heads of {config.hidden_size // config.num_heads} side by side"
    last = f", {config.num_output_heads} heads averaged"
    is_gat = config.layer == "gat"
    return {
        "layer_name": _NAMES[config.layer],
        "rule": _RULES[config.layer],
        "equations": _EQUATIONS[config.layer],
        "activation": "ELU" if is_gat else "ReLU",
        "heads": heads if is_gat else "",
        "output_heads": last if is_gat else "",
        "num_hidden_layers": config.num_layers - 1,
        "residual_step": ", + residual where the width stays" if config.residual else "",
    }


GRAPH_NETWORK = PlainEntry(
    name="graph-network",
    title="Graph network (GCN, GAT, GraphSAGE)",
    summary="Classifier of the nodes of a graph, or of whole graphs: every layer lets a node read its neighbours",
    model_type="graph",
    features=("GCN", "GAT", "GraphSAGE", "message_passing", "graph_attention", "node_classification"),
    keywords=(
        *("graph network", "graph neural network", "gnn", "gcn", "gat", "graphsage", "graph sage"),
        *("graph convolutional network", "graph convolution", "graph attention network", "graph attention"),
        *("node classification", "graph classification", "message passing", "cora"),
        *(
            "graphennetz",
            "graph netzwerk",
            "knotenklassifikation",
            "reseau de neurones de graphes",
            "reseau de graphes",
        ),
        *("red neuronal de grafos", "red de grafos", "redes de grafos"),
    ),
    papers=(
        "Semi-Supervised Classification with Graph Convolutional Networks, arXiv:1609.02907",
        "Graph Attention Networks, arXiv:1710.10903",
        "Inductive Representation Learning on Large Graphs (GraphSAGE), arXiv:1706.02216",
    ),
    default_parameters=23_063,
    claims=("node_equivariant",),
    options={
        "layer": {
            "gcn": ("gcn", "graph convolution", "graph convolutional"),
            "gat": ("gat", "graph attention", "attention"),
            "sage": ("graphsage", "graph sage", "sage"),
        },
        "readout": {
            "mean": ("mean readout", "mean pooling", "global mean pooling"),
            "sum": ("sum readout", "sum pooling", "add pooling"),
            "max": ("max readout", "max pooling"),
        },
    },
    numbers={
        "in_features": ("features", "input features", "node features"),
        "num_classes": ("classes", "labels", "categories", "klassen", "clases"),
        "num_layers": ("layers", "schichten", "couches", "capas"),
        "num_heads": ("heads", "attention heads"),
        "hidden_size": ("hidden size", "hidden units", "hidden"),
    },
    request="Implement a graph neural network",
    package="graph_network",
    sizes=Sizes(
        presets={
            "gcn-cora": {},
            "gat-cora": {"layer": "gat", "hidden_size": 64},
            "gcn-citeseer": {"in_features": 3703, "num_classes": 6},
            "gcn-pubmed": {"in_features": 500, "num_classes": 3},
        },
        grid={
            "layer": ("gcn",),  # another one only where the request names it
            "num_layers": (2, 3, 4, 6),
            "hidden_size": (8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096),
        },
        complete=_complete,
        fine="hidden_size",
    ),
    implied=_implied,
    derived=_derived,
    usage="""
config = model.config
x = torch.randn(6, config.in_features)  # six nodes
edge_index = torch.tensor([[0, 1, 2, 3, 4], [1, 0, 1, 4, 5]])  # sources, targets
node_logits = model.eval()(x, edge_index)  # (6, classes)
graph_logits = model(x, edge_index, torch.tensor([0, 0, 0, 1, 1, 1]))  # two graphs: (2, classes)
""",
)
