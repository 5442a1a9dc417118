"""Indicators against plain twins written from the published definitions, and against what TA-Lib does."""

from itertools import pairwise

import numpy as np
import pytest
import talib

from contracts.market import Bars, Float1D
from tests.tools.price_paths import bars_from, closes_only, random_bars, with_missing
from tools.bollinger import bandwidth, bollinger_lower, bollinger_upper, percent_b
from tools.indicators import ema, macd_histogram, macd_line, macd_signal, rsi
from tools.ranges import adx, atr, minus_di, plus_di
from tools.registry import get_tool

NAN = float("nan")
seeds = pytest.mark.parametrize("seed", [1, 2, 3])
periods = pytest.mark.parametrize("period", [2, 3, 14, 50])


def assert_agrees(found: Float1D, twin: list[float]) -> None:
    np.testing.assert_allclose(found, twin, rtol=1e-9, atol=1e-12)
    assert np.isfinite(found).any()


# -- twins: plain loops over lists, no array arithmetic


def average(values: list[float]) -> float:
    return sum(values) / len(values)


def wilder_average(values: list[float], period: int) -> list[float]:
    out = [NAN] * (period - 1) + [average(values[:period])]
    for value in values[period:]:
        out.append((out[-1] * (period - 1) + value) / period)
    return out


def plain_ema(values: list[float], period: int, first: int | None = None) -> list[float]:
    """Seeded with the mean of the `period` values that end at place `first`."""
    first = period - 1 if first is None else first
    alpha = 2 / (period + 1)
    out = [NAN] * first + [average(values[first - period + 1 : first + 1])]
    for value in values[first + 1 :]:
        out.append(alpha * value + (1 - alpha) * out[-1])
    return out


def plain_rsi(bars: Bars, period: int) -> list[float]:
    close = bars.close.tolist()
    changes = [b - a for a, b in pairwise(close)]
    ups = wilder_average([max(change, 0.0) for change in changes], period)
    downs = wilder_average([max(-change, 0.0) for change in changes], period)
    return [NAN] + [100 * up / (up + down) for up, down in zip(ups, downs, strict=True)]


def true_ranges(bars: Bars) -> list[float]:
    rows = zip(bars.high[1:].tolist(), bars.low[1:].tolist(), bars.close[:-1].tolist(), strict=True)
    return [max(high - low, abs(high - before), abs(low - before)) for high, low, before in rows]


def plain_atr(bars: Bars, period: int) -> list[float]:
    return [NAN, *wilder_average(true_ranges(bars), period)]


def directional_movements(bars: Bars) -> tuple[list[float], list[float]]:
    high, low = bars.high.tolist(), bars.low.tolist()
    plus, minus = [], []
    for i in range(1, len(high)):
        up, down = high[i] - high[i - 1], low[i - 1] - low[i]
        plus.append(up if up > down and up > 0 else 0.0)
        minus.append(down if down > up and down > 0 else 0.0)
    return plus, minus


def worksheet_sum(values: list[float], period: int, n_first: int) -> list[float]:
    """Wilder's running sum, begun with the first `n_first` values."""
    total = sum(values[:n_first])
    out = [NAN] * (n_first - 1) + [total]
    for value in values[n_first:]:
        total = total - total / period + value
        out.append(total)
    return out


def plain_di(bars: Bars, period: int, n_first: int) -> tuple[list[float], list[float]]:
    plus, minus = directional_movements(bars)
    spans = worksheet_sum(true_ranges(bars), period, n_first)
    lines = []
    for moves in (plus, minus):
        sums = worksheet_sum(moves, period, n_first)
        lines.append([NAN] + [100 * m / s for m, s in zip(sums, spans, strict=True)])
    return lines[0], lines[1]


def plain_adx(bars: Bars, period: int) -> list[float]:
    plus, minus = plain_di(bars, period, period - 1)
    # Until something has moved in a direction the index is 0 / 0; TA-Lib counts it as 0.
    rows = zip(plus[period:], minus[period:], strict=True)
    dx = [100 * abs(p - m) / (p + m) if p + m else 0.0 for p, m in rows]
    return [NAN] * period + wilder_average(dx, period)


def plain_macd(bars: Bars, fast: int, slow: int, signal: int) -> tuple[list[float], list[float]]:
    close = bars.close.tolist()
    slow_average = plain_ema(close, slow)
    fast_average = plain_ema(close, fast, first=slow - 1)
    line = [f - s for f, s in zip(fast_average, slow_average, strict=True)]
    known = line[slow - 1 :]
    return line, [NAN] * (slow - 1) + plain_ema(known, signal)


def plain_bands(bars: Bars, period: int, width: float) -> tuple[list[float], list[float], list[float]]:
    close = bars.close.tolist()
    upper, middle, lower = ([NAN] * (period - 1) for _ in range(3))
    for i in range(period, len(close) + 1):
        window = close[i - period : i]
        mean = average(window)
        deviation = average([(value - mean) ** 2 for value in window]) ** 0.5
        upper.append(mean + width * deviation)
        middle.append(mean)
        lower.append(mean - width * deviation)
    return upper, middle, lower


