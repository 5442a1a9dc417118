"""Correlation of several instruments at once: plain, shrunk, exponentially weighted, and bar after bar.

    bars by name  ->  `return_panel`  ->  returns, one column an instrument  ->  a matrix with its names

Rows are matched by close time. A row with a missing return is left out whole, so that every entry of a
matrix rests on the same bars and the matrix stays positive semidefinite; `n_obs` says how many were used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from contracts.errors import ToolInputError
from contracts.market import Bars, Float2D, Int1D
from tools.log_prices import log_returns, moves_differ
from tools.pairs import MIN_COMMON

Float3D: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ReturnPanel:
    """Log returns of several instruments over the same times: shape (time, instruments)."""

    names: tuple[str, ...]
    close_time: Int1D
    values: Float2D


@dataclass(frozen=True, slots=True)
class CorrelationMatrix:
    """Correlations in the order of `names`, and the number of returns behind each."""

    names: tuple[str, ...]
    values: Float2D
    n_obs: int
    shrinkage: float = 0.0
    """Weight of the identity in it, 0 to 1."""


def return_panel(bars: Mapping[str, Bars]) -> ReturnPanel:
    """Log returns of several instruments between the moments at which all of them closed a bar.

    Use it to make the panel that the matrices below are computed from.

    Parameters
    ----------
    bars : mapping of name to Bars
        Two instruments or more, closed bars of one timeframe; times and closes are read.

    Returns
    -------
    ReturnPanel
        Log returns of shape (n, k) with the closing times of their bars; NaN beside a missing close.

    Raises
    ------
    ToolInputError
        Fewer than two instruments.

    Notes
    -----
    A moment that one of them lacks is left out for all, and returns are taken between neighbours of the
    rest. Look-ahead: none. Cost: k n log n.

    References
    ----------
    None: a join.
    """
    if len(bars) < 2:
        raise ToolInputError(
            f"expected bars of two instruments or more, found {len(bars)}; a correlation needs a pair"
        )
    times = reduce(np.intersect1d, (each.close_time for each in bars.values()))
    columns = [log_returns(each.close[np.isin(each.close_time, times)]) for each in bars.values()]
    return ReturnPanel(tuple(bars), times[1:], np.column_stack(columns)[1:])


def correlations(panel: ReturnPanel) -> CorrelationMatrix:
    """Pearson's correlation of every two instruments of a panel.

    Use it with many more returns than instruments; else take `shrunk_correlations`.

    Parameters
    ----------
    panel : ReturnPanel
        Log returns, shape (n, k).

    Returns
    -------
    CorrelationMatrix
        Shape (k, k), -1 to 1, ones on the diagonal.

    Raises
    ------
    ToolInputError
        Fewer than 30 whole rows, or an instrument that did not move.

    Notes
    -----
    Z'Z / n of standardised returns Z. The standard error of one entry is about (1 - r^2) / sqrt(n).
    NaN policy: rows with one are left out. Look-ahead: it sees every row it is given. Cost: n k^2.

    References
    ----------
    Pearson, K. (1895). Note on regression and inheritance in the case of two parents. Proceedings of the
    Royal Society of London 58.
    """
    z = _standardised(panel)
    return CorrelationMatrix(panel.names, _with_unit_diagonal(z.T @ z / len(z)), len(z))


def shrunk_correlations(panel: ReturnPanel) -> CorrelationMatrix:
    """Correlations of every two instruments, drawn towards zero as far as the sample is too short for them.

    Use it for clusters, hedges and portfolio risk: noise makes a plain matrix of many instruments and few
    bars look more structured than it is, and this one can always be inverted.

    Parameters
    ----------
    panel : ReturnPanel
        Log returns, shape (n, k).

    Returns
    -------
    CorrelationMatrix
        Shape (k, k), -1 to 1; `shrinkage` is the weight of the identity.

    Raises
    ------
    ToolInputError
        Fewer than 30 whole rows, or an instrument that did not move.

    Notes
    -----
    (1 - d) R + d I with d of `correlation_shrinkage`. It takes returns as independent; volatility that comes
    in bursts asks for more shrinkage than it gives.
    NaN policy: rows with one are left out. Look-ahead: it sees every row it is given. Cost: n k^2.

    References
    ----------
    Ledoit, O., Wolf, M. (2004). A well-conditioned estimator for large-dimensional covariance matrices.
    Journal of Multivariate Analysis 88(2).
    Schaefer, J., Strimmer, K. (2005). A shrinkage approach to large-scale covariance matrix estimation.
    Statistical Applications in Genetics and Molecular Biology 4(1).
    """
    z = _standardised(panel)
    weight = correlation_shrinkage(z)
    shrunk = _with_unit_diagonal((1 - weight) * (z.T @ z) / len(z))
    return CorrelationMatrix(panel.names, shrunk, len(z), weight)


def correlation_shrinkage(z: Float2D) -> float:
    """Weight of the identity that brings a correlation matrix nearest to the true one, by Ledoit and Wolf.

    Use it on standardised returns.

    Parameters
    ----------
    z : array of shape (n, k)
        Columns of mean 0 and variance 1 (divisor n); all finite.

    Returns
    -------
    float
        0 to 1; 1 where no two columns correlate.

    Notes
    -----
    Sum of `entry_errors` over sum of squared correlations, both off the diagonal. Ledoit and Wolf's weight
    for a covariance matrix counts the diagonal too, which of standardised returns has no error: with it a
    correlation of 0.6 between two instruments with fat tails, over 60 bars, misses by 0.27 (root mean square,
    200 samples), with this weight by 0.16, without shrinkage by 0.13; one of 0.1 misses by 0.10, 0.12 and
    0.18. Their constant-correlation target says nothing of two instruments: it is the sample. Cost: n k^2.

    References
    ----------
    Ledoit, O., Wolf, M. (2004). A well-conditioned estimator for large-dimensional covariance matrices.
    Journal of Multivariate Analysis 88(2), section 3.
    Schaefer, J., Strimmer, K. (2005). A shrinkage approach to large-scale covariance matrix estimation.
    Statistical Applications in Genetics and Molecular Biology 4(1).
    """
    off = ~np.eye(z.shape[1], dtype=bool)
    distance = float(np.square((z.T @ z / len(z))[off]).sum())
    error = float(entry_errors(z)[off].sum())
    return min(error / distance, 1.0) if distance > 0 else 1.0


def entry_errors(values: Float2D) -> Float2D:
    """Squared standard error of each entry of X'X / n, from the spread of the products x_i x_j over time."""
    n = len(values)
    squares = np.square(values)
    errors: Float2D = (squares.T @ squares / n - np.square(values.T @ values / n)) / n
    return errors


