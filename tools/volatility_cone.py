"""The volatility cone: how realized volatility has spread over each horizon, and where the newest stands.

Over a short horizon volatility wanders far, over a long one it stays near its mean: quantiles against the
horizon make a cone. The cone is made of the past alone, of windows that share no return with the newest one;
neighbours that share most of their returns would draw its rank to the middle.

`volatility_percentile` ranks among windows that overlap with the newest one, over a shorter past: it says
whether the market has changed of late, this one how rare the level is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias

import numpy as np

from contracts.errors import ToolInputError
from contracts.market import Bars, Float1D, Float2D, Int1D
from tools.log_prices import NOT_POSITIVE
from tools.parameters import Bounds
from tools.percentile_rank import percentile_rank
from tools.registry import tool
from tools.shared_bars import shared
from tools.volatility import realized_volatility

Horizon: TypeAlias = Annotated[int, Bounds(2, 500)]
History: TypeAlias = Annotated[int, Bounds(20, 5000)]

PROBABILITIES = (0.05, 0.25, 0.5, 0.75, 0.95)
FEWEST = 5
"""Windows without a common return that the past must hold at least."""


@dataclass(frozen=True, slots=True)
class VolatilityCone:
    """One row a horizon, volatility as a standard deviation of a log return per bar."""

    horizons: tuple[int, ...]
    quantiles: Float2D
    """Shape (horizons, 5): the past's volatility at `PROBABILITIES`."""
    newest: Float1D
    percentile: Float1D
    """0 to 100: how much of the past is under the newest."""
    variance_spread: Float1D
    """Standard deviation between windows of the variance per bar, corrected for their overlap."""
    n_windows: Int1D
    """Windows of the past; those that have no return in common are n_windows / horizon + 1 of them."""


def volatility_cone(bars: Bars, horizons: Sequence[int]) -> VolatilityCone:
    """Quantiles of realized volatility over several horizons, and where the newest stands among them.

    Use it to judge whether a volatility, forecast or implied, is usual for its horizon.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read, all of them.
    horizons : sequence of int
        Lengths of windows in returns, 2 or more; the longest at most a sixth of the returns.

    Returns
    -------
    VolatilityCone
        A row is NaN where a close of these bars is missing or not over zero.

    Raises
    ------
    ToolInputError
        For no horizon, one under 2, or one too long for these bars.

    Notes
    -----
    Of T returns the newest h make the newest window, the others n = T - 2 h + 1 overlapping ones. Their
    quantiles are plain. The variance of their variances is too small by the factor
    1 - h / n + (h^2 - 1) / (3 n^2), since their mean goes with them; `variance_spread` is the root after
    division by it. The factor is exact for squared returns that do not depend on each other, and near where
    their dependence is short beside T.
    Smallest sample: 6 h returns. Look-ahead: none within the newest bar. Cost: n x h a horizon.

    References
    ----------
    Hodges, S., Tompkins, R. (2002). Volatility cones and their sampling properties. Journal of Derivatives
    10(1), 27-42: the correction.
    Burghardt, G., Lane, M. (1990). How to tell if options are cheap. Journal of Portfolio Management 16(2).
    """
    n_returns = len(bars) - 1
    for horizon in horizons:
        if not 2 <= horizon * (1 + FEWEST) <= n_returns or horizon < 2:
            raise ToolInputError(
                f"expected horizons of 2 to a sixth of {n_returns} returns, found {horizon}; shorten it or "
                "give more bars"
            )
    if not horizons:
        raise ToolInputError("expected one horizon or more, found none; name the lengths of the windows")
    rows = [_row(bars, horizon) for horizon in horizons]
    quantiles, newest, percentile, spread, n_windows = zip(*rows, strict=True)
    return VolatilityCone(
        tuple(horizons),
        np.array(quantiles),
        np.array(newest),
        np.array(percentile),
        np.array(spread),
        np.array(n_windows, dtype=np.int64),
    )


def overlap_correction(horizon: int, n_windows: int) -> float:
    """Share of the true variance of sums that overlapping windows show around their own mean."""
    return 1 - horizon / n_windows + (horizon**2 - 1) / (3 * n_windows**2)


def _bars_for(*, horizon: int, history: int) -> int:
    if history < FEWEST * horizon:
        raise ToolInputError(
            f"expected a history of {FEWEST} horizons or more, found {history} for a horizon of {horizon}; "
            "lengthen it or shorten the horizon"
        )
    return horizon + history + 1


@tool(group="volatility", unit="percent", reads=("close",), min_bars=_bars_for, undefined=NOT_POSITIVE)
def volatility_cone_percentile(bars: Bars, *, horizon: Horizon = 20, history: History = 250) -> Float1D:
    """Place of the newest realized volatility in its cone: how rare is this level for this horizon.

    Use it with the horizon a trade will last, to see whether the market moves more or less than it usually
    does over such a time. The past it is ranked among does not overlap with the newest window, so that a new
    burst shows whole; `volatility_percentile` is the plainer rank.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    horizon : int
        Returns in a window, 2 to 500.
    history : int
        Returns before the newest window, 20 to 5000, 5 times `horizon` or more; a long one is better.

    Returns
    -------
    array of shape (n,)
        Percent, 0 to 100: those under it, and half of those equal to it.

    Raises
    ------
    ToolInputError
        When `history` is under 5 times `horizon`.

    Notes
    -----
    Rank of the newest `realized_volatility` among the `history` - `horizon` + 1 windows that end before it
    begins. Over a long horizon these hold few independent ones, about `history` / `horizon`. With normal
    returns of a volatility that never changes, 0 and 100 come up in one of six values where that is 5, and in
    one of twenty where it is 12.

    NaN policy: unknown while one of these bars holds a close that is missing or not over zero. Smallest
    sample: `horizon` + `history` + 1 bars. Look-ahead: none. Cost: n x `history`.

    References
    ----------
    Hodges, S., Tompkins, R. (2002). Volatility cones and their sampling properties. Journal of Derivatives
    10(1), 27-42.
    """
    needed = _bars_for(horizon=horizon, history=history)
    values = shared(realized_volatility, bars, period=horizon)
    out = np.full(len(values), np.nan)
    if len(values) >= needed:
        past = np.lib.stride_tricks.sliding_window_view(values[:-horizon], history - horizon + 1)
        out[needed - 1 :] = percentile_rank(values[needed - 1 :], past[horizon:])
    return out


def _row(bars: Bars, horizon: int) -> tuple[Float1D, float, float, float, int]:
    values = realized_volatility(bars, period=horizon)[horizon:]
    newest, past = float(values[-1]), values[:-horizon]
    if not np.isfinite(values).all():
        nothing = math.nan
        return np.full(len(PROBABILITIES), nothing), newest, nothing, nothing, len(past)
    rank = percentile_rank(values[-1:], past[None, :])
    spread = math.sqrt(float(np.var(np.square(past))) / overlap_correction(horizon, len(past)))
    return np.quantile(past, PROBABILITIES), newest, float(rank[0]), spread, len(past)
