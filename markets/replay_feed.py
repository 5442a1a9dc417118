"""A feed over price files: the past, told one closing moment at a time.

Files are read once into arrays. A longer timeframe is put together once, over the whole file, and every
answer is cut from it by close time, which gives what resampling the bars known then would give.

Analysis prices are mid where a file has bid and ask (the mid of two highs stands for the high of the
mid, which bars do not tell), else the one side it has. The other side is then made with an assumed
spread, and everything that shows it says so.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import groupby
from typing import Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from contracts.canonical import Utc
from contracts.errors import DataUnavailable, SettingsError, ToolInputError
from contracts.market import (
    BarClosed,
    Bars,
    Float1D,
    Instrument,
    Ohlc,
    PriceSide,
    Quote,
    Timeframe,
    from_ms,
    to_ms,
)
from contracts.records import Rate
from markets.bars import resample
from markets.instruments import resolve
from markets.price_file import PriceFile, PriceSeries, ReadReport, read_prices


class AssumedSpread(BaseModel):
    """The spread given to a source that tells one side only. Defaults, not facts; a venue's may be wider.

    Forex: OANDA's hourly closes of 2007 to 2016 have a median of 1.2 pips on EUR/USD and 2.5 on NZD/USD,
    so 1.5 is fair to the dollar pairs and kind to crosses. Futures: one tick, the median of the front
    contracts of ES (99% of minutes) and GC (54%) over three days of October 2013. Metal, crypto, index:
    not measured, and chosen rather wide.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    forex_pips: float = Field(default=1.5, ge=0)
    metal_pips: float = Field(default=30.0, ge=0)
    """Pips of 0.01, so 30 is 0.30 dollars an ounce."""
    futures_ticks: float = Field(default=1.0, ge=0)
    crypto_bps: float = Field(default=2.0, ge=0, lt=10_000)
    index_points: float = Field(default=0.5, ge=0)

    def of(self, instrument: Instrument, prices: Float1D) -> Float1D:
        """The spread beside each of `prices`, as a price distance."""
        if instrument.market == "crypto":
            return prices * (self.crypto_bps / 10_000)
        if instrument.calendar == "metal":
            distance = self.metal_pips * float(instrument.pip_size)
        elif instrument.market == "forex":
            distance = self.forex_pips * float(instrument.pip_size)
        elif instrument.market == "futures":
            distance = self.futures_ticks * float(instrument.tick_size)
        else:
            distance = self.index_points
        return np.full(len(prices), distance)