# -- agreement


@seeds
@periods
def test_rsi_agrees_with_wilders_definition(seed: int, period: int) -> None:
    bars = random_bars(seed, 300)
    assert_agrees(rsi(bars, period=period), plain_rsi(bars, period))


@seeds
@periods
def test_atr_agrees_with_wilders_definition(seed: int, period: int) -> None:
    bars = random_bars(seed, 300, still=0.2)
    assert_agrees(atr(bars, period=period), plain_atr(bars, period))


@seeds
@periods
def test_directional_lines_agree_with_wilders_worksheet(seed: int, period: int) -> None:
    bars = random_bars(seed, 300)
    plus, minus = plain_di(bars, period, period - 1)
    assert_agrees(plus_di(bars, period=period)[period:], plus[period:])
    assert_agrees(minus_di(bars, period=period)[period:], minus[period:])


@seeds
def test_directional_lines_started_from_a_full_period_come_to_the_same(seed: int) -> None:
    bars = random_bars(seed, 600)
    for found, twin in zip((plus_di(bars), minus_di(bars)), plain_di(bars, 14, 14), strict=True):
        assert abs(found[14] - twin[14]) > 1e-6
        assert_agrees(found[400:], twin[400:])


@seeds
@periods
def test_adx_agrees_with_wilders_worksheet(seed: int, period: int) -> None:
    bars = random_bars(seed, 300)
    assert_agrees(adx(bars, period=period), plain_adx(bars, period))


@seeds
@periods
def test_ema_agrees_with_its_definition(seed: int, period: int) -> None:
    bars = random_bars(seed, 300)
    assert_agrees(ema(bars, period=period), plain_ema(bars.close.tolist(), period))


@seeds
@pytest.mark.parametrize(("fast", "slow", "signal"), [(12, 26, 9), (2, 3, 2), (5, 35, 5)])
def test_macd_agrees_with_two_averages_started_side_by_side(
    seed: int, fast: int, slow: int, signal: int
) -> None:
    bars = random_bars(seed, 300)
    line, average_line = plain_macd(bars, fast, slow, signal)
    assert_agrees(macd_line(bars, fast=fast, slow=slow), line)
    assert_agrees(macd_signal(bars, fast=fast, slow=slow, signal=signal), average_line)
    assert_agrees(
        macd_histogram(bars, fast=fast, slow=slow, signal=signal),
        [a - b for a, b in zip(line, average_line, strict=True)],
    )


@seeds
def test_macd_line_comes_to_the_difference_of_plain_averages(seed: int) -> None:
    bars = random_bars(seed, 600)
    found, apart = macd_line(bars), ema(bars, period=12) - ema(bars, period=26)
    assert abs(found[25] - apart[25]) > 1e-7
    np.testing.assert_allclose(found[400:], apart[400:], atol=1e-12)


@seeds
@periods
@pytest.mark.parametrize("width", [0.5, 2.0, 3.0])
def test_bands_agree_with_bollingers_definition(seed: int, period: int, width: float) -> None:
    bars = random_bars(seed, 200)
    upper, middle, lower = plain_bands(bars, period, width)
    assert_agrees(bollinger_upper(bars, period=period, deviations=width), upper)
    assert_agrees(bollinger_lower(bars, period=period, deviations=width), lower)
    rows = list(zip(bars.close.tolist(), upper, middle, lower, strict=True))
    found = percent_b(bars, period=period, deviations=width)
    np.testing.assert_allclose(found, [(c - lo) / (up - lo) for c, up, _, lo in rows], rtol=1e-6, atol=1e-8)
    found = bandwidth(bars, period=period, deviations=width)
    np.testing.assert_allclose(found, [(up - lo) / mid for _, up, mid, lo in rows], rtol=1e-6, atol=1e-12)


@seeds
def test_bands_agree_with_ta_lib(seed: int) -> None:
    bars = random_bars(seed, 600)
    upper, _, lower = talib.BBANDS(bars.close, 20, 2.0, 2.0)
    np.testing.assert_allclose(bollinger_upper(bars), upper, rtol=1e-12)
    np.testing.assert_allclose(bollinger_lower(bars), lower, rtol=1e-12)


@pytest.mark.parametrize(("level", "step"), [(1.08, 1e-6), (1e5, 1.0), (1e9, 1e-1)])
def test_percent_b_keeps_its_digits_where_moves_are_small_beside_the_level(level: float, step: float) -> None:
    moves = np.arange(20.0) % 7
    found = percent_b(closes_only(level + step * moves))[-1]
    # The price grid itself is only eps x level fine: no formula can know the place better than that.
    assert found == pytest.approx(percent_b(closes_only(moves))[-1], abs=20 * 2.3e-16 * level / step)


# -- what TA-Lib does in silence, and what is made of it


def test_ta_lib_turns_a_missing_close_into_rsi_zero_and_the_tool_does_not() -> None:
    bars = with_missing(random_bars(1, 100), "close", 50)
    assert (talib.RSI(bars.close, 14)[50:] == 0).all()
    assert np.isnan(rsi(bars)[50:]).all()
    assert np.isfinite(rsi(bars)[14:50]).all()


