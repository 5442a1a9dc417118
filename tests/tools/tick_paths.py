"""Trades and quotes made from a seed or from given columns, for the tests of what reads ticks."""

from dataclasses import replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from contracts.market import Bars, Int1D
from contracts.ticks import Quotes, Trades

Rows = TypeVar("Rows", Trades, Quotes)

BEGINS_MS = 1_700_000_000_000
TICK = 2.0**-7
"""A power of two, so that equal prices stay equal when all of them are shifted or scaled."""


def trades_from(
    price: npt.ArrayLike,
    quantity: npt.ArrayLike | None = None,
    aggressor: npt.ArrayLike = 0,
    seconds: npt.ArrayLike | None = None,
) -> Trades:
    """One trade a second of one unit without aggressor, unless said otherwise."""
    prices = np.array(price, dtype=np.float64)
    sizes = np.ones(len(prices)) if quantity is None else np.array(quantity, dtype=np.float64)
    sides = np.broadcast_to(aggressor, len(prices)).astype(np.int64)
    return Trades(_times(len(prices), seconds), prices, sizes, sides)


def quotes_from(
    bid: npt.ArrayLike,
    ask: npt.ArrayLike,
    bid_size: npt.ArrayLike = np.nan,
    ask_size: npt.ArrayLike = np.nan,
    *,
    seconds: npt.ArrayLike | None = None,
) -> Quotes:
    """One quote a second without sizes, unless said otherwise."""
    bids = np.array(bid, dtype=np.float64)
    columns = (np.broadcast_to(x, len(bids)).astype(np.float64) for x in (ask, bid_size, ask_size))
    asks, bid_sizes, ask_sizes = columns
    return Quotes(_times(len(bids), seconds), bids, asks, bid_sizes, ask_sizes)


def random_quotes(seed: int, n: int, level: float = 100.0, still: float = 0.3) -> Quotes:
    """A walk in ticks whose spread is 1 to 3 of them; some changes fall on the same millisecond."""
    rng = np.random.default_rng(seed)
    moves = rng.integers(-2, 3, n) * (rng.random(n) >= still)
    bid = level + TICK * np.cumsum(moves)
    ask = bid + TICK * rng.integers(1, 4, n)
    sizes = rng.integers(1, 500, (2, n))
    return quotes_from(bid, ask, sizes[0], sizes[1], seconds=np.cumsum(rng.integers(0, 2000, n)) / 1000)


def random_trades(seed: int, n: int, level: float = 100.0) -> Trades:
    """Trades at the quotes of `random_quotes` of the same seed, each some time after its quote."""
    rng = np.random.default_rng(seed + 1)
    quotes = random_quotes(seed, n, level)
    side = rng.choice([-1, 1], n)
    price = np.where(side > 0, quotes.ask, quotes.bid)
    time = np.maximum.accumulate(quotes.time + rng.integers(1, 900, n))
    return Trades(time, price, rng.integers(1, 100, n).astype(np.float64), side)


def bars_as_trades(bars: Bars) -> Trades:
    """Each bar as one trade at its close; without an aggressor."""
    return Trades(bars.open_time, bars.close, bars.volume, np.zeros(len(bars), dtype=np.int64))


def changed(rows: Rows, column: str, index: int | slice, value: float) -> Rows:
    """A copy with other values in one column."""
    values = getattr(rows, column).copy()
    values[index] = value
    return replace(rows, **{column: values})


def _times(n: int, seconds: npt.ArrayLike | None) -> Int1D:
    after = np.arange(n) if seconds is None else np.asarray(seconds, dtype=np.float64)
    return BEGINS_MS + np.round(after * 1000).astype(np.int64)
