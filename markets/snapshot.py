"""Stage 1: what the cycle may know about the market, or the reasons why it is not fit to decide on.

`build_snapshot` asks the feed and stores the bars; everything it concludes from them it concludes again
from the stored bars in `recheck_snapshot`, which replay runs.

Bars of the decision timeframe must be enough, recent and without holes; those of the higher timeframe
must only be recent and sound, for what lacks their history reports itself as missing. Time is measured
while the market is open, so that a weekend makes nothing stale.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

import numpy as np
from pydantic import Field

from contracts.canonical import Record
from contracts.errors import DataUnavailable
from contracts.market import Bars, Float1D, Instrument, Quote, Timeframe, from_ms
from contracts.ports import Feed
from contracts.records import BarSeries, MarketSnapshot, Rate, Reason
from markets.bars import CHUNK_PERIODS, ChunkReader, ChunkWriter, no_bars
from markets.sessions import (
    DEFAULT_FILTERED_WINDOWS,
    FilteredWindow,
    filtered_hour,
    next_open,
    open_seconds_between,
)

UNAVAILABLE = "unavailable"
"""The feed had no answer; the one reason that bars on record cannot give again."""

_HOUR_S = 3600.0
# Hours of session in a full day and a full week; up to four hours a bar is in session throughout.
_SESSION_HOURS = {"forex": (24.0, 120.0), "us_index": (6.5, 32.5), "crypto": (24.0, 168.0)}
_GLOBEX_HOURS = (23.0, 115.0)


class SnapshotSettings(Record):
    """How much is loaded and what counts as unfit."""

    bars: int = Field(default=600, ge=1, le=100_000)
    """Closed bars of each timeframe that every mode loads."""
    min_bars: int = Field(default=60, ge=1)
    stale_timeframes: float = Field(default=2.0, gt=0)
    """Open time since the last close, in timeframes, above which the bars are stale."""
    gap_window: int = Field(default=100, ge=2)
    max_missing_share: float = Field(default=0.05, ge=0, le=1)
    """Part of the bars the newest `gap_window` should be that may be missing."""
    filtered_windows: tuple[FilteredWindow, ...] = DEFAULT_FILTERED_WINDOWS


async def build_snapshot(
    *,
    cycle_id: str,
    state_id: str,
    as_of: datetime,
    instrument: Instrument,
    timeframe: Timeframe,
    feed: Feed,
    writer: ChunkWriter,
    settings: SnapshotSettings,
    others: Iterable[str] = (),
    held: Iterable[str] = (),
) -> MarketSnapshot:
    """Ask `feed` for everything the cycle reads, store the bars, and say whether they are fit.

    `others` are instruments to compare with, on the decision timeframe alone; one of which the feed has no
    bars is left out, and no fault of theirs makes the snapshot unfit. `held` are those the account holds.

    A feed that raises DataUnavailable makes a refused snapshot, not an error. `in_session` is true
    where the market is open at `as_of` or opens within one timeframe, as long as an order decided on
    this bar lives. A daily or longer bar ends with its session by nature and trades at the next open,
    over a weekend too, so it always is.
    """
    refusals, series, bars = [], [], {}
    for each in dict.fromkeys((timeframe, timeframe.higher)):
        try:
            found = await feed.bars(instrument.instrument_id, each, as_of, settings.bars + CHUNK_PERIODS - 1)
        except DataUnavailable as error:
            refusals.append(Reason(code=UNAVAILABLE, text=str(error)))
            found = no_bars()
        series.append(writer.store(instrument.instrument_id, each, found, settings.bars))
        bars[each] = found[-settings.bars :]
    beside: dict[str, list[BarSeries]] = {}
    for other in dict.fromkeys((*others, *held)):
        if other != instrument.instrument_id:
            beside[other] = await _series_of_other(other, timeframe, as_of, feed, writer, settings)
    quote = await feed.quote(instrument.instrument_id, as_of)
    rates = await feed.rates(as_of)
    return MarketSnapshot(
        cycle_id=cycle_id,
        as_of=as_of,
        parents=(state_id,),
        instrument=instrument,
        universe=feed.instruments(),
        timeframe=timeframe,
        series=(*series, *_of(others, beside)),
        held=_of(held, beside),
        quote=quote,
        book=None,
        rates=rates,
        in_session=_is_tradable(instrument, timeframe, as_of),
        filtered_hour=filtered_hour(instrument, as_of, settings.filtered_windows),
        reasons=(*refusals, *_reasons(instrument, timeframe, bars, quote, rates, as_of, settings)),
    )


async def _series_of_other(
    instrument_id: str,
    timeframe: Timeframe,
    as_of: datetime,
    feed: Feed,
    writer: ChunkWriter,
    settings: SnapshotSettings,
) -> list[BarSeries]:
    try:
        found = await feed.bars(instrument_id, timeframe, as_of, settings.bars + CHUNK_PERIODS - 1)
    except DataUnavailable:
        return []
    return [writer.store(instrument_id, timeframe, found, settings.bars)] if len(found) else []


def _of(names: Iterable[str], beside: Mapping[str, list[BarSeries]]) -> tuple[BarSeries, ...]:
    return tuple(series for name in names for series in beside.get(name, ()))


def recheck_snapshot(
    snapshot: MarketSnapshot, reader: ChunkReader, settings: SnapshotSettings
) -> MarketSnapshot:
    """The snapshot with everything computed again from its stored bars and quote."""
    instrument, as_of = snapshot.instrument, snapshot.as_of
    refusals = tuple(reason for reason in snapshot.reasons if reason.code == UNAVAILABLE)
    reasons = _reasons(
        instrument,
        snapshot.timeframe,
        reader.bars_of(snapshot),
        snapshot.quote,
        snapshot.rates,
        as_of,
        settings,
    )
    return snapshot.model_copy(
        update={
            "in_session": _is_tradable(instrument, snapshot.timeframe, as_of),
            "filtered_hour": filtered_hour(instrument, as_of, settings.filtered_windows),
            "reasons": (*refusals, *reasons),
        }
    )


def check_bars(
    instrument: Instrument,
    timeframe: Timeframe,
    bars: Bars,
    as_of: datetime,
    settings: SnapshotSettings,
    *,
    is_decided_on: bool = True,
) -> tuple[Reason, ...]:
    """Why these bars are unfit at `as_of`, all reasons at once; empty where they are fit.

    Codes: no_bars, too_few, gapped (these for the timeframe that is decided on), stale, out_of_order,
    ahead_of_as_of, non_finite, not_positive, bad_ohlc.
    """
    what = f"{timeframe} bars of {instrument.instrument_id}"
    if not len(bars):
        missing = Reason(code="no_bars", text=f"expected {what} closed by {_utc(as_of)}, found none")
        return (missing,) if is_decided_on else ()
    untimely = tuple(_timing(what, bars, as_of))
    reasons = [*untimely, *_prices(what, bars)]
    if is_decided_on and len(bars) < settings.min_bars:
        text = f"expected at least {settings.min_bars} {what}, found {len(bars)}"
        reasons.append(Reason(code="too_few", text=text))
    if not untimely:
        reasons.extend(staleness(what, instrument, timeframe, bars, as_of, settings))
    if is_decided_on and not untimely:
        reasons.extend(_gaps(what, instrument, timeframe, bars, settings))
    return tuple(reasons)


def _reasons(
    instrument: Instrument,
    timeframe: Timeframe,
    bars: dict[Timeframe, Bars],
    quote: Quote | None,
    rates: tuple[Rate, ...],
    as_of: datetime,
    settings: SnapshotSettings,
) -> tuple[Reason, ...]:
    found: list[Reason] = []
    for each, its_bars in bars.items():
        is_decided_on = each is timeframe
        found.extend(check_bars(instrument, each, its_bars, as_of, settings, is_decided_on=is_decided_on))
    return (*found, *_quote_reasons(quote, rates, as_of))


def _is_tradable(instrument: Instrument, timeframe: Timeframe, as_of: datetime) -> bool:
    if timeframe.seconds >= Timeframe.D1.seconds:
        return True
    return (next_open(instrument, as_of) - as_of).total_seconds() < timeframe.seconds


def _timing(what: str, bars: Bars, as_of: datetime) -> Iterator[Reason]:
    is_back = (np.diff(bars.open_time) <= 0) | (np.diff(bars.close_time) <= 0)
    if is_back.any() or (bars.close_time <= bars.open_time).any():
        before = int(is_back.argmax()) if is_back.any() else 0
        found = (
            f"{_at(bars, before + 1)} after {_at(bars, before)}" if is_back.any() else "a bar of no length"
        )
        yield Reason(code="out_of_order", text=f"expected {what} in time order, found {found}")
    latest = from_ms(int(bars.close_time.max()))
    if latest > as_of:
        text = f"expected {what} closed by {_utc(as_of)}, found one closing {_utc(latest)}"
        yield Reason(code="ahead_of_as_of", text=text)


def _prices(what: str, bars: Bars) -> Iterator[Reason]:
    prices: tuple[Float1D, ...] = (bars.open, bars.high, bars.low, bars.close)
    is_finite = np.logical_and.reduce([np.isfinite(price) for price in prices])
    is_positive = np.logical_and.reduce([price > 0 for price in prices])
    is_inside = np.logical_and.reduce(
        [bars.low <= bars.open, bars.open <= bars.high, bars.low <= bars.close, bars.close <= bars.high]
    )
    for code, expected, is_good in (
        ("non_finite", "finite prices", is_finite),
        ("not_positive", "prices above zero", is_positive | ~is_finite),
        ("bad_ohlc", "open and close between low and high", is_inside | ~is_finite),
    ):
        if not is_good.all():
            n_bad, first = int((~is_good).sum()), _at(bars, int(is_good.argmin()))
            text = f"expected {expected} in {what}, found {n_bad} without, first that closing {first}"
            yield Reason(code=code, text=text)


def staleness(
    what: str,
    instrument: Instrument,
    timeframe: Timeframe,
    bars: Bars,
    as_of: datetime,
    settings: SnapshotSettings,
) -> Iterator[Reason]:
    """Why the newest of these bars is too old at `as_of`; nothing where it is not."""
    since = open_seconds_between(instrument, bars.last_close_time, as_of)
    allowed = settings.stale_timeframes * _session_seconds(instrument, timeframe)
    if since > allowed:
        text = (
            f"expected {what} from the last {allowed / _HOUR_S:g} open hours, "
            f"found the newest {since / _HOUR_S:g} open hours old, closed {_utc(bars.last_close_time)}"
        )
        yield Reason(code="stale", text=text)


def _gaps(
    what: str, instrument: Instrument, timeframe: Timeframe, bars: Bars, settings: SnapshotSettings
) -> Iterator[Reason]:
    closes = bars.close_time[-settings.gap_window - 1 :]
    session_s = _session_seconds(instrument, timeframe)
    n_missing = 0
    # Steps of one timeframe hide nothing, and they are nearly all.
    for index in np.flatnonzero(np.diff(closes) > timeframe.seconds * 1000).tolist():
        start, end = from_ms(int(closes[index])), from_ms(int(closes[index + 1]))
        n_missing += max(0, round(open_seconds_between(instrument, start, end) / session_s) - 1)
    n_expected = len(closes) - 1 + n_missing
    if n_missing > settings.max_missing_share * n_expected:
        text = (
            f"expected at most {settings.max_missing_share:.0%} of the newest {what} missing, "
            f"found {n_missing} of {n_expected} missing"
        )
        yield Reason(code="gapped", text=text)


def _session_seconds(instrument: Instrument, timeframe: Timeframe) -> float:
    """Time in session that one full bar stands for."""
    day, week = _SESSION_HOURS.get(instrument.calendar, _GLOBEX_HOURS)
    longest = {Timeframe.D1: day, Timeframe.W1: week}
    return longest[timeframe] * _HOUR_S if timeframe in longest else float(timeframe.seconds)


def _quote_reasons(quote: Quote | None, rates: tuple[Rate, ...], as_of: datetime) -> Iterator[Reason]:
    if quote is not None and quote.ask < quote.bid:
        text = f"expected an ask at or above the bid, found bid {quote.bid} and ask {quote.ask}"
        yield Reason(code="crossed", text=text)
    if quote is not None and quote.bid <= 0:
        yield Reason(code="not_positive", text=f"expected a bid above zero, found {quote.bid}")
    told = [("a quote", quote.at)] if quote is not None else []
    told += [(f"a rate of {rate.base_currency}/{rate.quote_currency}", rate.at) for rate in rates]
    for what, at in told:
        if at > as_of:
            text = f"expected {what} of {_utc(as_of)} or before, found one of {_utc(at)}"
            yield Reason(code="ahead_of_as_of", text=text)


def _at(bars: Bars, index: int) -> str:
    return _utc(from_ms(int(bars.close_time[index])))


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
