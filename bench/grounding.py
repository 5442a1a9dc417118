"""How well `agents/grounding.py` tells true numbers from planted false ones, on answers about real reports.

    python -m bench.grounding --write

Reports are made at moments of the bundled EUR/USD hours drawn at random, as the desk makes them, from both
profiles. An answer is one or two sentences' patterns of `bench/grounding_patterns.py`, filled with true
numbers; its twin has exactly one of them, or one sentence more, false.
"""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from itertools import pairwise

from agents.grounding import ungrounded
from bench import grounding_held_out, grounding_patterns
from bench.grounding_patterns import Pattern
from bench.grounding_scenes import N_MOMENTS, SEED, Scene, scenes
from bench.report import publish, table
from contracts.canonical import round_significant
from contracts.market import Timeframe

N_ANSWERS = 900
"""True ones, and as many with a false number, of each set of patterns."""
PIP = 1e-4
KINDS = ("digits swapped", "sign", "decimal place", "neighbour's value", "off by 5-30 %", "invented")


# Answers


@dataclass(slots=True)
class Pen:
    """Writes numbers into a pattern; the one numbered `at` is written false, in the way of `kind`."""

    scene: Scene
    rng: random.Random
    at: int = -1
    kind: str = ""
    written: list[str] = field(default_factory=list)
    planted: str | None = None

    def f(self, name: str, decimals: int, *, cut: bool = False) -> str:
        return self._write(name, 1, lambda value: _decimal(value, decimals, cut=cut))

    def s(self, name: str, decimals: int) -> str:
        return self._write(name, 1, lambda value: _decimal(value, decimals, sign="+"), has_sign=True)

    def a(self, name: str, decimals: int) -> str:
        return self._write(name, 1, lambda value: _decimal(abs(value), decimals), has_sign=None)

    def pct(self, name: str, decimals: int) -> str:
        return self._write(name, 100, lambda value: f"{_decimal(value, decimals)}%")

    def bp(self, name: str, decimals: int) -> str:
        return self._write(name, 1e4, lambda value: _decimal(value, decimals))

    def pips(self, name: str, decimals: int) -> str:
        return self._write(name, 1 / PIP, lambda value: _decimal(value, decimals))

    def gap(self, one: str, other: str, decimals: int) -> str:
        pips = abs(self.v(one) - self.v(other)) / PIP
        return self._put("", round_significant(pips), lambda value: _decimal(value, decimals), has_sign=None)

    def k(self, name: str, decimals: int) -> str:
        return self._write(name, 1e-3, lambda value: f"{_decimal(value, decimals)}k")

    def bare(self, name: str, decimals: int) -> str:
        return self._put("", self.v(name), lambda value: _decimal(value, decimals))

    def v(self, name: str) -> float:
        return self.scene.values[name].value

    def _write(
        self, name: str, times: float, tell: Callable[[float], str], has_sign: bool | None = False
    ) -> str:
        return self._put(name, round_significant(self.v(name) * times), tell, has_sign, times)

    def _put(
        self,
        name: str,
        value: float,
        tell: Callable[[float], str],
        has_sign: bool | None = False,
        times: float = 1.0,
    ) -> str:
        text = tell(value)
        if len(self.written) == self.at:
            self.planted = self._falsify(name, value, tell, has_sign, times)
            text = self.planted or text
        self.written.append(text)
        return text

    def _falsify(
        self, name: str, value: float, tell: Callable[[float], str], has_sign: bool | None, times: float
    ) -> str | None:
        """Another text of this kind that the value does not read like; None where there is none."""
        text = tell(value)
        if self.kind == "digits swapped":
            false = _swapped(text, self.rng)
        elif self.kind == "sign":
            flipped = text[1:] if text[0] in "+-" else f"-{text}"
            false = None if has_sign is None else tell(-value) if has_sign else flipped
        elif self.kind == "decimal place":
            false = tell(value * self.rng.choice((0.1, 10.0)))
        elif self.kind == "neighbour's value":
            false = tell(self._neighbour(name) * times) if name else None
        else:
            false = tell(value * (1 + self.rng.choice((-1, 1)) * self.rng.uniform(0.05, 0.30)))
        told = abs(value) if has_sign is None else value
        return false if false is not None and _is_false(false, told) else None

    def _neighbour(self, name: str) -> float:
        unit = self.scene.values[name].unit
        own = self.scene.values
        same = ("close", "bid", "ask", "entry") if name == "close" else (name,)
        others = [n.value for key, n in own.items() if n.unit == unit and key not in same and n.value]
        near = sorted(
            others, key=lambda value: abs(math.log(abs(value)) - math.log(abs(own[name].value or 1)))
        )
        return self.rng.choice(near[:4]) if near else own[name].value


