"""What it costs to spread a trade over bars, from the bars' own volatility and volume and a stated spread.

Almgren and Chriss' best schedule in units that need no account: prices as fractions of the newest close,
quantities as multiples of a bar's usual volume, time in bars. How much haste costs is not measured here: it
is the paper's rule of thumb, and an estimate of impact from trades should replace it where there are trades.
"""

import math
from typing import Annotated, TypeAlias

from contracts.market import Bars
from tools.almgren_chriss import MarketImpact, Trajectory, expected_cost, trajectory, variance
from tools.parameters import Bounds
from tools.registry import ToolValue, estimate
from tools.square_root_impact import BPS, NO_VOLUME, bars_read, usual_volume
from tools.talib_guard import Period
from tools.volatility import realized_volatility

OrderPct: TypeAlias = Annotated[float, Bounds(0.01, 10_000)]
Intervals: TypeAlias = Annotated[int, Bounds(1, 500)]
SpreadBps: TypeAlias = Annotated[float, Bounds(0.01, 500)]
RiskAversion: TypeAlias = Annotated[float, Bounds(0, 1_000_000)]

_SHARE_OF_A_SPREAD, _SHARE_THAT_STAYS = 0.01, 0.1
"""Of a bar's volume: trading the one costs one spread more, trading the other moves the price by one."""
_ALL_OF_A_BAR = "a bar of this schedule trades more than a whole bar's usual volume"


@estimate(
    group="impact",
    unit="bps",
    reads=("close", "traded_volume"),
    min_bars=bars_read,
    undefined=NO_VOLUME,
)
def schedule_cost(
    bars: Bars,
    *,
    order_pct: OrderPct = 10.0,
    intervals: Intervals = 10,
    spread_bps: SpreadBps = 1.0,
    risk_aversion: RiskAversion = 50.0,
    period: Period = 100,
) -> ToolValue:
    """Expected cost of the best schedule over some bars, by Almgren and Chriss.

    Use it with `schedule_risk` to choose over how many bars to trade: more bars cost less and risk more. One
    interval is the cost of trading all of it at once. It takes impact as linear, which makes large shares
    dearer than `square_root_impact` does.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes and volumes are read.
    order_pct : float
        Size of the whole order in percent of the mean volume of one bar, 0.01 to 10000.
    intervals : int
        Over how many bars it is spread, 1 to 500; one trade a bar.
    spread_bps : float
        Usual distance of bid and ask in basis points of the price, 0.01 to 500.
    risk_aversion : float
        How much variance of the whole order's return is worth, 0 to 1000000. 0 spreads evenly, 50 is the
        paper's example, thousands trade most of it in the first bars.
    period : int
        Number of returns and volumes in the window, 2 to 1000.

    Returns
    -------
    float
        Basis points of the order's value, half the spread included; what is paid on average against the
        price before the first trade. One value, for the newest bar.

    Notes
    -----
    `expected_cost` of `trajectory` over the order, with V the mean volume and s the spread: epsilon = s / 2,
    eta = s / (0.01 V) (trading 1 % of a bar's volume in it costs a spread), gamma = s / (0.1 V) (10 % moves
    the price by one for good); these shares are the paper's, taken there of a day. `risk_aversion` is the
    paper's lambda times the value of the order: 1e-6 a dollar on 50 million dollars. sigma as in
    `square_root_impact`; it enters through the schedule alone.

    NaN policy and smallest sample: as `square_root_impact`. A warning where a trade is over a whole bar's
    usual volume. Look-ahead: none. Cost: one window and `intervals` steps.

    References
    ----------
    Almgren, R., Chriss, N. (2000). Optimal execution of portfolio transactions. Journal of Risk 3(2), 5-39,
    section 1.5, and Table 1 for the choice of parameters.
    """
    planned = _planned(bars, order_pct, intervals, spread_bps, risk_aversion, period)
    if planned is None:
        return ToolValue(None, bars_read(period=period))
    schedule, impact = planned
    cost = expected_cost(schedule, impact) / schedule.holdings[0]
    return _answer(cost, schedule, period)


@estimate(
    group="impact",
    unit="bps",
    reads=("close", "traded_volume"),
    min_bars=bars_read,
    undefined=NO_VOLUME,
)
def schedule_risk(
    bars: Bars,
    *,
    order_pct: OrderPct = 10.0,
    intervals: Intervals = 10,
    spread_bps: SpreadBps = 1.0,
    risk_aversion: RiskAversion = 50.0,
    period: Period = 100,
) -> ToolValue:
    """Risk of the best schedule over some bars, by Almgren and Chriss: how far its cost may be off.

    Use it beside `schedule_cost` with the same parameters: about one order in six costs more than the two
    together.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes and volumes are read.
    order_pct : float
        Size of the whole order in percent of the mean volume of one bar, 0.01 to 10000.
    intervals : int
        Over how many bars it is spread, 1 to 500; one trade a bar.
    spread_bps : float
        Usual distance of bid and ask in basis points of the price, 0.01 to 500.
    risk_aversion : float
        How much variance of the whole order's return is worth, 0 to 1000000; as for `schedule_cost`.
    period : int
        Number of returns and volumes in the window, 2 to 1000.

    Returns
    -------
    float
        Standard deviation of the cost in basis points of the order's value; 0 in one interval. One value, for
        the newest bar.

    Notes
    -----
    The square root of `variance` of the schedule that `schedule_cost` describes, over the order.

    NaN policy and smallest sample: as `square_root_impact`. A warning where a trade is over a whole bar's
    usual volume. Look-ahead: none. Cost: one window and `intervals` steps.

    References
    ----------
    Almgren, R., Chriss, N. (2000). Optimal execution of portfolio transactions. Journal of Risk 3(2), 5-39,
    section 1.4.
    """
    planned = _planned(bars, order_pct, intervals, spread_bps, risk_aversion, period)
    if planned is None:
        return ToolValue(None, bars_read(period=period))
    schedule, impact = planned
    risk = math.sqrt(variance(schedule, impact)) / schedule.holdings[0]
    return _answer(risk, schedule, period)


def _planned(
    bars: Bars, order_pct: float, intervals: int, spread_bps: float, risk_aversion: float, period: int
) -> tuple[Trajectory, MarketImpact] | None:
    """The schedule and its market in bars, fractions of price and bars' volumes; None without a volume."""
    newest = bars[len(bars) - bars_read(period=period) :]
    volatility = float(realized_volatility(newest, period=period)[-1])
    if not (math.isfinite(volatility) and math.isfinite(usual_volume(newest, period)[-1])):
        return None
    spread, order = spread_bps / BPS, order_pct / 100
    impact = MarketImpact(
        permanent=spread / _SHARE_THAT_STAYS,
        temporary=spread / _SHARE_OF_A_SPREAD,
        fixed=spread / 2,
        volatility=volatility,
    )
    schedule = trajectory(
        order, impact, horizon=float(intervals), intervals=intervals, risk_aversion=risk_aversion / order
    )
    return schedule, impact


def _answer(fraction: float, schedule: Trajectory, period: int) -> ToolValue:
    warnings = (_ALL_OF_A_BAR,) if schedule.trades.max() > 1 else ()
    return ToolValue(float(BPS * fraction), bars_read(period=period), None, warnings)
