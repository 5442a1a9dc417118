"""A desk on the bundled EUR/USD hours, over a morning in which it trades, with parts replaced at will."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from contracts.canonical import Record
from contracts.market import Quote
from contracts.ports import Feed
from desk.settings import load_settings
from desk.wiring import Runner, open_desk
from graphs.session import Session, SessionEvent
from graphs.weights import WeightsKeeper
from markets.bars import ChunkWriter

FIRST, LAST = "2017-01-04T09:00Z", "2017-01-04T17:00Z"
"""A short is entered on the 10:00 close and stopped out by 16:00; another is entered at 17:00."""


@dataclass
class Scene:
    """An open desk and everything its session said."""

    runner: Runner
    session: Session
    events: list[SessionEvent] = field(default_factory=list)

    def records(self, kind: type[Record]) -> tuple[Any, ...]:
        """All records of a class in the journal."""
        return self.runner.journal.find_all(kind)

    async def run(self) -> None:
        """Start and step through the whole window."""
        await self.session.start(self.runner.journal.unfinished_cycles())
        await self.session.run()


@contextmanager
def scene(
    home: Path,
    overrides: dict[str, object] | None = None,
    *,
    first: str = FIRST,
    last: str = LAST,
    wrap_feed: Callable[[Feed], Feed] | None = None,
    **parts: Any,
) -> Iterator[Scene]:
    """Open the desk `scene` under `home`; `parts` replace fields of `graphs.desk.Desk`."""
    window = {"desk": "scene", "feed.replay.start": first, "feed.replay.end": last}
    settings = load_settings(window | (overrides or {}), where=home)
    with open_desk(settings, command="test", home=home) as runner:
        events: list[SessionEvent] = []
        feed = runner.desk.feed if wrap_feed is None else wrap_feed(runner.desk.feed)
        desk = replace(runner.desk, feed=feed, **parts)
        writer = ChunkWriter(desk.blobs)
        weights = WeightsKeeper(feed, desk.journal, writer, settings.timeframe, settings.cycle.composite)
        session = Session(desk, weights, code_hash="0" * 64, listener=events.append)
        yield Scene(replace(runner, desk=desk, session=session), session, events)


class ScriptedQuotes:
    """A feed whose next quotes come from a script; when it is empty, from the feed itself."""

    def __init__(self, feed: Feed, quotes: list[Quote | None]) -> None:
        self._feed = feed
        self.script = quotes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._feed, name)

    async def quote(self, instrument_id: str, at: Any) -> Quote | None:
        """The next scripted quote."""
        return self.script.pop(0) if self.script else await self._feed.quote(instrument_id, at)
