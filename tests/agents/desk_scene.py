"""A desk that really traded three days of bundled hours, and one whose votes are written by hand."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from agents.desk_record import DeskRecord
from agents.desk_tools import Toolbox
from contracts.canonical import sha256_hex
from contracts.market import Side
from contracts.records import Ballot, Budget, Outcome
from desk.commands.story import story
from memory.blobs import FileBlobStore
from memory.journal import SqliteJournal, open_for_reading
from tests.agents.seat_scene import ATR, RSI
from tests.desk.command_line import dualbrain
from tests.factories import make_environment
from tests.tools import risk_scene
from tools.limits import RiskLimits

DESK = "days"
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
CAP = Budget(name="usd_per_day", cap=Decimal("0.25"), spent=Decimal("0.0125"))


def trade_days(home: Path, until: str = "2017-03-04") -> None:
    """Run a desk on three days of EUR/USD, by fixed rules."""
    span = ("--from", "2017-03-01", "--to", until)
    said = dualbrain(home, "run", "--sample", "eurusd-2017", *span, "--desk", DESK)
    assert said.code == 0, said.err


@contextmanager
def record_of(home: Path, desk: str = DESK) -> Iterator[DeskRecord]:
    """The desk's record, open for reading."""
    journal = open_for_reading(home / desk / "journal.db")
    try:
        yield DeskRecord(journal, FileBlobStore(home / desk / "blobs"), story)
    finally:
        journal.close()


def box_of(record: DeskRecord, on_use: Callable[[str], None] = lambda _name: None) -> Toolbox:
    """The tools on a record, on a day with one cap and no switch thrown."""
    return Toolbox(record, lambda: (CAP,), lambda: NOW, lambda: None, on_use)


def open_to_write(home: Path, desk: str = DESK) -> SqliteJournal:
    """A second process's way into a journal."""
    return SqliteJournal(
        home / desk / "journal.db", environment=make_environment(), session_id="ask", clock=lambda: NOW
    )


def write_votes(home: Path, ballots: list[dict[str, object]], desk: str = "voted") -> None:
    """One cycle a ballot, each with the trade's multiple of risk under `r` where it closed."""
    limits_hash = FileBlobStore(home / desk / "blobs").put(RiskLimits().canonical)
    with open_to_write(home, desk) as journal:
        for number, given in enumerate(ballots):
            cycle: dict[str, Any] = {"cycle_id": sha256_hex(f"cycle {number}".encode())}
            r = given.pop("r", None)
            journal.append(risk_scene.state(**cycle, limits_hash=limits_hash))
            journal.append(risk_scene.snapshot(**cycle))
            journal.append(risk_scene.report(RSI, ATR).model_copy(update=cycle))
            vote = {"parents": (), "as_of": risk_scene.NOW, "ordinal": 0, "reasoning": "as written"}
            journal.append(Ballot.model_validate(cycle | vote | given))
            if isinstance(r, float):
                journal.append(outcome(cycle["cycle_id"], r))


def outcome(cycle_id: str, r: float) -> Outcome:
    """A closed trade of 100 dollars at risk."""
    money = Decimal(str(round(100 * r, 2)))
    return Outcome(
        cycle_id=cycle_id,
        as_of=risk_scene.NOW,
        parents=(),
        client_order_id=f"db-{cycle_id[:8]}",
        instrument_id="EURUSD",
        market="forex",
        side=Side.BUY,
        quantity=Decimal(1000),
        entry_price=Decimal("1.1"),
        exit_price=Decimal("1.2"),
        exit_leg="target",
        opened_at=risk_scene.NOW,
        closed_at=risk_scene.NOW,
        bars_held=2,
        gross_pnl=money,
        costs=Decimal(0),
        net_pnl=money,
        currency="USD",
        r_multiple=r,
        max_favourable_r=None,
        max_adverse_r=None,
        entry_slippage=Decimal(0),
        exit_slippage=Decimal(0),
        price_path="0" * 64,
    )
