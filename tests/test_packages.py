"""The two packages of the public contract: the documented examples, their schemas, and what breaks them."""

import copy
import json

import jsonschema
import pytest

from mlexpert_nb.errors import UsageError
from mlexpert_nb.packages import EXIT_CODES, ContextPackage, ResultPackage, schema

CONTEXT = """
{"task": "Implement TRM × Titans-MAG architecture",
 "requirements": {"model_type": "transformer", "parameters": "25M target", "features": ["sliding_window_attention", "long_term_memory", "ACT"],
                  "framework": "pytorch", "constraints": {"vram": "6GB", "inference_speed": "real-time"}},
 "existing_code": {"files": ["model.py", "config.py"], "status": "partial_implementation"},
 "reference_materials": {"papers": ["TRM.pdf", "Titans-MAG.pdf"], "implementations": ["reference_model.py"]}}
"""  # noqa: E501 - as it is documented, to the letter
RESULT = """
{"status": "implementation_complete",
 "deliverables": {"code_files": [{"path": "src/model/titans_mag.py", "description": "…", "loc": 350, "tested": true}],
                  "tests": [{"path": "tests/test_model.py", "coverage": 95, "all_passing": true}],
                  "documentation": {"architecture_diagram": "docs/architecture.md", "usage_examples": "examples/train.py"}},
 "performance_metrics": {"parameter_count": "24.9M", "inference_time": "45ms (GPU)", "vram_usage": "5.2GB"},
 "validation": {"unit_tests": "48/48 passing", "integration_tests": "12/12 passing", "manual_verification": "Forward/backward pass successful"},
 "evidence": {"receipt": "sha256:…", "checks": [{"name": "causality", "passed": true, "measured": "0.0", "limit": "1e-05", "command": "…"}]}}
"""  # noqa: E501 - as it is documented, to the letter
PACKAGES = {
    "context_package": (ContextPackage, json.loads(CONTEXT)),
    "result_package": (ResultPackage, json.loads(RESULT)),
}
both = pytest.mark.parametrize("name", PACKAGES)


@both
def test_the_documented_example_reads_back_as_itself(name):
    package, example = PACKAGES[name]
    read = package.from_json(copy.deepcopy(example))
    assert read.to_json() == example
    assert package.from_json(json.loads(json.dumps(read.to_json()))) == read


@both
def test_the_documented_example_keeps_the_order_of_its_fields(name):
    package, example = PACKAGES[name]
    assert json.dumps(package.from_json(example).to_json()) == json.dumps(example)


@both
def test_the_schema_is_a_valid_one_of_its_draft(name):
    published = schema(name)
    assert published["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(published)
    jsonschema.validate(PACKAGES[name][1], published, jsonschema.Draft202012Validator)


def places(value, path=()):
    """Give the path of every field of a package, outside evidence."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key != "evidence":
                yield (*path, key)
                yield from places(inner, (*path, key))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*path, 0))


def changed(example, path, change):
    """Give a copy of an example in which the holder of one field was changed."""
    copied = copy.deepcopy(example)
    holder = copied
    for key in path[:-1]:
        holder = holder[key]
    change(holder, path[-1])
    return copied


EVERY_FIELD = [(name, path) for name, (_, example) in PACKAGES.items() for path in places(example)]
READ_AS_FREE = {"architecture_diagram", "usage_examples"}  # documentation maps any name to a path


@pytest.mark.parametrize(("name", "path"), EVERY_FIELD, ids=[f"{name}-{path}" for name, path in EVERY_FIELD])
def test_a_field_of_the_wrong_type_is_named(name, path):
    package, example = PACKAGES[name]
    with pytest.raises(UsageError, match=rf"not a {name}: .*{path[-1]}"):
        package.from_json(changed(example, path, lambda holder, key: holder.__setitem__(key, 3.5)))


@pytest.mark.parametrize(("name", "path"), EVERY_FIELD, ids=[f"{name}-{path}" for name, path in EVERY_FIELD])
def test_a_renamed_field_is_named(name, path):
    package, example = PACKAGES[name]
    if path[-1] in READ_AS_FREE:
        return
    with pytest.raises(UsageError, match=f"not a {name}: .*(renamed|{path[-1]})"):
        package.from_json(changed(example, path, lambda holder, key: holder.__setitem__("renamed", holder.pop(key))))


@both
@pytest.mark.parametrize("data", [[], "text", None, 3])
def test_what_is_no_object_is_refused(name, data):
    package, _ = PACKAGES[name]
    with pytest.raises(UsageError, match=rf"not a {name}: \$: .* is not of type 'object'; see mlexpert_nb/schemas/"):
        package.from_json(data)


def test_an_unknown_status_and_another_kind_of_receipt_are_refused():
    for path, value in {("status",): "done", ("evidence", "receipt"): "md5:abc"}.items():
        with pytest.raises(UsageError, match=path[-1]):
            ResultPackage.from_json(
                changed(json.loads(RESULT), path, lambda holder, key, v=value: holder.__setitem__(key, v))
            )


def test_every_status_has_its_exit_code():
    published = schema("result_package")["properties"]["status"]["enum"]
    assert {status: ResultPackage(status).exit_code for status in published} == dict(EXIT_CODES)
    assert set(EXIT_CODES.values()) == {0, 3, 4}
    assert [status for status, code in EXIT_CODES.items() if code == 0] == ["implementation_complete"]


def test_empty_packages_follow_their_schemas_too():
    for package in (ContextPackage("Implement a transformer"), ResultPackage("escalated")):
        assert type(package).from_json(package.to_json()) == package
        assert "evidence" not in package.to_json()


def test_the_message_of_a_result_is_in_its_evidence():
    assert ResultPackage("escalated", evidence={"message": "say more"}).message == "say more"
    assert ResultPackage("escalated").message == ""
