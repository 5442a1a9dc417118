"""VPIN: how one-sided the newest volume was, in buckets of equal volume instead of equal time.

    trades -> time bars -> share bought of each (bulk classification) -> buckets of equal volume -> VPIN

Bars are short spans of clock time, as in the paper; one without a trade does not exist. All units of a bar
are bought and sold in the same proportion, so that a trade, or a bar, larger than a bucket fills several.
A bar counts once it is over, which the first trade of a later bar shows: no value changes when more comes.
"""

import math
from dataclasses import dataclass
from typing import Annotated, TypeAlias

import numpy as np

from contracts.errors import ToolInputError
from contracts.market import Float1D, Int1D
from contracts.ticks import Trades
from tools.parameters import Bounds
from tools.registry import ToolValue, estimate
from tools.tick_rows import lacking
from tools.windows import rolling_mean

BarSeconds: TypeAlias = Annotated[int, Bounds(1, 3600)]
SigmaBars: TypeAlias = Annotated[int, Bounds(10, 1000)]

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class BulkVolume:
    """Volume of bars that are over, and the share of it that was bought; the first have no share."""

    known_at: Int1D
    """When the bar is over, milliseconds since 1970 UTC."""
    volume: Float1D
    change: Float1D
    """Change of price from the bar before it."""
    bought: Float1D
    """From 0 to 1."""


@dataclass(frozen=True, slots=True)
class VpinSeries:
    """VPIN as each bucket was full; `time` is when that was known, NaN until enough buckets are."""

    time: Int1D
    imbalance: Float1D
    """|bought - sold| / volume of the bucket alone."""
    vpin: Float1D


def bulk_volume(trades: Trades, *, bar_seconds: int = 60, sigma_bars: int = 50) -> BulkVolume:
    """Bought and sold volume of time bars by bulk classification: a bar that rose was mostly bought.

    Use it where the source does not say who the aggressor was; `vpin` is made of it.

    Parameters
    ----------
    trades : Trades
        Oldest first; times, prices and quantities are read, all finite.
    bar_seconds : int
        Length of a bar in seconds.
    sigma_bars : int
        Changes from which the standard deviation is estimated, the bar's own the newest of them.

    Returns
    -------
    BulkVolume
        One entry a bar with a trade; `bought` is NaN until `sigma_bars` changes are there.

    Notes
    -----
    bought = Phi((p_i - p_{i-1}) / sigma_i), p the last price of a bar, Phi the standard normal distribution,
    sigma_i the sample standard deviation of the newest `sigma_bars` changes. The paper takes sigma from the
    whole sample, which at an early bar is its future. No change is one half; where every change is the same
    and not zero, sigma is 0 and the bar counts whole. Look-ahead: none. Cost: n steps, and `sigma_bars` a
    bar.

    References
    ----------
    Easley, D., Lopez de Prado, M. M., O'Hara, M. (2012). Flow toxicity and liquidity in a high-frequency
    world. Review of Financial Studies 25(5), 1457-1493, section 1: bulk classification.
    """
    length = bar_seconds * 1000
    number = trades.time // length
    last = np.flatnonzero(np.diff(number))
    if not len(last):
        none = np.empty(0)
        return BulkVolume(np.empty(0, np.int64), none, none, none)
    first = np.append(0, last[:-1] + 1)
    volume = np.add.reduceat(trades.quantity[: last[-1] + 1], first)
    change = np.diff(trades.price[last], prepend=np.nan)
    sigma = _deviation(change, sigma_bars)
    with np.errstate(divide="ignore", invalid="ignore"):
        score = change / sigma
    score[change == 0] = 0.0
    score[np.isnan(sigma)] = np.nan
    root_2 = math.sqrt(2)
    bought = np.array([0.5 * math.erfc(-z / root_2) for z in score.tolist()])
    return BulkVolume((number[last] + 1) * length, volume, change, bought)


def vpin_series(
    trades: Trades, *, bucket_volume: float, buckets: int = 50, bar_seconds: int = 60, sigma_bars: int = 50
) -> VpinSeries:
    """VPIN of every bucket there was, for a picture or a study.

    Use it with a bucket of a fiftieth of a usual day's volume, as the paper does, known beforehand.

    Parameters
    ----------
    trades : Trades
        Oldest first; times, prices and quantities are read, all finite.
    bucket_volume : float
        Volume of a bucket, over 0, in the unit of the quantities.
    buckets : int
        Buckets that are averaged.
    bar_seconds, sigma_bars : int
        As in `bulk_volume`.

    Returns
    -------
    VpinSeries
        One entry a full bucket, oldest first; from 0 (balanced) to 1 (one side only).

    Notes
    -----
    The mean over the newest `buckets` of |bought - sold| / `bucket_volume`. Buckets begin with the first bar
    whose bought share is known; the one being filled is left out. Trades that come later change no entry.
    ToolInputError for a bucket that is not over 0. Cost: see `bulk_volume`.

    References
    ----------
    Easley, D., Lopez de Prado, M. M., O'Hara, M. (2012). Flow toxicity and liquidity in a high-frequency
    world. Review of Financial Studies 25(5), 1457-1493, section 1 and appendix.
    """
    if not (math.isfinite(bucket_volume) and bucket_volume > 0):
        raise ToolInputError(
            f"expected a bucket volume over 0, found {bucket_volume!r}; give one", parameter="bucket_volume"
        )
    return _buckets(
        bulk_volume(trades, bar_seconds=bar_seconds, sigma_bars=sigma_bars), bucket_volume, buckets
    )


