"""Bars: put together to a longer timeframe, and kept in content-addressed chunks.

A chunk is one NumPy .npy file of rows in time order; the names of its price columns carry the side
(`mid_open`), so it explains itself and no bars at all still have one. Chunks are cut where the bar open
time crosses a multiple of 128 timeframes since 1970, so that two snapshots of one market share every
chunk but the newest, the open tail. Equal bars give equal bytes on every machine.
"""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from io import BytesIO
from itertools import pairwise
from typing import get_args

import numpy as np
import numpy.typing as npt

from contracts.errors import JournalCorrupt, ToolInputError
from contracts.market import Bars, Int1D, PriceSide, Timeframe, from_ms, to_ms
from contracts.ports import BlobStore
from contracts.records import BarSeries, ChunkRef, MarketSnapshot
from markets.sessions import period_ends, period_starts

CHUNK_PERIODS = 128
"""Timeframes a chunk spans; no chunk has more rows."""

_Rows = npt.NDArray[np.void]
_Place = tuple[str, Timeframe, int]
_PRICES = ("open", "high", "low", "close")


def _row_type(side: PriceSide) -> np.dtype[np.void]:
    prices = [(f"{side}_{price}", "<f8") for price in _PRICES]
    return np.dtype([("open_time", "<i8"), ("close_time", "<i8"), *prices, ("volume", "<f8")])


_ROW_TYPES: dict[PriceSide, np.dtype[np.void]] = {side: _row_type(side) for side in get_args(PriceSide)}


# Kept, because NumPy takes longer over a header than over the rows of a chunk.
@lru_cache(maxsize=4 * CHUNK_PERIODS)
def _header(side: PriceSide, n_rows: int) -> bytes:
    buffer = BytesIO()
    row_type = np.lib.format.dtype_to_descr(_ROW_TYPES[side])
    described = {"descr": row_type, "fortran_order": False, "shape": (n_rows,)}
    np.lib.format.write_array_header_1_0(buffer, described)
    return buffer.getvalue()


# NumPy leaves room for the number of rows, so that all headers are of one length.
_HEADER_BYTES = len(_header("mid", 0))


def no_bars(side: PriceSide = "mid") -> Bars:
    """Bars of which there are none."""
    return _as_bars(np.empty(0, _ROW_TYPES[side]), side)


def resample(bars: Bars, calendar: str, timeframe: Timeframe, as_of: datetime | None = None) -> Bars:
    """Bars of a longer timeframe, of those periods that had ended by `as_of`; without it, of all.

    A bar opens and closes where its period nominally does (`markets/sessions.py`), so the result for
    an earlier `as_of` is the result for a later one, cut by close time. Volume is NaN where any part's
    is. The first period may lack bars that came before `bars`. Raises ToolInputError for bars out of
    order or longer than `timeframe`.
    """
    if not len(bars):
        return bars
    if (np.diff(bars.open_time) <= 0).any():
        raise ToolInputError("expected bars in time order to resample, found one at or before another")
    starts = period_starts(calendar, timeframe, bars.open_time)
    first = np.flatnonzero(np.diff(starts, prepend=starts[0] - 1))
    ends = period_ends(calendar, timeframe, starts[first])
    last = np.append(first[1:], len(bars)) - 1
    if (bars.close_time[last] > ends).any():
        raise ToolInputError(f"expected bars of {timeframe} or shorter to resample, found longer ones")
    periods = Bars(
        open_time=starts[first],
        close_time=ends,
        open=bars.open[first],
        high=np.maximum.reduceat(bars.high, first),
        low=np.minimum.reduceat(bars.low, first),
        close=bars.close[last],
        volume=np.add.reduceat(bars.volume, first),
        side=bars.side,
    )
    return periods if as_of is None else closed_by(periods, as_of)


def closed_by(bars: Bars, as_of: datetime) -> Bars:
    """Those bars that had closed at or before `as_of`."""
    return bars[: int(np.searchsorted(bars.close_time, to_ms(as_of), side="right"))]


def encode_bars(bars: Bars) -> bytes:
    """Bars as the bytes of a .npy file; NaN and times exactly as they are."""
    return _header(bars.side, len(bars)) + _as_rows(bars).tobytes()


def decode_bars(data: bytes) -> Bars:
    """The bars `encode_bars` wrote. Raises JournalCorrupt for any other bytes."""
    return _as_bars(*_decode(data))


class ChunkWriter:
    """Stores series; a chunk that has not changed costs a comparison, no hashing."""

    def __init__(self, blobs: BlobStore, max_known: int = 4096) -> None:
        self._blobs = blobs
        self._max_known = max_known
        self._known: OrderedDict[_Place, tuple[PriceSide, bytes, str]] = OrderedDict()

    def store(
        self, instrument_id: str, timeframe: Timeframe, bars: Bars, count: int | None = None
    ) -> BarSeries:
        """Store the newest `count` bars, or all, and return their manifest.

        Bars older than `count` only complete the oldest chunk: give `CHUNK_PERIODS` - 1 more than
        count and it is the chunk that earlier snapshots stored, whoever stored them.
        """
        first = 0 if count is None else max(0, len(bars) - count)
        rows = _as_rows(bars)
        edges = _chunk_edges(bars.open_time, timeframe)
        chunks = tuple(
            ChunkRef(
                blob=self._put((instrument_id, timeframe, int(bars.open_time[a])), bars.side, rows[a:b]),
                start=max(first - a, 0),
                stop=b - a,
            )
            for a, b in pairwise(edges)
            if b > first
        )
        counted = bars.close_time[first:]
        return BarSeries(
            instrument_id=instrument_id,
            timeframe=timeframe,
            chunks=chunks,
            n_bars=len(counted),
            first_close=from_ms(int(counted[0])) if len(counted) else None,
            last_close=from_ms(int(counted[-1])) if len(counted) else None,
        )

    def _put(self, place: _Place, side: PriceSide, rows: _Rows) -> str:
        content = rows.tobytes()
        known = self._known.get(place)
        if known is None or known[:2] != (side, content):
            known = self._known[place] = (side, content, self._blobs.put(_header(side, len(rows)) + content))
            if len(self._known) > self._max_known:
                self._known.popitem(last=False)
        self._known.move_to_end(place)
        return known[2]


