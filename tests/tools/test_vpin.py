"""VPIN against a plain twin, on markets whose imbalance is known, and as trades come in."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ToolInputError
from contracts.market import Float1D
from contracts.ticks import Trades
from tests.tools.tick_paths import random_trades, trades_from
from tools.registry import get_tool
from tools.vpin import bulk_volume, vpin, vpin_series

NORMAL = statistics.NormalDist()


def plain_bars(trades: Trades, seconds: int, sigma_bars: int) -> list[tuple[int, float, float]]:
    """End, volume and bought share of each bar that is over, those without a share left out."""
    bars: dict[int, list[float]] = {}
    rows = zip(trades.time.tolist(), trades.price.tolist(), trades.quantity.tolist(), strict=True)
    for time, price, quantity in rows:
        bar = bars.setdefault(time // (1000 * seconds), [price, 0.0])
        bar[0], bar[1] = price, bar[1] + quantity
    over = sorted(bars.items())[:-1]
    out = []
    for i in range(sigma_bars, len(over)):
        changes = [over[j][1][0] - over[j - 1][1][0] for j in range(i - sigma_bars + 1, i + 1)]
        sigma = statistics.stdev(changes)
        share = 0.5 if changes[-1] == 0 else NORMAL.cdf(changes[-1] / sigma)
        out.append(((over[i][0] + 1) * 1000 * seconds, over[i][1][1], share))
    return out


def plain_vpin(bars: list[tuple[int, float, float]], bucket: float, buckets: int) -> list[list[float]]:
    """Time, imbalance and VPIN of each bucket, filled bar by bar and split where a bar is too large."""
    out: list[list[float]] = []
    room, balance = bucket, 0.0
    for ends, volume, share in bars:
        left = volume
        while left > 0 and left >= room * (1 - 1e-9):
            balance += room * (2 * share - 1)
            left = max(left - room, 0.0)
            known = [row[1] for row in out[len(out) - buckets + 1 :]] if len(out) >= buckets - 1 else []
            newest = abs(balance) / bucket
            mean = sum([*known, newest]) / buckets if len(out) >= buckets - 1 else math.nan
            out.append([ends, newest, mean])
            room, balance = bucket, 0.0
        room, balance = room - left, balance + left * (2 * share - 1)
    return out


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("seconds", "sigma_bars"), [(5, 10), (20, 20), (60, 30)])
@pytest.mark.parametrize("bucket", [30.0, 777.0, 20_000.0])
def test_series_agrees_with_filling_bucket_by_bucket(
    seed: int, seconds: int, sigma_bars: int, bucket: float
) -> None:
    trades = random_trades(seed, 4000)
    found = vpin_series(trades, bucket_volume=bucket, buckets=7, bar_seconds=seconds, sigma_bars=sigma_bars)
    expected = np.array(plain_vpin(plain_bars(trades, seconds, sigma_bars), bucket, 7)).reshape(-1, 3).T
    np.testing.assert_array_equal(found.time, expected[0])
    np.testing.assert_allclose(found.imbalance, expected[1], rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(found.vpin, expected[2], rtol=1e-8, atol=1e-9)


def test_trade_larger_than_a_bucket_fills_several() -> None:
    quantity = np.ones(200)
    quantity[150] = 35.0
    price = 100 + np.cumsum(np.random.default_rng(1).normal(0, 1, 200))
    trades = trades_from(price, quantity, seconds=60.0 * np.arange(200))
    found = vpin_series(trades, bucket_volume=10.0, buckets=5, sigma_bars=20)
    times, n_buckets = np.unique(found.time, return_counts=True)
    assert n_buckets.max() in (3, 4)
    assert times[np.argmax(n_buckets)] == (trades.time[150] // 60_000 + 1) * 60_000
    # 179 bars are classified: those over, less the first twenty.
    assert len(found.vpin) == (179 + 34) // 10


def bars_a_bucket(changes: Float1D, n: int) -> Float1D:
    """Imbalances where each bucket takes `n` bars of equal volume."""
    price = 100 + np.append(0.0, np.cumsum(changes))
    trades = trades_from(price, np.full(len(price), 4.0), seconds=60.0 * np.arange(len(price)))
    return vpin_series(trades, bucket_volume=4.0 * n, buckets=5, sigma_bars=1000).imbalance


def test_market_without_a_tilt_has_the_known_mean_imbalance() -> None:
    # Phi of a standard normal is uniform: |2 U - 1| has mean 1/2 and variance 1/12.
    imbalance = bars_a_bucket(np.random.default_rng(11).normal(0, 0.5, 7001), 1)
    error = math.sqrt(1 / 12 / len(imbalance))
    assert abs(imbalance.mean() - 0.5) < 4 * error


def test_many_bars_a_bucket_average_their_imbalances_out() -> None:
    # The mean of n uniforms on (-1, 1) is near normal with variance 1 / (3 n): mean |.| sqrt(2 / (3 pi n)).
    imbalance = bars_a_bucket(np.random.default_rng(12).normal(0, 0.5, 21_001), 10)
    expected = math.sqrt(2 / (3 * math.pi * 10))
    error = math.sqrt((1 / 30 - expected**2) / len(imbalance))
    assert abs(imbalance.mean() - expected) < 4 * error + 0.02 * expected


@pytest.mark.parametrize("drift", [0.5, 1.0, 2.0])
def test_informed_side_raises_it_to_the_known_mean(drift: float) -> None:
    # Changes N(drift, 1) over sigma 1: the bought share has mean Phi(drift / sqrt 2).
    imbalance = bars_a_bucket(np.random.default_rng(13).normal(drift, 1, 21_001), 20)
    assert imbalance.mean() == pytest.approx(2 * NORMAL.cdf(drift / math.sqrt(2)) - 1, rel=0.03)


@given(st.integers(0, 2**31), st.integers(60, 1500))
def test_trades_that_come_later_change_no_bucket(seed: int, known: int) -> None:
    whole = random_trades(seed, 1500)
    settings = {"bucket_volume": 400.0, "buckets": 5, "bar_seconds": 10, "sigma_bars": 10}
    before = vpin_series(whole[:known], **settings)  # type: ignore[arg-type]  # int and float by name
    after = vpin_series(whole, **settings)  # type: ignore[arg-type]
    n = len(before.vpin)
    np.testing.assert_array_equal(after.time[:n], before.time)
    np.testing.assert_allclose(after.imbalance[:n], before.imbalance, rtol=1e-12, atol=1e-12)
    assert (before.time <= whole.time[known - 1]).all()
    if n:
        # A bucket is told no earlier than it is known.
        assert len(vpin_series(whole.known_by(int(before.time[-1]) - 1), **settings).vpin) < n  # type: ignore[arg-type]


@given(st.integers(0, 2**31))
def test_prices_turned_over_have_the_same_value(seed: int) -> None:
    trades = random_trades(seed, 3000)
    turned = Trades(trades.time, 200 - trades.price, trades.quantity, trades.aggressor)
    found, other = (vpin(x, bar_seconds=10, sigma_bars=20).value for x in (trades, turned))
    assert found == pytest.approx(other, rel=1e-9)
    assert found is not None
    assert 0 <= found <= 1


def test_one_way_market_is_all_bought() -> None:
    rising = trades_from(100.0 + np.arange(300), seconds=60.0 * np.arange(300))
    assert vpin(rising, buckets=50).value == pytest.approx(1.0)


@pytest.mark.parametrize("pct", [0.7, 1.0, 2.0, 1 / 3])
def test_all_buckets_of_a_share_are_there(pct: float) -> None:
    for seed in range(20):
        trades = random_trades(seed, 3000)
        found = vpin(trades, buckets=int(100 / pct), bucket_pct=pct, bar_seconds=10, sigma_bars=20)
        assert found.value is not None


def test_reasons_and_warnings_name_what_is_wrong() -> None:
    entry = get_tool("vpin")
    with pytest.raises(ToolInputError, match="buckets x bucket_pct of 100 or less, found 50 x 5"):
        entry.check(buckets=50, bucket_pct=5.0)
    with pytest.raises(ToolInputError, match="bucket volume over 0"):
        vpin_series(random_trades(1, 100), bucket_volume=0.0)
    few = trades_from(np.arange(100.0), seconds=np.arange(100.0))
    assert vpin(few).reason == "needs 51 bars of 60 s that are over, has 1"
    still = trades_from(np.full(300, 5.0), seconds=60.0 * np.arange(300))
    assert vpin(still).value is None
    walk = trades_from(np.random.default_rng(1).normal(100, 1, 100), seconds=60.0 * np.arange(100))
    assert vpin(walk).warnings == ("has 0.49 bars a bucket; under one the level means little",)
    assert len(bulk_volume(few[:0]).volume) == 0
    assert len(vpin_series(few, bucket_volume=3.0).vpin) == 0


def test_bars_that_stood_still_are_half_bought_even_where_nothing_had_moved_before_them() -> None:
    price = np.append(np.full(60, 100.0), 100 + np.cumsum(np.random.default_rng(2).normal(0, 1, 60)))
    trades = trades_from(price, seconds=60.0 * np.arange(120))
    bought = bulk_volume(trades, sigma_bars=20).bought
    assert (bought[20:60] == 0.5).all()
    expected = plain_vpin(plain_bars(trades, 60, 20), 4.0, 5)
    found = vpin_series(trades, bucket_volume=4.0, buckets=5, sigma_bars=20)
    np.testing.assert_allclose(found.vpin, [row[2] for row in expected], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("quantity", [0.1, 0.3, 1 / 3, 1e-7])
def test_last_bucket_is_full_where_its_volume_differs_by_rounding_alone(quantity: float) -> None:
    price = 100 + np.cumsum(np.random.default_rng(3).normal(0, 1, 200))
    trades = trades_from(price, np.full(200, quantity), seconds=60.0 * np.arange(200))
    assert len(vpin_series(trades, bucket_volume=quantity, sigma_bars=20).vpin) == 179
