"""One instrument's order book, kept level by level from a snapshot and the updates after it.

    snapshot ──▶ load ──▶ in step ──▶ apply, apply, ... ──▶ bid, ask, levels, checksum
                 ▲                      │ a gap, or bid at or above ask
                 └── kept updates ◀── out of step: no reading, and a reason

Each update says after which change it has everything (`BookUpdate.follows_id`). The first one after a
snapshot may reach back behind it; every later one must follow the one before exactly. What is not newer than
the book is old and ignored, whether it was sent twice or late. Anything else is a gap: from there on the
book gives no reading and keeps what comes, the newest `MAX_KEPT` of it, until a snapshot is loaded; then the
kept updates are applied by the same rules, and where they do not join it the book stays out of step.

Of a cut snapshot nothing is known beyond its last level. Once the best level has gone there, the book has no
reading either, until a newer snapshot is loaded; it stays in step, and that snapshot may come at any time.

The rules are those which Binance publishes for a local book, spot (U, u) and USD-M (U, u, pu), in one form.
For USD-M the first update may also begin behind the snapshot's last change as long as its pu does not: since
nothing happened between pu and U, nothing is missing.
"""

import hashlib
from collections import deque
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

import numpy as np

from contracts.errors import ToolInputError
from contracts.market import Float1D, Int1D
from contracts.ticks import BookMessage, BookSnapshot, BookUpdate
from tools.order_book_kernels import ASK, BID, CROSSED, FULL, NO_LEVELS, apply_levels, drop_empty

MAX_KEPT = 2_000
_NO_SNAPSHOT = "needs a snapshot of the book"
_FEWEST_PLACES = 1_024
_NO_EDGE = -(2**60)


class Applied(StrEnum):
    """What became of a snapshot or an update."""

    APPLIED = "applied"
    OLD = "old"
    """Not newer than the book: sent twice, or late. The book is as it was."""
    KEPT = "kept"
    """The book is out of step and has put it aside for the next snapshot."""
    GAP = "gap"
    """Changes are missing before it. The book is out of step from here on."""
    CROSSED = "crossed"
    """Bid at or above ask. The book is out of step from here on."""


