"""Detection of requests, on labelled phrasings: documented examples, a tuned set, a second one.

Each line of the data files holds the expected topic, tags, and a text; the topics that are not ours name the redirect.
"""

from collections import Counter
from pathlib import Path

import pytest

from mlexpert_nb.errors import UnknownNameError, UsageError
from mlexpert_nb.skill import Detection, detect
from mlexpert_nb.skill.detect import VERBS, plain_form
from mlexpert_nb.skill.patterns import NOT_OURS, OURS, rows
from mlexpert_nb.skill.redirects import REDIRECTS

HERE = Path(__file__).parent
TOPIC_OF = {text: topic for topic, text in REDIRECTS.items()}


def phrasings(name):
    lines = (HERE / name).read_text("utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines if line and not line.startswith("#")]


PHRASINGS = phrasings("phrasings.tsv")
SECOND = phrasings("phrasings_second.tsv")
EXAMPLES = [(topic, text) for topic, tags, text in PHRASINGS if "example" in tags]
CANONICAL = [(topic, text) for topic, tags, text in PHRASINGS + SECOND if "canonical" in tags]


def topic_of(text):
    found = detect(text)
    return TOPIC_OF[found.redirect] if found.kind == "out_of_scope" else found.kind


def is_right(expected, got):
    """Something that is not ours is right as soon as it is redirected, whatever the redirect says."""
    return got == expected or (expected in NOT_OURS and got not in OURS)


def confusion(labelled):
    pairs = Counter((expected, topic_of(text)) for expected, _, text in labelled)
    table = [f"{n:4} {expected:>12} read as {got}" for (expected, got), n in sorted(pairs.items()) if expected != got]
    missed = [
        f"     {expected}: {text[:80]!r}" for expected, _, text in labelled if not is_right(expected, topic_of(text))
    ]
    return "\n".join(["confusion (expected, read as):", *table, "missed:", *missed])


@pytest.mark.parametrize(("expected", "text"), EXAMPLES)
def test_each_documented_example_is_recognised(expected, text):
    assert detect(text).kind == expected


def test_the_examples_cover_the_seven_kinds():
    assert [topic for topic, _ in EXAMPLES] == [
        "architecture",
        "fix",
        "optimize",
        "paper",
        "pipeline",
        "feature",
        "speed",
    ]


@pytest.mark.parametrize("labelled", [PHRASINGS, SECOND], ids=["tuned", "second"])
def test_phrasings_are_recognised(labelled):
    right = sum(is_right(expected, topic_of(text)) for expected, _, text in labelled)
    assert right >= 0.95 * len(labelled), f"{right}/{len(labelled)} right\n{confusion(labelled)}"


def test_there_are_enough_phrasings_of_every_sort():
    assert len(PHRASINGS) >= 120
    topics = Counter(topic for topic, _, _ in PHRASINGS)
    assert all(topics[topic] >= 7 for topic in (*OURS, *NOT_OURS))
    tags = Counter(tag for _, tags, _ in PHRASINGS for tag in tags.split())
    assert all(tags[tag] >= 5 for tag in ("typo", "terse", "long", "question", "hard", "de", "fr", "es", "canonical"))


@pytest.mark.parametrize(("expected", "text"), CANONICAL)
def test_what_is_not_ours_is_redirected_to_what_helps(expected, text):
    found = detect(text)
    assert found.kind == "out_of_scope"
    assert found.redirect
    assert "come back" in found.redirect or "Start with" in found.redirect
    assert TOPIC_OF[found.redirect] in (expected, "unclear")


@pytest.mark.parametrize(("expected", "text"), CANONICAL)
def test_a_typed_verb_does_not_let_through_what_is_not_ours(expected, text):
    if expected != "other":  # with a verb, an unknown thing to implement is the catalogue's to answer
        assert detect(text, "implement").kind == "out_of_scope"


def test_only_what_is_not_ours_has_a_redirect():
    assert all(detect(text).redirect == "" for topic, _, text in PHRASINGS if topic in OURS)


@pytest.mark.parametrize(("kind", "verb"), VERBS.items())
def test_a_kind_names_the_command_that_answers_it(kind, verb):
    text = next(text for topic, _, text in PHRASINGS if topic == kind)
    assert detect(text).verb == verb


def test_the_typed_verb_wins_over_the_text():
    found = detect("Implement a small transformer", "fix")
    assert (found.kind, found.verb) == ("fix", "fix")
    assert detect("make inference faster", "optimize").kind == "speed"
    assert detect("add RoPE to my model", "implement").kind == "feature"


def test_the_typed_verb_is_enough_for_a_bare_thing():
    assert detect("a quantum annealer", "implement") == Detection(
        "architecture", "implement", "the command is 'implement'"
    )


def test_the_reason_names_the_signs():
    assert "sick numbers" in detect("my loss goes to NaN after 200 steps").reason


@pytest.mark.parametrize("text", ["", "   \n\t", "\x00\u200b"])
@pytest.mark.parametrize("verb", [None, "implement"])
def test_an_empty_request_asks_what_to_build(text, verb):
    with pytest.raises(UsageError, match="the request is empty; say what to build") as raised:
        detect(text, verb)
    assert "\n" not in str(raised.value)


def test_an_unknown_verb_is_named_with_its_neighbour():
    with pytest.raises(UnknownNameError, match=r"no command named 'implment'; did you mean 'implement'\?"):
        detect("a transformer", "implment")


def test_a_request_that_is_a_book_belongs_in_a_file():
    with pytest.raises(UsageError, match="put the long part in a file and name it by --context"):
        detect("word " * 30_000)


def test_the_ask_is_found_at_either_end_of_a_long_text():
    padding = "The cat sat on the mat and looked at the moon. " * 200
    assert detect(f"Fix the NaN in my training loop. {padding}").kind == "fix"
    assert detect(f"{padding} So please fix the NaN in my training loop.").kind == "fix"


def test_the_same_text_always_gives_the_same_answer():
    text = "analyse the loss curve and fix the divergence"
    assert len({detect(text) for _ in range(5)}) == 1
    assert detect(text) == detect(text.upper())


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Could you please implemnt THIS?", "implement this?"),
        ("[Feature request] Add RoPE", "add rope"),
        ("¿Puedes corregir la pérdida?", "corregir la perdida?"),
        ("the “best” way", 'the "best" way'),
    ],
)
def test_the_plain_form_keeps_what_matters(text, plain):
    assert plain_form(text) == plain


