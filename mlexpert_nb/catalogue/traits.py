"""What networks are and what they are for: the tables of `vocabulary/`, and which entry has what.

A request that names no network is answered by the entry that alone has every trait it mentions.
"""

from collections.abc import Mapping
from importlib import resources

_FOLDER = resources.files("mlexpert_nb.catalogue").joinpath("vocabulary")


def _rows(name: str) -> list[list[str]]:
    lines = _FOLDER.joinpath(name).read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith(("# ", "#\t")) and line != "#"]


def _list(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(","))


def _of_sort(sort: str) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for kind, trait, phrases in _rows("traits.tsv"):
        if kind == sort:
            found[trait] = (*found.get(trait, ()), *_list(phrases))
    return found


KINDS: Mapping[str, tuple[str, ...]] = _of_sort("kind")  # how a network is built
TASKS: Mapping[str, tuple[str, ...]] = _of_sort("task")  # what it is for
DOMAINS: Mapping[str, tuple[str, ...]] = _of_sort("domain")  # what it reads
PARTS: Mapping[str, tuple[str, ...]] = {**KINDS, **_of_sort("part")}  # what a request may rule out
TRAITS: Mapping[str, tuple[str, ...]] = {**KINDS, **TASKS}

_SEQUENCES = frozenset({"decoder", "translation", "masked language model"})  # what has one of these reads sequences
HAS: Mapping[str, frozenset[str]] = {  # entry: its traits, the domains it reads, the parts it cannot do without
    name: frozenset({*_list(traits), *({"sequences"} if _SEQUENCES & {*_list(traits)} else ())})
    for name, traits in {
        "trm-titans-mag": "transformer, decoder, language modelling, local attention, memory, halting, attention, text",
        "llama-decoder": "transformer, decoder, language modelling, attention, text",
        "sliding-window-decoder": "transformer, decoder, language modelling, local attention, attention, text",
        "delta-rule-decoder": (
            "transformer, decoder, language modelling, linear attention, linear cost, recurrent, attention, text"
        ),
        "moe-decoder": "transformer, decoder, language modelling, experts, attention, text",
        "bert": ("transformer, encoder, masked language model, language modelling, fine-tuning, attention, text"),
        "t5": "transformer, encoder, decoder, encoder-decoder, relative position, translation, attention, text",
        "lstm-attention": "recurrent, encoder, decoder, encoder-decoder, translation, attention, text",
        "mamba": "recurrent, decoder, language modelling, linear cost, text",
        "lora": "adapter, fine-tuning, images, text",
        "vit": "transformer, encoder, image classification, attention, images, patches",
        "resnet": "convolutional, encoder, image classification, images",
        "unet": "convolutional, encoder-decoder, segmentation, images",
        "diffusion": "generation, images",
        "vae": "autoencoder, generation, encoder, encoder-decoder, images",
        "wgan-gp": "generation, gradient penalty, images",
        "contrastive": "contrastive, encoder, images, text",
        "detr": "transformer, encoder-decoder, object detection, attention, images, hungarian matching",
        "graph-network": "graphs, encoder",
        "tabular": "tabular, transformer",
        "patchtst": "transformer, forecasting, encoder, attention, patches",
        "rl-agent": "reinforcement learning, images",
        "perceiver": "transformer, encoder, attention, any input, images, text",
        "kan": "images",
        "neural-ode": "continuous dynamics, images",
    }.items()
}
BROADER = frozenset(  # what no single entry stands for
    {"autoencoder", "generation", "adapter", "fine-tuning", "encoder", "any input", "sequences"}
)
NAMES: Mapping[str, tuple[str, ...]] = {  # entry: words that name it beside its keywords
    entry: tuple(phrase for name, phrases in _rows("names.tsv") if name == entry for phrase in _list(phrases))
    for entry in HAS
}
OTHERS: Mapping[str, tuple[str, ...]] = {  # a phrase for what the catalogue does not hold: the entries nearest to it
    phrase: () if near == "-" else _list(near) for near, phrases in _rows("others.tsv") for phrase in _list(phrases)
}
EVERYDAY: tuple[str, ...] = tuple(row[0] for row in _rows("everyday.tsv"))
