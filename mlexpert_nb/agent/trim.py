"""Cuts long texts by rule before they are sent, and says in the text what was cut."""

import re

LONGEST_RESULT = 24_000  # characters of one tool result
_BASE64 = re.compile(r"(?<![\w+/])[A-Za-z0-9+/]{400,}={0,2}(?![\w+/])")
_LONG_LINE = re.compile(r"^(.{2000}).{400,}$", re.MULTILINE)


def trimmed(text: str, most: int = LONGEST_RESULT) -> str:
    """Give a text without base64 and endless lines, and with its middle cut if it is still too long."""
    text = _BASE64.sub(lambda match: f"[{len(match[0]):,} characters of base64 cut]", text)
    text = _LONG_LINE.sub(
        lambda match: f"{match[1]}[the rest of this line, {len(match[0]) - 2000:,} characters, cut]", text
    )
    if len(text) <= most:
        return text
    head, tail = most * 2 // 3, most // 3
    return f"{text[:head]}\n[{len(text) - head - tail:,} characters cut here]\n{text[-tail:]}"
