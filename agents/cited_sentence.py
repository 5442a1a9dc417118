"""One sentence of a reason: its numbers, what it names, which name a number stands beside, what agrees."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

from agents.evidence_names import Citable, Mention, meant_by, read_mentions
from agents.written_numbers import Written, mask_other_numbers, written_numbers
from contracts.market import Timeframe

_LONGEST = 600
_SENTENCE_END = re.compile(r"(?<!\bvs)(?<!\be\.g)(?<!\bi\.e)(?<!approx)[.!?]['\")\]]*(?=\s|$)|\n+|;")
_DOWN_BEFORE = re.compile(
    r"\b(?:minus|negative|down|fell|falls|falling|dropp(?:ed|ing)|lost|los(?:es|ing)|declin\w+|short|sell)"
    r"(?:\s+(?:by|about|around|of|at|a|side|signal|some|strength|reading|roughly))*\s*[(~]?\s*$",
    re.IGNORECASE,
)
_DOWN_AFTER = re.compile(
    r"[\s-]*(?:pips?|points?|sigmas?|σ|percent|%|bps?)?[\s,(-]*(?:to|on|for|in)?\s*(?:the\s+)?"
    r"(?:below|under|beneath|negative|short|sell|down(?:side)?|lower)\b",
    re.IGNORECASE,
)
_SIZE_ONLY = re.compile(r"\b(?:magnitude|absolute|in size)\b|\|\d", re.IGNORECASE)
_LINK_BREAK = re.compile(
    r"\d|\b(?:while|but|whereas|although|though|because|since|so|and|or|nor|with|than)\b|[;{}]", re.IGNORECASE
)
_BEFORE_LINK = re.compile(
    r"(?:[\s,:=()\[~≈*`\"'>→|-]|['’]s\b|\b(?:is|are|was|were|at|of|to|the|an?|now|also|it|itself|in|has|"
    r"have|had|been|reads?|reading|"
    r"stands?|stood|sits?|sitting|prints?|printed|printing|com(?:es?|ing)|came|lies?|holds?|holding|"
    r"hover\w*|remains?|remained|"
    r"reach\w*|being|be|registers?|shows?|showing|equals?|stays?|stayed|runs?|trades?|trading|ris(?:es|en|"
    r"ing)|rose|f(?:e|a)ll(?:s|en|ing)?|"
    r"climb\w*|eas\w+|dropp\w+|mov\w+|gain\w*|hit|reached|currently|still|only|just|about|around|near|"
    r"nearly|roughly|"
    r"approximately|approx|almost|some|value|level|up|down|by|as|low|high|minus|plus|positive|negative|"
    r"strong|weak|"
    r"elevated|healthy|neutral|flat|firm|soft|from|over|under|above|below|than|closed|close|so|far|this|"
    r"hour|bar)\b)"
    r"{0,24}",
    re.IGNORECASE,
)
_AFTER_LINK = re.compile(
    r"[\s-]*(?:pips?|points?|%|percent|sigmas?|σ|bps?)?[\s-]*(?:reading|value|print)?\s*"
    r"(?:(?:on|for|in|from|of)\s+(?:the\s+|its\s+)?)?(?:[\w-]+\s)?\(?",
    re.IGNORECASE,
)
_SHARE_OF = re.compile(r"(?:%|percent)\s+of\s+(?:\w+\s+)?$", re.IGNORECASE)
"""Before a name that a share is of, "1% of equity": what else stands there is not its value."""
_JOIN = re.compile(r"[\s/,&–-]*(?:(?:and|vs\.?|versus|or|to|the)\s+)*(?:pips?|%)?[\s/,]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class KnownNumbers:
    """What may be cited, and what its numbers are told in."""

    numbers: tuple[Citable, ...]
    pip: Decimal | None
    timeframe: Timeframe | None

    def meant(self, mentions: Sequence[Mention]) -> list[Citable]:
        """The numbers that these mentions can mean."""
        return [number for mention in mentions for number in meant_by(mention, self.numbers, self.timeframe)]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with what is not about the market blanked."""

    text: str
    numbers: tuple[Written, ...]
    mentions: tuple[Mention, ...]
    named: tuple[Citable, ...]
    """What the mentions can mean."""
    before: tuple[Citable, ...]
    """The same of the last sentence that named anything."""


def sentences_of(text: str, known: KnownNumbers) -> Iterator[Sentence]:
    """The sentences of a text; a very long one is cut, so that the work grows with the text only."""
    masked = mask_other_numbers(text)
    before: list[Citable] = []
    for start, end in _spans(masked):
        part, mentions = masked[start:end], read_mentions(text[start:end], known.numbers)
        for first, last in (span for mention in mentions for span in mention.periods):
            part = f"{part[:first]}{' ' * (last - first)}{part[last:]}"
        named = known.meant(mentions)
        yield Sentence(part, tuple(written_numbers(part)), tuple(mentions), tuple(named), tuple(before))
        before = named or before


