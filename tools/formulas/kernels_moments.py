"""Kernels for variances, covariances and regressions.

All of them take offsets from the oldest bar of the window and go over them twice: equal values have a
variance of exactly 0, and on a high level nothing of a small move is lost. The doors, and what every
argument means, are in `kernels_window.py`.
"""

import numpy as np

from contracts.market import Float1D, Int1D
from tools.formulas.compiled import compiled
from tools.formulas.kernels_lanes import (
    LANES,
    Lanes,
    finished,
    known,
    load,
    one_if,
    or_zero,
    part,
    select,
    spread,
    sqrt,
    store,
)

ONE_IN_THE_13TH = 1e13

TO_WHOLE = 1.5 * 2.0**52
"""Added and taken away it leaves the nearest whole number, of numbers below 2^51."""


@part
def _centre(x: Float1D, at: int, n: int, d: int, least: int | None) -> tuple[Lanes, Lanes, Lanes]:
    """Oldest known bar, mean offset from it, number of bars."""
    oldest, total, count = load(x, at), spread(0.0), spread(0.0)
    if least is None:
        for k in range(1, d):
            total += load(x, at + k * n) - oldest
        return oldest, total / d, count + d
    for k in range(d):
        value = load(x, at + k * n)
        oldest = select(known(oldest), oldest, value)
        total += or_zero(value - oldest)
        count += one_if(known(value))
    return oldest, total / count, count


@compiled
def standard_deviation(
    x: Float1D, spans: Int1D, n: int, d: int, ddof: int, least: int | None, out: Float1D
) -> None:
    """sqrt(sum((x_k - mean)^2) / (d - ddof))."""
    for span in range(0, len(spans), 2):
        for cell in range(spans[span], spans[span + 1], LANES):
            at = min(cell, spans[span + 1] - LANES)
            oldest, mean, count = _centre(x, at, n, d, least)
            squares = spread(0.0)
            for k in range(d):
                offset = load(x, at + k * n) - oldest - mean
                if least is not None:
                    offset = or_zero(offset)
                squares += offset * offset
            deviation = sqrt(squares / (count - ddof))
            if least is not None:
                deviation = select(count >= least, deviation, spread(np.nan))
            store(out, at, finished(deviation))


# two series


@part
def _pair(x: Float1D, y: Float1D, c: Float1D | None, at: int, least: int | None) -> tuple[Lanes, Lanes]:
    """Both, or neither where one is missing or c does not hold."""
    left, right = load(x, at), load(y, at)
    if least is None:
        return left, right
    both = known(left) & known(right)
    if c is not None:
        both = both & (load(c, at) > 0.0)
    return select(both, left, spread(np.nan)), select(both, right, spread(np.nan))


@part
def _products(
    x: Float1D, y: Float1D, c: Float1D | None, at: int, n: int, d: int, least: int | None
) -> tuple[Lanes, Lanes, Lanes, Lanes]:
    """Sums over the window of squared x, x times y, squared y, all less their means, and how many bars."""
    oldest_x, oldest_y = _pair(x, y, c, at, least)
    total_x, total_y, count = spread(0.0), spread(0.0), spread(0.0)
    for k in range(d):
        left, right = _pair(x, y, c, at + k * n, least)
        if least is None:
            total_x += left - oldest_x
            total_y += right - oldest_y
            count += 1.0
        else:
            oldest_x = select(known(oldest_x), oldest_x, left)
            oldest_y = select(known(oldest_y), oldest_y, right)
            total_x += or_zero(left - oldest_x)
            total_y += or_zero(right - oldest_y)
            count += one_if(known(left))
    mean_x, mean_y = total_x / count, total_y / count
    xx, xy, yy = spread(0.0), spread(0.0), spread(0.0)
    for k in range(d):
        left, right = _pair(x, y, c, at + k * n, least)
        offset_x, offset_y = left - oldest_x - mean_x, right - oldest_y - mean_y
        if least is not None:
            offset_x, offset_y = or_zero(offset_x), or_zero(offset_y)
        xx += offset_x * offset_x
        xy += offset_x * offset_y
        yy += offset_y * offset_y
    if least is not None:
        xy = select(count >= least, xy, spread(np.nan))
    return xx, xy, yy, count


@compiled
def covariance(
    x: Float1D, y: Float1D, spans: Int1D, n: int, d: int, ddof: int, least: int | None, out: Float1D
) -> None:
    """sum((x_k - mean x) (y_k - mean y)) / (d - ddof)."""
    for span in range(0, len(spans), 2):
        for cell in range(spans[span], spans[span + 1], LANES):
            at = min(cell, spans[span + 1] - LANES)
            _, xy, _, count = _products(x, y, None, at, n, d, least)
            store(out, at, finished(xy / (count - ddof)))


