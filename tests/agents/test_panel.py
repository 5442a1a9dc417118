"""The panel as it is opened: who sits, what the record will say of local weights, what was spent before."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pydantic import SecretStr

from agents import panel as panels
from agents.exchanges import Caller
from agents.formula_brain import BarsOf, FormulaBrain
from agents.panel import Panel, open_panel, open_spending
from agents.seat import ModelSeat
from agents.settings import DEFAULT_SEATS, BrainSettings, BudgetSettings, PanelSettings, SeatSettings
from contracts.exchange import Exchange, Tokens
from memory.scratch import MemoryJournal, OverlayBlobStore
from tests.agents.lines import CALLER
from tests.agents.seat_scene import case_of
from tests.factories import make_exchange
from tests.servers.answers import Completion
from tests.servers.ollama_stand_in import OllamaStandIn, StoredModel
from tests.servers.scripted import ScriptedServer
from tests.tools.risk_scene import proposal


def opened(
    seat: SeatSettings,
    brain: BrainSettings | None = None,
    journal: MemoryJournal | None = None,
    ollama_host: str | None = None,
) -> tuple[Panel, MemoryJournal]:
    journal = journal or MemoryJournal()
    panel = open_panel(
        {"kimi": seat},
        PanelSettings(seats=("kimi",)),
        brain or BrainSettings(),
        BudgetSettings(unpriced="count_tokens"),
        bars=BarsOf(lambda _snapshot: {}, lambda _snapshot: ()),
        key_of=lambda _provider: SecretStr("sk-test"),
        journal=journal,
        blobs=OverlayBlobStore(),
        halted_by=lambda: None,
        ollama_host=ollama_host,
    )
    return panel, journal


async def test_a_seat_at_a_server_of_ones_own_votes(scripted: ScriptedServer) -> None:
    scripted.always(Completion("no vote"))
    seat = SeatSettings(
        provider="openai-compatible", model="m", prompt="seat_kimi", base_url=scripted.base_url
    )
    panel, _ = opened(seat)
    ballot = await panel.voters[0].vote(case_of(), proposal(), 0)
    await panel.traffic.aclose()
    assert (ballot.seat, ballot.answer) == ("kimi", "ABSTAIN")
    assert panel.brain is None
    (_, tokens) = panel.budgets()
    assert tokens.spent > 0


@pytest.mark.parametrize(
    ("hours_ahead", "is_counted"), [(0, True), (-1, False), (23.5, True), (24.5, True), (72, False)]
)
def test_a_clock_set_back_over_midnight_gives_no_allowance_out_again(
    hours_ahead: float, is_counted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
    days = [now.date()]
    monkeypatch.setattr(panels, "_today", lambda: days[-1])
    journal = MemoryJournal(clock=lambda: now + timedelta(hours=hours_ahead))
    spent = Tokens(input=1_000, output=100)
    exchange = make_exchange("a", outcome="complete", tokens=spent, cost_usd=Decimal("0.2"))
    journal.append(exchange, cycle_id=exchange.cycle_id)
    panel, _ = opened(DEFAULT_SEATS["kimi"], journal=journal)
    assert panel.budgets()[1].spent == 1_100 * is_counted
    # Midnight comes a second time where the clock had passed it before.
    days.append(now.date() + timedelta(days=1))
    assert panel.budgets()[1].spent == 1_100 * (hours_ahead in (23.5, 24.5))


def test_the_gate_is_told_what_another_process_spent_since() -> None:
    panel, journal = opened(DEFAULT_SEATS["kimi"])
    assert panel.budgets()[1].spent == 0
    journal.append(make_exchange("beside", outcome="complete", tokens=Tokens(input=1_000, output=100)))
    assert panel.budgets()[1].spent == 1_100


def test_local_weights_are_named_by_their_digest() -> None:
    digest = "ab" * 32
    with OllamaStandIn(None, stored=(StoredModel("qwen3:8b", digest, 5_000_000_000),)) as server:
        seat = SeatSettings(
            provider="ollama", model="qwen3:8b", prompt="seat_kimi", base_url=f"{server.root_url}/v1"
        )
        panel, _ = opened(seat)
    (voter,) = panel.voters
    assert isinstance(voter, ModelSeat)
    assert not isinstance(voter._endpoint, str)
    assert voter._endpoint.digest == digest


def test_a_local_server_that_is_away_does_not_keep_the_desk_from_opening() -> None:
    seat = SeatSettings(
        provider="ollama", model="qwen3:8b", prompt="seat_kimi", base_url="http://127.0.0.1:9/v1"
    )
    panel, _ = opened(seat, BrainSettings(model="qwen3:8b", base_url="http://127.0.0.1:9/v1"))
    assert panel.brain is not None


LOCAL = SeatSettings(provider="ollama", model="qwen3:8b", prompt="seat_kimi")
QWEN = StoredModel("qwen3:8b", "ab" * 32, 5_000_000_000, capabilities=("completion", "tools"))


@pytest.mark.parametrize("ending", ["", "/"])
def test_what_the_server_declares_is_known_to_the_brain_and_on_record(ending: str) -> None:
    with OllamaStandIn(None, stored=(QWEN,)) as server:
        brain = BrainSettings(model="qwen3:8b", base_url=f"{server.base_url}{ending}")
        panel, journal = opened(LOCAL, brain, ollama_host=server.root_url)
    assert isinstance(panel.brain, FormulaBrain)
    assert not isinstance(panel.brain._endpoint, str)
    assert panel.brain._endpoint.declared == ("completion", "tools")
    assert panel.brain._endpoint.digest == "ab" * 32
    looked_up = [(each.role, each.seat, each.path, each.outcome) for each in journal.find_all(Exchange)]
    assert looked_up == [
        ("probe", seat, path, "complete") for seat in ("kimi", "brain") for path in ("/api/tags", "/api/show")
    ]


def test_a_server_that_is_away_is_on_record_and_declares_nothing() -> None:
    panel, journal = opened(LOCAL, BrainSettings(model="qwen3:8b"), ollama_host="127.0.0.1:9")
    assert isinstance(panel.brain, FormulaBrain)
    assert not isinstance(panel.brain._endpoint, str)
    assert panel.brain._endpoint.declared is None
    assert [each.outcome for each in journal.find_all(Exchange)] == ["unreachable", "unreachable"]


def test_looking_up_a_model_is_not_counted_as_spent_at_the_next_start() -> None:
    journal = MemoryJournal(clock=lambda: datetime.now(UTC))
    with OllamaStandIn(None, stored=(QWEN,)) as server:
        opened(LOCAL, journal=journal, ollama_host=server.root_url)
        panel, _ = opened(LOCAL, journal=journal, ollama_host=server.root_url)
    assert len(journal.find_all(Exchange)) == 4
    assert [budget.spent for budget in panel.budgets()] == [0, 0]


@pytest.mark.parametrize(
    ("role", "is_what_if", "is_of_the_cycle"),
    [("seat", False, True), ("what_if", False, False), ("seat", True, False), ("what_if", True, False)],
)
def test_a_counterfactual_and_its_cycle_count_for_one_day_and_not_for_each_other(
    role: str, *, is_what_if: bool, is_of_the_cycle: bool
) -> None:
    journal = MemoryJournal(clock=lambda: datetime.now(UTC))
    tokens = {"tokens": Tokens(input=900, output=50), "cost_usd": Decimal("0.001"), "status": 200}
    exchange = Exchange.model_validate(
        {
            **dict.fromkeys(("model_digest", "prompt_sha", "request")),
            "cycle_id": CALLER.cycle_id,
            "role": role,
            "seat": "kimi",
            "ordinal": 0,
            "provider": "moonshot",
            "model": "kimi-k2.6",
            "method": "POST",
            "path": "/v1/chat/completions",
            "outcome": "complete",
            **tokens,
        }
    )
    journal.append(exchange, cycle_id=exchange.cycle_id)
    budget = BudgetSettings(tokens_per_cycle=1_000)
    spending = open_spending(budget, journal, OverlayBlobStore(), is_what_if=is_what_if)
    caller = Caller(CALLER.cycle_id, "what_if" if is_what_if else "seat", "kimi", "moonshot", "kimi-k2.6")
    why = spending.why_not(caller, 100, 0)
    assert (why is not None and "tokens_per_cycle" in why) is is_of_the_cycle
    assert [each.spent for each in spending.budgets()] == [Decimal("0.001"), Decimal(950)]
