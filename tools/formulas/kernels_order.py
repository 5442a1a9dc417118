"""Kernels that compare the bars of a window: extremes, where they are, ranks, quantiles.

The doors, and what every argument means, are in `kernels_window.py`. Except for the rank, they go from row to
row and keep what the next window shares with this one. That is no history: the largest of a window and its
sorted values are the same whichever way they were found.
"""

import numpy as np

from contracts.market import Float1D, Int1D
from tools.formulas.compiled import compiled
from tools.formulas.kernels_lanes import (
    LANES,
    Lanes,
    Mask,
    finished,
    known,
    load,
    one_if,
    part,
    select,
    spread,
    store,
    unknown,
)


@compiled
def window_rank(
    x: Float1D,
    spans: Int1D,
    n: int,
    d: int,
    ties: int,
    shift: float,
    scaled: bool,
    least: int | None,
    out: Float1D,
) -> None:
    """Rank r of the newest; (r - shift) / (d - shift) where `scaled`.

    r is 1 + (how many are smaller) where `ties` is 1, (how many are not larger) where 2, their mean where 0.
    """
    for span in range(0, len(spans), 2):
        for cell in range(spans[span], spans[span + 1], LANES):
            at = min(cell, spans[span + 1] - LANES)
            newest = load(x, at + (d - 1) * n)
            smaller, not_larger, count = spread(0.0), spread(0.0), spread(0.0)
            is_whole = known(newest)
            for k in range(d):
                value = load(x, at + k * n)
                smaller += one_if(value < newest)
                not_larger += one_if(value <= newest)
                if least is None:
                    is_whole = is_whole & known(value)
                else:
                    count += one_if(known(value))
            if least is None:
                count += d
            rank = (smaller + not_larger + 1.0) * 0.5
            if ties == 1:
                rank = smaller + 1.0
            elif ties == 2:
                rank = not_larger
            if scaled:
                rank = (rank - shift) / (count - shift)
            store(out, at, finished(select(is_whole, rank, spread(np.nan))))


# Largest of the last d, after van Herk (1992) and Gil and Werman (1993): d output rows at a time, each the
# larger of a tail of one block of d rows and a head of the next. Three comparisons a cell whatever d is. A
# `span` is a range of columns, narrow enough for the tails to stay in the cache; `slot` is its place there.


@part
def _signed(x: Float1D, at: int, sign: float, least: int | None) -> Lanes:
    value = load(x, at) * sign
    if least is None:
        return value
    return select(known(value), value, spread(-np.inf))


@part
def _later_wins(later: Lanes, earlier: Lanes, newest_of_ties: bool) -> Mask:
    """Whether the later is larger, or missing; one that is missing is never replaced by one that is known."""
    if newest_of_ties:
        return (later >= earlier) | unknown(later)
    return (later > earlier) | unknown(later)


@part
def _larger(later: Lanes, earlier: Lanes) -> Lanes:
    return select(_later_wins(later, earlier, False), later, earlier)