def _decimal(value: float, decimals: int, *, cut: bool = False, sign: str = "") -> str:
    if cut:
        return str(Decimal(repr(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_DOWN))
    return f"{value:{sign}.{decimals}f}"


def _swapped(text: str, rng: random.Random) -> str | None:
    digits = [place for place, letter in enumerate(text) if letter.isdigit()]
    pairs = [(a, b) for a, b in pairwise(digits) if text[a] != text[b]]
    if not pairs:
        return None
    one, other = rng.choice(pairs)
    letters = list(text)
    letters[one], letters[other] = letters[other], letters[one]
    return "".join(letters)


def _is_false(text: str, value: float) -> bool:
    """Whether the text reads like neither the value rounded nor the value cut, to its digits."""
    number = Decimal(text.strip("%k"))
    step = Decimal(1).scaleb(int(number.as_tuple().exponent))
    return abs(number - Decimal(repr(value))) > step


@dataclass(frozen=True, slots=True)
class Answer:
    """One text, how many numbers were written into it, and which of them is false."""

    scene: Scene
    text: str
    n_numbers: int
    kind: str = ""
    planted: str = ""

    @property
    def flagged(self) -> tuple[str, ...]:
        return ungrounded(self.text, self.scene.citable, self.scene.own, pip=PIP, timeframe=Timeframe.H1)

    @property
    def is_found(self) -> bool:
        return any(number.strip("$%") == self.planted.strip("%") for number in self.flagged)


def answers(
    patterns: Sequence[Pattern], invented: Sequence[tuple[str, str]], n: int = N_ANSWERS
) -> tuple[list[Answer], list[Answer]]:
    """True answers, and as many with one false number, the kinds in turn."""
    rng = random.Random(SEED)
    true: list[Answer] = []
    false: list[Answer] = []
    while len(true) < n or len(false) < n:
        scene, chosen = rng.choice(scenes()), rng.sample(patterns, rng.choice((1, 1, 2)))
        seed = rng.getrandbits(32)
        try:
            pen = Pen(scene, random.Random(seed))
            text = _joined(pattern(pen) for pattern in chosen)
        except KeyError:
            continue
        if len(true) < n:
            true.append(Answer(scene, text, len(pen.written)))
        kind = KINDS[len(false) % len(KINDS)]
        if len(false) < n and (
            twin := _false_twin(scene, chosen, invented, kind, text, len(pen.written), seed)
        ):
            false.append(twin)
    return true, false


def _joined(texts: Iterable[str]) -> str:
    """One after the other; a list or a table begins a line."""
    return "".join(f" {text}" if text[0].isalpha() else f"\n{text}" for text in texts).strip()


def _false_twin(
    scene: Scene,
    chosen: Sequence[Pattern],
    invented: Sequence[tuple[str, str]],
    kind: str,
    text: str,
    n_numbers: int,
    seed: int,
) -> Answer | None:
    rng = random.Random(seed)
    if kind == "invented":
        sentence, number = rng.choice(invented)
        return Answer(scene, text + sentence, n_numbers + 1, kind, number)
    pen = Pen(scene, rng, rng.randrange(n_numbers), kind)
    text = _joined(pattern(pen) for pattern in chosen)
    return Answer(scene, text, n_numbers, kind, pen.planted) if pen.planted else None


# Figures


@dataclass(frozen=True, slots=True)
class Count:
    """A share told as counts."""

    hits: int
    n: int

    @property
    def share(self) -> float:
        return self.hits / self.n

    @property
    def wilson(self) -> tuple[float, float]:
        """Interval of 95 % (Wilson, 1927)."""
        z = 1.959964
        middle = (self.share + z * z / (2 * self.n)) / (1 + z * z / self.n)
        half = (
            z
            * math.sqrt(self.share * (1 - self.share) / self.n + z * z / (4 * self.n**2))
            / (1 + z * z / self.n)
        )
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        low, high = self.wilson
        return f"{self.share:.1%} ({low:.1%} to {high:.1%})"


@dataclass(frozen=True, slots=True)
class Measured:
    """What the check made of one set of answers."""

    found: Mapping[str, Count]
    flagged: Count

    @property
    def all_found(self) -> Count:
        counts = self.found.values()
        return Count(sum(count.hits for count in counts), sum(count.n for count in counts))


def measure(true: Sequence[Answer], false: Sequence[Answer]) -> Measured:
    """Planted numbers found, by kind; numbers of true answers flagged, of those written into them."""
    n, hits = Counter(answer.kind for answer in false), Counter(a.kind for a in false if a.is_found)
    flagged = Count(sum(len(answer.flagged) for answer in true), sum(answer.n_numbers for answer in true))
    return Measured({kind: Count(hits[kind], n[kind]) for kind in KINDS}, flagged)


def measure_tuned() -> Measured:
    """On the patterns that the rules were made with."""
    return measure(*answers(grounding_patterns.TUNED, grounding_patterns.INVENTED))


def measure_held_out() -> Measured:
    """On the patterns that the rules were not changed for."""
    return measure(*answers(grounding_held_out.HELD_OUT, grounding_held_out.INVENTED))


EARLIER = """
Eight sets came before the one held out, of 36 to 46 patterns each. Each was measured once as it was, then its
failures were mended and joined the tuned ones. Planted found: 99.2, 98.4, 99.3, 98.2, 98.0, 98.0, 99.1,
98.9 %; true flagged: 5.5, 2.9, 5.4, 4.2, 6.8, 5.6, 2.4, 2.5 %. So the last figure is the best of nine first
sights, all of one hand; on another's sentences expect some percent of true numbers flagged, each for a turn
of phrase that the rules do not know.
"""


def main() -> None:
    """Measure and publish."""
    tuned, held_out = measure_tuned(), measure_held_out()
    sides = (
        *((f"planted, {kind}", tuned.found[kind], held_out.found[kind]) for kind in KINDS),
        ("planted, all: found", tuned.all_found, held_out.all_found),
        ("true: flagged", tuned.flagged, held_out.flagged),
    )
    rows = [(name, str(one), f"{one.n:,}", str(other), f"{other.n:,}") for name, one, other in sides]
    n = len(grounding_patterns.TUNED), len(grounding_held_out.HELD_OUT)
    text = (
        f"Held out, {held_out.all_found.share:.1%} of the planted numbers are found and "
        f"{held_out.flagged.share:.1%} of the true ones flagged.\n\n"
        f"{2 * N_MOMENTS} reports of EUR/USD by the hour, 2017, both profiles; from each set {N_ANSWERS} "
        f"answers with true numbers and {N_ANSWERS} with one false. Tuned: {n[0]} patterns that the rules "
        "were made with. "
        f"Held out: {n[1]} that they were not changed for. Intervals of 95 % are Wilson's; they know of the "
        "draws, not of the choice of sentences.\n\n"
    )
    text += table(("numbers", "tuned", "n", "held out", "n"), rows)
    publish("grounding", "Grounding of the numbers in a reason", f"{text}\n{EARLIER}".rstrip())


if __name__ == "__main__":
    main()
