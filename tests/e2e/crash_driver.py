"""Kills a desk at every boundary, for real, and starts it again.

    python -m tests.e2e.crash_driver FOLDER

Prints one JSON line a kill point. Each run is a forked child of this process, which has imported
everything but opened nothing: a child's SIGKILL is as final as any, and a hundred restarts do not pay a
hundred imports. Three stretches are covered: an entry from its signal to its fill, a stop that closes the
trade, with its outcome and the next entry, and an exit by an opposite signal.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from contracts.ports import JournalRow
from contracts.records import Environment, SessionEnded, SessionStarted, StageRecord
from desk.settings import load_settings
from desk.wiring import open_desk
from graphs.session import Session
from graphs.stages import stage_records
from graphs.weights import WeightsKeeper
from markets.bars import ChunkWriter
from markets.paper import PaperBroker
from memory.audit import verify
from memory.blobs import FileBlobStore
from memory.journal import SqliteJournal, open_for_reading
from tests.fakes import KeepingVenue

STRETCHES = {
    "entry": ("2017-01-04T10:00Z", None, "2017-01-04T11:00Z"),
    "stop": ("2017-01-04T10:00Z", "2017-01-04T15:00Z", "2017-01-04T17:00Z"),
    "exit": ("2017-01-04T10:00Z", "2017-01-04T17:00Z", "2017-01-04T19:00Z"),
}
"""Where the feed starts, up to where an untroubled run prepares the desk, and where it ends."""


def main(folder: Path) -> None:
    """Every kill point of every stretch."""
    for name, (first, prepared, last) in STRETCHES.items():
        base = folder / name / "base"
        base.mkdir(parents=True)
        if prepared is not None:
            _in_child(_run, base, first, prepared, _Killer())
        truth_home = _copy(base, folder / name / "truth")
        _in_child(_run, truth_home, first, last, _Killer(count_in=truth_home / "count"))
        n_appends = int((truth_home / "count").read_text(encoding="utf-8"))
        truth = _records(truth_home)
        for point in _points(n_appends):
            home = _copy(base, folder / name / "killed")
            killed = _in_child(_run, home, first, last, _Killer(point))
            again = _in_child(_run, home, first, last, _Killer())
            print(json.dumps(_judge(name, point, killed, again, home, truth)), flush=True)
            shutil.rmtree(home)


class _Killer:
    """Counts acts and kills its own process at the chosen one."""

    def __init__(self, point: str = "", count_in: Path | None = None) -> None:
        self.point = point
        self.n_appends = 0
        self._count_in = count_in

    def at(self, point: str) -> None:
        if point == self.point:
            os.kill(os.getpid(), signal.SIGKILL)

    def save(self) -> None:
        if self._count_in is not None:
            self._count_in.write_text(str(self.n_appends), encoding="utf-8")


class _DyingVenue(KeepingVenue):
    def __init__(self, inner: PaperBroker, folder: Path, killer: _Killer) -> None:
        super().__init__(inner, folder)
        self._killer = killer

    async def submit(self, intent: Any) -> Any:
        self._killer.at("submit: before sending")
        update = await super().submit(intent)
        self._killer.at("submit: after sending")
        return update


def _points(n_appends: int) -> Iterator[str]:
    yield from ("submit: before sending", "submit: after sending")
    for i in range(1, n_appends + 1):
        yield f"append {i}: before"
        yield f"append {i}: after"


def _run(home: Path, first: str, last: str, killer: _Killer) -> None:
    settings = load_settings(
        {"desk": "crash", "feed.replay.start": first, "feed.replay.end": last}, where=home
    )
    _count_appends(killer)
    with open_desk(settings, command="crash", home=home) as runner:
        inner = runner.desk.broker
        assert isinstance(inner, PaperBroker)
        venue = _DyingVenue(inner, home / "venue", killer)
        desk = replace(runner.desk, broker=venue)
        weights = WeightsKeeper(
            desk.feed, desk.journal, ChunkWriter(desk.blobs), settings.timeframe, settings.cycle.composite
        )
        session = Session(desk, weights, code_hash="0" * 64)

        async def whole() -> None:
            await venue.remember()
            await session.start(runner.journal.unfinished_cycles())
            await session.run()

        asyncio.run(whole())
    killer.save()


def _count_appends(killer: _Killer) -> None:
    original = SqliteJournal.append

    def append(self: SqliteJournal, record: Any, **rest: Any) -> JournalRow:
        if isinstance(record, Environment | SessionStarted | SessionEnded):
            return original(self, record, **rest)
        killer.n_appends += 1
        killer.at(f"append {killer.n_appends}: before")
        row = original(self, record, **rest)
        killer.at(f"append {killer.n_appends}: after")
        return row

    SqliteJournal.append = append  # type: ignore[method-assign]


def _in_child(work: Callable[..., None], *args: object) -> str:
    """Run in a forked child; how it ended, in words."""
    pid = os.fork()
    if pid == 0:
        try:
            work(*args)
        except BaseException as error:  # the child must never return into the parent's loop
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return f"exit {os.WEXITSTATUS(status)}"


def _judge(
    stretch: str, point: str, killed: str, again: str, home: Path, truth: dict[str, str]
) -> dict[str, object]:
    found = _records(home)
    report = verify(home / "crash" / "journal.db", FileBlobStore(home / "crash" / "blobs"))
    log = home / "venue" / "submissions.log"
    sent = log.read_text(encoding="utf-8").split() if log.exists() else []
    return {
        "stretch": stretch,
        "point": point,
        "killed": killed,
        "again": again,
        "same": found == truth,
        "differs": sorted(key for key in found.keys() | truth.keys() if found.get(key) != truth.get(key)),
        "problems": list(report.problems),
        "sent_twice": len(sent) != len(set(sent)),
        "unfinished": list(_unfinished(home)),
    }


def _records(home: Path) -> dict[str, str]:
    """What was decided and done, by stage: an interrupted run must come to the same."""
    reader = open_for_reading(home / "crash" / "journal.db")
    try:
        records: list[tuple[StageRecord, int]] = stage_records(reader.rows())
    finally:
        reader.close()
    return {f"{type(r).__name__} {r.as_of:%d %H:%M} {n} {r.cycle_id[:8]}": r.record_id for r, n in records}


def _unfinished(home: Path) -> tuple[str, ...]:
    reader = open_for_reading(home / "crash" / "journal.db")
    try:
        return reader.unfinished_cycles()
    finally:
        reader.close()


def _copy(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    return target


if __name__ == "__main__":
    main(Path(sys.argv[1]))
