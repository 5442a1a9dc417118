"""Real feeds, spot and USD-M: no gap, never crossed, level for level a plain book and the venue's best."""

import copy
import hashlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from contracts.ticks import BookMessage, BookSnapshot
from markets.book_file import BookFile, read_book_file
from tests.tools.book_feeds import PlainBook
from tools.book_frames import FrameRing
from tools.book_readings import book_imbalance, book_spread, imbalance_by_frame
from tools.order_book import Applied, OrderBook

SPOT = ("BTCUSDT", "binance_spot_btcusdt_20240808.gz")
NEXT_DAY = ("BTCUSDT", "binance_spot_btcusdt_20240809.gz")
PERP = ("BTCUSDT-PERP", "binance_usdm_btcusdt_20240808.gz")
feeds = pytest.mark.parametrize("feed", [SPOT, PERP], ids=["spot", "usdm"])
pytestmark = pytest.mark.slow

CHECKSUMS = {
    SPOT: "0bac2811fe395b84cbc1f58d1b70d7ed40d876c827890b781edee833cb425181",
    PERP: "0271a5b49e385f1fca80f977f4b192725944b79b7dcf53c92db78ec77137b3ef",
}
"""Of the book after the last message, as a plain book of dicts has it too."""


@cache
def _read(folder: Path, feed: tuple[str, str]) -> BookFile:
    return read_book_file(folder / feed[1], instrument=feed[0])


def recorded(shared_data: Path, feed: tuple[str, str]) -> BookFile:
    path = shared_data / "crypto_l2" / feed[1]
    if not path.is_file():
        pytest.skip(f"needs a recorded feed: expected {path}")
    return _read(path.parent, feed)


def followed(file: BookFile) -> OrderBook:
    book = OrderBook(file.instrument.tick_size)
    for message in file.messages:
        book.follow(message)
    return book


def since_snapshot(file: BookFile) -> tuple[OrderBook, tuple[BookMessage, ...]]:
    at = next(i for i, message in enumerate(file.messages) if isinstance(message, BookSnapshot))
    book = OrderBook(file.instrument.tick_size)
    for message in file.messages[: at + 1]:
        book.follow(message)
    return book, file.messages[at + 1 :]


@feeds
def test_feed_rebuilds_without_a_gap_uncrossed_and_as_a_plain_book(
    shared_data: Path, feed: tuple[str, str]
) -> None:
    file = recorded(shared_data, feed)
    book, later = since_snapshot(file)
    assert {book.follow(message) for message in later} == {Applied.APPLIED}
    assert book.reason is None
    start = next(message for message in file.messages if isinstance(message, BookSnapshot))
    plain = PlainBook()
    plain.follow(start)
    for message in file.messages:
        # Those received before the snapshot count as well where they reach behind it.
        if message.last_id > start.last_id:
            plain.follow(message)
    digest = hashlib.sha256()
    for side in plain.levels():
        digest.update(np.array([tick for tick, _ in side], "<i8").tobytes())
        digest.update(np.array([quantity for _, quantity in side], "<f8").tobytes())
    assert book.checksum() == digest.hexdigest() == CHECKSUMS[feed]


@feeds
def test_best_of_the_book_is_what_the_venue_says_after_the_same_change(
    shared_data: Path, feed: tuple[str, str]
) -> None:
    file = recorded(shared_data, feed)
    quotes = {int(change): i for i, change in enumerate(file.quote_ids)}
    book, later = since_snapshot(file)
    n_compared = 0
    for message in later:
        book.follow(message)
        row = quotes.get(book.last_id)
        if row is None or book.reason is not None:
            continue
        bid, bid_size, ask, ask_size = book.best()
        q = file.quotes
        found = (book.price(bid), bid_size, book.price(ask), ask_size)
        assert found == (q.bid[row], q.bid_size[row], q.ask[row], q.ask_size[row])
        n_compared += 1
    assert n_compared > 400


@feeds
def test_every_dropped_repeated_or_swapped_update_of_a_sample_is_noticed(
    shared_data: Path, feed: tuple[str, str]
) -> None:
    book, later = since_snapshot(recorded(shared_data, feed))
    for i, message in enumerate(later[:-1]):
        if i % 23 == 1:
            assert copy.deepcopy(book).follow(later[i + 1]) == Applied.GAP
            swapped = copy.deepcopy(book)
            outcomes = [swapped.follow(later[i + 1]), swapped.follow(message)]
            assert outcomes == [Applied.GAP, Applied.KEPT]
        book.follow(message)
        if i % 23 == 1:
            for repeated in (message, later[i - 1], later[i // 2]):
                assert book.follow(repeated) == Applied.OLD
    assert book.follow(later[-1]) == Applied.APPLIED


def test_next_day_joins_the_book_of_the_day_before(shared_data: Path) -> None:
    first, second = recorded(shared_data, SPOT), recorded(shared_data, NEXT_DAY)
    book = followed(first)
    assert {book.follow(message) for message in second.messages} == {Applied.APPLIED}


@feeds
def test_lost_message_is_mended_by_a_later_snapshot(shared_data: Path, feed: tuple[str, str]) -> None:
    file = recorded(shared_data, feed)
    sound, later = since_snapshot(file)
    damaged = copy.deepcopy(sound)
    lost, until = 500, 900
    for message in later[:until]:
        sound.follow(message)
    bids, asks = sound.levels(0), sound.levels(1)
    (bid_ticks, bid_quantity), (ask_ticks, ask_quantity) = bids, asks
    snapshot = BookSnapshot(
        sound.time, sound.last_id, bid_ticks, bid_quantity.copy(), ask_ticks, ask_quantity.copy()
    )
    outcomes = [damaged.follow(message) for i, message in enumerate(later[: until + 300]) if i != lost]
    assert outcomes.index(Applied.GAP) == lost
    assert len(damaged.kept) == until + 300 - lost - 1
    assert damaged.load(snapshot) == Applied.APPLIED
    for message in later[until : until + 300]:
        sound.follow(message)
    assert damaged.checksum() == sound.checksum()
    assert damaged.last_id == sound.last_id


@feeds
def test_frames_of_the_feed_hold_the_best_prices_and_give_readings(
    shared_data: Path, feed: tuple[str, str]
) -> None:
    file = recorded(shared_data, feed)
    ring = FrameRing(OrderBook(file.instrument.tick_size), file.instrument, seconds=600)
    for message in file.messages[:2_000]:
        ring.follow(message)
    frames = ring.frames()
    assert set(frames.bucket_size) == {10.0}
    assert (np.diff(frames.time) % 100 == 0).all()
    assert (frames.ask > frames.bid).all()
    assert (frames.bid_size > 0).all()
    near = frames[:600]
    assert np.isfinite(near.bid_volume[:, :5]).all()
    bucket = np.arange(20) * 10.0
    mid = ((frames.bid + frames.ask) / 2)[:, None]
    with np.errstate(invalid="ignore"):
        assert not (frames.ask_vwap < mid + bucket - 1e-6).any()
        assert not (frames.ask_vwap > mid + bucket + 10 + 1e-6).any()
        assert not (frames.bid_vwap > mid - bucket + 1e-6).any()
    spread, imbalance = book_spread(near, seconds=60), book_imbalance(near, seconds=60)
    assert spread.n_obs == imbalance.n_obs == 600
    assert spread.value is not None
    # A tick of 0.01 or 0.1 on 61,800.
    assert 0.0016 <= spread.value < 0.1
    assert imbalance.value == pytest.approx(imbalance_by_frame(near, 5).mean(), rel=1e-12)
