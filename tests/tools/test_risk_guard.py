from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from contracts.errors import InvariantBroken
from contracts.market import Side
from contracts.records import KellyBound, Portfolio, RiskVerdict
from markets.instruments import INSTRUMENTS
from tests.tools.risk_scene import (
    NOW,
    WIDE,
    assess,
    check_of,
    codes,
    decision,
    exit_proposal,
    exposure,
    marks,
    portfolio,
    position,
    proposal,
    quote,
    rate,
    snapshot,
    state,
)
from tools.exposure import closable_quantity, gross_notional
from tools.limits import RiskLimits
from tools.risk_guard import assess_risk

ENTRY_CHECKS = [
    "kill_switch",
    "account",
    "quote_age",
    "conversion",
    "stop_distance",
    "one_net_position",
    "daily_loss",
    "drawdown",
    "risk_per_trade",
    "position_notional",
    "market_leverage",
    "gross_leverage",
]


def with_book(**changes: Any) -> RiskVerdict:
    return assess(book=portfolio(**changes))


def assert_refuses(verdict: RiskVerdict, check: str, code: str) -> None:
    assert verdict.quantity == 0
    assert verdict.risk_amount == 0
    assert check_of(verdict, check).effect == "refuses"
    assert code in codes(verdict)
    assert verdict.ends_cycle


def test_a_proposal_inside_every_limit_passes_whole_with_every_check_shown() -> None:
    verdict = assess()
    assert verdict.quantity == 500_000
    assert [check.name for check in verdict.checks] == ENTRY_CHECKS
    assert {check.effect for check in verdict.checks} == {"passes"}
    assert verdict.reasons == ()
    assert (verdict.entry, verdict.stop, verdict.target) == (1.1001, 1.0981, 1.1031)
    assert verdict.risk_amount == pytest.approx(1000)
    assert verdict.risk_pct == pytest.approx(1)


def test_every_check_says_of_what_from_where_and_what_a_breach_does() -> None:
    for check in (*assess().checks, *with_book(quote=None).checks):
        assert check.of_what
        assert check.measured_from
        assert check.note
        assert check.unit


def test_half_the_size_is_half_the_quantity_rounded_down() -> None:
    assert assess(fraction=0.5, proposed=proposal(quantity=333_333)).quantity == 166_666


@pytest.mark.parametrize(("quantity", "fraction"), [(500_000, 0.0), (1, 0.5), (0, 1.0)])
def test_a_size_under_the_minimum_is_nothing(quantity: float, fraction: float) -> None:
    verdict = assess(fraction=fraction, proposed=proposal(quantity=quantity))
    assert verdict.quantity == 0
    assert codes(verdict) == ("below_minimum_size",)


def test_a_halted_desk_opens_nothing() -> None:
    assert_refuses(assess(started=state(halted_by="operator: drill")), "kill_switch", "kill_switch")


@pytest.mark.parametrize(
    "changes", [{"account_id": "other"}, {"is_paper": False}, {"marks": marks(currency="EUR")}]
)
def test_another_account_than_the_cycle_began_with_refuses(changes: dict[str, Any]) -> None:
    assert_refuses(with_book(**changes), "account", "wrong_account")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quote": None}, "no_quote"),
        ({"quote": quote(at=NOW - timedelta(hours=1, seconds=1))}, "stale_quote"),
        ({"quote": quote(at=NOW + timedelta(seconds=1))}, "stale_quote"),
        ({"quote": quote(1.1002, 1.1001)}, "crossed_quote"),
        ({"quote": quote(0.0, 1.1001)}, "crossed_quote"),
        ({"quote": quote(-1.0, 1.1001)}, "crossed_quote"),
    ],
)
def test_a_quote_unfit_to_judge_on_refuses(changes: dict[str, Any], code: str) -> None:
    assert_refuses(with_book(**changes), "quote_age", code)


def test_a_quote_exactly_one_bar_old_passes() -> None:
    assert with_book(quote=quote(at=NOW - timedelta(hours=1))).quantity == 500_000


def test_no_rate_to_the_account_currency_refuses() -> None:
    verdict = assess(
        proposed=proposal(instrument_id="USDJPY", entry=150.0, stop=149.8, target=150.3),
        seen=snapshot(INSTRUMENTS["USDJPY"]),
        book=portfolio(quote=quote(149.99, 150.0)),
    )
    assert_refuses(verdict, "conversion", "no_conversion")
    assert check_of(verdict, "risk_per_trade").value is None
    assert check_of(verdict, "risk_per_trade").effect == "refuses"


