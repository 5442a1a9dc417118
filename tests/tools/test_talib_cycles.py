"""Cycle measures and adaptive averages against the listings, and how soon each tool forgets its start."""

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from contracts.errors import InvariantBroken
from contracts.market import Bars
from tests.tools.plain_cycles import adaptive, cycle
from tests.tools.price_paths import closes_only, random_bars, traded_bars
from tools.registry import get_tool
from tools.talib_counts import chained, count_of
from tools.talib_entries import catalogue

CATALOGUE = catalogue()
# Start of the comparison: TA-Lib and the listings begin a dozen bars apart.
FORGOTTEN = 330
LINEAR = (
    "dema",
    "heikin_ashi_open",
    "keltner_middle",
    "rma",
    "t3",
    "tema",
    "zlema",
)
"""Of which the newest value is a weighted sum of prices."""


@lru_cache
def listings(seed: int) -> dict[str, np.ndarray]:
    closes = random_bars(seed, 620).close.tolist()
    found, (mama, fama) = cycle(closes), adaptive(closes, 0.5, 0.05)
    lead = [math.sin(math.radians(phase + 45)) for phase in found.phase]
    columns = {
        "dominant_cycle_period": found.period,
        "dominant_cycle_phase": found.phase,
        "hilbert_sine": [math.sin(math.radians(phase)) for phase in found.phase],
        "hilbert_lead_sine": lead,
        "hilbert_in_phase": found.in_phase,
        "hilbert_quadrature": found.quadrature,
        "hilbert_trendline": found.trendline,
        "hilbert_trend_mode": found.trend_mode,
        "mama": mama,
        "fama": fama,
    }
    return {name: np.array(values) for name, values in columns.items()}


@pytest.mark.parametrize("name", sorted(listings(1)))
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_tool_comes_to_what_ehlers_listing_says(name: str, seed: int) -> None:
    found = get_tool(name).series(random_bars(seed, 620))[FORGOTTEN:]
    expected = listings(seed)[name][FORGOTTEN:]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * float(np.abs(expected).max()))


def test_cycle_of_a_sine_is_found_with_its_phase() -> None:
    place = np.arange(400.0)
    bars = closes_only(100 + np.sin(2 * np.pi * place / 20))
    assert get_tool("dominant_cycle_period").series(bars)[-50:] == pytest.approx(20, abs=0.5)
    assert get_tool("hilbert_trend_mode").series(bars)[-50:].mean() < 0.1
    found = np.sin(np.radians(get_tool("dominant_cycle_phase").series(bars)[-50:]))
    assert np.corrcoef(found, bars.close[-50:])[0, 1] > 0.98


def test_straight_line_is_a_trend() -> None:
    assert get_tool("hilbert_trend_mode").call(closes_only(np.linspace(100, 200, 300))).value == 1


# -- counts


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("period", 20),
        ("2 * period - 1", 39),
        ("max(period, 3) + floor(sqrt(period)) - 1", 23),
        ("ceil(1.6 / step)", 80),
        ("(period + 1) / 3", 7),
        ("remembered(1 - 1 / period)", 90),
        ("remembered(ema_decay(period))", 47),
    ],
)
def test_count_is_what_its_text_says(text: str, count: int) -> None:
    assert count_of(text)(period=20, step=0.02) == count


@pytest.mark.parametrize("text", ["length", "period.real", "period if period else 1", "'12'", "-period"])
def test_count_with_a_word_that_is_not_known_is_refused(text: str) -> None:
    with pytest.raises(InvariantBroken, match="expected a count of bars from period"):
        count_of(text)(period=20)


def test_chain_of_averages_forgets_as_its_own_recursion_does() -> None:
    for decays in ((0.9,), (0.9, 0.9), (0.5, 0.9), (0.9, 0.5), (0.8, 0.8, 0.8)):
        n = chained(*decays)
        levels = [1.0] * len(decays)
        path = []
        for _ in range(n):
            carried = 0.0
            for i, decay in enumerate(decays):
                carried = levels[i] = decay * levels[i] + (1 - decay) * carried
            path.append(carried)
        assert path[-1] <= 0.01 < path[-2]


# -- how soon the start is forgotten


@pytest.mark.parametrize("name", LINEAR)
def test_settled_average_has_under_one_percent_of_its_start(name: str) -> None:
    entry = get_tool(name)
    for params in ({}, {p.name: 60 for p in entry.parameters if p.name == "period"}):
        chosen = entry.check(**params)
        assert entry.settled_bars is not None
        n, first = entry.settled_bars(**chosen), entry.min_bars(**chosen)
        step = closes_only(np.where(np.arange(n + 200) < first, 1.0, 0.0))
        assert np.abs(entry.series(step, **params)[n - 1 :]).max() <= 0.01


RECURSIVE = sorted(name for name, entry in CATALOGUE.items() if entry.settled)


@lru_cache
def walks() -> tuple[Bars, ...]:
    return tuple(traded_bars(seed, 620, still=0.05) for seed in range(100, 220))


@pytest.mark.parametrize("name", RECURSIVE)
def test_settled_tool_says_the_same_wherever_its_bars_began(name: str) -> None:
    entry, apart = get_tool(name), []
    assert entry.settled_bars is not None
    n = entry.settled_bars(**entry.check())
    for bars in walks():
        whole, later = entry.series(bars), entry.series(bars[620 - n :])
        away = whole - bars.close if CATALOGUE[name].unit == "price" else whole
        apart.append(abs(later[-1] - whole[-1]) / float(np.nanstd(away)))
    # 1 % of a start that is three standard deviations off; where the market decides how soon it is forgotten,
    # one walk in a hundred may need longer.
    assert np.count_nonzero(np.array(apart) > 0.03) <= 2
    assert entry.call(bars[620 - n :]).warnings == ()
    assert entry.call(bars[620 - n + 1 :]).warnings != ()


def test_stop_with_another_acceleration_forgets_its_start_as_told() -> None:
    entry = get_tool("parabolic_sar")
    for acceleration in (0.01, 0.05, 0.1):
        assert entry.settled_bars is not None
        n = entry.settled_bars(acceleration=acceleration, maximum=0.2)
        apart = [
            entry.series(bars, acceleration=acceleration)[-1]
            != pytest.approx(entry.series(bars[620 - n :], acceleration=acceleration)[-1], rel=1e-9)
            for bars in walks()
        ]
        assert sum(apart) <= 6


def test_short_history_of_a_cycle_is_warned_of() -> None:
    found = get_tool("dominant_cycle_period").call(traded_bars(1, 100))
    assert found.value is not None
    assert found.warnings == (
        "has 100 bars; under 200 where they begin still counts for over 1 % of the value",
    )


def test_market_that_has_not_moved_has_no_cycle_and_one_that_stops_keeps_one() -> None:
    still = closes_only(np.full(300, 1.1))
    assert np.isnan(get_tool("dominant_cycle_period").series(still)).all()
    moved = random_bars(1, 300).close
    stops = replace(closes_only(np.r_[moved, np.full(100, moved[-1])]))
    assert np.isfinite(get_tool("dominant_cycle_period").series(stops)[32:]).all()
