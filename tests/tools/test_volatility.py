"""Volatility against plain twins, against paths of known volatility, and on real bars."""

import csv
import gzip
import math
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.market import Bars
from tests.tools.brownian_paths import brownian_bars, disjoint
from tests.tools.price_paths import bars_from, closes_only, random_bars
from tools.registry import get_tool
from tools.volatility import realized_volatility, yang_zhang_volatility
from tools.windows import rolling_mean, rolling_moments, rolling_variance

NAN = float("nan")
seeds = pytest.mark.parametrize("seed", [1, 2, 3])
periods = pytest.mark.parametrize("period", [2, 5, 20, 60])


# -- twins: plain loops over lists


def plain_realized(bars: Bars, period: int) -> list[float]:
    close = bars.close.tolist()
    out = [NAN] * min(period, len(close))
    for i in range(period, len(close)):
        returns = [math.log(close[j] / close[j - 1]) for j in range(i - period + 1, i + 1)]
        out.append(math.sqrt(sum(r * r for r in returns) / period))
    return out


def sample_variance(values: list[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)


def plain_yang_zhang(bars: Bars, period: int) -> list[float]:
    rows = list(
        zip(bars.open.tolist(), bars.high.tolist(), bars.low.tolist(), bars.close.tolist(), strict=True)
    )
    out = [NAN] * min(period, len(rows))
    for i in range(period, len(rows)):
        window = range(i - period + 1, i + 1)
        gaps = [math.log(rows[j][0] / rows[j - 1][3]) for j in window]
        moves = [math.log(rows[j][3] / rows[j][0]) for j in window]
        ranges = [
            math.log(h / o) * math.log(h / c) + math.log(low / o) * math.log(low / c)
            for o, h, low, c in (rows[j] for j in window)
        ]
        k = 0.34 / (1.34 + (period + 1) / (period - 1))
        rogers_satchell = sum(ranges) / period
        out.append(math.sqrt(sample_variance(gaps) + k * sample_variance(moves) + (1 - k) * rogers_satchell))
    return out


@seeds
@periods
@pytest.mark.parametrize("still", [0.0, 0.4])
def test_realized_volatility_agrees_with_its_definition(seed: int, period: int, still: float) -> None:
    bars = random_bars(seed, 150, still)
    np.testing.assert_allclose(
        realized_volatility(bars, period=period), plain_realized(bars, period), rtol=1e-9, atol=1e-15
    )


@seeds
@periods
@pytest.mark.parametrize("still", [0.0, 0.4])
def test_yang_zhang_agrees_with_its_definition(seed: int, period: int, still: float) -> None:
    bars = random_bars(seed, 150, still)
    np.testing.assert_allclose(
        yang_zhang_volatility(bars, period=period), plain_yang_zhang(bars, period), rtol=1e-9, atol=1e-12
    )


# -- paths of known volatility


@pytest.mark.parametrize(("sigma", "gap_sigma"), [(0.01, 0.0), (0.001, 0.0), (0.01, 0.006)])
@pytest.mark.parametrize("drift", [0.0, 0.01])
def test_yang_zhang_recovers_the_variance_of_a_path_with_drift_and_gaps(
    sigma: float, gap_sigma: float, drift: float
) -> None:
    bars = brownian_bars(np.random.default_rng(11), 21 * 400, sigma, drift, gap_sigma)
    variance = disjoint(yang_zhang_volatility(bars), 20) ** 2
    truth = sigma**2 + gap_sigma**2
    error = variance.std(ddof=1) / math.sqrt(len(variance))
    # Unbiased for the variance: within three standard errors, which here is about 2 % of it.
    assert abs(variance.mean() - truth) < 3 * error
    assert error < 0.01 * truth


def test_realized_variance_recovers_a_path_without_drift() -> None:
    bars = brownian_bars(np.random.default_rng(12), 21 * 400, 0.01)
    variance = disjoint(realized_volatility(bars), 20) ** 2
    # A sum of 20 squared normals over 20 has standard deviation sigma^2 sqrt(2 / 20).
    error = 0.01**2 * math.sqrt(2 / 20) / math.sqrt(len(variance))
    assert abs(variance.mean() - 0.01**2) < 3 * error


def test_drift_misleads_closes_and_not_yang_zhang() -> None:
    bars = brownian_bars(np.random.default_rng(13), 21 * 400, 0.001, drift=0.002)
    assert disjoint(realized_volatility(bars), 20).mean() == pytest.approx(math.sqrt(5) * 0.001, rel=0.02)
    assert disjoint(yang_zhang_volatility(bars), 20).mean() == pytest.approx(0.001, rel=0.02)


def test_yang_zhang_needs_several_times_fewer_bars_for_the_same_precision() -> None:
    bars = brownian_bars(np.random.default_rng(14), 21 * 400, 0.01)
    ranged, closes = (
        disjoint(tool(bars) ** 2, 20).var() for tool in (yang_zhang_volatility, realized_volatility)
    )
    # Without gaps the variances are 2 k / (n - 1) and 2 / n: at n = 20, k = 0.139, a ratio of 6.8.
    assert 5 < closes / ranged < 10


# -- odd bars


def test_still_market_has_zero_volatility() -> None:
    bars = closes_only(np.full(40, 1.1))
    assert (realized_volatility(bars)[20:] == 0).all()
    assert (yang_zhang_volatility(bars)[20:] == 0).all()


def test_bars_without_range_count_their_gaps_and_moves() -> None:
    close = random_bars(1, 60).close
    found = yang_zhang_volatility(closes_only(close))
    gaps = np.diff(np.log(close))
    assert found[-1] == pytest.approx(gaps[-20:].std(ddof=1), rel=1e-9)


@pytest.mark.parametrize("price", [0.0, -1.0, NAN, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["realized_volatility", "yang_zhang_volatility"])
def test_price_without_a_logarithm_is_unknown_while_the_window_holds_it(name: str, price: float) -> None:
    bars = random_bars(1, 100)
    close = bars.close.copy()
    close[40] = price
    found = get_tool(name).series(replace(bars, close=close))
    assert np.isnan(found[40:61]).all()
    assert np.isfinite(found[20:40]).all()
    np.testing.assert_array_equal(found[61:], get_tool(name).series(bars)[61:])


def test_prices_outside_their_bars_range_that_make_the_variance_negative_are_unknown() -> None:
    found = yang_zhang_volatility(
        bars_from(high=[1.1] * 40, low=[1.0] * 40, close=[1.2] * 40, open_=[1.0] * 40)
    )
    assert np.isnan(found).all()


# -- windows


@given(
    st.lists(st.floats(-1e6, 1e6), max_size=40),
    st.integers(2, 8),
    st.integers(0, 1),
)
def test_windows_agree_with_plain_sums(values: list[float], period: int, ddof: int) -> None:
    means, variances = (
        rolling_mean(np.array(values), period),
        rolling_variance(np.array(values), period, ddof=ddof),
    )
    assert means.shape == variances.shape == (len(values),)
    assert np.isnan(means[: period - 1]).all()
    for i in range(period - 1, len(values)):
        window = values[i - period + 1 : i + 1]
        mean = math.fsum(window) / period
        size = max(abs(value) for value in window)
        assert means[i] == pytest.approx(mean, rel=1e-12, abs=1e-12 * size)
        expected = math.fsum((value - mean) ** 2 for value in window) / (period - ddof)
        assert variances[i] == pytest.approx(expected, rel=1e-9, abs=1e-20 * size**2)


def test_variance_of_equal_values_is_exactly_zero() -> None:
    assert (rolling_variance(np.full(50, 0.1), 7, ddof=0)[6:] == 0).all()
    assert (rolling_mean(np.full(50, 0.1), 7)[6:] == 0.1).all()


@pytest.mark.parametrize("n", [0, 4, 5, 6, 200])
def test_moments_are_the_mean_and_the_variance_to_the_last_bit(n: int) -> None:
    values = random_bars(9, 200).close[:n].copy()
    values[n // 2 : n // 2 + 1] = math.inf
    mean, variance = rolling_moments(values, 5, ddof=1)
    np.testing.assert_array_equal(mean, rolling_mean(values, 5))
    np.testing.assert_array_equal(variance, rolling_variance(values, 5, ddof=1))


def test_window_longer_than_the_series_knows_nothing() -> None:
    assert np.isnan(rolling_mean(np.arange(3.0), 5)).all()
    assert len(rolling_variance(np.empty(0), 5, ddof=0)) == 0


# -- real bars


@pytest.fixture(scope="module")
def eurusd(shared_data: Path) -> Bars:
    path = shared_data / "fx_hourly" / "oanda_eurusd_1h.csv.gz"
    with gzip.open(path, "rt", encoding="ascii", newline="") as file:
        rows = list(islice(csv.DictReader(file), 10_000))
    mid = {
        name: np.array([(float(row[f"bid_{name}"]) + float(row[f"ask_{name}"])) / 2 for row in rows])
        for name in ("open", "high", "low", "close")
    }
    return bars_from(mid["high"], mid["low"], mid["close"], mid["open"])


@pytest.mark.parametrize("name", ["realized_volatility", "yang_zhang_volatility"])
def test_every_real_hour_after_the_first_window_has_a_volatility_of_sane_size(
    eurusd: Bars, name: str
) -> None:
    found = get_tool(name).series(eurusd)
    assert np.isfinite(found[20:]).all()
    # EUR/USD of 2007-08: from a sleepy 0.6 % to a wild 40 % a year, at 6,200 hourly bars.
    assert 0.003 < np.median(found[20:]) * math.sqrt(6200) < 0.4


def test_both_estimators_tell_of_the_same_market(eurusd: Bars) -> None:
    closes, ranged = realized_volatility(eurusd, period=100), yang_zhang_volatility(eurusd, period=100)
    ratio = ranged[100:] / closes[100:]
    assert 0.7 < np.median(ratio) < 1.3
    assert np.corrcoef(closes[100:], ranged[100:])[0, 1] > 0.9
