"""Drives one desk over its feed to the end or to a clean stop; what `run` and `demo` have in common."""

import asyncio
import json
import math
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from contracts.errors import DataUnavailable
from contracts.records import ApprovalRequest, DeskState, Outcome
from desk.commands.decided import Decided, decided
from desk.commands.person import Person
from desk.commands.progress import ProgressReport
from desk.commands.stop import StopRequest
from desk.commands.voices import Voices
from desk.present import banner, facts, short, size, summary_facts, to_stderr, to_stdout
from desk.settings import Settings
from desk.wiring import Runner, open_desk
from graphs.questions import runs_out
from graphs.session import SessionEvent
from graphs.tally import SessionSummary
from markets.instruments import resolve

_KELLY = "kelly_stands_aside"
"""The one reason that only a person can end, so the summary says how."""
_LISTEN_S = 0.2
"""How often a waiting desk looks for an answer."""
_FAR = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Driven:
    """What a drive came to, and where it is written."""

    summary: SessionSummary
    journal: Path
    summary_file: Path
    cycle_id: str | None
    """A cycle worth looking at: the newest that closed a trade, else the newest."""
    decided: tuple[Decided, ...] = ()
    """What was decided at the one closing moment that was asked for."""


def drive(
    settings: Settings, stop: StopRequest, *, command: str, once: bool = False, wait_s: float = 0.0
) -> Driven:
    """Open the desk, step through its feed, close it; everything said on the way goes to stderr.

    A question that nobody here can answer holds the desk up for `wait_s`, for somebody elsewhere to answer.
    """
    console = to_stderr()
    voices = Voices(console)
    cycles: list[str] = []

    def listen(event: SessionEvent) -> None:
        # Only what the person could not expect is said while the desk runs, and one decision as it is made.
        if event.kind == "recovered":
            console.print(f"{event.kind}: {event.text}")
        elif once:
            voices.hear(event)
            if event.cycle_id is not None and event.kind in ("cycle_finished", "approval_needed"):
                cycles.append(event.cycle_id)

    # A person who is asked here may think for as long as the question stands.
    holds_s = wait_s if math.isfinite(wait_s) and not _is_person_there(settings) else None
    with open_desk(settings, command=command, listener=listen, holds_s=holds_s) as runner:
        _show_start(console, runner)
        why = asyncio.run(_to_the_end(runner, stop, console, once=once, wait_s=wait_s))
        return Driven(
            decided=tuple(decided(runner.journal, cycle_id) for cycle_id in dict.fromkeys(cycles)),
            summary=runner.finish(why),
            journal=runner.folder.journal,
            summary_file=runner.folder.sessions / f"{runner.session_id}.json",
            cycle_id=_telling_cycle(runner),
        )


def show(driven: Driven, *, is_json: bool) -> None:
    """The summary on stdout, for people or for scripts."""
    if is_json:
        tree = driven.summary.model_dump(mode="json")
        files = {"journal": str(driven.journal), "summary_file": str(driven.summary_file)}
        told = [each.as_json() for each in driven.decided]
        print(json.dumps(tree | files | ({"decided": told} if told else {}), indent=2))
        return
    out, summary = to_stdout(), driven.summary
    if out.is_terminal:
        out.print()
    for each in driven.decided:
        out.print(each.title, style="bold")
        out.print(facts(each.story))
        out.print()
    out.print(banner(summary.desk, summary.account_id, is_paper=summary.is_paper), style="bold")
    out.print(facts(summary_facts(summary)))
    out.print(f"\njournal  {driven.journal}\nsummary  {driven.summary_file}", soft_wrap=True)
    out.print("\nnext")
    for line in _next_commands(driven):
        out.print(f"  {line}", soft_wrap=True)


async def _to_the_end(
    runner: Runner, stop: StopRequest, console: Console, *, once: bool, wait_s: float
) -> str:
    try:
        return await _steps(runner, stop, console, once=once, wait_s=wait_s)
    finally:
        await runner.close()


async def _steps(runner: Runner, stop: StopRequest, console: Console, *, once: bool, wait_s: float) -> str:
    session, timeframe = runner.session, runner.settings.timeframe
    person = Person(console, stop) if _is_person_there(runner.settings) else None
    last = await _last_close(runner)
    await runner.start()
    with ProgressReport(console, "deciding") as progress:
        async for bars in runner.desk.feed.events(timeframe):
            if stop.requested_by is not None:
                return f"stopped by {stop.requested_by}"
            n_before = session.tally.n_cycles + len(session.pending)
            await session.step(bars)
            _tell(progress, runner, bars[0].close_time, last)
            if person is not None and session.pending:
                with progress.paused():
                    await person.answer_all(session)
            await _wait_for_answers(runner, stop, wait_s, console)
            if once and session.tally.n_cycles + len(session.pending) > n_before:
                return "one closing moment, as asked"
    return "the feed ended"


