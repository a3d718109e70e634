"""Read a paper: LaTeX by its commands, everything else by how its lines look."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

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


def read_papers(texts: Iterable[Mapping[str, Any]], names: Iterable[str]) -> list[dict[str, Any]]:
    """Give what each paper among the texts of a request says, as JSON, with its file.

    Args:
        texts: Files that were handed over, each with `file` and `text`.
        names: Those of them that are papers.
    """
    papers = set(names)
    return [
        {"file": each["file"], **_read(each["text"], each["file"]).to_json()}
        for each in texts
        if each["file"] in papers and each["text"].strip()
    ]


def _read(text: str, file: str) -> Paper:
    is_tex = file.lower().endswith(".tex") or r"\begin{document}" in text or r"\section{" in text
    return read_tex(text) if is_tex else read_plain(text)
