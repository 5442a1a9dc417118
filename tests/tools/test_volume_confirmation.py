"""Volume behind moves: each tool against a plain twin, and what it says of a move made for it."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from contracts.market import Bars
from tests.tools.price_paths import HOUR_MS, closes_only, traded_bars, with_missing
from tools.ranges import atr
from tools.registry import get_tool
from tools.volume_confirmation import (
    relative_volume_of_hour,
    up_volume_share,
    volume_momentum_gap,
    volume_weighted_momentum,
    vwap_distance,
)

seeds = pytest.mark.parametrize("seed", [1, 2, 3])
periods = pytest.mark.parametrize("period", [2, 20, 60])


def rolled(bars: Bars, period: int, first: int, of: Callable[[range], float]) -> list[float]:
    n = len(bars)
    return [of(range(i - period + 1, i + 1)) if i >= first else math.nan for i in range(n)]


@seeds
@periods
def test_distance_agrees_with_its_definition_and_with_vwap(seed: int, period: int) -> None:
    bars = traded_bars(seed, 150, 0.1)
    high, low, close = (list(map(float, x)) for x in (bars.high, bars.low, bars.close))
    volume = list(map(float, bars.volume))
    ranges = atr(bars, period=10)

    def distance(rows: range) -> float:
        paid = sum(volume[i] * (high[i] + low[i] + close[i]) / 3 for i in rows)
        return (close[rows[-1]] - paid / sum(volume[i] for i in rows)) / float(ranges[rows[-1]])

    found = vwap_distance(bars, period=period, atr_period=10)
    expected = rolled(bars, period, max(period - 1, 10), distance)
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)
    existing = (bars.close - get_tool("vwap").series(bars, period=period)) / ranges
    np.testing.assert_allclose(found[60:], existing[60:], rtol=1e-6, atol=1e-8)


@seeds
@periods
def test_share_and_momentum_agree_with_their_definitions(seed: int, period: int) -> None:
    bars = traded_bars(seed, 150, 0.3)
    close, volume = list(map(float, bars.close)), list(map(float, bars.volume))

    def share(rows: range) -> float:
        up = sum(volume[i] for i in rows if close[i] > close[i - 1])
        moved = sum(volume[i] for i in rows if close[i] != close[i - 1])
        return up / moved if moved else math.nan

    def momentum(rows: range) -> float:
        weighed = sum(volume[i] * math.log(close[i] / close[i - 1]) for i in rows)
        return weighed / sum(volume[i] for i in rows)

    def gap(rows: range) -> float:
        return momentum(rows) - math.log(close[rows[-1]] / close[rows[0] - 1]) / period

    for tool, plain in (
        (up_volume_share, share),
        (volume_weighted_momentum, momentum),
        (volume_momentum_gap, gap),
    ):
        expected = rolled(bars, period, period, plain)
        np.testing.assert_allclose(tool(bars, period=period), expected, rtol=1e-8, atol=1e-14)


def test_move_on_busy_bars_is_confirmed_and_one_on_thin_bars_is_not() -> None:
    steps = np.tile([0.002, -0.001], 20)
    bars = closes_only(100 * np.exp(np.cumsum(steps)))
    busy_rises, busy_falls = (
        replace(bars, volume=np.where((steps > 0) == rises, 900.0, 100.0)) for rises in (True, False)
    )
    assert up_volume_share(busy_rises)[-1] == pytest.approx(0.9)
    assert up_volume_share(busy_falls)[-1] == pytest.approx(0.1)
    assert volume_momentum_gap(busy_rises)[-1] == pytest.approx(0.0017 - 0.0005)
    assert volume_momentum_gap(busy_falls)[-1] == pytest.approx(-0.0007 - 0.0005)
    same = replace(bars, volume=np.full(40, 7.0))
    assert volume_momentum_gap(same)[-1] == pytest.approx(0, abs=1e-15)
    assert volume_weighted_momentum(same)[-1] == pytest.approx(0.0005)


@pytest.mark.parametrize("name", ["vwap_distance", "up_volume_share", "volume_weighted_momentum"])
def test_bars_nobody_traded_have_no_value_and_say_why(name: str) -> None:
    entry, bars = get_tool(name), traded_bars(1, 300)
    found = entry.call(replace(bars, volume=np.zeros(300)))
    assert found.value is None
    assert found.reason == entry.undefined
    absent = entry.call(replace(bars, volume=np.full(300, math.nan)))
    assert absent.reason == "needs volume, which these bars do not have"


# -- the hour's usual volume


def test_hour_is_compared_with_the_same_hour_of_earlier_days() -> None:
    bars = traded_bars(3, 24 * 30)
    found = relative_volume_of_hour(bars, days=20)
    hour = bars.volume[::-24].tolist()
    assert found.value == pytest.approx(hour[0] / (sum(hour[1:21]) / 20), rel=1e-12)
    assert found.n_obs == 21


def test_day_that_always_looks_the_same_is_usual_at_every_hour() -> None:
    bars = traded_bars(3, 24 * 30)
    daily = replace(bars, volume=np.tile(np.arange(1.0, 25.0), 30))
    for n in range(24 * 29, 24 * 30):
        assert relative_volume_of_hour(daily[:n]).value == pytest.approx(1.0)
    doubled = with_missing(daily, "volume", len(daily) - 1, 48.0)
    assert relative_volume_of_hour(doubled).value == pytest.approx(2.0)


def test_days_without_that_hour_are_passed_over() -> None:
    bars = traded_bars(4, 24 * 30)
    is_open = (bars.close_time // HOUR_MS) % (24 * 7) > 48
    kept = {name: getattr(bars, name)[is_open] for name in ("open_time", "close_time", "close", "volume")}
    gapped = replace(bars, **kept)
    newest = gapped.close_time[-1]
    hour = gapped.volume[(newest - gapped.close_time) % (24 * HOUR_MS) == 0].tolist()
    expected = hour[-1] / (sum(hour[-16:-1]) / 15)
    assert relative_volume_of_hour(gapped, days=15).value == pytest.approx(expected, rel=1e-12)


def test_too_few_days_and_missing_volume_have_a_reason() -> None:
    entry, bars = get_tool("relative_volume_of_hour"), traded_bars(5, 24 * 30)
    short = entry.call(bars[: 24 * 10])
    assert short.reason == "needs 20 earlier bars of this time of day, has 9"
    gapped = entry.call(with_missing(bars, "volume", 24 * 30 - 1 - 24 * 3))
    assert gapped.reason == "needs volume on every bar of this time of day, missing on 1 of 21"
    assert entry.call(with_missing(bars, "volume", 24 * 30 - 2)).value is not None
    never = entry.call(replace(bars, volume=np.zeros(len(bars))))
    assert never.reason == "undefined: no volume at this time of day"
    assert entry.call(bars[:20]).reason == "needs 21 bars, has 20"
