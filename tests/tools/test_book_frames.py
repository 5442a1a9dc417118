"""Frames hold what a plain count of the levels holds, at their moment and of nothing later."""

import math
from dataclasses import fields, replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ToolInputError
from contracts.ticks import FRAME_MS, BookFrames, BookMessage, BookSnapshot
from markets.instruments import resolve
from tests.tools.book_feeds import Maker, PlainBook
from tools.book_frames import N_BUCKETS, STALE_MS, FrameRing, bucket_ticks
from tools.order_book import OrderBook

INSTRUMENT = resolve("SOLUSDT")
NAN = float("nan")


def ring(seconds: int = 60) -> FrameRing:
    made = FrameRing(OrderBook(INSTRUMENT.tick_size), INSTRUMENT, seconds=seconds)
    made.width = 3
    return made


def feed(seed: int, n: int, depth: int | None = None) -> list[BookMessage]:
    maker = Maker(seed, is_spot=True, spread=90)
    return [maker.snapshot(depth), *(maker.update(5) for _ in range(n))]


def taken(messages: list[BookMessage], until: int, seconds: int = 60) -> BookFrames:
    made = ring(seconds)
    for message in messages:
        made.follow(message)
    made.advance(until)
    return made.frames()


def plain_side(
    levels: dict[int, float], sign: int, mid: float, width: int, edge: float
) -> tuple[list[float], list[float]]:
    """Volume and VWAP in ticks of each bucket; `edge` is the furthest tick known."""
    volumes, vwaps = [], []
    for k in range(N_BUCKETS):
        inside = {t: q for t, q in levels.items() if k * width <= sign * (t - mid) < (k + 1) * width}
        # The furthest whole tick that belongs to the bucket.
        last = math.ceil(mid + (k + 1) * width) - 1 if sign > 0 else math.floor(mid - (k + 1) * width) + 1
        volume = sum(inside.values()) if sign * (edge - last) >= 0 else NAN
        volumes.append(volume)
        vwaps.append(sum(t * q for t, q in inside.items()) / volume if inside else NAN)
    return volumes, vwaps


def assert_same(found: BookFrames, expected: BookFrames) -> None:
    for column in fields(BookFrames):
        np.testing.assert_array_equal(getattr(found, column.name), getattr(expected, column.name))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("depth", [None, 12])
def test_frame_is_what_a_plain_count_of_the_levels_gives(seed: int, depth: int | None) -> None:
    messages = feed(seed, 30, depth)
    last = messages[-1].time
    frames = taken(messages, last + FRAME_MS + 1)
    first = messages[0]
    bid_edge, ask_edge = (
        (-math.inf, math.inf) if depth is None else (min(first.bid_ticks), max(first.ask_ticks))
    )
    for row in range(len(frames)):
        plain = PlainBook()
        for message in messages:
            if message.time <= frames.time[row]:
                plain.follow(message)
        (bid, bid_size), (ask, ask_size) = (side[0] for side in plain.levels())
        assert frames.bid[row] == bid / 100
        assert frames.ask[row] == ask / 100
        assert (frames.bid_size[row], frames.ask_size[row]) == (bid_size, ask_size)
        for sign, levels, edge, side in ((-1, plain.bids, bid_edge, "bid"), (1, plain.asks, ask_edge, "ask")):
            volume, vwap = plain_side(levels, sign, (bid + ask) / 2, 3, edge)
            np.testing.assert_allclose(getattr(frames, f"{side}_volume")[row], volume, rtol=1e-12)
            np.testing.assert_allclose(getattr(frames, f"{side}_vwap")[row] * 100, vwap, rtol=1e-12)
    assert np.isnan(frames.bid_volume).any() == (depth is not None)
    assert len(frames) > 5


def test_volumes_of_a_frame_add_up_to_what_rests_within_its_reach() -> None:
    messages = feed(9, 20)
    frames = taken(messages, messages[-1].time + FRAME_MS + 1)
    plain = PlainBook()
    for message in messages:
        plain.follow(message)
    bid, ask = (side[0][0] for side in plain.levels())
    reach, mid = N_BUCKETS * 3, (bid + ask) / 2
    for volume, levels in ((frames.bid_volume, plain.bids), (frames.ask_volume, plain.asks)):
        expected = math.fsum(q for t, q in levels.items() if abs(t - mid) < reach)
        assert volume[-1].sum() == pytest.approx(expected, rel=1e-12)


@given(st.integers(0, 2**32 - 1), st.integers(1, 25))
def test_changed_future_leaves_every_earlier_frame_as_it_was(seed: int, known: int) -> None:
    messages, others = feed(seed, 30), feed(seed + 1, 30)
    since = messages[known].time
    later = [replace(message, time=since + 200 + i) for i, message in enumerate(others[1:])]
    shifted = [
        replace(message, first_id=messages[known].last_id + 1 + i, last_id=messages[known].last_id + 1 + i)
        for i, message in enumerate(later)
        if not isinstance(message, BookSnapshot)
    ]
    changed = taken([*messages[: known + 1], *shifted], since + 1_000)
    whole = taken(messages, messages[-1].time + 500)
    assert_same(changed.known_by(since), whole.known_by(since))
    assert_same(taken(messages[: known + 1], since + 1), whole.known_by(since))


