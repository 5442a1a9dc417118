"""Bollinger's bands and what is read off them; the deviation divides by n, as Bollinger does.

Not TA-Lib's: it sums as it runs, so that one missing close would leave no band for the rest of the series
and a value would depend, in its last digits, on where the data begins.
"""

from typing import Annotated, TypeAlias

import numpy as np

from contracts.market import Bars, Float1D
from tools.parameters import Bounds
from tools.registry import tool
from tools.shared_bars import shared
from tools.talib_guard import Period, window
from tools.windows import rolling_moments

Deviations: TypeAlias = Annotated[float, Bounds(0.1, 10.0)]
_NO_WIDTH = "undefined: the bands have no width, every close in the window is the same"


@tool(group="volatility", unit="price", reads=("close",), min_bars=window)
def bollinger_upper(bars: Bars, *, period: Period = 20, deviations: Deviations = 2.0) -> Float1D:
    """Upper Bollinger band: the moving average of the close plus some standard deviations.

    Use it as the price over which a close is far from its usual range.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    period : int
        Window in bars, 2 to 1000; 20 is Bollinger's.
    deviations : float
        Width in standard deviations, 0.1 to 10; 2 is Bollinger's.

    Returns
    -------
    array of shape (n,)
        In price units of the instrument.

    Notes
    -----
    mean + deviations x s over the newest `period` closes, s with divisor n.

    NaN policy: unknown before bar `period` and while the window holds a missing close. Smallest sample:
    `period` bars. Look-ahead: none. Cost: n x `period`.

    References
    ----------
    Bollinger, J. (2001). Bollinger on Bollinger Bands.
    """
    return shared(_bands, bars, period, deviations)[0]


@tool(group="volatility", unit="price", reads=("close",), min_bars=window)
def bollinger_lower(bars: Bars, *, period: Period = 20, deviations: Deviations = 2.0) -> Float1D:
    """Lower Bollinger band: the moving average of the close less some standard deviations.

    Use it as the price under which a close is far from its usual range.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    period : int
        Window in bars, 2 to 1000; 20 is Bollinger's.
    deviations : float
        Width in standard deviations, 0.1 to 10; 2 is Bollinger's.

    Returns
    -------
    array of shape (n,)
        In price units of the instrument.

    Notes
    -----
    mean - deviations x s over the newest `period` closes, s with divisor n.

    NaN policy: unknown before bar `period` and while the window holds a missing close. Smallest sample:
    `period` bars. Look-ahead: none. Cost: n x `period`.

    References
    ----------
    Bollinger, J. (2001). Bollinger on Bollinger Bands.
    """
    return shared(_bands, bars, period, deviations)[2]


@tool(group="volatility", unit="fraction of the band", reads=("close",), min_bars=window, undefined=_NO_WIDTH)
def percent_b(bars: Bars, *, period: Period = 20, deviations: Deviations = 2.0) -> Float1D:
    """Bollinger's %B: where the close lies between the lower band (0) and the upper band (1).

    Use it to compare the place of price in its bands across instruments: under 0 it closed below the
    lower band, over 1 above the upper one.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    period : int
        Window in bars, 2 to 1000; 20 is Bollinger's.
    deviations : float
        Width in standard deviations, 0.1 to 10; 2 is Bollinger's.

    Returns
    -------
    array of shape (n,)
        A fraction, not a percentage; not bounded.

    Notes
    -----
    (close - lower) / (upper - lower).

    NaN policy: unknown before bar `period`, while the window holds a missing close, and where the bands have
    no width. Smallest sample: `period` bars. Look-ahead: none. Cost: n x `period`.

    References
    ----------
    Bollinger, J. (2001). Bollinger on Bollinger Bands.
    """
    upper, _, lower = shared(_bands, bars, period, deviations)
    return _ratio(bars.close - lower, upper - lower)


@tool(
    group="volatility",
    unit="fraction of the middle band",
    reads=("close",),
    min_bars=window,
    undefined="undefined: the middle band is not over zero",
)
def bandwidth(bars: Bars, *, period: Period = 20, deviations: Deviations = 2.0) -> Float1D:
    """Bollinger's BandWidth: the distance between the bands as a fraction of the middle one.

    Use it to see whether the market is quiet or wide for its own standards; a low value for the
    instrument often comes before a larger move, in either direction.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    period : int
        Window in bars, 2 to 1000; 20 is Bollinger's.
    deviations : float
        Width in standard deviations, 0.1 to 10; 2 is Bollinger's.

    Returns
    -------
    array of shape (n,)
        A fraction, 0 or more.

    Notes
    -----
    (upper - lower) / middle.

    NaN policy: unknown before bar `period`, while the window holds a missing close, and where the middle band
    is not over zero. Smallest sample: `period` bars. Look-ahead: none. Cost: n x `period`.

    References
    ----------
    Bollinger, J. (2001). Bollinger on Bollinger Bands.
    """
    upper, middle, lower = shared(_bands, bars, period, deviations)
    return _ratio(upper - lower, middle)


def _bands(bars: Bars, period: int, deviations: float) -> tuple[Float1D, Float1D, Float1D]:
    middle, variance = rolling_moments(bars.close, period, ddof=0)
    half = deviations * np.sqrt(variance)
    return middle + half, middle, middle - half


def _ratio(part: Float1D, whole: Float1D) -> Float1D:
    share: Float1D = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return share
