"""Blind mode: nothing of the text tells symbol, date or level of price, and what is meant stays the same."""

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from agents.blind import LEVEL, Mask, mask_of, masked
from agents.dossier import make_dossier
from agents.grounding import ungrounded
from contracts.errors import DataUnavailable
from contracts.market import Bars
from contracts.ports import Case, Limit, PastCall, PastCalls
from contracts.records import Evidence, Position, TradeProposal
from markets.instruments import INSTRUMENTS
from tests.agents.seat_scene import desk_told, said, vote_text
from tests.agents.test_dossier import rich_case
from tests.tools.price_paths import scaled, traded_bars
from tests.tools.risk_scene import NOW, atr_row, position, proposal, quote, rate
from tools.registry import all_tools, load_tools
from tools.shared_bars import SharedBars

SECRETS = re.compile(r"EUR|GBP|JPY|20\d\d-|\d\d:\d\d|1\.1|1\.09|151\.|163")


def blind_case(
    times: float = 1.0, name: str = "EURUSD", days: int = 0, yen: float | None = None, multiplier: int = 1
) -> Case:
    """A case as it would be if prices were so many times as high, on another day, of another pair.

    With `yen` for a dollar every price is in yen; a contract is of `multiplier` units.
    """
    each, other = multiplier / (yen or 1), "GBPUSD" if yen is None else "GBPJPY"
    case, when = rich_case(), NOW + timedelta(days=days)
    rows = (
        *(_times(row, times) for row in case.report.evidence),
        _times(atr_row(2.5, evidence_id="turned_over", unit="price*volume"), times),
        _times(atr_row(0.83, other, evidence_id="correlation_1", unit="correlation"), times).model_copy(
            update={"tool": "return_correlation"}
        ),
    )
    changes = {"instrument_id": name, "multiplier": multiplier} | (
        {} if yen is None else {"quote_currency": "JPY"}
    )
    instrument = INSTRUMENTS["EURUSD"].model_copy(update=changes)
    snapshot = case.snapshot.model_copy(
        update={
            "as_of": when,
            "instrument": instrument,
            "quote": quote(1.10003 * times, 1.10014 * times, at=when),
            "rates": () if yen is None else (rate("USD", "JPY", yen),),
        }
    )
    positions = (
        _held(20_000 / each, name, 1.0991 * times, times),
        _held(-25_000 * (yen or 1), other, 1.27 * times, times),
    )
    call = PastCall(when - timedelta(days=1), name, proposal().side, "APPROVE", 0.7, 0.84)
    return Case(
        case.state.model_copy(update={"as_of": when, "positions": positions}),
        snapshot,
        case.report.model_copy(update={"as_of": when, "evidence": rows}),
        case.gate,
        case.view,
        limits=(Limit("drawdown_limit_pct", 10, "percent", 1.25),),
        past_calls=PastCalls((call,), 3, 2, 0.4),
        is_blind=True,
    )


def _times(row: Evidence, times: float) -> Evidence:
    if row.value is None or not row.unit.startswith("price"):
        return row
    return row.model_copy(update={"value": row.value * times})


def _held(quantity: float, name: str, price: float, times: float) -> Position:
    units = Decimal(repr(quantity / times))
    return position(str(units), name, repr(price))


def a_proposal(times: float = 1.0, name: str = "EURUSD", each: float = 1.0) -> TradeProposal:
    """`each` is what a unit gains in dollars when the price gains 1."""
    made = proposal()
    prices = {each: getattr(made, each) * times for each in ("entry", "stop", "target")}
    quantity = made.quantity / times / each
    return made.model_copy(update={**prices, "instrument_id": name, "quantity": quantity})


def test_no_symbol_no_date_and_no_level_of_price_is_told() -> None:
    dossier = make_dossier(blind_case(), a_proposal())
    assert not SECRETS.findall(dossier.text), dossier.text
    assert "Instrument: INSTRUMENT, forex, decided on the 1h bar\n" in dossier.text
    assert "bid 99.995, ask 100.005" in dossier.text
    assert "correlation_1: 0.83 correlation" in dossier.text
    assert "with OTHER1, which is held" in dossier.text
    for number in (*dossier.numbers, *dossier.own):
        assert not SECRETS.search(number.name)


@pytest.mark.parametrize(
    ("times", "name", "days"), [(3.0, "USDJPY", 0), (0.01, "XAUUSD", 400), (140, "A", 7)]
)
def test_another_pair_on_another_day_at_another_level_reads_the_same(
    times: float, name: str, days: int
) -> None:
    assert make_dossier(blind_case(times, name, days), a_proposal(times, name)).text == (
        make_dossier(blind_case(), a_proposal()).text
    )


@pytest.mark.parametrize(("yen", "multiplier"), [(151.25, 1), (None, 50), (151.25, 100)])
def test_money_beside_quantity_tells_neither_rate_of_exchange_nor_contract(
    yen: float | None, multiplier: int
) -> None:
    case = blind_case(140, yen=yen, multiplier=multiplier)
    dossier = make_dossier(case, a_proposal(140, each=multiplier / (yen or 1)))
    assert dossier.text == make_dossier(blind_case(), a_proposal()).text
    own = {number.name: number.value for number in dossier.own}
    assert own["notional"] == pytest.approx(own["quantity"] * own["entry"], rel=1e-3)
    assert own["risk"] == pytest.approx(own["quantity"] * own["stop_distance"])


