"""Calm or stressed, one bet or two: against plain twins and cases known in advance."""

import math
import statistics
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.market import Bars
from tests.tools.price_paths import closes_only, random_bars, scaled
from tools.pairs import MIN_COMMON
from tools.regime import return_correlation, volatility_percentile
from tools.volatility import realized_volatility

seeds = pytest.mark.parametrize("seed", [1, 2, 3])


def plain_percentile(values: list[float], window: int) -> list[float]:
    out = [math.nan] * len(values)
    for i in range(window - 1, len(values)):
        past = values[i - window + 1 : i]
        if all(math.isfinite(v) for v in [*past, values[i]]):
            equal = sum(math.isclose(v, values[i], rel_tol=1e-9) for v in past)
            under = sum(v < values[i] and not math.isclose(v, values[i], rel_tol=1e-9) for v in past)
            out[i] = 100 * (under + equal / 2) / len(past)
    return out


@seeds
@pytest.mark.parametrize(("period", "window"), [(2, 20), (20, 60)])
def test_percentile_is_the_plain_rank(seed: int, period: int, window: int) -> None:
    bars = random_bars(seed, 300, still=0.7)
    values = realized_volatility(bars, period=period).tolist()
    found = volatility_percentile(bars, period=period, window=window)
    np.testing.assert_allclose(found, plain_percentile(values, window), rtol=1e-12)
    assert np.isfinite(found).any()


def test_percentile_is_high_when_a_storm_begins_and_low_when_it_is_calm() -> None:
    rng = np.random.default_rng(4)
    calm, storm = rng.normal(0, 1e-4, 400), rng.normal(0, 1e-3, 20)
    stormy = closes_only(np.exp(np.cumsum(np.concatenate([calm, storm]))))
    calmed = closes_only(np.exp(np.cumsum(np.concatenate([storm, calm * 10, calm[:20] / 10]))))
    assert volatility_percentile(stormy)[-1] == 100
    assert volatility_percentile(calmed)[-1] == 0


@given(seed=st.integers(0, 2**32 - 1), by=st.sampled_from([0.001, 0.5, 8.0, 1024.0]))
def test_regime_does_not_depend_on_the_unit_of_price(seed: int, by: float) -> None:
    bars = random_bars(seed, 80)
    found = volatility_percentile(scaled(bars, by), period=5, window=30)
    np.testing.assert_allclose(found, volatility_percentile(bars, period=5, window=30), rtol=1e-6)


def with_closes(bars: Bars, close: object) -> Bars:
    return replace(bars, close=np.asarray(close, dtype=np.float64))


@seeds
def test_correlation_is_pearsons_of_log_returns(seed: int) -> None:
    one, other = random_bars(seed, 120), random_bars(seed + 10, 120)
    both = with_closes(other, other.close * one.close)
    ours, theirs = (np.diff(np.log(bars.close))[-50:].tolist() for bars in (one, both))
    found = return_correlation(one, both, window=50)
    assert found.n_obs == 50
    assert found.value == pytest.approx(statistics.correlation(ours, theirs), rel=1e-9)
    assert found.value is not None
    assert found.value > 0.3


def test_correlation_with_itself_is_one_and_with_its_inverse_minus_one() -> None:
    bars = random_bars(1, 90)
    assert return_correlation(bars, bars, window=80).value == pytest.approx(1)
    assert return_correlation(bars, with_closes(bars, 1 / bars.close), window=80).value == pytest.approx(-1)


def test_bars_that_only_one_of_them_has_are_left_out() -> None:
    one = random_bars(2, 100)
    holes = np.arange(100) % 3 != 0
    other = replace(one, **{name: getattr(one, name)[holes] for name in _COLUMNS})
    found = return_correlation(one, other, window=200)
    assert found.n_obs == int(holes.sum()) - 1
    assert found.value == pytest.approx(1)


def test_too_few_returns_in_common_or_one_that_stands_still_give_a_reason() -> None:
    bars = random_bars(3, MIN_COMMON)
    assert return_correlation(bars, bars, window=100).reason == "needs 30 returns in common, has 29"
    enough = random_bars(5, MIN_COMMON + 1)
    assert return_correlation(enough, enough, window=100).value == pytest.approx(1)
    longer = random_bars(3, 60)
    still = with_closes(longer, [1.0] * 60)
    assert return_correlation(longer, still, window=50).reason == "undefined: one of the two did not move"


_COLUMNS = ("open_time", "close_time", "open", "high", "low", "close", "volume")
