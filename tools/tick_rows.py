"""Rows of trades and quotes: what they lack, which quote stood at a trade, which ones a window holds."""

import numpy as np

from contracts.market import Float1D, Int1D
from contracts.ticks import Quotes, Trades
from tools.tool_docs import too_few

NOT_POSITIVE = "undefined: a price at or under zero"
_SIZES = ("quantity", "bid_size", "ask_size")


def lacking(rows: Trades | Quotes, *columns: str) -> str | None:
    """The first column that is not whole, as a tool's reason; a size under zero is none."""
    noun = "trade" if isinstance(rows, Trades) else "quote"
    for column in columns:
        values: Float1D = getattr(rows, column)
        is_known = np.isfinite(values)
        if column in _SIZES:
            is_known &= values >= 0
        n_missing = len(values) - int(np.count_nonzero(is_known))
        if n_missing and n_missing == len(values):
            return f"needs {column}, which these {noun}s do not have"
        if n_missing:
            return f"needs {column} on every {noun}, missing on {n_missing} of {len(values)}"
    return None


def lacking_a_mid(quotes: Quotes) -> str | None:
    """Why some of the quotes have no mid, as a tool's reason: a side is missing, or they cross."""
    n_crossed = int(np.count_nonzero(quotes.ask < quotes.bid))
    if n_crossed:
        return f"needs quotes that do not cross, crossed on {n_crossed} of {len(quotes)}"
    return lacking(quotes, "bid", "ask")


def mid_of(quotes: Quotes) -> Float1D:
    """Half way between bid and ask; NaN where a side is not finite."""
    bid, ask = (np.where(np.isfinite(side), side, np.nan) for side in (quotes.bid, quotes.ask))
    mid: Float1D = (bid + ask) / 2
    return mid


def quote_before(time: Int1D, quotes: Quotes) -> Int1D:
    """Place of the newest quote of an earlier millisecond, -1 where there is none.

    One of the same millisecond may be what the trade left behind.
    """
    return np.searchsorted(quotes.time, time, side="left") - 1


def standing_at(time: Int1D, quotes: Quotes) -> Int1D:
    """Place of the newest quote at a moment, that moment included; -1 before the first."""
    return np.searchsorted(quotes.time, time, side="right") - 1


def newest_seconds(quotes: Quotes, seconds: float) -> Quotes | str:
    """The quote that stood `seconds` before the newest one and all since, or why there is none."""
    if not len(quotes):
        return too_few(1, "quotes", 0)
    first = int(standing_at(quotes.time[-1:] - round(seconds * 1000), quotes)[0])
    if first < 0:
        has = (int(quotes.time[-1]) - int(quotes.time[0])) / 1000
        return f"needs quotes over {seconds:g} s, has {has:g} s"
    return quotes[first:]
