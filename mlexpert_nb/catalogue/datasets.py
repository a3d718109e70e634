"""What a data set that a request names says of a network: sizes of images, classes, features, observations, actions.

Only published facts of the data; a number that the request states itself counts before them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mlexpert_nb.catalogue.words import Span, spans, words_of
from mlexpert_nb.packages import Json


@dataclass(frozen=True, slots=True)
class DataSet:
    """One data set, or a kind of data.

    Attributes:
        title: As it is told.
        names: As people write it.
        facts: Configuration keys with their values.
        objects: Classes of things to detect; 0 where there are none.
        regions: Classes of a pixel; 0 where there are none.
    """

    title: str
    names: tuple[str, ...]
    facts: Mapping[str, int]
    objects: int = 0
    regions: int = 0


def _images(size: int, channels: int, classes: int) -> Mapping[str, int]:
    return {"image_size": size, "num_channels": channels, "num_classes": classes}


def _graph(features: int, classes: int) -> Mapping[str, int]:
    return {"in_features": features, "num_classes": classes}


def _game(observations: int, actions: int) -> Mapping[str, int]:
    return {"num_observations": observations, "num_actions": actions}


DATA_SETS: tuple[DataSet, ...] = (
    DataSet("Fashion-MNIST", ("fashion mnist", "fmnist"), _images(28, 1, 10)),
    DataSet("KMNIST", ("kmnist", "kuzushiji mnist"), _images(28, 1, 10)),
    DataSet("MNIST", ("mnist",), _images(28, 1, 10)),
    DataSet("CIFAR-10", ("cifar 10", "cifar10", "cifar"), _images(32, 3, 10)),
    DataSet("CIFAR-100", ("cifar 100", "cifar100"), _images(32, 3, 100)),
    DataSet("STL-10", ("stl 10", "stl10"), _images(96, 3, 10)),
    DataSet("SVHN", ("svhn", "street view house numbers"), _images(32, 3, 10)),
    DataSet("Tiny ImageNet", ("tiny imagenet", "tinyimagenet"), _images(64, 3, 200)),
    DataSet("ImageNet", ("imagenet", "imagenet 1k", "ilsvrc"), _images(224, 3, 1000)),
    DataSet("CelebA", ("celeba",), {"num_channels": 3}),
    DataSet("COCO", ("coco", "ms coco"), {"num_channels": 3}, objects=91),
    DataSet("Pascal VOC", ("pascal voc", "voc 2012", "voc 2007"), {"num_channels": 3}, objects=20, regions=21),
    DataSet("Cityscapes", ("cityscapes",), {"num_channels": 3}, regions=19),
    DataSet("Cora", ("cora",), _graph(1433, 7)),
    DataSet("Citeseer", ("citeseer",), _graph(3703, 6)),
    DataSet("Pubmed", ("pubmed",), _graph(500, 3)),
    DataSet("MUTAG", ("mutag",), _graph(7, 2)),
    DataSet("CartPole", ("cartpole", "cart pole"), _game(4, 2)),
    DataSet("ETTh1", ("etth1", "etth2", "ettm1", "ettm2"), {"num_channels": 7}),
    DataSet("Weather", ("weather dataset", "weather data set", "weather benchmark"), {"num_channels": 21}),
    DataSet("Electricity", ("electricity dataset", "ecl dataset"), {"num_channels": 321}),
    DataSet(
        "grey images",
        (
            *("grayscale", "greyscale", "graustufen", "graustufenbilder", "niveaux de gris", "escala de grises"),
            *(
                "tons de cinza",
                "scala di grigi",
                "оттенках",
                "灰度",
                "灰度图",
                "グレースケール",
                "black and white",
            ),
        ),
        {"num_channels": 1},
    ),
    DataSet("colour images", ("rgb", "rgb images", "colour images", "color images", "farbbilder"), {"num_channels": 3}),
)
_EARLIER = frozenset({"pretrained", "pretraining", "vortrainiert"})  # on data of another task


def read_facts(text: str, keys: frozenset[str]) -> dict[str, tuple[int, str]]:
    """Give what follows from the data sets that a request names: configuration key, value and data set.

    Args:
        text: The request.
        keys: Keys that the network can be given.
    """
    told: dict[str, set[tuple[int, str]]] = {}
    for data in _named(text):
        for key, value in _facts(data, keys).items():
            told.setdefault(key, set()).add((value, data.title))
    return {key: min(found, key=lambda each: each[1]) for key, found in told.items() if len({v for v, _ in found}) == 1}


def as_json(facts: Mapping[str, tuple[int, str]]) -> dict[str, Json]:
    """Give the values alone."""
    return {key: value for key, (value, _) in facts.items()}


def _named(text: str) -> list[DataSet]:
    words = words_of(text)
    found = [(data, span) for data in DATA_SETS for name in data.names for span in spans(words, name)]
    exact = [(data, span) for data, span in found if span.exact and not span.negated and not _is_earlier(words, span)]
    outer = [(data, span) for data, span in exact if not any(span.inside(other) for _, other in exact)]
    return list({data.title: data for data, _ in outer}.values())


def _is_earlier(words: tuple[str, ...], span: Span) -> bool:
    """Say whether it is what the network was trained on before: "pretrained on ImageNet"."""
    before = words[max(0, span.start - 3) : span.start]
    return bool(_EARLIER & set(before[-2:])) or before[:2] == ("pre", "trained")


def _facts(data: DataSet, keys: frozenset[str]) -> dict[str, int]:
    """Say the facts in the keys of a network; one that reads vectors is given an image as a row of numbers."""
    facts = dict(data.facts)
    size, channels = facts.get("image_size"), facts.get("num_channels")
    classes = facts.pop("num_classes", 0)
    if "num_queries" in keys or "channel_multipliers" in keys:
        classes = data.objects if "num_queries" in keys else data.regions
    if size and channels and "num_channels" not in keys and "readout" not in keys:
        facts["in_features"] = channels * size**2
    if data.facts.get("in_features") and "readout" not in keys:  # a graph, for a network that reads none
        facts.pop("in_features")
        classes = 0
    for key in ("num_classes", "out_features"):
        if classes and key in keys:
            facts[key] = classes
    if data.title == "ImageNet" and "num_classes" not in keys:  # its images are of many sizes; classifiers read 224
        facts.pop("image_size", None)
    return {key: value for key, value in facts.items() if key in keys}
