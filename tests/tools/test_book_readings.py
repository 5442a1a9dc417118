"""Readings of book frames: their definitions, books of known shape, frames that are missing."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import ToolInputError
from contracts.ticks import FRAME_MS, Beside, BookFrames
from tests.tools.book_feeds import random_frames, without
from tests.tools.price_paths import random_bars
from tools.book_readings import (
    book_depth,
    book_imbalance,
    book_microprice,
    book_resilience,
    book_slope,
    book_spread,
    imbalance_by_frame,
)
from tools.frame_windows import trailing_means
from tools.registry import Tool, ToolValue, all_tools, get_tool
from tools.shared_bars import SharedBars

TOOLS = [entry for entry in all_tools() if entry.inputs == ("book",)]
every_tool = pytest.mark.parametrize("entry", TOOLS, ids=lambda entry: entry.name)
N = 620
# By unit: power of the price, power of the quantity.
POWERS = {"price": (1, 0), "quote currency": (1, 1), "quote currency per basis point": (1, 1)}


def is_mean(found: ToolValue, expected: float, n: int) -> bool:
    return found.value == pytest.approx(expected, rel=1e-12) and found == ToolValue(found.value, n)


def called(entry: Tool, frames: BookFrames, **params: float) -> ToolValue:
    return entry.call(SharedBars.of(random_bars(1, 5), beside=Beside(book=frames)), **params)


def linear(n: int, money_per_bp: float) -> BookFrames:
    """Money within x basis points of the mid is x times the same, on both sides."""
    frames = random_frames(1, n)
    money = money_per_bp * 10.0 / 50_000 * 10_000
    level = np.full(n, 50_000.0)
    return replace(
        frames,
        bid=level - 1,
        ask=level + 1,
        bid_volume=money / frames.bid_vwap,
        ask_volume=money / frames.ask_vwap,
    )


def recovering(seed: int, rate: float, n: int = 600) -> BookFrames:
    """Depth that is drawn back to its mean at a known rate a second."""
    rng = np.random.default_rng(seed)
    memory = math.exp(-rate * FRAME_MS / 1_000)
    depth = np.empty(n)
    level = rng.normal() / math.sqrt(1 - memory**2)
    for i in range(n):
        level = memory * level + rng.normal()
        depth[i] = 100 + level
    frames = random_frames(seed, n)
    return replace(
        frames,
        bid_volume=np.full((n, 20), 0.1) * depth[:, None],
        ask_volume=np.full((n, 20), 0.1) * depth[:, None],
    )


# -- definitions


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("seconds", [1, 5, 15, 60])
def test_readings_agree_with_their_definitions(seed: int, seconds: int) -> None:
    frames = random_frames(seed, N)
    rows = range(N - 10 * seconds, N)
    b, a = frames.bid_volume.tolist(), frames.ask_volume.tolist()
    imbalances, spreads, depths, slopes = [], [], [], []
    n_depth = int(12 / 10_000 * (frames.bid[-1] + frames.ask[-1]) / 2 / 10)
    for i in rows:
        bids, asks = sum(b[i][:5]), sum(a[i][:5])
        imbalances.append((bids - asks) / (bids + asks))
        mid = (frames.bid[i] + frames.ask[i]) / 2
        spreads.append((frames.ask[i] - frames.bid[i]) / mid * 1e4)
        money = [
            [q * p for q, p in zip(v[i], w[i].tolist(), strict=True)]
            for v, w in ((b, frames.bid_vwap), (a, frames.ask_vwap))
        ]
        depths.append([sum(side[:n_depth]) for side in money])
        x = [(k + 1) * 10 / mid * 1e4 for k in range(8)]
        slopes += [sum(x[k] * sum(side[: k + 1]) for k in range(8)) / sum(e * e for e in x) for side in money]
    n = 10 * seconds
    assert is_mean(book_imbalance(frames, seconds=seconds), float(np.mean(imbalances)), n)
    assert is_mean(book_spread(frames, seconds=seconds), float(np.mean(spreads)), n)
    assert book_slope(frames, buckets=8, seconds=seconds).value == pytest.approx(np.mean(slopes), rel=1e-12)
    bid_money, ask_money = np.mean(depths, axis=0)
    for side, expected in ((1, bid_money), (-1, ask_money), (0, bid_money + ask_money)):
        found = book_depth(frames, bps=12.0, side=side, seconds=seconds)
        assert is_mean(found, expected, n)


def test_microprice_is_the_weighted_mid_and_within_the_spread() -> None:
    for seed in range(20):
        frames = random_frames(seed, 2)
        bid, ask, p, q = (float(x[-1]) for x in (frames.bid, frames.ask, frames.bid_size, frames.ask_size))
        value = book_microprice(frames).value
        assert value == pytest.approx((ask * p + bid * q) / (p + q), rel=1e-12)
        assert value is not None
        assert bid <= value <= ask
    for name in ("bid", "ask", "bid_size", "ask_size"):
        broken = replace(frames, **{name: np.array([1.0, np.nan])})
        assert (
            book_microprice(broken).reason == "needs bid, ask and a size of both, missing in the newest frame"
        )
    empty = replace(frames, bid_size=np.zeros(2), ask_size=np.zeros(2))
    assert book_microprice(empty).value is None


def test_linear_book_has_its_slope_and_its_depth() -> None:
    frames = linear(20, 250.0)
    assert book_slope(frames).value == pytest.approx(250.0, rel=1e-12)
    assert book_depth(frames, bps=10.0, side=1).value == pytest.approx(2_500.0, rel=1e-12)
    assert book_depth(frames, bps=11.9, side=-1).value == pytest.approx(2_500.0, rel=1e-12)
    assert book_depth(frames, bps=40.0).value == pytest.approx(20_000.0, rel=1e-12)


@pytest.mark.parametrize("bps", [1.9, 42.0])
def test_depth_outside_of_what_a_frame_reaches_has_a_reason(bps: float) -> None:
    found = book_depth(linear(20, 250.0), bps=bps)
    assert found == ToolValue(None, 0, "needs bps from 2 to 40, what its 1 to 20 buckets reach")


def test_more_buckets_than_a_frame_has_are_refused() -> None:
    frames = random_frames(1, 20)
    narrow = replace(frames, bid_volume=frames.bid_volume[:, :4], ask_volume=frames.ask_volume[:, :4])
    with pytest.raises(ToolInputError, match="at most 4 buckets"):
        book_imbalance(narrow, seconds=1)


# -- resilience


@pytest.mark.parametrize("rate", [0.3, 1.0, 4.0])
def test_resilience_recovers_a_known_rate(rate: float) -> None:
    values = [book_resilience(recovering(seed, rate)).value for seed in range(120)]
    rates = np.array([value for value in values if value is not None])
    assert len(rates) >= 118
    error = rates.std() / math.sqrt(len(rates))
    # A log of an estimate, so that a little bias of second order is left.
    assert abs(rates.mean() - rate) < 3 * error + 0.03 * rate


def test_resilience_says_what_it_cannot_tell() -> None:
    still = replace(random_frames(1, 600), bid_volume=np.ones((600, 20)), ask_volume=np.ones((600, 20)))
    assert book_resilience(still).reason == "undefined: the depth did not change"
    rising = still.bid_volume * np.linspace(1, 2, 600)[:, None] ** 4
    leaving = replace(still, bid_volume=rising, ask_volume=rising)
    assert (
        book_resilience(leaving).reason == "undefined: the depth does not return to its mean in this window"
    )
    jumping = still.bid_volume * np.where(np.arange(600) % 2, 1.0, 2.0)[:, None]
    flicker = replace(still, bid_volume=jumping, ask_volume=jumping)
    assert book_resilience(flicker).reason == "undefined: the depth keeps nothing from frame to frame"
    slow = book_resilience(recovering(5, 0.05, 200), seconds=20)
    assert any("over a quarter of the window of 20 s" in each for each in slow.warnings) or slow.value is None


def test_gaps_and_unknown_buckets_leave_pairs_out() -> None:
    frames = without(recovering(2, 1.0), range(100, 150))
    found = book_resilience(frames)
    assert found.n_obs == 548
    assert found.warnings == ("only 548 of the 599 pairs of frames are there and whole",)
    assert book_resilience(without(frames, range(50, 300))).reason == (
        "needs half of the 599 pairs of frames whole, has 298"
    )


# -- missing frames and buckets


def test_frame_with_an_unknown_bucket_is_not_counted_and_half_of_them_give_no_value() -> None:
    frames = random_frames(4, 50)
    volume = frames.bid_volume.copy()
    volume[40:45, 3] = np.nan
    some = replace(frames, bid_volume=volume)
    found = book_imbalance(some, seconds=1)
    assert found.value == pytest.approx(imbalance_by_frame(frames, 5)[45:].mean(), rel=1e-12)
    assert (found.n_obs, found.warnings) == (5, ("only 5 of the 10 frames of 1 s are there and whole",))
    volume[45, 3] = np.nan
    assert book_imbalance(some, seconds=1) == ToolValue(
        None, 4, "needs half of the 10 frames of 1 s whole, has 4"
    )
    # It is beyond the buckets asked for.
    assert book_imbalance(some, seconds=1, buckets=3).n_obs == 10


def test_window_is_of_time_and_not_of_so_many_frames() -> None:
    frames = without(random_frames(5, 60), range(50, 54))
    found = book_spread(frames, seconds=1)
    newest = frames[-6:]
    assert found.value == pytest.approx(
        (1e4 * (newest.ask - newest.bid) / ((newest.ask + newest.bid) / 2)).mean()
    )
    assert found.warnings == ("only 6 of the 10 frames of 1 s are there and whole",)


@pytest.mark.parametrize("seconds", [1, 5, 15])
def test_trailing_mean_at_each_frame_is_what_the_tool_says_there(seconds: int) -> None:
    frames = without(random_frames(6, 300), [*range(100, 130), 220])
    values = imbalance_by_frame(frames, 5)
    values[200:204] = np.nan
    means = trailing_means(values, frames, seconds)
    for i in range(len(frames)):
        inside = [
            values[j]
            for j in range(i + 1)
            if frames.time[i] - frames.time[j] < 1_000 * seconds and not math.isnan(values[j])
        ]
        expected = sum(inside) / len(inside) if 2 * len(inside) >= 10 * seconds else math.nan
        assert means[i] == pytest.approx(expected, rel=1e-12, nan_ok=True)
    assert trailing_means(np.empty(0), frames[:0], seconds).shape == (0,)


# -- what holds for every tool of a book


@every_tool
@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.floats(1e-2, 1e3), st.floats(1e-2, 1e3))
def test_scaled_prices_and_quantities_scale_the_units_that_name_them(
    entry: Tool, seed: int, price: float, quantity: float
) -> None:
    frames = (
        random_frames(seed % 1_000, N) if entry.name != "book_resilience" else recovering(seed % 1_000, 2.0)
    )
    by_price = ("bid", "ask", "bid_vwap", "ask_vwap", "bucket_size")
    by_quantity = ("bid_size", "ask_size", "bid_volume", "ask_volume")
    scaled = replace(
        frames,
        **{name: getattr(frames, name) * price for name in by_price},
        **{name: getattr(frames, name) * quantity for name in by_quantity},
    )
    of_price, of_quantity = POWERS.get(entry.unit, (0, 0))
    expected = called(entry, frames).value
    assert expected is not None
    assert called(entry, scaled).value == pytest.approx(
        expected * price**of_price * quantity**of_quantity, rel=1e-9
    )


@every_tool
@pytest.mark.parametrize("until", [600, 610, 619])
def test_later_frames_do_not_reach_a_value(entry: Tool, until: int) -> None:
    frames, other = recovering(3, 1.0, N), random_frames(8, N)
    moment = int(frames.time[until - 1])
    joined = {
        name: np.concatenate([getattr(frames, name)[:until], getattr(other, name)[until:]])
        for name in BookFrames.__dataclass_fields__
    }
    assert called(entry, BookFrames(**joined).known_by(moment)) == called(entry, frames[:until])
    assert called(entry, frames[:until]).value is not None


@every_tool
def test_value_reads_no_frame_before_its_window(entry: Tool) -> None:
    frames, other = recovering(3, 1.0, N), random_frames(8, N)
    needed = entry.min_bars(**entry.check())
    joined = {
        name: np.concatenate([getattr(other, name)[:-needed], getattr(frames, name)[-needed:]])
        for name in BookFrames.__dataclass_fields__
    }
    assert called(entry, BookFrames(**joined)) == called(entry, frames)


@every_tool
def test_too_few_frames_or_no_book_have_a_reason(entry: Tool) -> None:
    needed = entry.min_bars(**entry.check())
    frames = random_frames(1, needed)
    rows = "book frame" if needed == 1 else "book frames"
    assert called(entry, frames[1:]).reason == f"needs {needed} {rows}, has {needed - 1}"
    assert called(entry, frames[:0]).reason == f"needs {needed} {rows}, has 0"
    assert entry.call(random_bars(1, 5)).reason == "needs a book, not given here"


@every_tool
@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf])
def test_frames_without_a_number_are_never_read_over(entry: Tool, missing: float) -> None:
    frames = random_frames(1, N)
    for name in ("bid", "ask", "bid_size", "ask_size", "bid_volume", "ask_volume", "bid_vwap", "ask_vwap"):
        broken = replace(frames, **{name: np.full_like(getattr(frames, name), missing)})
        found = called(entry, broken)
        assert found.value is None or found.value == called(entry, frames).value
        assert (found.value is None) == (found.reason is not None)


@every_tool
def test_frames_are_left_as_they_were(entry: Tool) -> None:
    frames = random_frames(1, N)
    for name in BookFrames.__dataclass_fields__:
        getattr(frames, name).flags.writeable = False
    assert called(entry, frames) == called(entry, random_frames(1, N))


@pytest.mark.parametrize("column", ["bid", "bucket_size"])
def test_newest_frame_without_a_mid_or_a_width_has_no_depth_and_says_so(column: str) -> None:
    frames = random_frames(1, 20)
    values = getattr(frames, column).copy()
    values[-1] = np.nan
    found = called(get_tool("book_depth"), replace(frames, **{column: values}))
    assert found.value is None
    assert found.reason is not None
    assert "missing in the newest frame" in found.reason


@pytest.mark.parametrize("name", ["book_depth", "book_slope", "book_spread"])
def test_prices_of_zero_are_no_prices(name: str) -> None:
    frames = random_frames(1, 20)
    zero = np.zeros(len(frames))
    found = called(get_tool(name), replace(frames, bid=zero, ask=zero))
    assert found.value is None
    assert found.reason is not None


@pytest.mark.parametrize("name", ["book_depth", "book_slope"])
def test_width_of_zero_is_no_width(name: str) -> None:
    frames = random_frames(1, 20)
    found = called(get_tool(name), replace(frames, bucket_size=np.zeros(len(frames))))
    assert found.value is None
    assert found.reason is not None
