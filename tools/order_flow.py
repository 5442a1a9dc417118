"""What the best quotes tell of the next move: order-flow imbalance, queue imbalance, weighted mid.

These need the sizes at the best bid and ask. A source without them has none of these figures.
"""

from typing import Annotated, TypeAlias

import numpy as np

from contracts.market import Float1D
from contracts.ticks import Quotes
from tools.parameters import Bounds
from tools.registry import ToolValue, estimate
from tools.slope import fit_slope
from tools.tick_rows import lacking, lacking_a_mid, mid_of, newest_seconds, standing_at

Seconds: TypeAlias = Annotated[float, Bounds(0.1, 3600.0)]

_EMPTY = "undefined: nothing is offered at the best bid and ask"


def flow_events(quotes: Quotes) -> Float1D:
    """What each change of the best quotes added to demand, less what it added to supply.

    Use it to sum order flow over any window; `order_flow_imbalance` is its sum over the newest seconds.

    Parameters
    ----------
    quotes : Quotes
        Oldest first; bids, asks and their sizes are read.

    Returns
    -------
    array of shape (n - 1,)
        Quantity; NaN beside a quote that is not whole.

    Notes
    -----
    e_n = [b_n >= b_{n-1}] q_n - [b_n <= b_{n-1}] q_{n-1} - [a_n <= a_{n-1}] r_n + [a_n >= a_{n-1}] r_{n-1},
    b and a the best bid and ask, q and r their sizes. Look-ahead: none. Cost: n steps.

    References
    ----------
    Cont, R., Kukanov, A., Stoikov, S. (2014). The price impact of order book events. Journal of Financial
    Econometrics 12(1), 47-88, section 2.
    """
    bid, ask = np.diff(quotes.bid), np.diff(quotes.ask)
    demand = (bid >= 0) * quotes.bid_size[1:] - (bid <= 0) * quotes.bid_size[:-1]
    supply = (ask <= 0) * quotes.ask_size[1:] - (ask >= 0) * quotes.ask_size[:-1]
    events: Float1D = demand - supply
    events[~np.isfinite(bid + ask + events)] = np.nan
    return events


def _two(**_: float) -> int:
    return 2


def _one() -> int:
    return 1


@estimate(group="microstructure", unit="volume", min_bars=_two)
def order_flow_imbalance(quotes: Quotes, *, seconds: Seconds = 10.0) -> ToolValue:
    """Order-flow imbalance: demand that came at the best quotes less supply, trades and orders alike.

    Use it beside price: moves over seconds to minutes go with it almost in a straight line. Over 0 buyers
    pushed. A move without it has little behind it.

    Parameters
    ----------
    quotes : Quotes
        Oldest first; times, bids, asks and sizes are read.
    seconds : float
        Time up to the newest quote, 0.1 to 3600.

    Returns
    -------
    float
        Quantity, over 0 where demand grew. One value, for the newest quote.

    Notes
    -----
    Sum of `flow_events` of the changes in the window. A source that sends some changes and not others (once
    in 100 ms) nets those between: what moved and came back is not seen.

    NaN policy: none while one of these quotes is not whole. Smallest sample: quotes over `seconds`.
    Look-ahead: none. Cost: one step a quote.

    References
    ----------
    Cont, R., Kukanov, A., Stoikov, S. (2014). The price impact of order book events. Journal of Financial
    Econometrics 12(1), 47-88, section 2.
    """
    newest = _whole(quotes, seconds)
    if isinstance(newest, ToolValue):
        return newest
    return ToolValue(float(flow_events(newest).sum()), len(newest))


