"""Numbers as people and models write them: which stand in a text, how exactly, in what unit.

Numbers that say nothing about the market are left out here by their shape: dates and times, lengths in
bars or hours, counts and list numbers, citations in brackets, a confidence, the share of a size, the two
ends of a scale. What is left is for `grounding.py` to find among the values on record.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|(?-i:May)|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_LENGTH = (
    r"(?:bars?|candles?|candlesticks?|periods?|sessions?|hours?|hrs?|h|days?|d|minutes?|mins?|weeks?|wk|"
    r"months?|obs(?:ervations)?|"
    r"years?|closes)"
)
_COUNTED = (
    r"(?:reasons?|points? (?:to|that|in favou?r)|signals?|indicators?|factors?|parts?|votes?|conditions?|"
    r"criteria|"
    r"confirmations?|timeframes?|averages|rows?|measures?|others?|times|things|seats?|pairs?|arguments?|"
    r"lines?)"
)
_LABEL = (
    r"(?:reasons?|points?|steps?|items?|rules?|options?|scenarios?|cases?|factors?|notes?|sections?|rows?|"
    r"seats?|cycles?|no\.|number)"
)
_SURE = r"(?:confiden(?:ce|t)|sure|certain(?:ty)?|probab(?:ility|le)|conviction|chance|likel(?:y|ihood))"
_SURENESS = r"(?:confidence|certainty|probability|conviction|likelihood)"
_AT = r"(?<![\w.])"
"""Where a number may begin: never in the middle of another."""
_NUMBER = r"\d+(?:\.\d+)?"
_SHARE = rf"(?:{_AT}{_NUMBER}\s?(?:%|percent)|(?<![\w.])0?\.\d+x?(?!\d|\s?lots?))"
_SIZE = r"(?:size|position|quantity|allocation|exposure|proposal)"

_NOT_MARKET: tuple[str, ...] = (
    # Dates, times, years.
    rf"{_AT}\d{{4}}-\d{{2}}(?:-\d{{2}})?(?:t\d{{2}}:\d{{2}}(?::\d{{2}})?(?:\.\d+)?(?:z|"
    rf"[+-]\d{{2}}:?\d{{2}})?)?\b",
    rf"{_AT}\d{{1,2}}/\d{{1,2}}/(?:19|20)?\d{{2}}\b|{_AT}\d{{1,2}}\.\d{{1,2}}\.(?:19|20)\d{{2}}\b",
    rf"{_AT}\d{{1,2}}:\d{{2}}(?::\d{{2}})?(?:\s?[ap]\.?m\b)?",
    rf"{_AT}\d{{1,2}}\s?[ap]\.?m\b",
    rf"{_AT}{_DAY}(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}(?:\s+(?:19|20)\d\d)?",
    rf"\b{_MONTH}\s+{_DAY}(?:st|nd|rd|th)?\b(?!\.\d)(?:,?\s+(?:19|20)\d\d\b)?",
    rf"\b(?:{_MONTH}|in|since|during|year|early|mid|late)[\s-]+(?:19|20)\d\d\b(?!\.\d|%|-\d)",
    r"\bq[1-4]\b(?:\s+(?:19|20)\d\d)?",
    # Order, lists, labels, citations.
    rf"{_AT}\d+(?:st|nd|rd|th)\b",
    r"(?:(?m:^)[ \t]*\(?|(?<=[.:!?}]\s))\d{1,2}[.)](?=\s)",
    r"(?:(?m:^)|(?<=[:;,.]\s)|(?<=\band\s))\(\d\)",
    rf"\b{_LABEL}\s*#?\d{{1,2}}\b(?!\.\d|%)|#\d+\b|\balpha[\s#-]?\d{{1,3}}\b(?!\.\d)",
    r"\[\d(?:\s*[,;]\s*\d)*\]|\[(?:e|ev|evidence|ref|source|row|id)[\s:_-]*\d{1,3}\]",
    # Lengths and counts.
    rf"{_AT}(?:{_NUMBER}\s?[-–]\s?)?{_NUMBER}[\s-]?(?:(?:trading|more|consecutive|full|closed|last)\s)?"
    rf"{_LENGTH}\b(?!\.\d)",
    rf"{_AT}(?:1|5|15|30)m(?:in)?\b",
    rf"{_AT}(?:[1-9]|1[0-2])\s+(?:(?:of|out of)\s+(?:the\s+)?(?:\d{{1,2}}\b|{_COUNTED})|"
    rf"(?:[a-z]+\s+)?{_COUNTED}\b)"
    r"(?!\.\d)",
    r"(?<=\d)\s?(?:/|out of|of)\s?(?:10|100)\b(?!\.\d|%)",
    rf"{_AT}[1-9]/[2-9]\b(?![\d.])|\bout of (?:the )?\d{{1,2}}\b(?!\.\d)",
    rf"{_AT}\d{{1,3}}(?=\s?=\s?\d)",
    rf"{_AT}24/7\b|{_AT}50[/-]50\b",
    rf"(?:from\s+|between\s+)?{_AT}0\s?(?:-|–|to|and)\s?(?:1|10|100)\b(?!\.\d)",
    r"\bn_obs\W{0,4}\d+\b",
    # Opinions of the ballot: how sure, how much of the size.
    rf"\b{_SURENESS}\b[\"'\s:=(~]*"
    r"(?:(?:is|of|at|score|level|around|about|only|roughly|that|it|to|success|winning|being|"
    r"right)[\s:=~]+){0,3}"
    r"(?:0?\.\d+|\d{1,3}(?:\.\d)?)(?![\d.]*\d)\s?%?(?:\s?/\s?10+)?",
    rf"\b{_SURENESS}\b[^.\d;,]{{0,24}}{_AT}\d{{1,3}}\s?%|\b(?:give|put|"
    rf"assign)s?\b[^.\d;,]{{0,12}}{_AT}\d{{1,3}}\s?%",
    r"(?<![\w.])[5-9][05]\s?[/:]\s?[1-5][05]\b(?!\.\d|%)|\bhalf\b[^.\d;,]{0,12}(?:0?\.5|50\s?%)(?!\d)",
    rf"{_AT}{_NUMBER}(?:\s?%|\s+percent)\s+{_SURE}\b|{_AT}(?:0?\.\d+|\d{{1,3}})\s+{_SURENESS}\b",
    rf"{_SHARE}\s+(?:of\s+)?(?:(?:the|its|full|proposed|normal|requested|usual|original|"
    rf"my)\s+){{0,3}}{_SIZE}\b",
    rf"\b{_SIZE}(?:[_ ]bound)?[\"']?\s*(?:of|to|by|at|:|=|is)\s*{_SHARE}(?!\d)",
    # Names that hold a number.
    r"\b(?:s&p|nasdaq|russell|ftse|dax|nikkei|cac)\s+\d+\b",
)
_MASK = re.compile("|".join(f"(?:{shape})" for shape in _NOT_MARKET), re.IGNORECASE)

_TINY, _HUGE = Decimal("1e-12"), Decimal("1e12")
"""Bounds of what is compared: nothing on record has more digits, and a longer number is no market's."""
_TIMES = {"k": 1000, "t": 1000, "m": 1_000_000}
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_UNITS: tuple[tuple[str, str], ...] = (
    ("%", r"\s?%(?!\s?b\b)|[\s-]?(?:percent|per cent|pct|percentage points?)\b"),
    ("bp", r"[\s-]?(?:bps?|basis[\s-]points?)\b"),
    ("pips", r"[\s-]?pips?\b"),
    ("sigma", r"[\s-]?(?:σ|sigmas?\b|standard[\s-]deviations?\b|std\.?(?:[\s-]devs?)?\b|sds?\b)"),
    ("atr", r"\s?(?:x|×|times)?[\s-]?(?:the\s)?atrs?\b"),
    ("r", r"\s?r\b(?!si)"),
    ("points", r"[\s-]?(?:points?|pts)\b"),
    ("money", r"\s?(?:usd|eur|gbp|dollars?|euros?|[$€£])(?![\w/])"),
    ("x", r"\s?[x×](?![\w])|\s?times\b"),
)
_UNIT = re.compile("|".join(f"(?P<u{i}>{shape})" for i, (_, shape) in enumerate(_UNITS)), re.IGNORECASE)
_WRITTEN = re.compile(
    r"(?P<ratio>(?<![\w.:,])\d{1,2}(?:\.\d+)?:\d{1,2}(?:\.\d+)?(?![\w:]))"
    r"|(?P<sign>(?<![\w)\]%.])[-+−–])?(?P<money>[$€£])?(?P<number>(?<![\w.])"
    r"(?:\d{1,3}(?:,\d{3})+(?![\d])|\d+)(?:\.\d+)?(?:e[+-]?\d{1,2}(?!\d))?|"
    r"(?<![\w.])\.\d+)(?P<suffix>[km](?![\w])|\s?(?:million|thousand)\b)?"
    r"(?![a-z_]*_|(?<!k)(?<!m)[a-z]*\d)"
    rf"|\b(?P<word>{'|'.join(_WORDS)})(?=[\s-](?:and a half )?(?:percent|pips?|sigmas?|points?|atrs?|"
    r"standard[\s-]deviations?|basis[\s-]points?)\b)",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"(?:about|around|roughly|approximately|approx\.?|near|nearly|almost|close to|circa|some|~|"
    r"≈)\s*(?:the\s)?$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Written:
    """One number of a text: digits without sign, what its last digit is worth, its unit."""

    text: str
    start: int
    end: int
    sign: int
    """+1 or -1 as written, 0 where no sign is."""
    size: Decimal
    step: Decimal
    unit: str
    """One of %, bp, pips, sigma, atr, r, points, money, x, or empty."""
    is_about: bool

    @property
    def n_digits(self) -> int:
        """Significant digits, those of a trailing zero included."""
        return max(1, self.size.adjusted() - self.step.adjusted() + 1) if self.size else 1

    def fits(self, value: Decimal) -> bool:
        """Whether `value`, its sign aside, reads so when rounded or cut to the digits written."""
        if not _TINY <= self.step <= _HUGE or self.size > _HUGE or abs(value) > _HUGE:
            return False
        steps = [self.step]
        if self.is_about and self.step == 1 and self.size % 10 == 0 and self.size:
            steps.append(Decimal(10) ** (len(str(self.size)) - len(str(self.size).rstrip("0"))))
        return any(
            self.size == (abs(value) / step).quantize(Decimal(1), rounding) * step
            for step in steps
            for rounding in (ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_DOWN)
        )


def mask_other_numbers(text: str) -> str:
    """The text with every number that is not about the market blanked, all else in its place."""
    return _MASK.sub(lambda found: re.sub(r"\d", " ", found.group()), text)


def written_numbers(masked: str) -> Iterator[Written]:
    """The numbers left in a masked text, in order."""
    for found in _WRITTEN.finditer(masked):
        unit, end = _unit_after(masked, found.end())
        if found["ratio"]:
            high, low = (Decimal(part) for part in found["ratio"].split(":"))
            size, step, unit = _odds(high, low)
        elif found["word"]:
            size, step = Decimal(_WORDS.index(found["word"].lower()) + 1), Decimal(1)
        else:
            plain = Decimal(found["number"].replace(",", ""))
            exponent = plain.as_tuple().exponent
            times = _TIMES.get((found["suffix"] or "").strip().lower()[:1], 1)
            size = plain * times
            step = Decimal(1).scaleb(min(exponent, 0) if isinstance(exponent, int) else 0) * times
            unit = "money" if found["money"] else unit
        yield Written(
            text=masked[found.start() : end if unit == "%" and masked[found.end()] in "% " else found.end()],
            start=found.start(),
            end=max(end, found.end()),
            sign={"+": 1, "-": -1, "−": -1, "–": -1}.get(found["sign"] or "", 0),
            size=size,
            step=step,
            unit=unit,
            is_about=bool(_ABOUT.search(masked[max(0, found.start() - 16) : found.start()])),
        )


def _odds(high: Decimal, low: Decimal) -> tuple[Decimal, Decimal, str]:
    """Of "1:2" and "2:1" alike the larger share, as reward to risk is told."""
    large, small = max(high, low), min(high, low)
    exponent = large.as_tuple().exponent
    step = Decimal(1).scaleb(min(exponent, 0) if isinstance(exponent, int) else 0)
    return (large / small if small else large), min(step, Decimal("0.1")), "r"


def _unit_after(text: str, at: int) -> tuple[str, int]:
    found = _UNIT.match(text, at)
    if found is None or found.lastgroup is None:
        return "", at
    return _UNITS[int(found.lastgroup[1:])][0], found.end()
