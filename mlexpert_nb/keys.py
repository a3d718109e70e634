"""Keys: where one is looked for, and how it is kept out of everything that is shown or written.

Order: `configure(api_key=…)`, then the environment, then a keyring where a real one exists, then a hidden prompt whose
answer lives as long as the process. The toolkit never writes a key and never takes one from a cell or a line.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from mlexpert_nb.errors import UsageError

VARIABLES = ("MLEXPERT_API_KEY", "ANTHROPIC_API_KEY")
SERVICE = "mlexpert_nb"  # under which a keyring holds the key
HIDDEN = "[key hidden]"
TYPED = re.compile(
    r"(?:\b|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4}))sk-(?:ant-[\w-]{8,}|(?=[\w-]*\d)[\w-]{20,})"
)  # not: sk-learn-compatible; "\\n" as in JSON
_SHORTEST = 8  # a shorter "key" would blacken ordinary words

Redact: TypeAlias = Callable[[str], str]


class Secret:
    """A key that neither prints nor pickles; `reveal` is called where the request is made, and nowhere else."""

    __slots__ = ("_reveal",)

    def __init__(self, value: str) -> None:
        def held() -> str:
            return value

        self._reveal: Callable[[], str] = held  # in a closure, so that no list of attributes shows it

    def reveal(self) -> str:
        """Give the key."""
        return self._reveal()

    def __repr__(self) -> str:
        return "Secret(hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not pickled; look it up again where it is needed")


@dataclass(frozen=True, slots=True)
class Found:
    """A key and where it came from, in words that may be shown."""

    secret: Secret
    source: str


def as_key(value: str, source: str) -> Found:
    """Give a key as it was found.

    Raises:
        UsageError: It cannot be one, and would come back in the transport's complaint about it.
    """
    value = value.strip()
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise UsageError(f"{source}: a key has no blank, no line break and no special letter in it; copy it anew")
    return Found(Secret(value), source)


class Session:
    """What this process was told: the callable of `configure`, and a key that was typed into a hidden prompt."""

    def __init__(self) -> None:
        self._ask: Callable[[], str] | None = None
        self._source = ""

    def use(self, api_key: Callable[[], str] | None, source: str = "configure(api_key=…)") -> None:
        """Take the key from a callable from now on; None forgets it."""
        self._ask, self._source = api_key, source

    def find(self) -> Found | None:
        """Give the key, if this process was told one.

        Raises:
            UsageError: The callable gave no text.
        """
        if self._ask is None:
            return None
        value = self._ask()
        if not isinstance(value, str) or not value.strip():
            raise UsageError(f"{self._source} gave no key (a {type(value).__name__}); give a function that returns one")
        return as_key(value, self._source)


SESSION = Session()  # the one thing that a process remembers; a key has no other place to live


def configure(*, api_key: Callable[[], str] | None) -> None:
    """Tell the toolkit where the key comes from in this process, such as `lambda: vault.read("anthropic")`.

    Args:
        api_key: A function that gives the key, asked once a run; None forgets it.

    Raises:
        UsageError: It is the key itself, which would stand in the notebook and in its history.
    """
    if api_key is not None and not callable(api_key):
        raise UsageError(
            f"api_key is a {type(api_key).__name__}; give a function that returns the key. {how_to_clear()}"
        )
    SESSION.use(api_key)


def find_key(environ: Mapping[str, str]) -> Found | None:
    """Look for a key in the order of this module, without asking anybody."""
    if (told := SESSION.find()) is not None:
        return told
    for name in VARIABLES:
        if value := environ.get(name, "").strip():
            return as_key(value, f"environment variable {name}")
    return _from_keyring()


def redactor(secret: Secret | None) -> Redact:
    """Give a function that hides the key, and whatever looks like one, in a text."""
    value = secret.reveal() if secret else ""

    def redact(text: str) -> str:
        if len(value) >= _SHORTEST and value in text:
            text = text.replace(value, HIDDEN)
        return TYPED.sub(HIDDEN, text) if "sk-" in text else text

    return redact


def refuse_typed_key(text: str) -> None:
    """Refuse a line or a cell that has a key in it.

    Raises:
        UsageError: It has; the message does not repeat it.
    """
    if TYPED.search(text):
        raise UsageError(f"this looks like an API key, and was not used. {how_to_clear()}")


def how_to_clear() -> str:
    """Say how a key that was typed is made harmless, and how one is given instead."""
    return (
        "Delete it from the cell and the output, save, run `ipython history clear` in a shell (IPython keeps what was "
        "typed in history.sqlite) and revoke it, since it was written to disk. Give a key by ANTHROPIC_API_KEY in the "
        "environment that starts Jupyter, by mlexpert_nb.configure(api_key=function), or at the hidden prompt"
    )


def _from_keyring() -> Found | None:
    try:
        import keyring  # noqa: PLC0415 - an optional package, slow to load
        from keyring.errors import KeyringError  # noqa: PLC0415 - the same
    except ImportError:
        return None
    try:
        value = keyring.get_password(SERVICE, "api_key")
    except KeyringError:  # a machine without a screen has no backend
        return None
    return as_key(value, f"keyring, service {SERVICE}") if value else None
