"""How far trading moves the price: the square-root law, and what Almgren and others measured on US shares.

The law holds, within a factor of order one, for shares, futures, options and Bitcoin, and it asks for three
things that bars have: volatility, volume and the size of the trade. What it says is an order of magnitude.

Its volume is everything that was traded in the market; of one broker's volume a share says little, and
nothing here can tell.
"""

import math
from dataclasses import dataclass
from typing import Annotated, TypeAlias

import numpy as np

from contracts.errors import ToolInputError
from contracts.market import Bars, Float1D
from tools.parameters import Bounds
from tools.registry import tool
from tools.shared_bars import shared
from tools.talib_guard import Period, changes
from tools.volatility import realized_volatility
from tools.windows import rolling_mean

SharePct: TypeAlias = Annotated[float, Bounds(0.001, 100)]
ImpactBps: TypeAlias = Annotated[float, Bounds(0.01, 1000)]
Coefficient: TypeAlias = Annotated[float, Bounds(0.1, 10)]

BPS = 10_000
NO_VOLUME = "undefined: no volume, a volume under zero, or a price at or under zero in the window"
_NOT_USABLE = "undefined: no price moved in the window, or a price at or under zero, or a volume under zero"
_PERMANENT, _TEMPORARY, _RATE_POWER, _TURNOVER_POWER = 0.314, 0.142, 3 / 5, 1 / 4
"""Gamma, eta, beta and delta as published; the powers are the fractions the paper settles on."""


@dataclass(frozen=True, slots=True)
class MeasuredImpact:
    """What one trade does to the price, in basis points."""

    permanent_bps: float
    """How far the price has moved once the trade is over and the market calm."""
    temporary_bps: float
    """How much worse the trade's mean price is than the price it leaves behind half way."""

    @property
    def realized_bps(self) -> float:
        """What the trade costs on average against the price before it."""
        return self.permanent_bps / 2 + self.temporary_bps


def bars_read(*, period: int, **_: float) -> int:
    """Bars that hold `period` returns, whatever else a tool is given."""
    return changes(period=period)


def usual_volume(bars: Bars, period: int) -> Float1D:
    """Mean volume of the newest `period` bars at each bar; NaN where one of them is missing or under zero.

    Use it as the volume that a share of the market is of.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; volumes are read.
    period : int
        Number of bars in the window, 2 to 1000.

    Returns
    -------
    array of shape (n,)
        In units of the volume column, over 0; NaN where nothing was traded in the window.

    Notes
    -----
    The plain mean; a bar without trades counts as one. Look-ahead: none. Cost: n x `period`.

    References
    ----------
    Almgren, R., Thum, C., Hauptmann, E., Li, H. (2005). Direct estimation of equity market impact. Risk
    18(7), 58-62: average volume.
    """
    mean = rolling_mean(np.where(bars.volume >= 0, bars.volume, np.nan), period)
    return np.where(mean > 0, mean, np.nan)


@tool(
    group="impact",
    unit="bps",
    reads=("close", "traded_volume"),
    min_bars=bars_read,
    undefined=NO_VOLUME,
)
def square_root_impact(
    bars: Bars, *, share_pct: SharePct = 10.0, period: Period = 100, coefficient: Coefficient = 1.0
) -> Float1D:
    """Impact by the square-root law: how far trading a share of a bar's usual volume moves the price.

    Use it for the order of magnitude of what a large trade does to the market; add half the spread. Four
    times the size moves the price twice as far. For how much may be traded take `impact_capacity`, for a
    trade that is spread over bars `schedule_cost`.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes and volumes are read.
    share_pct : float
        Size of the trade in percent of the mean volume of a bar, 0.001 to 100.
    period : int
        Number of returns and volumes in the window, 2 to 1000.
    coefficient : float
        Y of the law, 0.1 to 10; near 1 in most markets.

    Returns
    -------
    array of shape (n,)
        Basis points of the price, 0 or more: where the price is when the whole is done. The mean price paid
        is about two thirds of the way there.

    Notes
    -----
    10,000 Y sigma sqrt(Q / V): sigma the root mean square of the newest `period` log returns, V their bars'
    mean volume, Q / V = `share_pct` / 100. sigma / sqrt(V) is the same for bars of any length, so that the
    bar need not be a day. Measured for trades of about a thousandth to a fifth of a day's volume; under and
    over that it is an extrapolation. The two thirds are the mean of sqrt(x) over a trade done at an even
    pace. V cancels where the size is a share of it; it is read because without it the share means nothing.

    NaN policy: unknown before bar `period` + 1 and while the window holds a close or volume that is missing,
    a close not over zero, a volume under zero, or no volume at all. Smallest sample: `period` + 1 bars.
    Look-ahead: none. Cost: n x `period`.

    References
    ----------
    Toth, B., Lemperiere, Y., Deremble, C., de Lataillade, J., Kockelkoren, J., Bouchaud, J.-P. (2011).
    Anomalous price impact and the critical nature of liquidity in financial markets. Physical Review X 1,
    021006, equation 1.
    Bouchaud, J.-P., Farmer, J. D., Lillo, F. (2009). How markets slowly digest changes in supply and demand.
    Handbook of Financial Markets: Dynamics and Evolution, 57-160.
    """
    is_traded = np.isfinite(shared(usual_volume, bars, period))
    moved = BPS * coefficient * math.sqrt(share_pct / 100) * shared(realized_volatility, bars, period=period)
    return np.where(is_traded, moved, np.nan)


