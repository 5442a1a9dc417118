"""The panel as it is opened: who sits, what the record will say of local weights, what was spent before."""

from pydantic import SecretStr

from agents.formula_brain import BarsOf
from agents.panel import Panel, open_panel
from agents.seat import ModelSeat
from agents.settings import BrainSettings, BudgetSettings, PanelSettings, SeatSettings
from memory.scratch import MemoryJournal, OverlayBlobStore
from tests.agents.seat_scene import case_of
from tests.servers.answers import Completion
from tests.servers.ollama_stand_in import OllamaStandIn, StoredModel
from tests.servers.scripted import ScriptedServer
from tests.tools.risk_scene import proposal


def opened(seat: SeatSettings, brain: BrainSettings | None = None) -> tuple[Panel, MemoryJournal]:
    journal = MemoryJournal()
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
