"""Composite strength: a few directional signals, weighted by how they have ranked what came next.

    fit_point(as_of) -> window of closed bars -> fit_composite -> CompositeWeights
    newest bars + CompositeWeights -> composite_strength -> CompositeStrength

The fit walks forward inside its window. At each refit point the signals are standardised and weighted
on returns that were known by then; the weights are held until the next point, and the values they gave
meanwhile, never seen by their own fit, make the scale. The newest refit point is the end of the
window: its weights are the ones handed out. Every weighting uses the same number of bars, so the
weights handed out are as noisy as those behind the scale, and 2 means twice what it usually is.

A deliberate oddity: when no signal stands out from noise all weights are zero, and the strength is
then missing with that reason, not 0.0; such stretches are no part of the scale either.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from types import MappingProxyType

import numpy as np

from contracts.errors import InvariantBroken
from contracts.market import Bars, Float1D, Timeframe, from_ms, to_ms
from contracts.records import (
    BarSeries,
    CompositeInput,
    CompositeStrength,
    CompositeWeights,
    SignalWeight,
)
from tools.composite_signals import flat_under, newest_signal, signal_series
from tools.decision_settings import CompositeSettings
from tools.shared_bars import SharedBars

TRUE_SPREAD = 0.03
"""Size of a true correlation: the strongest formulas of `docs/measured/strength.md` come to about it."""


def fit_point(as_of: datetime, timeframe: Timeframe, settings: CompositeSettings) -> datetime:
    """The moment through which the weights in force at `as_of` may have seen the market.

    Use it to ask a feed for the fit's window: `fit_bars` bars closed at or before this moment.

    Parameters
    ----------
    as_of : datetime
        The decision's close time, with a time zone.
    timeframe : Timeframe
        Of the decision bars.
    settings : CompositeSettings
        `refit_every` in bars.

    Returns
    -------
    datetime
        UTC, at or before `as_of`.

    Raises
    ------
    ValueError
        When `as_of` has no time zone.

    Notes
    -----
    floor(as_of / step) x step since 1970 UTC, step = refit_every x the nominal bar. A function of time
    alone, so that backtest, paper and live refit at the same moments on the same bars.
    """
    step = settings.refit_every * timeframe.seconds * 1000
    return from_ms(to_ms(as_of) // step * step)


def fit_composite(
    bars: Bars,
    *,
    series: BarSeries,
    settings: CompositeSettings,
    others: Mapping[BarSeries, Bars] = MappingProxyType({}),
) -> CompositeWeights | str:
    """Weights and scale of the composite strength from one window, or the reason why there are none.

    Use it once at each fit point, on the bars closed by then; fewer than `fit_bars` bars are refused.

    Parameters
    ----------
    bars : Bars
        At least `fit_bars` closed bars, all of them closed by the fit point; the newest `fit_bars` are used.
    series : BarSeries
        The stored name of exactly these bars, with their instrument and timeframe; kept in the record.
    settings : CompositeSettings
        Signals, and lengths in bars.
    others : mapping of BarSeries to Bars
        The same window of other instruments, for signals that compare them.

    Returns
    -------
    CompositeWeights or str
        `scale` is None when fewer than `min_scale_bars` out-of-sample values stand behind it.

    Raises
    ------
    InvariantBroken
        When `series` names other bars, or a signal has no name that is known.

    Notes
    -----
    For signal j at refit point r, over the newest `label_bars` signals that a return had followed by r, with
    h = `horizon_bars`:

    - m_j, s_j: mean and sample deviation; z = (x - m_j) / s_j.
    - rho_j and its standard error se_j: `predictive_rank_correlation`.
    - w_j = rho_j S^2 / (S^2 + se_j^2) with S = `TRUE_SPREAD`, and zero where |rho_j| <= se_j. The factor
      turns a noisy estimate into a likely one; where all rows are known it is nearly the same for all signals
      and cancels in the strength, else it holds back the signal seen less. A correlation within one standard
      error of zero cannot be told from none, so it gets no say.

    raw = sum_j w_j z_j; scale = root mean square of raw over rows at or after each refit point and before
    the next one. Nothing is clipped: a signal far outside its past gives a large value.

    NaN policy: a row whose signal is NaN has no say and `n_obs` says how many were not; a signal known on
    fewer than half of the rows, or constant, has weight zero. Look-ahead: the newest return ends with the
    newest bar, whose close time is `fitted_through`. Cost: one sorted insertion for each bar, signal
    and refit point.

    References
    ----------
    Efron, B., Morris, C. (1973). Stein's estimation rule and its competitors: the shrinkage.
    """
    for name, named in ((series, bars), *others.items()):
        last = named.last_close_time if len(named) else None
        if (name.timeframe, name.n_bars, name.last_close) != (series.timeframe, len(named), last):
            raise InvariantBroken(
                f"expected a series naming these {len(named)} {series.timeframe} bars until {last}, found "
                f"{name.n_bars} {name.timeframe} until {name.last_close}; store the bars that are fitted"
            )
    if len(bars) < settings.fit_bars:
        return f"expected {settings.fit_bars} bars closed by the fit point, found {len(bars)}"
    window = bars[len(bars) - settings.fit_bars :]
    if not (np.isfinite(window.close) & (window.close > 0)).all():
        return "expected finite closes over zero in the fit's window, found others"
    signals = signal_series(settings.signals, SharedBars.of(window, tuple(others.values())))
    returns = _returns(window.close)
    points = _refit_points(settings)
    scale, n_scale = _scale(signals, returns, points, settings)
    return CompositeWeights(
        instrument_id=series.instrument_id,
        timeframe=series.timeframe,
        fitted_from=from_ms(int(window.close_time[0])),
        fitted_through=window.last_close_time,
        horizon_bars=settings.horizon_bars,
        signals=_weigh(signals, returns, points[-1], settings),
        scale=scale,
        n_scale=n_scale,
        bars=series,
        others=tuple(others),
    )


def composite_strength(bars: Bars, weights: CompositeWeights | str) -> CompositeStrength:
    """Signed strength of the newest bar, in units of what it usually is; positive favours buying.

    Use it to decide whether a bar is worth a model's time: at 1 the signals are as strong as usual.

    Parameters
    ----------
    bars : Bars
        Closed bars of the weights' instrument and timeframe, newest last, as many as the fit's window:
        recursive averages of a shorter history differ a little. `SharedBars`, with the others' bars, for
        signals that compare instruments.
    weights : CompositeWeights or str
        Weights in force at the newest bar, or why there are none.

    Returns
    -------
    CompositeStrength
        `value` is None, with the reason, when there are no weights or no scale, when every weight is
        zero, or when a signal with weight is not known on the newest bar.

    Notes
    -----
    value = sum_j w_j (x_j - m_j) / s_j / scale. A missing signal is not dropped and the rest renormalised:
    the scale was measured on the whole sum, so a part of it has no usual size. Never clipped.
    Look-ahead: the newest bar is the last one read.
    """
    if isinstance(weights, str):
        return _without_value((), None, f"no weights: {weights}")
    inputs = tuple(_input(signal, bars) for signal in weights.signals)
    needed = [given for given in inputs if given.weight != 0]
    unknown = [given.name for given in needed if given.z is None]
    if not needed:
        reason = "no signal's rank correlation with what followed stood out from its standard error"
    elif weights.scale is None:
        reason = f"no usual size: only {weights.n_scale} out-of-sample values stand behind it"
    elif unknown:
        reason = f"no value for {', '.join(unknown)} on the newest bar"
    else:
        value = math.fsum(given.weight * given.z for given in needed if given.z is not None) / weights.scale
        return CompositeStrength(value=value, inputs=inputs, weights_id=weights.record_id)
    return _without_value(inputs, weights.record_id, reason)


def strength_series(bars: Bars, weights: CompositeWeights | str) -> Float1D:
    """`composite_strength` of every bar, NaN where it has no value; InvariantBroken for an unknown signal.

    Use it to study many bars under one fit. Bars up to `fitted_through` are those the weights were fitted
    on, so that their strengths are no forecast. Value i uses bars 0..i.
    """
    if isinstance(weights, str) or weights.scale is None:
        return np.full(len(bars), np.nan)
    needed = [signal for signal in weights.signals if signal.weight != 0]
    held = bars if isinstance(bars, SharedBars) else SharedBars.of(bars)
    signals = signal_series([signal.name for signal in needed], held)
    return _combine(signals, needed, 0, len(bars)) / weights.scale


def _without_value(
    inputs: tuple[CompositeInput, ...], weights_id: str | None, reason: str
) -> CompositeStrength:
    return CompositeStrength(value=None, inputs=inputs, weights_id=weights_id, reason=reason)


def _input(signal: SignalWeight, bars: Bars) -> CompositeInput:
    value = newest_signal(signal.name, bars)
    z = None
    if value is not None and signal.deviation > flat_under(signal.name):
        z = (value - signal.mean) / signal.deviation
    return CompositeInput(name=signal.name, z=z, weight=signal.weight)


def _returns(close: Float1D) -> Float1D:
    return np.diff(np.log(close), prepend=np.nan)


def _refit_points(settings: CompositeSettings) -> list[int]:
    first = settings.warm_up_bars + settings.label_bars + settings.horizon_bars
    return list(range(settings.fit_bars, first - 1, -settings.refit_every))[::-1]


def _scale(
    signals: Mapping[str, Float1D], returns: Float1D, points: Sequence[int], settings: CompositeSettings
) -> tuple[float | None, int]:
    stretches = [
        _combine(signals, _weigh(signals, returns, start, settings), start, stop)
        for start, stop in pairwise(points)
    ]
    values = np.concatenate(stretches)
    values = values[np.isfinite(values)]
    if len(values) < settings.min_scale_bars:
        return None, len(values)
    return float(np.sqrt(np.mean(values**2))), len(values)


def _combine(
    signals: Mapping[str, Float1D], weights: Sequence[SignalWeight], start: int, stop: int
) -> Float1D:
    needed = [signal for signal in weights if signal.weight != 0]
    total = np.full(stop - start, 0.0 if needed else np.nan)
    for signal in needed:
        total += signal.weight * (signals[signal.name][start:stop] - signal.mean) / signal.deviation
    return total


def _weigh(
    signals: Mapping[str, Float1D], returns: Float1D, refit_point: int, settings: CompositeSettings
) -> tuple[SignalWeight, ...]:
    last = refit_point - 1
    rows = slice(last - settings.label_bars, last)
    followed = signed_ranks(returns[rows.start + settings.horizon_bars : refit_point])
    return tuple(_weigh_one(name, signal[rows], followed, settings) for name, signal in signals.items())


def _weigh_one(name: str, signal: Float1D, followed: Float1D, settings: CompositeSettings) -> SignalWeight:
    known = np.isfinite(signal)
    n_obs = int(known.sum())
    mean = deviation = correlation = error = weight = 0.0
    if n_obs >= settings.label_bars / 2:
        values = signal[known]
        mean, deviation = float(values.mean()), float(values.std(ddof=1))
        if deviation > flat_under(name):
            correlation, error = predictive_rank_correlation(signal, followed, settings.horizon_bars)
            if abs(correlation) > error:
                weight = correlation * TRUE_SPREAD**2 / (TRUE_SPREAD**2 + error**2)
    return SignalWeight(
        name=name,
        mean=mean,
        deviation=deviation,
        rank_correlation=correlation,
        standard_error=error,
        n_obs=n_obs,
        weight=weight,
    )


def predictive_rank_correlation(signal: Float1D, followed: Float1D, horizon: int) -> tuple[float, float]:
    """Rank correlation of a signal with the next `horizon` bars' return, and its standard error.

    Use it where a signal may be slow and follow past returns: the usual correlation inside a window is then
    negative for a trend on a random walk, since mean and ranks of the window know how it went on.

    Parameters
    ----------
    signal : array of shape (n,)
        Values in order of time; NaN has no say.
    followed : array of shape (n - horizon + 1,)
        `signed_ranks` of the return of each bar that all of `horizon` signals came before: the first is that
        of the bar after signal `horizon - 1`, the last that of the bar after the last signal.
    horizon : int
        Bars over which a signal is to tell, at least 1.

    Returns
    -------
    correlation, standard_error : float
        From -1 to 1, and over zero; both zero where the signal or the returns order nothing.

    Notes
    -----
    g_i: rank of x_i among x_0 .. x_i, from -1 to 1; G_t = g_(t-h) + .. + g_(t-1); s_t: signed rank of the
    return of bar t. Then

        correlation = sum G_t s_t / N,  standard error = sqrt(sum (G_t s_t)^2) / N,
        N = sqrt(sum G_t^2 sum s_t^2).

    sum_t s_t G_t is sum_i g_i (s_(i+1) + .. + s_(i+h)) but for the ends, so it weighs the next h bars, while
    its terms do not overlap. G_t is known before bar t, and a return that is as likely up as down, whatever
    came before, has a signed rank of mean zero: the sum is then zero on average, the quotient within a few
    hundredths of its standard error, and that is the error of a sum of uncorrelated terms, also where the
    size of moves varies.

    References
    ----------
    Campbell, B., Dufour, J.-M. (1995). Exact nonparametric orthogonality and random walk tests.
    Hodrick, R. J. (1992). Dividend yields and expected stock returns: sums of signals, not of returns.
    So, B. S., Shin, D. W. (1999). Recursive mean adjustment in time-series inferences.
    Stambaugh, R. F. (1999). Predictive regressions: the bias of the usual way.
    """
    sums = np.convolve(_ranks_so_far(signal), np.ones(horizon), mode="valid")
    terms = sums * followed
    scale = math.sqrt(float(sums @ sums) * float(followed @ followed))
    if scale == 0:
        return 0.0, 0.0
    return float(terms.sum()) / scale, math.sqrt(float(terms @ terms)) / scale


def signed_ranks(x: Float1D) -> Float1D:
    """Rank of |x| from 1, average for ties, with the sign of x: 0 for 0.

    Use it where a few extremes must not decide and where x is as likely above zero as below.

    Parameters
    ----------
    x : array of shape (n,)
        Finite values.

    Returns
    -------
    array of shape (n,)
        From -n to n.

    References
    ----------
    Wilcoxon, F. (1945). Individual comparisons by ranking methods.
    """
    size = abs(x)
    order = np.argsort(size)
    ordered = size[order]
    first = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    counts = np.diff(first, append=len(x))
    ranks = np.empty(len(x))
    ranks[order] = np.repeat(first + (counts + 1) / 2, counts)
    return np.sign(x) * ranks


def _ranks_so_far(x: Float1D) -> Float1D:
    """Of each value among those up to it: (smaller - larger) / all of them; 0 where it is not known."""
    seen: list[float] = []
    ranks = np.zeros(len(x))
    for i in np.flatnonzero(np.isfinite(x)):
        value = float(x[i])
        first = bisect_left(seen, value)
        last = bisect_right(seen, value, first)
        ranks[i] = (first + last - len(seen)) / (len(seen) + 1)
        seen.insert(first, value)
    return ranks
