"""Whatever the book, the guard never grows a trade, and less room never means more of it."""

from datetime import timedelta
from decimal import Decimal
from math import isfinite
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contracts.market import Side
from contracts.records import Exposure, KellyBound, Portfolio, RiskVerdict, TradeProposal
from tests.tools.risk_scene import (
    NOW,
    WIDE,
    assess,
    atr_row,
    exit_proposal,
    exposure,
    gate,
    marks,
    portfolio,
    position,
    proposal,
    quote,
    report,
    snapshot,
    state,
    stats,
)
from tools.limits import RiskLimits
from tools.sizing import propose_trade

FRACTIONS = st.sampled_from([0.0, 0.1, 0.3, 1 / 3, 0.5, 0.77, 1.0])
PRICES = st.decimals("0.5", "2", places=5)
QUANTITIES = st.decimals("-300000", "300000", places=0)
LIMIT_RANGES = {
    "risk_per_trade_pct": (0.01, 5.0),
    "forex_risk_pct": (0.01, 5.0),
    "max_position_notional_pct": (0.0, 1000.0),
    "forex_max_leverage": (0.0, 20.0),
    "max_gross_leverage": (0.0, 20.0),
    "max_daily_loss_pct": (0.1, 20.0),
    "max_drawdown_pct": (0.1, 40.0),
    "max_quote_age_bars": (0.1, 10.0),
}


@st.composite
def limit_settings(draw: st.DrawFn) -> dict[str, float]:
    return {name: draw(st.floats(low, high)) for name, (low, high) in LIMIT_RANGES.items()}


@st.composite
def exposures(draw: st.DrawFn) -> Exposure:
    return exposure(
        str(draw(QUANTITIES)),
        draw(st.sampled_from(["EURUSD", "GBPUSD", "AUDUSD", "ES", "USDJPY"])),
        kind=draw(st.sampled_from(["position", "working_order", "intent"])),
        client_order_id=draw(st.sampled_from([None, "db-1", "db-2", "db-3"])),
        price=draw(PRICES),
        is_reduce_only=draw(st.booleans()),
    )


@st.composite
def entries(draw: st.DrawFn) -> TradeProposal:
    side = draw(st.sampled_from(Side))
    distance = draw(st.floats(0.0002, 0.05))
    kelly = draw(st.none() | st.floats(0.0, 0.02))
    return proposal(
        side=side,
        stop=1.1 - side.sign * distance,
        target=draw(st.none() | st.just(1.1 + side.sign * 0.05)),
        quantity=draw(st.floats(0, 2_000_000)),
        kelly=KellyBound(fraction=kelly, note="drawn"),
    )


@st.composite
def books(draw: st.DrawFn, max_exposures: int = 4) -> dict[str, Any]:
    equity = draw(st.integers(80_000, 130_000))
    bid = draw(st.floats(1.09, 1.11))
    age = draw(st.integers(0, 5000))
    return {
        "marks": marks(str(equity), peak_equity=Decimal(draw(st.integers(100_000, 140_000)))),
        "quote": quote(bid, bid + draw(st.floats(0, 0.0003)), at=NOW - timedelta(seconds=age)),
        "exposures": tuple(draw(st.lists(exposures(), max_size=max_exposures))),
    }


def roomy(book: dict[str, Any]) -> dict[str, Any]:
    """The same book without anything that refuses outright, so that sizes really are compared."""
    kept = (e for e in book["exposures"] if e.instrument_id in ("GBPUSD", "AUDUSD"))
    return book | {"exposures": tuple(kept), "quote": quote(), "marks": marks("120000")}


def numbers_of(verdict: RiskVerdict) -> list[float]:
    measured = [check.value for check in verdict.checks if check.value is not None]
    limits = [check.limit for check in verdict.checks]
    return [verdict.quantity, verdict.risk_amount, verdict.risk_pct, verdict.entry, *measured, *limits]


@given(entries(), FRACTIONS, books(), limit_settings(), st.booleans())
def test_an_entry_is_never_negative_never_above_its_share_and_always_a_number(
    proposed: TradeProposal, fraction: float, book: dict[str, Any], limits: dict[str, float], is_roomy: bool
) -> None:
    seen = roomy(book) if is_roomy else book
    verdict = assess(
        limits=RiskLimits(**limits), fraction=fraction, proposed=proposed, book=portfolio(**seen)
    )
    assert Decimal(str(verdict.quantity)) >= 0
    share = Decimal(str(proposed.quantity)) * Decimal(f"{fraction:.12g}")
    assert Decimal(str(verdict.quantity)) <= share
    assert verdict.quantity == int(verdict.quantity)
    assert all(isfinite(number) for number in numbers_of(verdict))
    assert verdict.quantity > 0 or verdict.reasons
    assert verdict.risk_pct <= limits["risk_per_trade_pct"] * (1 + 1e-9)


