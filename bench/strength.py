"""What the composite strength is worth on hourly forex, with the default signals and with forex_hourly's.

    python -m bench.strength --write

Repeats the choice of `bench/forex_choice.py`, then fits and reads the composite as the desk does, through
`fit_composite`, on ten symbols by the hour, 2014 to 2018. Reads DUALBRAIN_SHARED, ../shared by default; says
so and ends where the prices are absent.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.forex_choice import (
    HORIZON,
    N_DRAWS,
    SEED,
    Choice,
    Pairs,
    choose,
    n_rows,
    new_year,
    t_of,
    until,
    weekly_sums,
    weeks,
)
from bench.forex_files import POINTS, PRICES, mt5_bars, oanda_sides
from bench.report import publish, table
from contracts.errors import InvariantBroken
from contracts.market import Bars, Float1D, Int1D, Timeframe, from_ms, to_ms
from contracts.records import BarSeries
from tools.composite import composite_strength, fit_composite, fit_point, strength_series
from tools.decision_settings import CompositeSettings
from tools.formulas.catalogue import published
from tools.report import load_profile

PROFILES = ("technical", "forex_hourly")
"""Whose signals are compared; the first has the six defaults."""
PERIODS = ((2014, 2016), (2017, 2018))
"""Looked at for the choice, and not."""


# The walk


@dataclass(frozen=True, slots=True)
class Walk:
    """Every hour of some symbols with the strength a desk would have had, NaN where none."""

    close_time: Int1D
    strength: Float1D
    returns: Float1D
    """Logarithm of the next bars' return, NaN at the end."""

    def part(self, first: int, last: int) -> "Walk":
        """Of the years from first to last."""
        inside = (self.close_time > new_year(first)) & (self.close_time <= new_year(last + 1))
        return Walk(self.close_time[inside], self.strength[inside], self.returns[inside])


def walk(data: Path, symbol: str, signals: tuple[str, ...]) -> Walk:
    """One symbol from its first fit to its last bar."""
    bars = mt5_bars(data, symbol)
    returns = np.full(len(bars), np.nan)
    returns[:-HORIZON] = np.log(bars.close[HORIZON:] / bars.close[:-HORIZON])
    strength = strengths(bars, signals)
    return Walk(bars.close_time, strength, returns)


