"""The source of a paper as a reader sees it, its other files, and the lines of a PDF; hostile ones end soon."""

import logging
import time
from io import BytesIO
from pathlib import Path

import pypdf
import pytest
from pypdf.generic import DecodedStreamObject, NameObject

from mlexpert_nb.errors import UsageError
from mlexpert_nb.skill import read_paper
from mlexpert_nb.skill.documents import read_documents
from mlexpert_nb.skill.pdf import read_pdf

HEAD = r"\title{A Vision Transformer}\begin{document}\section{Model}"
PAPERS = Path(__file__).parents[1] / "papers"
LONGEST_S = 5.0


def stated(body):
    return {(each.concept, each.number) for each in read_paper(HEAD + body + r"\end{document}").hyperparameters}


@pytest.mark.parametrize(
    "hidden",
    [
        r"\iffalse A hidden size of 999. \if x \fi \fi",
        "\\begin{comment}\nA hidden size of 999.\n\\end{comment}",
        "\\begin{verbatim}\n% no comment\n\\section{Fake} A hidden size of 999.\n\\end{verbatim}",
        "\\begin{lstlisting}\nhidden size = 999\n\\end{lstlisting}",
        "\\\\% Hidden size is 999.\n",
        r"\textcolor{white}{A hidden size of 999.}",
        r"{\color{white} A hidden size of 999.}",
        r"{\fontsize{1pt}{1pt}\selectfont A hidden size of 999.}",
        r"{\tiny A hidden size of 999.}",
        r"\phantom{A hidden size of 999.}",
        r"\verb|hidden size of 999|",
    ],
)
def test_what_a_reader_does_not_see_states_nothing(hidden):
    assert stated(rf"{hidden} We use 4 layers. It is 100\% ours.") == {("depth", "4")}


def test_a_comment_after_a_line_break_is_no_row():
    rows = "Layers & 4 \\\\% Layers & 12 \\\\\nHeads & 8 \\\\%old\n"
    assert stated(rf"\begin{{tabular}}{{lr}}{rows}\end{{tabular}}") == {("depth", "4"), ("heads", "8")}


def test_a_false_condition_hides_its_first_branch_alone():
    assert stated(r"\iffalse 9 layers \else We use 4 heads. \fi We use 2 classes.") == {
        ("heads", "4"),
        ("classes", "2"),
    }


def test_short_names_of_a_paper_are_written_out_and_others_are_told():
    paper = read_paper(
        r"\newcommand{\h}{128}\def\ours{FooViT}\newcommand{\v}[1]{\mathbf{#1}}\newcommand{\x}[2]{#1 of #2}"
        r"\title{\ours{}: small}\begin{document}\section{A} The hidden size is \h. "
        r"\begin{equation} \v{y} = z \end{equation}"
        r"\x{a}{b}\end{document}"
    )
    assert paper.title == "FooViT: small"
    assert [each.number for each in paper.hyperparameters] == ["128"]
    assert paper.equations[0].text == "y = z"
    assert paper.notes == (r"macros that are not expanded: \x",)


def test_no_command_is_left_of_an_algorithm_box():
    box = r"\begin{algorithm}\caption{F}\KwIn{x}\For{$t\gets 1$ \KwTo $T$}{\State go}\Return{$x$}\end{algorithm}"
    (algorithm,) = read_paper(HEAD + box + r"\end{document}").algorithms
    assert algorithm.text == "KwIn x For t ← 1 KwTo T State go Return x"


def test_files_of_the_papers_own_folder_are_read_in_their_place(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts/method.tex").write_text(r"\section{Method} We use 4 layers. \input{parts/deeper}")
    (tmp_path / "parts/deeper.tex").write_text("We use 2 heads.")
    main = tmp_path / "main.tex"
    main.write_text(
        "\\title{T}\\begin{document}% \\input{nothing}\n\\include{parts/method}\\section{End}\\end{document}"
    )
    paper = read_paper(main)
    assert [each.title for each in paper.sections] == ["Method", "End"]
    assert {each.number for each in paper.hyperparameters} == {"4", "2"}
    assert paper.notes == ()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../outside", "only files of the paper's own folder are"),
        ("/etc/hostname", "only files of the paper's own folder are"),
        ("|id", "only files of the paper's own folder are"),
        ("link", "it is a link"),
        ("main", "it contains itself"),
        ("gone", "there is no such file"),
    ],
)
def test_other_files_are_not_read_and_that_is_said(tmp_path, name, reason):
    folder = tmp_path / "paper"
    folder.mkdir()
    (tmp_path / "outside.tex").write_text("A hidden size of 777.")
    (folder / "link.tex").symlink_to(tmp_path / "outside.tex")
    (folder / "main.tex").write_text(rf"{HEAD} \input{{{name}}} We use 4 layers.\end{{document}}")
    (document,) = read_documents([str(folder / "main.tex")])
    assert document.note == f"{name!r} not read: {reason}"
    assert "777" not in document.text
    assert f"{name!r} was not read" in read_paper(folder / "main.tex").notes


