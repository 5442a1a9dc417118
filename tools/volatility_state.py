"""The state of volatility in plain figures: calm or stressed, rising or falling, steady or restless."""

from typing import Annotated, TypeAlias

import numpy as np

from contracts.errors import ToolInputError
from contracts.market import Bars, Float1D
from tools.log_prices import NOT_POSITIVE
from tools.parameters import Bounds
from tools.regime import CALM, STRESSED, volatility_percentile
from tools.registry import tool
from tools.shared_bars import shared
from tools.talib_guard import NEVER_MOVED, Period
from tools.volatility import realized_volatility
from tools.windows import rolling_variance

Window: TypeAlias = Annotated[int, Bounds(20, 1000)]
Blocks: TypeAlias = Annotated[int, Bounds(5, 100)]

_CALM_ENDS, _STRESS_ENDS = 30.0, 70.0


def _bars_for_regime(*, period: int, window: int) -> int:
    return period + 2 * window - 1


def _bars_for_blocks(*, period: int, blocks: int) -> int:
    return period * blocks + 1


def _bars_for_ratio(*, short: int, long: int) -> int:
    if short >= long:
        raise ToolInputError(
            f"expected short under long, found {short} and {long}; shorten the one or lengthen the other"
        )
    return long + 1


@tool(group="volatility", unit="mark", reads=("close",), min_bars=_bars_for_regime, undefined=NOT_POSITIVE)
def volatility_regime(bars: Bars, *, period: Period = 20, window: Window = 120) -> Float1D:
    """Regime of volatility: 1 stressed, 0 usual, -1 calm, held until volatility has clearly come back.

    Use it as a switch, for sizes, stops or strategies that suit one kind of market: it does not flicker where
    `volatility_percentile` wavers around a threshold.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    period : int
        Returns behind each volatility, 2 to 1000.
    window : int
        Volatilities each is ranked among, and bars a regime is remembered, 20 to 1000.

    Returns
    -------
    array of shape (n,)
        -1, 0 or 1.

    Notes
    -----
    Stressed from a `volatility_percentile` over 80 on, until one under 70; calm from one under 20 on, until
    one over 30: outer fifths with a band of ten to come back over, a choice. A regime whose last percentile
    beyond its outer threshold is `window` bars or more old has ended, so that no value depends on where the
    data begins. Half of all bars of a volatility that never changes are outside 0 too: it is a place among
    the past and no test. Cost: n x `window`.

    NaN policy: unknown while a percentile of the newest `window` is. Smallest sample: `period` + 2 `window`
    - 1 bars. Look-ahead: none.

    References
    ----------
    Schmitt, O. H. (1938). A thermionic trigger. Journal of Scientific Instruments 15(1): two thresholds.
    """
    percentiles = shared(volatility_percentile, bars, period=period, window=window)
    return held_marks(percentiles, window)


def held_marks(percentiles: Float1D, memory: int) -> Float1D:
    """-1, 0 or 1 for each percentile, held over the band between the thresholds.

    Use it on percentiles of anything that has calm and stressed times.

    Parameters
    ----------
    percentiles : array of shape (n,)
        0 to 100, NaN where unknown.
    memory : int
        Places after which an outer percentile is forgotten, 1 or more.

    Returns
    -------
    array of shape (n,)
        NaN while one of the newest `memory` is unknown.

    Notes
    -----
    1 where one of the newest `memory` is over 80 and none since it under 70; -1 where one is under 20 and
    none since it over 30. Look-ahead: none. Cost: n steps.

    References
    ----------
    Schmitt, O. H. (1938). A thermionic trigger. Journal of Scientific Instruments 15(1): two thresholds.
    """
    marks = np.full(len(percentiles), np.nan)
    known = stress_until = calm_until = 0
    for i, percentile in enumerate(percentiles.tolist()):
        known = known + 1 if 0 <= percentile <= 100 else 0
        if percentile > STRESSED:
            stress_until = i + memory
        elif not percentile >= _STRESS_ENDS:
            stress_until = 0
        if percentile < CALM:
            calm_until = i + memory
        elif not percentile <= _CALM_ENDS:
            calm_until = 0
        if known >= memory:
            marks[i] = float(i < stress_until) - float(i < calm_until)
    return marks


