"""The Kelly rule as an upper bound on the money a trade may risk."""

from collections.abc import Sequence
from math import fsum

from contracts.records import KellyBound, Outcome, TradeStats
from tools.limits import KellySettings


def trade_stats(outcomes: Sequence[Outcome]) -> TradeStats:
    """Win rate and mean win and loss of closed trades, in multiples of the money risked.

    Use it to feed `kelly_bound` with the trades of one market since the start or the last reset.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Closed trades of one market, any order, any number.

    Returns
    -------
    TradeStats
        `n_closed` trades that have an R multiple, `win_rate` in 0 to 1, `mean_win_r` and
        `mean_loss_r` as positive multiples of R; None where there is nothing to average.

    Notes
    -----
    A win is R > 0. Every other trade is a loss, a scratch at R = 0 included, so that
    win_rate * mean_win_r - (1 - win_rate) * mean_loss_r is exactly the mean R of the sample.
    A trade without an R multiple (it had no stop) is left out and not counted in `n_closed`.
    Smallest sample: none; look-ahead: only closed trades have an Outcome.

    References
    ----------
    .. [1] Tharp, V. (1998). Trade Your Way to Financial Freedom. Chapter 6 (R multiples).
    """
    multiples = [o.r_multiple for o in outcomes if o.r_multiple is not None]
    wins = [r for r in multiples if r > 0]
    losses = [-r for r in multiples if r <= 0]
    return TradeStats(
        n_closed=len(multiples),
        win_rate=len(wins) / len(multiples) if multiples else None,
        mean_win_r=_mean(wins),
        mean_loss_r=_mean(losses),
    )


def kelly_bound(stats: TradeStats, settings: KellySettings) -> KellyBound:
    """Largest fraction of equity the Kelly rule lets one trade risk, or None while it does not bind.

    Use it before sizing: the trade risks the smaller of this and the risk limit. A fraction of 0
    stands aside until a person resets the record of trades.

    Parameters
    ----------
    stats : TradeStats
        Closed trades of one market; `mean_loss_r` is a positive multiple.
    settings : KellySettings
        Smallest sample, share of full Kelly, shrinkage in trades, cap in percent of equity.

    Returns
    -------
    KellyBound
        `fraction` of equity at risk between 0 and cap_pct / 100, or None with too few trades;
        `note` says how it came about.

    Notes
    -----
    With win rate W and R = mean win / mean loss, the full fraction is K = W - (1 - W) / R: the share
    of capital lost when an average loss comes. The bound is

        fraction * n / (n + shrink_trades) * K / max(1, mean_loss_r), at most cap_pct / 100.

    W and R are estimates, and a bet above true Kelly costs growth as surely as one below it while
    adding risk; hence a share of K (half, by default) and the shrinkage. Shrinking K toward zero by
    n / (n + n0) is the same as shrinking W toward its break-even value 1 / (1 + R), because K is
    linear in W and zero there. Sizing fixes the loss at the stop (1 R); when losses were larger on
    average, from gaps and costs, the same money risked loses more, so the bound is divided by their
    mean. It is never multiplied up for small losses. A breach of 0 stays: with no trades allowed the
    record cannot mend itself, and that is the point.

    No losses yet (or only scratches): (1 - W) / R is zero in the limit, K = W. No wins: K is below
    zero, the fraction 0. Statistics that are missing or impossible for a sample that is large enough
    give 0, since a check that cannot be computed refuses. Smallest sample: `min_trades`.

    References
    ----------
    .. [1] Kelly, J. L. (1956). A New Interpretation of Information Rate. Bell System Technical
       Journal 35(4), 917-926.
    .. [2] Thorp, E. O. (2006). The Kelly Criterion in Blackjack, Sports Betting, and the Stock
       Market. Handbook of Asset and Liability Management 1, 385-428.
    """
    n = stats.n_closed
    if n < settings.min_trades:
        note = f"does not bind: {n} closed trades, needs {settings.min_trades}"
        return KellyBound(fraction=None, note=note)
    if stats.win_rate == 0:
        note = f"stands aside until a person resets: not one win in {n} closed trades"
        return KellyBound(fraction=0.0, note=note)
    full = _full_kelly(stats)
    if full is None:
        return KellyBound(fraction=0.0, note=f"stands aside: the statistics of {n} trades make no sense")
    if full <= 0:
        note = f"stands aside until a person resets: full Kelly {full:.4f} over {n} closed trades"
        return KellyBound(fraction=0.0, note=note)
    shrinkage = n / (n + settings.shrink_trades)
    allowed = settings.fraction * shrinkage * full / max(1.0, stats.mean_loss_r or 0.0)
    cap = settings.cap_pct / 100
    note = (
        f"full Kelly {full:.4f} over {n} closed trades, times {settings.fraction:g}, "
        f"shrunk by {shrinkage:.3f}: {100 * allowed:.2f} % of equity"
    )
    if allowed > cap:
        return KellyBound(fraction=cap, note=f"{note}, capped at {settings.cap_pct:g} %")
    return KellyBound(fraction=allowed, note=note)


def _full_kelly(stats: TradeStats) -> float | None:
    rate, win, loss = stats.win_rate, stats.mean_win_r, stats.mean_loss_r
    if rate is None or not 0 < rate <= 1 or win is None or win <= 0:
        return None
    if (loss is None and rate < 1) or (loss is not None and loss < 0):
        return None
    return rate - (1 - rate) * (loss or 0.0) / win


def _mean(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None
