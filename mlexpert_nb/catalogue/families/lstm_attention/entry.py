"""The entry of the catalogue: how the network is found, sized, described and written out."""

from collections.abc import Mapping

from mlexpert_nb.catalogue.families.lstm_attention.model.config import ModelConfig
from mlexpert_nb.catalogue.plain import PlainEntry
from mlexpert_nb.catalogue.sizing import Keys, Sizes
from mlexpert_nb.packages import Json

_SCORES = {
    "bahdanau": "v^T tanh(W s_{t-1} + U x_j)            Bahdanau et al., appendix A.1.2",
    "luong": "s_tᵀ W x_j                             Luong et al., eq. 8 (general)",
    "dot": "s_tᵀ x_j                               Luong et al., eq. 8 (dot)",
}


def _complete(keys: Keys) -> dict[str, int]:
    """Give the width of an embedding for a hidden size."""
    return {"embedding_size": max(8, int(str(keys["hidden_size"])) // 2)}


def _implied(fixed: Keys) -> Mapping[str, Json]:
    """Give the keys that follow from those that a request fixes: input feeding is Luong's."""
    keys: dict[str, Json] = dict(_complete(fixed)) if "hidden_size" in fixed else {}
    return {**keys, "attention": "luong"} if fixed.get("input_feeding") else keys


def _derived(config: ModelConfig) -> Mapping[str, object]:
    is_before = config.attention == "bahdanau"
    fed = "its own attention c_t" if is_before else "the last output a_{t-1}"
    return {
        "half": config.hidden_size // 2,
        "score": _SCORES[config.attention],
        "moment": "before" if is_before else "after",
        "query": "s_{t-1}" if is_before else "s_t",
        "reads": f"the embedding of y_{{t-1}} and {fed}" if config.reads_attention else "the embedding of y_{t-1}",
    }


_SIZES = Sizes(
    presets={
        "small": {"embedding_size": 256, "hidden_size": 512, "num_layers": 1},
        "bahdanau-2015": {  # appendix A.2.3; theirs has gated recurrent units
            "source_vocab_size": 30000,
            "target_vocab_size": 30000,
            "embedding_size": 620,
            "hidden_size": 1000,
            "num_layers": 1,
        },
        "luong-2015": {  # section 4.1
            "source_vocab_size": 50000,
            "target_vocab_size": 50000,
            "embedding_size": 1000,
            "hidden_size": 1000,
            "num_layers": 4,
            "attention": "luong",
            "input_feeding": True,
        },
    },
    grid={
        "num_layers": (1, 2, 3, 4),
        "hidden_size": (*range(16, 64, 8), *range(64, 256, 16), *range(256, 1024, 32), *range(1024, 4097, 128)),
    },
    complete=_complete,
    fine="embedding_size",
)

LSTM_ATTENTION = PlainEntry(
    name="lstm-attention",
    title="LSTM encoder-decoder with attention",
    summary="Sequence to sequence with LSTMs: the decoder looks back at the source by Bahdanau's or Luong's attention",
    model_type="recurrent",
    features=("bidirectional_LSTM", "encoder_decoder", "additive_attention", "multiplicative_attention"),
    keywords=(
        "lstm",
        "lstm attention",
        "lstm with attention",
        "lstm seq2seq",
        "seq2seq lstm",
        "recurrent encoder-decoder",
        "recurrent seq2seq",
        "rnn encoder-decoder",
        "bahdanau",
        "luong",
        "bahdanau attention",
        "luong attention",
        "additive attention",
        "rnn with attention",
        "rekurrenter encoder-decoder",
        "lstm mit attention",
        "lstm avec attention",
        "lstm con atencion",
    ),
    papers=(
        "Neural Machine Translation by Jointly Learning to Align and Translate, arXiv:1409.0473",
        "Effective Approaches to Attention-based Neural Machine Translation, arXiv:1508.04025",
    ),
    default_parameters=12_927_808,
    claims=(
        "batch_independent",
        "causal:decoder_input_ids_BT",
        "padding_invariant:input_ids_BS:attention_mask_BS",
    ),
    options={
        "attention": {
            "bahdanau": ("bahdanau", "additive attention", "bahdanau attention"),
            "luong": ("luong", "luong attention", "multiplicative attention", "general attention"),
            "dot": ("dot attention", "dot-product attention", "dot score"),
        },
        "input_feeding": {"true": ("input feeding", "input-feeding")},
    },
    numbers={
        "source_vocab_size": ("source tokens", "source vocabulary", "source vocab"),
        "target_vocab_size": ("target tokens", "target vocabulary", "target vocab"),
        "num_layers": ("layers", "lstm layers", "depth"),
        "hidden_size": ("hidden size", "hidden units", "units", "cells", "width"),
        "embedding_size": ("embedding size", "embedding dimension"),
    },
    request="Implement an LSTM encoder-decoder with attention",
    package="lstm_attention",
    sizes=_SIZES,
    implied=_implied,
    derived=_derived,
    usage="""
input_ids_BS = torch.randint(model.config.source_vocab_size, (2, 11))
decoder_input_ids_BT = torch.randint(model.config.target_vocab_size, (2, 8))
logits_BTV = model(input_ids_BS, decoder_input_ids_BT)
written_BT = model.eval().generate(input_ids_BS, start=0, length=8)
""",
)