class ReplayFeedSettings(BaseModel):
    """Which part of the files is told as events; history before `start` is still known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: Utc | None = None
    """First close time told; None from the first bar."""
    end: Utc | None = None
    """Last close time told; None to the last bar."""
    scan: tuple[str, ...] = ()
    """Instruments told as events, by any of their names; the others only give bars, quotes and rates."""
    assumed_spread: AssumedSpread = AssumedSpread()

    @field_validator("scan")
    @classmethod
    def _are_known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(resolve(name).instrument_id for name in names)
        except ToolInputError as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _start_is_first(self) -> Self:
        if self.start and self.end and self.end < self.start:
            raise ValueError(f"expected an end at or after the start {self.start}, found {self.end}")
        return self


@dataclass(frozen=True, slots=True)
class _Track:
    """One instrument in one timeframe: three sets of bars with the same times."""

    analysis: Bars
    bid: Bars
    ask: Bars
    is_spread_assumed: bool

    def resampled(self, calendar: str, timeframe: Timeframe) -> "_Track":
        return _Track(
            resample(self.analysis, calendar, timeframe),
            resample(self.bid, calendar, timeframe),
            resample(self.ask, calendar, timeframe),
            self.is_spread_assumed,
        )

    def n_closed(self, at: datetime) -> int:
        return int(np.searchsorted(self.analysis.close_time, to_ms(at), side="right"))


class ReplayFeed:
    """`contracts.ports.Feed` over one or more price files, at most one an instrument."""

    name = "replay"

    def __init__(self, sources: Sequence[PriceFile], settings: ReplayFeedSettings) -> None:
        if not sources:
            raise SettingsError("expected at least one price file or sample to replay, found none")
        self._settings = settings
        self._instruments: dict[str, Instrument] = {}
        self._timeframes: dict[str, Timeframe] = {}
        self._tracks: dict[tuple[str, Timeframe], _Track] = {}
        self._rates: dict[str, Rate] = {}
        self.reports: tuple[ReadReport, ...] = tuple(self._add(read_prices(source)) for source in sources)
        """What was seen in each file, in the order given."""
        if missing := [each for each in settings.scan if each not in self._instruments]:
            held = ", ".join(self._instruments)
            raise SettingsError(
                f"expected instruments of the feed ({held}) to scan, found {', '.join(missing)}; "
                "name a sample or a file that has them"
            )

    def instruments(self) -> tuple[str, ...]:
        """Ids of what is scanned, in the order of the sources."""
        scan = self._settings.scan
        return tuple(each for each in self._instruments if not scan or each in scan)

    async def events(self, timeframe: Timeframe) -> AsyncIterator[tuple[BarClosed, ...]]:
        """Bars by closing moment, within one moment in the order of the sources.

        Instruments whose files have longer bars than `timeframe` are left out. Raises SettingsError
        where that leaves none.
        """
        served = [each for each in self.instruments() if self._timeframes[each].seconds <= timeframe.seconds]
        if not served:
            held = ", ".join(f"{each} {held}" for each, held in self._timeframes.items())
            raise SettingsError(f"expected a price file with bars of {timeframe} or shorter, found {held}")
        told = [self._told(each, timeframe) for each in served]
        # merge keeps the order of the sources among bars of one moment.
        for _, bars in groupby(merge(*told, key=_close_time), key=_close_time):
            yield tuple(bars)

    def last_closed(self, timeframe: Timeframe, at: datetime) -> tuple[BarClosed, ...]:
        """The newest bar of each instrument that closed at or before `at`, told or not."""
        newest: list[BarClosed] = []
        for each in self._instruments:
            if self._timeframes[each].seconds <= timeframe.seconds:
                n = self._track(each, timeframe).n_closed(at)
                newest.extend(self._bars_closed(each, timeframe, max(n - 1, 0), n))
        return tuple(newest)

    async def bars(self, instrument_id: str, timeframe: Timeframe, until: datetime, count: int) -> Bars:
        """The newest `count` analysis bars closed at or before `until`."""
        track = self._track(instrument_id, timeframe)
        n = track.n_closed(until)
        return track.analysis[max(n - max(count, 0), 0) : n]

    async def quote(self, instrument_id: str, at: datetime) -> Quote | None:
        """The close of the newest bar of the file itself."""
        if instrument_id not in self._instruments:
            return None
        track = self._track(instrument_id, self._timeframes[instrument_id])
        last = track.n_closed(at) - 1
        if last < 0:
            return None
        return Quote(
            bid=float(track.bid.close[last]),
            ask=float(track.ask.close[last]),
            at=from_ms(int(track.bid.close_time[last])),
            is_spread_assumed=track.is_spread_assumed,
        )

    async def rates(self, at: datetime) -> tuple[Rate, ...]:
        """The mid of the newest bar of each forex instrument."""
        return self.last_rates(at)

    def last_rates(self, at: datetime) -> tuple[Rate, ...]:
        """What `rates` answers, for who builds a desk and cannot wait."""
        forex = (row for row in self._instruments.values() if row.market == "forex")
        return tuple(rate for row in forex if (rate := self._rate(row, at)) is not None)

    def _add(self, series: PriceSeries) -> ReadReport:
        instrument = series.instrument
        instrument_id = instrument.instrument_id
        if instrument_id in self._instruments:
            raise SettingsError(
                f"expected one price file of {instrument_id}, found another: {series.report.path}"
            )
        self._instruments[instrument_id] = instrument
        self._timeframes[instrument_id] = series.timeframe
        self._tracks[instrument_id, series.timeframe] = _as_track(series, self._settings.assumed_spread)
        return series.report

    def _track(self, instrument_id: str, timeframe: Timeframe) -> _Track:
        track = self._tracks.get((instrument_id, timeframe))
        if track is not None:
            return track
        own = self._timeframes.get(instrument_id)
        if own is None or own.seconds > timeframe.seconds:
            found = f"{instrument_id} {own}" if own else ", ".join(self._instruments)
            raise DataUnavailable(
                f"expected {timeframe} bars of {instrument_id} in the price files, found {found}"
            )
        calendar = self._instruments[instrument_id].calendar
        track = self._tracks[instrument_id, own].resampled(calendar, timeframe)
        self._tracks[instrument_id, timeframe] = track
        return track

    def _told(self, instrument_id: str, timeframe: Timeframe) -> Iterator[BarClosed]:
        closes = self._track(instrument_id, timeframe).analysis.close_time
        start, end = self._settings.start, self._settings.end
        first = int(np.searchsorted(closes, to_ms(start), side="left")) if start else 0
        stop = int(np.searchsorted(closes, to_ms(end), side="right")) if end else len(closes)
        return self._bars_closed(instrument_id, timeframe, first, stop)

    def _bars_closed(
        self, instrument_id: str, timeframe: Timeframe, first: int, stop: int
    ) -> Iterator[BarClosed]:
        track = self._track(instrument_id, timeframe)
        times = track.analysis
        for i in range(first, stop):
            yield BarClosed(
                instrument_id=instrument_id,
                timeframe=timeframe,
                open_time=from_ms(int(times.open_time[i])),
                close_time=from_ms(int(times.close_time[i])),
                bid=_ohlc(track.bid, i),
                ask=_ohlc(track.ask, i),
                is_spread_assumed=track.is_spread_assumed,
            )

    def _rate(self, instrument: Instrument, at: datetime) -> Rate | None:
        track = self._track(instrument.instrument_id, self._timeframes[instrument.instrument_id])
        last = track.n_closed(at) - 1
        if last < 0:
            return None
        closed = from_ms(int(track.bid.close_time[last]))
        kept = self._rates.get(instrument.instrument_id)
        if kept is None or kept.at != closed:
            # Kept because a cycle asks several times at one moment, for every pair there is.
            kept = self._rates[instrument.instrument_id] = Rate(
                base_currency=instrument.base_currency,
                quote_currency=instrument.quote_currency,
                rate=float(track.bid.close[last] + track.ask.close[last]) / 2,
                at=closed,
            )
        return kept


def _close_time(bar: BarClosed) -> datetime:
    return bar.close_time


def _as_track(series: PriceSeries, spread: AssumedSpread) -> _Track:
    sides = series.sides
    if "bid" in sides and "ask" in sides:
        bid, ask = sides["bid"], sides["ask"]
        return _Track(_between(bid, ask), bid, ask, is_spread_assumed=False)
    (side, bars), *_ = sides.items()
    bid_offset: dict[PriceSide, float] = {"bid": 0.0, "ask": -1.0, "mid": -0.5, "trade": -0.5}
    bid = _moved(bars, "bid", bid_offset[side], spread, series.instrument)
    ask = _moved(bars, "ask", bid_offset[side] + 1.0, spread, series.instrument)
    return _Track(bars, bid, ask, is_spread_assumed=True)


def _between(bid: Bars, ask: Bars) -> Bars:
    return Bars(
        bid.open_time,
        bid.close_time,
        (bid.open + ask.open) / 2,
        (bid.high + ask.high) / 2,
        (bid.low + ask.low) / 2,
        (bid.close + ask.close) / 2,
        bid.volume,
        "mid",
    )


def _moved(
    bars: Bars, side: Literal["bid", "ask"], spreads: float, spread: AssumedSpread, instrument: Instrument
) -> Bars:
    open_, high, low, close = (
        prices + spreads * spread.of(instrument, prices)
        for prices in (bars.open, bars.high, bars.low, bars.close)
    )
    return Bars(bars.open_time, bars.close_time, open_, high, low, close, bars.volume, side)


def _ohlc(bars: Bars, index: int) -> Ohlc:
    return Ohlc(
        float(bars.open[index]), float(bars.high[index]), float(bars.low[index]), float(bars.close[index])
    )
