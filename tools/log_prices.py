"""Logarithms of prices, with one rule for all who take them: what has none is unknown, never clipped."""

import numpy as np
import numpy.typing as npt

from contracts.market import Float1D
from tools.talib_guard import NEVER_MOVED

NOT_POSITIVE = "undefined: a price at or under zero, or one outside its bar's range"

EQUAL_MOVES = "undefined: every move on these bars is the same"
_ROUNDING = 1e-9


def log_price(price: Float1D) -> Float1D:
    """Natural logarithm; NaN for a price that is missing, infinite or not over zero."""
    usable = np.isfinite(price) & (price > 0)
    return np.log(price, out=np.full(len(price), np.nan), where=usable)


def log_returns(close: Float1D) -> Float1D:
    """ln(close / previous close) of each bar, of the same length; NaN first and beside a missing close."""
    logs = log_price(close)
    returns = np.full(len(logs), np.nan)
    returns[1:] = np.diff(logs)
    return returns


def root(variance: Float1D) -> Float1D:
    """Square root; NaN under zero, which only prices outside their bar's range bring about."""
    return np.sqrt(variance, out=np.full(len(variance), np.nan), where=variance >= 0)


def why_still(returns: Float1D) -> str | None:
    """Why finite returns have nothing to measure: none moves, or all by the same; None where they do."""
    if not returns.any():
        return NEVER_MOVED
    return None if moves_differ(returns) else EQUAL_MOVES


def moves_differ(returns: npt.NDArray[np.float64]) -> bool:
    """Whether each column of finite returns has moves that differ by more than the last digits of prices."""
    return bool((np.ptp(returns, axis=0) > _ROUNDING * np.abs(returns).max(axis=0)).all())
