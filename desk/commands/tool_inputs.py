"""What a tool is called on: what it reads of the configured feed, and nothing later than asked.

As many bars are read as a decision reads, so that a call gives the number that a cycle would have seen.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from contracts.errors import SettingsError
from contracts.market import from_ms, to_ms
from contracts.ticks import Beside, BookFrames, BookMessage, Quotes, Trades
from desk.commands.options import parse_moment

if TYPE_CHECKING:
    from contracts.market import Instrument
    from desk.settings import Settings
    from markets.replay_feed import ReplayFeed
    from tools.features import FeatureMoment
    from tools.registry import Tool
    from tools.shared_bars import SharedBars

_NOT_BARS = ("trades", "quotes", "book")
"""What a tool may read that comes from files of its own."""
_QUIET_MS = 60_000
"""Trades, quotes and books that are older than this are told as old."""

Rows = TypeVar("Rows", Trades, Quotes, tuple[BookMessage, ...])


def sample_overrides(names: Sequence[str] | None) -> dict[str, object]:
    """`--sample` as settings: a sample of bars replaces the files of bars, one of trades those of trades."""
    from desk.commands.run import feed_overrides
    from markets.samples import sample_ticks

    ticks = [name for name in names or () if name in sample_ticks()]
    bars = [name for name in names or () if name not in ticks]
    instead = {"feed.tick_samples": ticks, "feed.ticks": [], "feed.books": []} if ticks else {}
    return feed_overrides(None, bars, None, None) | instead


async def inputs_for(
    tool: "Tool", settings: "Settings", instrument_id: str, at: str | None, other: str | None = None
) -> "SharedBars":
    """What the tool reads of the instrument, known at `at`; without bars where it reads none.

    Says so on stderr where the newest bar is more than two timeframes older than `at`, or the newest trade,
    quote or book more than a minute.
    """
    from desk.wiring import price_files
    from markets.instruments import resolve
    from tools.shared_bars import SharedBars

    if "other" in tool.inputs and other is None:
        raise SettingsError(f"expected --other, the second instrument {tool.name} compares with, found none")
    if "other" not in tool.inputs and other is not None:
        raise SettingsError(f"expected no --other for {tool.name}, which reads one instrument, found {other}")
    if other is not None and resolve(other).instrument_id == instrument_id:
        raise SettingsError(f"expected --other to be a second instrument, found {instrument_id} again")
    price_files(settings)  # Refuses a sample that nobody knows, also where no bars are read.
    own = await bars_for(tool, settings, instrument_id, at) if "bars" in tool.inputs else _no_bars()
    until = _until(at)
    second = None
    if other is not None:
        second = await _feed(settings).bars(
            resolve(other).instrument_id, settings.timeframe, own.last_close_time, settings.snapshot.bars
        )
    beside = replace(_beside(settings, resolve(instrument_id), until, tool.inputs), other=second)
    if at is not None:
        _say_what_is_old(beside, until)
    return SharedBars.of(own, own.others, beside)


async def bars_for(tool: "Tool", settings: "Settings", instrument_id: str, at: str | None) -> "SharedBars":
    """Bars of the instrument, none that closed after `at`; where it compares, those of the feed's others."""
    import typer

    from desk.present import moment
    from tools.report import compares
    from tools.shared_bars import SharedBars

    feed, until = _feed(settings), _until(at)
    own = await feed.bars(instrument_id, settings.timeframe, until, settings.snapshot.bars)
    if len(own) == 0:
        raise SettingsError(
            f"expected bars of {instrument_id} closed by {at}, found none; the feed begins later"
        )
    if at is not None and (until - own.last_close_time).total_seconds() > 2 * settings.timeframe.seconds:
        typer.echo(
            f"note: no bar after {moment(own.last_close_time)} had closed by {moment(until)}", err=True
        )
    peers = [peer for peer in feed.instruments() if peer != instrument_id] if compares(tool.name) else []
    last, count = own.last_close_time, settings.snapshot.bars
    others = [await feed.bars(peer, settings.timeframe, last, count) for peer in peers]
    return SharedBars.of(own, others)


async def moment_for(settings: "Settings", instrument: "Instrument", at: str | None) -> "FeatureMoment":
    """The instrument at `at`, or at the close of its newest bar, as the feature vector reads it."""
    from tools.features import N_BARS, FeatureMoment

    feed, until, timeframe = _feed(settings), _until(at), settings.timeframe
    instrument_id = instrument.instrument_id
    own = await feed.bars(instrument_id, timeframe, until, N_BARS)
    as_of = until if at is not None or len(own) == 0 else own.last_close_time
    higher = await feed.bars(instrument_id, timeframe.higher, as_of, N_BARS)
    beside = _beside(settings, instrument, as_of, _NOT_BARS)
    return FeatureMoment(instrument, timeframe, as_of, own, higher, beside)