class OrderBook:
    """The live book of one instrument; not for several threads at once."""

    def __init__(self, tick_size: Decimal) -> None:
        """`tick_size` is the price of one tick."""
        if not tick_size > 0:
            raise ToolInputError(f"expected a tick size over zero, found {tick_size}; give the instrument's")
        self.tick = Fraction(tick_size)
        self.time = 0
        """Milliseconds since 1970 UTC of the newest message applied."""
        self.last_id = -1
        self.kept: deque[BookUpdate] = deque(maxlen=MAX_KEPT)
        self.ticks = np.empty((2, _FEWEST_PLACES), np.int64)
        self.quantities = np.empty((2, _FEWEST_PLACES))
        self.counts = np.zeros(2, np.int64)
        self.edges = np.zeros(2, np.int64)
        """The last tick known of each side, signed as in the kernels."""
        self._out_of_step: str | None = _NO_SNAPSHOT
        self._is_fresh = False

    @property
    def reason(self) -> str | None:
        """Why the book has no reading now; None where it has."""
        if self._out_of_step is not None:
            return self._out_of_step
        for side, name in ((BID, "bid"), (ASK, "ask")):
            count = self.counts.item(side)
            if count == 0:
                return f"the book has no {name}s"
            if self.ticks.item(side, count - 1) < self.edges.item(side):
                return f"the best {name} is beyond the last level of the snapshot; needs a newer snapshot"
        return None

    def follow(self, message: BookMessage) -> Applied:
        """Load a snapshot or apply an update."""
        return self.load(message) if isinstance(message, BookSnapshot) else self.apply(message)

    def load(self, snapshot: BookSnapshot) -> Applied:
        """Begin anew from a snapshot and apply what was kept; the first outcome of these that is no success.

        One that is older than a book in step is ignored.
        """
        if self._out_of_step is None and snapshot.last_id < self.last_id:
            return Applied.OLD
        self.counts[:], self._out_of_step = 0, _NO_SNAPSHOT
        is_uncrossed = self._change(snapshot)
        self.edges[:] = _NO_EDGE
        if not snapshot.is_whole:
            self.edges[BID] = snapshot.bid_ticks.min(initial=2**60)
            self.edges[ASK] = -snapshot.ask_ticks.max(initial=0)
        self.time, self.last_id = snapshot.time, snapshot.last_id
        self._out_of_step, self._is_fresh = None, True
        if not is_uncrossed:
            return self._crossed()
        waiting = tuple(self.kept)
        self.kept.clear()
        outcomes = [self.apply(update) for update in waiting]
        return next(
            (each for each in outcomes if each not in (Applied.APPLIED, Applied.OLD)), Applied.APPLIED
        )

    def apply(self, update: BookUpdate) -> Applied:
        """Change the book by an update. ToolInputError, and no change, where one of its levels is none."""
        if self._out_of_step is not None:
            self.kept.append(update)
            return Applied.KEPT
        last, follows = self.last_id, update.follows_id
        if follows != last:
            if update.last_id <= last:
                return Applied.OLD
            if follows > last or not self._is_fresh:
                self.kept.append(update)
                self._out_of_step = f"updates are missing after change {last}; needs a new snapshot"
                return Applied.GAP
        is_uncrossed = self._change(update)
        # A kept update was received before the snapshot that it is applied to.
        self.time = max(self.time, update.time)
        self.last_id, self._is_fresh = update.last_id, False
        if is_uncrossed:
            return Applied.APPLIED
        self.kept.append(update)
        return self._crossed()

    def price(self, ticks: int | Int1D) -> float | Float1D:
        """Ticks as a price, correctly rounded."""
        return ticks * self.tick.numerator / self.tick.denominator

    def best(self) -> tuple[int, float, int, float]:
        """Best bid in ticks, its quantity, best ask, its quantity. ToolInputError without a reading."""
        if (reason := self.reason) is not None:
            raise ToolInputError(f"expected a book with a reading, found none: {reason}")
        bid, ask = self.counts.item(BID) - 1, self.counts.item(ASK) - 1
        return (
            self.ticks.item(BID, bid),
            self.quantities.item(BID, bid),
            -self.ticks.item(ASK, ask),
            self.quantities.item(ASK, ask),
        )

    def levels(self, side: int) -> tuple[Int1D, Float1D]:
        """Ticks and quantities of a side (BID or ASK), best first, also of a book out of step.

        Quantities are a view, good until the next message.
        """
        self.counts[side] = count = drop_empty(self.ticks[side], self.quantities[side], self.counts[side])
        ticks = self.ticks[side, :count][::-1]
        return ticks if side == BID else -ticks, self.quantities[side, :count][::-1]

    def checksum(self) -> str:
        """SHA-256 of the whole book, in hexadecimal.

        Bids, then asks, best first: of each side all ticks as little-endian int64, then all quantities as
        little-endian float64.
        """
        digest = hashlib.sha256()
        for side in (BID, ASK):
            ticks, quantities = self.levels(side)
            digest.update(ticks.astype("<i8").tobytes() + quantities.astype("<f8").tobytes())
        return digest.hexdigest()

    def _change(self, message: BookMessage) -> bool:
        """Whether the book is uncrossed after it."""
        bids, asks = (message.bid_ticks, message.bid_quantity), (message.ask_ticks, message.ask_quantity)
        code = apply_levels(self.ticks, self.quantities, self.counts, *bids, *asks)
        if code == FULL:
            self._grow(int(self.counts.max()) + max(len(bids[0]), len(asks[0])))
            code = apply_levels(self.ticks, self.quantities, self.counts, *bids, *asks)
        if code == NO_LEVELS:
            raise ToolInputError(
                "expected ticks over zero and finite quantities of zero or more, found others in the message "
                f"up to change {message.last_id}; leave it out and load a new snapshot"
            )
        return code != CROSSED

    def _grow(self, needed: int) -> None:
        places = self.ticks.shape[1]
        while places < needed:
            places *= 2
        ticks, quantities = np.empty((2, places), np.int64), np.empty((2, places))
        for side in (BID, ASK):
            count = self.counts[side]
            ticks[side, :count] = self.ticks[side, :count]
            quantities[side, :count] = self.quantities[side, :count]
        self.ticks, self.quantities = ticks, quantities

    def _crossed(self) -> Applied:
        self._out_of_step = f"bid at or above ask after change {self.last_id}; needs a new snapshot"
        return Applied.CROSSED
