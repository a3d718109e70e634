r"""The source of a paper as a reader sees it: no comments, no code, nothing hidden, its own short names spelled out.

Nothing is executed: `\write18`, `\directlua` and the like are text as any other.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlexpert_nb.skill.paper.structure import Source

MOST_CHARACTERS = 1_000_000  # what is read of a paper, and what its macros may grow it to
_UNSEEN = re.compile(
    r"\\[\\%]"
    r"|(?P<comment>%[^\n]*)"
    r"|\\verb\*?(?P<mark>[^\w\s*{}])[^\n]{0,300}?(?P=mark)"
    r"|\\begin\{(?P<name>verbatim\*?|Verbatim|lstlisting|minted|comment|filecontents\*?|thebibliography)\}"
    r"|(?P<off>\\iffalse\b)"
)
_BRANCH = re.compile(r"\\(?:(?P<opens>if(?!thenelse|f\b)[a-zA-Z@]*)|(?P<other>else)|(?P<ends>fi))\b")
_WHITE = r"(?:white|\[(?:HTML)\]\{[Ff]{6}|\[(?:rgb|RGB)\]\{(?:1|255)(?:\.0)?,\s?(?:1|255)(?:\.0)?,\s?(?:1|255)(?:\.0)?)"
_HIDDEN_GROUP = re.compile(
    rf"\\color\s?\{{?{_WHITE}\}}|\\fontsize\{{[0-2](?:\.\d{{1,3}})?(?:pt)?\}}|(?<=\{{)\\tiny\b", re.DOTALL
)
_HIDDEN_ARGUMENT = re.compile(rf"\\(?:textcolor\s?\{{?{_WHITE}\}}|h?phantom|vphantom)(?=\{{)")
_MACRO = re.compile(
    r"\\(?:(?:re)?newcommand\*?|providecommand\*?|def|DeclareMathOperator\*?|DeclarePairedDelimiter)\s{0,3}"
    r"(?:\{\s{0,3}\\(?P<braced>[A-Za-z]{1,40})\s{0,3}\}|\\(?P<bare>[A-Za-z]{1,40}))"
    r"\s{0,3}(?P<arguments>\[\d\](?:\[[^\]]{0,100}\])?|(?:#\d){1,9})?\s{0,3}(?=\{)"
)
_COMMAND = re.compile(r"\\([A-Za-z]{1,40})")
_PASSES = 8  # of macros that use macros
_INPUT = re.compile(r"\\(?:input|include|subfile|import)\b\s{0,3}(?:\{([^{}\n]{0,200})\}|([\w./-]{1,200}))")


@dataclass(slots=True)
class _Macros:
    """Short names of a paper: those that stand for a text, those that only set one, those that are not expanded."""

    texts: dict[str, str] = field(default_factory=dict)
    settings: set[str] = field(default_factory=set)
    unread: list[str] = field(default_factory=list)


def visible(source: str) -> tuple[str, tuple[str, ...]]:
    """Give the source as a reader sees it, and what of it was not read."""
    notes = [f"cut: the first {MOST_CHARACTERS:,} characters are read"] if len(source) > MOST_CHARACTERS else []
    text = "".join(_seen(source[:MOST_CHARACTERS]))
    text, unread = _expanded(_without_hidden(text))
    notes += [f"{(each[1] or each[2]).strip()[:80]!r} was not read" for each in _INPUT.finditer(text)]
    if unread:
        notes.append(f"macros that are not expanded: {', '.join(unread[:8])}")
    return _INPUT.sub(" ", text), tuple(dict.fromkeys(notes))


def _seen(text: str) -> Iterator[str]:
    """Give the parts that LaTeX would set; what is opened and never closed hides the rest."""
    at = 0
    while found := _UNSEEN.search(text, at):
        yield text[at : found.start()]
        if found["name"]:
            closing = rf"\end{{{found['name']}}}"
            end = text.find(closing, found.end())
            at = len(text) if end < 0 else end + len(closing)
        elif found["off"]:
            at = _end_of_branch(text, found.end())
        else:
            yield "" if found["comment"] is not None else " " if found["mark"] else found[0]
            at = found.end()
    yield text[at:]


def _end_of_branch(text: str, start: int) -> int:
    """Give where text counts again after a condition that is false."""
    depth = 1
    for each in _BRANCH.finditer(text, start):
        depth += bool(each["opens"]) - bool(each["ends"])
        if depth == 0 or (depth == 1 and each["other"]):
            return each.end()
    return len(text)


def _without_hidden(text: str) -> str:
    """Leave out white letters, letters of a point or two, and what only takes up space."""
    source = Source(text)
    spans: list[tuple[int, int]] = []
    hidden = {each.start(): each for each in _HIDDEN_GROUP.finditer(text)}
    if hidden:
        opened: list[int] = []
        for each in re.finditer(r"\\.|[{}]", text, re.DOTALL):
            if each.start() in hidden:
                end = source.closing.get(opened[-1], len(text)) if opened else _end_of_colour(text, each.end())
                spans.append((each.start(), end))
            if each[0] == "{":
                opened.append(each.start())
            elif each[0] == "}" and opened:
                opened.pop()
    arguments = _HIDDEN_ARGUMENT.finditer(text)
    spans += [(each.start(), source.closing.get(each.end(), each.end()) + 1) for each in arguments]
    return source.without((start, end) for start, end in spans if r"\begin{tab" not in text[start:end])


def _end_of_colour(text: str, start: int) -> int:
    """Give where a colour ends that no group ends: at the next one, or with the paragraph."""
    found = re.compile(r"\\color\b|\n\s*\n|\\(?:sub)*section\b|\\end\{").search(text, start)
    return found.start() if found else len(text)


def _expanded(text: str) -> tuple[str, list[str]]:
    """Write out the short names of a paper; one with arguments is only known as a way to set them."""
    macros, source = _Macros(), Source(text)
    spans: list[tuple[int, int]] = []
    for each in _MACRO.finditer(text):
        end = source.closing.get(each.end())
        if end is not None and not any(start <= each.start() < stop for start, stop in spans[-1:]):
            name, body = each["braced"] or each["bare"], text[each.end() + 1 : end]
            spans.append((each.start(), end + 1))
            _define(macros, name, body, has_arguments=bool(each["arguments"]))
    text = source.without(spans)
    for _ in range(_PASSES):
        grown = _COMMAND.sub(lambda each: _text_of(macros, each), text)
        if grown == text or len(grown) > MOST_CHARACTERS + len(text):
            break
        text = grown
    unread = [rf"\{name}" for name in macros.unread if rf"\{name}" in text]
    return text, unread


def _define(macros: _Macros, name: str, body: str, *, has_arguments: bool) -> None:
    if not has_arguments:
        macros.texts[name] = "" if rf"\{name}" in body else body
    elif re.fullmatch(r"(?:\\[A-Za-z]{1,20}\{?){0,3}\{?#1\}{0,4}", body.strip()):
        macros.settings.add(name)
    else:
        macros.unread.append(name)


def _text_of(macros: _Macros, each: re.Match[str]) -> str:
    if each[1] in macros.settings:
        return ""
    return f"{{{macros.texts[each[1]]}}}" if each[1] in macros.texts else each[0]