def ewma_correlations(panel: ReturnPanel, *, decay: float = 0.97) -> CorrelationMatrix:
    """Correlations of every two instruments in which a bar counts the less the older it is.

    Use it where instruments begin to move together, or cease to, before a plain window shows it.

    Parameters
    ----------
    panel : ReturnPanel
        Log returns, shape (n, k).
    decay : float
        Weight of a return against that of the one after it, over 0 and under 1.

    Returns
    -------
    CorrelationMatrix
        Shape (k, k), -1 to 1; `n_obs` counts all rows, though the newest 1 / (1 - decay) weigh most.

    Raises
    ------
    ToolInputError
        Fewer than 30 whole rows, an instrument that did not move, or a decay out of its range.

    Notes
    -----
    sum w x y / sqrt(sum w x^2 sum w y^2), w = decay^age, the mean taken as zero as RiskMetrics does.
    NaN policy: rows with one are left out. Look-ahead: it sees every row it is given. Cost: n k^2.

    References
    ----------
    J.P. Morgan, Reuters (1996). RiskMetrics: Technical Document, fourth edition, section 5.2.
    """
    if not 0 < decay < 1:
        raise ToolInputError(f"expected decay over 0 and under 1, found {decay:g}", parameter="decay")
    returns = _usable(panel)
    return CorrelationMatrix(panel.names, ewma_matrix(returns, decay), len(returns))


