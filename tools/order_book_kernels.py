"""Kernels of the order book, on one side's levels or on both.

A side is a row of `ticks` and of `quantities`, its first `counts[side]` places in use, ascending with the
best level last: bids (side 0) as they are, asks (side 1) with their ticks negated, so that one code serves
both. An emptied level keeps its place with a quantity of 0, since its price mostly comes back soon, but never
as the best. A new level moves those better than it up to the next empty place: few, and fewest near the best.
"""

import numpy as np

from contracts.market import Float1D, Float2D, Int1D, Int2D
from tools.formulas.compiled import compiled

BID, ASK = 0, 1
DONE, CROSSED, FULL, NO_LEVELS = 0, 1, 2, 3
"""What came of a change; under FULL and NO_LEVELS nothing was changed."""


@compiled
def find(ticks: Int1D, count: int, tick: int, near: int) -> int:
    """The first place whose tick is not under `tick`, looked for from `near` on in doubling steps."""
    step = 1
    if near < count and ticks[near] < tick:
        low = high = near + 1
        while high < count and ticks[high] < tick:
            low, high, step = high + 1, high + step, 2 * step
        high = min(high, count)
    else:
        low, high = near - 1, near
        while low >= 0 and ticks[low] >= tick:
            low, high, step = low - step, low, 2 * step
        low = max(low + 1, 0)
    while low < high:
        middle = (low + high) >> 1
        if ticks[middle] < tick:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def set_levels(
    ticks: Int1D, quantities: Float1D, count: int, sign: int, new_ticks: Int1D, new_quantities: Float1D
) -> int:
    """Set the new quantities of one side; how many places are in use after it."""
    at = count
    for i in range(len(new_ticks)):
        tick, quantity = sign * new_ticks[i], new_quantities[i]
        # A venue sends its levels in order, so that the next one is near the last.
        at = find(ticks, count, tick, min(at, count))
        if at < count and ticks[at] == tick:
            quantities[at] = quantity
        elif quantity > 0:
            free = at
            while free < count and quantities[free] > 0:
                free += 1
            count = max(count, free + 1)
            if free > at:
                ticks[at + 1 : free + 1] = ticks[at:free].copy()
                quantities[at + 1 : free + 1] = quantities[at:free].copy()
            ticks[at], quantities[at] = tick, quantity
        while count > 0 and quantities[count - 1] == 0:
            count -= 1
    return count


@compiled
def drop_empty(ticks: Int1D, quantities: Float1D, count: int) -> int:
    """Take out the levels with a quantity of 0; how many places are in use after it."""
    kept = 0
    for place in range(count):
        if quantities[place] > 0:
            ticks[kept], quantities[kept] = ticks[place], quantities[place]
            kept += 1
    return kept


@compiled
def are_levels(ticks: Int1D, quantities: Float1D) -> bool:
    """Whether each tick is over zero and each quantity finite and not under zero."""
    for i in range(len(ticks)):
        is_level = ticks[i] > 0 and 0 <= quantities[i] < np.inf
        if not is_level:
            return False
    return True


@compiled
def apply_levels(
    ticks: Int2D,
    quantities: Float2D,
    counts: Int1D,
    bid_ticks: Int1D,
    bid_quantity: Float1D,
    ask_ticks: Int1D,
    ask_quantity: Float1D,
) -> int:
    """Change both sides: DONE, or CROSSED, FULL where the arrays may not hold it, NO_LEVELS."""
    places = ticks.shape[1]
    for side, n_new in ((BID, len(bid_ticks)), (ASK, len(ask_ticks))):
        if counts[side] + n_new > places:
            counts[side] = drop_empty(ticks[side], quantities[side], counts[side])
        if counts[side] + n_new > places:
            return FULL
    n_bids, n_asks = counts[BID], counts[ASK]
    if not (are_levels(bid_ticks, bid_quantity) and are_levels(ask_ticks, ask_quantity)):
        return NO_LEVELS
    n_bids = set_levels(ticks[BID], quantities[BID], n_bids, 1, bid_ticks, bid_quantity)
    n_asks = set_levels(ticks[ASK], quantities[ASK], n_asks, -1, ask_ticks, ask_quantity)
    counts[BID], counts[ASK] = n_bids, n_asks
    if n_bids > 0 and n_asks > 0 and ticks[BID, n_bids - 1] >= -ticks[ASK, n_asks - 1]:
        return CROSSED
    return DONE


@compiled
def fill_side(
    ticks: Int1D, quantities: Float1D, mid: int, width: int, edge: int, volume: Float1D, offset: Float1D
) -> None:
    """Quantity, and its mean distance from the mid, in each bucket of one side.

    `mid` is that of the side's own (signed) ticks. Distances and `width` are in half ticks, so that all of
    them are whole. NaN where a bucket holds a tick beyond `edge`, the last one known.
    """
    n_buckets, at = len(volume), len(ticks) - 1
    known = mid - 2 * edge + 2
    for bucket in range(n_buckets):
        end = (bucket + 1) * width
        total, moment = 0.0, 0.0
        while at >= 0 and mid - 2 * ticks[at] < end:
            total += quantities[at]
            moment += quantities[at] * (mid - 2 * ticks[at])
            at -= 1
        volume[bucket] = total if end <= known else np.nan
        offset[bucket] = moment / total if end <= known and total > 0 else np.nan


@compiled
def fill_frame(
    ticks: Int2D,
    quantities: Float2D,
    counts: Int1D,
    edges: Int1D,
    half_tick: Float1D,
    width: int,
    volumes: tuple[Float1D, Float1D],
    vwaps: tuple[Float1D, Float1D],
) -> None:
    """Volume and VWAP of every bucket of both sides; `half_tick` is numerator and denominator of a price."""
    n_bids, n_asks = counts[BID], counts[ASK]
    mid = ticks[BID, n_bids - 1] - ticks[ASK, n_asks - 1]
    fill_side(ticks[BID, :n_bids], quantities[BID, :n_bids], mid, width, edges[BID], volumes[BID], vwaps[BID])
    fill_side(
        ticks[ASK, :n_asks], quantities[ASK, :n_asks], -mid, width, edges[ASK], volumes[ASK], vwaps[ASK]
    )
    for bucket in range(len(vwaps[BID])):
        vwaps[BID][bucket] = (mid - vwaps[BID][bucket]) * half_tick[0] / half_tick[1]
        vwaps[ASK][bucket] = (mid + vwaps[ASK][bucket]) * half_tick[0] / half_tick[1]