def test_a_unit_that_no_rate_values_is_not_shown_and_nobody_is_asked() -> None:
    case = blind_case(yen=150.0)
    bare = replace(case, snapshot=case.snapshot.model_copy(update={"rates": ()}))
    with pytest.raises(DataUnavailable, match="from JPY to USD"):
        make_dossier(bare, a_proposal())
    assert "Positions" not in make_dossier(bare).text


def test_the_open_case_tells_what_the_blind_one_hides() -> None:
    text = make_dossier(replace(blind_case(), is_blind=False), a_proposal()).text
    assert {found[:3] for found in SECRETS.findall(text)} >= {"EUR", "GBP", "202", "1.1"}


def test_what_is_shown_is_grounded_and_the_true_level_is_not() -> None:
    dossier = make_dossier(blind_case(), a_proposal())

    def check(text: str) -> tuple[str, ...]:
        return ungrounded(text, dossier.numbers, dossier.own, pip=dossier.mask.pip)

    assert check("The ask at 100.005 lies above the slow average on four hours.") == ()
    assert check("The ask at 1.10014 lies above.") == ("1.10014",)


def test_risk_and_every_ratio_stay_what_they_are() -> None:
    open_case, blind = (make_dossier(replace(blind_case(), is_blind=b), a_proposal()) for b in (False, True))
    same = {"risk", "risk_pct", "notional", "equity", "rsi", "composite_strength", "past_mean_r"}
    values = [
        {n.name: n.value for n in (*each.numbers, *each.own) if n.name in same} for each in (open_case, blind)
    ]
    assert values[0] == values[1]
    assert set(values[0]) == same
    own = [{n.name: n.value for n in each.own} for each in (open_case, blind)]
    reward = [abs(o["target"] - o["entry"]) / abs(o["stop"] - o["entry"]) for o in own]
    assert reward[0] == pytest.approx(reward[1])
    money = [abs(o["stop"] - o["entry"]) * o["quantity"] for o in own]
    assert money[0] == pytest.approx(money[1])


def test_another_instrument_that_is_held_is_told_at_a_level_of_its_own() -> None:
    case = blind_case()
    shown, _ = masked(case, a_proposal(), mask_of(case))
    own, other = shown.state.positions
    assert [own.instrument_id, other.instrument_id] == ["INSTRUMENT", "OTHER1"]
    assert float(own.average_price) == pytest.approx(99.911, abs=1e-3)
    assert float(other.average_price) == pytest.approx(100)
    assert float(other.quantity) == pytest.approx(-25_000 * 1.27 / 100)


def test_every_tool_reads_the_same_at_another_level_of_price() -> None:
    """Also in units that no profile shows: the brain may call any of them."""
    low = traded_bars(5, 600)
    once, twice = (_shown_of_all(bars) for bars in (low, scaled(low, 137.0)))
    known = {name for name, row in once.items() if row.value is not None}
    assert len(known) > 600
    assert {once[name].unit for name in known} >= {"price", "price squared", "price^2*volume^-1"}
    for name, row in once.items():
        assert twice[name].value == pytest.approx(row.value, rel=1e-5, abs=1e-14), name
        assert twice[name].model_copy(update={"value": row.value}) == row


def _shown_of_all(bars: Bars) -> dict[str, Evidence]:
    load_tools()
    mask, shared = Mask(1e-4, LEVEL / float(bars.close[-1])), SharedBars.of(bars)
    rows = ((tool, tool.prepare().newest(shared)) for tool in all_tools())
    return {
        tool.name: mask.evidence(
            atr_row(
                found.value,
                tool=tool.name,
                unit=tool.unit,
                n_obs=found.n_obs,
                reason=found.reason,
                warnings=found.warnings,
            )
        )
        for tool, found in rows
    }


@pytest.mark.parametrize("unit", ["mixed", "degrees of one price unit a bar"])
def test_a_unit_that_would_tell_the_level_is_left_out_with_the_reason(unit: str) -> None:
    row = Mask(1e-4, 90.0).evidence(atr_row(1.1, unit=unit))
    assert row.value is None
    assert "level of price" in (row.reason or "")


def test_without_a_quote_nobody_is_asked() -> None:
    case = blind_case()
    bare = replace(case, snapshot=case.snapshot.model_copy(update={"quote": None}))
    with pytest.raises(DataUnavailable, match="no model is asked"):
        mask_of(bare)


async def test_advice_in_shown_pips_is_on_the_ballot_in_true_ones() -> None:
    case = blind_case()
    reason = "RSI at 58.3 leans the same way."
    told = said(vote_text(reasoning=reason, citations=["rsi"], stop_pips=18.5))
    async with desk_told(told, case=case) as (desk, server):
        ballot = await desk.vote()
    # 18.5 of a hundredth of 1/100 of the price, in pips of 0.0001.
    assert ballot.advised_stop_pips == pytest.approx(18.5 * 0.01 * 1.100085 / 100 / 0.0001)
    request = server.requests[0].body.decode()
    assert not SECRETS.search(request.replace("2024", ""))
    assert await desk.replay() == ballot
