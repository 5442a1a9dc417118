"""One plain function per word of the formula language, under the default conventions only.

A value is a float64 array (time, instruments), NaN where it is not known; a condition is such an array of 1
and 0. Formulas may write numpy's `+ - *`. Division, power, logarithm and comparisons must be calls, since
numpy has infinities and a false comparison where the language has a missing value.

Windows are computed in numpy's long double and rounded once. Where that is wider than a double (80 bits on
x86), a correlation that is 1 on paper is 1 here, so that ties stay ties in a later rank.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Float2D: TypeAlias = NDArray[np.float64]
Number: TypeAlias = Float2D | float
Panel: TypeAlias = Mapping[str, Float2D]
Mask2D: TypeAlias = NDArray[np.bool_]
Wide: TypeAlias = NDArray[np.longdouble]


# bar by bar


def add(x: Number, y: Number) -> Float2D:
    """x + y."""
    return _bar_by_bar(np.add, x, y)


def subtract(x: Number, y: Number) -> Float2D:
    """x - y."""
    return _bar_by_bar(np.subtract, x, y)


def multiply(x: Number, y: Number) -> Float2D:
    """x * y."""
    return _bar_by_bar(np.multiply, x, y)


def divide(x: Number, y: Number) -> Float2D:
    """x / y; missing where y is 0."""
    return _bar_by_bar(np.divide, x, y)


def power(x: Number, y: Number) -> Float2D:
    """x ^ y; missing where that is no real, finite number."""
    return _bar_by_bar(np.power, x, y)


def negate(x: Number) -> Float2D:
    """-x."""
    return _bar_by_bar(np.negative, x)


def less(x: Number, y: Number) -> Float2D:
    """x < y."""
    return _bar_by_bar(np.less, x, y)


def less_equal(x: Number, y: Number) -> Float2D:
    """x <= y."""
    return _bar_by_bar(np.less_equal, x, y)


def greater(x: Number, y: Number) -> Float2D:
    """x > y."""
    return _bar_by_bar(np.greater, x, y)


def greater_equal(x: Number, y: Number) -> Float2D:
    """x >= y."""
    return _bar_by_bar(np.greater_equal, x, y)


def equal(x: Number, y: Number) -> Float2D:
    """x == y."""
    return _bar_by_bar(np.equal, x, y)


def not_equal(x: Number, y: Number) -> Float2D:
    """x != y."""
    return _bar_by_bar(np.not_equal, x, y)


def and_(c: Number, d: Number) -> Float2D:
    """Both; missing where either is, even beside a 0."""
    return _bar_by_bar(np.logical_and, c, d)


def or_(c: Number, d: Number) -> Float2D:
    """At least one; missing where either is, even beside a 1."""
    return _bar_by_bar(np.logical_or, c, d)


def not_(c: Number) -> Float2D:
    """1 for 0 and 0 for 1."""
    return _bar_by_bar(np.logical_not, c)


def where(c: Number, x: Number, y: Number) -> Float2D:
    """c ? x : y; the one that is not chosen may be missing."""
    chosen = np.where(np.asarray(c) != 0, x, y)
    return np.where(np.isnan(c), np.nan, chosen)


def min_(x: Number, y: Number) -> Float2D:
    """The smaller of two; missing where either is."""
    return _bar_by_bar(np.minimum, x, y)


def max_(x: Number, y: Number) -> Float2D:
    """The larger of two; missing where either is."""
    return _bar_by_bar(np.maximum, x, y)


def abs_(x: Number) -> Float2D:
    """x without its sign."""
    return _bar_by_bar(np.absolute, x)


def sign(x: Number) -> Float2D:
    """1, 0 or -1."""
    return _bar_by_bar(lambda v: np.greater(v, 0).astype(int) - np.less(v, 0).astype(int), x)


def log(x: Number) -> Float2D:
    """Natural logarithm; missing unless x > 0."""
    return _bar_by_bar(np.log, x)


def signed_power(x: Number, y: Number) -> Float2D:
    """sign(x) * abs(x)^y."""
    return multiply(sign(x), power(abs_(x), y))


# back in time


def delay(x: Float2D, d: float) -> Float2D:
    """x of d bars ago."""
    bars = math.floor(d)
    earlier = np.full(x.shape, np.nan)
    earlier[bars:] = x[: max(len(x) - bars, 0)]
    return earlier


def delta(x: Float2D, d: float) -> Float2D:
    """x less x of d bars ago."""
    return subtract(x, delay(x, d))


def ts_sum(x: Float2D, d: float) -> Float2D:
    """Sum over the window; of a condition, how often it held."""
    window = _windows(x, d)
    return _known(window.sum(axis=-1), _is_full(window))


def ts_mean(x: Float2D, d: float) -> Float2D:
    """Mean over the window."""
    window = _windows(x, d)
    return _known(_mean(window)[..., 0], _is_full(window))


def ts_product(x: Float2D, d: float) -> Float2D:
    """Product over the window."""
    window = _windows(x, d)
    return _known(window.prod(axis=-1), _is_full(window))


def ts_std(x: Float2D, d: float) -> Float2D:
    """Standard deviation over the window, of a sample."""
    window = _windows(x, d)
    variance = _divide((_deviations(window) ** 2).sum(axis=-1), window.shape[-1] - 1)
    return _known(np.sqrt(variance), _is_full(window))


def ts_min(x: Float2D, d: float) -> Float2D:
    """Smallest in the window."""
    window = _windows(x, d)
    return _known(window.min(axis=-1), _is_full(window))


def ts_max(x: Float2D, d: float) -> Float2D:
    """Largest in the window."""
    window = _windows(x, d)
    return _known(window.max(axis=-1), _is_full(window))


def ts_argmin(x: Float2D, d: float) -> Float2D:
    """Bars since the smallest in the window; of equal ones the oldest counts."""
    window = _windows(x, d)
    return _known(window.shape[-1] - 1 - window.argmin(axis=-1), _is_full(window))


def ts_argmax(x: Float2D, d: float) -> Float2D:
    """Bars since the largest in the window; of equal ones the oldest counts."""
    window = _windows(x, d)
    return _known(window.shape[-1] - 1 - window.argmax(axis=-1), _is_full(window))


def ts_rank(x: Float2D, d: float) -> Float2D:
    """Rank of the newest among the window, from 1/d to 1; equal values share their mean rank."""
    window = _windows(x, d)
    newest = window[..., -1:]
    smaller = (window < newest).sum(axis=-1)
    as_large = (window == newest).sum(axis=-1)
    return _known((smaller + (as_large + 1) / 2) / window.shape[-1], _is_full(window))


def ts_quantile(x: Float2D, d: float, q: float) -> Float2D:
    """The q-quantile of the window, interpolated between neighbours."""
    ordered = np.sort(_windows(x, d), axis=-1)
    position = q * (ordered.shape[-1] - 1)
    below, above = math.floor(position), math.ceil(position)
    value = ordered[..., below] + (position - below) * (ordered[..., above] - ordered[..., below])
    return _known(value, _is_full(ordered))


def ts_corr(x: Float2D, y: Float2D, d: float) -> Float2D:
    """Pearson correlation over the window, to 13 decimals; missing where either never moves."""
    x_window, y_window = _windows(x, d), _windows(y, d)
    return _known(np.round(_correlation(x_window, y_window), 13), _is_full(x_window, y_window))


def ts_cov(x: Float2D, y: Float2D, d: float) -> Float2D:
    """Covariance over the window, of a sample."""
    x_window, y_window = _windows(x, d), _windows(y, d)
    products = _deviations(x_window) * _deviations(y_window)
    return _known(
        _divide(products.sum(axis=-1), x_window.shape[-1] - 1),
        _is_full(x_window, y_window),
    )


def decay_linear(x: Float2D, d: float) -> Float2D:
    """Mean with weights d, d-1, ..., 1, the newest weighing d."""
    window = _windows(x, d)
    weights = np.arange(1, window.shape[-1] + 1, dtype=np.longdouble)
    return _known((window * weights).sum(axis=-1) / weights.sum(), _is_full(window))


def decay_power(x: Float2D, d: float, q: float) -> Float2D:
    """Mean with weights q^0, q^1, ..., the newest weighing 1."""
    window = _windows(x, d)
    weights = np.longdouble(q) ** np.arange(window.shape[-1])[::-1]
    return _known((window * weights).sum(axis=-1) / weights.sum(), _is_full(window))


def sma(x: Float2D, d: float, q: float) -> Float2D:
    """Recursive average (q x + (d - q) previous) / d, known from the d-th bar with x on."""
    bars = math.floor(d)
    average = np.full(x.shape, np.nan)
    for column in range(x.shape[1]):
        previous, count = np.longdouble(0), 0
        for bar, newest in enumerate(x[:, column]):
            if np.isnan(newest):
                continue
            value = np.longdouble(newest)
            previous = value if count == 0 else (q * value + (bars - q) * previous) / bars
            count += 1
            if count >= bars:
                average[bar, column] = previous
    return _finite(average)


def ts_slope(x: Float2D, d: float) -> Float2D:
    """Least-squares slope of x on 1, 2, ..., d."""
    window = _windows(x, d)
    return _known(_slope(window, _count_up(window)), _is_full(window))


def ts_rsquare(x: Float2D, d: float) -> Float2D:
    """Share of the variance that this line explains; missing where x never moves."""
    window = _windows(x, d)
    return _known(_correlation(window, _count_up(window)) ** 2, _is_full(window))


def ts_residual(x: Float2D, d: float) -> Float2D:
    """The newest x less the line's value there."""
    window = _windows(x, d)
    steps = _count_up(window)
    line_there = _slope(window, steps) * _deviations(steps)[..., -1]
    return _known(_deviations(window)[..., -1] - line_there, _is_full(window))


