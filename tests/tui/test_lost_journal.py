"""A journal deleted or replaced under a terminal that has it open: it is said, and the desk stops."""

import os
import re
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from contracts.errors import JournalUnavailable
from contracts.records import SessionEnded
from memory.reader import JournalReader
from tests.tui.terminal import door_of, sees, shown, terminal, until
from tests.tui.test_desk_screen import QUIET

needs_a_loose_file = pytest.mark.skipif(
    os.name == "nt", reason="needs an open file that may go: on Windows it may not"
)
NONE = "found none; put it back, or start again"
ANOTHER = "found another file in its place; put it back, or start again"


@pytest.fixture
def desk_at(asked_desk: Path, tmp_path: Path) -> Path:
    """The folder of a desk that may be broken."""
    return shutil.copytree(asked_desk, tmp_path / "home") / "d"


@needs_a_loose_file
@pytest.mark.slow
async def test_an_attached_terminal_says_that_the_folder_is_gone_and_still_halts(desk_at: Path) -> None:
    async with terminal(door_of(desk_at.parent, must_attach=True), (80, 24)) as (app, pilot):
        await sees(app, pilot, "SELL 287,436")
        shutil.rmtree(desk_at)
        await sees(app, pilot, "OLD · PAPER")
        await sees(app, pilot, "not read since")
        await sees(app, pilot, NONE)
        await pilot.press("f9")
        await sees(app, pilot, "Halt desk d?")
        await pilot.press("enter")
        await sees(app, pilot, "HALTED · OLD · PAPER")


@needs_a_loose_file
@pytest.mark.slow
async def test_a_journal_put_in_the_place_of_another_is_said_until_the_first_is_back(desk_at: Path) -> None:
    journal, aside = desk_at / "journal.db", desk_at / "aside.db"
    async with terminal(door_of(desk_at.parent, must_attach=True)) as (app, pilot):
        await sees(app, pilot, "SELL 287,436")
        journal.rename(aside)
        shutil.copy(aside, journal)
        await sees(app, pilot, ANOTHER)
        await pilot.press("f4")
        await sees(app, pilot, "! expected the journal at")
        aside.replace(journal)
        await until(pilot, lambda: "OLD" not in shown(app))


@needs_a_loose_file
@pytest.mark.slow
def test_an_answer_begins_no_journal_where_there_is_none(desk_at: Path) -> None:
    door = door_of(desk_at.parent, must_attach=True)
    door.open()
    (question,) = door.overview().questions
    shutil.rmtree(desk_at)
    with pytest.raises(JournalUnavailable, match=re.escape(NONE)):
        door.say(question, is_granted=True, quantity=None, reason="")
    door.close()
    assert not desk_at.exists()


@needs_a_loose_file
@pytest.mark.slow
async def test_a_desk_of_ones_own_stops_where_nobody_could_read_its_record(tmp_path: Path) -> None:
    door = door_of(tmp_path, span=("2017-01-03", "2017-03-01"), changes={"approval.policy": "autonomous"})
    journal, aside = tmp_path / "d" / "journal.db", tmp_path / "d" / "aside.db"
    # Wide, for the path of a test's folder is long.
    async with terminal(door, (240, 40)) as (app, pilot):
        await sees(app, pilot, "own desk: running")
        journal.rename(aside)
        await sees(app, pilot, "own desk: stopped: expected the journal at")
        await sees(app, pilot, "found none; put it back, or start again")
        await sees(app, pilot, "nothing more is decided here")
        await sees(app, pilot, "OLD · PAPER")
    assert isinstance(door.failure, JournalUnavailable)
    assert not journal.exists()
    with closing(JournalReader(aside)) as record:
        # It went on for a while in good order; that it ended is nowhere, as after a crash.
        assert record.find_all(SessionEnded) == ()


@needs_a_loose_file
@pytest.mark.slow
async def test_a_desk_whose_feed_has_ended_notices_too(tmp_path: Path) -> None:
    door = door_of(tmp_path, span=QUIET)
    async with terminal(door) as (app, pilot):
        await sees(app, pilot, "own desk: the feed ended")
        shutil.rmtree(tmp_path / "d")
        await sees(app, pilot, "OLD · PAPER")
        await until(pilot, lambda: app.status is not None and app.status.doing.startswith("stopped: "))
    assert not (tmp_path / "d").exists()
