"""What a desk's lines put into the journal, in which place, and when they do not ask."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import httpx2
import pytest

from agents.budget import Spending
from agents.exchanges import LATE, Caller, Role
from agents.line import Line, NotAsked
from agents.providers import Price
from agents.settings import BudgetSettings
from agents.traffic import LiveTraffic, RecordedTraffic
from contracts.errors import NotOnRecord
from contracts.exchange import Exchange, Tokens
from memory.scratch import MemoryJournal, OverlayBlobStore
from tests.agents.lines import Answer, Model, Parts
from tests.factories import cycle_named, make_exchange

NAMES = ("brain", "deepseek", "kimi", "minimax")
SAID = b'{"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}'
PRICE = Price(
    input=Decimal(1),
    output=Decimal(2),
    cached=Decimal(1),
    seen_on=date(2026, 3, 2),
    source="https://prices.example/list",
)


@dataclass
class Desk:
    """A traffic over a scripted model, with a journal and a budget."""

    model: httpx2.AsyncBaseTransport
    halted_by: str | None = None
    settings: BudgetSettings = field(default_factory=BudgetSettings)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    blobs: OverlayBlobStore = field(default_factory=OverlayBlobStore)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        self.spending = Spending(self.settings, lambda *_: PRICE, lambda: date(2026, 3, 2))
        self.traffic = LiveTraffic(
            self.journal,
            self.blobs,
            self.spending,
            halted_by=lambda: self.halted_by,
            transport=self.model,
        )

    def line(self, name: str, cycle: str = "a") -> Line:
        return self.traffic.line(caller(name, cycle))

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        return self.journal.find_all(Exchange)

    @property
    def spent(self) -> Decimal:
        return next(budget.spent for budget in self.spending.budgets() if budget.name == "usd_per_day")


def desk(*answers: Answer, **changes: str | BudgetSettings) -> Desk:
    return Desk(Model(list(answers)), **changes)  # type: ignore[arg-type] # each names a field of its type


def caller(name: str, cycle: str | None = "a") -> Caller:
    role: Role = "brain" if name == "brain" else "seat"
    return Caller(
        None if cycle is None else cycle_named(cycle), role, name, "moonshot", "kimi-k2", max_tokens=10
    )


def answer(*parts: bytes | Exception | float) -> httpx2.Response:
    return httpx2.Response(200, headers={"content-type": "application/json"}, stream=Parts(*parts))


async def ask(line: Line, text: str = "hello") -> bytes:
    request = httpx2.Request("POST", "https://models.example/v1/chat/completions", content=text.encode())
    response = await line.handle_async_request(request)
    return b"".join([part async for part in response.aiter_bytes()])


async def test_rows_have_places_of_their_own_over_brain_and_seats() -> None:
    one = desk(*(answer(SAID) for _ in range(8)))
    for name in NAMES:
        line = one.line(name)
        await ask(line, "first")
        await ask(line, "again, told what is wrong")
    rows = [row for row in one.journal.rows() if row.kind == "Exchange"]
    assert len({row.ordinal for row in rows}) == len(rows) == 8
    assert {row.cycle_id for row in rows} == {cycle_named("a")}
    assert [exchange.ordinal for exchange in one.exchanges] == [0, 1] * 4


async def test_seats_that_ask_at_once_are_all_on_record_and_paid() -> None:
    one = desk(*(answer(SAID[:9], 0.001, SAID[9:]) for _ in NAMES))
    assert await asyncio.gather(*(ask(one.line(name)) for name in NAMES)) == [SAID] * 4
    assert {exchange.seat for exchange in one.exchanges} == set(NAMES)
    assert one.spent == 4 * Decimal("0.000013")


async def test_what_is_on_record_is_played_back_and_paid_once() -> None:
    one = desk(answer(SAID), answer(SAID))
    await ask(one.line("kimi"))
    paid = one.spent
    assert await ask(one.line("kimi")) == SAID
    assert one.spent == paid
    await ask(one.line("kimi", "b"))
    assert [each.cycle_id for each in one.exchanges] == [cycle_named("a"), cycle_named("b")]
    assert one.spent == 2 * paid


async def test_after_a_crash_only_the_rest_is_asked() -> None:
    one = desk(answer(SAID), answer(SAID + b" "))
    await ask(one.line("kimi"), "first")
    one.open()
    line = one.line("kimi")
    assert await ask(line, "first") == SAID
    assert await ask(line, "second") == SAID + b" "
    assert [exchange.ordinal for exchange in one.exchanges] == [0, 1]


async def test_a_halted_desk_asks_nobody_and_says_why() -> None:
    one = desk(halted_by="a person: enough")
    with pytest.raises(NotAsked, match="the desk is halted: a person: enough"):
        await ask(one.line("kimi"))
    (exchange,) = one.exchanges
    assert (exchange.outcome, exchange.error) == ("not_asked", "the desk is halted: a person: enough")


async def test_a_spent_budget_asks_nobody_and_says_which() -> None:
    one = desk(settings=BudgetSettings(tokens_per_day=19))
    with pytest.raises(NotAsked, match="tokens_per_day"):
        await ask(one.line("kimi"), "x" * 30)
    assert one.exchanges[0].outcome == "not_asked"


async def test_a_cycle_taken_up_after_midnight_keeps_what_it_has_spent() -> None:
    one = desk(answer(SAID), answer(SAID), settings=BudgetSettings(tokens_per_cycle=30))
    await ask(one.line("kimi"))
    # The next day's process has nothing of today's to count.
    one.open()
    with pytest.raises(NotAsked, match="tokens_per_cycle within its cap of 30"):
        await ask(one.line("minimax"), "x" * 33)
    assert one.spent == 0
    await ask(one.line("minimax", "b"), "x" * 33)


async def test_what_another_process_spends_on_the_same_journal_counts_at_the_next_request() -> None:
    one = desk(*(answer(SAID) for _ in range(3)), settings=BudgetSettings(tokens_per_day=40))
    beside = Desk(Model([answer(SAID)]), settings=one.settings, journal=one.journal, blobs=one.blobs)
    await ask(one.line("kimi"))
    await ask(beside.traffic.line(caller("assistant", None)))
    await ask(one.line("kimi", "b"))
    one.traffic.hear_of_others()
    assert one.spent == 3 * Decimal("0.000013")
    with pytest.raises(NotAsked, match="tokens_per_day within its cap of 40"):
        await ask(one.line("kimi", "c"))
    # Neither counts twice what it wrote itself.
    beside.traffic.hear_of_others()
    assert beside.spending.budgets() == one.spending.budgets()


async def test_however_much_another_process_asked_since_all_of_it_counts() -> None:
    one = desk(settings=BudgetSettings(tokens_per_day=10**6))
    for n in range(1_100):
        beside = make_exchange("beside", n, outcome="complete", tokens=Tokens(input=2, output=1))
        one.journal.append(beside, cycle_id=beside.cycle_id, ordinal=n)
    one.traffic.hear_of_others()
    spent = {budget.name: budget.spent for budget in one.spending.budgets()}
    assert spent["tokens_per_day"] == 3_300


async def test_what_another_process_lost_the_usage_of_counts_at_the_most_its_request_tells() -> None:
    one = desk(answer(SAID))
    body = b'{"max_tokens": 40, "messages": []}'
    lost = make_exchange("beside", outcome="cut", request=one.blobs.put(body))
    one.journal.append(lost, cycle_id=lost.cycle_id)
    # A reason not to ask costs nothing.
    one.journal.append(make_exchange("other", outcome="not_asked"), cycle_id=cycle_named("other"))
    await ask(one.line("kimi"))
    one.traffic.hear_of_others()
    spent = {budget.name: budget.spent for budget in one.spending.budgets()}
    assert spent["tokens_per_day"] == len(body) // 3 + 40 + 10
    # What is its own is not remembered longer than that: a desk runs for months.
    assert one.traffic._own == set()


class Endless(httpx2.AsyncBaseTransport):
    """Says the beginning of an answer and no more; remembers that it was let go."""

    def __init__(self) -> None:
        self.is_closed = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, stream=Parts(b"data: {}\n\n", 60.0))

    async def aclose(self) -> None:
        self.is_closed = True


async def _first(parts: AsyncIterator[bytes]) -> bytes:
    return await anext(parts)


async def test_closing_ends_what_is_under_way_and_puts_it_on_record() -> None:
    one = Desk(endless := Endless())
    line = one.line("kimi")
    response = await line.handle_async_request(
        httpx2.Request("POST", "https://models.example/v1", content=b"x" * 30)
    )
    assert await _first(response.aiter_bytes()) == b"data: {}\n\n"
    assert not list(one.journal.rows())
    await one.traffic.aclose()
    (exchange,) = one.exchanges
    assert (exchange.outcome, exchange.error) == ("cut", "the desk was closed")
    assert one.blobs.get(exchange.response or "") == b"data: {}\n\n"
    # Nobody knows what it used, so it counts with its worst.
    assert one.spent == Decimal("0.00003")
    assert endless.is_closed


async def test_an_answer_under_way_after_its_deadline_is_late_when_the_desk_closes() -> None:
    one = Desk(Endless())
    line = one.line("kimi")
    await line.handle_async_request(httpx2.Request("POST", "https://models.example/v1", content=b"x" * 30))
    line.give_up("no answer by the deadline of 1 s")
    await one.traffic.aclose()
    assert [(each.outcome, each.ordinal) for each in one.exchanges] == [("deadline", 0), ("late", LATE)]
    assert one.spent == Decimal("0.00003")


async def test_closing_a_desk_that_never_asked_does_nothing() -> None:
    one = desk()
    await one.traffic.aclose()
    await one.traffic.aclose()
    assert one.exchanges == ()


async def test_requests_outside_a_cycle_are_never_played_back() -> None:
    one = desk(answer(SAID), answer(SAID))
    for _ in range(2):
        await ask(one.traffic.line(caller("probe", None)))
    assert [(each.cycle_id, each.tokens) for each in one.exchanges] == [
        (None, Tokens(input=7, output=3)),
        (None, Tokens(input=7, output=3)),
    ]


async def test_recorded_traffic_plays_back_each_seat_and_asks_nobody() -> None:
    one = desk(answer(SAID), answer(SAID + b" "))
    await ask(one.line("kimi"))
    await ask(one.line("brain"))
    recorded = RecordedTraffic(one.blobs, one.exchanges)
    assert await ask(recorded.line(caller("brain"))) == SAID + b" "
    assert await ask(recorded.line(caller("kimi"))) == SAID
    with pytest.raises(NotOnRecord, match="expected request 0 of minimax on record, found no more"):
        await ask(recorded.line(caller("minimax")))


async def test_recorded_traffic_knows_who_was_asked_or_had_a_reason_not_to_be() -> None:
    one = desk(answer(SAID))
    await ask(one.line("kimi"))
    one.halted_by = "a person"
    with pytest.raises(NotAsked):
        await ask(one.line("minimax"))
    recorded = RecordedTraffic(one.blobs, one.exchanges)
    assert recorded.has("seat", "kimi")
    assert recorded.has("seat", "minimax")
    assert not recorded.has("seat", "deepseek")
    assert not recorded.has("brain", "kimi")
