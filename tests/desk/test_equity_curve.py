"""The curve and the overview of a long journal: what is kept, and how little is read again."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from contracts.records import DeskState
from desk.terminal.equity_curve import EquityCurve
from desk.terminal.overview_words import OverviewWords
from memory.blobs import FileBlobStore
from memory.chain import StoredRow
from memory.journal import SqliteJournal, open_for_reading
from memory.reader import JournalReader
from tests.factories import AS_OF, make_desk_state, make_environment

N_MOMENTS = 3_000
SPOT = 777
"""A moment of the highest equity; then the deepest fall, among moments that were lower and not so deep."""


def states(n: int, *, of_each: int = 1) -> list[DeskState]:
    """An account that wanders, and so many cycles a moment."""
    walk, equity, peak, found = Random(1), Decimal(60_000), Decimal(60_000), []
    for i in range(n):
        equity += Decimal(walk.randint(-300, 300)) + (140_000 if i == SPOT + 2 else 0)
        told = {SPOT: Decimal(250_000), SPOT + 1: Decimal(90_000)}.get(i, equity)
        peak = max(peak, told)
        told_marks = {"equity": told, "peak_equity": peak}
        marks = make_desk_state(i).marks.model_copy(update=told_marks)
        changes = {"now": (at := AS_OF + timedelta(hours=i)), "as_of": at, "marks": marks}
        named = (make_desk_state((i, k), instrument_id="EURUSD") for k in range(of_each))
        found += [each.model_copy(update=changes) for each in named]
    return found


def write(path: Path, records: list[DeskState]) -> None:
    with SqliteJournal(path, environment=make_environment(), session_id="s", clock=lambda: AS_OF) as journal:
        for record in records:
            journal.append(record)


@pytest.fixture
def rows_read(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many rows were read since it was last asked."""
    select, count = JournalReader._select, [0]

    def counted(reader: JournalReader, where: str, *parameters: object) -> list[StoredRow]:
        rows = select(reader, where, *parameters)
        count[0] += len(rows)
        return rows

    monkeypatch.setattr(JournalReader, "_select", counted)

    def since() -> int:
        n, count[0] = count[0], 0
        return n

    return since


def test_a_long_journal_is_told_in_few_points_and_loses_no_extreme(tmp_path: Path) -> None:
    written = states(N_MOMENTS)
    write(tmp_path / "journal.db", written)
    reader = open_for_reading(tmp_path / "journal.db")
    curve = EquityCurve(reader).look()
    reader.close()
    equity = {each.now: float(each.marks.equity) for each in written}
    assert 128 < len(curve.times) <= 386
    assert list(curve.times) == sorted(curve.times)
    assert (curve.times[0], curve.times[-1]) == (written[0].now, written[-1].now)
    assert all(equity[at] == value for at, value in zip(curve.times, curve.equity, strict=True))
    assert (min(curve.equity), max(curve.equity)) == (min(equity.values()), 250_000)
    gaps = [later - earlier for earlier, later in pairwise(curve.times)]
    assert max(gaps) <= timedelta(hours=64)
    fallen = [float(1 - each.marks.equity / each.marks.peak_equity) * 100 for each in written]
    assert max(curve.drawdown_pct) == pytest.approx(max(fallen)) == pytest.approx(100 * 160 / 250)
    assert curve.currency == "USD"


def test_looking_often_and_looking_once_see_the_same_curve(tmp_path: Path) -> None:
    path, written = tmp_path / "journal.db", states(700)
    write(path, written[:1])
    reader = open_for_reading(path)
    often = EquityCurve(reader)
    for start in range(1, 700, 70):
        write(path, written[start : start + 70])
        often.look()
    assert often.look() == EquityCurve(reader).look()
    reader.close()


def test_several_instruments_decided_on_at_one_moment_are_one_point(tmp_path: Path) -> None:
    curves = []
    for of_each in (1, 3):
        write(tmp_path / f"{of_each}.db", states(300, of_each=of_each))
        reader = open_for_reading(tmp_path / f"{of_each}.db")
        curves.append(EquityCurve(reader).look())
        reader.close()
    assert curves[0] == curves[1]


def test_only_what_is_new_is_read_again(tmp_path: Path, rows_read: Callable[[], int]) -> None:
    path, written = tmp_path / "journal.db", states(N_MOMENTS)
    write(path, written[:-3])
    reader = open_for_reading(path)
    curve = EquityCurve(reader)
    curve.look()
    assert rows_read() >= N_MOMENTS - 3
    curve.look()
    assert rows_read() == 1
    write(path, written[-3:])
    rows_read()
    assert curve.look().times[-1] == written[-1].now
    assert rows_read() == 4
    reader.close()


def test_a_look_reads_no_more_than_it_may_and_the_next_goes_on(
    tmp_path: Path, rows_read: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desk.terminal.equity_curve._PAGE", 100)
    monkeypatch.setattr("desk.terminal.equity_curve._PAGES_A_LOOK", 3)
    path, written = tmp_path / "journal.db", states(700)
    write(path, written)
    reader = open_for_reading(path)
    curve = EquityCurve(reader)
    rows_read()
    first = curve.look()
    assert rows_read() == 301
    assert first.times[-1] == written[-1].now
    assert max(each for each in first.times[:-1]) <= written[299].now
    curve.look()
    monkeypatch.undo()
    assert curve.look() == EquityCurve(reader).look()
    reader.close()


def test_where_nothing_was_written_the_overview_reads_no_cycle_again(
    tmp_path: Path, rows_read: Callable[[], int]
) -> None:
    path, written = tmp_path / "journal.db", states(101)
    write(path, written[:100])
    reader = open_for_reading(path)
    overview = OverviewWords(reader, FileBlobStore(tmp_path / "blobs"))
    rows_read()
    before = overview.look(AS_OF, None)
    assert rows_read() > 60
    assert overview.look(AS_OF, None) == before
    assert rows_read() == 0
    write(path, written[100:])
    after = overview.look(AS_OF, None)
    assert after.row == before.row + 1
    assert after.cycles[0].cycle_id == written[-1].cycle_id
    assert dict(after.account)["equity"] == f"{written[-1].marks.equity:,.2f} USD"
    reader.close()
