"""What a voter is told of its own past: what was known when the cycle began, however often it is asked."""

from datetime import timedelta
from decimal import Decimal

import pytest

from contracts.canonical import Record, sha256_hex
from contracts.errors import InvariantBroken
from contracts.ports import Journal, PastCalls
from contracts.records import Ballot, DeskState, Outcome
from memory.recall import REMEMBERED, TOLD, JournalRecall
from memory.scratch import MemoryJournal
from tests.tools.risk_scene import NOW, proposal, state


def cycle(n: int) -> str:
    return sha256_hex(str(n).encode())


def put(journal: Journal, n: int, record: Record, ordinal: int = 0) -> None:
    changed = record.model_copy(update={"cycle_id": cycle(n), "as_of": NOW + timedelta(hours=n)})
    journal.append(changed, cycle_id=cycle(n), ordinal=ordinal)


def ballot(seat: str, answer: str, ordinal: int = 0) -> Ballot:
    abstained = "no key" if answer == "ABSTAIN" else None
    return Ballot(
        cycle_id=cycle(0),
        as_of=NOW,
        parents=(),
        seat=seat,
        ordinal=ordinal,
        answer=answer,
        abstained=abstained,
        confidence=None if abstained else 0.7,
    )


def outcome(r_multiple: float | None) -> Outcome:
    return Outcome(
        cycle_id=cycle(0),
        as_of=NOW,
        parents=(),
        client_order_id="db-1",
        instrument_id="EURUSD",
        market="forex",
        side=proposal().side,
        quantity=Decimal(1000),
        entry_price=Decimal("1.1"),
        exit_price=Decimal("1.2"),
        exit_leg="target",
        opened_at=NOW,
        closed_at=NOW,
        bars_held=3,
        gross_pnl=Decimal(1),
        costs=Decimal(0),
        net_pnl=Decimal(1),
        currency="USD",
        r_multiple=r_multiple,
        max_favourable_r=None,
        max_adverse_r=None,
        entry_slippage=Decimal(0),
        exit_slippage=Decimal(0),
        price_path="ab" * 32,
    )


def began(journal: Journal, n: int, instrument_id: str = "EURUSD") -> DeskState:
    put(journal, n, state(instrument_id=instrument_id))
    found = journal.find(DeskState, cycle(n))
    assert found is not None
    return found


def voted(journal: Journal, n: int, answers: dict[str, str], instrument_id: str = "EURUSD") -> DeskState:
    first = began(journal, n, instrument_id)
    put(journal, n, proposal(instrument_id=instrument_id))
    for ordinal, (seat, answer) in enumerate(answers.items()):
        put(journal, n, ballot(seat, answer, ordinal), ordinal)
    return first


def test_a_first_cycle_has_no_past() -> None:
    journal = MemoryJournal()
    assert JournalRecall(journal).past_calls("kimi", began(journal, 1)) == PastCalls()


def test_own_calls_are_told_with_what_their_trades_came_to() -> None:
    journal = MemoryJournal()
    voted(journal, 1, {"kimi": "APPROVE", "minimax": "REJECT"})
    voted(journal, 2, {"kimi": "REDUCE", "minimax": "APPROVE"})
    put(journal, 1, outcome(1.5))
    put(journal, 2, outcome(-1.0))
    voted(journal, 3, {"kimi": "REJECT", "minimax": "ABSTAIN"})
    past = JournalRecall(journal).past_calls("kimi", began(journal, 4))
    assert [(call.answer, call.r_multiple) for call in past.newest] == [
        ("REJECT", None),
        ("REDUCE", -1.0),
        ("APPROVE", 1.5),
    ]
    assert (past.n_closed, past.n_won, past.mean_r) == (2, 1, 0.25)
    other = JournalRecall(journal).past_calls("minimax", began(journal, 5))
    assert [call.answer for call in other.newest] == ["APPROVE", "REJECT"]
    assert (other.n_closed, other.mean_r) == (1, -1.0)


def test_an_outcome_that_came_later_is_not_known_to_the_cycle_that_began_before_it() -> None:
    journal = MemoryJournal()
    voted(journal, 1, {"kimi": "APPROVE"})
    before = began(journal, 2)
    put(journal, 1, outcome(2.0))
    after = began(journal, 3)
    recall = JournalRecall(journal)
    assert recall.past_calls("kimi", after).mean_r == 2.0
    # Back in time, as a replay of an earlier cycle goes.
    assert recall.past_calls("kimi", before).mean_r is None
    assert recall.past_calls("kimi", before) == JournalRecall(journal).past_calls("kimi", before)


def test_calls_on_another_instrument_are_not_told_but_their_trades_count() -> None:
    journal = MemoryJournal()
    voted(journal, 1, {"kimi": "APPROVE"}, instrument_id="GBPUSD")
    put(journal, 1, outcome(0.5))
    past = JournalRecall(journal).past_calls("kimi", began(journal, 2))
    assert past.newest == ()
    assert (past.n_closed, past.mean_r) == (1, 0.5)


def test_only_the_newest_are_told_and_remembered_in_any_order_of_asking() -> None:
    journal = MemoryJournal()
    n_cycles = REMEMBERED + 20
    states = [voted(journal, n, {"kimi": "APPROVE"}) for n in range(n_cycles)]
    for n in range(n_cycles):
        put(journal, n, outcome(1.0 if n < 20 else 2.0))
    last = began(journal, n_cycles)
    read_on = JournalRecall(journal)
    for each in states[::40]:
        read_on.past_calls("kimi", each)
    past = read_on.past_calls("kimi", last)
    assert past == JournalRecall(journal).past_calls("kimi", last)
    assert len(past.newest) == TOLD
    assert past.newest[0].as_of == NOW + timedelta(hours=n_cycles - 1)
    assert (past.n_closed, past.mean_r) == (REMEMBERED, 2.0)


def test_a_cycle_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvariantBroken, match="expected cycle"):
        JournalRecall(MemoryJournal()).past_calls("kimi", state())


def test_read_on_row_by_row_nothing_is_left_out_and_a_trade_that_gained_nothing_is_not_won() -> None:
    journal = MemoryJournal()
    recall = JournalRecall(journal)
    for n in range(4):
        asked = began(journal, n)
        assert recall.past_calls("kimi", asked).n_closed == n
        put(journal, n, proposal())
        put(journal, n, ballot("kimi", "APPROVE"))
        put(journal, n, outcome(0.0))
    assert recall.past_calls("kimi", began(journal, 4)).n_won == 0
