"""What is kept of a child's output, and which lines are handed out."""

import pytest

from mlexpert_nb.workspace.output import KEPT_KIB, Capture


def test_a_very_long_output_keeps_both_ends():
    capture = Capture(None)
    for number in range(500_000):
        capture.feed(b"line %d\n" % number)
    assert capture.text.startswith("line 0\nline 1\n")
    assert capture.text.endswith("line 499998\nline 499999\n")
    assert "\n... " in capture.text
    assert " bytes left out ...\n" in capture.text
    assert len(capture.text) < 2 * KEPT_KIB * 1024 + 100


@pytest.mark.parametrize("size", [0, 1, KEPT_KIB * 1024, 2 * KEPT_KIB * 1024])
def test_an_output_that_fits_is_kept_whole(size):
    capture = Capture(None)
    capture.feed(b"x" * size)
    assert capture.text == "x" * size


def test_lines_are_whole_whatever_pieces_they_come_in():
    lines: list[str] = []
    capture = Capture(lines.append)
    for piece in (b"a", b"b\nc\r\n\n", b"10%\r20%\r30", b"%\nna\xc3", b"\xafve \xff\nlast"):
        capture.feed(piece)
    capture.finish()
    assert lines == ["ab", "c", "", "30%", "naïve \ufffd", "last"]


def test_a_line_without_end_is_handed_out_in_pieces():
    lines: list[str] = []
    capture = Capture(lines.append)
    for _ in range(100):
        capture.feed(b"x" * 10_000)
    capture.finish()
    assert "".join(lines) == "x" * 1_000_000
    assert len(lines) > 5
