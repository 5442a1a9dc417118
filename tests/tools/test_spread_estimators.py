"""Roll's and Corwin and Schultz' spreads against plain twins and on markets of known spread."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from contracts.market import Bars
from tests.tools.brownian_paths import brownian_bars
from tests.tools.price_paths import bars_from, closes_only, random_bars, with_missing
from tests.tools.tick_paths import random_trades, trades_from
from tools.registry import get_tool
from tools.spread_estimators import corwin_schultz_spread, roll, roll_spread, roll_spread_bars

ROOT_2 = math.sqrt(2)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("n", [4, 20, 300])
def test_autocovariance_agrees_with_pandas(seed: int, n: int) -> None:
    price = random_trades(seed, n).price
    change = pd.Series(price).diff()
    expected = change.cov(change.shift(1))
    assert roll(price) == pytest.approx(expected, rel=1e-9, abs=1e-18)


def bouncing(rng: np.random.Generator, n: int, spread: float, sigma: float) -> list[float]:
    """Roll's own market: sides by chance, an efficient price that walks on its own."""
    prices = 100 + np.cumsum(rng.normal(0, sigma, n)) + rng.choice([-0.5, 0.5], n) * spread
    return list(prices.tolist())


@pytest.mark.parametrize(("spread", "sigma"), [(0.1, 0.0), (0.1, 0.02), (0.4, 0.1), (0.02, 0.005)])
def test_roll_recovers_the_spread_of_its_own_market(spread: float, sigma: float) -> None:
    rng, found = np.random.default_rng(31), []
    for _ in range(200):
        covariance = roll(np.array(bouncing(rng, 500, spread, sigma)))
        found.append(-4 * covariance)
    error = float(np.std(found)) / math.sqrt(200)
    assert np.mean(found) == pytest.approx(spread**2, abs=4 * error)
    trades = trades_from(bouncing(rng, 20_000, spread, sigma))
    assert roll_spread(trades, count=20_000).value == pytest.approx(spread, rel=0.05)


def test_trades_and_closes_of_the_same_prices_have_the_same_spread() -> None:
    price = bouncing(np.random.default_rng(32), 100, 0.1, 0.01)
    of_trades = roll_spread(trades_from(price), count=100)
    of_bars = roll_spread_bars(closes_only(price), count=100)
    assert of_trades == of_bars
    assert of_trades.value is not None


def test_prices_that_go_on_have_no_spread_and_the_reason_says_by_how_much() -> None:
    rng = np.random.default_rng(33)
    steps = np.convolve(rng.normal(0, 0.1, 600), np.ones(5) / 5)
    found = roll_spread(trades_from(100 + np.cumsum(steps)))
    assert found.value is None
    assert found.reason is not None
    assert found.reason.startswith("undefined: changes of price do not go against the ones before them")
    still = roll_spread(trades_from(np.full(500, 4.0)))
    assert (still.value, still.n_obs) == (None, 500)


def test_missing_close_is_the_reason() -> None:
    entry, bars = get_tool("roll_spread_bars"), random_bars(1, 120)
    gapped = entry.call(with_missing(bars, "close", 60))
    assert gapped.reason == "needs close on every bar, missing on 1 of 100"
    before = entry.call(with_missing(bars, "close", 10))
    assert before == entry.call(bars)
    assert entry.call(bars[:99]).reason == "needs 100 bars, has 99"


# -- Corwin and Schultz


def plain_corwin_schultz(bars: Bars, period: int) -> list[float]:
    high, low, close = (x.tolist() for x in (bars.high, bars.low, bars.close))
    pairs = [math.nan]
    for i in range(1, len(close)):
        up, down = high[i], low[i]
        if down > close[i - 1]:
            up, down = up - (low[i] - close[i - 1]), close[i - 1]
        elif up < close[i - 1]:
            up, down = close[i - 1], down + (close[i - 1] - high[i])
        beta = math.log(high[i - 1] / low[i - 1]) ** 2 + math.log(up / down) ** 2
        gamma = math.log(max(high[i - 1], up) / min(low[i - 1], down)) ** 2
        k = 3 - 2 * ROOT_2
        alpha = (math.sqrt(2 * beta) - math.sqrt(beta)) / k - math.sqrt(gamma / k)
        pairs.append(max(2 * (math.exp(alpha) - 1) / (1 + math.exp(alpha)), 0.0))
    known = [sum(pairs[i - period + 2 : i + 1]) / (period - 1) for i in range(period - 1, len(close))]
    return [math.nan] * (period - 1) + known


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("period", [2, 20, 60])
@pytest.mark.parametrize("gap", [0.0, 0.01])
def test_corwin_schultz_agrees_with_its_definition(seed: int, period: int, gap: float) -> None:
    bars = random_bars(seed, 150, 0.1)
    jump = np.cumsum(np.random.default_rng(seed).normal(0, gap, 150))
    moved = {name: getattr(bars, name) * np.exp(jump) for name in ("open", "high", "low", "close")}
    gapped = replace(bars, **moved)
    expected = plain_corwin_schultz(gapped, period)
    np.testing.assert_allclose(corwin_schultz_spread(gapped, period=period), expected, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("gap", [5.0, -5.0])
def test_night_between_two_bars_is_taken_out(gap: float) -> None:
    high, low, close = np.array([102.0, 103.0]), np.array([100.0, 100.5]), np.array([101.0, 102.0])
    night = np.array([0.0, gap])
    # Without the gap the second bar holds the close before it; with it, it is moved to touch that close.
    touching = -0.5 + 101 - 100 if gap > 0 else -(103 - 101)
    moved = np.array([0.0, touching])
    beside = bars_from(high + moved, low + moved, close)
    gapped = bars_from(high + night, low + night, close + night)
    np.testing.assert_allclose(
        corwin_schultz_spread(gapped, period=2), corwin_schultz_spread(beside, period=2), rtol=1e-12
    )


@pytest.mark.parametrize(("spread", "sigma"), [(0.01, 0.003), (0.03, 0.003), (0.03, 0.01)])
def test_corwin_schultz_recovers_a_spread_that_is_not_small_beside_the_range(
    spread: float, sigma: float
) -> None:
    bars = brownian_bars(np.random.default_rng(34), 5_000, sigma)
    quoted = replace(bars, high=bars.high * (1 + spread / 2), low=bars.low * (1 - spread / 2))
    found = corwin_schultz_spread(quoted, period=1000)[-1]
    assert found == pytest.approx(spread, rel=0.05)


def test_no_spread_at_all_is_still_a_little_over_zero_since_negative_pairs_count_as_zero() -> None:
    bars = brownian_bars(np.random.default_rng(35), 5_000, 0.01)
    found = corwin_schultz_spread(bars, period=1000)[-1]
    assert 0 < found < 0.006


def test_bars_without_range_have_no_spread() -> None:
    assert (corwin_schultz_spread(closes_only(np.full(30, 5.0)))[19:] == 0).all()


def test_changes_that_differ_in_their_last_digits_alone_do_not_bounce() -> None:
    line = [1 + 0.0001 * i for i in range(100)]
    assert roll_spread_bars(closes_only(line), count=100).value is None
    assert roll_spread(trades_from(line), count=100).value is None
