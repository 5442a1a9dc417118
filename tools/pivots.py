"""Swing highs and lows on five levels, after Larry Williams: known once confirmed, and then for good.

    level 1   a bar whose high is over the highs of the bars beside it
    level 2   a high of level 1 over the highs of level 1 beside it
    level k   a high of level k - 1 over the highs of level k - 1 beside it; lows are the mirror image

A pivot is confirmed by the lower one to its right, on that one's own confirmation, so it comes late: by one
bar on level 1, by many on the others. More bars never move, add or take away one that was confirmed.

Of equal highs in a row the first stands for all: a flat top is a top. Williams passes over a bar inside the
one before it, and one outside it is a high or a low to him by the way it went. Here they count as any other
bar: highs and lows are found apart, and one bar may be both.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import numpy as np

from contracts.market import Bars, Float1D, Int1D
from tools.parameters import Bounds
from tools.registry import tool
from tools.shared_bars import shared
from tools.talib_guard import until_gap

Kind: TypeAlias = Literal["high", "low"]
Level: TypeAlias = Annotated[int, Bounds(1, 5)]
_NOT_YET = "no pivot of this level is confirmed on these bars"


@dataclass(frozen=True, slots=True)
class Pivot:
    """A swing high or low: where it is, and the bar at whose close it became known."""

    index: int
    price: float
    kind: Kind
    level: int
    confirmed_at: int


@dataclass(frozen=True, slots=True)
class _Swings:
    index: Int1D
    price: Float1D
    known_at: Int1D


def find_pivots(bars: Bars, kind: Kind, level: int) -> tuple[Pivot, ...]:
    """Every confirmed pivot of one kind and level, oldest first.

    Use it where the points themselves are wanted, for a chart or a pattern; the tools tell of the newest one.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; highs or lows are read.
    kind : Kind
        high or low.
    level : int
        1 (short-term) to 5; 2 is Williams' intermediate-term and 3 his long-term one.

    Returns
    -------
    tuple of Pivot
        Bars are counted from 0; prices are the bars' own.

    Notes
    -----
    NaN policy: nothing is known from the first missing price on. Smallest sample: 2^(level + 1) - 1 bars.
    Look-ahead: none for who reads a pivot at `confirmed_at` or later; at `index` it was not known yet.
    Cost: n steps a level.

    References
    ----------
    Williams, L. R. (1999). Long-Term Secrets to Short-Term Trading, chapter 1: short-term, intermediate-term
    and long-term highs and lows.
    """
    found = _confirmed(bars, kind, level)
    rows = zip(found.index.tolist(), found.price.tolist(), found.known_at.tolist(), strict=True)
    return tuple(Pivot(index, price, kind, level, known_at) for index, price, known_at in rows)


def _fewest_bars(*, level: int) -> int:
    return int(2 ** (level + 1)) - 1


@tool(
    group="swings",
    unit="price",
    reads=("high",),
    min_bars=_fewest_bars,
    settled_bars=_fewest_bars,
    undefined=_NOT_YET,
)
def pivot_high(bars: Bars, *, level: Level = 2) -> Float1D:
    """Newest confirmed swing high: the price where the last rise of its size ended.

    Use it as resistance, or for a stop over a short position. A close over it breaks the swing. Ask
    `bars_since_pivot_high` how old it is.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; highs are read.
    level : int
        1 (short-term, every small swing) to 5; each level keeps roughly one in four of the one below.

    Returns
    -------
    array of shape (n,)
        In price units of the instrument.

    Notes
    -----
    The price of the last pivot of `find_pivots` that was confirmed by then.

    NaN policy: unknown until a pivot is confirmed and from the first missing high onward. Smallest sample:
    2^(level + 1) - 1 bars, mostly many more. Look-ahead: none. Where the bars begin decides from when on it
    is known, not what it is. Cost: n steps a level.

    References
    ----------
    Williams, L. R. (1999). Long-Term Secrets to Short-Term Trading, chapter 1.
    """
    return _newest(bars, "high", level, "price")


@tool(
    group="swings",
    unit="price",
    reads=("low",),
    min_bars=_fewest_bars,
    settled_bars=_fewest_bars,
    undefined=_NOT_YET,
)
def pivot_low(bars: Bars, *, level: Level = 2) -> Float1D:
    """Newest confirmed swing low: the price where the last fall of its size ended.

    Use it as support, or for a stop under a long position. A close under it breaks the swing. Ask
    `bars_since_pivot_low` how old it is.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; lows are read.
    level : int
        1 (short-term, every small swing) to 5; each level keeps roughly one in four of the one below.

    Returns
    -------
    array of shape (n,)
        In price units of the instrument.

    Notes
    -----
    The price of the last pivot of `find_pivots` that was confirmed by then.

    NaN policy: unknown until a pivot is confirmed and from the first missing low onward. Smallest sample:
    2^(level + 1) - 1 bars, mostly many more. Look-ahead: none. Where the bars begin decides from when on it
    is known, not what it is. Cost: n steps a level.

    References
    ----------
    Williams, L. R. (1999). Long-Term Secrets to Short-Term Trading, chapter 1.
    """
    return _newest(bars, "low", level, "price")


@tool(
    group="swings",
    unit="bars",
    reads=("high",),
    min_bars=_fewest_bars,
    settled_bars=_fewest_bars,
    undefined=_NOT_YET,
)
def bars_since_pivot_high(bars: Bars, *, level: Level = 2) -> Float1D:
    """Bars since the newest confirmed swing high was made.

    Use it beside `pivot_high`, to see whether that price is fresh, or against `bars_since_pivot_low`: the
    smaller one says which swing came last.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; highs are read.
    level : int
        1 (short-term, every small swing) to 5; each level keeps roughly one in four of the one below.

    Returns
    -------
    array of shape (n,)
        A whole number, 1 or more: a high is never known on its own bar.

    Notes
    -----
    i - index of the last pivot of `find_pivots` that was confirmed by bar i.

    NaN policy: unknown until a pivot is confirmed and from the first missing high onward. Smallest sample:
    2^(level + 1) - 1 bars, mostly many more. Look-ahead: none. Cost: n steps a level.

    References
    ----------
    Williams, L. R. (1999). Long-Term Secrets to Short-Term Trading, chapter 1.
    """
    return np.arange(len(bars)) - _newest(bars, "high", level, "index")


@tool(
    group="swings",
    unit="bars",
    reads=("low",),
    min_bars=_fewest_bars,
    settled_bars=_fewest_bars,
    undefined=_NOT_YET,
)
def bars_since_pivot_low(bars: Bars, *, level: Level = 2) -> Float1D:
    """Bars since the newest confirmed swing low was made.

    Use it beside `pivot_low`, to see whether that price is fresh, or against `bars_since_pivot_high`: the
    smaller one says which swing came last.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; lows are read.
    level : int
        1 (short-term, every small swing) to 5; each level keeps roughly one in four of the one below.

    Returns
    -------
    array of shape (n,)
        A whole number, 1 or more: a low is never known on its own bar.

    Notes
    -----
    i - index of the last pivot of `find_pivots` that was confirmed by bar i.

    NaN policy: unknown until a pivot is confirmed and from the first missing low onward. Smallest sample:
    2^(level + 1) - 1 bars, mostly many more. Look-ahead: none. Cost: n steps a level.

    References
    ----------
    Williams, L. R. (1999). Long-Term Secrets to Short-Term Trading, chapter 1.
    """
    return np.arange(len(bars)) - _newest(bars, "low", level, "index")


@tool(
    group="swings",
    unit="bars",
    reads=("high",),
    min_bars=_fewest_bars,
    settled_bars=_fewest_bars,
    undefined=_NOT_YET,
)
def bars_since_pivot_high_confirmed(bars: Bars, *, level: Level = 2) -> Float1D:
    """Bars since the newest confirmed swing high became known.

    Use it for an entry on the turn itself: 0 says that this bar confirmed the high.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; highs are read.
    level : int
        1 (short-term, every small swing) to 5; each level keeps roughly one in four of the one below.

    Returns
    -------
    array of shape (n,)
        A whole number, 0 or more.

    Notes
    -----
    i - `confirmed_at` of the last pivot of `find_pivots` that was confirmed by bar i.

    NaN policy: unknown until a pivot is confirmed and from the first missing high onward. Smallest sample:
    2^(level + 1) - 1 bars, mostly many more. Look-ahead: none. Cost: n steps a level.

    References
    ----------
    Williams, L. R. (1999). Long-Term Secrets to Short-Term Trading, chapter 1.
    """
    return np.arange(len(bars)) - _newest(bars, "high", level, "known_at")


@tool(
    group="swings",
    unit="bars",
    reads=("low",),
    min_bars=_fewest_bars,
    settled_bars=_fewest_bars,
    undefined=_NOT_YET,
)
def bars_since_pivot_low_confirmed(bars: Bars, *, level: Level = 2) -> Float1D:
    """Bars since the newest confirmed swing low became known.

    Use it for an entry on the turn itself: 0 says that this bar confirmed the low.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; lows are read.
    level : int
        1 (short-term, every small swing) to 5; each level keeps roughly one in four of the one below.

    Returns
    -------
    array of shape (n,)
        A whole number, 0 or more.

    Notes
    -----
    i - `confirmed_at` of the last pivot of `find_pivots` that was confirmed by bar i.

    NaN policy: unknown until a pivot is confirmed and from the first missing low onward. Smallest sample:
    2^(level + 1) - 1 bars, mostly many more. Look-ahead: none. Cost: n steps a level.

    References
    ----------
    Williams, L. R. (1999). Long-Term Secrets to Short-Term Trading, chapter 1.
    """
    return np.arange(len(bars)) - _newest(bars, "low", level, "known_at")


def _confirmed(bars: Bars, kind: Kind, level: int) -> _Swings:
    swings = shared(_peaks, bars, kind, level)
    return swings if kind == "high" else _Swings(swings.index, -swings.price, swings.known_at)


def _peaks(bars: Bars, kind: Kind, level: int) -> _Swings:
    """The confirmed swings of a level; lows stand on their heads. Each level is made of the one below."""
    if level:
        return _higher(shared(_peaks, bars, kind, level - 1))
    price = _whole(bars, kind)
    bar = np.arange(len(price), dtype=np.int64)
    return _Swings(bar, price if kind == "high" else -price, bar)


def _whole(bars: Bars, column: Kind) -> Float1D:
    price: Float1D = getattr(bars, column)
    known = np.isfinite(price)
    return price if known.all() else price[: int(np.argmin(known))]


def _higher(swings: _Swings) -> _Swings:
    """Those of the swings that are over both neighbours; of equal ones in a row the first stands for all."""
    is_new = np.ones(len(swings.price), dtype=np.bool_)
    is_new[1:] = swings.price[1:] != swings.price[:-1]
    price, known_at = swings.price[is_new], swings.known_at[is_new]
    is_peak = (price[1:-1] > price[:-2]) & (price[1:-1] > price[2:])
    return _Swings(swings.index[is_new][1:-1][is_peak], price[1:-1][is_peak], known_at[2:][is_peak])


def _newest(bars: Bars, kind: Kind, level: int, what: Literal["index", "price", "known_at"]) -> Float1D:
    """Of the newest swing known at each bar; NaN before the first."""
    swings = _confirmed(bars, kind, level)
    place = np.searchsorted(swings.known_at, np.arange(len(bars)), side="right")
    return until_gap(np.concatenate(([np.nan], getattr(swings, what)))[place], bars, kind)
