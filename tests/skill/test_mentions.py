"""Quantities and features mentioned in free text."""

import time

import pytest

from mlexpert_nb.errors import UsageError
from mlexpert_nb.skill.features import find_features, find_model_type, parse_features
from mlexpert_nb.skill.mentions import find_quantities


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Implement the TRM \u00d7 Titans-MAG architecture from these papers with 25M parameters", 25_000_000),
        ("a 25M TRM \u00d7 Titans-MAG model", 25_000_000),
        ("a TRM-25M model", 25_000_000),
        ("about 25 million params", 25_000_000),
        ("25M-parameter transformer", 25_000_000),
        ("parameter budget: 5M", 5_000_000),
        ("a 1.3B decoder", 1_300_000_000),
        ("mit 25 Mio. Parametern", 25_000_000),
        ("avec 11 millions de param\u00e8tres", 11_000_000),
        ("de 50 millones de par\u00e1metros", 50_000_000),
        ("12 layers, 24,929,609 parameters", 24_929_609),
        ("train on 25M tokens with 8 heads", None),
        ("2 million images, 10 classes", None),
        ("GPT-2 with 12 layers", None),
    ],
)
def test_the_number_of_parameters_is_found(text, count):
    assert find_quantities(text).num_parameters == count


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("6GB", 6 * 10**9),
        ("fits into 6 GiB of VRAM", 6 * 2**30),
        ("on a card with 8 GB of GPU memory", 8 * 10**9),
        ("VRAM: 500MB", 500 * 10**6),
        ("a 10GB dataset on a 6GB card", 6 * 10**9),
        ("from a dataset of 10GB", None),
        ("32GB RAM", None),
        ("load 5 TB a day", None),
        ("vitb16 and 5G", None),
    ],
)
def test_the_memory_is_found(text, size):
    assert find_quantities(text).vram_bytes == size


@pytest.mark.parametrize(
    ("text", "latency_ms"),
    [
        ("under 100 ms", 100.0),
        ("latency < 20ms", 20.0),
        ("28ms latency on a 6GB GPU", 28.0),
        ("it takes 400 ms now, make it under 100 ms", 100.0),
        ("reduce the 300ms latency to 100ms", 100.0),
        ("50 ms per token", 50.0),
        ("answer within 2 seconds latency", 2000.0),
        ("inference in \u2264 30 ms", 30.0),
        ("train for 60 s on two cores", None),
        ("no limit", None),
    ],
)
def test_the_latency_is_found(text, latency_ms):
    assert find_quantities(text).latency_ms == latency_ms


@pytest.mark.parametrize(
    "text", ["real-time", "in real time", "realtime", "in Echtzeit", "en temps r\u00e9el", "en tiempo real"]
)
def test_real_time_is_noticed(text):
    assert find_quantities(text).real_time


def test_of_two_values_the_first_counts_and_both_are_told():
    said = find_quantities("25M parameters, or rather 50M parameters")
    assert said.num_parameters == 25_000_000
    assert said.conflicts == ("parameters: the text says 25M and 50M; 25M was used",)


def test_the_same_value_twice_is_no_conflict():
    assert find_quantities("25M parameters, that is 25 million parameters").conflicts == ()


def test_real_time_and_a_slower_number_are_a_conflict():
    said = find_quantities("real-time, under 500 ms")
    assert said.latency_ms == 500.0
    assert said.conflicts == ("latency: the text says real-time (100ms) and 500ms; the number was used",)


def test_a_number_in_prose_that_is_none_is_passed_over_and_told():
    said = find_quantities("a function with 0 parameters")
    assert said.num_parameters is None
    assert "it was passed over" in said.conflicts[0]


@pytest.mark.parametrize(
    ("text", "features"),
    [
        ("sliding window attention and long-term memory", ("sliding_window_attention", "long_term_memory")),
        ("with ACT", ("ACT",)),
        ("adaptive computation time on top", ("ACT",)),
        ("act on the data", ()),
        ("RoPE and GQA", ("RoPE", "GQA")),
        ("rotary embeddings, grouped-query attention", ("RoPE", "GQA")),
        ("a long short-term memory", ()),
        ("mit Langzeitged\u00e4chtnis", ("long_term_memory",)),
    ],
)
def test_features_are_found_by_their_canonical_names(text, features):
    assert find_features(text)[0] == features


def test_a_feature_that_is_ruled_out_is_not_asked_for():
    assert find_features("attention without RoPE, no dropout, but GQA") == (("GQA",), ("RoPE", "dropout"))


def test_feature_options_are_read_by_any_of_their_names():
    options = ("sliding_window_attention,long_term_memory", "act, SWA", "my-own-thing", "")
    assert parse_features(options) == ("sliding_window_attention", "long_term_memory", "ACT", "my-own-thing")


@pytest.mark.parametrize("option", ["a;b", "$(rm)", "1", "x" * 80, "<b>"])
def test_a_feature_that_is_no_name_is_refused(option):
    with pytest.raises(UsageError, match=r"is no name of a feature; type e\.g\. --features long_term_memory,ACT"):
        parse_features((option,))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("TRM \u00d7 Titans-MAG", "transformer"),
        ("a ResNet", "convolutional"),
        ("an LSTM language model", "recurrent"),
        ("diffusion transformer", "diffusion"),
        ("something", ""),
    ],
)
def test_the_kind_of_network_is_found(text, kind):
    assert find_model_type(text) == kind


@pytest.mark.parametrize(
    "text",
    [
        "7B" + "-" * 50_000,
        "1" * 50_000,
        "1 " * 25_000,
        "max of " * 8_000,
        "inference" + " is" * 15_000,
        "6GB " * 12_000,
    ],
    ids=["dashes", "digits", "numbers", "limits", "answers", "sizes"],
)
def test_no_text_takes_for_ever_to_read(text):
    start = time.process_time()
    find_quantities(text)
    find_features(text)
    assert time.process_time() - start < 60  # a pattern that backtracks takes hours
