"""The text of a PDF, page by page, by pypdf; a corrupt, locked or scanned file is said to be one."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from mlexpert_nb.errors import UsageError

MAX_PAGES = 100


def read_pdf(raw: bytes, path: str) -> tuple[str, str]:
    """Give the text of the first pages of a PDF, and what was left out (empty if nothing was).

    Args:
        raw: The file's bytes.
        path: The file as the user typed it, for messages.

    Raises:
        UsageError: The bytes are no PDF, are damaged, or are protected by a password.
    """
    if b"%PDF-" not in raw[:1024]:
        raise UsageError(f"{path!r} is not a PDF (it does not start like one); download it again")
    try:
        with _silent():
            pages, total = _pages(raw)
    except UsageError:
        raise UsageError(f"{path!r} is protected by a password; save a copy without one") from None
    except Exception as error:  # a damaged file fails anywhere inside the parser, with any exception
        raise UsageError(f"{path!r} is damaged ({type(error).__name__}); download or export it again") from error
    text = "\n\n".join(page for page in pages if page)
    notes = [f"cut: the first {MAX_PAGES} of {total} pages"] if total > MAX_PAGES else []
    notes += [] if text else ["no text in it; scanned pages need OCR first"]
    return text, "; ".join(notes)


def _pages(raw: bytes) -> tuple[list[str], int]:
    import pypdf  # noqa: PLC0415 - a tenth of a second that only a request with a PDF should pay

    reader = pypdf.PdfReader(BytesIO(raw))
    if reader.is_encrypted and not reader.decrypt(""):
        raise UsageError("locked")
    total = len(reader.pages)
    if total == 0:
        raise ValueError("no pages")
    return [reader.pages[number].extract_text().strip() for number in range(min(total, MAX_PAGES))], total


@contextmanager
def _silent() -> Iterator[None]:
    """Keep the parser's complaints about a file out of the notebook; what matters of them is raised."""
    logger = logging.getLogger("pypdf")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before
