"""Which formulas the profile forex_hourly takes for its strength: a choice that can be repeated.

The rules were laid down before any number was seen, but for the one on formulas that compare, made stricter
once 2014-2016 had been seen. They look at nothing after 2016:

- Candidates: formulas over open, high, low and close alone, whose unit is a ratio and which settle within the
  fit's warm-up; and the six default signals. Nine currency pairs; gold has no say.
- Measure: rank correlation with the return of the next four bars over 2014-2016, mean of the pairs. Its t is
  taken from weekly sums of the mean over pairs, so that neighbouring labels and pairs that move together
  count as the one observation they are. Ranks are those of all three years: within short windows a slow
  signal and what follows it correlate negatively by construction (Kendall 1954, Stambaugh 1999).
- Passes: |t| of 3 or more, the sign of the whole in five of six half-years, and the same sign on OANDA's
  EUR/USD and NZD/USD mid prices of 2007-2013. A formula that compares instruments cannot be asked there, and
  needs the bars of all of them: it passes only with a larger |t| than every other candidate.
- Taken: by falling |t|, unless its rank correlation with one already taken is 0.7 or more in size; at most
  twelve. If fewer than six are taken, the six defaults stay beside them.
- By chance: the weeks' signs are drawn anew, for all candidates and pairs of a week together, and the passes
  counted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.forex_files import POINTS, PRICES, mt5_bars, oanda_sides
from contracts.market import Bars, Float1D, Float2D, Int1D, to_ms
from tools.composite_signals import SIGNALS
from tools.decision_settings import DEFAULT_SIGNALS, CompositeSettings
from tools.formulas.catalogue import published
from tools.formulas.conventions import DEFAULT
from tools.formulas.engine import iter_formulas, why_missing
from tools.formulas.panel import panel_of
from tools.formulas.reach import reach_of

SETTINGS = CompositeSettings()
HORIZON = SETTINGS.horizon_bars
WARM_UP = SETTINGS.warm_up_bars
DAY_MS = 86_400_000

MIN_T, MIN_HALF_YEARS = 3.0, 5
MAX_LIKENESS, MAX_TAKEN, MIN_TAKEN = 0.7, 12, 6
MIN_KNOWN = 0.95
"""Share of the rows on which a candidate must be known."""
FLAT = 1e-12
"""What varies less is constant but for rounding."""
N_DRAWS = 2_000
SEED = 20_140_101

Flags: TypeAlias = npt.NDArray[np.bool_]
# Prices


def until(bars: Bars, year: int) -> Bars:
    """Bars that closed before `year` began."""
    return bars[: int(np.searchsorted(bars.close_time, new_year(year), side="right"))]


def new_year(year: int) -> int:
    return to_ms(datetime(year, 1, 1, tzinfo=UTC))


def weeks(close_time: Int1D) -> Int1D:
    """Number of the week, which begins on Sunday as trading does."""
    found: Int1D = (close_time // DAY_MS + 4) // 7
    return found


# The choice


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs by the hour with what their next bars brought."""

    bars: tuple[Bars, ...]
    close_time: Int1D
    panel: Mapping[str, Float2D]
    z: Float2D
    """Standardised ranks of the labels, 0 where there is none."""
    z_later: Float2D
    """Of what the labels bring after their first bar."""

    @classmethod
    def of(cls, bars: Sequence[Bars]) -> "Pairs":
        """Hours of the first; the bars are cut, so the last label ends with the last bar."""
        panel = {name: rows for name, rows in panel_of(bars[0], bars[1:]).items() if name != "volume"}
        price = np.log(panel["close"])
        labels, later = np.full((2, *price.shape), np.nan)
        labels[:-HORIZON] = price[HORIZON:] - price[:-HORIZON]
        later[:-HORIZON] = price[HORIZON:] - price[1 : len(price) - HORIZON + 1]
        return cls(
            tuple(bars), bars[0].close_time, panel, _standardised_ranks(labels), _standardised_ranks(later)
        )

    def values(self, names: Sequence[str]) -> Iterator[tuple[str, Float2D]]:
        """Every signal's values, a column a pair."""
        yield from iter_formulas([name for name in names if name not in SIGNALS], self.panel)
        for name in (name for name in names if name in SIGNALS):
            yield name, np.column_stack([self._at_hours(SIGNALS[name](bars), bars) for bars in self.bars])

    def _at_hours(self, values: Float1D, bars: Bars) -> Float1D:
        at = np.minimum(np.searchsorted(bars.close_time, self.close_time), len(bars) - 1)
        return np.where(bars.close_time[at] == self.close_time, values[at], np.nan)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One signal on the years that may be looked at."""

    name: str
    correlation: float
    """Rank correlation with the next bars' return, mean of the pairs."""
    t: float
    half_years: int
    """In how many of the six it had the sign of the whole."""
    earlier: float
    """The same correlation on OANDA's earlier years; NaN for a formula that compares."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was looked at, what passed, what was taken, and what chance would have let pass."""

    candidates: tuple[Candidate, ...]
    passed: tuple[Candidate, ...]
    """By falling t."""
    taken: tuple[str, ...]
    by_chance: Float1D
    """How many pass when the weeks' signs are drawn."""
    t_later: Mapping[str, float]
    """Of those that passed: t of the correlation with what comes after the first bar."""

    @property
    def signals(self) -> tuple[str, ...]:
        """What the profile gets."""
        if len(self.taken) >= MIN_TAKEN:
            return self.taken
        return (*DEFAULT_SIGNALS, *(name for name in self.taken if name not in DEFAULT_SIGNALS))


