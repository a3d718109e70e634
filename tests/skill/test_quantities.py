"""Quantities as people type them: what is read, what is refused and with which advice, and the way back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlexpert_nb.errors import UsageError
from mlexpert_nb.skill import parse_count, parse_duration, parse_size
from mlexpert_nb.skill.quantities import spell_count, spell_duration, spell_size


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("25M", 25_000_000),
        ("25M parameters", 25_000_000),
        ("25 million params", 25_000_000),
        ("25M target", 25_000_000),
        ("~25m", 25_000_000),
        ("1.3B", 1_300_000_000),
        ("1,3 Mrd.", 1_300_000_000),
        ("25 Mio. Parameter", 25_000_000),
        ("11 millions", 11_000_000),
        ("500K", 500_000),
        ("24929609", 24_929_609),
        ("24,929,609", 24_929_609),
        ("24 929 609", 24_929_609),
        ("24_929_609", 24_929_609),
        ("2.5e7", 25_000_000),
        ("10", 10),
    ],
)
def test_counts_are_read(text, count):
    assert parse_count(text) == count


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("6GB", 6 * 10**9),
        ("6 GiB", 6 * 2**30),
        ("6 GiB VRAM", 6 * 2**30),
        ("6 GB of GPU memory", 6 * 10**9),
        ("500 MB", 500 * 10**6),
        ("0.5TB", 500 * 10**9),
        ("6g", 6 * 10**9),
        ("< 6GB", 6 * 10**9),
    ],
)
def test_sizes_are_read(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "duration_ms"),
    [
        ("100ms", 100.0),
        ("< 100 ms", 100.0),
        ("under 100 ms", 100.0),
        ("28ms latency", 28.0),
        ("0.1s", 100.0),
        ("0,5 s", 500.0),
        ("250 \u00b5s", 0.25),
        ("1 minute", 60_000.0),
        ("real-time", 100.0),
        ("Real time", 100.0),
        ("realtime", 100.0),
    ],
)
def test_durations_are_read_in_milliseconds(text, duration_ms):
    assert parse_duration(text) == duration_ms


@pytest.mark.parametrize(
    "text",
    ["banana", "", "M", "25Mx", "25MB", "2.5.1M", "\u0663M M", "25M; rm -rf /", "1" + " " * 50_000 + "x", "1e99999"],
    ids=lambda text: text[:12],
)
def test_nonsense_is_no_count(text):
    with pytest.raises(UsageError, match=r"type e\.g\. 25M or 1\.3B"):
        parse_count(text)


@pytest.mark.parametrize("text", ["banana", "", "GB", "6 PB", "6 bananas"])
def test_nonsense_is_no_size(text):
    with pytest.raises(UsageError, match=r"is not a memory size; type e\.g\. 6GB or 500MB"):
        parse_size(text)


@pytest.mark.parametrize("text", ["banana", "", "ms", "5 h", "real"])
def test_nonsense_is_no_duration(text):
    with pytest.raises(UsageError, match=r"is not a duration; type e\.g\. 100ms, 0\.5s or real-time"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["-5M", "-1", " - 25M", "\u22125M"])
def test_a_negative_count_is_refused(text):
    with pytest.raises(UsageError, match="is negative; a number of parameters is more than zero"):
        parse_count(text)


@pytest.mark.parametrize(
    ("parse", "text"), [(parse_size, "-1GB"), (parse_duration, "-5ms"), (parse_duration, "< -5 ms")]
)
def test_a_negative_limit_is_refused(parse, text):
    with pytest.raises(UsageError, match="is negative"):
        parse(text)


@pytest.mark.parametrize(
    ("parse", "text"), [(parse_count, "0"), (parse_count, "0M"), (parse_size, "0GB"), (parse_duration, "0 ms")]
)
def test_zero_is_refused(parse, text):
    with pytest.raises(UsageError, match="is zero"):
        parse(text)


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_count, "100T"),
        (parse_count, "9" * 60),
        (parse_size, "0.5MB"),
        (parse_size, "9999TB"),
        (parse_duration, "200 min"),
    ],
)
def test_the_absurd_is_refused(parse, text):
    with pytest.raises(UsageError, match=r"makes no sense as a .* of a network"):
        parse(text)


@pytest.mark.parametrize(("parse", "text"), [(parse_size, "6"), (parse_duration, "100")])
def test_a_missing_unit_is_named(parse, text):
    with pytest.raises(UsageError, match=r"\(the unit is missing\); type e\.g\."):
        parse(text)


def test_half_a_parameter_is_refused():
    with pytest.raises(UsageError, match="not a whole number of parameters"):
        parse_count("1.5")


def test_a_refusal_is_one_short_line_whatever_was_typed():
    with pytest.raises(UsageError) as raised:
        parse_count("banana\n" * 1000)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 120


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(1, 10**13))
def test_a_spelled_count_reads_back_as_itself(count):
    assert parse_count(spell_count(count)) == count


@settings(deadline=None)
@given(st.integers(10**6, 10**14))
def test_a_spelled_size_reads_back_as_itself(size):
    assert parse_size(spell_size(size)) == size


@settings(deadline=None)
@given(st.floats(0.001, 3.6e6))
def test_a_spelled_duration_reads_back_as_itself(duration_ms):
    assert parse_duration(spell_duration(duration_ms)) == duration_ms


def test_round_figures_are_spelled_short():
    assert [spell_count(25_000_000), spell_count(1_300_000_000), spell_count(24_929_609)] == ["25M", "1.3B", "24929609"]
    assert [spell_size(6 * 10**9), spell_size(6 * 2**30), spell_size(512 * 2**20)] == ["6GB", "6GiB", "512MiB"]
    assert [spell_duration(100.0), spell_duration(0.25)] == ["100ms", "0.25ms"]


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    for parse in (parse_count, parse_size, parse_duration):
        try:
            assert parse(text) > 0
        except UsageError as error:
            assert "\n" not in str(error)  # noqa: PT017 - a value is as good as a refusal here
