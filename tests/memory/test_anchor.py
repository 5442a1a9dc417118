"""The anchor moves forward only, and a journal that disagrees with it is not written on."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from contracts.errors import JournalCorrupt
from memory.anchor import Anchor, anchor_beside, read_anchor
from memory.chain import Tip
from tests.factories import make_gate
from tests.memory.conftest import OpenJournal

FIRST, SECOND = Tip(1, "a" * 64), Tip(2, "b" * 64)


def cut_tail(journal_path: Path, keep: int) -> None:
    """Delete all rows after `keep` as somebody with the file in hand could, leaving no other trace."""
    connection = sqlite3.connect(journal_path)
    (trigger,) = connection.execute(
        "SELECT sql FROM sqlite_master WHERE name = 'journal_no_delete'"
    ).fetchone()
    connection.execute("DROP TRIGGER journal_no_delete")
    connection.execute("DELETE FROM unfinished WHERE seq > ?", (keep,))
    connection.execute("DELETE FROM journal WHERE seq > ?", (keep,))
    connection.execute(trigger)
    connection.commit()
    connection.close()


def test_an_anchor_moves_forward_and_never_back(tmp_path: Path) -> None:
    path = tmp_path / "journal.anchor"
    anchor = Anchor(path)
    anchor.advance(SECOND)
    anchor.advance(FIRST)
    anchor.close()
    anchor.close()
    assert read_anchor(path) == SECOND


def test_an_anchor_keeps_its_size_whatever_the_count(tmp_path: Path) -> None:
    path = tmp_path / "journal.anchor"
    anchor = Anchor(path)
    sizes = set()
    for count in (0, 1, 10**9, 10**18):
        anchor.advance(Tip(count, "c" * 64))
        sizes.add(path.stat().st_size)
    anchor.close()
    assert sizes == {86}


def test_two_anchors_on_one_file_agree_on_the_furthest(tmp_path: Path) -> None:
    path = tmp_path / "journal.anchor"
    slow, fast = Anchor(path), Anchor(path)
    fast.advance(SECOND)
    slow.advance(FIRST)
    assert read_anchor(path) == SECOND
    slow.close()
    fast.close()


def test_there_is_no_anchor_before_the_first_row(tmp_path: Path) -> None:
    path = tmp_path / "journal.anchor"
    assert read_anchor(path) is None
    path.touch()
    assert read_anchor(path) is None


@pytest.mark.parametrize("content", [b"5 abc\n", b"\0" * 86, b"%020d %s\nmore" % (1, b"a" * 64)])
def test_an_anchor_that_says_nothing_readable_is_corrupt(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal.anchor"
    path.write_bytes(content)
    with pytest.raises(JournalCorrupt, match="move the file away"):
        read_anchor(path)


def test_the_anchor_follows_every_append(open_journal: OpenJournal, journal_path: Path) -> None:
    journal = open_journal()
    for i in range(3):
        row = journal.append(make_gate(i))
        assert read_anchor(anchor_beside(journal_path)) == Tip(row.seq, row.row_hash)


def test_an_anchor_left_behind_by_a_crash_is_caught_up(open_journal: OpenJournal, journal_path: Path) -> None:
    journal = open_journal()
    behind = anchor_beside(journal_path).read_bytes()
    journal.append(make_gate("a"))
    journal.close()
    anchor_beside(journal_path).write_bytes(behind)
    tip = open_journal().tip()
    assert tip.n_rows == 2
    assert read_anchor(anchor_beside(journal_path)) == tip


def test_a_journal_with_its_tail_cut_off_is_not_written_on(
    open_journal: OpenJournal, journal_path: Path
) -> None:
    journal = open_journal()
    for i in range(4):
        journal.append(make_gate(i))
    journal.close()
    cut_tail(journal_path, keep=3)
    with pytest.raises(JournalCorrupt, match="cut off"):
        open_journal()
    kept = read_anchor(anchor_beside(journal_path))
    assert kept is not None
    assert kept.n_rows == 5


def test_a_journal_rewritten_from_the_start_is_not_written_on(
    open_journal: OpenJournal, journal_path: Path, tmp_path: Path
) -> None:
    open_journal("honest").append(make_gate("a"))
    kept = tmp_path / "kept.anchor"
    shutil.copy(anchor_beside(journal_path), kept)
    for path in journal_path.parent.iterdir():
        path.unlink()
    rewritten = open_journal("forger")
    for i in range(5):
        rewritten.append(make_gate(i))
    rewritten.close()
    shutil.copy(kept, anchor_beside(journal_path))
    with pytest.raises(JournalCorrupt, match="rewritten"):
        open_journal()


def test_an_anchor_moved_away_by_a_person_is_begun_anew(
    open_journal: OpenJournal, journal_path: Path
) -> None:
    journal = open_journal()
    journal.append(make_gate("a"))
    journal.close()
    anchor_beside(journal_path).unlink()
    tip = open_journal().tip()
    assert read_anchor(anchor_beside(journal_path)) == tip