@pytest.mark.parametrize("factor", [0.5, 4.0])
def test_scaled_quantities_scale_volumes_and_leave_prices(factor: float) -> None:
    messages = feed(2, 20)
    scaled: list[BookMessage] = [
        replace(m, bid_quantity=m.bid_quantity * factor, ask_quantity=m.ask_quantity * factor)
        for m in messages
    ]
    until = messages[-1].time + 500
    one, other = taken(messages, until), taken(scaled, until)
    same = {
        name: getattr(one, name) * factor for name in ("bid_volume", "ask_volume", "bid_size", "ask_size")
    }
    assert_same(other, replace(one, **same))


def test_frames_stand_on_whole_tenths_of_a_second_and_hold_the_messages_of_their_millisecond() -> None:
    first, update, *_ = feed(1, 3)
    messages: list[BookMessage] = [replace(first, time=1_000_050), replace(update, time=1_000_200)]
    frames = taken(messages, 1_000_301)
    assert frames.time.tolist() == [1_000_100, 1_000_200, 1_000_300]
    assert frames.bid_volume[0].tolist() != frames.bid_volume[1].tolist() == frames.bid_volume[2].tolist()
    assert taken(messages, 1_000_300).time.tolist() == [1_000_100, 1_000_200]


def test_time_that_goes_back_gives_no_moment_a_second_frame() -> None:
    first, *updates = feed(1, 3)
    times = (1_000_050, 1_000_850, 1_000_120, 1_000_950)
    messages = [replace(message, time=time) for message, time in zip([first, *updates], times, strict=True)]
    assert taken(messages, 1_001_001).time.tolist() == list(range(1_000_100, 1_001_001, 100))


def test_no_frame_is_made_of_a_stale_book_or_of_one_without_a_reading() -> None:
    first, *updates = feed(1, 4)
    book = ring()
    book.follow(first)
    book.advance(first.time + 60_000)
    assert book.frames().time[-1] == first.time + STALE_MS
    # The first one is lost.
    book.follow(replace(updates[1], time=first.time + 60_000))
    n = len(book.frames())
    book.advance(first.time + 61_000)
    assert len(book.frames()) == n


def test_ring_keeps_the_newest_and_what_it_gave_stays_as_it_was() -> None:
    messages = feed(3, 120)
    until = messages[-1].time
    everything = taken(messages, until)
    assert len(everything) > 40
    small = ring(1)
    given_out: list[tuple[BookFrames, int]] = []
    for message in messages:
        small.follow(message)
        given_out.append((small.frames(), len(small.frames())))
    for frames, n in given_out:
        assert n <= 10
        if n:
            end = int(np.searchsorted(everything.time, frames.time[-1])) + 1
            assert_same(frames, everything[end - n : end])
    with pytest.raises(ValueError, match="read-only"):
        given_out[-1][0].bid_volume[0, 0] = 1.0


def test_width_is_that_of_the_first_mid_and_stays() -> None:
    made = FrameRing(OrderBook(INSTRUMENT.tick_size), INSTRUMENT)
    messages = feed(1, 40)
    for message in messages:
        made.follow(message)
    assert made.width == bucket_ticks(INSTRUMENT, 10.0)
    assert set(made.frames().bucket_size) == {made.width / 100}


@pytest.mark.parametrize(
    ("name", "mid", "width"),
    [
        ("BTCUSDT", 50_200.0, "10"),
        ("BTCUSDT-PERP", 118_000.0, "10"),
        ("ETHUSDT", 3_020.0, "1"),
        ("ETHUSD", 1_500.0, "1"),
        ("SOLUSDT", 150.0, "0.05"),
        ("SOLUSDT", 23.0, "0.01"),
        ("ES", 5_500.0, "1.25"),
    ],
)
def test_bucket_width(name: str, mid: float, width: str) -> None:
    row = resolve(name)
    assert bucket_ticks(row, mid) * row.tick_size == Decimal(width)


@pytest.mark.parametrize(("mid", "dollars"), [(50_200.0, 10), (3_020.0, 1)])
def test_rule_for_the_others_agrees_where_the_fixed_widths_were_chosen(mid: float, dollars: int) -> None:
    assert bucket_ticks(resolve("SOLUSDT"), mid) == 100 * dollars


@pytest.mark.parametrize("mid", [0.0, -1.0, NAN, math.inf])
def test_mid_that_is_no_price_is_refused(mid: float) -> None:
    with pytest.raises(ToolInputError, match="a mid over zero"):
        bucket_ticks(INSTRUMENT, mid)
    with pytest.raises(ToolInputError, match="1 second or more"):
        ring(0)
