"""The entry of the catalogue: LoRA and DoRA."""

from mlexpert_nb.catalogue.families.lora.model.config import ModelConfig, count_trained
from mlexpert_nb.catalogue.plain import PlainEntry
from mlexpert_nb.catalogue.sizing import Keys, Sizes


def _complete(keys: Keys) -> Keys:
    layers = keys["num_layers"]
    return {"hidden_size": 64 * layers if isinstance(layers, int) else 256}


def _derived(config: ModelConfig) -> dict[str, object]:
    trained = count_trained(config)
    return {
        "trained": f"{trained:,}",
        "targets_said": ", ".join(config.targets),
        "scale": f"{config.alpha / config.rank:g}",
        "hidden_features": 4 * config.hidden_size,
        "is_dora": "with a learned length of each row (DoRA)" if config.kind == "dora" else "(LoRA)",
    }


LORA = PlainEntry(
    name="lora",
    title="LoRA and DoRA",
    summary="Low-rank adapters for any module: the network stays frozen, a small change of its weights is learned",
    model_type="mlp",
    features=("LoRA", "DoRA", "adapters", "merging"),
    keywords=(
        *("lora", "dora", "qlora", "low rank adaptation", "low rank adapter", "low rank adapters", "lora adapter"),
        *("weight decomposed low rank adaptation", "niedrigrang adapter", "adaptation de rang faible"),
    ),
    papers=(
        "LoRA: Low-Rank Adaptation of Large Language Models, arXiv:2106.09685",
        "DoRA: Weight-Decomposed Low-Rank Adaptation, arXiv:2402.09353",
    ),
    default_parameters=2_205_962,
    claims=("batch_independent", "frozen"),
    options={
        "kind": {"lora": ("lora", "low rank"), "dora": ("dora", "weight decomposed")},
        "targets": {
            '["fc1"]': ("fc1", "on fc1", "fc1 only", "only fc1"),
            '["fc2"]': ("fc2", "on fc2", "fc2 only", "only fc2"),
            '["fc1", "fc2"]': ("fc1 and fc2", "feed forward layers", "mlp layers"),
            '["fc1", "fc2", "stem", "head"]': ("all layers", "every layer", "all linear layers", "every linear layer"),
        },
    },
    numbers={
        "rank": ("rank", "rang", "r"),
        "alpha": ("alpha",),
        "num_layers": ("layers", "blocks"),
        "num_classes": ("classes",),
        "in_features": ("features", "inputs"),
    },
    request="Implement LoRA adapters",
    package="lora",
    sizes=Sizes(
        presets={"small": {}},
        grid={"num_layers": (1, 2, 3, 4, 6, 8, 12, 16, 24)},
        complete=_complete,
        fine="hidden_size",
    ),
    derived=_derived,
    usage="""\
logits_BC = model(torch.randn(2, model.config.in_features))

# adapters in a network of yours: only they are trained
from model import adapter_state_dict, add_adapters, merge_adapters

network = torch.nn.TransformerEncoderLayer(64, 4, batch_first=True)
add_adapters(network, ["linear1", "linear2"], rank=8)
optimizer = torch.optim.AdamW(p for p in network.parameters() if p.requires_grad)
torch.save(adapter_state_dict(network), "adapters.pt")  # a few per cent of the network
merge_adapters(network)  # for inference: the adapters cost nothing any more""",
)
