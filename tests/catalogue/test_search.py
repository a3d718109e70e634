"""Which requests the catalogue recognises, which it asks back about, and which it refuses with a reason."""

from pathlib import Path

import pytest

from mlexpert_nb.catalogue import ENTRIES, find, is_chosen


def rows(name):
    lines = (Path(__file__).parent / name).read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


ROWS = [*rows("requests.tsv"), *rows("held_out.tsv")]
LEAST = 0.95  # share of requests that must lead to the right entry or the right question


def outcome(text):
    """Give the name of the entry, `?` for a question, `-` for a refusal."""
    match = find(text)
    return match.entry.name if match.entry else "?" if match.candidates else "-"


def test_nearly_all_requests_lead_to_the_right_entry_or_question_and_none_to_a_wrong_entry():
    assert len(ROWS) >= 180
    assert {wanted for wanted, _, _ in ROWS} == {*ENTRIES, "?", "-"}
    wrong = {text: (wanted, outcome(text)) for wanted, _, text in ROWS if outcome(text) != wanted}
    assert {text: pair for text, pair in wrong.items() if pair[1] in ENTRIES} == {}
    assert 1 - len(wrong) / len(ROWS) >= LEAST, wrong


@pytest.mark.parametrize(("wanted", "options", "text"), [row for row in ROWS if row[1] and row[0] in ENTRIES])
def test_options_are_read_from_the_text(wanted, options, text):
    read = {key: str(value) for key, value in find(text).options.items()}
    assert dict(pair.split("=") for pair in options.split(",")).items() <= read.items()


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_is_found_by_its_plainest_request_its_title_and_its_name(name):
    entry = ENTRIES[name]
    for text in (entry.request, f"Implement {entry.title}", f"implement {name}"):
        assert find(text or entry.title).entry is entry, text


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
    ],
)
def test_a_request_is_recognised_however_it_is_written(task):
    match = find(task)
    assert match.entry is ENTRIES["trm-titans-mag"]
    assert match.reason.startswith("the request ")


def test_features_alone_decide_when_one_network_has_them_all():
    match = find("Implement a transformer", ["sliding_window_attention", "long_term_memory", "ACT"])
    assert match.entry is ENTRIES["trm-titans-mag"]


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ("Implement a quantum annealer", "nothing for 'Implement a quantum annealer'"),
        ("Predict survival on the Titanic", "nothing for"),
        ("YOLO for my camera", "no yolo"),
        ("gradient boosting", "no gradient boosting"),
        ("", "nothing for ''"),
    ],
)
def test_what_is_not_held_is_refused_with_the_reason(task, reason):
    match = find(task)
    assert match.entry is None
    assert match.candidates == ()
    assert reason in match.reason


@pytest.mark.parametrize(
    ("task", "candidates"),
    [
        ("ResNet or ViT for my images?", {"resnet", "vit"}),
        ("a ResNet for time series forecasting", {"resnet", "patchtst"}),
        ("BERT for object detection in graphs", {"bert", "graph-network"}),
        ("YOLO, or else a ViT", {"vit"}),
    ],
)
def test_what_only_the_user_can_tell_is_a_question(task, candidates):
    match = find(task)
    assert match.entry is None
    assert candidates <= set(match.candidates)


def test_a_negated_network_is_not_the_one_that_is_meant():
    assert find("not a ResNet but a ViT").entry is ENTRIES["vit"]
    assert find("a Transformer without Titans").entry is not ENTRIES["trm-titans-mag"]


def test_a_published_size_is_read_by_its_name():
    match = find("Implement GPT-2 medium")
    assert match.preset == "gpt-2 medium"
    assert ENTRIES[match.entry.name].count_parameters(match.entry.presets[match.preset]) == 354_823_168


def test_options_of_one_family_combine():
    match = find("a GPT with sliding window attention, window 128, and a mixture of 4 experts")
    assert match.entry.family == "decoder"
    assert match.options["attention"] == "sliding"
    assert match.options["ffn"] == "moe"
    assert match.options["window"] == 128
    assert match.options["num_experts"] == 4


def test_the_reason_stays_one_short_line():
    assert len(find("Implement\n" + "a very long story " * 50).reason) < 200
    assert "\n" not in find("Implement\na quantum annealer").reason


def test_features_that_are_options_are_chosen_and_bring_their_papers():
    match = find("a LLaMA decoder with TRM recursion", ("ACT", "long_term_memory"))
    assert match.entry is ENTRIES["llama-decoder"]
    assert match.options == {"recursion": "trm", "halting": "act", "memory": "titans"}
    papers = match.entry.sources(match.entry.solve(5_000_000, match.options))
    assert [each.rpartition(":")[2] for each in papers[-3:]] == ["2501.00663", "2510.04871", "1603.08983"]
    assert is_chosen(match.entry, "ACT", match.options)
    assert not is_chosen(match.entry, "ACT", {"recursion": "trm"})
    assert not is_chosen(match.entry, "flash_attention", match.options)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("PPO with clip 0.2", "rl-agent"),
        ("a GPT-2, clip the gradients at 1", "llama-decoder"),
        ("train CLIP and clip gradients", "contrastive"),
        ("CLIP", "contrastive"),
    ],
)
def test_an_everyday_word_is_no_name_where_it_means_something_else(text, name):
    assert find(text).entry is ENTRIES[name]


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("a LLaMA without attention", "no attention"),
        ("DETR without a transformer", "no transformer"),
        ("Wasserstein GAN without gradient penalty", "no gradient penalty"),
        ("Vision Transformer, no attention layers", "no attention"),
    ],
)
def test_a_network_whose_own_parts_are_ruled_out_is_a_question(task, words):
    match = find(task)
    assert match.entry is None
    assert match.candidates
    assert words in match.reason


def test_what_is_ruled_out_leaves_what_does_without_it():
    assert find("a language model without attention").entry is ENTRIES["mamba"]
    match = find("object detection without transformers")
    assert (match.entry, match.candidates) == (None, ())
    assert "only as Detection transformer" in match.reason
    assert match.near == ("detr",)


@pytest.mark.parametrize(
    ("task", "near"),
    [
        ("YOLOv8 for helmets", "detr"),
        ("StyleGAN2 at 1024 px", "wgan-gp"),
        ("xgboost on my sales table", "tabular"),
        ("mamba-2 language model", "mamba"),
        ("AlphaZero for connect four", "rl-agent"),
        ("a diffusion policy for my robot", "diffusion"),
        ("Mask R-CNN instance segmentation", "unet"),
    ],
)
def test_what_is_not_held_is_refused_with_what_is_near(task, near):
    match = find(task)
    assert (match.entry, match.candidates) == (None, ())
    assert near in match.near


@pytest.mark.parametrize(
    "task",
    ["clip gradients at 1.0", "pay attention to detail", "a LoRaWAN gateway", "power transformers", "fault detection"],
)
def test_a_word_of_every_day_names_no_network(task):
    match = find(task)
    assert (match.entry, match.candidates) == (None, ())


@pytest.mark.parametrize(
    ("task", "name"),
    [
        *((text, "llama-decoder") for text in ("gpt2", "GPT-2", "gpt 2")),
        *((text, "unet") for text in ("U Net", "UNet")),
    ],
)
def test_a_name_is_found_joined_or_split(task, name):
    assert find(task).entry is ENTRIES[name]