def ts_beta(x: Float2D, y: Float2D, d: float) -> Float2D:
    """Least-squares slope of x on y over the window; missing where y never moves."""
    x_window, y_window = _windows(x, d), _windows(y, d)
    return _known(_slope(x_window, y_window), _is_full(x_window, y_window))


def ts_beta_where(x: Float2D, y: Float2D, c: Float2D, d: float) -> Float2D:
    """Least-squares slope of x on y over the bars of the window on which c holds and all are known.

    A window that begins before the panel does has no value, whichever of its bars are used.
    """
    bars = math.floor(d)
    slope = np.full(x.shape, np.nan)
    for bar in range(bars - 1, len(x)):
        for column in range(x.shape[1]):
            window = slice(bar - bars + 1, bar + 1), column
            used = (c[window] == 1) & ~np.isnan(x[window]) & ~np.isnan(y[window])
            if used.sum() >= 2:
                x_used = x[window][used].astype(np.longdouble)
                y_used = y[window][used].astype(np.longdouble)
                slope[bar, column] = _slope(x_used, y_used)
    return _finite(slope)


def ts_factor_residual(x: Float2D, y: Float2D, z: Float2D, u: Float2D, d: float) -> Float2D:
    """Newest residual of x regressed on a constant, y, z and u over the window.

    The residual is one number even where the regressors depend on each other and the slopes are not.
    """
    bars = math.floor(d)
    residual = np.full(x.shape, np.nan)
    for bar in range(bars - 1, len(x)):
        for column in range(x.shape[1]):
            window = slice(bar - bars + 1, bar + 1), column
            table = np.column_stack([x[window], np.ones(bars), y[window], z[window], u[window]])
            if np.isfinite(table).all():
                regressors = table[:, 1:]
                slopes = np.linalg.lstsq(regressors, table[:, 0], rcond=None)[0]
                residual[bar, column] = (table[:, 0] - regressors @ slopes)[-1]
    return residual


