"""The frozen picture: HTML and text with everything in it, and nothing that runs."""

from mlexpert_widgets.live.picture import Picture, Table

BAD = "<script>alert(1)</script>"
TABLE = Table("Runs", ("run", "loss"), tuple((f"run {at}", f"{at / 10}") for at in range(20)))


def test_html_holds_the_picture_the_summary_and_the_table_and_escapes_text():
    html = Picture(BAD, BAD, "<svg/>", (Table(BAD, (BAD,), ((BAD,),)),)).html("mlx-1")
    assert html.startswith('<div class="mlx-view mlx-1"')
    assert "<svg/>" in html
    assert html.count("&lt;script&gt;") == 5
    assert "<script" not in html


def test_a_table_without_rows_is_left_out():
    assert "details" not in Picture("t", "s", "<svg/>", (Table("Runs", ("run",), ()),)).html()


def test_a_long_table_is_cut_and_says_so():
    table = Table("t", ("n",), tuple((str(at),) for at in range(10_000)))
    html = table.html()
    assert html.count("<tr>") == 202
    assert "… 9800 more rows" in html
    assert table.html(2000).count("<tr>") < 60


def test_tables_are_shortened_to_what_the_drawing_leaves():
    rows = tuple((f"name {at}", "é" * 40) for at in range(300))
    picture = Picture("t", "s", "<svg/>", (Table("a", ("n", "m"), rows), Table("b", ("n", "m"), rows)))
    html = picture.html(most_bytes=20_000)
    assert 15_000 < len(html.encode()) <= 20_000
    assert html.count("more rows") == 2


def test_text_is_aligned_and_says_what_it_leaves_out():
    text = Picture("Curves", "20 runs", "<svg/>", (TABLE,)).text().splitlines()
    assert text[:3] == ["Curves", "", "20 runs"]
    assert text[5:7] == ["run     loss", "run 0   0.0"]
    assert text[-1] == "… 8 more rows"
