"""Which values of a paper are its own: numbers in every spelling, whose they are, and tables in every form."""

import pytest

from mlexpert_nb.skill import read_paper
from mlexpert_nb.skill.paper.numbers import read_number

TRIED = "it was searched, varied or tried, not chosen"
OTHER = "it is said of another model"
RANGE = "the paper gives a range or a choice"
CHOICE = "is not clear"


def paper_of(body, title="A Vision Transformer"):
    return read_paper(rf"\title{{{title}}}\begin{{document}}\section{{Model}}" + body + r"\end{document}")


def values(body, title="A Vision Transformer"):
    return {(each.concept, each.number) for each in paper_of(body, title).hyperparameters if not each.doubt}


def doubts(body, title="A Vision Transformer"):
    return [(each.concept, each.doubt) for each in paper_of(body, title).hyperparameters]


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("10^-5", "1e-05"),
        ("2^15", "32768"),
        ("5×10^5", "500000"),
        ("3 · 10^-4", "0.0003"),
        ("1e-12", "1e-12"),
        ("28,996", "28996"),
        ("10%", "0.1"),
        ("4H = 1536", "1536"),
        ("L = 168", "168"),
        ("4× 64", "256"),
        ("0.2^†", "0.2"),
        ("three", "3"),
        ("10^99", ""),
        ("64×64", ""),
        ("4K", ""),
        ("0.5M", ""),
        ("0.1--0.3", ""),
        ("4/8", ""),
        ("{1, 2}", ""),
        ("2d + 1", ""),
        ("see Table 3", ""),
    ],
)
def test_a_number_is_read_in_any_spelling_and_nothing_is_read_halfway(written, number):
    read, why = read_number(written)
    assert read == number
    assert bool(why) is (not number)


def test_of_an_image_a_product_is_its_side_if_it_is_square():
    assert read_number("32 x 32", "image size") == ("32", "")
    assert read_number("32x64", "image size") == ("", "it is not square, and the networks here read squares")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"The norm epsilon is set to $10^{-5}$.", {("norm epsilon", "1e-05")}),
        (r"RoPE theta is $5\times10^{5}$.", {("rope base", "500000")}),
        (r"The feed-forward dimension is $4H = 1536$.", {("mlp width", "1536")}),
        (r"The lookback window is $L=168$.", {("context", "168")}),
        (r"It has $A = 12$ self-attention heads.", {("heads", "12")}),
        (r"The vocabulary has 28{,}996 WordPiece tokens.", {("vocabulary", "28996")}),
        (r"Hidden dropout of $p=0.1$ is used.", {("dropout", "0.1")}),
        (r"There are three classes.", {("classes", "3")}),
        (r"We resize images to $64\times64$ pixels.", {("image size", "64")}),
        (r"max length 128; LayerNorm eps 1e-12", {("context", "128"), ("norm epsilon", "1e-12")}),
        (r"\begin{itemize}\item layers: 4 \item heads: 2\end{itemize}", {("depth", "4"), ("heads", "2")}),
        (r"Layers of 64 units.", set()),
    ],
)
def test_running_text_is_read_in_the_words_of_papers(text, found):
    assert values(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A dropout of 0.1--0.3 is searched.", ("dropout", TRIED)),
        ("A dropout of 0.1--0.3 is set.", ("dropout", RANGE)),
        ("A hidden size between 32 and 64.", ("width", RANGE)),
        ("A dropout of 0.1 or 0.2.", ("dropout", RANGE)),
        ("In the ablation we also use a dropout of 0.5.", ("dropout", TRIED)),
        ("We do not use 12 heads.", ("heads", "the paper says that it is not so")),
        ("The teacher has a hidden size of 1024.", ("width", OTHER)),
        ("Prior work uses 48 layers.", ("depth", OTHER)),
        ("BERT-base, in contrast, has 12 layers.", ("depth", OTHER)),
        ("Mistral 7B has a context window of 8192 tokens.", ("context", OTHER)),
        ("The classification head has two layers.", ("depth", "it may be said of a part of the network alone")),
        ("The MLP has a hidden size of 128.", ("width", "it may be said of a part of the network alone")),
        ("The hidden size is 64d.", ("width", "it is a formula that is not worked out here")),
    ],
)
def test_what_is_not_the_papers_own_choice_is_told_with_the_reason(text, found):
    assert doubts(text) == [found]


def test_another_model_in_a_sentence_does_not_take_the_papers_own_value_away():
    assert values("The teacher has 12 layers, and we use 4 heads. CompactViT has 6 classes.", "CompactViT") == {
        ("heads", "4"),
        ("classes", "6"),
    }