def ts_cumsum_max(x: Float2D, d: float) -> Float2D:
    """Largest of the d running sums of the window, oldest bar first."""
    window = _windows(x, d)
    return _known(window.cumsum(axis=-1).max(axis=-1), _is_full(window))


def ts_cumsum_min(x: Float2D, d: float) -> Float2D:
    """Smallest of the d running sums of the window, oldest bar first."""
    window = _windows(x, d)
    return _known(window.cumsum(axis=-1).min(axis=-1), _is_full(window))


def adv(panel: Panel, d: float) -> Float2D:
    """Mean volume over the window; the language's `adv(d)`."""
    return ts_mean(panel["volume"], d)


# across instruments


def rank(x: Float2D) -> Float2D:
    """Rank among the n instruments known on the bar, from 1/n to 1; equal values share their mean rank."""
    ranks = np.full(x.shape, np.nan)
    for bar, row in enumerate(x):
        known = row[~np.isnan(row)]
        for column, value in enumerate(row):
            if not np.isnan(value):
                smaller, as_large = (known < value).sum(), (known == value).sum()
                ranks[bar, column] = (smaller + (as_large + 1) / 2) / len(known)
    return ranks


def scale(x: Float2D) -> Float2D:
    """x over the sum of abs(x) across instruments; missing where that is 0."""
    total = np.nansum(np.absolute(x.astype(np.longdouble)), axis=1, keepdims=True)
    return _finite(_divide(x.astype(np.longdouble), total))


