"""What the newest frames of a book say: imbalance, depth, slope, resilience, spread, microprice.

All but the microprice are over the newest seconds, by the rules of `frame_windows.py`. How old the newest
frame is, its own time tells; these tools know no clock.
"""

import math
from typing import Annotated, TypeAlias

import numpy as np

from contracts.market import Float1D, Float2D
from contracts.ticks import FRAME_MS, BookFrames
from tools.frame_windows import (
    FRAMES_A_SECOND,
    averaged,
    finite,
    nearest,
    newest_frames,
    some_missing,
    too_few,
)
from tools.parameters import Bounds
from tools.registry import ToolValue, estimate

Seconds: TypeAlias = Annotated[int, Bounds(1, 60)]
LongSeconds: TypeAlias = Annotated[int, Bounds(20, 60)]
Buckets: TypeAlias = Annotated[int, Bounds(1, 20)]
SlopeBuckets: TypeAlias = Annotated[int, Bounds(2, 20)]
Bps: TypeAlias = Annotated[float, Bounds(0.1, 1000)]
SideSign: TypeAlias = Annotated[int, Bounds(-1, 1)]

_BPS = 10_000


def imbalance_by_frame(book: BookFrames, buckets: int) -> Float1D:
    """Share of resting volume on the bid side less that on the ask side, in each frame.

    Use it for a feature over time; `book_imbalance` is the average that a report shows.

    Parameters
    ----------
    book : BookFrames
        Frames of a book, oldest first; bucket volumes are read.
    buckets : int
        Buckets a side, nearest first, 1 to those that a frame has.

    Returns
    -------
    array of shape (n,)
        -1 (all on the ask side) to 1 (all on the bid side).

    Notes
    -----
    (B - A) / (B + A). NaN where a bucket is not known or both sides are empty. Look-ahead: none. Cost: n.

    References
    ----------
    Gould, M. D., Bonart, J. (2016). Queue imbalance as a one-tick-ahead price predictor in a limit order
    book. Market Microstructure and Liquidity 2(2): there for the best queues.
    """
    bid, ask = nearest(book.bid_volume, buckets).sum(axis=1), nearest(book.ask_volume, buckets).sum(axis=1)
    total = bid + ask
    share: Float1D = (bid - ask) / np.where(total > 0, total, np.nan)
    return share


def _frames_in(*, seconds: int, **_: float) -> int:
    return seconds * FRAMES_A_SECOND


def _one_frame() -> int:
    return 1


@estimate(group="order book", unit="share, -1 to 1", min_bars=_frames_in)
def book_imbalance(book: BookFrames, *, seconds: Seconds = 5, buckets: Buckets = 5) -> ToolValue:
    """Imbalance of the book near the mid: over 0 more rests on the bid side, under 0 on the ask side.

    Use it as a hint on the next seconds and no further; compare 1, 5, 15 and 60 seconds. What rests can be
    withdrawn: a wall that comes and goes shows in 1 second and not in 60.

    Parameters
    ----------
    book : BookFrames
        Frames of a book, oldest first; bucket volumes are read.
    seconds : int
        Length of the window, 1 to 60.
    buckets : int
        Buckets a side, nearest the mid first, 1 to 20.

    Returns
    -------
    float
        Mean over the frames: 1 all on the bid side, -1 all on the ask side, 0 even.

    Notes
    -----
    The mean of (B - A) / (B + A), B and A the quantities in the buckets. NaN policy: a frame with an unknown
    bucket, or with none of either side, is not counted. Smallest sample: `seconds` x 10 frames, half of them
    known. Look-ahead: none. Cost: some 50 us.

    References
    ----------
    Gould, M. D., Bonart, J. (2016). Queue imbalance as a one-tick-ahead price predictor in a limit order
    book. Market Microstructure and Liquidity 2(2).
    """
    newest = newest_frames(book, seconds)
    return averaged(imbalance_by_frame(newest, buckets), seconds)


@estimate(group="order book", unit="bps", min_bars=_frames_in)
def book_spread(book: BookFrames, *, seconds: Seconds = 1) -> ToolValue:
    """Quoted spread: what a round trip of a small order costs, before fees.

    Use it to weigh a short move against the cost of taking it.

    Parameters
    ----------
    book : BookFrames
        Frames of a book, oldest first; best bid and ask are read.
    seconds : int
        Length of the window, 1 to 60.

    Returns
    -------
    float
        Mean of ask less bid, in basis points of the mid.

    Notes
    -----
    10,000 (ask - bid) / ((ask + bid) / 2). NaN policy: a frame without bid or ask is not counted. Smallest
    sample: `seconds` x 10 frames, half of them known. Look-ahead: none. Cost: some 20 us.

    References
    ----------
    Hasbrouck, J. (2007). Empirical Market Microstructure, Oxford University Press, chapter 2.
    """
    newest = newest_frames(book, seconds)
    return averaged(_BPS * (finite(newest.ask) - finite(newest.bid)) / _mid(newest), seconds)


