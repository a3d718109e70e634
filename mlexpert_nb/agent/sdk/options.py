"""What the SDK is told: model, prompt, our tools as an in-process server, and none of its own."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from mlexpert_nb.agent.address import Address
from mlexpert_nb.agent.sdk.guard import Guard
from mlexpert_nb.agent.sdk.home import Home
from mlexpert_nb.agent.sdk.package import find_cli
from mlexpert_nb.agent.tools import Tool
from mlexpert_nb.keys import Secret

Call: TypeAlias = Callable[[str, Mapping[str, Any]], Awaitable[tuple[str, bool]]]
"""Carries out one tool call by name and input; gives the text of the result, and whether it is an error."""

_LONGEST_RESULT = 200_000  # characters; the program puts a longer result into a file that no tool of ours reads


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Who answers, and where.

    Attributes:
        model: Its name there.
        address: Where it answers.
        secret: The key; None for a server on this machine that needs none.
    """

    model: str
    address: Address
    secret: Secret | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a conversation stops with what it has; the program counts dollars by prices of its own."""

    max_turns: int = 50
    budget_usd: float | None = None


def make_options(sdk: Any, home: Home, guard: Guard, call: Call, **more: Any) -> Any:
    """Give the `ClaudeAgentOptions` of one conversation.

    Args:
        sdk: The module.
        home: Where its program lives.
        guard: Asked before every tool call.
        call: Carries one out.
        more: `endpoint`, `limits`, `system` and `on_stderr`.
    """
    endpoint: Endpoint = more["endpoint"]
    limits: Limits = more["limits"]
    told = {
        "ANTHROPIC_BASE_URL": endpoint.address.url,
        "ANTHROPIC_API_KEY": endpoint.secret.reveal() if endpoint.secret else "none",
    }
    return sdk.ClaudeAgentOptions(
        model=endpoint.model,
        system_prompt=more["system"],
        tools=[],  # its own Bash shows the key in `env`, and its own Write asks nobody
        mcp_servers={name: _server(sdk, name, tools, call) for name, tools in guard.servers().items()},
        strict_mcp_config=True,
        setting_sources=[],  # a project's settings run hooks, which is code that nobody approved
        skills=[],
        permission_mode="default",  # "plan" tells the llm to write a plan file and launch agents, which are not there
        can_use_tool=_permission(sdk, guard),
        hooks={"PreToolUse": [sdk.HookMatcher(hooks=[_hook(guard)])]},
        verbatim_prompts=True,  # an "@/etc/passwd" in a request is text
        cwd=guard.stage.root,
        cli_path=home.command,
        env=home.environment(find_cli(sdk), told),
        max_turns=limits.max_turns,
        max_budget_usd=limits.budget_usd,
        stderr=more["on_stderr"],
    )


def _server(sdk: Any, name: str, tools: tuple[Tool, ...], call: Call) -> Any:
    return sdk.create_sdk_mcp_server(name, tools=[_twin(sdk, tool, call) for tool in tools])


def _twin(sdk: Any, tool: Tool, call: Call) -> Any:
    async def handle(given: dict[str, Any]) -> dict[str, Any]:
        text, is_error = await call(tool.name, given)
        return {"content": [{"type": "text", "text": text}], "is_error": is_error}

    inline = sdk.ToolAnnotations(maxResultSizeChars=_LONGEST_RESULT)
    return sdk.tool(tool.name, tool.schema.description, dict(tool.schema.input_schema), inline)(handle)


def _permission(sdk: Any, guard: Guard) -> Any:
    async def may(name: str, given: dict[str, Any], _context: Any) -> Any:
        no = guard.refusal(name, given)
        return sdk.PermissionResultDeny(message=no) if no else sdk.PermissionResultAllow()

    return may


def _hook(guard: Guard) -> Any:
    async def before(event: Any, _tool_use_id: str | None, _context: Any) -> dict[str, Any]:
        no = guard.refusal(str(event.get("tool_name", "")), event.get("tool_input") or {})
        if not no:
            return {}  # no opinion: "allow" here would skip the question for permission
        decision = {"permissionDecision": "deny", "permissionDecisionReason": no}
        return {"hookSpecificOutput": {"hookEventName": "PreToolUse", **decision}}

    return before
