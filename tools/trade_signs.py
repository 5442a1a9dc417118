"""Who began a trade: what the source says, or what prices tell.

A source with an aggressor (crypto venues) is taken at its word. Where it has none, `trade_signs` reads quotes
by the rule of Lee and Ready and `tick_rule` the trades alone; a tool does so only when it is asked to.
"""

from typing import Annotated, TypeAlias

import numpy as np

from contracts.errors import ToolInputError
from contracts.market import Float1D, Int1D
from contracts.ticks import Quotes, Trades
from tools.parameters import Bounds
from tools.registry import ToolValue, estimate
from tools.tick_rows import lacking, mid_of, quote_before

ByTicks: TypeAlias = Annotated[int, Bounds(0, 1)]


def tick_rule(price: Float1D) -> Int1D:
    """Sign of each trade from the trades alone: the direction of the last change of price.

    Use it where there is neither an aggressor nor a quote. It errs more often than quotes do.

    Parameters
    ----------
    price : array of shape (n,)
        Prices of trades, oldest first.

    Returns
    -------
    array of shape (n,)
        +1 bought, -1 sold, 0 before the first change.

    Notes
    -----
    An uptick is a buy, a downtick a sale, an unchanged price repeats the sign before it.

    NaN policy: 0 on a missing price and until the next change between two known ones. Smallest sample: 2
    trades. Look-ahead: none. Cost: n steps.

    References
    ----------
    Lee, C. M. C., Ready, M. J. (1991). Inferring trade direction from intraday data. Journal of Finance
    46(2), 733-746: the tick test.
    """
    moves = np.sign(np.diff(np.where(np.isfinite(price), price, np.nan), prepend=price[:1]))
    last = np.maximum.accumulate(np.where(moves != 0, np.arange(len(moves)), 0))
    return np.nan_to_num(moves[last]).astype(np.int64)


def trade_signs(trades: Trades, quotes: Quotes) -> Int1D:
    """Sign of each trade by Lee and Ready: over the mid it was bought, under it sold, at it the tick rule.

    Use it where the source does not say who the aggressor was.

    Parameters
    ----------
    trades : Trades
        Oldest first; times and prices are read.
    quotes : Quotes
        Oldest first; times, bids and asks are read, sizes are not.

    Returns
    -------
    array of shape (n,)
        +1 bought, -1 sold, 0 where it cannot be told.

    Notes
    -----
    The quote is the newest one of an earlier millisecond. The paper takes one at least five seconds old,
    for the trade reports of its time came late; machines' clocks do not.

    NaN policy: 0 where price or quote is missing, where no quote came before, where the quotes cross, and at
    the mid before the first change of price. Smallest sample: none. Look-ahead: none. Cost: n log m steps.

    References
    ----------
    Lee, C. M. C., Ready, M. J. (1991). Inferring trade direction from intraday data. Journal of Finance
    46(2), 733-746.
    """
    if not len(quotes):
        return np.zeros(len(trades), dtype=np.int64)
    place = quote_before(trades.time, quotes)
    mid = np.where(quotes.ask >= quotes.bid, mid_of(quotes), np.nan)
    price, mid = (np.where(np.isfinite(x), x, np.nan) for x in (trades.price, mid))
    away = np.where(place >= 0, price - mid[place], np.nan)
    by_quote = np.nan_to_num(np.sign(away)).astype(np.int64)
    return np.where(away == 0, tick_rule(trades.price), by_quote)


def signs_of(trades: Trades, newest: int, by_ticks: int) -> Int1D | str:
    """Signs of the newest trades from their source, or by the tick rule; or which it lacks."""
    signs = tick_rule(trades.price) if by_ticks else trades.aggressor
    return all_signed(signs[len(trades) - newest :], "a change of price before it" if by_ticks else "")


def all_signed(signs: Int1D, needed: str = "") -> Int1D | str:
    """The signs, or the reason where some trade has none; `needed` is what would have given it one."""
    n_missing = int(np.count_nonzero(signs == 0))
    if not n_missing:
        return signs
    if needed:
        return f"needs {needed} to sign a trade, missing on {n_missing} of {len(signs)}"
    return f"needs trades with their aggressor, missing on {n_missing} of {len(signs)}"


def _count_over_lag(*, count: int, lag: int, by_ticks: int) -> int:  # noqa: ARG001
    if lag * 4 > count:
        raise ToolInputError(
            f"expected count at least four times lag, found count {count} and lag {lag}; make one fit",
            parameter="lag",
        )
    return count


@estimate(
    group="microstructure",
    unit="correlation",
    min_bars=_count_over_lag,
    undefined="undefined: all trades were on one side",
)
def trade_sign_autocorrelation(
    trades: Trades,
    *,
    count: Annotated[int, Bounds(20, 100_000)] = 500,
    lag: Annotated[int, Bounds(1, 1000)] = 1,
    by_ticks: ByTicks = 0,
) -> ToolValue:
    """Autocorrelation of trade signs: whether buys follow buys and sales follow sales.

    Use it to see large orders being worked in pieces: well over 0 at long lags says that today's pressure
    goes on for a while. Around 0 the sides alternate by chance.

    Parameters
    ----------
    trades : Trades
        Oldest first; aggressors are read, and with `by_ticks` prices.
    count : int
        Newest trades that are read, 20 to 100000, at least four times `lag`.
    lag : int
        Distance in trades, 1 to 1000.
    by_ticks : int
        0: signs are the source's aggressors. 1: signs by the tick rule, which is positive by itself since
        an unchanged price repeats its sign.

    Returns
    -------
    float
        From -1 to 1. One value, for the newest trade.

    Notes
    -----
    sum of (s_i - m)(s_{i+lag} - m) / sum of (s_i - m)^2, m the mean sign. Without dependence it is within
    2 / sqrt(count) of 0 nineteen times in twenty. Each print counts once, so that one large order that met
    many resting ones counts as many trades.

    NaN policy: none while one of the trades has no sign, or with `by_ticks` no price. Smallest sample:
    `count` trades. Look-ahead: none. Cost: `count` steps.

    References
    ----------
    Lillo, F., Farmer, J. D. (2004). The long memory of the efficient market. Studies in Nonlinear Dynamics
    & Econometrics 8(3).
    """
    without = lacking(trades[len(trades) - count :], "price") if by_ticks else None
    signs = without or signs_of(trades, count, by_ticks)
    if isinstance(signs, str):
        return ToolValue(None, count, signs)
    away = signs - signs.mean()
    spread = float(away @ away)
    if not (signs != signs[0]).any():
        return ToolValue(None, count)
    return ToolValue(float(away[lag:] @ away[:-lag]) / spread, count)