def test_the_list_of_references_and_related_work_state_nothing():
    body = r"\section{Related work} We know 7 layers. \begin{thebibliography}{1} 24 layers. \end{thebibliography}"
    assert values(body) == set()
    assert not any(each.value == "24" for each in paper_of(body).hyperparameters)


@pytest.mark.parametrize(
    "box",
    [
        r"\begin{longtable}{lr}%s\end{longtable}",
        r"\begin{center}\begin{tabular}{lr}%s\end{tabular}\end{center}",
        r"\begin{wraptable}{r}{5cm}\begin{tabular}{lr}%s\end{tabular}\end{wraptable}",
        r"\begin{tabularx}{\textwidth}{lX}%s\end{tabularx}",
        r"\begin{table*}\begin{tabular}{@{}lr@{}}%s\end{tabular}\end{table*}",
    ],
)
def test_a_table_is_one_in_any_box_and_no_prose(box):
    paper = paper_of(box % r"Hidden size & 64\\ Layers & 4\\")
    assert [(each.concept, each.number) for each in paper.hyperparameters] == [("width", "64"), ("depth", "4")]
    assert "Hidden" not in paper.sections[0].text


def test_names_on_top_count_from_the_first_column():
    found = values(r"\begin{tabular}{ccc}Hidden size & Layers & Heads\\ 64 & 4 & 2\\\end{tabular}")
    assert found == {("width", "64"), ("depth", "4"), ("heads", "2")}


def test_cells_over_several_rows_and_columns_are_laid_out():
    rows = r"\multirow{2}{*}{Attention} & Heads & 8 \\ & KV heads & 2 \\ \multirow{1}{*}{All} & Layers & {\bf 4} \\"
    assert values(rf"\begin{{tabular}}{{llr}}{rows}\end{{tabular}}") == {
        ("heads", "8"),
        ("kv heads", "2"),
        ("depth", "4"),
    }


@pytest.mark.parametrize(
    ("head", "title", "text", "reason"),
    [
        ("Small & Base (ours)", "A ViT", "", "called the paper's own"),
        ("DeiT & FooViT", "FooViT: a ViT", "", "the title names it"),
        ("V/T & V/S", "A ViT", "The model in all experiments is V/S.", "the text calls it its own"),
    ],
)
def test_of_several_models_the_papers_own_column_is_read_and_named(head, title, text, reason):
    paper = paper_of(
        text + rf"\begin{{tabular}}{{lcc}} & {head}\\ Layers & 4 & 8\\ Heads & -- & 2\\\end{{tabular}}", title
    )
    assert [(each.concept, each.number) for each in paper.hyperparameters] == [("depth", "8"), ("heads", "2")]
    assert reason in paper.notes[0]


def test_of_several_models_none_of_which_is_the_papers_nothing_that_differs_is_read():
    paper = paper_of(r"\begin{tabular}{lcc} & S & L\\ Layers & 4 & 8\\ Heads & \multicolumn{2}{c}{2}\\\end{tabular}")
    assert {(each.concept, each.number) for each in paper.hyperparameters if not each.doubt} == {("heads", "2")}
    assert CHOICE in paper.notes[0]


def test_a_table_of_results_and_one_of_an_ablation_state_nothing():
    results = r"\begin{tabular}{lr}Model & PPL\\ GPT-2 & 18.3\\ Ours & 12.1\end{tabular}"
    ablation = r"\begin{table}\caption{Ablation}\begin{tabular}{lr}Layers & 12\\ Heads & 3\end{tabular}\end{table}"
    assert paper_of(results).hyperparameters == ()
    assert paper_of(ablation).hyperparameters == ()


def test_a_value_of_a_table_and_another_one_of_the_text_are_both_told():
    paper = paper_of(r"Dropout is 0.2. We use 4 layers.\begin{tabular}{lr}Dropout & 0.1\\ Layers & 4\end{tabular}")
    told = [(each.concept, each.number, each.where) for each in paper.hyperparameters]
    assert told == [
        ("dropout", "0.1", "Table without a number"),
        ("depth", "4", "Table without a number"),
        ("dropout", "0.2", "Model"),
    ]


def test_what_is_said_of_the_own_model_leaves_comparisons_out():
    source = (
        r"\begin{abstract}A decoder with RoPE. It outperforms GPT-2 and Titans. Unlike BERT, it is small.\end{abstract}"
    )
    title, abstract, *_ = paper_of(source, "A Decoder that Outperforms GPT-2").own
    assert (title.title, title.text) == ("title", "A Decoder that")
    assert abstract.title == "abstract"
    assert abstract.text == "A decoder with RoPE. It it is small."
