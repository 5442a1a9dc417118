"""A book follows its feed level by level, notices a message that is not the next, and says what it knows."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from contracts.errors import ToolInputError
from contracts.ticks import BookSnapshot, BookUpdate
from tests.tools.book_feeds import Change, Maker, PlainBook, columns
from tools import order_book
from tools.order_book import Applied, OrderBook
from tools.order_book_kernels import ASK, BID, find

TICK = Decimal("0.01")
both_venues = pytest.mark.parametrize("is_spot", [True, False], ids=["spot", "usdm"])
N_UPDATES, AT = 24, 4


def feed(seed: int, is_spot: bool) -> tuple[list[BookSnapshot | BookUpdate], BookSnapshot]:
    """Updates with a snapshot of the moment after the fifth among them, and a snapshot of the end."""
    maker = Maker(seed, is_spot=is_spot)
    messages: list[BookSnapshot | BookUpdate] = []
    for i in range(N_UPDATES):
        messages.append(maker.update())
        if i == AT:
            messages.append(maker.snapshot())
    return messages, maker.snapshot()


def followed(messages: Sequence[BookSnapshot | BookUpdate]) -> tuple[OrderBook, list[Applied]]:
    book = OrderBook(TICK)
    return book, [book.follow(message) for message in messages]


def plain_checksum(book: PlainBook) -> str:
    digest = hashlib.sha256()
    for side in book.levels():
        for place, kind in ((0, "<i8"), (1, "<f8")):
            digest.update(np.array([level[place] for level in side], kind).tobytes())
    return digest.hexdigest()


def update(first: int, last: int, previous: int | None, bids: Change, asks: Change) -> BookUpdate:
    return BookUpdate(7, first, last, previous, *columns(bids), *columns(asks))


def snapshot(last: int, bids: Change, asks: Change, *, is_whole: bool = True) -> BookSnapshot:
    return BookSnapshot(5, last, *columns(bids), *columns(asks), is_whole=is_whole)


def one_level(**changes: bool) -> OrderBook:
    book = OrderBook(TICK)
    book.load(snapshot(10, {99: 1.0, 90: 5.0}, {101: 2.0, 110: 5.0}, **changes))
    return book


# -- the venues' rules


@both_venues
@pytest.mark.parametrize("seed", range(5))
def test_book_ends_as_the_plain_one_it_was_sent(seed: int, is_spot: bool) -> None:
    messages, end = feed(seed, is_spot)
    book, outcomes = followed(messages)
    assert outcomes == [Applied.KEPT] * (AT + 1) + [Applied.APPLIED] * (N_UPDATES - AT)
    plain = PlainBook()
    plain.follow(end)
    assert book.checksum() == plain_checksum(plain)
    assert book.reason is None
    assert book.last_id == end.last_id


@both_venues
@pytest.mark.parametrize("at", range(AT + 2, N_UPDATES))
def test_dropped_update_is_noticed_at_the_next_one_and_a_snapshot_mends_it(at: int, is_spot: bool) -> None:
    messages, end = feed(at, is_spot)
    book, outcomes = followed(messages[:at] + messages[at + 1 :])
    assert outcomes[at] == Applied.GAP
    assert set(outcomes[AT + 1 : at]) == {Applied.APPLIED}
    assert set(outcomes[at + 1 :]) <= {Applied.KEPT}
    last = messages[at - 1].last_id
    assert book.reason == f"updates are missing after change {last}; needs a new snapshot"
    with pytest.raises(ToolInputError, match="updates are missing"):
        book.best()
    assert book.load(end) == Applied.APPLIED
    assert book.best()[0] < book.best()[2]
    assert book.checksum() == followed(messages)[0].checksum()


@both_venues
@pytest.mark.parametrize("at", range(AT + 2, N_UPDATES + 1))
def test_duplicate_is_old_wherever_it_comes_again_and_changes_nothing(at: int, is_spot: bool) -> None:
    messages, _ = feed(at, is_spot)
    for later in range(at + 1, N_UPDATES + 2):
        book, outcomes = followed([*messages[:later], messages[at], *messages[later:]])
        assert outcomes[later] == Applied.OLD
        assert Applied.GAP not in outcomes
        assert book.checksum() == followed(messages)[0].checksum()


@both_venues
@pytest.mark.parametrize("at", range(AT + 2, N_UPDATES))
def test_two_updates_in_the_wrong_order_are_a_gap_and_both_are_kept(at: int, is_spot: bool) -> None:
    messages, end = feed(at, is_spot)
    swapped = [*messages[:at], messages[at + 1], messages[at], *messages[at + 2 :]]
    book, outcomes = followed(swapped)
    assert outcomes[at : at + 2] == [Applied.GAP, Applied.KEPT]
    assert len(book.kept) == N_UPDATES + 1 - at
    assert book.load(end) == Applied.APPLIED
    assert book.checksum() == followed(messages)[0].checksum()


@both_venues
def test_snapshot_in_the_middle_of_what_was_kept_is_joined_by_the_rest(is_spot: bool) -> None:
    maker = Maker(3, is_spot=is_spot)
    start, lost = maker.snapshot(), maker.update()
    kept = [maker.update(), maker.update()]
    middle = maker.snapshot()
    kept += [maker.update(), maker.update()]
    book, outcomes = followed([start, *kept])
    assert outcomes == [Applied.APPLIED, Applied.GAP, *[Applied.KEPT] * 3]
    # One of before the gap does not help: the lost update is still missing.
    assert book.load(start) == Applied.GAP
    assert len(book.kept) == 4
    assert book.load(middle) == Applied.APPLIED
    plain = PlainBook()
    plain.follow(maker.snapshot())
    assert book.checksum() == plain_checksum(plain)
    assert book.apply(lost) == Applied.OLD


@pytest.mark.parametrize(
    ("first", "last", "previous", "outcome"),
    [
        (11, 12, None, Applied.APPLIED),
        (9, 11, None, Applied.APPLIED),
        (9, 10, None, Applied.OLD),
        (12, 13, None, Applied.GAP),
        (10, 14, 7, Applied.APPLIED),
        (8, 10, 7, Applied.OLD),
        (12, 14, 10, Applied.APPLIED),
        (12, 14, 9, Applied.APPLIED),
        (12, 14, 11, Applied.GAP),
    ],
)
def test_first_update_must_reach_back_to_the_snapshot(
    first: int, last: int, previous: int | None, outcome: Applied
) -> None:
    assert one_level().apply(update(first, last, previous, {99: 3.0}, {})) == outcome


@pytest.mark.parametrize(("first", "previous"), [(12, None), (13, 11)])
def test_later_update_must_follow_exactly(first: int, previous: int | None) -> None:
    book = one_level()
    assert book.apply(update(11, 12, None, {99: 3.0}, {})) == Applied.APPLIED
    assert book.apply(update(first, 14, previous, {99: 4.0}, {})) == Applied.GAP


def test_crossed_book_is_out_of_step_until_a_sound_snapshot() -> None:
    book = one_level()
    assert book.apply(update(11, 12, None, {101: 3.0}, {})) == Applied.CROSSED
    assert book.reason == "bid at or above ask after change 12; needs a new snapshot"
    assert book.apply(update(13, 13, None, {}, {101: 0.0})) == Applied.KEPT
    crossed = snapshot(12, {101: 1.0}, {100: 1.0})
    assert book.load(crossed) == Applied.CROSSED
    assert book.load(snapshot(12, {101: 3.0}, {110: 5.0})) == Applied.APPLIED
    assert book.best() == (101, 3.0, 110, 5.0)


def test_older_snapshot_leaves_a_book_in_step_alone() -> None:
    book = one_level()
    book.apply(update(11, 12, None, {99: 3.0}, {}))
    assert book.load(snapshot(11, {1: 1.0}, {2: 1.0})) == Applied.OLD
    assert book.best()[1] == 3.0
    assert book.load(snapshot(12, {98: 1.0}, {102: 1.0})) == Applied.APPLIED
    assert book.best() == (98, 1.0, 102, 1.0)


def test_only_the_newest_updates_are_kept_and_what_fell_out_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_book, "MAX_KEPT", 5)
    maker = Maker(1, is_spot=True)
    book, start = OrderBook(TICK), maker.snapshot()
    updates = [maker.update() for _ in range(9)]
    for each in updates:
        assert book.apply(each) == Applied.KEPT
    assert list(book.kept) == updates[-5:]
    assert book.load(start) == Applied.GAP


# -- what is known


def test_book_without_a_snapshot_or_a_side_has_no_reading() -> None:
    assert OrderBook(TICK).reason == "needs a snapshot of the book"
    book = one_level()
    book.apply(update(11, 11, None, {}, {101: 0.0, 110: 0.0}))
    assert book.reason == "the book has no asks"


def test_book_whose_best_left_a_cut_snapshot_has_no_reading_until_it_is_back() -> None:
    book = one_level(is_whole=False)
    assert book.apply(update(11, 11, None, {99: 0.0, 90: 0.0, 80: 1.0}, {})) == Applied.APPLIED
    assert book.reason == "the best bid is beyond the last level of the snapshot; needs a newer snapshot"
    book.apply(update(12, 12, None, {90: 1.0}, {101: 0.0, 110: 0.0, 111: 1.0}))
    assert book.reason == "the best ask is beyond the last level of the snapshot; needs a newer snapshot"
    book.apply(update(13, 13, None, {}, {110: 1.0}))
    assert book.best() == (90, 1.0, 110, 1.0)
    assert one_level().apply(update(11, 11, None, {99: 0.0, 90: 0.0, 80: 1.0}, {})) == Applied.APPLIED


@pytest.mark.parametrize(
    ("bids", "asks"),
    [({0: 1.0}, {}), ({-5: 1.0}, {}), ({}, {5: -1.0}), ({5: np.nan}, {}), ({}, {5: np.inf})],
)
def test_message_with_a_level_that_is_none_is_refused_and_changes_nothing(bids: Change, asks: Change) -> None:
    book = one_level()
    before = book.checksum()
    with pytest.raises(ToolInputError, match="up to change 12"):
        book.apply(update(11, 12, None, {98: 1.0} | bids, {102: 1.0} | asks))
    assert (book.checksum(), book.last_id) == (before, 10)
    with pytest.raises(ToolInputError):
        book.load(snapshot(12, bids or {1: 1.0}, asks or {9: 1.0}))
    assert book.reason == "needs a snapshot of the book"


def test_price_of_a_tick_is_the_nearest_number_to_its_decimal() -> None:
    for text in ("0.01", "0.1", "0.25", "0.00001", "5"):
        book = OrderBook(Decimal(text))
        for ticks in (1, 3, 7, 6173763, 99999999):
            assert book.price(ticks) == float(Decimal(text) * ticks)
    with pytest.raises(ToolInputError, match="tick size over zero"):
        OrderBook(Decimal(0))


def test_levels_are_read_without_a_copy_best_first() -> None:
    book = one_level()
    ticks, quantities = book.levels(BID)
    assert (ticks.tolist(), quantities.tolist()) == ([99, 90], [1.0, 5.0])
    assert np.shares_memory(quantities, book.quantities)
    assert book.levels(ASK)[0].tolist() == [101, 110]


def test_checksum_tells_a_level_a_quantity_and_a_side_apart() -> None:
    books = [
        ({9: 1.0}, {11: 2.0}),
        ({8: 1.0}, {11: 2.0}),
        ({9: 2.0}, {11: 2.0}),
        ({9: 1.0, 8: 1.0}, {11: 2.0}),
    ]
    sums = set()
    for bids, asks in books:
        book = OrderBook(TICK)
        book.load(snapshot(1, bids, asks))
        sums.add(book.checksum())
        assert book.checksum() == plain_checksum(PlainBook(dict(bids), dict(asks)))
    assert len(sums) == len(books)


def test_new_level_takes_the_place_of_an_emptied_one() -> None:
    book = one_level()
    book.apply(update(11, 11, None, {95: 1.0, 97: 2.0}, {}))
    book.apply(update(12, 12, None, {97: 0.0, 93: 4.0}, {}))
    assert book.counts.tolist() == [4, 2]
    assert book.levels(BID)[0].tolist() == [99, 95, 93, 90]
    assert book.levels(BID)[1].tolist() == [1.0, 1.0, 4.0, 5.0]


def test_find_is_the_first_place_not_under_from_wherever_it_begins() -> None:
    ticks = np.array([1, 4, 4, 9, 12, 20, 21, 35])
    for count in range(len(ticks) + 1):
        for tick in range(40):
            expected = int(np.searchsorted(ticks[:count], tick))
            assert [find(ticks, count, tick, near) for near in range(count + 1)] == [expected] * (count + 1)


# -- any history at all


class BookMachine(RuleBasedStateMachine):
    """A venue with a true book, a line that may lose, repeat and swap, and our book at its other end."""

    @initialize(seed=st.integers(0, 2**32 - 1), is_spot=st.booleans(), n=st.integers(0, 6))
    def begin(self, seed: int, is_spot: bool, n: int) -> None:
        self.maker = Maker(seed, is_spot=is_spot, spread=60)
        self.book = OrderBook(TICK)
        # So small that it must grow.
        self.book.ticks, self.book.quantities = np.empty((2, 2), np.int64), np.empty((2, 2))
        self.seen = [self.maker.update() for _ in range(n)]
        self.is_in_step = self.is_behind = False

    @rule(n=st.integers(0, 12))
    def send(self, n: int) -> None:
        update = self.maker.update(n)
        self.seen.append(update)
        outcome = self.book.apply(update)
        if not self.is_in_step:
            assert outcome == Applied.KEPT
        else:
            assert outcome == (Applied.GAP if self.is_behind else Applied.APPLIED)
        self.is_in_step = outcome == Applied.APPLIED

    @rule()
    def lose(self) -> None:
        self.maker.update()
        self.is_behind = True

    @precondition(lambda self: self.seen and self.is_in_step)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        assert self.book.apply(data.draw(st.sampled_from(self.seen))) == Applied.OLD

    @rule()
    def load_whole(self) -> None:
        assert self.book.load(self.maker.snapshot()) == Applied.APPLIED
        self.is_in_step, self.is_behind = True, False

    @precondition(lambda self: not self.is_in_step)
    @rule()
    def load_one_of_before_the_newest_update(self) -> None:
        snapshot = self.maker.snapshot()
        update = self.maker.update()
        self.seen.append(update)
        assert self.book.apply(update) == Applied.KEPT
        assert self.book.load(snapshot) == Applied.APPLIED
        self.is_in_step, self.is_behind = True, False

    @invariant()
    def knows_the_truth_or_says_why_not(self) -> None:
        if not self.is_in_step:
            assert self.book.reason is not None
        elif not self.is_behind:
            assert self.book.checksum() == plain_checksum(self.maker.book)
            (bid, bid_size), (ask, ask_size) = (side[0] for side in self.maker.book.levels())
            assert self.book.best() == (bid, bid_size, ask, ask_size)


TestAnyHistory = BookMachine.TestCase


def test_updates_that_differ_only_in_quantity_differ_in_the_book() -> None:
    one, other = one_level(), one_level()
    base = update(11, 11, None, {95: 1.0}, {})
    one.apply(base)
    other.apply(replace(base, bid_quantity=base.bid_quantity * 2))
    assert one.checksum() != other.checksum()


def test_book_is_as_new_as_its_snapshot_when_what_was_kept_is_older() -> None:
    maker = Maker(9, is_spot=True)
    start = maker.snapshot()
    first, second = maker.update(3), maker.update(3)
    book = OrderBook(Decimal(1))
    assert [book.follow(each) for each in (first, second)] == [Applied.KEPT, Applied.KEPT]
    late = replace(start, time=second.time + 60_000)
    assert book.follow(late) is Applied.APPLIED
    assert (book.last_id, book.time) == (second.last_id, late.time)
