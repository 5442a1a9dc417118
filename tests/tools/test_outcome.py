from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import InvariantBroken
from contracts.market import Bars, PriceSide, Side, to_ms
from contracts.records import Fill, OrderIntent, Outcome
from tools.outcome import settle_outcome

SHA = "ab" * 32
START = datetime(2024, 3, 6, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def intent(side: Side = Side.BUY, stop: str | None = "1.0980", **changes: Any) -> OrderIntent:
    fields = {
        "cycle_id": SHA,
        "as_of": START,
        "parents": (),
        "client_order_id": "db-1",
        "account_id": "paper-1",
        "instrument_id": "EURUSD",
        "purpose": "entry",
        "side": side,
        "quantity": Decimal(1000),
        "reference_price": Decimal("1.1"),
        "worst_price": None,
        "stop_price": None if stop is None else Decimal(stop),
        "target_price": None,
        "is_reduce_only": False,
        "valid_until": START + HOUR,
        "approval_id": SHA,
    }
    return OrderIntent(**(fields | changes))


def fill(side: Side, price: str, after_hours: float, **changes: Any) -> Fill:
    at = START + after_hours * HOUR
    money = dict.fromkeys(("commission", "spread_cost", "slippage_cost", "swap", "realized_pnl"), Decimal(0))
    fields = {
        "cycle_id": SHA,
        "as_of": at,
        "parents": (),
        "ordinal": 0,
        "client_order_id": "db-1",
        "trade_id": f"{side}-{after_hours}",
        "instrument_id": "EURUSD",
        "leg": "entry",
        "side": side,
        "quantity": Decimal(1000),
        "price": Decimal(price),
        "reference_price": Decimal(price),
        "position_quantity": Decimal(0),
        "conversion_rate": Decimal(1),
        "currency": "USD",
        "at": at,
        "note": "",
    }
    return Fill(**(fields | money | changes))


def bars(*ranges: tuple[float, float], side: PriceSide = "bid") -> Bars:
    """Hourly bars from START on, each given as (low, high)."""
    low = np.array([r[0] for r in ranges], dtype=np.float64)
    high = np.array([r[1] for r in ranges], dtype=np.float64)
    opened = to_ms(START) + 3_600_000 * np.arange(len(ranges), dtype=np.int64)
    return Bars(opened, opened + 3_600_000, low, high, low, high, np.full(len(ranges), np.nan), side)


def settle(
    entry: list[Fill],
    exits: list[Fill],
    path: Bars,
    *,
    placed: OrderIntent | None = None,
    conversion: Decimal | float = 1.0,
) -> Outcome:
    return settle_outcome(
        placed or intent(), "forex", entry, exits, path, SHA, conversion=conversion, bars_held=2
    )


QUIET = bars((1.0995, 1.1005), (1.0990, 1.1030))


def test_a_long_closed_at_its_target() -> None:
    # 1,000 units, 30 pips gained, 20 pips risked: 3.00 on 2.00 less 0.50 of costs.
    entry = [fill(Side.BUY, "1.1000", 0, commission=Decimal("0.20"))]
    charged: dict[str, Any] = {"commission": Decimal("0.20"), "swap": Decimal("0.10")}
    exits = [fill(Side.SELL, "1.1030", 2, leg="target", realized_pnl=Decimal(3), **charged)]
    result = settle(entry, exits, QUIET)
    assert (result.gross_pnl, result.costs, result.net_pnl) == (Decimal(3), Decimal("0.5"), Decimal("2.5"))
    assert result.r_multiple == pytest.approx(1.25)
    assert (result.entry_price, result.exit_price) == (Decimal("1.1"), Decimal("1.103"))
    assert result.exit_leg == "target"
    assert result.max_favourable_r == pytest.approx(1.5)
    assert result.max_adverse_r == pytest.approx(0.5)
    assert (result.opened_at, result.closed_at, result.as_of) == (START, START + 2 * HOUR, START + 2 * HOUR)
    assert result.bars_held == 2


def test_a_short_stopped_out_measures_on_the_other_side() -> None:
    placed = intent(Side.SELL, "1.1020")
    entry = [fill(Side.SELL, "1.1000", 0)]
    exits = [fill(Side.BUY, "1.1020", 1, leg="stop", realized_pnl=Decimal(-2))]
    result = settle(entry, exits, bars((1.0990, 1.1050), side="ask"), placed=placed)
    assert result.r_multiple == pytest.approx(-1)
    assert result.max_favourable_r == pytest.approx(0.5)
    assert result.max_adverse_r == pytest.approx(1)


def test_spread_and_slippage_inside_the_prices_are_not_taken_off_again() -> None:
    named = {"spread_cost": Decimal(5), "slippage_cost": Decimal(7)}
    exits = [fill(Side.SELL, "1.1030", 2, leg="exit", realized_pnl=Decimal(3), **named)]
    result = settle([fill(Side.BUY, "1.1000", 0, **named)], exits, QUIET)
    assert result.net_pnl == 3
    assert result.costs == 0


def test_prices_are_weighted_by_quantity() -> None:
    entry = [fill(Side.BUY, "1.1000", 0, quantity=750), fill(Side.BUY, "1.1004", 0, quantity=250)]
    exits = [
        fill(Side.SELL, "1.1020", 1, leg="exit", quantity=500, realized_pnl=Decimal("0.95")),
        fill(Side.SELL, "1.1030", 2, leg="target", quantity=500, realized_pnl=Decimal("1.45")),
    ]
    result = settle(entry, exits, QUIET)
    assert result.entry_price == Decimal("1.1001")
    assert result.exit_price == Decimal("1.1025")
    assert result.quantity == 1000
    assert result.exit_leg == "target"
    assert result.r_multiple == pytest.approx(2.4 / 2.1)


def test_risk_counts_conversion_and_multiplier() -> None:
    # Two ES contracts, 10 points to the stop, 50 dollars a point, 0.9 euros a dollar: 900 euros at risk.
    es = {"instrument_id": "ES", "quantity": Decimal(2), "currency": "EUR"}
    placed = intent(stop="4990", instrument_id="ES", quantity=Decimal(2))
    exits = [fill(Side.SELL, "5020", 2, leg="exit", realized_pnl=Decimal(1800), **es)]
    result = settle(
        [fill(Side.BUY, "5000", 0, **es)], exits, bars((5000, 5020)), placed=placed, conversion=0.9
    )
    assert result.r_multiple == pytest.approx(2)
    assert result.currency == "EUR"


def test_slippage_is_positive_when_worse_on_both_sides() -> None:
    entry = [fill(Side.BUY, "1.1002", 0, reference_price=Decimal("1.1000"))]
    exits = [fill(Side.SELL, "1.0985", 1, leg="exit", reference_price=Decimal("1.0986"))]
    result = settle(entry, exits, QUIET)
    assert (result.entry_slippage, result.exit_slippage) == (Decimal("0.0002"), Decimal("0.0001"))


def test_a_target_that_gapped_in_our_favour_has_negative_slippage() -> None:
    exits = [fill(Side.SELL, "1.1040", 1, leg="target", reference_price=Decimal("1.1030"))]
    assert settle([fill(Side.BUY, "1.1000", 0)], exits, QUIET).exit_slippage == Decimal("-0.001")


@pytest.mark.parametrize("stop", [None, "1.1000"])
def test_without_money_at_risk_there_are_no_multiples(stop: str | None) -> None:
    exits = [fill(Side.SELL, "1.1030", 2, leg="exit", realized_pnl=Decimal(3))]
    result = settle([fill(Side.BUY, "1.1000", 0)], exits, QUIET, placed=intent(stop=stop))
    assert (result.r_multiple, result.max_favourable_r, result.max_adverse_r) == (None, None, None)
    assert result.net_pnl == 3


def test_bars_before_entry_and_after_exit_do_not_count() -> None:
    path = bars((0.5, 3.0), (1.0990, 1.1010), (0.5, 3.0))
    exits = [fill(Side.SELL, "1.1000", 2, leg="exit")]
    result = settle([fill(Side.BUY, "1.1000", 1)], exits, path)
    assert result.max_favourable_r == pytest.approx(0.5)
    assert result.max_adverse_r == pytest.approx(0.5)


def test_perturbing_the_future_changes_nothing() -> None:
    entry, exits = [fill(Side.BUY, "1.1000", 0)], [fill(Side.SELL, "1.1000", 1, leg="exit")]
    calm = settle(entry, exits, bars((1.0990, 1.1010), (1.0990, 1.1010)))
    wild = settle(entry, exits, bars((1.0990, 1.1010), (0.1, 9.0)))
    assert calm == wild


def test_a_low_under_the_stop_in_the_exit_bar_came_after_the_exit() -> None:
    exits = [fill(Side.SELL, "1.0980", 1, leg="stop", realized_pnl=Decimal(-2))]
    result = settle([fill(Side.BUY, "1.1000", 0)], exits, bars((1.0900, 1.1010)))
    assert result.max_adverse_r == pytest.approx(1)


def test_a_high_over_the_target_in_the_exit_bar_came_after_the_exit() -> None:
    exits = [fill(Side.SELL, "1.1030", 1, leg="target", realized_pnl=Decimal(3))]
    result = settle([fill(Side.BUY, "1.1000", 0)], exits, bars((1.0990, 1.1200)))
    assert result.max_favourable_r == pytest.approx(1.5)


def test_a_stop_that_gapped_shows_the_gap_in_the_adverse_excursion() -> None:
    exits = [fill(Side.SELL, "1.0940", 1, leg="stop", realized_pnl=Decimal(-6))]
    result = settle([fill(Side.BUY, "1.1000", 0)], exits, bars((1.0990, 1.1010), (1.0900, 1.0940)))
    assert result.max_adverse_r == pytest.approx(3)
    assert result.r_multiple == pytest.approx(-3)


@pytest.mark.parametrize("path", [bars(), bars((float("nan"), 1.1)), bars((1.0, float("inf")))])
def test_excursions_without_usable_bars_are_missing_and_the_money_stands(path: Bars) -> None:
    exits = [fill(Side.SELL, "1.1030", 2, leg="exit", realized_pnl=Decimal(3))]
    result = settle([fill(Side.BUY, "1.1000", 0)], exits, path)
    assert (result.max_favourable_r, result.max_adverse_r) == (None, None)
    assert result.r_multiple == pytest.approx(1.5)


def test_the_parents_are_the_intent_and_every_fill() -> None:
    entry, exits = [fill(Side.BUY, "1.1", 0)], [fill(Side.SELL, "1.1", 1, leg="exit")]
    result = settle(entry, exits, QUIET)
    assert result.parents == (intent().record_id, entry[0].record_id, exits[0].record_id)
    assert result.cycle_id == SHA


@pytest.mark.parametrize(
    ("entry", "exits", "conversion"),
    [
        ([], [fill(Side.SELL, "1.1", 1, leg="exit")], 1.0),
        ([fill(Side.BUY, "1.1", 0)], [], 1.0),
        ([fill(Side.BUY, "1.1", 0)], [fill(Side.SELL, "1.1", 1, leg="exit", quantity=Decimal(999))], 1.0),
        ([fill(Side.BUY, "1.1", 0, quantity=0)], [fill(Side.SELL, "1.1", 1, quantity=0)], 1.0),
        ([fill(Side.SELL, "1.1", 0)], [fill(Side.SELL, "1.1", 1, leg="exit")], 1.0),
        ([fill(Side.BUY, "1.1", 0)], [fill(Side.BUY, "1.1", 1, leg="exit")], 1.0),
        ([fill(Side.BUY, "1.1", 0)], [fill(Side.SELL, "1.1", 1, instrument_id="GBPUSD")], 1.0),
        ([fill(Side.BUY, "1.1", 0)], [fill(Side.SELL, "1.1", 1, currency="EUR")], 1.0),
        ([fill(Side.BUY, "1.1", 0)], [fill(Side.SELL, "1.1", 1, leg="exit")], 0.0),
        ([fill(Side.BUY, "1.1", 0)], [fill(Side.SELL, "1.1", 1, leg="exit")], float("nan")),
    ],
)
def test_fills_that_are_not_one_closed_trade_break_an_invariant(
    entry: list[Fill], exits: list[Fill], conversion: float
) -> None:
    with pytest.raises(InvariantBroken, match="verify the journal"):
        settle(entry, exits, QUIET, conversion=conversion)


def test_an_instrument_that_is_not_listed_breaks_an_invariant() -> None:
    unlisted: dict[str, Any] = {"instrument_id": "NOSUCH"}
    entry, exits = [fill(Side.BUY, "1.1", 0, **unlisted)], [fill(Side.SELL, "1.1", 1, **unlisted)]
    with pytest.raises(InvariantBroken, match="listed instrument"):
        settle(entry, exits, QUIET, placed=intent(**unlisted))


@given(
    side=st.sampled_from(Side),
    leg=st.sampled_from(["stop", "target", "exit"]),
    ends=st.tuples(st.integers(80_000, 120_000), st.integers(80_000, 120_000)),
    ranges=st.lists(st.tuples(st.floats(0.7, 1.0), st.floats(1.0, 1.3)), min_size=2, max_size=6),
    pnl=st.decimals("-500", "500", places=2),
)
def test_excursions_are_never_negative_and_cover_the_exit(
    side: Side, leg: str, ends: tuple[int, int], ranges: list[tuple[float, float]], pnl: Decimal
) -> None:
    entry_price, exit_price = (Decimal(points) / 100_000 for points in ends)
    placed = intent(side, str(entry_price - side.sign * Decimal("0.002")))
    exits = [fill(side.opposite, str(exit_price), 2, leg=leg, realized_pnl=pnl)]
    result = settle([fill(side, str(entry_price), 0)], exits, bars(*ranges), placed=placed)
    assert result.max_favourable_r is not None
    assert result.max_adverse_r is not None
    gained = float((exit_price - entry_price) * side.sign / Decimal("0.002"))
    assert result.max_favourable_r >= max(0.0, gained) - 1e-9
    assert result.max_adverse_r >= max(0.0, -gained) - 1e-9
    assert result.r_multiple == pytest.approx(float(pnl / 2))
