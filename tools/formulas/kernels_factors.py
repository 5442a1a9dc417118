"""Kernel for the residual of a regression on three factors.

The door, and what every argument means, is in `kernels_window.py`. The newest fitted value is a weighted sum
of the window's values, and the weights come from the factors alone. Factors are usually the same in every
column; then one set of weights serves the whole row.
"""

import numpy as np
import numpy.typing as npt

from contracts.market import Float1D, Int1D
from tools.formulas.compiled import compiled
from tools.formulas.kernels_lanes import part

Table = npt.NDArray[np.float64]

N_FACTORS = 3

ADDS_NOTHING = 1e-24
"""Of a factor's squares, the share that the others must leave: below is rounding, and the factor counts as
theirs."""


@compiled
def factor_residual(
    x: Float1D,
    y: Float1D,
    z: Float1D,
    u: Float1D,
    _spans: Int1D,
    n: int,
    d: int,
    least: int | None,
    out: Float1D,
) -> None:
    """Newest x less its fitted value, x on a constant, y, z and u."""
    factors, weights, values = np.empty((N_FACTORS, d)), np.empty(d), np.empty(d)
    is_common = _is_common(y, z, u, n)
    fitted = np.empty(n)
    for top in range(0, len(out), n):
        if least is None and _holds(is_common, top // n, top // n + d):
            for k in range(d):
                row = top + k * n
                factors[0, k], factors[1, k], factors[2, k] = y[row], z[row], u[row]
            _weigh(factors, d, weights)
            oldest, newest = x[top : top + n], x[top + (d - 1) * n : top + d * n]
            for column in range(n):
                fitted[column] = 0.0
            for k in range(d):
                bar = x[top + k * n : top + (k + 1) * n]
                for column in range(n):
                    fitted[column] += weights[k] * (bar[column] - oldest[column])
            for column in range(n):
                out[top + column] = _finite(newest[column] - oldest[column] - fitted[column])
        else:
            for column in range(n):
                m = _gather(x, y, z, u, top + column, n, d, factors, values)
                out[top + column] = np.nan
                if m >= (d if least is None else least):
                    _weigh(factors, m, weights)
                    fit = 0.0
                    for k in range(m):
                        fit += weights[k] * (values[k] - values[0])
                    out[top + column] = _finite(values[m - 1] - values[0] - fit)


@part
def _is_common(y: Float1D, z: Float1D, u: Float1D, n: int) -> npt.NDArray[np.bool_]:
    """Of each row, whether the factors are known and the same in every column."""
    is_common = np.empty(len(y) // n, np.bool_)
    for row in range(len(is_common)):
        first = row * n
        is_same = True
        for at in range(first, first + n):
            is_same &= (y[at] == y[first]) & (z[at] == z[first]) & (u[at] == u[first])
        is_common[row] = is_same
    return is_common


@compiled
def _gather(
    x: Float1D,
    y: Float1D,
    z: Float1D,
    u: Float1D,
    first: int,
    n: int,
    d: int,
    factors: Table,
    values: Float1D,
) -> int:
    """Copy the bars on which all four are known; how many there are, and 0 if the newest is not one."""
    m = 0
    for at in range(first, first + d * n, n):
        is_known = x[at] == x[at] and y[at] == y[at] and z[at] == z[at] and u[at] == u[at]
        if is_known:
            factors[0, m], factors[1, m], factors[2, m], values[m] = y[at], z[at], u[at], x[at]
            m += 1
        elif at == first + (d - 1) * n:
            m = 0
    return m


@compiled
def _weigh(factors: Table, m: int, weights: Float1D) -> None:
    """Weights of the m bars in the newest fitted value; `factors` become orthonormal or zero.

    1/m + sum(q_j(newest) q_j(k)), the q_j the factors less their means after Gram and Schmidt, each made
    orthogonal twice, which is enough (Giraud, Langou, Rozloznik, 2005).
    """
    for k in range(m):
        weights[k] = 1.0 / m
    for j in range(N_FACTORS):
        _centre(factors[j], m)
        squares = _product(factors[j], factors[j], m)
        for i in range(2 * j):
            other = factors[i % j]
            _add(factors[j], -_product(factors[j], other, m), other, m)
        left = _product(factors[j], factors[j], m)
        # Not the other way round: a missing factor would count as one that adds nothing.
        scale = 0.0 if left <= ADDS_NOTHING * squares else 1.0 / np.sqrt(left)
        for k in range(m):
            factors[j, k] *= scale
        _add(weights, factors[j, m - 1], factors[j], m)


@compiled
def _centre(x: Float1D, m: int) -> None:
    first, total = x[0], 0.0
    for k in range(m):
        x[k] -= first
        total += x[k]
    for k in range(m):
        x[k] -= total / m


@compiled
def _product(x: Float1D, y: Float1D, m: int) -> float:
    total = 0.0
    for k in range(m):
        total += x[k] * y[k]
    return total


@compiled
def _add(x: Float1D, times: float, y: Float1D, m: int) -> None:
    for k in range(m):
        x[k] += times * y[k]


@part
def _holds(flags: npt.NDArray[np.bool_], first: int, stop: int) -> bool:
    holds = True
    for k in range(first, stop):
        holds &= flags[k]
    return holds


@part
def _finite(value: float) -> float:
    return value if np.isfinite(value) else np.nan
