"""Files handed over as context: what is read of them, and the one line that refuses the others."""

import json
import os
from io import BytesIO

import pypdf
import pytest

from mlexpert_nb.errors import UsageError
from mlexpert_nb.skill import documents
from mlexpert_nb.skill.documents import Document, clean, read_documents, within_limit
from mlexpert_nb.skill.pdf import MAX_PAGES


def refusal(path):
    """Give the message that refuses a file; it is one line and names the file."""
    with pytest.raises(UsageError) as raised:
        read_documents([str(path)])
    message = str(raised.value)
    assert "\n" not in message
    assert repr(str(path)) in message
    return message


def test_the_text_of_a_pdf_is_read(make_pdf):
    (paper,) = read_documents([str(make_pdf("TRM.pdf", "Less is more", "Equation 4"))])
    assert (paper.file, paper.kind, paper.text, paper.note) == ("TRM.pdf", "paper", "Less is more\n\nEquation 4", "")


def test_text_and_code_are_read_as_they_are(tmp_path):
    for name in ("model.py", "notes.md", "notes.txt", "paper.tex"):
        (tmp_path / name).write_text(f"# {name}\r\n", encoding="utf-8-sig", newline="")
    found = read_documents([str(tmp_path / name) for name in ("model.py", "notes.md", "notes.txt", "paper.tex")])
    assert [each.kind for each in found] == ["code", "text", "text", "text"]
    assert found[0].text == "# model.py\n"


def test_a_notebook_gives_its_cells_without_their_outputs(tmp_path):
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "words"]},
        {"cell_type": "code", "source": "x = 1", "outputs": [{"text": "secret"}]},
    ]
    path = tmp_path / "work.ipynb"
    path.write_text(json.dumps({"cells": cells, "nbformat": 4}))
    (notebook,) = read_documents([str(path)])
    assert notebook.text == "# %% [markdown]\n# Title\nwords\n\n# %% [code]\nx = 1"


def test_a_file_is_named_by_its_name_unless_two_share_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "model.py").write_text("x = 1\n")
    (tmp_path / "a" / "config.py").write_text("y = 1\n")
    found = read_documents(["a/model.py", "b/model.py", "a/config.py", "a/model.py", " "])
    assert [each.file for each in found] == ["a/model.py", "b/model.py", "config.py"]


def test_the_home_folder_may_be_written_as_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "notes.md").write_text("words")
    assert read_documents(["~/notes.md"])[0].text == "words"


def test_a_missing_file_is_refused(tmp_path):
    assert "there is no file" in refusal(tmp_path / "absent.pdf")
    assert "there is no file" in refusal("~nobody-here/x.pdf")


def test_a_folder_is_refused(tmp_path):
    assert "is a folder; name the files in it" in refusal(tmp_path)


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    assert "cannot be read as reference material" in refusal(tmp_path / "pipe.txt")


def test_an_unknown_kind_is_refused(tmp_path):
    (tmp_path / "weights.bin").write_bytes(b"\0\1")
    assert "give .py, .md, .txt, .tex, .ipynb, .pdf files" in refusal(tmp_path / "weights.bin")


def test_binary_dressed_as_text_is_refused(tmp_path):
    (tmp_path / "model.py").write_bytes(b"\x7fELF\0\0")
    assert "is binary, not text" in refusal(tmp_path / "model.py")


def test_text_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "notes.md").write_bytes("\u00e9t\u00e9".encode("latin-1"))
    assert "is not UTF-8 text (byte 0); save it as UTF-8" in refusal(tmp_path / "notes.md")


def test_a_name_that_is_no_path_is_refused():
    assert "there is no file" in refusal("a\0b.py")
    with pytest.raises(UsageError, match=r"cannot be read \(File name too long\); check the path"):
        read_documents(["a" * 5000 + ".py"])


@pytest.mark.parametrize("text", ["{", "[]", '{"cells": 3}', '{"cells": [{}]}', "[" * 100_000])
def test_a_corrupt_notebook_is_refused(tmp_path, text):
    (tmp_path / "work.ipynb").write_text(text)
    assert "is not a notebook (nbformat 4)" in refusal(tmp_path / "work.ipynb")


def test_a_file_that_is_no_pdf_is_refused(tmp_path):
    (tmp_path / "paper.pdf").write_text("<html>404</html>")
    assert "is not a PDF" in refusal(tmp_path / "paper.pdf")


def test_a_corrupt_pdf_is_refused_quietly(tmp_path, make_pdf, capfd):
    whole = make_pdf("whole.pdf", "words").read_bytes()
    for name, raw in {"cut.pdf": whole[:60], "junk.pdf": b"%PDF-1.4\n" + os.urandom(500), "head.pdf": b"%PDF-"}.items():
        (tmp_path / name).write_bytes(raw)
        assert "is damaged" in refusal(tmp_path / name)
    assert capfd.readouterr() == ("", "")


def test_a_locked_pdf_is_refused(tmp_path, make_pdf):
    writer = pypdf.PdfWriter(clone_from=make_pdf("open.pdf", "words"))
    writer.encrypt("secret", algorithm="RC4-128")
    out = BytesIO()
    writer.write(out)
    (tmp_path / "locked.pdf").write_bytes(out.getvalue())
    assert "is protected by a password" in refusal(tmp_path / "locked.pdf")


def test_a_scanned_pdf_is_read_and_said_to_be_one(make_pdf):
    (paper,) = read_documents([str(make_pdf("scan.pdf", ""))])
    assert (paper.text, paper.note) == ("", "no text in it; scanned pages need OCR first")


def test_a_long_pdf_is_cut_after_its_first_pages(make_pdf):
    (paper,) = read_documents([str(make_pdf("long.pdf", *[f"page {n}" for n in range(MAX_PAGES + 5)]))])
    assert paper.note == f"cut: the first {MAX_PAGES} of {MAX_PAGES + 5} pages"
    assert f"page {MAX_PAGES - 1}" in paper.text
    assert f"page {MAX_PAGES}" not in paper.text


def test_a_huge_file_is_refused_unread(tmp_path):
    for name, size in {"big.txt": documents.MAX_TEXT_BYTES, "big.pdf": documents.MAX_PDF_BYTES}.items():
        with (tmp_path / name).open("wb") as file:
            file.truncate(size + 1)
        assert f"is larger than {size // 2**20} MiB" in refusal(tmp_path / name)


def test_texts_are_cut_to_the_limit_and_say_so():
    found = within_limit(
        [Document("a", "text", "x" * 6), Document("b", "text", "y" * 6, "scan"), Document("c", "text", "z")], 10
    )
    assert [each.text for each in found] == ["xxxxxx", "yyyy", ""]
    assert [each.note for each in found] == [
        "",
        "scan; cut: the first 4 of 6 characters",
        "cut: the first 0 of 1 characters",
    ]


def test_what_is_no_text_is_dropped():
    assert clean("a\x1b[31m\x00b\r\nc\u202ed\ud800\tf\u00a0g") == "a[31mb\nc" + "d?\tf\u00a0g"
