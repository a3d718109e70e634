"""What a tool is: a function on a stage whose signature and docstring are what the llm sees."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Concatenate, Literal, ParamSpec, TypeAlias, cast

import docstring_parser
import pydantic

from mlexpert_nb.agent.llm import ToolSchema
from mlexpert_nb.errors import UsageError
from mlexpert_nb.workspace import Stage

Effect = Literal["read", "propose", "escalate", "write", "run"]
_P = ParamSpec("_P")
_Work: TypeAlias = Callable[Concatenate[Stage, _P], str]


@dataclass(frozen=True, slots=True)
class Tool:
    """One thing the llm may ask for; `permissions` judges its `effect` before the call."""

    effect: Effect
    schema: ToolSchema
    call: Callable[[Stage, Mapping[str, Any]], str]

    @property
    def name(self) -> str:
        """Name by which the llm calls it."""
        return self.schema.name


def tool(*, effect: Effect, name: str = "") -> Callable[[_Work[_P]], Tool]:
    """Make a tool of a function: parameters after the stage become the schema, its docstring the description."""

    def make(work: _Work[_P]) -> Tool:
        label, plain = name or work.__name__, cast("Callable[..., str]", work)
        described = docstring_parser.parse(inspect.getdoc(work) or "")
        inputs = _inputs(work, label, {each.arg_name: each.description or "" for each in described.params})
        description = "\n\n".join(filter(None, [described.short_description, described.long_description]))

        def call(stage: Stage, raw: Mapping[str, Any]) -> str:
            try:
                given = inputs.model_validate(dict(raw))
            except pydantic.ValidationError as error:
                first = error.errors()[0]
                where = ".".join(map(str, first["loc"])) or "input"
                raise UsageError(f"{label}: {where}: {first['msg']}; follow the input schema") from None
            return plain(stage, **{key: getattr(given, key) for key in type(given).model_fields})

        return Tool(effect, ToolSchema(label, description, inputs.model_json_schema()), call)

    return make


def _inputs(work: Callable[..., str], label: str, described: Mapping[str, str]) -> type[pydantic.BaseModel]:
    _stage, *parameters = inspect.signature(work).parameters.values()
    fields: dict[str, Any] = {
        each.name: (
            each.annotation,
            pydantic.Field(
                default=... if each.default is inspect.Parameter.empty else each.default,
                description=described[each.name],
            ),
        )
        for each in parameters
    }
    config = pydantic.ConfigDict(extra="forbid")
    return pydantic.create_model(label, __config__=config, **fields)