def ewma_matrix(returns: Float2D, decay: float) -> Float2D:
    """The kernel of `ewma_correlations`; all finite, no column all zero."""
    weighted = returns * np.sqrt(decay ** np.arange(len(returns) - 1.0, -1.0, -1.0))[:, None]
    # Sizes before products: squares of small returns with small weights would vanish.
    weighted = weighted / np.abs(weighted).max(axis=0)
    weighted = weighted / np.sqrt(np.square(weighted).sum(axis=0))
    return _with_unit_diagonal(weighted.T @ weighted)


def rolling_correlations(panel: ReturnPanel, *, window: int = 120) -> Float3D:
    """Pearson's correlations of the newest `window` returns, for every row of a panel.

    Use it to see how correlations came to what they are; for the newest row alone take `correlations`.

    Parameters
    ----------
    panel : ReturnPanel
        Log returns, shape (n, k).
    window : int
        Returns behind each matrix, 30 or more.

    Returns
    -------
    array of shape (n, k, k)
        -1 to 1; NaN in the first `window` - 1 matrices.

    Raises
    ------
    ToolInputError
        A window under 30.

    Notes
    -----
    Each window on its own. NaN policy: the row and the column of an instrument are unknown while its window
    holds a missing return, or none but equal ones. Look-ahead: none. Cost: n window k^2 in time and
    n window k in memory.

    References
    ----------
    Pearson, K. (1895). Note on regression and inheritance in the case of two parents. Proceedings of the
    Royal Society of London 58.
    """
    if window < MIN_COMMON:
        raise ToolInputError(f"expected window of {MIN_COMMON} or more, found {window}", parameter="window")
    n, k = panel.values.shape
    out = np.full((n, k, k), np.nan)
    if n < window:
        return out
    finite = np.where(np.isfinite(panel.values), panel.values, np.nan)
    views = np.lib.stride_tricks.sliding_window_view(finite, window, axis=0)
    offsets = views - views[..., :1]
    centred = offsets - offsets.mean(axis=2, keepdims=True)
    sizes = np.sqrt(np.square(centred).sum(axis=2, keepdims=True))
    with np.errstate(invalid="ignore"):
        z = centred / sizes
    found = z @ z.transpose(0, 2, 1)
    out[window - 1 :] = np.clip(found, -1, 1)
    return out


def centred(values: Float2D) -> Float2D:
    """Columns less their means; of equal values exactly zero."""
    offsets = values - values[0]
    deviations: Float2D = offsets - offsets.mean(axis=0)
    return deviations


def standardised(deviations: Float2D) -> Float2D:
    """Columns of mean zero over their standard deviations (divisor n)."""
    scaled: Float2D = deviations / np.sqrt(np.square(deviations).mean(axis=0))
    return scaled


def _standardised(panel: ReturnPanel) -> Float2D:
    return standardised(centred(_usable(panel)))


def _usable(panel: ReturnPanel) -> Float2D:
    returns = panel.values[np.isfinite(panel.values).all(axis=1)]
    if len(returns) < MIN_COMMON:
        raise ToolInputError(
            f"expected {MIN_COMMON} returns that all instruments have, found {len(returns)}; give more bars, "
            "or leave out the instrument that has the fewest"
        )
    still = [name for name, column in zip(panel.names, returns.T, strict=True) if not moves_differ(column)]
    if still:
        raise ToolInputError(
            f"expected instruments whose moves differ, found {', '.join(still)} still; leave it out"
        )
    return returns


def _with_unit_diagonal(values: Float2D) -> Float2D:
    # Rounding alone can carry an entry past 1.
    bounded = np.clip(values, -1, 1)
    np.fill_diagonal(bounded, 1.0)
    return bounded
