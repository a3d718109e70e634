"""The offline specialist: an llm in form, a catalogue in truth, and it says so."""

import pytest

from mlexpert_nb.agent import Loop, OfflineSpecialist, Plan, Transcript
from mlexpert_nb.catalogue import ENTRIES
from mlexpert_nb.errors import UsageError
from mlexpert_nb.packages import ContextPackage, Requirements
from mlexpert_nb.workspace import Workspace

REQUEST = "Implement the TRM × Titans-MAG architecture from these papers"


def context(task=REQUEST, *, features=(), kind="architecture", num_parameters=None):
    evidence = {"detection": {"kind": kind}, "targets": {"num_parameters": num_parameters}}
    return ContextPackage(task, Requirements(features=features), evidence=evidence)


@pytest.fixture
def stage(tmp_path):
    with Workspace.open(tmp_path / "work").stage() as stage:
        yield stage


def run(stage, package, approve=lambda text: text):
    events = []
    loop = Loop(OfflineSpecialist(), stage, approve, events.append, Transcript(stage.state / "t.jsonl"), max_turns=20)
    return loop.run(package), events


def test_it_says_that_it_is_a_catalogue_and_not_a_language_model(stage):
    _, events = run(stage, context(), approve=lambda _text: None)
    said = " ".join(event.text for event in events if event.kind == "say")
    assert "a catalogue of verified PyTorch, not a language model" in said


def test_it_plans_first_and_the_plan_names_every_file_it_then_writes(stage):
    outcome, _ = run(stage, context(num_parameters=25_000_000))
    assert outcome.reason == "done"
    planned = {each.path for each in outcome.plan.files}
    assert planned == {change.path for change in stage.changes()}
    assert {"src/model/full_model.py", "docs/architecture.md", "examples/train.py", "pyproject.toml"} <= planned


def test_the_plan_reaches_the_size_asked_for_and_gives_the_distance(stage):
    outcome, _ = run(stage, context(num_parameters=25_000_000), approve=lambda _text: None)
    assert "24,929,609 parameters by formula, -0.28% from the 25,000,000 asked for" in outcome.plan_text


def test_features_that_the_network_has_besides_may_be_asked_for(stage):
    outcome, _ = run(stage, context(features=("RoPE", "GQA", "ACT")), approve=lambda _text: None)
    assert outcome.reason == "not_approved"


def test_an_edited_plan_is_what_gets_written(stage):
    entry = ENTRIES["trm-titans-mag"]
    outcome, _ = run(
        stage, context(num_parameters=5_000_000), approve=lambda text: text.replace("n_sup = 3", "n_sup = 2")
    )
    assert Plan.from_text(outcome.plan_text).configuration["n_sup"] == 2
    assert stage.read("src/model/config.py") == entry.skeleton(dict(outcome.plan.configuration))["src/model/config.py"]


def test_an_edit_that_makes_an_impossible_network_stops_the_run_and_says_why(stage):
    outcome, _ = run(stage, context(), approve=lambda text: text.replace("n_heads = 6", "n_heads = 5"))
    assert outcome.reason == "stuck"
    assert "create_model_skeleton failed" in outcome.text


@pytest.mark.parametrize(
    ("package", "words"),
    [
        (context("Implement a quantum annealer"), "not in the offline catalogue"),
        (context("Fix the training code of my TRM", kind="fix"), "needs a language model"),
        (context("Add ACT to the TRM model", kind="feature"), "adding a feature"),
        (context("Improve inference speed of titans", kind="speed"), "making your model faster"),
        (context("Implement YOLO", features=("RoPE", "GQA", "SwiGLU")), "the catalogue has no yolo"),
        (context(features=("flash_attention_3",)), "has no flash_attention_3; ask for features among"),
    ],
)
def test_what_it_cannot_do_it_says_in_one_line_and_writes_nothing(stage, package, words):
    outcome, _ = run(stage, package)
    assert outcome.reason == "no_plan"
    assert words in outcome.text
    assert "\n" not in outcome.text
    assert stage.changes() == ()


def test_what_only_the_user_can_tell_is_asked_with_the_candidates(stage):
    outcome, _ = run(stage, context("Implement a ResNet or a ViT"))
    assert outcome.reason == "clarify"
    assert '"resnet: ' in outcome.text
    assert '"vit: ' in outcome.text
    assert stage.changes() == ()


def test_the_answer_to_the_question_decides(stage):
    events = []
    transcript = Transcript(stage.state / "t.jsonl")
    loop = Loop(OfflineSpecialist(), stage, lambda _text: None, events.append, transcript, max_turns=20)
    loop.answer = lambda _call: "lora"
    outcome = loop.run(context("Implement a ResNet or LoRA"))
    assert Plan.from_text(outcome.plan_text).entry == "lora"


def test_options_that_the_request_states_are_in_the_plan_with_the_reason(stage):
    outcome, _ = run(stage, context("Fine-tune with DoRA, rank 4"), approve=lambda _text: None)
    plan = Plan.from_text(outcome.plan_text)
    assert (plan.configuration["rank"], plan.configuration["kind"]) == (4, "dora")
    assert "Why this: the request names" in plan.summary
    assert "rank = 4" in plan.summary


def test_options_that_exclude_each_other_are_refused_with_the_reason(stage):
    with pytest.raises(UsageError, match="does not go with attention='linear'"):
        run(stage, context("a linear attention decoder with ALiBi"))
    assert stage.changes() == ()


def test_an_impossible_size_is_a_usage_error(stage):
    with pytest.raises(UsageError, match="10"):
        run(stage, context(num_parameters=10))
    assert stage.changes() == ()