def test_ta_lib_calls_a_market_that_never_moved_zero_and_the_tool_unknown() -> None:
    still = np.full(60, 1.1)
    assert talib.RSI(still, 14)[-1] == talib.PLUS_DI(still, still, still, 14)[-1] == 0
    for tool_function in (rsi, plus_di, minus_di, adx):
        assert np.isnan(tool_function(closes_only(still))).all()
    assert (atr(closes_only(still))[14:] == 0).all()
    assert (bandwidth(closes_only(still))[19:] == 0).all()


def test_values_begin_with_the_first_move_after_a_still_start() -> None:
    close = np.concatenate((np.full(40, 1.1), [1.2], np.full(20, 1.2)))
    found = rsi(closes_only(close))
    assert np.isnan(found[:40]).all()
    assert (found[40:] == 100).all()
    for line, value in ((plus_di, 100), (minus_di, 0)):
        found = line(closes_only(close))
        assert np.isnan(found[:40]).all()
        np.testing.assert_allclose(found[40:], value)


def test_stillness_after_a_move_leaves_rsi_where_it_was() -> None:
    moved = random_bars(2, 60).close
    found = rsi(closes_only(np.concatenate((moved, np.full(900, moved[-1])))))
    np.testing.assert_allclose(found[60:], found[59], rtol=1e-9)


@pytest.mark.parametrize("n_inside", [10, 18, 25, 40])
def test_bars_inside_each_other_at_the_start_count_as_no_direction_in_adx(n_inside: int) -> None:
    walk = random_bars(1, 60)
    half = np.linspace(2.0, 1.0, n_inside)
    bars = bars_from(
        np.r_[1.1 + half, walk.high], np.r_[1.1 - half, walk.low], np.r_[np.full(n_inside, 1.1), walk.close]
    )
    assert (adx(bars)[27:n_inside] == 0).all()
    assert_agrees(adx(bars), plain_adx(bars, 14))


@pytest.mark.parametrize("period", [2, 14, 50, 200])
def test_settled_ema_has_under_one_percent_of_its_start(period: int) -> None:
    settled = get_tool("ema").settled_bars
    assert settled is not None
    n = settled(period=period)
    step = np.concatenate((np.full(period, 1.0), np.zeros(n - period)))
    left = ema(closes_only(step), period=period)[-2:]
    assert left[1] <= 0.01 < left[0]


@pytest.mark.parametrize("period", [2, 14, 50])
def test_settled_atr_has_under_one_percent_of_its_start(period: int) -> None:
    settled = get_tool("atr").settled_bars
    assert settled is not None
    n = settled(period=period)
    close = np.concatenate((np.arange(period + 1) % 2, np.full(n - period - 1, period % 2)))
    left = atr(closes_only(close), period=period)[-2:]
    assert left[1] <= 0.01 < left[0]


def test_of_the_first_bar_almost_nothing_is_left_after_six_hundred() -> None:
    longer = random_bars(9, 1800)
    for name in ("rsi", "macd_line", "macd_signal", "macd_histogram", "adx", "plus_di", "minus_di", "atr"):
        entry = get_tool(name)
        whole, newest = entry.series(longer), entry.series(longer[1200:])
        size = float(np.nanmax(np.abs(whole)))
        assert abs(whole[-1] - newest[-1]) < 1e-9 * size
    assert ema(longer, period=50)[-1] == pytest.approx(ema(longer[1200:], period=50)[-1], rel=1e-9)


def test_ema_of_two_hundred_keeps_two_percent_of_its_start_after_six_hundred_bars() -> None:
    step = np.concatenate((np.full(200, 1.0), np.zeros(400)))
    assert ema(closes_only(step), period=200)[-1] == pytest.approx(0.0183, abs=1e-3)


# -- sense


def test_rsi_of_only_rises_is_a_hundred_and_of_only_falls_zero() -> None:
    rising = closes_only(np.arange(1.0, 60.0))
    falling = closes_only(np.arange(60.0, 1.0, -1.0))
    assert (rsi(rising)[14:] == 100).all()
    assert (rsi(falling)[14:] == 0).all()


def test_mirrored_prices_swap_the_directional_lines_and_leave_adx() -> None:
    bars = random_bars(4, 200)
    mirrored = bars_from(10 - bars.low, 10 - bars.high, 10 - bars.close)
    np.testing.assert_allclose(plus_di(mirrored)[14:], minus_di(bars)[14:], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(adx(mirrored)[27:], adx(bars)[27:], rtol=1e-9)
    np.testing.assert_allclose(rsi(mirrored)[14:], 100 - rsi(bars)[14:], rtol=1e-9)


def test_close_on_a_band_is_at_zero_or_one() -> None:
    close = np.array([1.0] * 19 + [2.0])
    # One close apart from 19 equal ones lies sqrt(19) deviations above their mean.
    found = percent_b(closes_only(close), deviations=float(np.sqrt(19)))[-1]
    assert found == pytest.approx(1.0)
