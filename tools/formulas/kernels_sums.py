"""Kernels that add or multiply the bars of a window one after another.

The doors, and what every argument means, are in `kernels_window.py`.
"""

import numpy as np

from contracts.market import Float1D, Int1D
from tools.formulas.compiled import compiled
from tools.formulas.kernels_lanes import (
    LANES,
    finished,
    known,
    load,
    one_if,
    or_zero,
    select,
    spread,
    store,
)


@compiled
def window_sum(x: Float1D, spans: Int1D, n: int, d: int, least: int | None, out: Float1D) -> None:
    """Sum: x_1 + ... + x_d."""
    for span in range(0, len(spans), 2):
        for cell in range(spans[span], spans[span + 1], LANES):
            at = min(cell, spans[span + 1] - LANES)
            total, count = spread(0.0), spread(0.0)
            for k in range(d):
                value = load(x, at + k * n)
                if least is not None:
                    count += one_if(known(value))
                    value = or_zero(value)
                total += value
            if least is not None:
                total = select(count >= least, total, spread(np.nan))
            store(out, at, finished(total))


@compiled
def window_product(x: Float1D, spans: Int1D, n: int, d: int, least: int | None, out: Float1D) -> None:
    """Product: x_1 * ... * x_d."""
    for span in range(0, len(spans), 2):
        for cell in range(spans[span], spans[span + 1], LANES):
            at = min(cell, spans[span + 1] - LANES)
            product, count = spread(1.0), spread(0.0)
            for k in range(d):
                value = load(x, at + k * n)
                if least is not None:
                    count += one_if(known(value))
                    value = select(known(value), value, spread(1.0))
                product *= value
            if least is not None:
                product = select(count >= least, product, spread(np.nan))
            store(out, at, finished(product))


@compiled
def weighted_mean(
    x: Float1D, spans: Int1D, n: int, d: int, weights: Float1D, least: int | None, out: Float1D
) -> None:
    """Mean: x_1 + sum(w_k (x_k - x_1)) / sum(w_k); that of equal values is exactly what they are."""
    whole = weights.sum()
    for span in range(0, len(spans), 2):
        for cell in range(spans[span], spans[span + 1], LANES):
            at = min(cell, spans[span + 1] - LANES)
            oldest, total = load(x, at), spread(0.0)
            if least is None:
                for k in range(1, d):
                    total += (load(x, at + k * n) - oldest) * weights[k]
                store(out, at, finished(oldest + total / whole))
            else:
                weight, count = spread(0.0), spread(0.0)
                for k in range(d):
                    value = load(x, at + k * n)
                    oldest = select(known(oldest), oldest, value)
                    total += or_zero(value - oldest) * weights[k]
                    weight += one_if(known(value)) * weights[k]
                    count += one_if(known(value))
                mean = oldest + total / weight
                store(out, at, finished(select(count >= least, mean, spread(np.nan))))


@compiled
def running_sum_extreme(
    x: Float1D, spans: Int1D, n: int, d: int, sign: float, least: int | None, out: Float1D
) -> None:
    """Largest of x_1, x_1 + x_2, ..., x_1 + ... + x_d, or smallest where `sign` is -1."""
    for span in range(0, len(spans), 2):
        for cell in range(spans[span], spans[span + 1], LANES):
            at = min(cell, spans[span + 1] - LANES)
            total, largest, count = spread(0.0), spread(-np.inf), spread(0.0)
            for k in range(d):
                value = load(x, at + k * n) * sign
                if least is None:
                    total += value
                    largest = select(total > largest, total, largest)
                else:
                    total += or_zero(value)
                    largest = select(known(value) & (total > largest), total, largest)
                    count += one_if(known(value))
            is_enough = known(total) if least is None else count >= least
            largest = select(is_enough, largest, spread(np.nan))
            store(out, at, finished(largest * sign + 0.0))


@compiled
def recursive_average(x: Float1D, n: int, d: int, q: float, warmup: int, out: Float1D) -> None:
    """Average: y + q (x - y) / d, begun with the first known x; missing before the `warmup`-th known x."""
    average, count = np.zeros(n), np.zeros(n)
    for row in range(0, len(x), n):
        for column in range(n):
            value = x[row + column]
            before = average[column]
            after = before + q * (value - before) / d if count[column] > 0 else value
            if value == value:
                average[column] = after
                count[column] += 1.0
            else:
                after = np.nan
            out[row + column] = after if count[column] >= warmup and np.isfinite(after) else np.nan