@compiled
def window_extreme(
    x: Float1D, spans: Int1D, n: int, d: int, sign: float, least: int | None, out: Float1D
) -> None:
    """Largest of the window, or smallest where `sign` is -1."""
    width = spans[1] - spans[0] + LANES
    tails, heads = np.empty(d * width), np.empty(width)
    for span in range(0, len(spans), 2):
        first, stop = spans[span], spans[span + 1]
        for top in range(0, len(out), d * n):
            for k in range(d - 1, -1, -1):
                for slot in range(0, stop - first, LANES):
                    at = min(first + slot, stop - LANES)
                    value = _signed(x, top + k * n + at, sign, least)
                    if k < d - 1:
                        value = _larger(load(tails, (k + 1) * width + slot), value)
                    store(tails, k * width + slot, value)
            for k in range(min(d, (len(out) - top) // n)):
                for slot in range(0, stop - first, LANES):
                    at = min(first + slot, stop - LANES)
                    value = load(tails, k * width + slot)
                    if k > 0:
                        later = _signed(x, top + (d - 1 + k) * n + at, sign, least)
                        if k > 1:
                            later = _larger(later, load(heads, slot))
                        store(heads, slot, later)
                        value = _larger(later, value)
                    store(out, top + k * n + at, finished(value * sign + 0.0))


@compiled
def window_arg_extreme(
    x: Float1D,
    spans: Int1D,
    n: int,
    d: int,
    sign: float,
    newest_of_ties: bool,
    counts_ago: bool,
    least: int | None,
    out: Float1D,
) -> None:
    """Where the largest is, or the smallest: bars before the newest, or place from 1 to d."""
    width = spans[1] - spans[0] + LANES
    tails, tail_rows = np.empty(d * width), np.empty(d * width)
    heads, head_rows = np.empty(width), np.empty(width)
    for span in range(0, len(spans), 2):
        first, stop = spans[span], spans[span + 1]
        for top in range(0, len(out), d * n):
            for k in range(d - 1, -1, -1):
                for slot in range(0, stop - first, LANES):
                    at = min(first + slot, stop - LANES)
                    value, row = _signed(x, top + k * n + at, sign, least), spread(float(k))
                    if k < d - 1:
                        later = load(tails, (k + 1) * width + slot)
                        wins = _later_wins(later, value, newest_of_ties)
                        value = select(wins, later, value)
                        row = select(wins, load(tail_rows, (k + 1) * width + slot), row)
                    store(tails, k * width + slot, value)
                    store(tail_rows, k * width + slot, row)
            for k in range(min(d, (len(out) - top) // n)):
                for slot in range(0, stop - first, LANES):
                    at = min(first + slot, stop - LANES)
                    value, row = load(tails, k * width + slot), load(tail_rows, k * width + slot)
                    if k > 0:
                        later, later_row = (
                            _signed(x, top + (d - 1 + k) * n + at, sign, least),
                            spread(d - 1.0 + k),
                        )
                        if k > 1:
                            wins = _later_wins(later, load(heads, slot), newest_of_ties)
                            later = select(wins, later, load(heads, slot))
                            later_row = select(wins, later_row, load(head_rows, slot))
                        store(heads, slot, later)
                        store(head_rows, slot, later_row)
                        wins = _later_wins(later, value, newest_of_ties)
                        value, row = select(wins, later, value), select(wins, later_row, row)
                    place = row - k + 1.0
                    if counts_ago:
                        place = spread(d - 1.0 + k) - row
                    is_one = known(value) & (value > -np.inf)
                    store(out, top + k * n + at, select(is_one, place, spread(np.nan)))


@compiled
def window_quantile(
    x: Float1D, spans: Int1D, n: int, d: int, q: float, least: int | None, out: Float1D
) -> None:
    """Place 1 + q (d - 1) of the sorted window, interpolated between its neighbours.

    The window is kept sorted, a missing bar as infinity: each row takes one value out and puts one in.
    """
    width = spans[1] - spans[0] + LANES
    ordered = np.empty((d + 1) * width)
    for span in range(0, len(spans), 2):
        first, stop = spans[span], spans[span + 1]
        ordered[:] = np.inf
        for row in range(0, len(x), n):
            for slot in range(0, stop - first, LANES):
                at = row + min(first + slot, stop - LANES)
                leaves = spread(np.inf)
                if row >= d * n:
                    leaves = _or_infinite(load(x, at - d * n))
                _replace(ordered, slot, width, d, leaves, _or_infinite(load(x, at)))
                if row >= (d - 1) * n:
                    value = _interpolated(ordered, slot, width, d, q, least)
                    store(out, at - (d - 1) * n, finished(value))


@part
def _or_infinite(value: Lanes) -> Lanes:
    # Adding 0 makes -0 the 0 that it equals.
    return select(known(value), value + 0.0, spread(np.inf))


@part
def _replace(ordered: Float1D, slot: int, width: int, d: int, leaves: Lanes, comes: Lanes) -> None:
    before, here = spread(-np.inf), load(ordered, slot)
    for k in range(d):
        after = load(ordered, (k + 1) * width + slot)
        stays = select(here < leaves, here, after)
        smaller = select(stays < comes, stays, comes)
        store(ordered, k * width + slot, select(smaller > before, smaller, before))
        before, here = stays, after


@part
def _interpolated(ordered: Float1D, slot: int, width: int, d: int, q: float, least: int | None) -> Lanes:
    if least is None:
        place = int((d - 1) * q)
        beyond = (d - 1) * q - place
        value = load(ordered, place * width + slot)
        if beyond > 0.0:
            value += (load(ordered, (place + 1) * width + slot) - value) * beyond
        is_whole = load(ordered, (d - 1) * width + slot) < np.inf
        return select(is_whole, value, spread(np.nan))
    count = spread(0.0)
    for k in range(d):
        count += one_if(load(ordered, k * width + slot) < np.inf)
    value = spread(np.nan)
    for k in range(d):
        here = load(ordered, k * width + slot)
        beyond_here = (count - 1.0) * q - k
        between = here + (load(ordered, (k + 1) * width + slot) - here) * beyond_here
        between = select(beyond_here > 0.0, between, here)
        value = select((beyond_here >= 0.0) & (beyond_here < 1.0), between, value)
    return select(count >= least, value, spread(np.nan))