@pytest.mark.parametrize(("days", "is_refused"), [(0, False), (5, False), (6, True), (365, True)])
def test_a_conversion_rate_that_nobody_renews_refuses(days: int, is_refused: bool) -> None:
    old = rate("USD", "JPY", 110.0).model_copy(update={"at": NOW - timedelta(days=days)})
    verdict = assess(
        seen=snapshot(INSTRUMENTS["USDJPY"]),
        proposed=proposal(instrument_id="USDJPY", entry=110.01, stop=109.0, target=112.0),
        book=portfolio(quote=quote(110.0, 110.01), rates=(old,)),
    )
    assert ("stale_conversion" in codes(verdict)) is is_refused
    assert (verdict.quantity == 0) is is_refused


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"stop": None}, "no_stop"),
        ({"stop": 0.0}, "no_stop"),
        ({"stop": 1.1}, "stop_crossed"),
        ({"stop": 1.2}, "stop_crossed"),
        ({"target": 1.1001}, "target_passed"),
        ({"side": Side.SELL, "stop": 1.1001, "target": 1.09}, "stop_crossed"),
        ({"side": Side.SELL, "stop": 1.2, "target": 1.1}, "target_passed"),
    ],
)
def test_a_bracket_the_market_has_reached_refuses(changes: dict[str, Any], code: str) -> None:
    assert_refuses(assess(proposed=proposal(**changes)), "stop_distance", code)


def test_an_entry_without_a_target_is_judged_on_its_stop() -> None:
    assert assess(proposed=proposal(target=None)).quantity == 500_000


def test_a_price_that_ran_away_from_the_stop_costs_quantity() -> None:
    # 30 pips to the stop now: 1,000 / 0.0030 = 333,333.
    verdict = assess(book=portfolio(quote=quote(1.101, 1.1011)), limits=risk_one_percent())
    assert verdict.quantity == 333_333
    assert verdict.entry == 1.1011
    assert check_of(verdict, "risk_per_trade").effect == "shrinks"
    assert codes(verdict) == ("risk_per_trade",)
    assert verdict.risk_amount <= 1000


def test_a_price_that_ran_toward_the_stop_earns_no_quantity() -> None:
    verdict = assess(book=portfolio(quote=quote(1.099, 1.0991)), limits=risk_one_percent())
    assert verdict.quantity == 500_000
    assert verdict.risk_amount == pytest.approx(500)


def test_the_same_equity_and_quote_as_the_proposal_shrink_nothing() -> None:
    assert assess(limits=risk_one_percent()).quantity == 500_000


def test_the_kelly_bound_of_the_proposal_binds_here_too() -> None:
    kelly = KellyBound(fraction=0.005, note="half of what the limit allows")
    assert assess(proposed=proposal(kelly=kelly)).quantity == 250_000


def risk_one_percent(**changes: Any) -> RiskLimits:
    return WIDE.model_copy(update={"risk_per_trade_pct": 1.0} | changes)


@pytest.mark.parametrize(("equity", "refused"), [("97000.01", False), ("97000", True), ("90500", True)])
def test_daily_loss_is_measured_from_the_day_open_equity_and_refuses_at_the_limit(
    equity: str, refused: bool
) -> None:
    limits = WIDE.model_copy(update={"max_drawdown_pct": 100.0})
    verdict = assess(book=portfolio(marks=marks(equity)), limits=limits)
    assert (check_of(verdict, "daily_loss").effect == "refuses") is refused
    assert (verdict.quantity == 0) is refused
    if refused:
        assert codes(verdict) == ("daily_loss",)


@pytest.mark.parametrize(("equity", "refused"), [("180001", False), ("180000", True)])
def test_drawdown_is_measured_from_the_peak_and_refuses_at_the_limit(equity: str, refused: bool) -> None:
    book = portfolio(marks=marks(equity, peak_equity=Decimal(200_000)))
    verdict = assess(book=book)
    assert (verdict.quantity == 0) is refused
    if refused:
        assert_refuses(verdict, "drawdown", "drawdown")


@pytest.mark.parametrize(("name", "mark"), [("daily_loss", "day_open_equity"), ("drawdown", "peak_equity")])
def test_a_loss_that_cannot_be_computed_refuses(name: str, mark: str) -> None:
    changes: dict[str, Any] = {mark: Decimal(0)}
    verdict = with_book(marks=marks(**changes))
    assert_refuses(verdict, name, name)
    assert check_of(verdict, name).value is None


