"""Kyle's lambda and Amihud's ratio against plain twins and on markets whose impact is known."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.market import Bars
from contracts.ticks import Trades
from tests.tools.price_paths import closes_only, traded_bars, with_missing
from tests.tools.tick_paths import changed, random_trades, trades_from
from tools.price_impact import amihud_illiquidity, fit_kyle, kyle_lambda
from tools.registry import get_tool
from tools.slope import fit_slope


def plain_kyle(trades: Trades, steps: int, per_step: int) -> tuple[float, float]:
    """Slope and its error by the normal equations, step by step."""
    price, flow = trades.price.tolist(), (trades.quantity * trades.aggressor).tolist()
    begins = len(price) - steps * per_step
    x = [sum(flow[begins + k * per_step : begins + (k + 1) * per_step]) for k in range(steps)]
    ends = [price[begins - 1 + k * per_step] for k in range(steps + 1)]
    y = [ends[k + 1] - ends[k] for k in range(steps)]
    sx, sy = sum(x), sum(y)
    sxx, sxy = sum(a * a for a in x), sum(a * b for a, b in zip(x, y, strict=True))
    slope = (steps * sxy - sx * sy) / (steps * sxx - sx * sx)
    constant = (sy - slope * sx) / steps
    squares = sum((b - constant - slope * a) ** 2 for a, b in zip(x, y, strict=True))
    return slope, math.sqrt(squares / (steps - 2) / (sxx - sx * sx / steps))


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("steps", "per_step"), [(10, 1), (50, 7), (100, 20)])
def test_kyle_agrees_with_the_normal_equations(seed: int, steps: int, per_step: int) -> None:
    trades = random_trades(seed, 2500)
    found = kyle_lambda(trades, steps=steps, trades_per_step=per_step)
    slope, error = plain_kyle(trades, steps, per_step)
    assert found.value == pytest.approx(slope, rel=1e-8)
    assert found.n_obs == steps * per_step + 1
    is_weak = abs(slope) < 2 * error
    assert found.warnings == (
        (f"standard error {error:.3g}: the slope is under two of them from zero",) if is_weak else ()
    )


def kyle_market(rng: np.random.Generator, n: int, impact: float, noise: float) -> Trades:
    """Every trade moves price by `impact` for each unit, and news moves it as well."""
    side, quantity = rng.choice([-1, 1], n), rng.integers(1, 50, n).astype(np.float64)
    price = 100 + np.cumsum(impact * side * quantity + rng.normal(0, noise, n))
    return trades_from(price, quantity, side)


def test_kyle_recovers_the_impact_and_its_interval_holds_it_as_often_as_it_says() -> None:
    rng, impact, inside, found = np.random.default_rng(21), 0.003, 0, []
    for _ in range(400):
        trades = kyle_market(rng, 1001, impact, 0.2)
        fit = fit_kyle(trades.price, trades.quantity * trades.aggressor, 10)
        assert fit is not None
        found.append(fit.value)
        inside += abs(fit.value - impact) < 1.984 * fit.standard_error
    # Of 400 intervals of 95 % 380 hold it, give or take 4.4.
    assert 362 <= inside <= 396
    assert np.mean(found) == pytest.approx(impact, abs=4 * np.std(found) / 20)


def test_market_that_trades_do_not_move_is_warned_of() -> None:
    rng = np.random.default_rng(22)
    warned = [bool(kyle_lambda(kyle_market(rng, 2001, 0.0, 0.2)).warnings) for _ in range(100)]
    assert sum(warned) >= 88


def test_one_bought_every_time_does_not_determine_a_slope() -> None:
    found = get_tool("kyle_lambda")
    same = trades_from(np.arange(2001.0), aggressor=np.ones(2001))
    assert kyle_lambda(same).value is None
    assert found.undefined == "undefined: the signed volume is the same in every step"


def test_only_the_newest_trades_are_read() -> None:
    trades = random_trades(4, 3000)
    whole = kyle_lambda(trades)
    assert kyle_lambda(changed(trades, "price", slice(0, 900), math.nan)) == whole
    assert kyle_lambda(trades[500:]) == whole
    gone = kyle_lambda(changed(trades, "quantity", 2999, -1.0))
    assert gone.reason == "needs quantity on every trade, missing on 1 of 2001"


def test_slope_needs_three_points_that_differ() -> None:
    assert fit_slope(np.array([1.0, 2.0]), np.array([1.0, 2.0])) is None
    assert fit_slope(np.full(9, 0.1), np.arange(9.0)) is None
    exact = fit_slope(np.arange(9.0), 3 * np.arange(9.0) + 1)
    assert exact is not None
    assert (exact.value, exact.constant) == pytest.approx((3, 1))
    assert exact.warnings == ()


# -- Amihud


def plain_amihud(bars: Bars, period: int) -> list[float]:
    close, volume = bars.close.tolist(), bars.volume.tolist()
    n = len(close)
    ratios = [math.nan]
    ratios += [abs(close[i] / close[i - 1] - 1) / (close[i] * volume[i]) for i in range(1, n)]
    means = [sum(ratios[i - period + 1 : i + 1]) / period for i in range(period, n)]
    return [math.nan] * period + [1e10 * mean for mean in means]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("period", [2, 20, 60])
def test_amihud_agrees_with_its_definition(seed: int, period: int) -> None:
    bars = traded_bars(seed, 150, 0.2)
    np.testing.assert_allclose(amihud_illiquidity(bars, period=period), plain_amihud(bars, period), rtol=1e-9)


def test_amihud_reads_as_basis_points_for_a_million() -> None:
    # Two basis points a bar on half a million of turnover: four for a million.
    close = 100 * np.cumprod(np.full(30, 1.0002))
    bars = replace(closes_only(close), volume=5e5 / close)
    assert amihud_illiquidity(bars)[-1] == pytest.approx(4.0, rel=1e-6)


@given(st.integers(0, 2**31), st.integers(1, 99))
def test_bar_without_volume_makes_its_windows_unknown_and_no_others(seed: int, index: int) -> None:
    bars = traded_bars(seed, 100)
    values = amihud_illiquidity(with_missing(bars, "volume", index, 0.0), period=10)
    assert np.isnan(values[index : index + 10]).all()
    np.testing.assert_array_equal(values[index + 10 :], amihud_illiquidity(bars, period=10)[index + 10 :])
    still = get_tool("amihud_illiquidity").call(with_missing(bars, "volume", 99, 0.0))
    assert still.reason == "undefined: a bar without volume, or a price at or under zero"