@tool(
    group="volatility",
    unit="log volatility",
    reads=("close",),
    min_bars=_bars_for_blocks,
    undefined=NEVER_MOVED,
)
def volatility_of_volatility(bars: Bars, *, period: Period = 20, blocks: Blocks = 12) -> Float1D:
    """Volatility of volatility: how much realized volatility changes from one stretch of time to the next.

    Use it to see how far a forecast of volatility, and a stop or size made with it, can be trusted: at 0.2
    volatility is steady, over 0.5 a stretch often moves twice or half as much as the one before.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    period : int
        Returns in a stretch, 2 to 1000; a day's number of bars takes the time of day out.
    blocks : int
        Stretches compared, one after the other, 5 to 100.

    Returns
    -------
    array of shape (n,)
        Standard deviation of the logarithm of volatility: 0.1 is about ten percent of its level.

    Notes
    -----
    Sample standard deviation (divisor `blocks` - 1) of ln `realized_volatility` of the newest `blocks`
    stretches of `period` returns, which have no return in common. Each is measured from `period` returns
    only: normal returns of a volatility that never changes give about 1 / sqrt(2 period), 0.16 for 20, and
    fat tails more.

    NaN policy: unknown while one of these bars holds a close that is missing or not over zero, and while no
    price moved in one of the stretches. Smallest sample: `period` x `blocks` + 1 bars. Look-ahead: none.
    Cost: n x (`period` + `blocks`).

    References
    ----------
    Corsi, F., Mittnik, S., Pigorsch, C., Pigorsch, U. (2008). The volatility of realized volatility.
    Econometric Reviews 27(1-3), 46-78: why it matters; the figure here is the plain one.
    """
    volatility = shared(realized_volatility, bars, period=period)
    logs = np.log(volatility, out=np.full(len(volatility), np.nan), where=volatility > 0)
    out = np.full(len(logs), np.nan)
    for phase in range(min(period, len(logs))):
        out[phase::period] = np.sqrt(rolling_variance(logs[phase::period], blocks, ddof=1))
    return out


@tool(group="volatility", unit="ratio", reads=("close",), min_bars=_bars_for_ratio, undefined=NEVER_MOVED)
def volatility_ratio(bars: Bars, *, short: Period = 10, long: Period = 60) -> Float1D:
    """Short over long realized volatility: over 1 the market moves more than it did, under 1 less.

    Use it to see a burst begin or fade before the long average shows it. Volatility tends to come back to its
    mean: a ratio far from 1 seldom lasts.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    short : int
        Returns in the short window, 2 to 1000, under `long`.
    long : int
        Returns in the long window, 2 to 1000; the short one is part of it.

    Returns
    -------
    array of shape (n,)
        Without unit, 0 to sqrt(`long` / `short`).

    Raises
    ------
    ToolInputError
        When `short` is not under `long`.

    Notes
    -----
    `realized_volatility` of `short` returns over that of `long`. With a volatility that never changes and
    normal returns its standard error is about sqrt((1 / short - 1 / long) / 2), 0.2 with the defaults.

    NaN policy: unknown while the long window holds a close that is missing or not over zero, or no move.
    Smallest sample: `long` + 1 bars. Look-ahead: none. Cost: n x `long`.

    References
    ----------
    Andersen, T. G., Bollerslev, T., Diebold, F. X., Labys, P. (2003). Modeling and forecasting realized
    volatility. Econometrica 71(2): realized volatility.
    """
    _bars_for_ratio(short=short, long=long)
    above, below = (shared(realized_volatility, bars, period=period) for period in (short, long))
    out = np.full(len(above), np.nan)
    np.divide(above, below, out=out, where=below > 0)
    return out