@pytest.mark.parametrize("equity", ["0", "-1000"])
def test_an_account_without_equity_opens_nothing(equity: str) -> None:
    verdict = with_book(marks=marks(equity))
    assert verdict.quantity == 0
    assert verdict.risk_pct == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"positions": (position("10"),)}, "already_positioned"),
        ({"positions": (position("-10"),)}, "already_positioned"),
        ({"exposures": (exposure("10", kind="position"),)}, "already_positioned"),
        ({"exposures": (exposure("10"),)}, "already_working"),
        ({"exposures": (exposure("-10", kind="working_order"),)}, "already_working"),
    ],
)
def test_anything_open_or_on_its_way_in_the_instrument_refuses(changes: dict[str, Any], code: str) -> None:
    assert_refuses(with_book(**changes), "one_net_position", code)


def test_an_order_in_another_instrument_does_not_stand_in_the_way() -> None:
    assert with_book(exposures=(exposure("10", "GBPUSD"),)).quantity == 500_000


def test_the_notional_of_one_instrument_shrinks_to_its_share_of_equity() -> None:
    # 110,010 of notional at 1.1001 is 100,000 units.
    limits = WIDE.model_copy(update={"max_position_notional_pct": 110.01})
    verdict = assess(limits=limits)
    assert verdict.quantity == 100_000
    assert check_of(verdict, "position_notional").effect == "shrinks"
    assert check_of(verdict, "position_notional").value == pytest.approx(550.05)
    assert codes(verdict) == ("position_notional",)


def test_positions_orders_and_intents_elsewhere_use_up_leverage() -> None:
    # Of 5 x 100,000 the rest of the book takes 110,000 + 55,000 + 55,000; 280,000 / 1.1001 = 254,522.
    book = portfolio(
        positions=(position("100000", "GBPUSD"),),
        exposures=(
            exposure("50000", "AUDUSD", kind="working_order", client_order_id="db-2"),
            exposure("-50000", "AUDUSD", client_order_id="db-3"),
        ),
    )
    verdict = assess(book=book, limits=WIDE.model_copy(update={"max_gross_leverage": 5.0}))
    assert verdict.quantity == 254_522
    assert codes(verdict) == ("gross_leverage",)


def test_leverage_of_one_market_leaves_the_other_markets_out() -> None:
    book = portfolio(exposures=(exposure("4", "ES", price=Decimal(5000)),))
    tight = WIDE.model_copy(update={"forex_max_leverage": 6.0})
    assert assess(book=book, limits=tight).quantity == 500_000
    full = WIDE.model_copy(update={"max_gross_leverage": 10.0})
    assert_refuses(assess(book=book, limits=full), "gross_leverage", "gross_leverage")


def test_a_full_book_refuses() -> None:
    book = portfolio(exposures=(exposure("500000", "GBPUSD"),))
    verdict = assess(book=book, limits=WIDE.model_copy(update={"forex_max_leverage": 5.0}))
    assert_refuses(verdict, "market_leverage", "market_leverage")


@pytest.mark.parametrize(
    "row",
    [
        exposure("1", "NOSUCH"),
        exposure("1", "USDJPY"),
        exposure("1", "GBPUSD", price=Decimal(0)),
    ],
)
def test_an_exposure_that_cannot_be_valued_refuses(row: Any) -> None:
    verdict = with_book(exposures=(row,))
    assert_refuses(verdict, "gross_leverage", "gross_leverage")
    assert check_of(verdict, "gross_leverage").value is None


def test_exposure_in_another_currency_is_converted() -> None:
    book = portfolio(
        exposures=(exposure("1000", "USDJPY", price=Decimal(150)),), rates=(rate("USD", "JPY", 150.0),)
    )
    assert gross_notional(book) == pytest.approx(1000)


def test_an_order_known_twice_counts_once_at_the_larger_figure() -> None:
    rows = exposure("1000", "GBPUSD"), exposure("600", "GBPUSD", kind="working_order")
    assert gross_notional(portfolio(exposures=rows)) == pytest.approx(1100)


def test_a_position_named_twice_counts_once() -> None:
    book = portfolio(
        positions=(position("1000", "GBPUSD"),),
        exposures=(exposure("1000", "GBPUSD", kind="position", client_order_id=None),),
    )
    assert gross_notional(book) == pytest.approx(1100)


def test_reduce_only_orders_add_no_exposure() -> None:
    assert gross_notional(portfolio(exposures=(exposure("1000", is_reduce_only=True),))) == 0