def _spans(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    ends = [found.end() for found in _SENTENCE_END.finditer(text)]
    for end in (*ends, len(text)):
        while end - start > _LONGEST:
            places = (text.rfind(mark, start + 1, start + _LONGEST) + 1 for mark in (", ", " "))
            cut = next((place for place in places if place > 0), start + _LONGEST)
            yield start, cut
            start = cut
        yield start, end
        start = end


# Which name a number stands beside


def names_beside(number: Written, sentence: Sentence) -> Sequence[Mention]:
    """The names that a number stands beside; none where that is not sure."""
    text, mentions = sentence.text, sentence.mentions
    ahead = [m for m in mentions if m.end <= number.start and not _SHARE_OF.search(text[: m.start])]
    after = [mention for mention in mentions if mention.start >= number.end]
    is_named_after = (
        bool(after)
        and bool(_AFTER_LINK.fullmatch(text[number.end : after[0].start]))
        and not _SHARE_OF.search(text[: after[0].start])
    )
    if (
        is_named_after
        and after[0].noun in ("lots", "quantity")
        and not text[number.end : after[0].start].strip()
    ):
        return after[:1]
    if in_turn := _in_turn(number, sentence, is_named_after):
        return [in_turn]
    is_named_before = bool(ahead) and bool(_BEFORE_LINK.fullmatch(text[ahead[-1].end : number.start]))
    if is_named_before and "," not in text[ahead[-1].end : number.start]:
        return ahead[-1:]
    if is_named_after:
        return after[:1]
    return ahead[-1:] if is_named_before else []


def _in_turn(number: Written, sentence: Sentence, is_named_after: bool) -> Mention | None:
    """As in "RSI and ADX at 58.3 and 21.0": names in a row, then as many numbers; or one name for all."""
    text = sentence.text
    spans = [(written.start, written.end) for written in sentence.numbers]
    first, last = _row(spans, spans.index((number.start, number.end)), text)
    ahead = [mention for mention in sentence.mentions if mention.end <= spans[first][0]]
    if first == last or not ahead or _LINK_BREAK.search(text[ahead[-1].end : spans[first][0]]):
        return None
    place = sentence.numbers.index(number) - first
    start, stop = _row([(mention.start, mention.end) for mention in ahead], len(ahead) - 1, text)
    names = ahead[-(last - first + 1) :]
    is_of_one = len({mention.noun for mention in names}) == 1
    if stop - start == last - first or (
        is_of_one and len(names) == last - first + 1 and _no_number(names, text)
    ):
        return names[place]
    is_listed = start == stop and place and not is_named_after
    between = text[sentence.numbers[first + place - 1].end : number.start] if is_listed else ","
    if "," not in between:
        return replace(ahead[-1], is_any_kind=True)
    return None


def _no_number(names: Sequence[Mention], text: str) -> bool:
    return not re.search(r"\d", " ".join(text[a.end : b.start] for a, b in pairwise(names)))


def _row(spans: Sequence[tuple[int, int]], index: int, text: str) -> tuple[int, int]:
    """First and last of the spans around one that nothing but commas, "and" and the like separates."""
    first = last = index
    while first > 0 and _JOIN.fullmatch(text[spans[first - 1][1] : spans[first][0]]):
        first -= 1
    while last + 1 < len(spans) and _JOIN.fullmatch(text[spans[last][1] : spans[last + 1][0]]):
        last += 1
    return first, last


# Whether a value reads so


def agrees(number: Written, value: Citable, sentence: Sentence, known: KnownNumbers) -> bool:
    """Whether the value reads like the number, its sign included."""
    scale = scale_to(number.unit, value, known.pip)
    if scale is None or not number.fits(value.exact * scale):
        return False
    if number.size == 0:
        return True
    before, after = sentence.text[: number.start], sentence.text[number.end :]
    if number.sign:
        return number.sign * value.exact >= 0
    is_down = bool(_DOWN_BEFORE.search(before) or _DOWN_AFTER.match(after))
    if value.exact < 0:
        return is_down or bool(_SIZE_ONLY.search(sentence.text))
    return not (is_down and value.noun in _SIGNED)


_SIGNED = ("macd", "strength")
"""Nouns whose values take both signs, so that a word beside the number can give the wrong one."""


def scale_to(unit: str, value: Citable, pip: Decimal | None) -> Decimal | None:
    """What the value is multiplied by to be told in that unit; None where it never is."""
    told = "money" if re.fullmatch(r"[A-Z]{3,4}", value.unit) else _OWN_UNIT.get(value.unit, value.unit)
    if unit in ("", told) or (unit == "atr" and value.noun == "atr"):
        return Decimal(1)
    if told == "price" and unit == "pips":
        return None if pip is None else 1 / pip
    if told in _TOLD_AS:
        return _TOLD_AS[told].get(unit)
    return _TOLD_AS["ratio"].get(unit)


_OWN_UNIT = {"percent": "%", "bps": "bp", "score": "points", "R": "r"}
_TOLD_AS: dict[str, dict[str, Decimal]] = {
    "price": {},
    "points 0-100": {"points": Decimal(1), "%": Decimal(1)},
    "%": {"bp": Decimal(100)},
    "bp": {"%": Decimal("0.01")},
    "ratio": {"%": Decimal(100), "bp": Decimal(10_000), "x": Decimal(1)},
    "units": {"money": Decimal(1)},
    **{unit: {} for unit in ("points", "pips", "sigma", "money", "lots", "count", "r")},
}