@given(
    entries(),
    books(),
    limit_settings(),
    st.sampled_from(sorted(LIMIT_RANGES)),
    st.floats(0, 1),
    st.booleans(),
)
def test_tightening_any_limit_never_grows_the_trade(
    proposed: TradeProposal,
    book: dict[str, Any],
    limits: dict[str, float],
    name: str,
    share: float,
    is_roomy: bool,
) -> None:
    low, _ = LIMIT_RANGES[name]
    tightened = limits | {name: low + share * (limits[name] - low)}
    seen = portfolio(**(roomy(book) if is_roomy else book))
    before = assess(limits=RiskLimits(**limits), proposed=proposed, book=seen).quantity
    after = assess(limits=RiskLimits(**tightened), proposed=proposed, book=seen).quantity
    assert after <= before


@given(entries(), books(), limit_settings(), exposures(), st.booleans())
def test_adding_exposure_never_grows_the_trade(
    proposed: TradeProposal,
    book: dict[str, Any],
    limits: dict[str, float],
    added: Exposure,
    is_roomy: bool,
) -> None:
    seen = roomy(book) if is_roomy else book
    more = seen | {"exposures": (*seen["exposures"], added)}
    settled = RiskLimits(**limits)
    before = assess(limits=settled, proposed=proposed, book=portfolio(**seen)).quantity
    after = assess(limits=settled, proposed=proposed, book=portfolio(**more)).quantity
    assert after <= before


@given(
    bid=st.floats(0.9, 1.3),
    spread=st.floats(0, 0.0005),
    atr=st.floats(0.0005, 0.02),
    equity=st.integers(1000, 10_000_000),
    side=st.sampled_from(Side),
    risk=st.floats(0.05, 5),
    win_rate=st.none() | st.floats(0.51, 0.9),
)
def test_what_sizing_proposes_passes_whole_on_an_unchanged_account(
    bid: float,
    spread: float,
    atr: float,
    equity: int,
    side: Side,
    risk: float,
    win_rate: float | None,
) -> None:
    limits = RiskLimits.model_validate(WIDE.model_dump() | {"risk_per_trade_pct": risk})
    account = marks(str(equity), day_open_equity=Decimal(equity), peak_equity=Decimal(equity))
    trades = stats(0) if win_rate is None else stats(40, win_rate, 1.0, 1.0)
    started, seen = state(marks=account, stats=trades), snapshot(quote=quote(bid, bid + spread))
    proposed = propose_trade(started, seen, report(atr_row(atr)), gate(side), limits)
    assume(not proposed.reasons)
    book = portfolio(marks=account, quote=seen.quote)
    verdict = assess(limits=limits, proposed=proposed, book=book, started=started, seen=seen)
    is_limited = proposed.notional > 50 * equity * (1 - 1e-9)
    assert is_limited or verdict.quantity == proposed.quantity
    assert is_limited or verdict.risk_pct == pytest.approx(proposed.risk_pct)


@given(
    st.integers(1, 10_000),
    st.integers(-10_000, 10_000),
    st.sampled_from(Side),
    books(),
    limit_settings(),
    FRACTIONS,
)
def test_an_exit_depends_on_the_open_position_and_on_no_loss_figure(
    asked: int, held: int, side: Side, book: dict[str, Any], limits: dict[str, float], fraction: float
) -> None:
    entry_rows = tuple(e for e in book["exposures"] if not e.is_reduce_only)
    open_ = (position(str(held)),) if held else ()
    verdict = assess(
        limits=RiskLimits(**limits),
        fraction=fraction,
        proposed=exit_proposal(asked, side),
        book=portfolio(**(book | {"exposures": entry_rows, "positions": open_})),
        started=state(halted_by="drill"),
    )
    closable = max(0, -side.sign * held)
    share = int(Decimal(asked) * Decimal(f"{fraction:.12g}"))
    assert verdict.quantity == min(share, closable)


@given(st.integers(1, 10_000), st.integers(-10_000, 10_000), st.lists(exposures(), max_size=5))
def test_an_exit_and_those_on_their_way_never_exceed_the_position(
    asked: int, held: int, rows: list[Exposure]
) -> None:
    side = Side.SELL if held > 0 else Side.BUY
    book: Portfolio = portfolio(positions=(position(str(held)),), exposures=tuple(rows))
    verdict = assess(proposed=exit_proposal(asked, side), book=book)
    assert 0 <= verdict.quantity <= min(asked, abs(held))
