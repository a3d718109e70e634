"""File tools: what the llm may do with files, always inside one stage."""

from mlexpert_nb.agent.tools.deadline import at_most
from mlexpert_nb.agent.tools.tool import tool
from mlexpert_nb.workspace import Stage

LONGEST_READ = 40_000  # characters; about 10 000 tokens
LONGEST_SEARCH_S = 10.0


@tool(effect="read", name="Read")
def read(stage: Stage, path: str, offset: int = 0) -> str:
    """Read one text file of the workspace.

    Args:
        stage: Supplied by the loop.
        path: File to read, relative to the workspace root.
        offset: Character to start at, for files longer than one answer.
    """
    text = stage.read(path)
    part = text[offset : offset + LONGEST_READ]
    left = len(text) - offset - len(part)
    return part + (f"\n[{left} more characters; read on with offset={offset + len(part)}]" if left > 0 else "")


@tool(effect="read", name="Grep")
def grep(stage: Stage, pattern: str, glob: str = "**/*") -> str:
    """Search the workspace's text files for a regular expression.

    Args:
        stage: Supplied by the loop.
        pattern: Python regular expression, matched line by line.
        glob: Which files to look into.
    """
    with at_most(LONGEST_SEARCH_S, f"searching for {pattern[:80]!r}"):
        hits = stage.grep(pattern, glob)
    most = 200
    more = f"\n[{len(hits) - most} more hits; narrow the pattern or the glob]" if len(hits) > most else ""
    return "\n".join(hits[:most]) + more if hits else "no match"


@tool(effect="write", name="Write")
def write(stage: Stage, path: str, text: str) -> str:
    """Create or replace one text file in the workspace.

    Args:
        stage: Supplied by the loop.
        path: File to write, relative to the workspace root.
        text: The whole new content of the file.
    """
    change = stage.write(path, text)
    return f"wrote {change.path} (+{change.added} -{change.removed} lines)"


@tool(effect="write", name="Edit")
def edit(stage: Stage, path: str, old: str, new: str) -> str:
    """Replace one passage of a file; the passage must occur exactly once.

    Args:
        stage: Supplied by the loop.
        path: File to change, relative to the workspace root.
        old: Passage to replace, to the letter, long enough to be unique.
        new: What stands there afterwards.
    """
    change = stage.edit(path, old, new)
    return f"edited {change.path} (+{change.added} -{change.removed} lines)"