async def _wait_for_answers(runner: Runner, stop: StopRequest, wait_s: float, console: Console) -> None:
    """Time stands still on replayed prices, so without this a question would expire before anybody saw it."""
    session, told, began = runner.session, set[str](), time.monotonic()
    while session.pending and stop.requested_by is None:
        await session.hear_answers()
        held_s, now = wait_s - (time.monotonic() - began), datetime.now(UTC)
        # No longer than an answer is taken: a question has its own time on the wall.
        left = {
            pending.request: min((runs_out(runner.journal, pending.request) - now).total_seconds(), held_s)
            for pending in session.pending.values()
        }
        if max(left.values(), default=0) <= 0:
            if told and left:
                console.print("nobody answered in time; the desk goes on")
            return
        for request, left_s in left.items():
            if left_s > 0 and request.record_id not in told:
                told.add(request.record_id)
                console.print(_waits(request, left_s, runner.settings.desk), soft_wrap=True)
        await asyncio.sleep(_LISTEN_S)


def _waits(request: ApprovalRequest, left_s: float, desk: str) -> str:
    what = f"{request.side} {size(request.quantity, resolve(request.instrument_id))} {request.instrument_id}"
    answer = (
        f"`dualbrain answer {short(request.cycle_id)} yes|no --desk {desk}` or `dualbrain chat --desk {desk}`"
    )
    return f"waits {math.ceil(left_s):,} s on the wall for an answer: {what}; {answer}"


async def _last_close(runner: Runner) -> datetime | None:
    """When the feed will end, for the progress bar only."""
    feed, bound = runner.desk.feed, runner.settings.feed.replay.end
    ends: list[datetime] = []
    for instrument_id in feed.instruments():
        # An instrument whose file has longer bars is left out by the feed itself, or refused there.
        with suppress(DataUnavailable):
            bars = await feed.bars(instrument_id, runner.settings.timeframe, _FAR, 1)
            ends += [bars.last_close_time] if len(bars) else []
    return max(ends, default=None) if bound is None else bound


def _tell(progress: ProgressReport, runner: Runner, at: datetime, last: datetime | None) -> None:
    tally = runner.session.tally
    text = f"{at:%Y-%m-%d}  {tally.n_cycles + tally.n_already_done:,} cycles"
    progress.update(at.timestamp(), None if last is None else last.timestamp(), text)


def _is_person_there(settings: Settings) -> bool:
    return settings.approval.policy == "ask" and sys.stdin.isatty() and sys.stderr.isatty()


def _show_start(console: Console, runner: Runner) -> None:
    settings = runner.settings
    console.print(banner(settings.desk, settings.account_id, is_paper=runner.desk.is_paper), style="bold")
    scanned = ", ".join(runner.desk.feed.instruments())
    policy: str = settings.approval.policy
    if policy == "ask" and not _is_person_there(settings):
        policy = "ask, but nobody is at a terminal: questions stand until they expire"
    rows = [
        ("feed   ", f"{runner.desk.feed.name}: {scanned}, {settings.timeframe}"),
        ("mode   ", f"{settings.mode}, {policy}"),
    ]
    console.print(facts(rows))
    console.print(f"journal  {runner.folder.journal}", soft_wrap=True)


def _telling_cycle(runner: Runner) -> str | None:
    outcome = runner.journal.last(Outcome)
    if outcome is not None:
        return outcome.cycle_id
    state = runner.journal.last(DeskState)
    return None if state is None else state.cycle_id


def _next_commands(driven: Driven) -> list[str]:
    desk = f"--desk {driven.summary.desk}"
    lines = [f"dualbrain audit verify {desk}", f"dualbrain audit ls {desk}"]
    if driven.cycle_id is not None:
        cycle = short(driven.cycle_id)
        lines = [f"dualbrain audit show {cycle} {desk}", f"dualbrain replay {cycle} {desk}", *lines]
    if any(count.what.endswith(_KELLY) for count in driven.summary.stood_aside):
        lines.append(f"dualbrain reset-kelly MARKET --by NAME --reason TEXT {desk}")
    return lines
