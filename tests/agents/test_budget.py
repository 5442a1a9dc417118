"""No order of calls, answers, deadlines, days and restarts spends more than a cap allows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import orjson
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agents.budget import Spending, spent_on_record
from agents.exchanges import LATE, Caller
from agents.providers import Price, cost_usd
from agents.settings import BudgetSettings
from contracts.canonical import sha256_hex
from contracts.exchange import Exchange, Tokens
from tests.factories import cycle_named, make_exchange

DAY = date(2026, 3, 2)


def price(given: str, answered: str) -> Price:
    return Price(
        input=Decimal(given),
        output=Decimal(answered),
        cached=Decimal(0),
        seen_on=DAY,
        source="https://prices.example/list",
    )


PRICES: Mapping[str, Price | None] = {
    "moonshot": price("1", "4"),
    "deepseek": price("0.3", "1.2"),
    "own": price("0", "0"),
    "meter": None,
}
SEATS = {"kimi": "moonshot", "deepseek": "deepseek", "local": "own", "gateway": "meter"}
CAPS = BudgetSettings(
    usd_per_cycle=Decimal("0.012"),
    usd_per_day=Decimal("0.03"),
    usd_per_day_of={"moonshot": Decimal("0.02")},
    tokens_per_cycle=9_000,
    tokens_per_day=30_000,
    unpriced="count_tokens",
)


def price_of(provider: str, _model: str) -> Price | None:
    return PRICES[provider]


def caller(seat: str = "kimi", cycle: object = "a") -> Caller:
    return Caller(cycle_named(cycle), "seat", seat, SEATS[seat], "m")


def told(
    tokens: Tokens | None, *, seat: str = "kimi", cycle: object = "a", ordinal: int = 0, **changes: object
) -> Exchange:
    """An answer with this usage, at the price of the seat's provider."""
    known = PRICES[SEATS[seat]]
    fields: dict[str, object] = {
        "seat": seat,
        "provider": SEATS[seat],
        "outcome": "complete",
        "tokens": tokens,
        "cost_usd": None if tokens is None or known is None else cost_usd(known, tokens),
    }
    return make_exchange(cycle, ordinal, **(fields | changes))


def spending(
    settings: BudgetSettings = CAPS, *, today: date = DAY, before: Iterable[Exchange] = ()
) -> Spending:
    return Spending(settings, price_of, lambda: today, before)


def used(of: Spending, name: str) -> Decimal:
    return next(budget.spent for budget in of.budgets() if budget.name == name)


@dataclass
class Call:
    """A request and, for the test alone, what it truly comes to."""

    seat: str
    cycle: str
    ordinal: int
    worst: Tokens
    truth: Tokens
    day: date
    is_given_up: bool = False

    def usd(self, tokens: Tokens) -> Decimal:
        known = PRICES[SEATS[self.seat]]
        return Decimal(0) if known is None else cost_usd(known, tokens)


@dataclass
class World:
    """Everything that happened, as only a test can know it."""

    under_way: list[Call] = field(default_factory=list)
    over: list[Call] = field(default_factory=list)
    written: list[tuple[date, Exchange]] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)