@estimate(
    group="microstructure",
    unit="price per volume",
    min_bars=_two,
    undefined="undefined: the order flow is the same in every window",
)
def order_flow_slope(
    quotes: Quotes,
    *,
    seconds: Annotated[float, Bounds(0.1, 600.0)] = 10.0,
    windows: Annotated[int, Bounds(10, 5000)] = 60,
) -> ToolValue:
    """Slope of the mid on order-flow imbalance: how far it moves for one unit of net demand.

    Use it as the depth of the market seen from its quotes: the larger, the thinner. Times
    `order_flow_imbalance` it is the move that this flow usually goes with.

    Parameters
    ----------
    quotes : Quotes
        Oldest first; times, bids, asks and sizes are read.
    seconds : float
        Length of one window, 0.1 to 600.
    windows : int
        Windows of the regression, up to the newest quote, 10 to 5000.

    Returns
    -------
    float
        Price units for one unit of quantity; its error is warned of where it is large. One value, for the
        newest quote.

    Notes
    -----
    Least squares of the change of the mid on the order-flow imbalance of the same window, with a constant.
    In a book of equal depth D at every price it is half a tick for D. It says what went together: the flow
    of a window does not forecast the next one's move.

    NaN policy: none while one of these quotes is not whole. Smallest sample: quotes over `windows` x
    `seconds`. Look-ahead: none. Cost: one step a quote.

    References
    ----------
    Cont, R., Kukanov, A., Stoikov, S. (2014). The price impact of order book events. Journal of Financial
    Econometrics 12(1), 47-88, section 2.
    """
    newest = _whole(quotes, seconds * windows)
    if isinstance(newest, ToolValue):
        return newest
    ends = int(newest.time[-1]) - np.round(np.arange(windows, -1, -1) * seconds * 1000).astype(np.int64)
    place = standing_at(ends, newest)
    flow = np.diff(np.append(0.0, np.cumsum(flow_events(newest)))[place])
    fit = fit_slope(flow, np.diff(mid_of(newest)[place]))
    n_obs = len(newest)
    return ToolValue(fit.value, n_obs, None, fit.warnings) if fit else ToolValue(None, n_obs)


@estimate(group="microstructure", unit="share of size", min_bars=_one, undefined=_EMPTY)
def queue_imbalance(quotes: Quotes) -> ToolValue:
    """Queue imbalance: how much more is bid than offered at the best prices, now.

    Use it for the next tick only: near 1 the ask is likely to give way first, near -1 the bid. It changes
    within milliseconds, and sizes can be shown without being meant.

    Parameters
    ----------
    quotes : Quotes
        Oldest first; bid, ask and both sizes of the newest one are read.

    Returns
    -------
    float
        From -1 (all is offered) to 1 (all is bid). One value, for the newest quote.

    Notes
    -----
    (q - r) / (q + r), q the size bid and r the size offered.

    NaN policy: none while a price or a size is missing or the quote crosses. Smallest sample: 1 quote.
    Look-ahead: none. Cost: one step.

    References
    ----------
    Gould, M. D., Bonart, J. (2016). Queue imbalance as a one-tick-ahead price predictor in a limit order
    book. Market Microstructure and Liquidity 2(2).
    """
    newest = quotes[len(quotes) - 1 :]
    reason = lacking_a_mid(newest) or lacking(newest, "bid_size", "ask_size")
    bid, ask = newest.bid_size[0], newest.ask_size[0]
    if reason or not bid + ask > 0:
        return ToolValue(None, 1, reason)
    return ToolValue(float((bid - ask) / (bid + ask)), 1)


@estimate(group="microstructure", unit="price", min_bars=_one, undefined=_EMPTY)
def microprice(quotes: Quotes) -> ToolValue:
    """Weighted mid: bid and ask, each weighed by the size on the other side.

    Use it as a better guess than the mid of where the next trades are: it leans to the side that is about
    to give way.

    Parameters
    ----------
    quotes : Quotes
        Oldest first; bid, ask and both sizes of the newest one are read.

    Returns
    -------
    float
        Price, from bid to ask. One value, for the newest quote.

    Notes
    -----
    (a q + b r) / (q + r), b and a the best bid and ask, q and r their sizes. This is what the paper calls
    the weighted mid; its own micro-price corrects it by what earlier quotes were followed by, which needs a
    fit.

    NaN policy: none while a price or a size is missing or the quote crosses. Smallest sample: 1 quote.
    Look-ahead: none. Cost: one step.

    References
    ----------
    Stoikov, S. (2018). The micro-price: a high-frequency estimator of future prices. Quantitative Finance
    18(12), 1959-1966: the weighted mid of its introduction.
    """
    newest = quotes[len(quotes) - 1 :]
    reason = lacking_a_mid(newest) or lacking(newest, "bid_size", "ask_size")
    bid, ask = newest.bid_size[0], newest.ask_size[0]
    if reason or not bid + ask > 0:
        return ToolValue(None, 1, reason)
    width = newest.ask[0] - newest.bid[0]
    return ToolValue(float(newest.bid[0] + width * (bid / (bid + ask))), 1)


def _whole(quotes: Quotes, seconds: float) -> Quotes | ToolValue:
    newest = newest_seconds(quotes, seconds)
    if isinstance(newest, str):
        return ToolValue(None, len(quotes), newest)
    reason = lacking_a_mid(newest) or lacking(newest, "bid_size", "ask_size")
    return ToolValue(None, len(newest), reason) if reason else newest
