"""Reasons are found by their words: whole cycles, newest first, read on while the journal grows."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from contracts.errors import JournalUnavailable
from memory.reader import JournalReader
from memory.search import ReasonIndex
from tests.desk.command_line import dualbrain
from tests.factories import NO_HASH, cycle_named, make_approval, make_desk_state, make_gate
from tests.memory.conftest import OpenJournal


@pytest.fixture
def index(journal_path: Path) -> Iterator[ReasonIndex]:
    with closing(ReasonIndex(journal_path)) as made:
        yield made


def test_cycles_are_found_by_words_of_their_reasons_newest_first(
    open_journal: OpenJournal, index: ReasonIndex
) -> None:
    journal = open_journal()
    begun = {name: journal.append(make_desk_state(name), cycle_id=cycle_named(name)).seq for name in "abcd"}
    journal.append(
        make_approval("a", is_granted=False, reason="News at half past"), cycle_id=cycle_named("a")
    )
    journal.append(make_gate("b", level="closed", text="strong_enough: 100% sure"), cycle_id=cycle_named("b"))
    journal.append(make_approval("c", is_granted=False, reason="no news"), cycle_id=cycle_named("c"))

    def found(words: str, limit: int = 20) -> str:
        name_of = {row: name for name, row in begun.items()}
        return "".join(name_of[row] for row in index.find(words, limit))

    assert found("news") == "ca"
    assert found("NEWS", 1) == "c"
    assert found("new half") == "a"
    assert found("strong enough") == found("enough_strong") == found("100%") == "b"
    assert found("ews") == found("") == found('"\\*') == ""
    # Words may stand in different records of a cycle.
    assert found("eur_usd half") == "a"
    # The name of a field, a hash or a number is no reason.
    assert found("request") == found(NO_HASH[:8]) == ""


def test_what_is_written_after_a_search_is_found_by_the_next(
    open_journal: OpenJournal, index: ReasonIndex
) -> None:
    journal = open_journal()
    first = journal.append(make_desk_state("a"), cycle_id=cycle_named("a")).seq
    assert index.find("rain", 5) == ()
    # An answer may come long after its cycle began, with others begun in between.
    journal.append(make_desk_state("b"), cycle_id=cycle_named("b"))
    journal.append(make_approval("a", is_granted=False, reason="rain"), cycle_id=cycle_named("a"))
    assert index.find("rain", 5) == (first,)
    journal.append(make_approval("b", is_granted=False, reason="rain"), cycle_id=cycle_named("b"))
    assert len(index.find("rain", 5)) == 2


def test_a_journal_at_rest_is_searched_again_once_somebody_writes(
    open_journal: OpenJournal, index: ReasonIndex
) -> None:
    journal = open_journal()
    journal.append(make_desk_state("a"), cycle_id=cycle_named("a"))
    journal.close()
    assert index.find("rain", 5) == ()
    again = open_journal("s2")
    again.append(make_approval("a", is_granted=False, reason="rain"), cycle_id=cycle_named("a"))
    assert len(index.find("rain", 5)) == 1
    again.append(make_desk_state("b"), cycle_id=cycle_named("b"))
    again.close()
    assert len(index.find("eur_usd", 5)) == 2


def test_what_a_writer_that_came_and_went_has_left_is_found(
    open_journal: OpenJournal, index: ReasonIndex
) -> None:
    journal = open_journal()
    journal.append(make_desk_state("a"), cycle_id=cycle_named("a"))
    journal.close()
    assert index.find("rain", 5) == ()
    again = open_journal("s2")
    again.append(make_approval("a", is_granted=False, reason="rain"), cycle_id=cycle_named("a"))
    again.close()
    assert len(index.find("rain", 5)) == 1


def test_a_journal_that_is_not_there_is_told_and_not_made(journal_path: Path, index: ReasonIndex) -> None:
    with pytest.raises(JournalUnavailable, match="no file"):
        index.find("rain", 5)
    assert not journal_path.exists()


@pytest.mark.slow
def test_on_a_month_of_hours_it_finds_what_reading_every_record_finds(tmp_path: Path) -> None:
    window = ("--from", "2017-03-01", "--to", "2017-04-01")
    assert dualbrain(tmp_path, "run", "--sample", "eurusd-2017", *window, "--desk", "d").code == 0
    path = tmp_path / "d" / "journal.db"
    with closing(JournalReader(path)) as journal, closing(ReasonIndex(path)) as index:
        by_hand = {
            row.cycle_id
            for row in journal.rows()
            if b'"reasons":[{' in row.body and b"minimum" in row.body.partition(b'"reasons":[{')[2]
        }
        found = journal.cycles_begun_at(index.find("minimum", 10_000))
        assert {each.cycle_id for each in found} == by_hand
        assert index.find("eur/usd minimum", 10_000) == index.find("minimum", 10_000)
        assert 0 < len(by_hand) < len(journal.cycles(10_000))
        whole = index.find("minimum", 10_000)
        pages = [page := index.find("minimum", 7)]
        while page := index.find("minimum", 7, page[-1]):
            pages.append(page)
        assert tuple(row for each in pages for row in each) == whole
        assert len(pages) > 3
    with closing(sqlite3.connect(path)) as raw:
        filled = {
            json.loads(body)["cycle_id"]
            for (body,) in raw.execute("SELECT body FROM journal WHERE kind = 'Order'")
            if json.loads(body)["state"] == "FILLED"
        }
    with closing(JournalReader(path)) as journal, closing(ReasonIndex(path)) as index:
        assert (
            {each.cycle_id for each in journal.cycles_begun_at(index.find("FILLED", 1000))} >= filled != set()
        )