class AnyOrder(RuleBasedStateMachine):
    """Seats ask in any order, also again before an answer; answers end in every way."""

    @initialize()
    def open_the_desk(self) -> None:
        self.world, self.day, self.n = World(), DAY, 0
        self.spending = Spending(CAPS, price_of, lambda: self.day)

    @rule(
        seat=st.sampled_from(sorted(SEATS)),
        cycle=st.sampled_from("abc"),
        tokens=st.tuples(st.integers(1, 3000), st.integers(0, 1500)),
        share=st.integers(0, 100),
    )
    def ask(self, seat: str, cycle: str, tokens: tuple[int, int], share: int) -> None:
        worst = Tokens(input=tokens[0], output=tokens[1])
        truth = Tokens(input=worst.input * share // 100, output=worst.output * share // 100)
        if self.spending.may_ask(caller(seat, cycle), worst.input, worst.output) is None:
            self.world.under_way.append(Call(seat, cycle, self.n, worst, truth, self.day))
        else:
            self.spending.note(self._exchange(Call(seat, cycle, self.n, worst, truth, self.day), "not_asked"))
        self.n += 1

    @precondition(lambda self: self.world.under_way)
    @rule(
        which=st.integers(0, 100),
        outcome=st.sampled_from(["complete", "cut", "timeout", "unreachable", "deadline"]),
        is_told=st.booleans(),
    )
    def end(self, which: int, outcome: str, is_told: bool) -> None:
        call = self.world.under_way[which % len(self.world.under_way)]
        if outcome == "deadline":
            if not call.is_given_up:
                call.is_given_up = True
                self._note(self._exchange(call, "deadline"))
            return
        self.world.under_way.remove(call)
        if outcome == "unreachable":
            call.truth = Tokens(input=0, output=0)
        call.day = self.day
        self.world.over.append(call)
        knows = is_told and outcome in ("complete", "cut")
        # After a deadline the record says late, and no longer that nobody was reached.
        self._note(
            self._exchange(call, "late" if call.is_given_up else outcome, call.truth if knows else None)
        )

    @rule()
    def wait_for_the_next_day(self) -> None:
        self.day += timedelta(days=1)

    @precondition(lambda self: all(call.is_given_up for call in self.world.under_way))
    @rule()
    def start_again(self) -> None:
        """The process dies; what is left is the record. Lost answers may have been billed in full."""
        for call in self.world.under_way:
            call.truth = call.worst
        # What is billed for a lost answer is counted on the day of its deadline.
        self.world.over += self.world.under_way
        self.world.under_way = []
        today = [exchange for day, exchange in self.world.written if day == self.day]
        before = spent_on_record(today, self.world.blobs.__getitem__, price_of)
        self.spending = Spending(CAPS, price_of, lambda: self.day, before)
        # Yesterday's part of a cycle is not read again.
        self.world.over = [call for call in self.world.over if call.day == self.day]

    @invariant()
    def no_cap_is_passed(self) -> None:
        calls = [(call, call.truth, call.day == self.day) for call in self.world.over]
        calls += [(call, call.worst, True) for call in self.world.under_way]
        today = [(call, tokens) for call, tokens, is_today in calls if is_today]
        assert sum(call.usd(tokens) for call, tokens in today) <= CAPS.usd_per_day
        assert sum(tokens.input + tokens.output for _, tokens in today) <= CAPS.tokens_per_day
        own = sum(call.usd(tokens) for call, tokens in today if SEATS[call.seat] == "moonshot")
        assert own <= CAPS.usd_per_day_of["moonshot"]
        for cycle in "abc":
            of_cycle = [(call, tokens) for call, tokens, _ in calls if call.cycle == cycle]
            assert sum(call.usd(tokens) for call, tokens in of_cycle) <= CAPS.usd_per_cycle
            assert sum(tokens.input + tokens.output for _, tokens in of_cycle) <= CAPS.tokens_per_cycle

    def _note(self, exchange: Exchange) -> None:
        self.world.written.append((self.day, exchange))
        self.spending.note(exchange)

    def _exchange(self, call: Call, outcome: str, tokens: Tokens | None = None) -> Exchange:
        body = orjson.dumps({"max_tokens": call.worst.output, "messages": "xyz" * call.worst.input})
        self.world.blobs[sha256_hex(body)] = body
        return told(
            tokens,
            seat=call.seat,
            cycle=call.cycle,
            ordinal=call.ordinal + (LATE if outcome == "late" else 0),
            outcome=outcome,
            request=sha256_hex(body),
        )


TestAnyOrder = AnyOrder.TestCase


REFUSALS = [
    ("usd_per_cycle", BudgetSettings(usd_per_cycle=Decimal("0.005")), "0.005", "0.006000"),
    ("usd_per_day", BudgetSettings(usd_per_day=Decimal("0.005")), "0.005", "0.006000"),
    (
        "usd_per_day_of moonshot",
        BudgetSettings(usd_per_day_of={"moonshot": Decimal("0.005")}),
        "0.005",
        "0.006000",
    ),
    ("tokens_per_cycle", BudgetSettings(tokens_per_cycle=2_999), "2999", "3000"),
    ("tokens_per_day", BudgetSettings(tokens_per_day=2_999), "2999", "3000"),
]


@pytest.mark.parametrize(("name", "settings", "cap", "found"), REFUSALS, ids=[each[0] for each in REFUSALS])
def test_a_refusal_names_the_cap_and_what_the_call_would_bring_it_to(
    name: str, settings: BudgetSettings, cap: str, found: str
) -> None:
    why = spending(settings).may_ask(caller(), 2_000, 1_000)
    told = f"expected {name} within its cap of {cap}, found {found} with this call at worst; "
    assert why == f"{told}budget.{name.split()[0]} sets it"


def test_a_call_that_just_fits_is_made_and_the_next_token_is_not() -> None:
    desk = spending(BudgetSettings(tokens_per_cycle=3_000))
    assert desk.may_ask(caller(), 2_000, 1_000) is None
    assert desk.may_ask(caller("deepseek"), 1, 0) is not None
    assert desk.may_ask(caller("deepseek", "b"), 1, 0) is None


def test_a_cap_on_one_provider_leaves_the_others_alone() -> None:
    desk = spending(BudgetSettings(usd_per_day_of={"moonshot": Decimal(0)}))
    assert desk.may_ask(caller("kimi"), 1, 1) is not None
    assert desk.may_ask(caller("deepseek"), 1, 1) is None


@pytest.mark.parametrize("name", ["usd_per_cycle", "usd_per_day", "tokens_per_cycle", "tokens_per_day"])
@pytest.mark.parametrize("seat", ["kimi", "deepseek"])
def test_a_cap_of_nothing_refuses_every_call_that_costs(name: str, seat: str) -> None:
    desk = spending(BudgetSettings.model_validate({name: 0}))
    assert f"expected {name} within its cap of 0" in str(desk.may_ask(caller(seat), 1, 0))


def test_no_dollars_still_buy_a_model_that_costs_none_and_no_tokens_do_not() -> None:
    assert spending(BudgetSettings(usd_per_day=Decimal(0))).may_ask(caller("local"), 9, 9) is None
    assert spending(BudgetSettings(tokens_per_day=0)).may_ask(caller("local"), 9, 9) is not None


def test_a_model_without_a_price_is_refused_or_bounded_by_tokens() -> None:
    why = spending(BudgetSettings()).may_ask(caller("gateway"), 10, 10)
    assert why is not None
    assert why.startswith("no price is known for m at meter")
    assert "budget.unpriced = count_tokens" in why
    counted = spending(BudgetSettings(unpriced="count_tokens", tokens_per_cycle=20))
    assert counted.may_ask(caller("gateway"), 10, 10) is None
    assert "tokens_per_cycle" in str(counted.may_ask(caller("gateway"), 1, 0))
    assert used(counted, "usd_per_day") == 0


def test_what_was_told_takes_the_place_of_the_worst() -> None:
    desk = spending()
    assert desk.may_ask(caller(), 3_000, 1_500) is None
    assert used(desk, "usd_per_day") == Decimal("0.009")
    desk.note(told(Tokens(input=1_000, output=100, cached=500)))
    assert used(desk, "usd_per_day") == Decimal("0.0009")
    assert used(desk, "tokens_per_day") == 1_100


@pytest.mark.parametrize(
    ("outcome", "usd"), [("unreachable", "0"), ("timeout", "0.009"), ("cut", "0.009"), ("complete", "0.009")]
)
def test_unknown_usage_counts_at_its_worst_unless_nobody_was_reached(outcome: str, usd: str) -> None:
    desk = spending()
    desk.may_ask(caller(), 3_000, 1_500)
    desk.note(told(None, outcome=outcome))
    assert used(desk, "usd_per_day") == Decimal(usd)


def test_an_answer_that_comes_late_is_paid_once() -> None:
    desk = spending()
    desk.may_ask(caller(), 3_000, 1_500)
    desk.note(told(None, outcome="deadline"))
    assert used(desk, "usd_per_day") == Decimal("0.009")
    desk.note(told(Tokens(input=1_000, output=0), outcome="late", ordinal=LATE))
    assert used(desk, "usd_per_day") == Decimal("0.001")


def test_a_second_request_of_a_seat_does_not_hide_the_first_which_is_still_read() -> None:
    desk = spending()
    desk.may_ask(caller(), 2_000, 0)
    desk.may_ask(caller(), 3_000, 0)
    assert used(desk, "usd_per_day") == Decimal("0.005")
    desk.note(told(Tokens(input=1_000, output=0)))
    # Which of the two has ended is not known: the larger one goes on counting.
    assert used(desk, "usd_per_day") == Decimal("0.004")
    desk.note(told(None, outcome="cut", ordinal=1))
    assert used(desk, "usd_per_day") == Decimal("0.004")


def test_a_new_day_forgets_the_day_and_not_the_cycle() -> None:
    today = [DAY]
    desk = Spending(BudgetSettings(usd_per_cycle=Decimal("0.002")), price_of, lambda: today[0])
    desk.may_ask(caller(), 2_000, 0)
    desk.note(told(Tokens(input=2_000, output=0)))
    today[0] += timedelta(days=1)
    assert used(desk, "usd_per_day") == 0
    assert used(desk, "tokens_per_day") == 0
    assert "usd_per_cycle" in str(desk.may_ask(caller(), 1, 0))
    assert desk.may_ask(caller(cycle="b"), 1, 0) is None


def test_a_clock_set_back_over_midnight_gives_nothing_out_again() -> None:
    today = [DAY]
    desk = Spending(CAPS, price_of, lambda: today[0])
    desk.note(told(Tokens(input=2_000, output=0)))
    today[0] -= timedelta(days=1)
    assert used(desk, "usd_per_day") == Decimal("0.002")
    today[0] = DAY
    assert used(desk, "usd_per_day") == Decimal("0.002")


def test_a_call_under_way_at_midnight_counts_on_the_new_day() -> None:
    today = [DAY]
    desk = Spending(CAPS, price_of, lambda: today[0])
    desk.may_ask(caller(), 3_000, 1_500)
    today[0] += timedelta(days=1)
    assert used(desk, "usd_per_day") == Decimal("0.009")


def test_a_restart_goes_on_where_the_day_stood() -> None:
    body = orjson.dumps({"max_tokens": 1_500, "messages": "x" * 9_000})
    blobs = {sha256_hex(body): body}
    asked = {"request": sha256_hex(body)}
    at_worst = cost_usd(price("1", "4"), Tokens(input=len(body) // 3, output=1_500))
    record = [
        told(Tokens(input=1_000, output=0), ordinal=0, **asked),
        told(None, ordinal=1, outcome="timeout", **asked),
        told(None, ordinal=2, outcome="unreachable", **asked),
        told(None, ordinal=3, outcome="not_asked"),
        told(None, ordinal=4, outcome="deadline", **asked),
        told(Tokens(input=2_000, output=0), ordinal=LATE + 4, outcome="late", **asked),
        told(None, ordinal=5, outcome="deadline", **asked),
    ]
    again = spending(before=spent_on_record(record, blobs.__getitem__, price_of))
    assert used(again, "usd_per_day") == Decimal("0.003") + 2 * at_worst


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"max_tokens": "many"}', b'{"max_tokens": -5}'])
def test_a_request_that_names_no_limit_counts_with_its_length(body: bytes) -> None:
    blob = sha256_hex(body)
    (found,) = spent_on_record([told(None, outcome="cut", request=blob)], {blob: body}.__getitem__, price_of)
    assert found.tokens == Tokens(input=len(body) // 3, output=0)


def test_the_accounts_of_old_cycles_are_let_go() -> None:
    desk = spending(BudgetSettings(usd_per_cycle=Decimal("0.002"), usd_per_day=Decimal(100)))
    for cycle in range(1_200):
        desk.note(told(Tokens(input=2_000, output=0), cycle=cycle, ordinal=0))
    assert len(desk._cycles) == 1_000
    assert "usd_per_cycle" in str(desk.may_ask(caller(cycle=1_199), 1, 0))


def test_the_caps_are_told_with_what_is_used_of_them() -> None:
    desk = spending()
    desk.note(told(Tokens(input=1_000, output=0)))
    found = {budget.name: (budget.cap, budget.spent) for budget in desk.budgets()}
    assert found == {
        "usd_per_day": (Decimal("0.03"), Decimal("0.001")),
        "tokens_per_day": (Decimal(30_000), Decimal(1_000)),
    }