def known_at(tool: "Tool", bars: "SharedBars") -> datetime | None:
    """The moment of the newest row of all that the tool reads; None where there is no row."""
    times = [bars.close_time] if "bars" in tool.inputs else []
    others = (getattr(bars.beside, name) for name in tool.inputs if name in _NOT_BARS)
    times += [rows.time for rows in others if rows is not None]
    newest = [int(column[-1]) for column in times if len(column)]
    return from_ms(max(newest)) if newest else None


def _until(at: str | None) -> datetime:
    return datetime(9999, 1, 1, tzinfo=UTC) if at is None else parse_moment(at, "--at")


def _feed(settings: "Settings") -> "ReplayFeed":
    from desk.wiring import price_files
    from markets.replay_feed import ReplayFeed

    return ReplayFeed(price_files(settings), settings.feed.replay)


def _say_what_is_old(beside: Beside, until: datetime) -> None:
    import typer

    from desk.present import moment
    from tools.tool_docs import INPUTS

    for name in _NOT_BARS:
        rows = getattr(beside, name)
        if rows is not None and len(rows) and to_ms(until) - int(rows.time[-1]) > _QUIET_MS:
            last = moment(from_ms(int(rows.time[-1])))
            typer.echo(f"note: no {INPUTS[name][1]} after {last} had come by {moment(until)}", err=True)


def _beside(
    settings: "Settings", instrument: "Instrument", until: datetime, wanted: Collection[str]
) -> Beside:
    """What of `wanted` the configured files hold of the instrument, known at `until`."""
    plain = Beside(is_volume_traded=instrument.has_traded_volume)
    if not set(wanted) & set(_NOT_BARS):
        return plain
    from desk.wiring import tick_files
    from markets.book_file import read_book_file
    from markets.tick_table import read_ticks_of

    instrument_id, until_ms = instrument.instrument_id, to_ms(until)
    read = [
        (source.path, read_ticks_of(source))
        for source in tick_files(settings)
        if source.instrument == instrument_id
    ]
    recorded = [
        (source.path, read_book_file(source.path, instrument=instrument_id))
        for source in settings.feed.books
        if source.instrument == instrument_id
    ]
    trades = [(path, each) for path, each in read if isinstance(each, Trades)]
    tapes = _by_time("trades", trades + [(path, file.trades) for path, file in recorded])
    quotes = [(path, each) for path, each in read if isinstance(each, Quotes)]
    ticker = _by_time("quotes", quotes + [(path, file.quotes) for path, file in recorded])
    books = _by_time("books", [(path, file.messages) for path, file in recorded])
    messages = [message for book in books for message in book]
    return replace(
        plain,
        trades=Trades.together(tapes).known_by(until_ms) if tapes else None,
        quotes=Quotes.together(ticker).known_by(until_ms) if ticker else None,
        book=_frames(instrument, messages, until_ms) if messages and "book" in wanted else None,
    )


def _by_time(what: str, held: Sequence[tuple[Path, Rows]]) -> list[Rows]:
    """What each file holds, the earliest first; SettingsError where rows would count twice."""
    held = sorted(held, key=lambda each: _span(each[1]))
    filled = [(path, _span(each)) for path, each in held if len(each)]
    for (path, (_, last)), (later, (first, _)) in pairwise(filled):
        if first < last or path == later:
            raise SettingsError(
                f"expected files of {what} that follow one another, found {path} until {from_ms(last)} and "
                f"{later} from {from_ms(first)}; leave out one, or the rows that are in both"
            )
    return [each for _, each in held]


def _span(rows: Trades | Quotes | tuple[BookMessage, ...]) -> tuple[int, int]:
    if not len(rows):
        return 0, 0
    if isinstance(rows, tuple):
        return rows[0].time, rows[-1].time
    return int(rows.time[0]), int(rows.time[-1])


def _frames(instrument: "Instrument", messages: Sequence[BookMessage], until_ms: int) -> BookFrames:
    """The newest minute of frames of the book at `until_ms`, or at its last message where that is sooner.

    Says so on stderr where the book has no reading then.
    """
    import typer

    from tools.book_frames import FrameRing
    from tools.order_book import OrderBook

    ring = FrameRing(OrderBook(instrument.tick_size), instrument)
    for message in messages:
        if message.time > until_ms:
            ring.advance(until_ms + 1)
            break
        ring.follow(message)
    if (reason := ring.book.reason) is not None:
        typer.echo(f"note: the book has no reading at that moment: {reason}", err=True)
    return ring.frames()


def _no_bars() -> "SharedBars":
    from tools.shared_bars import SharedBars

    whole, prices = np.empty(0, dtype=np.int64), np.empty(0)
    return SharedBars(whole, whole, prices, prices, prices, prices, prices, "mid")
