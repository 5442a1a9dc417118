"""The bars that a tool is called on: as many as a decision reads, and the others' where it compares."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from contracts.errors import SettingsError
from desk.commands.options import parse_moment

if TYPE_CHECKING:
    from desk.settings import Settings
    from tools.registry import SharedBars

N_BARS = 600
"""As many closed bars as a decision reads, so a call gives the number a cycle would have seen."""


async def bars_for(name: str, settings: "Settings", instrument_id: str, at: str | None) -> "SharedBars":
    """Bars of the instrument, none that closed after `at`; where it compares, those of the feed's others.

    Says so on stderr where the newest is more than two timeframes older than `at`.
    """
    import typer

    from desk.present import moment
    from desk.wiring import price_files
    from markets.replay_feed import ReplayFeed
    from tools.registry import SharedBars
    from tools.report import compares

    feed = ReplayFeed(price_files(settings), settings.feed.replay)
    until = datetime(9999, 1, 1, tzinfo=UTC) if at is None else parse_moment(at, "--at")
    own = await feed.bars(instrument_id, settings.timeframe, until, N_BARS)
    if len(own) == 0:
        raise SettingsError(
            f"expected bars of {instrument_id} closed by {at}, found none; the feed begins later"
        )
    if at is not None and (until - own.last_close_time).total_seconds() > 2 * settings.timeframe.seconds:
        typer.echo(
            f"note: no bar after {moment(own.last_close_time)} had closed by {moment(until)}", err=True
        )
    peers = [peer for peer in feed.instruments() if peer != instrument_id] if compares(name) else []
    others = [await feed.bars(peer, settings.timeframe, own.last_close_time, N_BARS) for peer in peers]
    return SharedBars.of(own, others)
