"""Equity over time, kept short however long the journal grows.

    DeskState rows not read yet -> one point a moment -> buckets -> at most 386 points

A bucket stands for so many moments in a row and keeps three of them: the lowest equity, the highest, and the
deepest fall from the peak. Where the buckets are full, each two become one. The first and the newest moment
are always kept, so of a short journal nothing is left out and of a long one no extreme.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from agents.desk_results import drawdown_of
from contracts.records import DeskState
from memory.reader import JournalReader
from tui.door import Curve

_MAX_BUCKETS = 128
_PAGE = 1_000
_PAGES_A_LOOK = 20
"""Of a journal that long the rest is read at the next looks: no look may take seconds."""


class _Point(NamedTuple):
    at: datetime
    equity: Decimal
    drawdown_pct: float


class EquityCurve:
    """The curve of one journal; each look reads only what was written since the last one."""

    def __init__(self, journal: JournalReader) -> None:
        self._journal = journal
        self._read_through = 0
        self._first: _Point | None = None
        self._newest: _Point | None = None
        self._currency = ""
        self._n = 0
        self._width = 1
        """Moments a bucket stands for."""
        self._buckets: list[tuple[_Point, ...]] = []

    def look(self) -> Curve:
        """The curve as far as the journal goes."""
        for state in self._unread():
            self._currency = state.marks.currency
            if self._newest is None or state.now > self._newest.at:
                self._take(_point(state))
        last = self._journal.last(DeskState)
        ends = (self._first, self._newest, None if last is None else _point(last))
        kept = {point.at: point for bucket in self._buckets for point in bucket}
        kept |= {point.at: point for point in ends if point is not None}
        points = [kept[at] for at in sorted(kept)]
        return Curve(
            currency=self._currency,
            times=tuple(point.at for point in points),
            equity=tuple(float(point.equity) for point in points),
            drawdown_pct=tuple(point.drawdown_pct for point in points),
        )

    def _unread(self) -> Iterator[DeskState]:
        for _ in range(_PAGES_A_LOOK):
            page = self._journal.find_next(DeskState, _PAGE, after=self._read_through)
            if not page:
                return
            yield from (state for _, state in page)
            self._read_through = page[-1][0]

    def _take(self, point: _Point) -> None:
        self._first, self._newest = self._first or point, point
        if self._n % self._width:
            self._buckets[-1] = _extremes((*self._buckets[-1], point))
        else:
            self._buckets.append((point,))
        self._n += 1
        if len(self._buckets) > _MAX_BUCKETS:
            pairs = zip(self._buckets[::2], [*self._buckets[1::2], ()], strict=True)
            self._buckets = [_extremes((*one, *two)) for one, two in pairs]
            self._width *= 2


def _point(state: DeskState) -> _Point:
    # The marks of a moment are made once, however many instruments it decides on.
    return _Point(state.now, state.marks.equity, drawdown_of(state.marks) or 0.0)


def _extremes(points: tuple[_Point, ...]) -> tuple[_Point, ...]:
    lowest, highest = (ends(points, key=lambda each: each.equity) for ends in (min, max))
    deepest = max(points, key=lambda each: each.drawdown_pct)
    return tuple(sorted({lowest, highest, deepest}))
