"""One cycle's records with plain figures, each changed by keyword, for sizing and guard tests."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from contracts.market import Instrument, Quote, Side, Timeframe
from contracts.records import (
    AccountMarks,
    CompositeStrength,
    Decision,
    DeskState,
    Evidence,
    Exposure,
    FormulaReport,
    Gate,
    KellyBound,
    MarketSnapshot,
    Portfolio,
    Position,
    Rate,
    RiskCheck,
    RiskVerdict,
    TechnicalScore,
    TradeProposal,
    TradeStats,
)
from markets.instruments import INSTRUMENTS
from tools.limits import RiskLimits
from tools.risk_guard import assess_risk

SHA = "ab" * 32
NOW = datetime(2024, 3, 6, 12, tzinfo=UTC)
STAGE: dict[str, Any] = {"cycle_id": SHA, "as_of": NOW, "parents": ()}
EURUSD = INSTRUMENTS["EURUSD"]


def quote(bid: float = 1.1, ask: float = 1.1001, **changes: Any) -> Quote:
    return Quote(**({"bid": bid, "ask": ask, "at": NOW} | changes))


def rate(base: str, quoted: str, value: float) -> Rate:
    return Rate(base_currency=base, quote_currency=quoted, rate=value, at=NOW)


def marks(equity: str = "100000", **changes: Any) -> AccountMarks:
    fields = {
        "currency": "USD",
        "balance": Decimal(equity),
        "equity": Decimal(equity),
        "start_equity": Decimal(100_000),
        "peak_equity": Decimal(100_000),
        "day_open_equity": Decimal(100_000),
        "day_opened_at": NOW - timedelta(hours=14),
    }
    return AccountMarks(**(fields | changes))


def position(quantity: str, instrument_id: str = "EURUSD", price: str = "1.1") -> Position:
    return Position(
        instrument_id=instrument_id,
        quantity=Decimal(quantity),
        average_price=Decimal(price),
        unrealized_pnl=Decimal(0),
    )


def exposure(quantity: str, instrument_id: str = "EURUSD", **changes: Any) -> Exposure:
    fields = {
        "kind": "intent",
        "instrument_id": instrument_id,
        "client_order_id": "db-1",
        "quantity": Decimal(quantity),
        "price": Decimal("1.1"),
        "is_reduce_only": False,
    }
    return Exposure(**(fields | changes))


def stats(
    n: int = 0, win_rate: float | None = None, win: float | None = None, loss: float | None = None
) -> TradeStats:
    return TradeStats(n_closed=n, win_rate=win_rate, mean_win_r=win, mean_loss_r=loss)


def state(**changes: Any) -> DeskState:
    fields = STAGE | {
        "desk": "main",
        "account_id": "paper-1",
        "is_paper": True,
        "mode": "technical",
        "instrument_id": "EURUSD",
        "timeframe": Timeframe.H1,
        "now": NOW,
        "settings_hash": SHA,
        "limits_hash": SHA,
        "code_hash": SHA,
        "halted_by": None,
        "composite_weights": None,
        "composite_reason": None,
        "budgets": (),
        "marks": marks(),
        "positions": (),
        "stats": stats(),
    }
    return DeskState(**(fields | changes))


def snapshot(instrument: Instrument = EURUSD, **changes: Any) -> MarketSnapshot:
    fields = STAGE | {
        "instrument": instrument,
        "universe": (instrument.instrument_id,),
        "timeframe": Timeframe.H1,
        "series": (),
        "quote": quote(),
        "book": None,
        "rates": (),
        "in_session": True,
        "filtered_hour": None,
        "reasons": (),
    }
    return MarketSnapshot(**(fields | changes))


def atr_row(value: float | None, instrument_id: str = "EURUSD", **changes: Any) -> Evidence:
    fields = {
        "evidence_id": "atr",
        "tool": "atr",
        "instrument_id": instrument_id,
        "timeframe": Timeframe.H1,
        "value": value,
        "unit": "price",
        "n_obs": 600,
    }
    return Evidence(**(fields | changes))


def report(*evidence: Evidence) -> FormulaReport:
    score = TechnicalScore(
        parts=(), buy=0, sell=0, side=None, value=0, minimum=2.5, higher_trend=None, is_opposed=False
    )
    strength = CompositeStrength(value=None, inputs=(), weights_id=None, reason="not fitted")
    return FormulaReport(**STAGE, profile="technical", evidence=evidence, score=score, strength=strength)


def gate(side: Side | None = Side.BUY) -> Gate:
    return Gate(**STAGE, level="vote", basis="technical_score", side=side, value=7, threshold=2.5, reasons=())


def proposal(**changes: Any) -> TradeProposal:
    """Buy 500,000 EURUSD at 1.1001 with a stop 20 pips away: 1 % of 100,000."""
    fields = STAGE | {
        "instrument_id": "EURUSD",
        "purpose": "entry",
        "side": Side.BUY,
        "entry": 1.1001,
        "stop": 1.0981,
        "target": 1.1031,
        "quantity": 500_000,
        "risk_amount": 1000,
        "risk_pct": 1,
        "notional": 550_050,
        "conversion_rate": 1,
        "currency": "USD",
        "kelly": KellyBound(fraction=None, note="does not bind"),
        "reasons": (),
    }
    return TradeProposal(**(fields | changes))


def exit_proposal(quantity: float, side: Side = Side.SELL) -> TradeProposal:
    return proposal(
        purpose="exit", side=side, quantity=quantity, stop=None, target=None, risk_amount=0, risk_pct=0
    )


def decision(size_fraction: float = 1.0) -> Decision:
    return Decision(
        **STAGE, rule="technical", size_fraction=size_fraction, n_seats=0, n_valid=0, n_for=0, reasons=()
    )


def portfolio(**changes: Any) -> Portfolio:
    fields = STAGE | {
        "round": 0,
        "account_id": "paper-1",
        "is_paper": True,
        "marks": marks(),
        "positions": (),
        "exposures": (),
        "quote": quote(),
        "rates": (),
        "at": NOW,
    }
    return Portfolio(**(fields | changes))


WIDE = RiskLimits(
    max_position_notional_pct=5000, forex_max_leverage=50, max_gross_leverage=50, risk_per_trade_pct=5
)
"""Limits that leave the scene's proposal alone."""


def assess(
    *,
    limits: RiskLimits = WIDE,
    fraction: float = 1.0,
    proposed: TradeProposal | None = None,
    book: Portfolio | None = None,
    started: DeskState | None = None,
    seen: MarketSnapshot | None = None,
) -> RiskVerdict:
    return assess_risk(
        started or state(),
        seen or snapshot(),
        proposed or proposal(),
        decision(fraction),
        book or portfolio(),
        limits,
        round=0,
    )


def check_of(verdict: RiskVerdict, name: str) -> RiskCheck:
    return next(check for check in verdict.checks if check.name == name)


def codes(record: RiskVerdict | TradeProposal) -> tuple[str, ...]:
    return tuple(reason.code for reason in record.reasons)
