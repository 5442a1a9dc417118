"""A journal on disk, opened the way the desk opens it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from memory.journal import SqliteJournal
from tests.factories import AS_OF, make_environment

OpenJournal = Callable[..., SqliteJournal]


@pytest.fixture
def journal_path(tmp_path: Path) -> Path:
    return tmp_path / "desk" / "journal.db"


@pytest.fixture
def open_journal(journal_path: Path) -> Iterator[OpenJournal]:
    """Open the journal of this test, as often as it likes; all are closed after it."""
    opened: list[SqliteJournal] = []

    def open_it(session_id: str = "s1", machine: str = "test") -> SqliteJournal:
        journal = SqliteJournal(
            journal_path, environment=make_environment(machine), session_id=session_id, clock=lambda: AS_OF
        )
        opened.append(journal)
        return journal

    yield open_it
    for journal in opened:
        journal.close()