class ChunkReader:
    """Loads series; keeps the chunks last used, decoded."""

    def __init__(self, blobs: BlobStore, max_chunks: int = 1024) -> None:
        self._blobs = blobs
        self._max_chunks = max_chunks
        self._decoded: OrderedDict[str, tuple[_Rows, PriceSide]] = OrderedDict()

    def load(self, series: BarSeries) -> Bars:
        """The bars a manifest names, in arrays of their own.

        Raises what the store raises, and JournalCorrupt where the chunks are not what it says.
        """
        chunks = [(*self._chunk(ref.blob), ref) for ref in series.chunks]
        sides = {side for _, side, _ in chunks} or {"mid"}
        if len(sides) > 1:
            raise JournalCorrupt(f"expected chunks of one side, found {sorted(sides)}")
        bars = _joined([rows[ref.start : ref.stop] for rows, _, ref in chunks], sides.pop())
        if len(bars) != series.n_bars or (len(bars) and bars.last_close_time != series.last_close):
            found = f"{len(bars)} until {bars.last_close_time}" if len(bars) else "none"
            raise JournalCorrupt(
                f"expected {series.n_bars} {series.timeframe} bars of {series.instrument_id} "
                f"until {series.last_close}, found {found}"
            )
        return bars

    def bars_of(self, snapshot: MarketSnapshot) -> dict[Timeframe, Bars]:
        """The bars of a snapshot's own instrument, by timeframe."""
        own = snapshot.instrument.instrument_id
        return {s.timeframe: self.load(s) for s in snapshot.series if s.instrument_id == own}

    def others_of(self, snapshot: MarketSnapshot) -> tuple[Bars, ...]:
        """The bars of the other instruments of a snapshot, on its decision timeframe."""
        own = snapshot.instrument.instrument_id
        return tuple(
            self.load(s)
            for s in snapshot.series
            if s.instrument_id != own and s.timeframe == snapshot.timeframe
        )

    def held_of(self, snapshot: MarketSnapshot) -> dict[str, Bars]:
        """The bars of other instruments that the account held, by instrument."""
        return {series.instrument_id: self.load(series) for series in snapshot.held}

    def _chunk(self, blob: str) -> tuple[_Rows, PriceSide]:
        chunk = self._decoded.get(blob)
        if chunk is None:
            chunk = self._decoded[blob] = _decode(self._blobs.get(blob))
            if len(self._decoded) > self._max_chunks:
                self._decoded.popitem(last=False)
        else:
            self._decoded.move_to_end(blob)
        return chunk


def _decode(data: bytes) -> tuple[_Rows, PriceSide]:
    n_rows, n_over = divmod(len(data) - _HEADER_BYTES, _ROW_TYPES["mid"].itemsize)
    if n_rows >= 0 and n_over == 0:
        for side, row_type in _ROW_TYPES.items():
            if data.startswith(_header(side, n_rows)):
                return np.frombuffer(data, row_type, offset=_HEADER_BYTES), side
    raise JournalCorrupt(f"expected a chunk of bars, found {len(data)} other bytes beginning {data[:16]!r}")


def _as_rows(bars: Bars) -> _Rows:
    rows = np.empty(len(bars), _ROW_TYPES[bars.side])
    rows["open_time"], rows["close_time"], rows["volume"] = bars.open_time, bars.close_time, bars.volume
    for price in _PRICES:
        rows[f"{bars.side}_{price}"] = getattr(bars, price)
    return rows


def _as_bars(rows: _Rows, side: PriceSide) -> Bars:
    # Copies, because a column of a row array is a strided view and kernels want contiguous ones.
    open_price, high, low, close = (rows[f"{side}_{price}"].copy() for price in _PRICES)
    open_time, close_time, volume = (rows[name].copy() for name in ("open_time", "close_time", "volume"))
    return Bars(open_time, close_time, open_price, high, low, close, volume, side)


def _chunk_edges(open_time: Int1D, timeframe: Timeframe) -> list[int]:
    bucket = open_time // (timeframe.seconds * 1000 * CHUNK_PERIODS)
    return [0, *(np.flatnonzero(np.diff(bucket)) + 1).tolist(), len(open_time)]


def _joined(parts: Sequence[_Rows], side: PriceSide) -> Bars:
    # As bytes, because np.concatenate takes many times longer over rows with names.
    return _as_bars(np.frombuffer(b"".join(part.data for part in parts), _ROW_TYPES[side]), side)
