"""The text of a PDF, page by page, by pypdf; a corrupt, locked, scanned or overgrown file is said to be one.

The parser gives letters without their colour and size: white letters, and letters of a point, are text as any other.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Protocol

from mlexpert_nb.errors import UsageError

MAX_PAGES = 100
MAX_PAGE_BYTES = 4 * 2**20  # of drawing commands: a page of text has a hundredth of it
_TOO_MUCH = "{path!r} unpacks to more than is read here ({how}); export it again, or give its .tex"


class _Stream(Protocol):
    """What the parser gives of a page's drawing commands."""

    def get_data(self) -> bytes:
        """Give them unpacked."""


def read_pdf(raw: bytes, path: str) -> tuple[str, str]:
    """Give the text of the first pages of a PDF, and what was left out (empty if nothing was).

    Args:
        raw: The file's bytes.
        path: The file as the user typed it, for messages.

    Raises:
        UsageError: The file is empty, is no PDF, is damaged, unpacks to too much, or is protected by a password.
    """
    if not raw.strip():
        raise UsageError(f"the file {path!r} is empty; download it again")
    if b"%PDF-" not in raw[:1024]:
        raise UsageError(f"{path!r} is not a PDF (it does not start like one); download it again")
    try:
        with _silent():
            pages, total, num_large = _pages(raw)
    except UsageError:
        raise UsageError(f"{path!r} is protected by a password; save a copy without one") from None
    except Exception as error:  # a damaged file fails anywhere inside the parser, with any exception
        raise UsageError(_what_failed(error, path)) from error
    text = "\n\n".join(page for page in pages if page)
    if num_large and not text:
        raise UsageError(
            _TOO_MUCH.format(path=path, how=f"{num_large} pages of more than {MAX_PAGE_BYTES // 2**20} MiB")
        )
    notes = [f"cut: the first {MAX_PAGES} of {total} pages"] if total > MAX_PAGES else []
    notes += [f"{num_large} pages that unpack to more than {MAX_PAGE_BYTES // 2**20} MiB"] if num_large else []
    notes += [] if text else ["no text in it; scanned pages need OCR first"]
    return text, "; ".join(notes)


def _what_failed(error: Exception, path: str) -> str:
    name = type(error).__name__
    if name == "LimitReachedError" or isinstance(error, MemoryError):
        return _TOO_MUCH.format(path=path, how=name)
    return f"{path!r} is damaged ({name}); download or export it again"


def _pages(raw: bytes) -> tuple[list[str], int, int]:
    """Give the text of the first pages, the number of pages, and how many of the first were too large to read."""
    import pypdf  # noqa: PLC0415 - a tenth of a second that only a request with a PDF should pay

    reader = pypdf.PdfReader(BytesIO(raw))
    if reader.is_encrypted and not reader.decrypt(""):
        raise UsageError("locked")
    total = len(reader.pages)
    if total == 0:
        raise ValueError("no pages")
    first = [reader.pages[number] for number in range(min(total, MAX_PAGES))]
    read = [page for page in first if _size(page.get_contents()) <= MAX_PAGE_BYTES]
    return [page.extract_text().strip() for page in read], total, len(first) - len(read)


def _size(contents: _Stream | None) -> int:
    return 0 if contents is None else len(contents.get_data())  # without keys it is falsy


@contextmanager
def _silent() -> Iterator[None]:
    """Keep the parser's complaints about a file out of the notebook; what matters of them is raised."""
    logger = logging.getLogger("pypdf")  # its modules have loggers of their own, which take their level from it
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)