@tool(
    group="impact",
    unit="volume",
    reads=("close", "traded_volume"),
    min_bars=bars_read,
    undefined=_NOT_USABLE,
)
def impact_capacity(
    bars: Bars, *, impact_bps: ImpactBps = 5.0, period: Period = 100, coefficient: Coefficient = 1.0
) -> Float1D:
    """Capacity by the square-root law: how much may be traded before the price has moved so far.

    Use it to see whether a quantity is small for its market: well under the capacity of the impact one can
    bear, it is. It is `square_root_impact` the other way round; halving the impact leaves a quarter.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes and volumes are read.
    impact_bps : float
        How far the price may move, in basis points, 0.01 to 1000.
    period : int
        Number of returns and volumes in the window, 2 to 1000.
    coefficient : float
        Y of the law, 0.1 to 10; near 1 in most markets.

    Returns
    -------
    array of shape (n,)
        Quantity, in units of the bars' volume.

    Notes
    -----
    Q = V (impact / (10,000 Y sigma))^2, sigma and V as for `square_root_impact`. A capacity of much over a
    fifth of a day's volume lies beyond what the law was measured on.

    NaN policy: as `square_root_impact`, and unknown where no close of the window moved. Smallest sample:
    `period` + 1 bars. Look-ahead: none. Cost: n x `period`.

    References
    ----------
    Toth, B., Lemperiere, Y., Deremble, C., de Lataillade, J., Kockelkoren, J., Bouchaud, J.-P. (2011).
    Anomalous price impact and the critical nature of liquidity in financial markets. Physical Review X 1,
    021006, equation 1.
    """
    volatility = shared(realized_volatility, bars, period=period)
    usable = np.where(volatility > 0, volatility, np.nan)
    return shared(usual_volume, bars, period) * np.square(impact_bps / (BPS * coefficient * usable))


def equity_impact(
    day_share: float, *, days: float, volatility: float, inverse_turnover: float
) -> MeasuredImpact:
    """Impact of a trade in a US share, by the law and the figures that Almgren and others measured.

    Use it for shares whose number outstanding is known, and as a check on the square-root law elsewhere.

    Parameters
    ----------
    day_share : float
        Size of the trade over the mean volume of a day, over 0.
    days : float
        How long it is traded for at an even pace, over 0.
    volatility : float
        Standard deviation of a day's return, as a fraction.
    inverse_turnover : float
        Shares outstanding over the mean volume of a day, over 0.

    Returns
    -------
    MeasuredImpact
        Basis points of the price; all of them costs, for a purchase and a sale alike.

    Notes
    -----
    permanent = 0.314 sigma (X / V) (Theta / V)^(1/4), temporary = 0.142 sigma (X / (V T))^(3/5), and the
    trade pays half the permanent and all of the temporary one. Measured on one bank's orders
    in US shares of 2001 to 2003. Smallest sample: none. Look-ahead: none.

    References
    ----------
    Almgren, R., Thum, C., Hauptmann, E., Li, H. (2005). Direct estimation of equity market impact. Risk
    18(7), 58-62, sections 4.2 and 4.3.
    """
    given = {
        "day_share": day_share,
        "days": days,
        "volatility": volatility,
        "inverse_turnover": inverse_turnover,
    }
    for name, value in given.items():
        if not (math.isfinite(value) and value > 0):
            raise ToolInputError(f"expected {name} over zero, found {value!r}; give one", parameter=name)
    permanent = _PERMANENT * volatility * day_share * inverse_turnover**_TURNOVER_POWER
    temporary = _TEMPORARY * volatility * (day_share / days) ** _RATE_POWER
    return MeasuredImpact(BPS * permanent, BPS * temporary)