@pytest.mark.parametrize(
    "body",
    [
        r"hidden size " + "1," * 200_000,
        r"\section{" * 45_000,
        r"\begin{equation}" * 26_000,
        r"\begin{table}\begin{tabular}{l}" * 13_000,
        r"We use 4 layers and a hidden size of 64. $x_{1}$ & \begin{equation} a=b " * 5_500,
        r"\begin{equation}" + r"\frac{" * 66_000,
        r"\newcommand{\a}{\b\b\b\b\b\b\b\b}\newcommand{\b}{\c\c\c\c\c\c\c\c}\newcommand{\c}{\d\d\d\d\d\d\d\d}" * 30
        + r"\a" * 9_000,
    ],
    ids=["digits", "braces", "equations", "tables", "sentences", "fractions", "macros"],
)
def test_a_hostile_source_is_read_soon(body):
    start = time.monotonic()
    read_paper(HEAD + body)
    assert time.monotonic() - start < LONGEST_S


PDF = """Preprint. Under review. arXiv:2501.01234v1
1
Bidirectional Encoders for Logs:
A BERT Variant
Anonymous authors
Abstract
We train BERT with masked lan-
guage modelling.
1 Introduction
Prior BERT-large has 24 layers.
2 Model
We use a hid-
den size of 128 and a feed-
forward size of 512 with efﬁcient heads.
Table 1
Layers Hidden Heads Dropout
4 128 2 0.1
References
[1] A net with 99 layers.
A Hyper-parameters
max length 128"""


def test_the_lines_of_a_pdf_are_put_together():
    paper = read_paper(PDF)
    assert paper.title == "Bidirectional Encoders for Logs: A BERT Variant"
    assert paper.abstract == "We train BERT with masked language modelling."
    assert [each.title for each in paper.sections][-1] == "Hyper-parameters"
    own = {(each.concept, each.number) for each in paper.hyperparameters if not each.doubt}
    table = {("depth", "4"), ("width", "128"), ("heads", "2"), ("dropout", "0.1")}
    assert own == {*table, ("mlp width", "512"), ("context", "128")}


def test_of_mixed_columns_no_value_is_read_and_that_is_said():
    mixed = (
        "A Mistral\nAbstract\nWe use it. Table 1: Our model.\nwith a hidden size of 64 Figure 1: Ours\n4 layers  7\n"
    )
    paper = read_paper(mixed)
    assert paper.hyperparameters == ()
    assert "side by side" in paper.notes[0]


def test_an_empty_pdf_is_said_to_be_empty():
    with pytest.raises(UsageError, match=r"the file 'a\.pdf' is empty"):
        read_pdf(b" \n", "a.pdf")


def test_a_page_that_unpacks_to_too_much_is_not_read_and_that_is_said():
    writer, drawn = pypdf.PdfWriter(), DecodedStreamObject()
    drawn.set_data(b"0 0 m " * 2**20)
    page = writer.add_blank_page(100, 100)
    page[NameObject("/Contents")] = writer._add_object(drawn.flate_encode())
    file = BytesIO()
    writer.write(file)
    with pytest.raises(UsageError, match="unpacks to more than is read here"):
        read_pdf(file.getvalue(), "a.pdf")
    writer.append(BytesIO((PAPERS / "small_vit.pdf").read_bytes()))
    file = BytesIO()
    writer.write(file)
    text, note = read_pdf(file.getvalue(), "a.pdf")
    assert text.startswith("A Small Vision Transformer")
    assert note == "1 pages that unpack to more than 4 MiB"


def test_the_parser_says_nothing_on_its_own(capfd):
    with pytest.raises(UsageError, match="is damaged"):
        read_pdf(b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>", "a.pdf")
    assert capfd.readouterr().err == ""
    assert logging.getLogger("pypdf").level == logging.NOTSET
