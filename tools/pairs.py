"""Two instruments side by side: the closes of the bars that closed at the same moment.

A bar that only one of the two has is left out; a return is taken between neighbours of what is left, so
that both returns cover the same time. A close that is missing within the window is a refusal, not a gap.
"""

from dataclasses import dataclass

import numpy as np

from contracts.market import Bars, Float1D, Float2D
from tools.log_prices import log_price
from tools.registry import ToolValue

MIN_COMMON = 30
"""Returns that two instruments must have in common before their correlation says anything."""


@dataclass(frozen=True, slots=True)
class MatchedPrices:
    """Log closes of two instruments, the first one's on the left, oldest first."""

    logs: Float2D
    n_behind: int
    """Bars of the first instrument that closed after the newest bar in common."""

    @property
    def returns(self) -> Float2D:
        """Log returns of both, one row fewer."""
        return np.diff(self.logs, axis=0)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to say where the newest bar in common is not the newest bar."""
        if not self.n_behind:
            return ()
        return (f"the newest bar in common is {self.n_behind} bars old",)


def matched_closes(bars: Bars, other: Bars) -> tuple[Float1D, Float1D, int]:
    """Closes of the bars that both have, and how many newer ones the first has.

    Use it before anything that compares two instruments.

    Parameters
    ----------
    bars, other : Bars
        Closed bars of one timeframe, oldest first; times and closes are read.

    Returns
    -------
    tuple of two arrays of shape (n,) and a count
        Prices as they are, NaN included; the number of bars of `bars` after the last match.

    Notes
    -----
    Matched by equal close time; a bar of `other` that closes after the newest of `bars` matches none, so
    there is no look-ahead. Cost: n log n.

    References
    ----------
    None: a join.
    """
    _, ours, theirs = np.intersect1d(bars.close_time, other.close_time, return_indices=True)
    n_behind = len(bars) - 1 - int(ours[-1]) if len(ours) else len(bars)
    return bars.close[ours], other.close[theirs], n_behind


def matched_prices(bars: Bars, other: Bars, count: int) -> MatchedPrices | ToolValue:
    """Log closes of the newest `count` bars that both have, or why there are none.

    Use it in a tool of `bars, other`: a refusal is the tool's own answer.

    Parameters
    ----------
    bars, other : Bars
        Closed bars of one timeframe, oldest first.
    count : int
        Bars in common that are needed.

    Returns
    -------
    MatchedPrices or ToolValue
        Logs of shape (count, 2), all finite; or no value, with the reason.

    Notes
    -----
    See `matched_closes`. Look-ahead: none.

    References
    ----------
    None: a join.
    """
    ours, theirs, n_behind = matched_closes(bars, other)
    if len(ours) < count:
        return ToolValue(None, len(ours), f"needs {count} bars in common with the second, has {len(ours)}")
    logs = np.column_stack((log_price(ours[-count:]), log_price(theirs[-count:])))
    n_missing = int((~np.isfinite(logs)).any(axis=1).sum())
    if n_missing:
        reason = f"needs a close over zero on every bar in common, missing on {n_missing} of {count}"
        return ToolValue(None, count, reason)
    return MatchedPrices(logs, n_behind)
