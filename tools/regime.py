"""What kind of market it is: calm or stressed beside its own past, and one bet or two beside another market.

Plain measures that need no fit, for a voter who asks whether a signal suits the market it stands in.
`return_correlation` is no registered tool: it compares two instruments, and the report calls it for those
that the account holds.
"""

from typing import Annotated, TypeAlias

import numpy as np

from contracts.market import Bars, Float1D
from contracts.records import FormulaReport
from tools.log_prices import log_returns
from tools.pairs import MIN_COMMON, matched_closes
from tools.parameters import Bounds
from tools.percentile_rank import percentile_rank
from tools.registry import ToolValue, tool
from tools.talib_guard import Period
from tools.technical_score import ADX_TRENDING
from tools.volatility import realized_volatility

Window: TypeAlias = Annotated[int, Bounds(20, 1000)]

CALM, STRESSED = 20.0, 80.0
"""Percentiles of volatility that begin the outer fifths."""


def _bars_for(*, period: int, window: int) -> int:
    return period + window


@tool(group="regime", unit="percent", reads=("close",), min_bars=_bars_for)
def volatility_percentile(bars: Bars, *, period: Period = 20, window: Window = 250) -> Float1D:
    """Place of the newest realized volatility among its own past: is this market calm or stressed.

    Use it before sizes and stops are trusted that were set in another volatility: over 90 the market moves
    more than in nine of ten of the bars before.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    period : int
        Returns behind each volatility, 2 to 1000.
    window : int
        Volatilities it is ranked among, itself included, 20 to 1000.

    Returns
    -------
    array of shape (n,)
        Percent, 0 to 100: those under it, and half of those equal to it.

    Notes
    -----
    100 (n_under + (n_equal - 1) / 2) / (window - 1) over the newest `window` values of `realized_volatility`.
    Neighbouring volatilities share most of their returns, so that the rank moves slowly.

    NaN policy: unknown while a volatility of the window is. Smallest sample: `period` + `window` bars.
    Look-ahead: none. Cost: n x window.

    References
    ----------
    Conover, W. J. (1999). Practical Nonparametric Statistics, 3rd edition: equal values share their ranks.
    """
    values = realized_volatility(bars, period=period)
    out = np.full(len(values), np.nan)
    if len(values) < window:
        return out
    views = np.lib.stride_tricks.sliding_window_view(values, window)
    out[window - 1 :] = percentile_rank(views[:, -1], views[:, :-1])
    return out


def return_correlation(one: Bars, other: Bars, *, window: int) -> ToolValue:
    """Correlation of two instruments' log returns over the newest bars that both have.

    Use it to see whether a new position adds a second bet or doubles one that is held.

    Parameters
    ----------
    one, other : Bars
        Closed bars of one timeframe, oldest first; times and closes are read.
    window : int
        Most returns counted.

    Returns
    -------
    ToolValue
        Pearson's correlation, -1 to 1, and how many returns it rests on; None with the reason.

    Notes
    -----
    Bars are matched by close time, and returns are taken between neighbours of what is matched, so that
    both cover the same time. Its standard error is about (1 - r^2) / sqrt(n). Look-ahead: none.

    References
    ----------
    Pearson, K. (1895). Note on regression and inheritance in the case of two parents. Proceedings of the
    Royal Society of London 58.
    """
    ours, theirs, _ = matched_closes(one, other)
    first = max(len(ours) - window - 1, 0)
    returns = np.array([log_returns(ours[first:]), log_returns(theirs[first:])])
    returns = returns[:, np.isfinite(returns).all(axis=0)]
    n_obs = returns.shape[1]
    if n_obs < MIN_COMMON:
        return ToolValue(None, n_obs, f"needs {MIN_COMMON} returns in common, has {n_obs}")
    if not (returns.std(axis=1) > 0).all():
        return ToolValue(None, n_obs, "undefined: one of the two did not move")
    return ToolValue(float(np.corrcoef(returns)[0, 1]), n_obs)


def regime_in_words(report: FormulaReport) -> str:
    """What kind of market the evidence of a report tells of, in a few words.

    ADX over 25 is a trend (Wilder, 1978); calm and stressed are the outer fifths of volatility's percentile.
    """
    known = {row.evidence_id: row.value for row in report.evidence if row.value is not None}
    words = []
    if (adx := known.get("adx")) is not None:
        words.append("trending" if adx > ADX_TRENDING else "ranging")
    if (percentile := known.get("volatility_percentile")) is not None:
        words.append(
            "calm" if percentile < CALM else "stressed" if percentile > STRESSED else "of usual volatility"
        )
    higher = report.score.higher_trend
    words.append("no higher trend" if higher is None else f"higher trend {higher}")
    return ", ".join(words)
