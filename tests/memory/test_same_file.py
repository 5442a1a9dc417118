"""A journal that was deleted or replaced while it is open takes nothing more, and says why."""

import os
from pathlib import Path

import pytest

from contracts.errors import JournalUnavailable
from memory import same_file
from memory.same_file import SameFile
from tests.factories import cycle_named, make_desk_state
from tests.memory.conftest import OpenJournal


def test_a_file_system_without_inodes_tells_only_that_a_file_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.db"
    path.write_text("one")
    file = SameFile(path)
    assert file.lost() is None
    monkeypatch.setattr(same_file, "_identity", lambda _path: (1, 0))
    assert file.lost() is None
    monkeypatch.setattr(same_file, "_identity", lambda _path: (1, 7))
    assert file.lost() == f"expected the journal at {path}, found another file in its place"
    monkeypatch.undo()
    path.unlink()
    assert file.lost() == f"expected the journal at {path}, found none"


@pytest.mark.skipif(os.name == "nt", reason="needs an open file that may go: on Windows it may not")
def test_what_nobody_could_read_is_not_written(open_journal: OpenJournal, journal_path: Path) -> None:
    journal = open_journal()
    journal.append(make_desk_state("a"), cycle_id=cycle_named("a"))
    aside = journal_path.rename(journal_path.with_name("aside.db"))
    with pytest.raises(JournalUnavailable, match="found none; put it back, or start again"):
        journal.append(make_desk_state("b"), cycle_id=cycle_named("b"))
    aside.rename(journal_path)
    with pytest.raises(JournalUnavailable, match="open the journal again"):
        journal.append(make_desk_state("b"), cycle_id=cycle_named("b"))
    journal.close()
    assert open_journal("s2").append(make_desk_state("b"), cycle_id=cycle_named("b")).seq > 2
