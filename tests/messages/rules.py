"""What the API holds a conversation to: it answers 400 where one of these is broken."""


def broken_rule(body):  # noqa: PLR0911 - one return a rule
    """Say which rule a call breaks; None if it keeps all of them."""
    messages = body.get("messages")
    if not messages or messages[0]["role"] != "user":
        return "messages: the first message must use the user role"
    for number, (message, following) in enumerate(zip(messages, [*messages[1:], None], strict=True)):
        blocks = (
            message["content"]
            if isinstance(message["content"], list)
            else [{"type": "text", "text": message["content"]}]
        )
        if not blocks or any(block["type"] == "text" and not block["text"] for block in blocks):
            return f"messages.{number}: content must not be empty"
        if following is not None and following["role"] == message["role"]:
            return f"messages.{number}: roles must alternate"
        uses = [block["id"] for block in blocks if block["type"] == "tool_use"]
        if any(not isinstance(block["input"], dict) for block in blocks if block["type"] == "tool_use"):
            return f"messages.{number}: tool_use.input must be an object"
        answered = _results(following) if following is not None else []
        if following is not None and sorted(answered) != sorted(uses):
            return f"messages.{number}: tool_use ids {uses} need tool_result blocks, found {answered}"
        if following is None and uses:
            return f"messages.{number}: tool_use without tool_result"
    names = [tool["name"] for tool in body.get("tools", ())]
    return "tools: names must be unique" if len(set(names)) < len(names) else None


def _results(message):
    blocks = message["content"] if isinstance(message["content"], list) else []
    return [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