@compiled
def correlation(
    x: Float1D, y: Float1D, spans: Int1D, n: int, d: int, flat: float, least: int | None, out: Float1D
) -> None:
    """Pearson: xy / sqrt(xx yy), from -1 to 1, to 13 decimals; `flat` where xx or yy is 0."""
    one = spread(1.0)
    for span in range(0, len(spans), 2):
        for cell in range(spans[span], spans[span + 1], LANES):
            at = min(cell, spans[span + 1] - LANES)
            xx, xy, yy, _ = _products(x, y, None, at, n, d, least)
            # Two roots: the product of two small variances may be too small for a number.
            value = xy / (sqrt(xx) * sqrt(yy))
            value = (value * ONE_IN_THE_13TH + TO_WHOLE - TO_WHOLE) / ONE_IN_THE_13TH
            value = select(value > 1.0, one, select(value < -1.0, one * -1.0, value))
            is_flat = known(xy) & ((xx <= 0.0) | (yy <= 0.0))
            store(out, at, finished(select(is_flat, spread(flat), value)))


@compiled
def regression_slope(
    x: Float1D,
    y: Float1D,
    c: Float1D | None,
    spans: Int1D,
    n: int,
    d: int,
    least: int | None,
    out: Float1D,
) -> None:
    """Slope of x on y: xy / yy, over those bars on which c holds where there is a c."""
    for span in range(0, len(spans), 2):
        for cell in range(spans[span], spans[span + 1], LANES):
            at = min(cell, spans[span + 1] - LANES)
            _, xy, yy, _ = _products(x, y, c, at, n, d, least)
            store(out, at, finished(xy / yy))


# one series on time


@part
def _line(
    x: Float1D, at: int, n: int, d: int, least: int | None
) -> tuple[Lanes, Lanes, Lanes, Lanes, Lanes, Lanes]:
    """Oldest known bar, mean offset, mean time, slope, sum of squared times less their mean, number of bars.

    Time counts from the middle of the window, so that its sums are exact.
    """
    middle = (d - 1) / 2.0
    oldest, total, count = load(x, at), spread(0.0), spread(0.0)
    time, time_squared, product = spread(0.0), spread(0.0), spread(0.0)
    if least is None:
        for k in range(1, d):
            offset = load(x, at + k * n) - oldest
            total += offset
            product += offset * (k - middle)
        time_squared += d * (d * d - 1.0) / 12.0
        return oldest, total / d, time, product / time_squared, time_squared, count + d
    for k in range(d):
        value = load(x, at + k * n)
        oldest = select(known(oldest), oldest, value)
        offset, here = or_zero(value - oldest), one_if(known(value))
        total += offset
        product += offset * (k - middle)
        time += here * (k - middle)
        time_squared += here * ((k - middle) * (k - middle))
        count += here
    spread_of_time = time_squared - time * time / count
    slope = (product - time * total / count) / spread_of_time
    return (
        oldest,
        total / count,
        time / count,
        select(count >= least, slope, spread(np.nan)),
        spread_of_time,
        count,
    )


@compiled
def time_slope(x: Float1D, spans: Int1D, n: int, d: int, least: int | None, out: Float1D) -> None:
    """sum((t - mean t) x_t) / sum((t - mean t)^2)."""
    for span in range(0, len(spans), 2):
        for cell in range(spans[span], spans[span + 1], LANES):
            at = min(cell, spans[span + 1] - LANES)
            _, _, _, slope, _, _ = _line(x, at, n, d, least)
            store(out, at, finished(slope))


@compiled
def time_residual(x: Float1D, spans: Int1D, n: int, d: int, least: int | None, out: Float1D) -> None:
    """x_d - mean x - slope (d - mean t)."""
    for span in range(0, len(spans), 2):
        for cell in range(spans[span], spans[span + 1], LANES):
            at = min(cell, spans[span + 1] - LANES)
            oldest, mean, mean_time, slope, _, _ = _line(x, at, n, d, least)
            newest = load(x, at + (d - 1) * n) - oldest
            store(out, at, finished(newest - mean - slope * (spread((d - 1) / 2.0) - mean_time)))


@compiled
def time_rsquare(
    x: Float1D, spans: Int1D, n: int, d: int, flat: float, least: int | None, out: Float1D
) -> None:
    """slope^2 sum((t - mean t)^2) / sum((x - mean x)^2), at most 1; `flat` where x never moves."""
    for span in range(0, len(spans), 2):
        for cell in range(spans[span], spans[span + 1], LANES):
            at = min(cell, spans[span + 1] - LANES)
            oldest, mean, _, slope, spread_of_time, _ = _line(x, at, n, d, least)
            squares = spread(0.0)
            for k in range(d):
                offset = load(x, at + k * n) - oldest - mean
                if least is not None:
                    offset = or_zero(offset)
                squares += offset * offset
            value = slope * sqrt(spread_of_time) / sqrt(squares)
            value = value * value
            value = select(value > 1.0, spread(1.0), value)
            is_flat = known(slope) & (squares <= 0.0)
            store(out, at, finished(select(is_flat, spread(flat), value)))
