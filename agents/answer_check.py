"""What in an answer stands on no record: numbers that nothing returned, cycles that do not exist.

Stricter than `grounding.py`, which reads reasons about one market: here every number counts, sizes and
opinions too, and none is let through for being small. A number stands when a value shown to the model, or
written by the person, reads like it: rounded or cut to the digits written, in the same unit where both tell
one, with a minus only where the value has it. Known gaps: a true value said of the wrong thing, and dates
and times, which are not compared.
"""

import re
from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import NamedTuple

from agents.written_numbers import Written, written_numbers

_HASH = re.compile(r"(?<![\w.])(?:(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{8,64}|[0-9]{12,64})(?!\w|\.\d)")
"""A content hash or its beginning; a word of these letters alone is a word."""
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)[a-z]*\.?"
_NOT_COMPARED = re.compile(
    r"\b\d{4}-\d{2}(?:-\d{2})?(?:[t ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?(?:z\b|[+-]\d{2}:\d{2})?"
    r"|\b\d{1,2}:\d{2}(?::\d{2})?\b"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)?\s+{_MONTH}(?:\s+\d{{4}})?\b|\b{_MONTH}\s+\d{{1,2}}\b(?:,?\s+\d{{4}}\b)?"
    r"|(?m:^)[ \t]*\d{1,2}[.)](?=\s)"
    r"|\b\d{1,2}[mhdw]\b|\b[MHDW]\d{1,2}\b",
    re.IGNORECASE,
)
"""Dates, times, numbers of a list, timeframes."""


class Shown(NamedTuple):
    """A number that was shown: its value, and its unit where it was written with one."""

    value: Decimal
    unit: str


def numbers_in(text: str) -> frozenset[Shown]:
    """Every number of a text that an answer may repeat."""
    found = written_numbers(_without_ids(text))
    return frozenset(Shown(number.size * (number.sign or 1), number.unit) for number in found)


def not_shown(text: str, shown: Collection[Shown]) -> tuple[str, ...]:
    """The numbers of an answer, as written and in order, that nothing shown reads like."""
    found = written_numbers(_without_ids(text))
    strangers = [n.text.strip() for n in found if not any(_reads_like(n, known) for known in shown)]
    return tuple(dict.fromkeys(strangers))


def hashes_in(text: str) -> Iterable[str]:
    """What looks like an id of a cycle, whole or its beginning, each once."""
    return dict.fromkeys(found.group() for found in _HASH.finditer(text.lower()))


def _without_ids(text: str) -> str:
    blank = _HASH.sub(lambda found: " " * len(found.group()), text)
    return _NOT_COMPARED.sub(lambda found: " " * len(found.group()), blank)


def _reads_like(number: Written, known: Shown) -> bool:
    if number.sign and known.value and (number.sign > 0) != (known.value > 0):
        return False
    return any(number.fits(known.value * scale) for scale in _scales(number.unit, known.unit))


def _scales(written: str, shown: str) -> tuple[int, ...]:
    """What a shown value may be multiplied by to be told in the unit written."""
    if written == "%" and shown in ("", "x"):
        # A field may hold a ratio or a percentage; its name is not read here.
        return (1, 100)
    if written == "bp" and shown in ("", "%"):
        return (1, 100, 10_000) if not shown else (100,)
    return (1,) if not written or not shown or written == shown else ()