def neutralize(x: Float2D, g: Float2D) -> Float2D:
    """x less the mean of x in the instrument's group on the bar."""
    less_mean = np.full(x.shape, np.nan)
    for bar in range(len(x)):
        for group in np.unique(g[bar][~np.isnan(g[bar])]):
            members = (g[bar] == group) & ~np.isnan(x[bar])
            values = x[bar, members].astype(np.longdouble)
            if len(values):
                less_mean[bar, members] = values - values.sum() / len(values)
    return _finite(less_mean)


# the three rules


def _bar_by_bar(operation: Callable[..., NDArray[np.generic]], *operands: Number) -> Float2D:
    with np.errstate(all="ignore"):
        value = operation(*operands)
    # numpy finds 1 ^ missing = 1 and missing < 1 false.
    is_known = np.logical_and.reduce([~np.isnan(operand) for operand in np.broadcast_arrays(*operands)])
    return np.where(is_known, _finite(value), np.nan)


def _finite(value: NDArray[np.generic]) -> Float2D:
    with np.errstate(all="ignore"):
        narrow = np.asarray(value).astype(np.float64)
    finite = np.where(np.isfinite(narrow), narrow, np.nan)
    # Conditions and counts are exact: no last bit of theirs could be another.
    return finite if np.asarray(value).dtype.kind in "bi" else _shaken(finite)


_NOISE: ContextVar[np.random.Generator | None] = ContextVar("noise", default=None)


@contextmanager
def shaken(seed: int) -> Iterator[None]:
    """Every result is moved by some 1e-14 of its size, which parts what only the last bit held together."""
    token = _NOISE.set(np.random.default_rng(seed))
    try:
        yield
    finally:
        _NOISE.reset(token)


def _shaken(values: Float2D) -> Float2D:
    noise = _NOISE.get()
    if noise is None or not np.isfinite(values).any():
        return values
    size = np.abs(values) + 0.01 * np.nanmax(np.abs(values))
    moved: Float2D = values + 1e-14 * size * noise.uniform(-1, 1, values.shape)
    return moved


def _known(value: NDArray[np.generic], is_known: Mask2D) -> Float2D:
    return np.where(is_known, _finite(value), np.nan)


# windows: (time, instruments, d), the oldest bar first; missing bars stand for those before the panel begins


def _windows(x: Float2D, d: float) -> Wide:
    bars = math.floor(d)
    before = np.full((bars - 1, x.shape[1]), np.nan)
    padded = np.concatenate([before, x]).astype(np.longdouble)
    return np.lib.stride_tricks.sliding_window_view(padded, bars, axis=0)


def _is_full(*windows: Wide) -> Mask2D:
    full = [~np.isnan(window).any(axis=-1) for window in windows]
    return np.asarray(np.logical_and.reduce(full))


def _count_up(window: Wide) -> Wide:
    return np.broadcast_to(np.arange(1, window.shape[-1] + 1, dtype=np.longdouble), window.shape)


def _is_flat(window: Wide) -> NDArray[np.bool_]:
    return np.asarray(window.max(axis=-1, keepdims=True) == window.min(axis=-1, keepdims=True))


def _mean(window: Wide) -> Wide:
    return np.asarray(window.sum(axis=-1, keepdims=True) / window.shape[-1])


def _deviations(window: Wide) -> Wide:
    # A flat window has none at all, whatever its mean is rounded to.
    return np.where(_is_flat(window), 0, window - _mean(window))


def _divide(numerator: Wide, denominator: Wide | int) -> Wide:
    with np.errstate(all="ignore"):
        return np.where(np.asarray(denominator) == 0, np.nan, np.divide(numerator, denominator))


def _slope(of: Wide, on: Wide) -> Wide:
    on_deviations = _deviations(on)
    return _divide((_deviations(of) * on_deviations).sum(axis=-1), (on_deviations**2).sum(axis=-1))


def _correlation(x_window: Wide, y_window: Wide) -> Wide:
    x_deviations, y_deviations = _deviations(x_window), _deviations(y_window)
    lengths = np.sqrt((x_deviations**2).sum(axis=-1)) * np.sqrt((y_deviations**2).sum(axis=-1))
    correlation: Wide = np.clip(_divide((x_deviations * y_deviations).sum(axis=-1), lengths), -1, 1)
    return correlation
