"""Numbers as papers write them: powers, products, shares, words; a range or a formula is none, and says so."""

import re
from collections.abc import Mapping
from fractions import Fraction

ATOM = (  # every part is bounded: a text of nothing but digits must not take minutes
    r"(?:\d{1,3}(?:,\d{3}){1,4}|\d{1,12})(?:\.\d{1,12})?(?:[eE][-+]?\d{1,3})?(?:\^\s?\(?-?\d{1,3}\)?)?(?![\d,]\d)"
)
CHUNK = rf"{ATOM}(?:\s?[×x·*]\s?{ATOM})?(?:\s?%|[kKM]\b)?"
_SPELLED = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
WORDS: Mapping[str, int] = {word: value for value, word in enumerate(_SPELLED, 1)}
FORMULA = "it is a formula that is not worked out here"
RANGE = "the paper gives a range or a choice"
UNCLEAR = "it is not read as one number"
_SQUARE = frozenset({"image size", "patch size", "patch stride", "kernel", "window"})  # 32 × 32 is 32
_LARGEST_EXPONENT = 30
_ATOM = re.compile(
    r"(?P<whole>\d[\d,]{0,18})(?P<part>\.\d{1,12})?(?:[eE](?P<tens>[-+]?\d{1,3}))?(?:\^\s?\(?(?P<power>-?\d{1,3})\)?)?"
)
_NUMBER = re.compile(rf"(?P<left>{ATOM})(?:\s?(?P<times>[×x·*])\s?(?P<right>{ATOM}))?\s?(?P<unit>%|[kKM]\b)?")
_RANGE = re.compile(rf"[\[{{(]|{ATOM}\s?(?:-{{1,3}}|–|—|/|,|;|\bto\b|\bor\b|\band\b)\s?\\?{ATOM}|\.\.\.|\bdots\b")  # noqa: RUF001 - dashes as papers set them
_MARKS = re.compile(r"\^?[†‡§*]|\^?\(?(?:dagger|ddagger|ast|star)\)?|\^\(?[a-z]\)?$")
_STATED = re.compile(rf"^[\w\s^*·×/+-]{{1,30}}=\s?(?P<value>{CHUNK})$")
_LETTER = re.compile(r"^[A-Za-z]\w{0,8}(?:\s?=\s?)(?P<value>.+)$")
_SPACES = re.compile(r"(?<=\d)[\u2009\u202f\u00a0](?=\d{3}\b)")


def read_number(text: str, concept: str = "") -> tuple[str, str]:
    """Read a value as one number.

    Args:
        text: The value as it is written.
        concept: What it is of; of an image, "32 × 32" is a side of 32.

    Returns:
        The number in Python's spelling and an empty string, or an empty string and why it is none.
    """
    plain = _MARKS.sub("", _SPACES.sub("", text.replace("−", "-"))).strip(" .,;~≈$")  # noqa: RUF001 - a minus
    if plain.casefold() in WORDS:
        return str(WORDS[plain.casefold()]), ""
    if stated := _STATED.match(plain) or _LETTER.match(plain):
        plain = stated["value"].strip()
    found = _NUMBER.fullmatch(plain)
    if found is None:
        return "", _why_none(plain)
    if (found["unit"] or "%") != "%":
        return "", f"{plain} may be rounded, or count in steps of 1024"
    return _worked_out(found, concept)


def _worked_out(found: re.Match[str], concept: str) -> tuple[str, str]:
    """Give the value of a number or a product of two, or why it is none."""
    left, right = _value(found["left"]), _value(found["right"]) if found["right"] else Fraction(1)
    if left is None or right is None:
        return "", FORMULA
    if found["right"] and concept in _SQUARE:
        return (_spelled(left), "") if left == right else ("", "it is not square, and the networks here read squares")
    if found["right"] and left == right and found["times"] in "×x":
        return "", FORMULA  # two sides of something that is no image
    return _spelled(left * right * (Fraction(1, 100) if found["unit"] == "%" else 1)), ""


def _why_none(plain: str) -> str:
    if _RANGE.match(plain):
        return RANGE
    return FORMULA if re.match(r"\d", plain) else UNCLEAR


def _value(text: str) -> Fraction | None:
    """Give a number with its exponent or power; None where the power is beyond reason."""
    found = _ATOM.fullmatch(text)
    if found is None:
        return None
    base = Fraction(found["whole"].replace(",", "") + (found["part"] or ""))
    tens, power = int(found["tens"] or 0), int(found["power"] or 1)
    if abs(tens) > _LARGEST_EXPONENT or abs(power) > _LARGEST_EXPONENT or (base == 0 and power < 0):
        return None
    value: Fraction = base * Fraction(10) ** tens if tens else base
    return Fraction(value**power)


def _spelled(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else repr(float(value))
