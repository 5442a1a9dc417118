"""Range volatility against plain twins, and on paths of known volatility."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from contracts.market import Bars, Float1D
from tests.tools.brownian_paths import brownian_bars, disjoint
from tests.tools.price_paths import bars_from, closes_only, random_bars
from tools.range_volatility import (
    garman_klass_volatility,
    parkinson_volatility,
    rogers_satchell_volatility,
)
from tools.registry import get_tool
from tools.volatility import realized_volatility, yang_zhang_volatility

NAN = float("nan")
Tool = Callable[..., Float1D]


def parkinson(o: float, h: float, low: float, c: float) -> float:
    return math.log(h / low) ** 2 / (4 * math.log(2))


def garman_klass(o: float, h: float, low: float, c: float) -> float:
    return 0.5 * math.log(h / low) ** 2 - (2 * math.log(2) - 1) * math.log(c / o) ** 2


def rogers_satchell(o: float, h: float, low: float, c: float) -> float:
    return math.log(h / c) * math.log(h / o) + math.log(low / c) * math.log(low / o)


def plain(bars: Bars, period: int, of_bar: Callable[..., float]) -> list[float]:
    rows = list(zip(*(x.tolist() for x in (bars.open, bars.high, bars.low, bars.close)), strict=True))
    out = [NAN] * min(period - 1, len(rows))
    for i in range(period - 1, len(rows)):
        out.append(math.sqrt(sum(of_bar(*row) for row in rows[i - period + 1 : i + 1]) / period))
    return out


all_three = pytest.mark.parametrize(
    ("tool", "of_bar"),
    [
        (parkinson_volatility, parkinson),
        (garman_klass_volatility, garman_klass),
        (rogers_satchell_volatility, rogers_satchell),
    ],
    ids=["parkinson", "garman_klass", "rogers_satchell"],
)


@all_three
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("period", [2, 5, 20, 60])
@pytest.mark.parametrize("still", [0.0, 0.4])
def test_window_agrees_with_its_definition(
    tool: Tool, of_bar: Callable[..., float], seed: int, period: int, still: float
) -> None:
    bars = random_bars(seed, 150, still)
    np.testing.assert_allclose(tool(bars, period=period), plain(bars, period, of_bar), rtol=1e-9, atol=1e-12)


@all_three
@pytest.mark.parametrize("sigma", [0.01, 0.001])
def test_variance_of_a_path_without_drift_is_recovered(
    tool: Tool, of_bar: Callable[..., float], sigma: float
) -> None:
    variance = disjoint(tool(brownian_bars(np.random.default_rng(21), 21 * 400, sigma)), 20) ** 2
    error = variance.std(ddof=1) / math.sqrt(len(variance))
    assert abs(variance.mean() - sigma**2) < 3 * error
    assert error < 0.01 * sigma**2


def test_precision_against_closes_is_what_the_papers_say() -> None:
    bars = brownian_bars(np.random.default_rng(22), 21 * 1200, 0.01)
    closes = disjoint(realized_volatility(bars) ** 2, 20).var()
    gains = [
        closes / disjoint(tool(bars) ** 2, 20).var()
        for tool in (parkinson_volatility, garman_klass_volatility, rogers_satchell_volatility)
    ]
    np.testing.assert_allclose(gains, [4.9, 7.4, 6.0], rtol=0.15)


def test_drift_misleads_parkinson_and_not_rogers_satchell() -> None:
    bars = brownian_bars(np.random.default_rng(23), 21 * 400, 0.001, drift=0.002)
    assert disjoint(parkinson_volatility(bars), 20).mean() > 0.0014
    assert disjoint(rogers_satchell_volatility(bars), 20).mean() == pytest.approx(0.001, rel=0.02)


def test_gaps_are_seen_by_yang_zhang_alone() -> None:
    bars = brownian_bars(np.random.default_rng(24), 21 * 400, 0.01, gap_sigma=0.02)
    for tool in (parkinson_volatility, garman_klass_volatility, rogers_satchell_volatility):
        assert disjoint(tool(bars), 20).mean() == pytest.approx(0.01, rel=0.03)
    assert disjoint(yang_zhang_volatility(bars), 20).mean() == pytest.approx(math.hypot(0.01, 0.02), rel=0.03)


def test_bar_that_only_runs_from_low_to_high_has_no_rogers_satchell_volatility() -> None:
    bars = bars_from(high=[1.2] * 30, low=[1.0] * 30, close=[1.2] * 30, open_=[1.0] * 30)
    assert (rogers_satchell_volatility(bars)[19:] == 0).all()
    assert garman_klass_volatility(bars)[-1] == pytest.approx(
        math.log(1.2) * math.sqrt(1.5 - 2 * math.log(2))
    )


@all_three
def test_still_market_has_zero_volatility(tool: Tool, of_bar: Callable[..., float]) -> None:
    assert (tool(closes_only(np.full(40, 1.1)))[19:] == 0).all()


@pytest.mark.parametrize("price", [0.0, -1.0, NAN, math.inf, -math.inf])
@pytest.mark.parametrize(
    "name", ["parkinson_volatility", "garman_klass_volatility", "rogers_satchell_volatility"]
)
def test_price_without_a_logarithm_is_unknown_while_the_window_holds_it(name: str, price: float) -> None:
    bars, entry = random_bars(1, 100), get_tool(name)
    low = bars.low.copy()
    low[40] = price
    found = entry.series(replace(bars, low=low))
    assert np.isnan(found[40:60]).all()
    assert np.isfinite(found[19:40]).all()
    np.testing.assert_array_equal(found[60:], entry.series(bars)[60:])


def test_prices_outside_their_bars_range_that_make_the_variance_negative_are_unknown() -> None:
    bars = bars_from(high=[1.1] * 40, low=[1.0] * 40, close=[1.3] * 40, open_=[1.0] * 40)
    assert np.isnan(garman_klass_volatility(bars)).all()
    reason = get_tool("garman_klass_volatility").call(bars).reason
    assert reason == "undefined: a price at or under zero, or one outside its bar's range"
