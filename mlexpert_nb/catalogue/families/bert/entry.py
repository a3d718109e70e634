"""The entry of the catalogue: how the network is found, sized, described and written out."""

from collections.abc import Mapping

from mlexpert_nb.catalogue.families.bert.model.config import ModelConfig
from mlexpert_nb.catalogue.plain import PlainEntry
from mlexpert_nb.catalogue.sizing import Keys, Sizes

_HEAD_DIM = 64  # of every published size


def _complete(keys: Keys) -> dict[str, int]:
    """Give heads and MLP for a width, in the proportions of every published size."""
    width = int(str(keys["hidden_size"]))
    wanted = max(1, width // _HEAD_DIM)
    heads = max(n for n in range(1, wanted + 1) if width % n == 0)
    return {"num_attention_heads": heads, "intermediate_size": 4 * width}


def _implied(fixed: Keys) -> dict[str, int]:
    """Give what follows from the keys that a request fixes: heads from the width, a mask token that is one."""
    keys = _complete(fixed) if "hidden_size" in fixed else {}
    vocabulary = int(str(fixed.get("vocab_size", ModelConfig.vocab_size)))
    return {**keys, "mask_token_id": ModelConfig.mask_token_id if vocabulary > ModelConfig.mask_token_id else 0}


def _derived(config: ModelConfig) -> Mapping[str, object]:
    return {"head_dim": config.hidden_size // config.num_attention_heads}


def _size(width: int, layers: int) -> dict[str, int]:
    return {"hidden_size": width, "num_hidden_layers": layers, **_complete({"hidden_size": width})}


_SIZES = Sizes(
    presets={
        "bert-mini": _size(256, 4),
        "bert-tiny": _size(128, 2),
        "bert-small": _size(512, 4),
        "bert-medium": _size(512, 8),
        "bert-base": _size(768, 12),
        "bert-large": _size(1024, 24),
    },
    grid={
        "num_hidden_layers": (2, 3, 4, 6, 8, 10, 12, 16, 20, 24),
        "hidden_size": (*range(8, 64, 4), *range(64, 128, 8), *range(128, 256, 16), *range(256, 1536, 64)),
    },
    complete=_complete,
    fine="intermediate_size",
)

BERT = PlainEntry(
    name="bert",
    title="BERT",
    summary="Transformer encoder that reads in both directions and fills in masked tokens",
    model_type="transformer",
    features=("bidirectional_attention", "masked_language_modelling", "post_norm", "LayerNorm", "GELU"),
    keywords=(
        "bert",
        "bert encoder",
        "masked language model",
        "masked language modelling",
        "masked language modeling",
        "mlm",
        "mlm head",
        "bidirectional encoder",
        "encoder only",
        "encoder-only transformer",
        "text encoder",
        "fill in masked tokens",
        "bidirektionaler encoder",
        "codificador bidireccional",
        "encodeur bidirectionnel",
    ),
    papers=(
        "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding, arXiv:1810.04805",
        "Well-Read Students Learn Better (tiny, mini, small, medium), arXiv:1908.08962",
    ),
    default_parameters=11_201_594,
    claims=("batch_independent", "padding_invariant:input_ids_BT:attention_mask_BT"),
    numbers={
        "vocab_size": ("vocabulary", "vocab", "vocab size", "tokens in the vocabulary"),
        "num_hidden_layers": ("layers", "blocks", "hidden layers", "encoder layers", "depth"),
        "num_attention_heads": ("heads", "attention heads"),
        "hidden_size": ("hidden size", "embedding dimension", "width", "dim"),
        "intermediate_size": ("intermediate size", "feed-forward size"),
        "max_position_embeddings": ("positions", "context", "maximum length", "context length"),
    },
    request="Implement BERT",
    package="bert",
    sizes=_SIZES,
    implied=_implied,
    derived=_derived,
    usage="""
input_ids_BT = torch.randint(model.config.vocab_size, (2, 16))
attention_mask_BT = torch.ones(2, 16, dtype=torch.bool)  # False where there is padding
logits_BTV = model(input_ids_BT, attention_mask_BT)  # what may stand at each place
features_BTD = model.encode(input_ids_BT, attention_mask_BT)  # for a classifier of your own
""",
)
