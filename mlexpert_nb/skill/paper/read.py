"""Read a paper: LaTeX by its commands, everything else by how its lines look."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlexpert_nb.errors import UsageError
from mlexpert_nb.skill.documents import read_documents
from mlexpert_nb.skill.paper.paper import Paper
from mlexpert_nb.skill.paper.plain import read_plain
from mlexpert_nb.skill.paper.tex import read_tex

SUFFIXES = (".pdf", ".tex")


def read_paper(source: str | Path) -> Paper:
    """Read a paper from a file (.tex, .pdf, .md, .txt), or from its text.

    Args:
        source: A path, or a string: one line that ends like a paper's file is a path, anything else the text itself.

    Raises:
        UsageError: The file cannot be read.
    """
    if isinstance(source, Path) or ("\n" not in source and source.strip().lower().endswith(SUFFIXES)):
        (document,) = read_documents([str(source)])
        return _read(document.text, document.file)
    return _read(source, "")


def read_papers(texts: Sequence[Mapping[str, Any]], names: Iterable[str]) -> list[dict[str, Any]]:
    """Give what each paper among the texts of a request says, as JSON, with its file.

    Args:
        texts: Files that were handed over, each with `file` and `text`.
        names: Those of them that are papers.

    Raises:
        UsageError: A source in LaTeX has no text.
    """
    papers = set(names)
    _refuse_empty(texts, papers)
    return [
        {"file": each["file"], **_read(each["text"], each["file"]).to_json()}
        for each in texts
        if each["file"] in papers and each["text"].strip()
    ]


def _refuse_empty(texts: Sequence[Mapping[str, Any]], papers: set[str]) -> None:
    """Refuse a source without a word; a PDF without text may be scanned, and a language model can see it."""
    for each in texts:
        if each["file"] in papers and each["file"].lower().endswith(".tex") and not each["text"].strip():
            raise UsageError(f"the file {each['file']!r} is empty; give the paper's source, or its PDF")


def _read(text: str, file: str) -> Paper:
    is_tex = file.lower().endswith(".tex") or r"\begin{document}" in text or r"\section{" in text
    return read_tex(text) if is_tex else read_plain(text)