@estimate(group="order book", unit="price", min_bars=_one_frame)
def book_microprice(book: BookFrames) -> ToolValue:
    """Microprice: the mid, drawn towards the side where less rests at the best price.

    Use it in place of the mid where the next tick matters; it says little beyond that.

    Parameters
    ----------
    book : BookFrames
        Frames of a book, oldest first; the newest best bid, ask and their sizes are read.

    Returns
    -------
    float
        A price between bid and ask.

    Notes
    -----
    (ask x bid size + bid x ask size) / (bid size + ask size), of the newest frame. NaN policy: none where one
    of the four is missing. Smallest sample: 1 frame. Look-ahead: none. Cost: some 5 us.

    References
    ----------
    Stoikov, S. (2018). The micro-price: a high-frequency estimator of future prices. Quantitative Finance
    18(12), 1959-1966: there the weighted mid price, which his own estimator corrects.
    """
    columns = (book.bid, book.ask, book.bid_size, book.ask_size)
    bid, ask, bid_size, ask_size = (float(column[-1]) for column in columns)
    if not (math.isfinite(bid + ask + bid_size + ask_size) and bid_size + ask_size > 0):
        return ToolValue(None, 1, "needs bid, ask and a size of both, missing in the newest frame")
    # Not one fraction: it could leave the spread by a last digit.
    return ToolValue(bid + (ask - bid) * (bid_size / (bid_size + ask_size)), 1)


@estimate(group="order book", unit="quote currency", min_bars=_frames_in)
def book_depth(book: BookFrames, *, bps: Bps = 10.0, side: SideSign = 0, seconds: Seconds = 1) -> ToolValue:
    """Depth: how much money rests within so many basis points of the mid.

    Use it to see whether an order is small beside what waits for it.

    Parameters
    ----------
    book : BookFrames
        Frames of a book, oldest first; bucket volumes and prices, bid and ask are read.
    bps : float
        Distance from the mid in basis points, 0.1 to 1000; rounded down to whole buckets, and no further than
        a frame reaches.
    side : int
        1 the bids, which a seller meets; -1 the asks, which a buyer meets; 0 both.
    seconds : int
        Length of the window, 1 to 60.

    Returns
    -------
    float
        Mean over the frames of quantity x price, in the quote currency.

    Notes
    -----
    The number of buckets is that of the newest frame, floor(bps / 10,000 x mid / bucket width). No value
    where that is none, or more than a frame has. NaN policy: a frame with an unknown bucket is not counted.
    Smallest sample: `seconds` x 10 frames, half of them known. Look-ahead: none. Cost: some 60 us.

    References
    ----------
    Kyle, A. S. (1985). Continuous auctions and insider trading. Econometrica 53(6), 1315-1335: depth as the
    order flow that moves a price by so much. Counting what rests within a distance is usual practice.
    """
    newest = newest_frames(book, seconds)
    one, has = float(_BPS * newest.bucket_size[-1] / _mid(newest)[-1]), newest.bid_volume.shape[1]
    if not one > 0:
        return ToolValue(
            None, 0, "needs bid and ask over zero and a bucket width, missing in the newest frame"
        )
    # A distance that is whole buckets but for its last digits is whole.
    buckets = math.floor(bps / one * (1 + 1e-12))
    if not 1 <= buckets <= has:
        return ToolValue(
            None, 0, f"needs bps from {one:.3g} to {has * one:.3g}, what its 1 to {has} buckets reach"
        )
    bid, ask = _money(newest, buckets)
    return averaged({1: bid, -1: ask, 0: bid + ask}[side][:, -1], seconds)


@estimate(group="order book", unit="quote currency per basis point", min_bars=_frames_in)
def book_slope(book: BookFrames, *, buckets: SlopeBuckets = 20, seconds: Seconds = 1) -> ToolValue:
    """Slope of the book: how much more money waits for each basis point that a price goes on.

    Use it to guess what a large order would cost: its money over twice the slope is about how many basis
    points it pays on average. A thin book has a low one.

    Parameters
    ----------
    book : BookFrames
        Frames of a book, oldest first; bucket volumes and prices, bid and ask are read.
    buckets : int
        Buckets a side, nearest the mid first, 2 to 20.
    seconds : int
        Length of the window, 1 to 60.

    Returns
    -------
    float
        Mean of both sides and over the frames: money a basis point.

    Notes
    -----
    Of each side the least squares line through the origin, sum(x C) / sum(x^2): x the far end of each bucket
    in basis points of the mid, C the money from the mid to there. NaN policy: a frame with an unknown bucket
    is not counted. Smallest sample: `seconds` x 10 frames, half of them known. Look-ahead: none. Cost: some
    80 us.

    References
    ----------
    After Naes, R., Skjeltorp, J. A. (2006). Order book characteristics and the volume-volatility relation:
    empirical evidence from a limit order market. Journal of Financial Markets 9(4), 408-432. They average
    elasticities of volume by level; a straight line of money needs no logarithm of an empty bucket.
    """
    newest = newest_frames(book, seconds)
    ends = np.arange(1, buckets + 1) * (_width(newest) / _mid(newest) * _BPS)[:, None]
    bid, ask = _money(newest, buckets)
    both = (bid + ask) / 2
    return averaged((ends * both).sum(axis=1) / np.square(ends).sum(axis=1), seconds)