def test_every_row_of_the_table_recognises_a_phrasing_or_takes_one_back():
    texts = [plain_form(text) for _, _, text in PHRASINGS + SECOND]
    idle = [(row.topic, row.sign) for row in rows() if not any(row.pattern.search(text) for text in texts)]
    assert len(idle) <= 0.1 * len(rows()), idle


@pytest.mark.parametrize(
    "text",
    [
        *("wgan", "dqn cartpole", "gat 2 layers 8 heads cora", "gpt2 small in pytorch", "YOLOv8 for helmets"),
        *("predict house prices from a CSV with categorical columns", "강화 학습", "ResNetで犬と猫を分類したい"),
        *("End-to-End Object Detection with Transformers", "sort product photos into 200 categories, under 20 ms"),
    ],
)
def test_a_text_that_only_speaks_of_a_network_asks_for_it(text):
    found = detect(text)
    assert (found.kind, found.verb, found.redirect) == ("architecture", "implement", "")


@pytest.mark.parametrize("text", ["rename all pictures in this folder", "a text about my holidays", "quantum annealer"])
def test_a_text_that_speaks_of_no_network_is_still_unclear(text):
    assert TOPIC_OF[detect(text).redirect] == "unclear"


@pytest.mark.parametrize(
    "text",
    [
        "plot the loss",
        "why is my loss NaN",
        "rename columns in my dataframe",
        "make my resnet faster",
        "add dropout to my model",
        "explain attention",
        "what's the difference between BERT and GPT?",
        "load the MNIST dataset and show 16 digits",
        "CUDA out of memory when training my unet with batch size 32, what can I do?",
        "convert my ViT to ONNX",
        "write a unit test for my dataloader",
        "compute F1 and ROC AUC from my BERT predictions",
        "почему мой ppo агент не учится на cartpole",
        "resume training of the diffusion model from checkpoint step 4000",
        "how many parameters does resnet50 have",
        "plot the attention maps of my ViT",
        "save my llama checkpoint to S3",
        "what is a resnet?",
        "speed up my resnet",
    ],
)
def test_work_on_what_is_there_and_questions_ask_for_no_network(text):
    assert detect(text).kind != "architecture"
