"""Which numbers in a model's reason stand on no record: a pure check, by value, unit and name.

    text -> blank what is not about the market -> sentences: numbers, names of evidence
         -> which name each number stands beside -> does a value of that name read so? -> what matches nothing

A number agrees with a value when the value, rounded (half up or half even) or cut to the digits written,
reads the same; after "about", "near" and the like a whole number may be rounded to its last digit that is
not zero. Percent and basis points read a ratio, pips a price, sigma the strength. The rules, in this order:

1. Named beside it ("RSI 58.3", "58.3 on the RSI", "RSI and ADX at 58.3 and 21.0"): a value of that name.
   A true value under another's name is a false number, and so is any number under a name that has no value
   on known. "EMA 20" and "4h RSI" are told apart by parameters, where they are told, and by timeframe. The
   link was none when the name cannot have that unit, or when another name of the sentence, of another unit,
   explains the number: "the close lies at 0.4 of its range (stochastic_5)".
2. In a sentence that names evidence, but not beside the number: a value of any name in it. A number of four
   digits, or of a unit that none of them has, may be any value on known.
3. In a sentence that names nothing: any value on record, if the number has at least three digits, or a
   unit; else one of what was named last, since a short number agrees too easily.

Whole numbers up to ten that stand beside no name and have no unit count something and are left alone.

Signs. A sign that is written must agree. A negative value without its minus needs a word beside the number
that says so ("down 0.4 %", "0.0007 below zero"), and such a word makes a positive value wrong.

What a sentence may say though no tool returned it is in `allowed_numbers.py`: distances between prices it
names, reward to risk, and levels on an indicator's own scale, where they are true.

Known gaps, measured in docs/measured/grounding.md: a value of the same kind where the name is not beside
it, a level of price without a name that happens to be on record, and any false statement without a number.
"""

from collections.abc import Sequence
from decimal import Decimal

from agents.allowed_numbers import is_computed, is_level_of_scale
from agents.cited_sentence import KnownNumbers, Sentence, agrees, names_beside, scale_to, sentences_of
from agents.evidence_names import Citable, Mention
from agents.written_numbers import Written
from contracts.market import Timeframe

__all__ = ["Citable", "ungrounded"]


def ungrounded(
    text: str,
    citable: Sequence[Citable],
    own: Sequence[Citable] = (),
    *,
    pip: float | None = None,
    timeframe: Timeframe | None = None,
) -> tuple[str, ...]:
    """The numbers of `text`, as written and in order, that no value on record reads like.

    `own` are the proposal's numbers (and the ballot's own advice). Without `pip` no number in pips can
    match; without `timeframe`, that of the decision, "4h" and the like narrow nothing.
    """
    known = KnownNumbers((*citable, *own), None if pip is None else Decimal(repr(pip)), timeframe)
    return tuple(
        number.text
        for sentence in sentences_of(text, known)
        for number in sentence.numbers
        if not _is_grounded(number, sentence, known)
    )


def _is_grounded(number: Written, sentence: Sentence, known: KnownNumbers) -> bool:
    beside = names_beside(number, sentence)
    meant = known.meant(beside)
    is_of_other_unit = bool(meant) and not any(scale_to(number.unit, value, known.pip) for value in meant)
    if is_of_other_unit:
        # "The band is 0.8 % wide": a unit that the name cannot have speaks of something else.
        beside, meant = (), []
    if number.unit == "points":
        meant += [value for value in known.numbers if value.unit in ("points", "score")]
    if any(agrees(number, value, sentence, known) for value in meant):
        return not any(m.noun == "level" for m in beside) or number.n_digits > 4
    if is_computed(number, sentence, beside, known) or is_level_of_scale(number, sentence, beside, known):
        return True
    if beside:
        units = {value.unit for value in meant}
        others = [value for value in sentence.named if meant and value.unit not in units]
        others += known.meant(_told_after(number, beside, sentence))
        return any(agrees(number, value, sentence, known) for value in others)
    if not number.unit and number.step == 1 and number.size <= 10:
        return True
    return any(
        agrees(number, value, sentence, known) for value in _pool(number, sentence, known, is_of_other_unit)
    )


def _told_after(number: Written, beside: Sequence[Mention], sentence: Sentence) -> list[Mention]:
    """As in "ADX of 32.0 on four hours (higher_adx)": the noun again, before another number stands."""
    end = min(
        (other.start for other in sentence.numbers if other.start > number.start), default=len(sentence.text)
    )
    nouns = {mention.noun for mention in beside}
    after = [m for m in sentence.mentions if number.end <= m.start < end and m.noun in nouns]
    return [mention for mention in after if sentence.text[mention.start - 1] == "("]


def _pool(
    number: Written, sentence: Sentence, known: KnownNumbers, is_of_other_unit: bool
) -> Sequence[Citable]:
    """What a number that stands beside no name may be."""
    is_foreign = not any(scale_to(number.unit, value, known.pip) for value in sentence.named)
    if number.n_digits >= 3 + bool(sentence.mentions) or (sentence.named and is_foreign) or is_of_other_unit:
        return known.numbers
    if sentence.mentions:
        return sentence.named
    return [
        *sentence.before,
        *(value for value in known.numbers if number.unit and not value.noun.startswith("id ")),
    ]