def candidate_names() -> tuple[str, ...]:
    lacking = why_missing(published(), PRICES)
    fitting = [
        name
        for name, formula in published().items()
        if name not in lacking
        and formula.unit == "ratio"
        and reach_of(formula.tree, DEFAULT).settled_bars <= WARM_UP
    ]
    return (*DEFAULT_SIGNALS, *fitting)


def compares(name: str) -> bool:
    return name in published() and reach_of(published()[name].tree, DEFAULT).is_cross_sectional


def choose(data: Path) -> Choice:
    """The choice of the docstring above; reads nothing after 2016."""
    pairs = Pairs.of([until(mt5_bars(data, symbol), 2017) for symbol in POINTS if symbol != "xauusd"])
    earlier = Pairs.of([until(mid(oanda_sides(data, symbol)), 2014) for symbol in ("eurusd", "nzdusd")])
    sums = weekly_sums(pairs, candidate_names(), pairs.z)
    names = tuple(sums)
    older = weekly_sums(earlier, [name for name in names if not compares(name)], earlier.z)
    unknown = np.full(len(next(iter(older.values()))), np.nan)
    ours = np.column_stack([sums[name] for name in names])
    theirs = np.column_stack([older.get(name, unknown) for name in names])
    halves = _half_years(pairs)
    passes, t, agreeing = _passing(ours, theirs, halves)
    correlations = ours.sum(axis=0) / n_rows(pairs)
    earliest = theirs.sum(axis=0) / n_rows(earlier)
    candidates = tuple(
        Candidate(name, float(correlations[i]), float(t[i]), int(agreeing[i]), float(earliest[i]))
        for i, name in enumerate(names)
    )
    passed = sorted((candidates[i] for i in np.flatnonzero(passes)), key=lambda found: -abs(found.t))
    later = weekly_sums(pairs, [found.name for found in passed], pairs.z_later)
    return Choice(
        candidates,
        tuple(passed),
        _unlike([found.name for found in passed], pairs),
        _passes_by_chance(ours, theirs, halves),
        {name: float(t_of(values[:, None])[0]) for name, values in later.items()},
    )


def mid(sides: Mapping[str, Bars]) -> Bars:
    bid, ask = sides["bid"], sides["ask"]
    prices = {name: (getattr(bid, name) + getattr(ask, name)) / 2 for name in PRICES}
    return replace(bid, side="mid", **prices)


def t_of(sums: Float2D) -> Float1D:
    """Of weekly sums, a column a candidate: mean over its standard error."""
    t: Float1D = sums.mean(axis=0) / (sums.std(axis=0, ddof=1) / np.sqrt(len(sums)))
    return t


def _standardised_ranks(values: Float2D) -> Float2D:
    ranks = pd.DataFrame(values).rank().to_numpy()
    centred = ranks - np.nanmean(ranks, axis=0)
    z: Float2D = np.nan_to_num(centred / np.sqrt(np.nanmean(centred**2, axis=0)))
    return z


def n_rows(pairs: Pairs) -> int:
    return len(pairs.close_time) - WARM_UP - HORIZON


def weekly_sums(pairs: Pairs, names: Sequence[str], label_ranks: Float2D) -> dict[str, Float1D]:
    """Of the product of both ranks, mean over the pairs; without signals hardly known, or constant."""
    _, week = np.unique(weeks(pairs.close_time), return_inverse=True)
    found: dict[str, Float1D] = {}
    for name, values in pairs.values(names):
        values[:WARM_UP] = np.nan
        known = np.isfinite(values[WARM_UP:]).mean(axis=0)
        if known.min() < MIN_KNOWN or (np.nanstd(values, axis=0) < FLAT).any():
            continue
        products = (_standardised_ranks(values) * label_ranks).mean(axis=1)
        found[name] = np.bincount(week, weights=products).astype(np.float64)
    return found


def _half_years(pairs: Pairs) -> Int1D:
    """Which half-year each week begins in."""
    _, first = np.unique(weeks(pairs.close_time), return_index=True)
    begins = pd.to_datetime(pairs.close_time[first], unit="ms")
    _, found = np.unique(begins.year * 2 + (begins.month > 6), return_inverse=True)
    return found


def _passing(ours: Float2D, theirs: Float2D, halves: Int1D) -> tuple[Flags, Float1D, Int1D]:
    """Which candidates pass, their t, and in how many half-years they had one sign."""
    total, t = ours.sum(axis=0), t_of(ours)
    parts = np.stack([ours[halves == half].sum(axis=0) for half in np.unique(halves)])
    agreeing = (parts * total > 0).sum(axis=0)
    comparing = np.isnan(theirs).all(axis=0)
    older = np.where(comparing, total, theirs.sum(axis=0))
    needed = np.where(comparing, max(MIN_T, abs(t[~comparing]).max()), MIN_T)
    return (abs(t) >= needed) & (agreeing >= MIN_HALF_YEARS) & (older * total > 0), t, agreeing


def _passes_by_chance(ours: Float2D, theirs: Float2D, halves: Int1D) -> Float1D:
    rng = np.random.default_rng(SEED)
    counts = np.empty(N_DRAWS)
    for draw in range(N_DRAWS):
        drawn, older = (sums * rng.choice((-1.0, 1.0), len(sums))[:, None] for sums in (ours, theirs))
        counts[draw] = _passing(drawn, older, halves)[0].sum()
    return counts


def _unlike(names: Sequence[str], pairs: Pairs) -> tuple[str, ...]:
    """Those unlike all that were taken before them."""
    ranks = {name: _standardised_ranks(values) for name, values in pairs.values(names)}
    taken: list[str] = []
    for name in names:
        like = [abs(float((ranks[name] * ranks[other]).mean())) for other in taken]
        if max(like, default=0.0) < MAX_LIKENESS and len(taken) < MAX_TAKEN:
            taken.append(name)
    return tuple(taken)
