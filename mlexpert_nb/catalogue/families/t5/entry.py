"""The entry of the catalogue: how the network is found, sized, described and written out."""

from collections.abc import Mapping

from mlexpert_nb.catalogue.families.t5.model.config import ModelConfig
from mlexpert_nb.catalogue.plain import PlainEntry
from mlexpert_nb.catalogue.sizing import Keys, Sizes

_HEAD_DIM = 64  # of every published size


def _complete(keys: Keys) -> dict[str, int]:
    """Give heads and feed-forward width for a width, in the proportions of the published sizes."""
    width = int(str(keys["d_model"]))
    return {"num_heads": max(1, width // _HEAD_DIM), "d_kv": min(_HEAD_DIM, width), "d_ff": 4 * width}


def _implied(fixed: Keys) -> dict[str, int]:
    """Give the keys that follow from those that a request fixes."""
    return _complete(fixed) if "d_model" in fixed else {}


def _derived(config: ModelConfig) -> Mapping[str, object]:
    is_gated = config.feed_forward == "gated-gelu"
    return {
        "inner": config.num_heads * config.d_kv,
        "activation": "GELU gate" if is_gated else "ReLU",
        "ff": "W_2 (GELU(W_0 x) · W_1 x)" if is_gated else "W_2 ReLU(W_1 x)",
        "head": "(x_L / √D) E_embeddingᵀ" if config.tie_word_embeddings else "W x_L",
        "tie": "the same matrix" if config.tie_word_embeddings else "a matrix of its own",
    }


def _size(width: int, layers: int, **keys: int) -> dict[str, int]:
    return {"d_model": width, "num_layers": layers, **_complete({"d_model": width}), **keys}


_SIZES = Sizes(
    presets={
        "t5-efficient-tiny": _size(256, 4),
        "t5-efficient-mini": _size(384, 4, num_heads=8, d_ff=1536),
        "t5-small": _size(512, 6),
        "t5-base": _size(768, 12),
        "t5-large": _size(1024, 24),
        "t5-3b": _size(1024, 24, d_kv=128, d_ff=16384, num_heads=32),
    },
    grid={
        "num_layers": (1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24),
        "d_model": (*range(8, 64, 4), *range(64, 128, 8), *range(128, 256, 16), *range(256, 1536, 64)),
    },
    complete=_complete,
    fine="d_ff",
)

T5 = PlainEntry(
    name="t5",
    title="T5",
    summary="Encoder-decoder Transformer with relative positions that turns text into text",
    model_type="transformer",
    features=("encoder_decoder", "relative_position_bias", "cross_attention", "pre_norm", "RMSNorm"),
    keywords=(
        "t5",
        "text-to-text transformer",
        "text to text",
        "encoder-decoder transformer",
        "transformer encoder-decoder",
        "seq2seq transformer",
        "sequence-to-sequence transformer",
        "transformer for translation",
        "transformer for summarisation",
        "relative position bias",
        "transformer codificador-decodificador",
        "transformeur encodeur-decodeur",
        "encoder-decoder-transformer",
    ),
    papers=(
        "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer, arXiv:1910.10683",
        "Scale Efficiently: Insights from Pre-training and Fine-tuning Transformers (tiny, mini), arXiv:2109.10686",
        "GLU Variants Improve Transformer (T5 1.1), arXiv:2002.05202",
    ),
    default_parameters=15_570_688,
    claims=(
        "batch_independent",
        "causal:decoder_input_ids_BT",
        "padding_invariant:input_ids_BS:attention_mask_BS",
    ),
    options={
        "feed_forward": {
            "relu": ("relu",),
            "gated-gelu": ("gated gelu", "geglu", "t5 1.1", "t5 v1.1", "t5.1.1", "gated feed-forward"),
        },
    },
    numbers={
        "vocab_size": ("vocabulary", "vocab", "vocab size", "tokens in the vocabulary"),
        "num_layers": ("layers", "blocks", "depth"),
        "num_heads": ("heads", "attention heads"),
        "d_model": ("hidden size", "d_model", "model dimension", "embedding dimension", "width"),
        "d_ff": ("d_ff", "feed-forward size"),
        "relative_attention_num_buckets": ("buckets",),
    },
    request="Implement T5",
    package="t5",
    sizes=_SIZES,
    implied=_implied,
    derived=_derived,
    usage="""
input_ids_BS = torch.randint(model.config.vocab_size, (2, 12))
decoder_input_ids_BT = torch.randint(model.config.vocab_size, (2, 9))
logits_BTV = model(input_ids_BS, decoder_input_ids_BT)
written_BT = model.eval().generate(input_ids_BS, start=0, length=9)
""",
)
