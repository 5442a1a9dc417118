"""Small valid records for tests; every argument that matters to a test is named there."""

from datetime import UTC, datetime
from decimal import Decimal

from contracts.canonical import sha256_hex
from contracts.exchange import Exchange
from contracts.market import Timeframe
from contracts.records import (
    AccountMarks,
    Approval,
    DeskState,
    Environment,
    Gate,
    Order,
    OrderState,
    Reason,
    SessionEnded,
    TradeStats,
)

AS_OF = datetime(2026, 3, 2, 15, tzinfo=UTC)
NO_HASH = "0" * 64


def cycle_named(name: object) -> str:
    """A cycle id of this name's own."""
    return sha256_hex(f"cycle {name}".encode())


def make_environment(machine: str = "test") -> Environment:
    """What a session ran on."""
    return Environment(
        schema_hash=NO_HASH, code_hash=NO_HASH, lock_hash=NO_HASH, machine=machine, python="3.11"
    )


def make_gate(name: object, *, level: str = "vote", text: str = "strong") -> Gate:
    """Stage 3 of the cycle of this name; it ends the cycle when the level is closed."""
    return Gate.model_validate(
        {
            "cycle_id": cycle_named(name),
            "as_of": AS_OF,
            "parents": (),
            "level": level,
            "basis": "technical_score",
            "side": None,
            "value": 2.5,
            "threshold": 1.5,
            "reasons": (Reason(code="weak", text=text),) if level == "closed" else (),
        }
    )


def make_approval(name: object, *, is_granted: bool, reason: str = "") -> Approval:
    """A person's word on the first question of the cycle of this name."""
    return Approval(
        cycle_id=cycle_named(name),
        as_of=AS_OF,
        parents=(),
        round=0,
        request_id=NO_HASH,
        is_granted=is_granted,
        by="trader",
        kind="person",
        quantity=1.0,
        reason=reason,
        answered_at=AS_OF,
    )


def make_exchange(name: object, ordinal: int = 0, **changes: object) -> Exchange:
    """One request of the seat kimi in the cycle of this name, and that nothing came back."""
    return Exchange.model_validate(
        {
            "cycle_id": cycle_named(name),
            "role": "seat",
            "seat": "kimi",
            "ordinal": ordinal,
            "provider": "moonshot",
            "model": "kimi-k2",
            "model_digest": None,
            "prompt_sha": None,
            "method": "POST",
            "path": "/v1/chat/completions",
            "request": None,
            "outcome": "timeout",
            **changes,
        }
    )


def make_order(name: object, state: OrderState, ordinal: int = 0) -> Order:
    """One state an order of the cycle of this name entered."""
    return Order(
        cycle_id=cycle_named(name),
        as_of=AS_OF,
        parents=(),
        ordinal=ordinal,
        client_order_id="db-1",
        venue_order_id=None,
        instrument_id="EUR_USD",
        state=state,
        reason="",
        at=AS_OF,
    )


def make_desk_state(
    name: object,
    *,
    settings_hash: str = NO_HASH,
    halted_by: str | None = None,
    instrument_id: str = "EUR_USD",
) -> DeskState:
    """Stage 0 of the cycle of this name."""
    money = Decimal(100_000)
    return DeskState(
        cycle_id=cycle_named(name),
        as_of=AS_OF,
        parents=(),
        desk="test",
        account_id="paper-1",
        is_paper=True,
        mode="technical",
        instrument_id=instrument_id,
        timeframe=Timeframe.H1,
        now=AS_OF,
        settings_hash=settings_hash,
        limits_hash=settings_hash,
        code_hash=NO_HASH,
        halted_by=halted_by,
        composite_weights=None,
        composite_reason="not fitted",
        budgets=(),
        marks=AccountMarks(
            currency="USD",
            balance=money,
            equity=money,
            start_equity=money,
            peak_equity=money,
            day_open_equity=money,
            day_opened_at=AS_OF,
        ),
        positions=(),
        stats=TradeStats(n_closed=0, win_rate=None, mean_win_r=None, mean_loss_r=None),
    )


def make_session_ended(summary_sha: str) -> SessionEnded:
    """A session that ended in good order."""
    return SessionEnded(session_id="s", ended_at=AS_OF, why="done", summary_sha=summary_sha)
