"""Which requests the catalogue recognises, and which it refuses with a reason."""

import pytest

from mlexpert_nb.catalogue import ENTRIES, find

FLAGSHIP = ENTRIES["trm-titans-mag"]


@pytest.mark.parametrize(
    "task",
    [
        "Implement TRM × Titans-MAG architecture",
        "implement trm x titans mag, 25M parameters",
        "a Tiny Recursive Model for language",
        "Titans memory as a gate",
        "TITANS-MAG",
        "implment a titan network with adaptive halting",
        "a transformer with a neurel long-term memroy",
        "Use TRM, not a ResNet",
        "not a plain transformer but Titans",
        "sliding-window attention with ACT",
    ],
)
def test_a_request_is_recognised_however_it_is_written(task):
    match = find(task)
    assert match.entry is FLAGSHIP
    assert match.reason.startswith("the request ")


@pytest.mark.parametrize("feature", ["sliding_window_attention", "long_term_memory", "ACT"])
def test_a_feature_has_its_canonical_name_whatever_the_spelling(feature):
    other = next(name for name in ("ACT", "long_term_memory") if name != feature)
    spelled = feature.replace("_", "-").title()
    assert feature in find("Implement a transformer", [spelled, other]).reason


def test_features_alone_decide_when_several_agree():
    match = find("Implement a transformer", ["sliding_window_attention", "long_term_memory", "ACT"])
    assert match.entry is FLAGSHIP
    assert match.reason == "the request asks for sliding_window_attention, long_term_memory, ACT"


@pytest.mark.parametrize(
    ("task", "features", "reason"),
    [
        ("Implement a quantum annealer", [], "nothing for 'Implement a quantum annealer'"),
        ("Implement a ResNet", [], "no resnet"),
        ("Implement an LSTM (long short-term memory)", [], "no lstm"),
        ("Act as an expert and implement a GAN", [], "no gan"),
        ("Predict survival on the Titanic", [], "nothing for"),
        (
            "Implement a ResNet with ACT and a sliding window",
            [],
            "no resnet; only sliding_window_attention, ACT is near",
        ),
        ("Implement a transformer", ["ACT"], "only ACT is near"),
        ("Implement a transformer without Titans", [], "nothing for"),
        ("", [], "nothing for ''"),
    ],
)
def test_another_network_is_refused_with_the_reason_and_what_there_is(task, features, reason):
    match = find(task, features)
    assert match.entry is None
    assert reason in match.reason
    assert "it holds TRM × Titans-MAG (trm-titans-mag)" in match.reason
    assert match.near == ("trm-titans-mag",)


def test_the_reason_stays_one_short_line():
    assert len(find("Implement\n" + "a very long story " * 50).reason) < 200
    assert "\n" not in find("Implement\na quantum annealer").reason