def _fewest_trades(*, buckets: int, bucket_pct: float, bar_seconds: int, sigma_bars: int) -> int:  # noqa: ARG001
    if buckets * bucket_pct > 100:
        raise ToolInputError(
            f"expected buckets x bucket_pct of 100 or less, found {buckets} x {bucket_pct:g}; lower one",
            parameter="bucket_pct",
        )
    return sigma_bars + 2


@estimate(
    group="microstructure",
    unit="share of volume",
    min_bars=_fewest_trades,
    undefined="undefined: no price has moved from bar to bar, or nothing was traded",
)
def vpin(
    trades: Trades,
    *,
    buckets: Annotated[int, Bounds(5, 1000)] = 50,
    bucket_pct: Annotated[float, Bounds(0.05, 10.0)] = 1.0,
    bar_seconds: BarSeconds = 60,
    sigma_bars: SigmaBars = 50,
) -> ToolValue:
    """VPIN: how one-sided the newest volume was, as market makers feel it.

    Use it to see flow that knows something: high beside what the same market usually shows means that
    those who provide liquidity lose to those who take it, and may leave. It has no direction. Its level
    depends on bars and buckets: compare only values of the same settings.

    Parameters
    ----------
    trades : Trades
        Oldest first; times, prices and quantities are read, aggressors are not.
    buckets : int
        Newest buckets that are averaged, 5 to 1000; the paper takes 50.
    bucket_pct : float
        Volume of a bucket as percent of all classified volume in the trades given, 0.05 to 10;
        `buckets` of them at most 100. Of one day of trades the paper's fiftieth is 2.
    bar_seconds : int
        Length of the bars whose volume is classified, 1 to 3600.
    sigma_bars : int
        Changes between bars that say what a usual change is, 10 to 1000.

    Returns
    -------
    float
        From 0 (bought as much as sold in every bucket) to 1 (one side only). One value, for the newest full
        bucket.

    Notes
    -----
    The newest value of `vpin_series`. Buckets are counted from the first classified bar. Under one bar a
    bucket the figure says how far bars move rather than how flows balance: that has a warning.

    NaN policy: none while any trade given has no price or quantity. Smallest sample: `sigma_bars` + 1 bars
    that are over and one classified. Look-ahead: none; the bar in progress is not read. Cost: some 10 ms for
    500,000 trades.

    References
    ----------
    Easley, D., Lopez de Prado, M. M., O'Hara, M. (2012). Flow toxicity and liquidity in a high-frequency
    world. Review of Financial Studies 25(5), 1457-1493.
    """
    n = len(trades)
    reason = lacking(trades, "price", "quantity")
    if reason:
        return ToolValue(None, n, reason)
    bulk = bulk_volume(trades, bar_seconds=bar_seconds, sigma_bars=sigma_bars)
    is_classified = np.isfinite(bulk.bought)
    n_bars = int(np.count_nonzero(is_classified))
    if not n_bars:
        few = f"needs {sigma_bars + 1} bars of {bar_seconds} s that are over, has {len(bulk.volume)}"
        return ToolValue(None, n, few)
    bucket = float(bulk.volume[is_classified].sum()) * bucket_pct / 100
    if bucket == 0 or not bulk.change[1:].any():
        return ToolValue(None, n)
    value = _buckets(bulk, bucket, buckets).vpin[-1]
    spanned = n_bars * bucket_pct / 100
    warnings = () if spanned >= 1 else (f"has {spanned:.2g} bars a bucket; under one the level means little",)
    return ToolValue(float(value), n, None, warnings)


def _deviation(change: Float1D, period: int) -> Float1D:
    """Sample standard deviation of the newest changes, by the formulas' kernel."""
    # It brings Numba in: a second that nobody should pay before VPIN is asked for.
    from tools.formulas.kernels_window import ts_std

    sigma = np.empty((len(change), 1))
    ts_std(change.reshape(-1, 1), period, sigma)
    return sigma[:, 0]


def _buckets(bulk: BulkVolume, bucket_volume: float, buckets: int) -> VpinSeries:
    """Bought volume is a line between the ends of bars; its value at each bucket's end is read off."""
    counted = np.isfinite(bulk.bought) & (bulk.volume > 0)
    volume, bought = bulk.volume[counted], bulk.bought[counted]
    filled = np.append(0.0, np.cumsum(volume))
    n_full = math.floor(filled[-1] / bucket_volume * (1 + _ROUNDING))
    ends = np.minimum(np.arange(n_full + 1) * bucket_volume, filled[-1])
    balance = np.interp(ends, filled, np.append(0.0, np.cumsum(volume * (2 * bought - 1))))
    imbalance = np.abs(np.diff(balance)) / bucket_volume
    place = np.searchsorted(filled[1:], ends[1:] * (1 - _ROUNDING), side="left")
    return VpinSeries(bulk.known_at[counted][place], imbalance, rolling_mean(imbalance, buckets))
