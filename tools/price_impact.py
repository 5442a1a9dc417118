"""How far price moves for what is traded: Kyle's lambda from trades, Amihud's ratio from bars."""

from typing import Annotated

import numpy as np

from contracts.market import Bars, Float1D
from contracts.ticks import Trades
from tools.parameters import Bounds
from tools.registry import ToolValue, estimate, tool
from tools.slope import Slope, fit_slope
from tools.talib_guard import Period, changes
from tools.tick_rows import lacking
from tools.trade_signs import ByTicks, signs_of
from tools.windows import rolling_mean

_BPS_PER_MILLION = 1e4 * 1e6


def fit_kyle(price: Float1D, signed_volume: Float1D, trades_per_step: int) -> Slope | None:
    """Slope of the change of price on signed volume, over steps of so many trades.

    Use it on any span of trades; `kyle_lambda` is its value on the newest ones.

    Parameters
    ----------
    price : array of shape (steps x trades_per_step + 1,)
        Prices of trades, oldest first, all finite.
    signed_volume : array of the same shape
        Quantity, positive where bought, negative where sold; the first is not read.
    trades_per_step : int
        Trades in one step, 1 or more.

    Returns
    -------
    Slope or None
        Price per unit of volume; None where the signed volume is the same in every step.

    Notes
    -----
    p_k - p_{k-1} = constant + lambda q_k + e_k, p_k the last price of step k, q_k its signed volume. Prices
    that bounce between bid and ask go with the sign of the newest trade, which raises lambda when a step is
    only a few trades. Look-ahead: none. Cost: n steps.

    References
    ----------
    Kyle, A. S. (1985). Continuous auctions and insider trading. Econometrica 53(6), 1315-1335: lambda.
    Hasbrouck, J. (2007). Empirical Market Microstructure: the regression of changes on signed volume.
    """
    flow = signed_volume[1:].reshape(-1, trades_per_step).sum(axis=1)
    return fit_slope(flow, np.diff(price[::trades_per_step]))


def _trades_for(*, steps: int, trades_per_step: int, by_ticks: int) -> int:  # noqa: ARG001
    return steps * trades_per_step + 1


@estimate(
    group="microstructure",
    unit="price per volume",
    min_bars=_trades_for,
    undefined="undefined: the signed volume is the same in every step",
)
def kyle_lambda(
    trades: Trades,
    *,
    steps: Annotated[int, Bounds(10, 10_000)] = 100,
    trades_per_step: Annotated[int, Bounds(1, 1000)] = 20,
    by_ticks: ByTicks = 0,
) -> ToolValue:
    """Kyle's lambda: by how much price rises for each unit that buyers take more than sellers.

    Use it to see how deep a market is: the larger, the more an order moves it. Times a quantity it is a
    rough cost of impact in price. It says what went together, not what caused what.

    Parameters
    ----------
    trades : Trades
        Oldest first; prices, quantities and aggressors are read.
    steps : int
        Steps of the regression, 10 to 10000.
    trades_per_step : int
        Trades in one step, 1 to 1000.
    by_ticks : int
        0: signs are the source's aggressors. 1: signs by the tick rule, which follows price by itself and
        makes lambda too large.

    Returns
    -------
    float
        Price units for one unit of quantity; its error is warned of where it is large. One value, for the
        newest trade.

    Notes
    -----
    `fit_kyle` on the newest `steps` x `trades_per_step` + 1 trades. A warning with the standard error where
    lambda is less than two of them from zero.

    NaN policy: none while one of these trades lacks price, quantity or sign. Smallest sample: as many
    trades. Look-ahead: none. Cost: as many steps.

    References
    ----------
    Kyle, A. S. (1985). Continuous auctions and insider trading. Econometrica 53(6), 1315-1335.
    """
    count = steps * trades_per_step + 1
    newest = trades[len(trades) - count :]
    reason = lacking(newest, "price", "quantity")
    signs = reason or signs_of(trades, count, by_ticks)
    if isinstance(signs, str):
        return ToolValue(None, count, signs)
    fit = fit_kyle(newest.price, signs * newest.quantity, trades_per_step)
    return ToolValue(fit.value, count, None, fit.warnings) if fit else ToolValue(None, count)


@tool(
    group="microstructure",
    unit="bps per million traded",
    reads=("close", "traded_volume"),
    min_bars=changes,
    undefined="undefined: a bar without volume, or a price at or under zero",
)
def amihud_illiquidity(bars: Bars, *, period: Period = 20) -> Float1D:
    """Amihud's illiquidity: how many basis points price moves a bar for each million that is traded.

    Use it to compare how easily a market moves, now and before or beside another quoted in the same
    currency. It needs volume that was traded: a count of ticks makes it meaningless.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; close and volume are read.
    period : int
        Number of returns in the window, 2 to 1000.

    Returns
    -------
    array of shape (n,)
        0 or more, basis points for a million of the quote currency, a contract's multiplier left out.

    Notes
    -----
    1e10 mean of |close_i / close_{i-1} - 1| / (close_i volume_i) over the newest `period` bars. The paper
    averages daily figures over a year and multiplies by 1e6. It leaves out days without volume; here such a
    bar makes its windows unknown.

    NaN policy: unknown before bar `period` + 1 and while the window holds a bar whose volume is missing or
    not over zero, or a close that is missing or not over zero. Smallest sample: `period` + 1 bars.
    Look-ahead: none. Cost: n x `period`.

    References
    ----------
    Amihud, Y. (2002). Illiquidity and stock returns: cross-section and time-series effects. Journal of
    Financial Markets 5(1), 31-56, equation 1.
    """
    close, volume = _over_zero(bars.close), _over_zero(bars.volume)
    ratio = np.full(len(bars), np.nan)
    ratio[1:] = np.abs(close[1:] / close[:-1] - 1) / (close * volume)[1:]
    return _BPS_PER_MILLION * rolling_mean(ratio, period)


def _over_zero(values: Float1D) -> Float1D:
    return np.where(np.isfinite(values) & (values > 0), values, np.nan)
