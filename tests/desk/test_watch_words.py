"""What the watch screen shows of real desks, against the journal read raw and the broker asked anew."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from agents.desk_results import AccountSeen, account_seen
from contracts.market import Quote
from contracts.ports import AccountState
from contracts.records import Ballot, OrderIntent
from desk.terminal.account_words import account_now, account_rows, position_lines
from desk.terminal.limit_words import limit_meters
from desk.terminal.overview_words import OverviewWords
from desk.terminal.own_desk import Seen
from desk.wiring import open_desk
from memory.blobs import FileBlobStore
from memory.journal import SqliteJournal, open_for_reading
from tests.agents.desk_scene import open_to_write, write_votes
from tests.desk.watch_scene import SATURDAY, column, door, fed, line, meter, own_door, raw, trade, watched
from tests.desk.what_if_scene import SEATS, voted_once
from tests.factories import AS_OF, cycle_named, make_desk_state, make_environment, make_order
from tests.tools import risk_scene
from tools.limits import RiskLimits

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A desk that closed several trades in two weeks; tests only read it."""
    return trade(tmp_path_factory.mktemp("weeks"))


@pytest.fixture(scope="module")
def voted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A desk whose panel approved one trade; tests only read it."""
    home = tmp_path_factory.mktemp("voted")
    voted_once(home)
    return home


def amount(words: str) -> Decimal:
    return Decimal(words.split()[0].replace(",", ""))


def test_the_account_is_the_start_and_what_every_fill_came_to(weeks: Path) -> None:
    fills, state = raw(weeks, "Fill"), raw(weeks, "DeskState")[-1]
    came_to = sum(
        Decimal(fill["realized_pnl"]) - Decimal(fill["commission"]) - Decimal(fill["swap"]) for fill in fills
    )
    rows, marks = dict(watched(weeks).account), state["marks"]
    balance = Decimal(marks["start_equity"]) + came_to
    peak = max(Decimal(each["marks"]["equity"]) for each in raw(weeks, "DeskState"))
    assert state["positions"] == []
    assert rows["balance"] == rows["equity"] == f"{balance:,.2f} USD"
    assert rows["open P&L"] == "+0.00 USD"
    assert rows["peak"] == f"{peak:,.2f} USD"
    assert rows["drawdown"] == f"{(peak - balance) / peak * 100:.2f} % from the peak"
    assert rows["as of"] == f"{datetime.fromisoformat(state['now']):%Y-%m-%d %H:%M} UTC"


def test_a_flat_desk_holds_nothing_and_uses_no_leverage(weeks: Path) -> None:
    watch = watched(weeks)
    assert watch.positions.rows == ()
    assert watch.positions.cycles == ()
    assert (meter(watch, "leverage").words, meter(watch, "leverage").used) == ("0.00 of 5 x equity, forex", 0)
    assert meter(watch, "position").words == "0.00 % of 300.00 % of equity, nothing open"


def test_orders_come_newest_first_in_their_newest_state(weeks: Path) -> None:
    sheet, intents = watched(weeks).orders, raw(weeks, "OrderIntent")
    newest = {order["client_order_id"]: order for order in raw(weeks, "Order")}
    assert len(intents) > 10
    expected = [
        (each["cycle_id"], each["side"], Decimal(each["quantity"]), newest[each["client_order_id"]]["state"])
        for each in reversed(intents[-50:])
    ]
    sizes = map(amount, column(sheet, "quantity"))
    states = (state.upper() for state in column(sheet, "state"))
    assert list(zip(sheet.cycles, column(sheet, "side"), sizes, states, strict=True)) == expected
    exits = [each["is_reduce_only"] for each in reversed(intents)]
    assert [words.endswith("only closes") for words in column(sheet, "type")] == exits[:50]


def test_fills_add_up_to_what_the_closed_trades_gained(weeks: Path) -> None:
    sheet, outcomes = watched(weeks).fills, raw(weeks, "Outcome")
    assert len(sheet.rows) == len(raw(weeks, "Fill")) < 50
    gained = sum(map(amount, column(sheet, "realized P&L")))
    assert gained == pytest.approx(sum(Decimal(each["gross_pnl"]) for each in outcomes), abs=Decimal("0.3"))
    assert list(sheet.cycles) == [each["cycle_id"] for each in reversed(raw(weeks, "Fill"))]
    assert sheet.rows[0][0] == f"{datetime.fromisoformat(raw(weeks, 'Fill')[-1]['at']):%m-%d %H:%M}"


def test_of_many_orders_and_fills_the_newest_fifty_are_shown(
    weeks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desk.terminal.watch_words._SHOWN", 5)
    watch = watched(weeks)
    assert list(watch.orders.cycles) == [each["cycle_id"] for each in raw(weeks, "OrderIntent")[:-6:-1]]
    assert list(watch.fills.cycles) == [each["cycle_id"] for each in raw(weeks, "Fill")[:-6:-1]]


def test_the_curve_is_the_marks_of_every_moment_with_its_extremes(weeks: Path) -> None:
    curve, states = watched(weeks).curve, raw(weeks, "DeskState")
    marks = {datetime.fromisoformat(each["now"]): each["marks"] for each in states}
    equity = {at: float(each["equity"]) for at, each in marks.items()}
    fallen = {at: 100 * (1 - equity[at] / float(each["peak_equity"])) for at, each in marks.items()}
    assert 128 < len(curve.times) <= len(marks)
    assert (curve.times[0], curve.times[-1]) == (min(marks), max(marks))
    assert list(curve.equity) == pytest.approx([equity[at] for at in curve.times])
    assert list(curve.drawdown_pct) == pytest.approx([fallen[at] for at in curve.times], abs=1e-9)
    assert (min(curve.equity), max(curve.equity)) == pytest.approx(
        (min(equity.values()), max(equity.values()))
    )
    assert max(curve.drawdown_pct) == pytest.approx(max(fallen.values()))


def test_an_open_position_is_the_brokers_own_and_opens_its_cycle(short: Path) -> None:
    watch = watched(short)
    settings = own_door(short)._settings

    async def told() -> AccountState:
        with open_desk(settings, command="test", home=short) as runner:
            return await runner.desk.broker.account()

    account = asyncio.run(told())
    (held,), (row,) = account.positions, watch.positions.rows
    assert held.quantity < 0
    assert row[0] == "EURUSD"
    assert row[1] == f"{held.quantity:,} short"
    assert (Decimal(row[2]), Decimal(row[5]), Decimal(row[6])) == (
        held.average_price,
        held.stop_price,
        held.target_price,
    )
    assert row[4] == f"{held.unrealized_pnl:+,.2f} USD"
    assert held.unrealized_pnl == pytest.approx(
        held.quantity * (Decimal(row[3]) - held.average_price), abs=Decimal("0.01")
    )
    assert watch.positions.cycles == (raw(short, "OrderIntent")[0]["cycle_id"],)
    rows = dict(watch.account)
    assert amount(rows["equity"]) - amount(rows["balance"]) == amount(rows["open P&L"]) == amount(row[4])
    used = abs(held.quantity) * held.average_price / account.equity
    assert meter(watch, "leverage").words == f"{used:.2f} of 5 x equity, forex"
    assert meter(watch, "position").words == f"{100 * used:.2f} % of 300.00 % of equity, EURUSD"


def test_attached_sees_what_the_terminal_that_runs_the_desk_sees(tmp_path: Path) -> None:
    with fed(tmp_path) as own:
        time.sleep(0.4)
        inside = own.watch()
        with door(tmp_path) as beside:
            outside, overviews = beside.watch(), (own.overview(), beside.overview())
    alike = ("account", "positions", "orders", "fills", "curve", "limits", "seats", "models", "budgets")
    assert {name: getattr(inside, name) for name in alike} == {name: getattr(outside, name) for name in alike}
    assert len(inside.positions.rows) == 1
    assert overviews[0] == overviews[1]
    assert line(inside, "broker").state == line(inside, "feed replay").state == "good"
    assert line(inside, "broker").words.startswith("account paper-d, PAPER; answered at ")
    assert line(inside, "runner").words == "this terminal: the feed ended"
    assert line(outside, "broker").state == line(outside, "feed replay").state == "unknown"
    assert line(outside, "runner").words.startswith("elsewhere: dualbrain chat, pid ")
    assert line(outside, "journal").words.startswith(f"{overviews[1].row} rows, ")


def test_prices_are_those_the_feed_of_an_own_desk_tells_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def later(_feed: object, _instrument_id: str, at: datetime) -> Quote:
        return Quote(bid=1.2, ask=1.21, at=at)

    with fed(tmp_path) as own:
        monkeypatch.setattr("markets.replay_feed.ReplayFeed.quote", later)
        time.sleep(0.4)
        watch = own.watch()
    assert column(watch.positions, "price now") == ["1.21000"]
    assert "EURUSD 1.20000 / 1.21000, spread 100 pips, 0 s old" in line(watch, "feed replay").words


def test_what_a_halt_leaves_at_work_is_the_position_with_its_stop_and_target(short: Path) -> None:
    (intent,), (fill,) = raw(short, "OrderIntent"), raw(short, "Fill")
    with door(short) as found:
        ((name, words),) = found.overview().still_open
    assert name == "EURUSD"
    told = [each.split()[-1].replace(",", "") for each in words.replace(" at ", ", at ").split(", ")]
    assert [Decimal(each) for each in told] == [
        -Decimal(fill["quantity"]),
        Decimal(fill["price"]),
        Decimal(intent["stop_price"]),
        Decimal(intent["target_price"]),
    ]


def test_an_order_without_a_last_word_of_the_venue_is_still_open(short: Path, tmp_path: Path) -> None:
    body = raw(short, "OrderIntent")[0] | {"cycle_id": cycle_named("a"), "instrument_id": "EURUSD"}
    intent = OrderIntent.model_validate(body)
    path = tmp_path / "journal.db"
    with SqliteJournal(path, environment=make_environment(), session_id="s", clock=lambda: AS_OF) as journal:
        words = OverviewWords(journal, FileBlobStore(tmp_path / "blobs"))
        told = []
        journal.append(make_desk_state("a"), cycle_id=cycle_named("a"))
        for record in (intent, make_order("a", "UNKNOWN"), make_order("a", "FILLED", 1)):
            journal.append(record, cycle_id=cycle_named("a"), ordinal=getattr(record, "ordinal", 0))
            told.append([text.split(", ")[-1] for _, text in words.look(AS_OF, None).still_open])
    assert told == [["not sent yet"], ["unknown"], []]


def test_what_the_broker_says_later_counts_and_what_it_said_before_does_not(short: Path) -> None:
    journal = open_for_reading(short / "d" / "journal.db")
    recorded = account_seen(journal)
    journal.close()
    assert recorded is not None
    (held,) = recorded.positions
    now = held.model_copy(update={"unrealized_pnl": Decimal(777)})
    balance = recorded.marks.balance
    account = AccountState("paper-d", True, "USD", balance, balance + 777, (now,), ())
    seen = Seen(
        at=recorded.at + timedelta(minutes=5),
        asked_at=recorded.at,
        took_ms=1,
        account=account,
        failure="",
        quotes={},
        rates=(),
        budgets=(),
    )
    live = account_now(recorded, seen)
    assert dict(account_rows(live))["open P&L"] == "+777.00 USD"
    assert live is not None
    assert live.marks.peak_equity == balance + 777
    assert dict(account_rows(live))["drawdown"].startswith("0.00 %")
    assert position_lines(live)[0].endswith("+777.00 USD")
    assert account_now(recorded, replace(seen, at=recorded.at - timedelta(minutes=5))) == recorded


def test_a_desk_without_a_cycle_shows_what_there_is(tmp_path: Path) -> None:
    watch = watched(trade(tmp_path, SATURDAY))
    assert watch.account == (("account", "no cycle on record yet"),)
    sheets = (watch.positions, watch.orders, watch.fills, watch.seats, watch.models)
    assert [each.rows for each in sheets] == [()] * 5
    assert all(each.head for each in sheets)
    assert (watch.curve.times, watch.limits, watch.budgets) == ((), (), ())
    assert line(watch, "feed replay").words == "no bar decided on yet"
    assert line(watch, "kill switch").state == "good"
    assert line(watch, "runner").state == "bad"


def test_seats_and_models_are_counted_as_on_record(voted: Path) -> None:
    watch, exchanges = watched(voted), raw(voted, "Exchange")
    assert column(watch.seats, "seat") == sorted(each["seat"] for each in raw(voted, "Ballot")) == list(SEATS)
    assert column(watch.seats, "calls") == column(watch.seats, "for") == ["1"] * 3
    (row,) = watch.models.rows
    assert row[:4] == ("seat", "openai-compatible old", str(len(exchanges)), str(len(exchanges)))
    assert amount(row[5]) == sum(each["tokens"]["input"] for each in exchanges) == 3_000
    assert amount(row[6]) == sum(each["tokens"]["output"] for each in exchanges) == 300
    assert row[4] == "not known"
    assert line(watch, "openai-compatible old").words == "3 of the newest 3 answered"


@pytest.mark.parametrize(("rest_s", "seats"), [(60, ["kimi"]), (0, ["deepseek", "kimi"])])
def test_what_reads_much_is_read_again_only_after_its_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rest_s: float, seats: list[str]
) -> None:
    monkeypatch.setattr("desk.terminal.watch_words._REST_S", rest_s)
    monkeypatch.setattr("desk.terminal.watch_words._REST_FACTOR", 0)
    write_votes(tmp_path, [{"seat": "kimi", "answer": "APPROVE", "r": 1.5}], "d")
    with door(tmp_path) as opened:
        (row,) = opened.watch().seats.rows
        assert row == ("kimi", "1", "1", "0", "0", "0", "1", "100.00 %", "+1.50 R")
        with open_to_write(tmp_path, "d") as journal:
            ballot = journal.find_all(Ballot)[0].model_copy(update={"seat": "deepseek", "ordinal": 1})
            journal.append(ballot, ordinal=1)
        assert column(opened.watch().seats, "seat") == seats


def test_budgets_are_of_today_or_say_of_which_day(voted: Path) -> None:
    now = datetime.now(UTC)
    cap, spent = (raw(voted, "DeskState")[-1]["budgets"][1][name] for name in ("cap", "spent"))
    today = meter(watched(voted, now=now), "tokens per day")
    assert today.words == f"{Decimal(spent):,} of {Decimal(cap):,} tokens"
    assert today.used == pytest.approx(float(spent) / float(cap))
    tomorrow = watched(voted, now=now + timedelta(days=1))
    assert meter(tomorrow, "tokens per day").used is None
    assert meter(tomorrow, "tokens per day").words.endswith(f"last told on {now:%Y-%m-%d}: {spent} used")
    assert tomorrow.models.rows == ()
    assert line(tomorrow, "models").words == f"none asked on {now + timedelta(days=1):%Y-%m-%d} UTC"


def test_a_position_in_another_currency_is_valued_at_the_rate_on_record_or_not_at_all() -> None:
    state = risk_scene.state()
    recorded = AccountSeen(
        at=risk_scene.NOW,
        desk="d",
        account_id="paper-1",
        is_paper=True,
        mode="technical",
        halted_by=None,
        marks=risk_scene.marks(),
        drawdown_pct=0,
        positions=(risk_scene.position("-150000", "USDJPY", "150"),),
        filled_since=(),
    )
    rates = (risk_scene.rate("USD", "JPY", 150.0),)
    known = {each.name: each for each in limit_meters(state, recorded, rates, RiskLimits())}
    assert known["leverage"].words == "1.50 of 5 x equity, forex"
    assert known["leverage"].used == pytest.approx(0.3)
    unknown = {each.name: each for each in limit_meters(state, recorded, (), RiskLimits())}
    assert (unknown["leverage"].used, unknown["position"].used) == (None, None)
    assert "cannot be valued" in unknown["leverage"].words
