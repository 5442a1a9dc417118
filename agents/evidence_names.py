"""What a text calls the numbers: mentions of evidence in it, and the values each mention can mean.

A mention is a noun of the field (RSI, moving average, band, stop ...) with what narrows it: a kind (fast,
upper, signal), a period, a timeframe. An id of the report that is made of other words counts only when it
is written in full. The same reader takes the ids apart, so that text and evidence meet in one vocabulary.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property, lru_cache

from agents.evidence_vocabulary import VOCABULARY, frame_of, is_noun, kinds_of, noun_of
from contracts.market import Timeframe


@dataclass(frozen=True)
class Citable:
    """A number that may be cited: the id of its evidence, its value, its unit.

    The parameters of the tool may follow the id in parentheses, as in `ema_fast(20)`; then "EMA 20" means
    this one and no other average. Units that matter here: `price` for levels and distances of price,
    `points 0-100`, `score`, `sigma`, `%`, `bps`, `money`, `units`, `lots`; every other one is a ratio.
    """

    name: str
    value: float
    unit: str

    @cached_property
    def exact(self) -> Decimal:
        """The value as it is written in the record."""
        return Decimal(repr(self.value))

    @cached_property
    def id(self) -> str:
        """The name without its parameters."""
        return self.name.partition("(")[0].strip()

    @cached_property
    def parameters(self) -> tuple[Decimal, ...]:
        """Those told in the name."""
        return tuple(Decimal(part) for part in re.findall(r"\d+(?:\.\d+)?", self.name.partition("(")[2]))

    @cached_property
    def noun(self) -> str:
        """Which noun of the field the id is about; the id itself where it is none of them."""
        return _called(self.id)[0]

    @cached_property
    def kinds(self) -> frozenset[str]:
        """What tells it from others of the noun."""
        return _called(self.id)[1]


@lru_cache(maxsize=4_096)
def _called(name: str) -> tuple[str, frozenset[str]]:
    """Noun and kinds of an id; a desk asks about the same ids in every vote."""
    words = name.replace("_", " ")
    found = [item for item in VOCABULARY.finditer(words) if item.lastgroup]
    left = VOCABULARY.sub(" ", words).split()
    nouns = [item for item in found if is_noun(item)]
    if len(nouns) != 1 or left:
        return f"id {name}", frozenset()
    named = [kind for item in found for kind in kinds_of(item)]
    return noun_of(nouns[0]), frozenset(named)


@dataclass(frozen=True, slots=True)
class Mention:
    """One place where a text names evidence, with what narrows it."""

    start: int
    end: int
    noun: str
    kinds: frozenset[str] = frozenset()
    frames: frozenset[str] = frozenset()
    """Timeframes told beside it."""
    around: frozenset[str] = frozenset()
    """Timeframes told elsewhere in the sentence."""
    period: Decimal | None = None
    is_any_kind: bool = False
    """Whether every value of the noun is meant, as by the second number of "MACD 0.9 vs 0.7"."""
    periods: tuple[tuple[int, int], ...] = field(default=(), compare=False)
    """Where numbers stand that are periods and no values."""


def read_mentions(sentence: str, known: Sequence[Citable]) -> list[Mention]:
    """Every mention of evidence in one sentence, in order."""
    ids, rest = _written_ids(sentence, known)
    items = [item for item in VOCABULARY.finditer(rest) if item.lastgroup]
    around = frozenset(frame for item in items for frame in frame_of(item))
    nouns = [item for item in items if is_noun(item)]
    found = [_mention(rest, noun, items, around, known) for noun in nouns]
    return sorted(
        [*ids, *found, *_left_kinds(items, found), *_left_frames(rest, items, found)],
        key=lambda mention: mention.start,
    )


def meant_by(mention: Mention, known: Sequence[Citable], timeframe: Timeframe | None) -> list[Citable]:
    """The numbers a mention can mean; none where nothing on record is called so."""
    nouns = _STANDS_FOR.get(mention.noun, (mention.noun,))
    family = [number for number in known if number.noun in nouns]
    if mention.is_any_kind:
        return family
    told = {kind for number in family for kind in number.kinds}
    # "The slower RSI" is a manner of speaking where none is called slow; a slow average is not.
    wanted = mention.kinds - ((_LOOSE if mention.noun != "ema" else {"line"}) - told)
    if mention.period is not None and any(number.parameters for number in family):
        chosen = [n for n in family if mention.period in n.parameters and wanted - {"short"} <= n.kinds]
    elif wanted or (mention.period is not None and mention.period < _SHORT):
        chosen = [number for number in family if wanted <= number.kinds]
    elif mention.noun == "band":
        chosen = family
    else:
        chosen = [n for n in family if not n.kinds - _NO_KIND] or family
    return [number for number in chosen if _is_of_frame(number, mention, timeframe)] if chosen else []


_LOOSE = frozenset({"line", "fast", "slow", "short", "long", "upper", "lower", "signal", "buy", "sell"})
_NO_KIND = {"higher", "line", "pct", "amount"}
"""Kinds that nobody needs to say: the frame is judged apart, the unit tells an amount from a percentage."""
_SHORT = 10
"""Under this many bars a period whose parameters are not told may mean the short one of a kind."""
_PRICES = ("close", "price", "bid", "ask", "mid", "entry")
LEVELS = (*_PRICES, "ema", "band", "stop", "target")
_STANDS_FOR = {"price": _PRICES, "level": LEVELS, "close": _PRICES, "band": ("band", "bandwidth")}


def is_level(number: Citable) -> bool:
    """Whether it is a place on the price axis, and not a distance along it."""
    return number.unit == "price" and number.noun in LEVELS and "distance" not in number.kinds


def _is_of_frame(number: Citable, mention: Mention, timeframe: Timeframe | None) -> bool:
    is_higher = "higher" in number.kinds
    if "higher" in mention.kinds:
        return is_higher
    if mention.frames:
        return any(_means(frame, is_higher, timeframe) for frame in mention.frames)
    return not is_higher or any(_means(frame, is_higher, timeframe) for frame in mention.around)


def _means(frame: str, is_higher: bool, timeframe: Timeframe | None) -> bool:
    if frame in ("higher", "decision"):
        return is_higher == (frame == "higher")
    if timeframe is None:
        return True
    return frame == (timeframe.higher if is_higher else timeframe)


def _written_ids(sentence: str, known: Sequence[Citable]) -> tuple[list[Mention], str]:
    """Ids written out as such, and the sentence with them blanked."""
    mentions: list[Mention] = []
    for name, shape in _shapes(tuple(number.id for number in known)):
        noun, kinds = _called(name)
        for found in shape.finditer(sentence):
            frames = frozenset({"higher" if "higher" in kinds else "decision"})
            spans = (found.span(),) if noun.startswith("id ") else ()
            mentions.append(Mention(*found.span(), noun, kinds, frames, frames, periods=spans))
            sentence = _blank(sentence, found.start(), found.end())
    return mentions, sentence


@lru_cache(maxsize=64)
def _shapes(ids: tuple[str, ...]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """How each id is written in full, the longest first; a word of the field alone is no id."""
    longest_first = sorted(dict.fromkeys(ids), key=len, reverse=True)
    return tuple((name, shape) for name in longest_first if (shape := _shape(name)))


def _shape(name: str) -> re.Pattern[str] | None:
    words = name.split("_")
    is_of_field = not _called(name)[0].startswith("id ")
    if len(words) == 1 and is_of_field:
        return None
    gap = "_" if is_of_field else r"[_\s-]"
    shape = gap.join(map(re.escape, words))
    if not is_of_field and words[-1].isdigit() and len(words) == 2:
        shape = rf"{re.escape(words[0])}(?:{gap}{words[-1]})?"
    return re.compile(rf"(?<!\w){shape}(?!\w)", re.IGNORECASE)


def _blank(text: str, start: int, end: int) -> str:
    return f"{text[:start]}{'.' * (end - start)}{text[end:]}"


_BEFORE = re.compile(
    r"[\s('’-]*(?:(?:chart|time[\s-]?frame|period|bar|term|simple|exponential|[s']|\d{1,3})[\s'’-]*)*"
)
_AFTER = re.compile(r"[\s(_-]*(?:(?:on|of|in)\s+(?:the\s+)?)?")
_PERIOD_BEFORE = re.compile(
    r"(?<![\w.])(\d{1,3})(?:[\s-](?:period|bar|day|hour)s?)?[\s-](?:(?:simple|exponential)\s)?$"
)
_PERIOD_AFTER = re.compile(
    r"(?P<open>\s?[(_-]?\s?)(?P<period>\d{1,3})(?:\s?[,/]\s?\d{1,3}(?:\.\d)?)*(?![\d%]|\.\d)\)?"
)


def _mention(
    text: str,
    noun: re.Match[str],
    items: list[re.Match[str]],
    around: frozenset[str],
    known: Sequence[Citable],
) -> Mention:
    name = noun_of(noun)
    family = [number for number in known if number.noun == name]
    start, end = noun.span()
    kinds, frames = set(kinds_of(noun)), set[str]()
    index = items.index(noun)
    for item in reversed(items[:index]):
        if is_noun(item) or not _BEFORE.fullmatch(text[item.end() : start]):
            break
        kinds.update(kinds_of(item))
        frames.update(frame_of(item))
        start = item.start()
    period, spans = None, list[tuple[int, int]]()
    if found := _period_before(text, noun.start(), name, family):
        period = Decimal(found[1])
        spans.append(found.span(1))
    if found := _period_after(text, end, name, family):
        period = Decimal(found["period"])
        spans.append(found.span())
        end = found.end()
    for item in items[index + 1 :]:
        if is_noun(item) or not _AFTER.fullmatch(text[end : item.start()]):
            break
        kinds.update(kinds_of(item))
        frames.update(frame_of(item))
        end = item.end()
    return Mention(
        start, end, name, frozenset(kinds), frozenset(frames), around, period, periods=tuple(spans)
    )


def _period_before(text: str, at: int, noun: str, family: list[Citable]) -> re.Match[str] | None:
    found = _PERIOD_BEFORE.search(text, 0, at)
    if found is None:
        return None
    is_told = any(Decimal(found[1]) in number.parameters for number in family)
    return found if is_told or noun == "ema" or found.group().rstrip("- ") != found[1] else None


def _period_after(text: str, at: int, noun: str, family: list[Citable]) -> re.Match[str] | None:
    found = _PERIOD_AFTER.match(text, at)
    if found is None or noun not in (
        "ema",
        "rsi",
        "atr",
        "adx",
        "macd",
        "di",
        "band",
        "percent_b",
        "bandwidth",
        "volatility",
    ):
        return None
    if any(number.parameters for number in family):
        return found if any(Decimal(found["period"]) in number.parameters for number in family) else None
    is_beside = not found["open"].startswith(" ") or ("," in found.group() and noun in ("band", "macd"))
    return found if is_beside or noun == "ema" or found["period"] == "14" else None


def _left_kinds(items: list[re.Match[str]], found: list[Mention]) -> Iterator[Mention]:
    """As in "the fast average over the slow", "clears the minimum": a kind alone, of the one noun it has."""
    for item in items:
        kinds = frozenset(kinds_of(item))
        noun = next((noun for kind, noun in _ALONE if kind in kinds), None)
        if noun is None or any(m.start <= item.start() < m.end for m in found):
            continue
        before = [mention for mention in found if mention.noun == noun]
        if before or noun == "score":
            frames = before[-1].frames if before else frozenset[str]()
            yield Mention(item.start(), item.end(), noun, kinds, frames, found[0].around if found else frames)


_BEFORE_NUMBER = re.compile(
    r"[\s:]*(?:chart|time[\s-]?frame|reading)?[\s:]*(?:is\s+|at\s+|of\s+|reads\s+|stands\s+at\s+)*[-+−]?\d",
    re.IGNORECASE,
)


def _left_frames(text: str, items: list[re.Match[str]], found: list[Mention]) -> Iterator[Mention]:
    """As in "RSI is 62 on the 4h and hourly 58": a timeframe alone before a number, of the noun before it."""
    for item in items:
        is_alone = frame_of(item) and not any(m.start <= item.start() < m.end for m in found)
        before = [mention for mention in found if mention.end <= item.start()]
        if is_alone and before and _BEFORE_NUMBER.match(text, item.end()):
            frames = frozenset(frame_of(item))
            yield replace(before[-1], start=item.start(), end=item.end(), frames=frames, periods=())


_ALONE = (
    ("signal", "macd"),
    ("fast", "ema"),
    ("slow", "ema"),
    ("upper", "band"),
    ("lower", "band"),
    ("minimum", "score"),
)