@estimate(group="order book", unit="per second", min_bars=_frames_in)
def book_resilience(book: BookFrames, *, buckets: Buckets = 5, seconds: LongSeconds = 60) -> ToolValue:
    """Resilience: how fast the depth near the mid comes back to its mean after it fell.

    Use it before splitting an order: at a rate k, half of what was taken is there again after 0.69 / k
    seconds. A book that does not come back is a market that is leaving.

    Parameters
    ----------
    book : BookFrames
        Frames of a book, oldest first; bucket volumes are read.
    buckets : int
        Buckets a side, nearest the mid first, 1 to 20.
    seconds : int
        Length of the window, 20 to 60; it should hold many recoveries.

    Returns
    -------
    float
        Rate of the return to the mean: 1 means that after a second 37 % of a fall is left.

    Notes
    -----
    -ln(b) x 10, b the slope of the least squares line of the depth of each frame on that of the frame 100 ms
    before, depth the quantity of both sides. b comes out low by about (1 + 3 b) / n, which is put back.
    Depth that jitters from frame to frame looks quicker than it is. Falls and rises are taken alike.

    NaN policy: a frame with an unknown bucket, and a pair with a gap between, are not counted. No value where
    b is not between 0 and 1. Smallest sample: `seconds` x 10 frames, half of the pairs known. A warning where
    the half-life is over a quarter of the window. Look-ahead: none. Cost: some 60 us.

    References
    ----------
    Obizhaeva, A. A., Wang, J. (2013). Optimal trading strategy and supply/demand dynamics. Journal of
    Financial Markets 16(1), 1-32: recovery at an exponential rate. Kendall, M. G. (1954). Note on bias in the
    estimation of autocorrelation. Biometrika 41, 403-404.
    """
    newest = newest_frames(book, seconds)
    depth = (nearest(newest.bid_volume, buckets) + nearest(newest.ask_volume, buckets)).sum(axis=1)
    is_pair = np.isfinite(depth[1:] + depth[:-1]) & (np.diff(newest.time) == FRAME_MS)
    before, after = depth[:-1][is_pair], depth[1:][is_pair]
    n, wanted = len(before), seconds * FRAMES_A_SECOND - 1
    if 2 * n < wanted:
        return ToolValue(None, n, too_few(n, f"{wanted} pairs of frames"))
    spread = before - before.mean()
    variance = float(spread @ spread)
    if variance <= 1e-24 * float(before @ before):
        return ToolValue(None, n, "undefined: the depth did not change")
    memory = (n * float(spread @ after) / variance + 1) / (n - 3)
    if not 0 < memory < 1:
        what = (
            "does not return to its mean in this window"
            if memory >= 1
            else "keeps nothing from frame to frame"
        )
        return ToolValue(None, n, f"undefined: the depth {what}")
    rate = -float(np.log(memory)) * FRAMES_A_SECOND
    warnings = [] if n == wanted else [some_missing(n, f"{wanted} pairs of frames")]
    half_life = float(np.log(2)) / rate
    if 4 * half_life > seconds:
        warnings.append(f"the half-life of {half_life:.3g} s is over a quarter of the window of {seconds} s")
    return ToolValue(rate, n, None, tuple(warnings))


def _mid(book: BookFrames) -> Float1D:
    mid = (finite(book.bid) + finite(book.ask)) / 2
    return np.where(mid > 0, mid, np.nan)


def _width(book: BookFrames) -> Float1D:
    return np.where(book.bucket_size > 0, book.bucket_size, np.nan)


def _money(book: BookFrames, buckets: int) -> tuple[Float2D, Float2D]:
    """Quantity x price from the mid to the far end of each bucket, bids and asks."""
    volumes = nearest(book.bid_volume, buckets), nearest(book.ask_volume, buckets)
    vwaps = nearest(book.bid_vwap, buckets), nearest(book.ask_vwap, buckets)
    # An empty bucket has no price, and no money.
    bid, ask = (
        np.where(volume == 0, 0.0, volume * vwap) for volume, vwap in zip(volumes, vwaps, strict=True)
    )
    return bid.cumsum(axis=1), ask.cumsum(axis=1)