def long_book(*exposures: Any, quantity: str = "1000", **changes: Any) -> Portfolio:
    return portfolio(positions=(position(quantity),), exposures=exposures, **changes)


def test_an_exit_closes_what_is_open() -> None:
    verdict = assess(proposed=exit_proposal(1000), book=long_book())
    assert (verdict.purpose, verdict.quantity) == ("exit", 1000)
    assert (verdict.risk_amount, verdict.stop) == (0, None)
    assert verdict.entry == 1.1


def test_an_exit_never_closes_more_than_the_broker_holds() -> None:
    verdict = assess(proposed=exit_proposal(1000), book=long_book(quantity="400"))
    assert verdict.quantity == 400
    assert codes(verdict) == ("only_part_is_open",)


def test_an_exit_leaves_room_for_exits_on_their_way() -> None:
    leaving = exposure("-300", is_reduce_only=True, kind="working_order")
    assert assess(proposed=exit_proposal(1000), book=long_book(leaving)).quantity == 700
    twice = exposure("-300", is_reduce_only=True)
    assert assess(proposed=exit_proposal(1000), book=long_book(leaving, twice)).quantity == 700


@pytest.mark.parametrize(
    "book",
    [
        portfolio(),
        long_book(quantity="-1000"),
        long_book(exposure("-1000", is_reduce_only=True)),
        portfolio(positions=(position("1000", "GBPUSD"),)),
    ],
)
def test_an_exit_with_nothing_left_to_close_is_nothing(book: Portfolio) -> None:
    verdict = assess(proposed=exit_proposal(1000), book=book)
    assert_refuses(verdict, "something_to_close", "nothing_to_close")


def test_a_short_is_closed_by_buying() -> None:
    verdict = assess(proposed=exit_proposal(1000, Side.BUY), book=long_book(quantity="-1000"))
    assert verdict.quantity == 1000


def test_no_loss_quote_rate_or_leverage_stops_an_exit() -> None:
    ruined = marks("-5", day_open_equity=Decimal(0), peak_equity=Decimal(10**9))
    full = exposure("1000000000", "NOSUCH", price=Decimal(0))
    book = long_book(full, marks=ruined, quote=None)
    assert assess(proposed=exit_proposal(1000), book=book, limits=RiskLimits()).quantity == 1000


def test_a_halted_desk_shows_the_switch_on_an_exit_and_leaves_it_to_the_session() -> None:
    verdict = assess(proposed=exit_proposal(1000), book=long_book(), started=state(halted_by="drill"))
    assert verdict.quantity == 1000
    assert check_of(verdict, "kill_switch").value == 1
    assert "drill" in check_of(verdict, "kill_switch").note


def test_an_exit_on_another_account_refuses() -> None:
    verdict = assess(proposed=exit_proposal(1000), book=long_book(is_paper=False))
    assert_refuses(verdict, "account", "wrong_account")


def test_nothing_is_closable_where_nothing_is_held_or_more_is_leaving() -> None:
    leaving = exposure("-1500", is_reduce_only=True)
    assert closable_quantity(portfolio(), "EURUSD", Side.SELL) == 0
    assert closable_quantity(long_book(leaving), "EURUSD", Side.SELL) == 0
    assert closable_quantity(long_book(), "EURUSD", Side.BUY) == 0


def test_what_is_closable_ignores_orders_of_other_instruments_and_sides() -> None:
    rows = (
        exposure("-300", "GBPUSD", is_reduce_only=True),
        exposure("300", is_reduce_only=True, client_order_id="db-2"),
        exposure("-300", client_order_id="db-3"),
    )
    assert closable_quantity(long_book(*rows), "EURUSD", Side.SELL) == 1000


@pytest.mark.parametrize("fraction", [-0.1, 1.1])
def test_a_size_fraction_outside_zero_to_one_is_a_broken_invariant(fraction: float) -> None:
    with pytest.raises(InvariantBroken, match="size fraction"):
        assess(fraction=fraction)


def test_a_proposal_in_another_instrument_is_a_broken_invariant() -> None:
    with pytest.raises(InvariantBroken, match="expected a proposal in EURUSD, found GBPUSD"):
        assess(proposed=proposal(instrument_id="GBPUSD"))


def test_the_verdict_names_the_five_records_it_read_and_its_round() -> None:
    args = state(), snapshot(), proposal(), decision(), portfolio()
    verdict = assess_risk(*args, WIDE, round=2)
    assert verdict.parents == tuple(record.record_id for record in args)
    assert verdict.round == 2
