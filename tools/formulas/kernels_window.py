"""Windows in time: the operators of the formulas that read more bars than one, one function each.

    kernels_window.py -> kernels_sums.py, kernels_moments.py, kernels_order.py, kernels_factors.py
                      -> kernels_lanes.py

Every function fills `out`, float64 and C-contiguous of shape (r, n), from inputs of the same kind of shape
(R, n) with r at most R. The ends are aligned: the last row of `out` belongs to the last row of the inputs.
NaN is missing; the inputs hold no infinity and are not written, `out` gets none and must not be one of them.

A window is the newest `d` rows. It is missing when one of them is, or lies before the first row. With
`partial` it is computed from those it has, if they are enough: two for what has a spread, a correlation or a
slope, five for `ts_factor_residual`, one for the others. What asks for the newest bar needs that one.

Windows are computed each on its own, in the order of their bars: the same window gives the same bits in
every panel. All kernels run without the interpreter's lock, in threads as well. Costs are nanoseconds a cell
on one EPYC core with 512-bit vectors; `partial` takes up to three times as long.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from contracts.market import Float2D
from tools.formulas import kernels_factors, kernels_moments, kernels_order, kernels_sums
from tools.formulas.kernels_lanes import LANES
from tools.formulas.kernels_layout import cell_spans, check, column_spans, flat, widened

Flat = Literal["missing", "zero"]

_TIES = {"average": 0, "min": 1, "max": 2, "first": 2}
"""Of the newest bar: all that it equals come before it, so `first` is `max`."""

_FLAT = {"missing": float("nan"), "zero": 0.0}

_CHUNK_ROWS = 1_024
"""Rows of a narrow panel that are widened at a time."""


# sums


def ts_sum(x: Float2D, d: int, out: Float2D, *, partial: bool = False) -> None:
    """Sum: x_1 + ... + x_d. Cost: 0.1 d."""
    _Windows(kernels_sums.window_sum, d, partial).fill(out, x)


def ts_mean(x: Float2D, d: int, out: Float2D, *, partial: bool = False) -> None:
    """Mean: x_1 + sum(x_k - x_1) / d; exact for equal values. Cost: 0.1 d."""
    _Windows(kernels_sums.weighted_mean, d, partial, settings=(np.ones(d),)).fill(out, x)


def ts_product(x: Float2D, d: int, out: Float2D, *, partial: bool = False) -> None:
    """Product: x_1 * ... * x_d. Cost: 0.1 d."""
    _Windows(kernels_sums.window_product, d, partial).fill(out, x)


def decay_linear(
    x: Float2D,
    d: int,
    out: Float2D,
    *,
    order: Literal["newest_heaviest", "oldest_heaviest"] = "newest_heaviest",
    partial: bool = False,
) -> None:
    """Weighted mean: sum(w_k x_k) / sum(w_k), w_k = k, or d + 1 - k. Cost: 0.1 d."""
    weights = np.arange(1.0, d + 1)
    if order == "oldest_heaviest":
        weights = weights[::-1].copy()
    _Windows(kernels_sums.weighted_mean, d, partial, settings=(weights,)).fill(out, x)


def decay_power(x: Float2D, d: int, q: float, out: Float2D, *, partial: bool = False) -> None:
    """Weighted mean: sum(w_k x_k) / sum(w_k), w_k = q^(d - k). Cost: 0.1 d."""
    # By multiplication: machines differ in the last bit of a power.
    weights = np.cumprod(np.append(1.0, np.full(d - 1, float(q))))[::-1].copy()
    _Windows(kernels_sums.weighted_mean, d, partial, settings=(weights,)).fill(out, x)


def ts_cumsum_max(x: Float2D, d: int, out: Float2D, *, partial: bool = False) -> None:
    """Largest running sum: max over k of x_1 + ... + x_k. Cost: 0.1 d."""
    _Windows(kernels_sums.running_sum_extreme, d, partial, settings=(1.0,)).fill(out, x)


def ts_cumsum_min(x: Float2D, d: int, out: Float2D, *, partial: bool = False) -> None:
    """Smallest running sum: min over k of x_1 + ... + x_k. Cost: 0.1 d."""
    _Windows(kernels_sums.running_sum_extreme, d, partial, settings=(-1.0,)).fill(out, x)


def sma(x: Float2D, d: int, q: float, out: Float2D, *, warmup: Literal["window", "first"] = "window") -> None:
    """Recursive average: y + q (x - y) / d over all rows so far, so `out` has as many. Cost: 2."""
    check(out, (x,))
    if len(out) != len(x):
        raise ValueError(f"sma reads all rows: expected {len(x)} rows of out, found {len(out)}; give it all")
    known_from = d if warmup == "window" else 1
    kernels_sums.recursive_average(flat(x), x.shape[1], d, float(q), known_from, out.reshape(-1))


# moments


def ts_std(x: Float2D, d: int, out: Float2D, *, ddof: int = 1, partial: bool = False) -> None:
    """Standard deviation: sqrt(sum((x_k - mean)^2) / (d - ddof)); 0 for equal values. Cost: 0.25 d."""
    _Windows(kernels_moments.standard_deviation, d, partial, enough=2, settings=(ddof,)).fill(out, x)


def ts_cov(x: Float2D, y: Float2D, d: int, out: Float2D, *, ddof: int = 1, partial: bool = False) -> None:
    """Covariance: sum((x_k - mean x) (y_k - mean y)) / (d - ddof). Cost: 0.4 d."""
    _Windows(kernels_moments.covariance, d, partial, enough=2, settings=(ddof,)).fill(out, x, y)


def ts_corr(
    x: Float2D, y: Float2D, d: int, out: Float2D, *, flat: Flat = "missing", partial: bool = False
) -> None:
    """Correlation: cov(x, y) / sqrt(var(x) var(y)), from -1 to 1, to 13 decimals. Cost: 0.5 d."""
    _Windows(kernels_moments.correlation, d, partial, enough=2, settings=(_FLAT[flat],)).fill(out, x, y)


def ts_beta(x: Float2D, y: Float2D, d: int, out: Float2D, *, partial: bool = False) -> None:
    """Slope of x on y: cov(x, y) / var(y). Cost: 0.4 d."""
    _Windows(kernels_moments.regression_slope, d, partial, enough=2).fill(out, x, y, None)


def ts_beta_where(x: Float2D, y: Float2D, c: Float2D, d: int, out: Float2D, *, partial: bool = False) -> None:
    """Slope of x on y over the bars on which c is 1 and both are known, at least two. Cost: 1.0 d."""
    _Windows(kernels_moments.regression_slope, d, True, enough=2).fill(out, x, y, c)
    if not partial:
        out[: _early(x, d, out)] = np.nan


def ts_slope(x: Float2D, d: int, out: Float2D, *, partial: bool = False) -> None:
    """Slope of x on time: sum((t - mean t) x_t) / sum((t - mean t)^2). Cost: 0.15 d."""
    _Windows(kernels_moments.time_slope, d, partial, enough=2).fill(out, x)


def ts_rsquare(x: Float2D, d: int, out: Float2D, *, flat: Flat = "missing", partial: bool = False) -> None:
    """Squared correlation of x with time, from 0 to 1. Cost: 0.35 d."""
    _Windows(kernels_moments.time_rsquare, d, partial, enough=2, settings=(_FLAT[flat],)).fill(out, x)


def ts_residual(x: Float2D, d: int, out: Float2D, *, partial: bool = False) -> None:
    """Newest x less the line: x_d - mean x - slope (d - mean t). Cost: 0.2 d."""
    _Windows(kernels_moments.time_residual, d, partial, enough=2).fill(out, x)


def ts_factor_residual(
    x: Float2D, y: Float2D, z: Float2D, u: Float2D, d: int, out: Float2D, *, partial: bool = False
) -> None:
    """Newest x less its fitted value, x on 1, y, z and u; a factor that the others give adds nothing.

    Cost: 0.3 d where the factors are the same in every column, else 18 d.
    """
    _Windows(kernels_factors.factor_residual, d, partial, enough=5).fill(out, x, y, z, u)


# order


def ts_min(x: Float2D, d: int, out: Float2D, *, partial: bool = False) -> None:
    """Smallest: min over k of x_k. Cost: 2 whatever d is."""
    _Windows(kernels_order.window_extreme, d, partial, settings=(-1.0,), by_columns=True).fill(out, x)


def ts_max(x: Float2D, d: int, out: Float2D, *, partial: bool = False) -> None:
    """Largest: max over k of x_k. Cost: 2 whatever d is."""
    _Windows(kernels_order.window_extreme, d, partial, settings=(1.0,), by_columns=True).fill(out, x)


def ts_argmin(
    x: Float2D,
    d: int,
    out: Float2D,
    *,
    extreme: Literal["bars_ago", "position"] = "bars_ago",
    ties: Literal["oldest", "newest"] = "oldest",
    partial: bool = False,
) -> None:
    """Where the smallest is: d - k, or k, for the first or last k with x_k = min x. Cost: 2 whatever d is."""
    settings = (-1.0, ties == "newest", extreme == "bars_ago")
    _Windows(kernels_order.window_arg_extreme, d, partial, settings=settings, by_columns=True).fill(out, x)


def ts_argmax(
    x: Float2D,
    d: int,
    out: Float2D,
    *,
    extreme: Literal["bars_ago", "position"] = "bars_ago",
    ties: Literal["oldest", "newest"] = "oldest",
    partial: bool = False,
) -> None:
    """Where the largest is: d - k, or k, for the first or last k with x_k = max x. Cost: 2 whatever d is."""
    settings = (1.0, ties == "newest", extreme == "bars_ago")
    _Windows(kernels_order.window_arg_extreme, d, partial, settings=settings, by_columns=True).fill(out, x)


def ts_rank(
    x: Float2D,
    d: int,
    out: Float2D,
    *,
    scale: Literal["fraction", "zero_to_one", "ordinal"] = "fraction",
    ties: Literal["average", "min", "max", "first"] = "average",
    partial: bool = False,
) -> None:
    """Rank r of the newest: r / d, (r - 1) / (d - 1) or r. Cost: 0.2 d."""
    settings = (_TIES[ties], 1.0 if scale == "zero_to_one" else 0.0, scale != "ordinal")
    _Windows(kernels_order.window_rank, d, partial, settings=settings).fill(out, x)


def ts_quantile(x: Float2D, d: int, q: float, out: Float2D, *, partial: bool = False) -> None:
    """Quantile: s_i + (h - i) (s_(i+1) - s_i), x sorted is s, h = 1 + q (d - 1), i <= h. Cost: 0.2 d."""
    if not 0.0 <= q <= 1.0:
        raise ValueError(f"expected a quantile from 0 to 1, found {q}; give a share")
    _Windows(kernels_order.window_quantile, d, partial, settings=(float(q),), by_columns=True).fill(out, x)


# all at once


# how a kernel gets its windows: complete ones only, and at least as many cells as one load takes


@dataclass(frozen=True, slots=True)
class _Windows:
    kernel: Callable[..., None]
    d: int
    is_partial: bool
    enough: int = 1
    settings: tuple[object, ...] = ()
    by_columns: bool = False

    def fill(self, out: Float2D, *inputs: Float2D | None) -> None:
        given = [x for x in inputs if x is not None]
        if self.d < 1:
            raise ValueError(f"expected a window of 1 row or more, found {self.d}; give at least 1")
        check(out, given)
        rows, early = len(given[0]), _early(given[0], self.d, out)
        if early and self.is_partial:
            # Missing rows stand for those before the first.
            lacking = np.full((self.d - 1 - rows + len(out), out.shape[1]), np.nan)
            stop = early + self.d - 1 - len(lacking)
            self._run(out[:early], [None if x is None else np.vstack((lacking, x[:stop])) for x in inputs])
        elif early:
            out[:early] = np.nan
        if early < len(out):
            start = rows - len(out) + early - self.d + 1
            self._run(out[early:], [None if x is None else x[start:] for x in inputs])

    def _run(self, out: Float2D, inputs: Sequence[Float2D | None]) -> None:
        n = out.shape[1]
        if (n if self.by_columns else out.size) >= LANES:
            panels = [None if x is None else flat(x) for x in inputs]
            spans = column_spans(n, self.d) if self.by_columns else cell_spans(len(out), n, self.d)
            least = self.enough if self.is_partial else None
            self.kernel(*panels, spans, n, self.d, *self.settings, least, out.reshape(-1))
            return
        for top in range(0, len(out), _CHUNK_ROWS):
            narrow = out[top : top + _CHUNK_ROWS]
            wide = np.empty((len(narrow), LANES))
            rows = slice(top, top + len(narrow) + self.d - 1)
            self._run(wide, [None if x is None else widened(x[rows]) for x in inputs])
            narrow[:] = wide[:, :n]


def _early(x: Float2D, d: int, out: Float2D) -> int:
    """How many of the windows begin before the first row."""
    return min(max(d - 1 - len(x) + len(out), 0), len(out))
