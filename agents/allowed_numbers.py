"""Numbers that a reason may hold though no tool returned them: computed from two values, or of a scale.

Computed: a distance of two prices that the sentence names (one may be left out where it is the entry or the
last price), in price, pips, percent or ATR; a difference of +DI and -DI, in points; reward to risk of the
proposal. Any other arithmetic is a model's own and is not allowed.

Of a scale: "ADX over 25" tells a rule of thumb and not a reading. Such a number is a round level of the
named indicator beside a word of comparison, or "level", "threshold" and the like. A comparison must be true
of the value on record, unless it is denied or supposed ("not over 25", "if RSI fell under 30"), so that a
false reading cannot pass as a level: "RSI over 70" is not allowed while RSI is 58, nor where there is none.
Without a comparison a round level passes only where it does not stand beside the name as a reading would,
or where the sentence gives the true value as well.
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import combinations

from agents.cited_sentence import KnownNumbers, Sentence, agrees
from agents.evidence_names import LEVELS, Citable, Mention, is_level
from agents.written_numbers import Written

_OVER = r"over|above|beyond|past|exceed(?:s|ing|ed)?|(?:greater|higher|more|stronger)\s+than|>=?|≥|at\s+least"
_UNDER = r"under|below|beneath|(?:less|lower|weaker|fewer)\s+than|<=?|≤|short\s+of|at\s+most"
_COMPARED = re.compile(
    rf"(?:(?P<over>{_OVER})|(?P<under>{_UNDER}))\s*(?:the\s+|its\s+|usual\s+|key\s+|classic\s+|\()*$",
    re.IGNORECASE,
)
_LEVEL_BEFORE = re.compile(
    r"(?:level|threshold|line|mark|midline|neutral|within|bounds?)\s*(?:of|at|is|\(|=|:)?\s*$", re.IGNORECASE
)
_LEVEL_AFTER = re.compile(
    r"[\s-]*(?:level|threshold|line|mark|zone|range|region|area|midpoint|midline|barrier|boundary)\b",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\bbetween\s+$", re.IGNORECASE)
_BETWEEN_AND = re.compile(r"\bbetween\s+[\d.]+\s+and\s+$", re.IGNORECASE)
_RANGE_BEFORE = re.compile(r"(?<![\d.])\d{1,3}\s?(?:-|–|/|to)\s?$", re.IGNORECASE)
_RANGE_AFTER = re.compile(r"\s?(?:-|–|/|to)\s?\d{1,3}(?![\d.])", re.IGNORECASE)
_WOULD = re.compile(r"[^,.;]{0,24}\b(?:would|could|might)\b", re.IGNORECASE)
_DECADE = re.compile(r"['’]?s\b")
_OF_RSI = re.compile(r"\b(?:overbought|oversold|mid(?:line|point)|centre ?line)\b", re.IGNORECASE)
_REACHED = re.compile(
    r"\b(?:break|cross|reach|hit|touch|clear|approach|test|exceed|lose|regain)\w*\s+(?:the\s+)?$",
    re.IGNORECASE,
)
_SUPPOSED = re.compile(
    r"\b(?:not|never|neither|nor|without|no longer|if|unless|until|would|should|could|when|once|needs?|"
    r"wait|far from|yet to|fails?|typical\w*|"
    r"usual\w*|normal\w*|above or below|cross\w*)\b|n't\b",
    re.IGNORECASE,
)
_APART = re.compile(
    r"\b(?:gap|distance|apart|between|above|below|over|under|away|from|differ\w*|spread|separat\w+|wide|"
    r"lead\w*|exceed\w*|"
    r"by|beyond|ahead|behind|stop|target|room|margin|pips?|within|beneath)\b",
    re.IGNORECASE,
)
_REWARD = re.compile(r"reward|\br:r\b|\brr\b|risk[ /-]", re.IGNORECASE)
_SCALE_STEP = {
    "rsi": Decimal(5),
    "adx": Decimal(5),
    "di": Decimal(5),
    "percent_b": Decimal("0.1"),
    "strength": Decimal("0.5"),
    "score": Decimal("0.5"),
}
"""What the levels of a scale are multiples of."""


# What may be computed from two values


def is_computed(number: Written, sentence: Sentence, beside: Sequence[Mention], known: KnownNumbers) -> bool:
    """Reward to risk, or a difference of two values that the sentence names."""
    own = {value.noun: value.exact for value in known.numbers if value.noun in ("entry", "stop", "target")}
    if number.unit in ("r", "x", "") and len(own) == 3 and own["entry"] != own["stop"]:
        told = {mention.noun for mention in sentence.mentions}
        is_told = (
            number.unit == "r" or (number.unit == "x" and "target" in told) or _REWARD.search(sentence.text)
        )
        reward = abs((own["target"] - own["entry"]) / (own["entry"] - own["stop"]))
        if is_told and number.fits(reward):
            return True
    nouns = [*_APART_NOUNS, *(["risk"] if number.unit != "%" else [])]
    nouns += ["spread"] if re.search(r"\bbetween\b", sentence.text, re.IGNORECASE) else []
    is_of_another = beside and not any(mention.noun in nouns for mention in beside)
    if is_of_another or number.sign < 0 or not _APART.search(sentence.text):
        return False
    return any(number.fits(apart) for apart in _differences(number.unit, sentence, known))


_IMPLIED = ("entry", "close", "price", "bid", "ask")
"""What a distance is from, where the sentence does not say."""
_APART_NOUNS = (*LEVELS, "price", "level", "di")


def _differences(unit: str, sentence: Sentence, known: KnownNumbers) -> Iterator[Decimal]:
    named = list(dict.fromkeys(sentence.named))
    told = {mention.noun for mention in sentence.mentions}
    levels = [value for value in known.numbers if is_level(value) and (value in named or value.noun in told)]
    nouns = {value.noun for value in levels}
    plan = {mention.noun for mention in sentence.mentions} & {"stop", "target", "risk"}
    if plan:
        levels += [value for value in known.numbers if value.noun in ("stop", "target") and is_level(value)]
    if plan or len(nouns) == 1:
        levels += [value for value in known.numbers if value.noun in _IMPLIED and value not in levels]
    for one, other in combinations(levels, 2):
        apart = one.exact - other.exact
        if unit == "pips" and known.pip is not None:
            yield apart / known.pip
        elif unit == "":
            yield apart
        elif unit == "%":
            yield from (100 * apart / base.exact for base in (one, other) if base.exact)
        elif unit in ("atr", "x"):
            yield from (apart / atr.exact for atr in known.numbers if atr.noun == "atr" and atr.exact)
    if unit in ("points", ""):
        lines = [value for value in named if value.noun == "di"]
        yield from (one.exact - other.exact for one, other in combinations(lines, 2))


# Levels of an indicator's own scale


def is_level_of_scale(
    number: Written, sentence: Sentence, beside: Sequence[Mention], known: KnownNumbers
) -> bool:
    """Whether it is a round level of an indicator's scale that hides no reading."""
    before, after = sentence.text[: number.start], sentence.text[number.end :]
    is_over, is_under = _compared(before, after)
    is_level = _LEVEL_BEFORE.search(before) or _DECADE.match(after) or _LEVEL_AFTER.match(after)
    is_supposed = bool(_SUPPOSED.search(before) or _WOULD.match(after))
    if not (is_over or is_under or is_level or (is_supposed and _REACHED.search(before))):
        return not beside and _is_beside_reading(number, sentence, known)
    told = [mention for mention in sentence.mentions if mention.noun in _SCALES]
    ahead = [mention for mention in told if mention.end <= number.start]
    mentions = [mention for mention in (*beside, *(ahead[-1:] or told)) if mention.noun in _SCALES]
    values = known.meant(mentions)
    if not sentence.mentions:
        values = [value for value in sentence.before if value.noun in _SCALES]
        values = values or [v for v in known.numbers if v.noun == "rsi" and _OF_RSI.search(sentence.text)]
    values = [value for value in values if _is_round(number, value)]
    level = number.size * (number.sign or 1)
    if _DECADE.match(after):
        return any(level <= value.exact < level + 10 for value in values)
    if is_supposed or not sentence.mentions or not (is_over or is_under):
        # "RSI is at the 70 level" tells a reading.
        return bool(values) and (is_supposed or not beside)
    reads = [abs(value.exact) if value.noun == "strength" else value.exact for value in values]
    return any(read > level if is_over else read < level for read in reads)


def _is_beside_reading(number: Written, sentence: Sentence, known: KnownNumbers) -> bool:
    """Whether it is a round level of an indicator whose true value the sentence gives as well."""
    return any(
        value.noun in _SCALES
        and _is_round(number, value)
        and other.step < 1
        and agrees(other, value, sentence, known)
        for value in sentence.named
        for other in sentence.numbers
    )


def _compared(before: str, after: str) -> tuple[bool, bool]:
    """Whether something is said to be over the number, and whether under it."""
    found = _COMPARED.search(before)
    is_over = bool(found and found["over"]) or bool(_BETWEEN.search(before) or _RANGE_AFTER.match(after))
    is_under = bool(found and found["under"]) or bool(_BETWEEN_AND.search(before))
    return is_over, is_under or bool(_RANGE_BEFORE.search(before))


_SCALES = ("rsi", "adx", "di", "percent_b", "strength", "score", "macd")


def _is_round(number: Written, value: Citable) -> bool:
    if value.noun == "macd":
        return number.size == 0
    return number.unit in ("", "sigma", "points", "%") and number.size % _SCALE_STEP[value.noun] == 0
