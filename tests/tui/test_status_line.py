"""The line on top: one line in whatever a desk ordinarily does, and whole words for what is wrong."""

import pytest

from tests.tui.snapshots import still_terminal
from tests.tui.still_door import LOST, StillDoor, still_status
from tests.tui.terminal import sees, shown, until
from tui.status_line import StatusLine, status_words

NAMES = {"desk": "eurusd-2017", "account_id": "paper", "user": "trader"}
RUNNER = "run by dualbrain run, pid 4194304, user trader"
NOBODY = "nobody runs it: an answer waits for a runner"
ORDINARY = [
    (True, "opening", "own desk: opening"),
    (True, "running", "own desk: running"),
    (True, "waiting for an answer", "own: waiting for an answer"),
    (True, "the feed ended", "own desk: the feed ended"),
    (False, RUNNER, "attached: run by dualbrai…"),
    (False, NOBODY, "attached: nobody runs it…"),
]
INSIDE = 78
"""Columns of a line of 80 between its margins."""
HALTED = (
    "halted: trader at 2026-11-21 09:28:00 UTC: payrolls in two minutes "
    "(`dualbrain resume`, or removing the file HALT, ends it)"
)
STOPPED = "stopped: expected to write the journal at /srv/desks/eurusd-2017/journal.db, found: disk is full"


@pytest.mark.parametrize(("is_own", "doing", "shortened"), ORDINARY)
@pytest.mark.parametrize("is_paper", [True, False])
def test_on_80_columns_ordinary_names_are_in_full_and_what_is_done_is_shortened(
    is_own: bool, doing: str, shortened: str, is_paper: bool
) -> None:
    status = still_status(**NAMES, is_own=is_own, doing=doing, is_paper=is_paper)
    words = status_words(status, "", INSIDE)
    assert len(words) <= INSIDE
    names = f"{'PAPER' if is_paper else 'LIVE'} · desk eurusd-2017 · account paper · trader · "
    assert words.startswith(names)
    # LIVE is a letter shorter, and what is cut has as many more.
    assert words.removeprefix(names)[:24] == shortened[:24]
    if is_paper:
        assert words == names + shortened


def test_where_there_is_room_nothing_is_shortened() -> None:
    for is_own, doing, _ in ORDINARY:
        words = status_words(still_status(**NAMES, is_own=is_own, doing=doing), "", 118)
        assert words.endswith(f": {doing}")
        assert "…" not in words


@pytest.mark.slow
async def test_nothing_below_the_line_jumps_whatever_the_desk_does() -> None:
    door = StillDoor(is_now=still_status(**NAMES, doing="running"))
    async with still_terminal(door, (80, 24)) as (app, pilot):
        await sees(app, pilot, "own desk: running")
        for is_own, doing, shortened in ORDINARY:
            door.is_now = still_status(**NAMES, is_own=is_own, doing=doing)
            await sees(app, pilot, f"PAPER · desk eurusd-2017 · account paper · trader · {shortened}")
            assert app.screen.query_one("#desk").region.y == 1


@pytest.mark.parametrize("width", [20, 30, 40, 60])
def test_where_the_names_leave_no_room_what_is_done_stands_on_a_line_of_its_own(width: int) -> None:
    for is_own, doing, _ in ORDINARY:
        status = still_status(**NAMES, is_own=is_own, doing=doing)
        names, _, told = status_words(status, "", width).partition("\n")
        assert names == "PAPER · desk eurusd-2017 · account paper · trader"
        assert 10 <= len(told) <= width


@pytest.mark.slow
async def test_at_80_columns_every_trouble_at_once_is_told_whole_and_the_chat_is_still_there() -> None:
    trouble = still_status(**NAMES, doing=STOPPED, is_stopped=True, halted_by=HALTED)
    door = StillDoor(is_now=trouble, fails={"overview": LOST})
    async with still_terminal(door, (80, 24)) as (app, pilot):
        await sees(
            app, pilot, "HALTED · OLD · PAPER · desk eurusd-2017 · account paper · trader · own desk: "
        )
        for words in (STOPPED, HALTED, f"not read since 09:30:00 UTC: {LOST}"):
            await sees(app, pilot, words)
        assert app.screen.query_one("#line").region.bottom <= 24
        door.is_now, door.fails = still_status(**NAMES), {}
        await until(pilot, lambda: "HALTED" not in shown(app) and "OLD" not in shown(app))
        assert app.screen.query_one(StatusLine).region.height == 1
