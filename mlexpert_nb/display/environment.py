"""Cards about the toolkit's surroundings: its settings, and the checks of the environment."""

from mlexpert_nb.api import Configuration, Health, Row, SettingNow
from mlexpert_nb.display.card import Card, Step, Tone, table
from mlexpert_nb.display.safe import counted

_TONES: dict[str, Tone] = {"ok": "good", "warning": "warn", "problem": "bad"}
_SHORT = 80  # characters of a row that the text card shows for sure
_MARKS = {"ok": "✓", "warning": "!", "problem": "✗"}


def config_card(found: Configuration, front: str) -> Card:
    """Show every setting, its value and where it comes from."""
    rows = [(each.name, _value(each.value), _source(each)) for each in found.settings]
    settings = table("Settings", ("setting", "value", "from"), rows, unfolded=True)
    file = found.file if found.exists else f"{found.file} (not there yet)"
    facts = (("File", file), ("API key", f"never a setting; {front} doctor says whether one is found, and where"))
    steps = (
        Step("store a setting", f"{front} config model=NAME"),
        Step("take it out again", f"{front} config model="),
    )
    if not found.changed:
        return Card("info", "Settings of mlexpert", tables=(settings,), facts=facts, steps=steps)
    hidden = [each for each in found.settings if each.name in found.changed and each.stored is not None]
    told = "; ".join(f"{each.variable} in the environment wins over {each.name}" for each in hidden)
    return Card("warn" if hidden else "good", _changed(found), told, tables=(settings,), facts=facts)


def doctor_card(found: Health, front: str) -> Card:
    """Show every check of the environment, the worst first, and what to do about them."""
    order = sorted(found.rows, key=lambda row: ("problem", "warning", "ok").index(row.state))
    rows = [(_MARKS[row.state], row.name, row.found) for row in order]
    checks = table("Checks", ("", "what", "found"), rows, unfolded=True)
    steps = tuple(Step(_advice(row, front)) for row in order if row.advice)
    numbers = ((found.problems, "problem"), (found.warnings, "warning"))
    told = [counted(number, noun) for number, noun in numbers if number]
    headline = ", ".join(told) if told else "Everything is in order"
    return Card(_TONES[order[0].state] if order else "good", headline, tables=(checks,), steps=steps)


def _advice(row: Row, front: str) -> str:
    """Say what to do; what was found with it where a line of the table is too short for it."""
    whole = f"{row.found}. To do: {row.advice}" if len(row.found) > _SHORT else row.advice
    return f"{row.name}: {whole.replace('mlexpert config', f'{front} config')}"


def _changed(found: Configuration) -> str:
    in_file = {each.name for each in found.settings if each.source == "file" or each.stored is not None}
    stored = ", ".join(name for name in found.changed if name in in_file)
    taken_out = ", ".join(name for name in found.changed if name not in in_file)
    return "; ".join(f"{what}: {names}" for what, names in (("Stored", stored), ("Taken out", taken_out)) if names)


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _source(each: SettingNow) -> str:
    match each.source:
        case "default":
            return "default"
        case "file":
            return "file"
        case "environment":
            text = f"environment, {each.variable}"
        case "session":
            text = f"this session, {each.variable}"
    return text if each.stored is None else f"{text} (the file says {each.stored})"