def strengths(bars: Bars, signals: tuple[str, ...]) -> Float1D:
    """Of every bar under the weights in force when it closed."""
    settings = CompositeSettings(signals=signals)
    step = settings.refit_every * Timeframe.H1.seconds * 1000
    found = np.full(len(bars), np.nan)
    for point in np.unique(bars.close_time // step * step):
        fitted = int(np.searchsorted(bars.close_time, point, side="right"))
        first, stop = (int(np.searchsorted(bars.close_time, moment)) for moment in (point, point + step))
        if fitted < settings.fit_bars:
            continue
        start = fitted - settings.fit_bars
        window = bars[start:fitted]
        weights = fit_composite(window, series=_named(window), settings=settings)
        found[first:stop] = strength_series(bars[start:stop], weights)[first - start :]
    return found


def _named(bars: Bars) -> BarSeries:
    return BarSeries(
        instrument_id="FOREX",
        timeframe=Timeframe.H1,
        chunks=(),
        n_bars=len(bars),
        first_close=from_ms(int(bars.close_time[0])),
        last_close=bars.last_close_time,
    )


def check_against_the_desk(data: Path, signals: tuple[str, ...], n: int = 20) -> float:
    """Largest relative difference to what the desk computes at moments drawn at random."""
    bars = mt5_bars(data, "gbpusd")[:3_000]
    settings = CompositeSettings(signals=signals)
    ours, worst = strengths(bars, signals), 0.0
    for row in np.random.default_rng(SEED).integers(settings.fit_bars + 24, len(bars), n):
        point = to_ms(fit_point(from_ms(int(bars.close_time[row])), Timeframe.H1, settings))
        fitted = int(np.searchsorted(bars.close_time, point, side="right"))
        window = bars[fitted - settings.fit_bars : fitted]
        weights = fit_composite(window, series=_named(window), settings=settings)
        newest = composite_strength(bars[row + 1 - settings.fit_bars : row + 1], weights).value
        if (newest is None) != bool(np.isnan(ours[row])):
            raise InvariantBroken(f"expected one strength at row {row}, found {newest} and {ours[row]}")
        worst = max(worst, 0.0 if newest is None else abs(ours[row] - newest) / max(abs(newest), 0.01))
    if worst > 1e-6:
        raise InvariantBroken(f"expected the desk's own strengths to 1e-6, found a difference of {worst:g}")
    return worst


def check_the_future_is_not_read(data: Path, signals: tuple[str, ...], n: int = 4) -> None:
    """InvariantBroken where absurd prices after a bar change its strength, or one before it."""
    bars = mt5_bars(data, "gbpusd")[:2_400]
    before = strengths(bars, signals)
    # A bar without a strength could not show that it reads the next one.
    known = np.flatnonzero(np.isfinite(before[: len(bars) - 200]))
    for row in np.random.default_rng(SEED).choice(known, n, replace=False):
        factor = np.where(np.arange(len(bars)) > row, 3.0, 1.0)
        absurd = replace(bars, **{name: getattr(bars, name) * factor for name in PRICES})
        after = strengths(absurd, signals)
        if not np.array_equal(before[: row + 1], after[: row + 1], equal_nan=True):
            raise InvariantBroken(f"expected no strength to read past row {row}, found one that does")
        if np.array_equal(before[row + 1 :], after[row + 1 :], equal_nan=True):
            raise InvariantBroken("expected absurd prices to be read in their time, found that they were not")


# What it was worth


BANDS = ((0.0, 0.5), (0.5, 1.0), (1.0, 1.5), (1.5, 2.0), (2.0, 3.0), (3.0, np.inf))
GATES = ((1.0, np.inf), (1.5, np.inf))
"""From where on the desk thinks, and asks the panel."""


@dataclass(frozen=True, slots=True)
class Band:
    """What followed strengths of one size; intervals are of 95 %."""

    low: float
    high: float
    share: float
    """Of all strengths."""
    n: int
    """With a return that was not zero."""
    n_zero: int
    hit_rate: tuple[float, float, float]
    """Estimate, lower and upper bound."""
    return_bps: tuple[float, float, float]

    @property
    def name(self) -> str:
        return f"{self.low:g} and over" if np.isinf(self.high) else f"{self.low:g} to {self.high:g}"


def bands_of(walks: Sequence[Walk]) -> list[Band]:
    """All symbols together; an interval draws whole weeks of all of them, again and again."""
    strength, returns, times = (
        np.concatenate([getattr(of, name) for of in walks]) for name in ("strength", "returns", "close_time")
    )
    known = np.isfinite(strength) & np.isfinite(returns)
    strength, returns, times = strength[known], returns[known], times[known]
    _, week = np.unique(weeks(times), return_inverse=True)
    n_weeks = int(week.max()) + 1
    drawn = np.random.default_rng(SEED).multinomial(n_weeks, np.full(n_weeks, 1 / n_weeks), N_DRAWS)
    size, gained = abs(strength), np.sign(strength) * returns
    found = []
    for low, high in (*BANDS, *GATES):
        inside = (size >= low) & (size < high)
        moved = inside & (returns != 0)
        hits, n, total, all_inside = (
            np.bincount(week, weights=of, minlength=n_weeks).astype(np.float64)
            for of in (moved & (gained > 0), moved, np.where(inside, gained, 0.0), inside)
        )
        rate, bps = _estimate(hits, n, drawn), _estimate(1e4 * total, all_inside, drawn)
        n_zero = int(inside.sum() - moved.sum())
        found.append(Band(low, high, inside.mean(), int(moved.sum()), n_zero, rate, bps))
    return found


def _estimate(above: Float1D, below: Float1D, drawn: npt.NDArray[np.int64]) -> tuple[float, float, float]:
    again = (drawn @ above) / np.maximum(drawn @ below, 1)
    low, high = np.quantile(again, (0.025, 0.975))
    return float(above.sum() / max(below.sum(), 1)), float(low), float(high)


# The page


@dataclass(frozen=True, slots=True)
class Spread:
    """Ask less bid at the close of the hours of 2014-2016, in basis points."""

    pair: str
    median: float
    mean: float


def spread_of(data: Path, symbol: str) -> Spread:
    sides = {side: until(bars, 2017) for side, bars in oanda_sides(data, symbol).items()}
    ask, bid = sides["ask"], sides["bid"]
    recent = bid.close_time > new_year(2014)
    bps = (2e4 * (ask.close - bid.close) / (ask.close + bid.close))[recent]
    return Spread(f"{symbol[:3]}/{symbol[3:]}".upper(), float(np.median(bps)), float(bps.mean()))


def later_sums(data: Path, names: Sequence[str]) -> Mapping[str, tuple[float, float]]:
    """Correlation and t of signals in the years that the choice did not see."""
    whole = [mt5_bars(data, symbol) for symbol in POINTS if symbol != "xauusd"]
    pairs = Pairs.of([bars[int(np.searchsorted(bars.close_time, new_year(2017))) :] for bars in whole])
    sums = weekly_sums(pairs, names, pairs.z)
    return {name: (float(of.sum() / n_rows(pairs)), float(t_of(of[:, None])[0])) for name, of in sums.items()}


def main() -> None:
    """Choose, walk, and publish."""
    data = Path(os.environ.get("DUALBRAIN_SHARED", "../shared")) / "data"
    if not (data / "fx_hourly").is_dir():
        print(f"skipped: expected hourly forex under {data / 'fx_hourly'}, found none; set DUALBRAIN_SHARED")
        return
    signals = {name: load_profile(name).signals for name in PROFILES}
    with ProcessPoolExecutor() as pool:
        choosing = pool.submit(choose, data)
        walking = {
            (name, symbol): pool.submit(walk, data, symbol, signals[name])
            for name, symbol in product(PROFILES, POINTS)
        }
        checks = [pool.submit(check_against_the_desk, data, signals[name]) for name in PROFILES]
        unread = [pool.submit(check_the_future_is_not_read, data, signals[name]) for name in PROFILES]
        later = pool.submit(later_sums, data, signals["forex_hourly"])
        spreads = [pool.submit(spread_of, data, symbol) for symbol in ("eurusd", "nzdusd")]
        walks = {key: found.result() for key, found in walking.items()}
        worst = max(found.result() for found in checks)
        for found in unread:
            found.result()
        text = "\n\n".join(
            _page(walks, choosing.result(), later.result(), [found.result() for found in spreads], worst)
        )
    publish("strength", "What the composite strength is worth on hourly forex", text)


def _page(
    walks: Mapping[tuple[str, str], Walk],
    choice: Choice,
    later: Mapping[str, tuple[float, float]],
    spreads: Sequence[Spread],
    worst: float,
) -> Iterator[str]:
    bands = {
        (name, period): bands_of([walks[name, symbol].part(*period) for symbol in POINTS])
        for name, period in product(PROFILES, PERIODS)
    }
    cheapest = min(spreads, key=lambda spread: spread.median)
    yield _verdict({name: bands[name, PERIODS[1]][-2] for name in PROFILES}, cheapest)
    yield (
        "The strength of every hour of nine pairs and gold, 2014 to 2018, fitted and read as the desk does. "
        "`technical` has the six default signals, `forex_hourly` formulas over prices. A hit: the sign of "
        f"the next {HORIZON} bars' return is the sign of the strength; returns of zero are counted apart. "
        "Returns are in basis points along the sign of the strength, from close to close, before any cost. "
        f"Intervals of 95 % draw whole weeks of all symbols together, {N_DRAWS:,} times. Spreads at the "
        "close of OANDA's hours, 2014 to 2016: "
        + ", ".join(f"{s.pair} median {s.median:.2f}, mean {s.mean:.2f} bp" for s in spreads)
        + ". Whether the files of the ten symbols hold bids or mids is not stated."
    )
    for (name, period), found in bands.items():
        seen = "seen by the choice" if period == PERIODS[0] else "not seen by the choice"
        yield f"## {name}, {period[0]}-{period[1]} ({seen})"
        parts = [walks[name, symbol].part(*period).strength for symbol in POINTS]
        missing = np.isnan(np.concatenate(parts)).mean()
        yield _band_table(found)
        yield f"Bars without a strength, where no signal stood out or too few bars had closed: {missing:.1%}."
    yield from _choice_page(choice, later)
    yield (
        "## Checks made in this run\n\nStrengths at moments drawn at random are those of `fit_composite` and "
        f"`composite_strength` to {worst:.0e}. Prices made absurd after a moment change no strength up to it."
    )


def _verdict(strong: Mapping[str, Band], spread: Spread) -> str:
    first_year, last_year = PERIODS[1]
    told = "; ".join(
        f"{name}: {_percent(band.hit_rate)} hits, {_bps(band.return_bps)} bp before costs"
        for name, band in strong.items()
    )
    paying = [name for name, band in strong.items() if band.return_bps[1] > spread.median]
    earning = [name for name, band in strong.items() if band.return_bps[1] > 0]
    if paying:
        found = f"There is an edge over the spread of {spread.pair} with {' and '.join(paying)}"
    elif earning:
        found = f"There is no edge that would pay the spread of {spread.pair}, {spread.median:.2f} bp"
    else:
        found = f"No earning stands out from chance, let alone from the spread of {spread.pair}"
    if right := [name for name, band in strong.items() if band.hit_rate[1] > 0.5]:
        found += f", though the sign of {' and '.join(right)} was right more often than wrong"
    return f"{found}. What followed strengths of 1 and over in {first_year}-{last_year}: {told}."


def _band_table(bands: Sequence[Band]) -> str:
    header = ("strength, sign aside", "share", "bars", "zero returns", "hit rate", "mean return, bp")
    return table(
        header,
        [
            (
                band.name,
                f"{band.share:.1%}",
                f"{band.n:,}",
                f"{band.n_zero:,}",
                _percent(band.hit_rate),
                _bps(band.return_bps),
            )
            for band in bands
        ],
    )


def _percent(of: tuple[float, float, float]) -> str:
    return f"{of[0]:.1%} ({of[1]:.1%} to {of[2]:.1%})"


def _bps(of: tuple[float, float, float]) -> str:
    return f"{of[0]:+.2f} ({of[1]:+.2f} to {of[2]:+.2f})"


def _choice_page(choice: Choice, later: Mapping[str, tuple[float, float]]) -> Iterator[str]:
    by_chance, found = choice.by_chance, len(choice.passed)
    profile = load_profile("forex_hourly").signals
    same = "are those of" if profile == choice.signals else "ARE NOT those of"
    settings = CompositeSettings()
    error = 1 / np.sqrt(settings.label_bars - settings.horizon_bars + 1)
    passed = {candidate.name: candidate for candidate in choice.passed}
    taken = [name for name in choice.taken if name in later]
    lasting = sum(later[name][0] * passed[name].correlation > 0 for name in taken)
    yield (
        f"## The choice\n\nOf {len(choice.candidates)} candidates {found} passed; by chance "
        f"{by_chance.mean():.1f} would on average, and {found} or more in {(by_chance >= found).mean():.1%} "
        f"of {N_DRAWS:,} draws (they pass in clumps, being alike). Taken: {len(choice.taken)}, which {same} "
        "the profile forex_hourly. The rules are at the head of `bench/forex_choice.py`."
    )
    yield (
        "Nearly all of them say that the last hours turn, and most of it in the first of the four bars: "
        "`after the first bar` is t for what the other three bring. A close that is one noisy quote turns "
        f"like this in any file. {lasting} of {len(taken)} keep their sign in the years not seen, yet the "
        f"strength makes little of them: its fit sees {settings.label_bars} bars, where a correlation has a "
        f"standard error of {error:.2f}."
    )
    header = ("taken", "correlation", "t", "after the first bar", "OANDA 2007-13", "2017-18", "t", "formula")
    yield table(
        header,
        [
            (
                name,
                f"{passed[name].correlation:+.4f}",
                f"{passed[name].t:+.1f}",
                f"{choice.t_later[name]:+.1f}",
                f"{passed[name].earlier:+.4f}",
                f"{later[name][0]:+.4f}",
                f"{later[name][1]:+.1f}",
                f"`{published()[name].text}`".replace("|", "\\|") if name in published() else "a default",
            )
            for name in taken
        ],
    )
    yield "## All that passed"
    yield table(
        ("signal", "correlation", "t", "half-years of one sign", "OANDA 2007-13", "after the first bar: t"),
        [
            (
                c.name,
                f"{c.correlation:+.4f}",
                f"{c.t:+.1f}",
                str(c.half_years),
                f"{c.earlier:+.4f}",
                f"{choice.t_later[c.name]:+.1f}",
            )
            for c in choice.passed
        ],
    )


if __name__ == "__main__":
    main()
