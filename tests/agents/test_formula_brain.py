"""The formula brain at each of its abilities: what it may reach, what goes on record, how it fails."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pydantic import SecretStr

from agents.abstention import no_view
from agents.budget import Spending
from agents.chat import Endpoint
from agents.formula_brain import LISTED, BarsOf, FormulaBrain
from agents.providers import Quirk
from agents.settings import BrainSettings, BudgetSettings
from agents.traffic import LiveTraffic, RecordedTraffic
from agents.workbench import Workbench
from contracts.errors import NotOnRecord, ToolInputError
from contracts.exchange import Exchange
from contracts.market import Side, Timeframe
from contracts.records import FormulaView
from memory.scratch import MemoryJournal, OverlayBlobStore
from tests.agents.seat_scene import _MODEL, _PRICE, KEY, case_of
from tests.servers.answers import Completion, Delivery, Reply, Step, ToolCall
from tests.servers.scripted import ScriptedServer
from tests.tools.price_paths import random_bars
from tests.tools.risk_scene import gate
from tools.registry import get_tool

CASE = case_of()
DAY = date(2024, 3, 6)
BARS = {Timeframe.H1: random_bars(1, 600), Timeframe.H4: random_bars(2, 600)}
VIEW = {
    "reasoning": "RSI at 58.3 leans up, and ATR is ordinary.",
    "supporting": ["rsi"],
    "opposing": ["atr"],
    "side": "BUY",
}


def view_text(**changes: Any) -> str:
    return json.dumps(VIEW | changes)


def calls(*asked: ToolCall) -> Completion:
    return Completion(tool_calls=asked)


class Scene:
    """A brain at a scripted server, and its replay."""

    def __init__(self, server: ScriptedServer, **settings: Any) -> None:
        self.journal, self.blobs = MemoryJournal(), OverlayBlobStore()
        self._settings = BrainSettings.model_validate(
            {"provider": "openai-compatible", "model": "kimi-k2", "base_url": server.base_url} | settings
        )
        self.endpoint = Endpoint("openai-compatible", _MODEL, server.base_url, SecretStr(KEY))
        spending = Spending(BudgetSettings(), lambda *_: _PRICE, lambda: DAY)
        self.traffic = LiveTraffic(self.journal, self.blobs, spending)

    async def read(self) -> FormulaView:
        view = await self._brain(self.traffic).read(CASE)
        await self.traffic.aclose()
        return view

    async def read_again(self) -> FormulaView:
        """From the record, with nobody to ask."""
        return await self._brain(RecordedTraffic(self.blobs, self.exchanges)).read(CASE)

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        return self.journal.find_all(Exchange)

    def _brain(self, traffic: LiveTraffic | RecordedTraffic) -> FormulaBrain:
        bars = BarsOf(lambda _snapshot: BARS, lambda _snapshot: ())
        return FormulaBrain(self._settings, self.endpoint, traffic, bars)


async def test_one_answer_over_the_evidence_is_a_view(scripted: ScriptedServer) -> None:
    scripted.always(Completion(view_text()))
    scene = Scene(scripted, ability="single")
    view = await scene.read()
    assert view.abstained is None, view
    assert (view.side, view.supporting, view.opposing) == (Side.BUY, ("rsi",), ("atr",))
    assert (view.called, view.ungrounded, view.level) == ((), (), "vote")
    assert view.exchanges == tuple(exchange.record_id for exchange in scene.exchanges)
    (request,) = scripted.requests
    assert request.at("response_format", "type") == "json_schema"
    assert KEY not in str(request.body)
    assert (await scene.read_again()).record_id == view.record_id


async def test_requests_obey_the_endpoint_and_tell_nothing_of_this_machine(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-somebody")
    scripted.always(Completion(view_text()))
    scene = Scene(scripted, ability="single", temperature=0.0)
    quirks = (Quirk.TEMPERATURE_ABOVE_ZERO, Quirk.THINKS_UNLESS_DISABLED)
    scene.endpoint = replace(scene.endpoint, model=_MODEL.model_copy(update={"quirks": quirks}))
    await scene.read()
    (request,) = scripted.requests
    assert request.at("temperature") == 0.01
    assert request.at("thinking", "type") == "disabled"
    assert request.at("max_tokens") == 1_200
    assert "org-somebody" not in str(request.headers)


async def test_a_model_with_tools_finds_reads_and_calls_one_and_cites_it(scripted: ScriptedServer) -> None:
    scripted.script(
        calls(ToolCall("find_tool", '{"query": "volatility range"}', "a")),
        calls(ToolCall("read_tool", '{"name": "parkinson_volatility"}', "b")),
        calls(
            ToolCall("call_tool", '{"name": "parkinson_volatility", "timeframe": "4h"}', "c"),
            ToolCall("call_tool", '{"name": "rsi", "timeframe": "1h", "parameters": {"period": 7.0}}', "d"),
        ),
        calls(ToolCall("view", view_text(supporting=["rsi", "rsi.2"]), "e")),
    )
    scene = Scene(scripted, ability="tools")
    view = await scene.read()
    assert view.abstained is None, view.abstained
    assert [e.evidence_id for e in view.called] == ["parkinson_volatility.1", "rsi.2"]
    assert [str(e.timeframe) for e in view.called] == ["4h", "1h"]
    assert view.called[1].value == pytest.approx(get_tool("rsi").call(BARS[Timeframe.H1], period=7).value)
    assert view.supporting == ("rsi", "rsi.2")
    told = str(scripted.requests[1].at("messages", -1, "content"))
    assert "parkinson_volatility" in told
    assert "From " in str(scripted.requests[2].at("messages", -1, "content"))
    assert len(scripted.requests[0].body) < 20_000, "the registry does not go into a prompt"
    assert (await scene.read_again()).record_id == view.record_id


async def test_a_call_that_does_not_fit_is_sent_back_with_what_would(scripted: ScriptedServer) -> None:
    scripted.script(
        calls(ToolCall("call_tool", '{"name": "rsi", "timeframe": "1h", "parameters": {"period": 0}}', "a")),
        calls(ToolCall("view", view_text(), "b")),
    )
    view = await Scene(scripted, ability="tools").read()
    assert view.abstained is None, view.abstained
    assert "from 2 to 1000" in str(scripted.requests[1].at("messages", -1, "content"))
    assert view.called == ()


async def test_fifty_calls_at_once_end_at_the_limit_of_calls(scripted: ScriptedServer) -> None:
    scripted.always(calls(*(ToolCall("find_tool", '{"query": "trend"}', f"c{i}") for i in range(50))))
    scene = Scene(scripted, ability="tools")
    view = await scene.read()
    assert "tool_calls_limit" in (view.abstained or "")
    assert len(scripted.requests) == 1
    assert (await scene.read_again()).record_id == view.record_id


async def test_a_model_that_never_answers_ends_at_the_limit_of_requests(scripted: ScriptedServer) -> None:
    scripted.always(calls(ToolCall("find_tool", '{"query": "trend"}', "a")))
    scene = Scene(scripted, ability="tools", max_requests=3)
    view = await scene.read()
    assert "request_limit" in (view.abstained or "")
    assert len(scripted.requests) == 3
    assert (await scene.read_again()).record_id == view.record_id


async def test_a_model_without_tools_picks_one_at_a_time(scripted: ScriptedServer) -> None:
    picked = LISTED[0]
    scripted.script(
        Completion(json.dumps({"tool": picked, "timeframe": "4h"})),
        Completion(json.dumps({"tool": "finish", "timeframe": "1h"})),
        Completion(view_text(supporting=[f"{picked}.1"])),
    )
    scene = Scene(scripted, ability="loop")
    view = await scene.read()
    assert view.abstained is None, view.abstained
    assert [e.evidence_id for e in view.called] == [f"{picked}.1"] == list(view.supporting)
    assert f"{picked}.1: " in str(scripted.requests[1].at("messages", -1, "content"))
    assert (await scene.read_again()).record_id == view.record_id


@pytest.mark.parametrize(
    "step",
    [
        json.dumps({"tool": "submit_order", "timeframe": "1h"}),
        json.dumps({"tool": LISTED[0], "timeframe": "2h"}),
        "I would like the ATR, please.",
        "",
    ],
)
async def test_a_model_that_cannot_pick_answers_over_the_report(scripted: ScriptedServer, step: str) -> None:
    scripted.script(Completion(step), Completion(view_text()))
    view = await Scene(scripted, ability="loop").read()
    assert view.abstained is None, view.abstained
    assert view.called == ()


async def test_a_pick_is_held_to_the_tools_and_timeframes_there_are_and_may_name_a_period(
    scripted: ScriptedServer,
) -> None:
    scripted.script(
        Completion(json.dumps({"tool": "rsi", "timeframe": "1h", "period": 9})),
        # A tool that has no period keeps to its own parameters.
        Completion(json.dumps({"tool": "macd_histogram", "timeframe": "1h", "period": 9})),
        Completion(json.dumps({"tool": "finish", "timeframe": "1h", "period": None})),
        Completion(view_text(supporting=["rsi.1"], opposing=["macd_histogram.2"])),
    )
    scene = Scene(scripted, ability="loop", max_calls=3)
    view = await scene.read()
    assert view.abstained is None, view.abstained
    bench = Workbench(CASE, BARS, (), 9)
    assert view.called[0].value == bench.call("rsi", "1h", {"period": 9}).value
    assert view.called[1].value == bench.call("macd_histogram", "1h", {}).value
    schema = ("response_format", "json_schema", "schema", "properties")
    first, last = scripted.requests[0], scripted.requests[-1]
    assert first.at(*schema, "tool", "enum") == [*LISTED, "finish"]
    assert first.at(*schema, "timeframe", "enum") == ["1h", "4h"]
    assert last.at(*schema, "supporting", "items", "enum") == ["rsi", "atr", "rsi.1", "macd_histogram.2"]


async def test_a_model_that_picks_the_same_again_is_not_asked_for_ever(scripted: ScriptedServer) -> None:
    again = Completion(json.dumps({"tool": LISTED[0], "timeframe": "1h"}))
    scripted.script(again, again, Completion(view_text()))
    view = await Scene(scripted, ability="loop").read()
    assert len(view.called) == 1


@pytest.mark.parametrize(
    ("declared", "catalogue", "calls_tools"),
    [
        (("completion", "tools"), "no", True),
        (("completion",), "yes", False),
        (None, "yes", True),
        (None, "unknown", False),
    ],
)
async def test_the_servers_word_beats_the_catalogues_and_a_replay_needs_neither(
    scripted: ScriptedServer, declared: tuple[str, ...] | None, catalogue: str, calls_tools: bool
) -> None:
    if calls_tools:
        scripted.script(calls(ToolCall("view", view_text(), "a")))
    else:
        scripted.script(
            Completion(json.dumps({"tool": "finish", "timeframe": "1h"})), Completion(view_text())
        )
    scene = Scene(scripted)
    says = _MODEL.model_copy(update={"tools": catalogue})
    scene.endpoint = replace(scene.endpoint, model=says, declared=declared)
    view = await scene.read()
    assert view.abstained is None, view.abstained
    assert (scripted.requests[0].at("tools") is not None) == calls_tools
    for word in ("yes", "no"):
        scene.endpoint = replace(scene.endpoint, model=_MODEL.model_copy(update={"tools": word}))
        for now in (None, (), ("tools",)):
            scene.endpoint = replace(scene.endpoint, declared=now)
            assert (await scene.read_again()).record_id == view.record_id


async def test_a_brain_that_was_not_asked_is_replayed_at_the_ability_it_had(scripted: ScriptedServer) -> None:
    scene = Scene(scripted)
    spent = Spending(BudgetSettings.model_validate({"usd_per_day": "0"}), lambda *_: _PRICE, lambda: DAY)
    scene.traffic = LiveTraffic(scene.journal, scene.blobs, spent)
    views = []
    for declared in (("tools",), ("completion",)):
        scene.endpoint = replace(scene.endpoint, declared=declared)
        views.append(await scene.read())
        scene.endpoint = replace(scene.endpoint, declared=None)
        assert (await scene.read_again()).record_id == views[0].record_id
    assert views[0] == views[1], "after a crash the cycle goes on as it began"


async def test_an_id_that_does_not_exist_makes_no_view(scripted: ScriptedServer) -> None:
    scripted.always(Completion(view_text(supporting=["rsi", "moon_phase"])))
    single = Scene(scripted, ability="single")
    view = await single.read()
    assert view.abstained == "no answer that counts: supporting: 1: Input should be 'rsi' or 'atr'"
    assert (await single.read_again()).record_id == view.record_id
    # What a model with tools may cite is not known before it has called them.
    scripted.always(
        Completion(tool_calls=(ToolCall("view", view_text(supporting=["rsi", "moon_phase"]), "c1"),))
    )
    calling = Scene(scripted, ability="tools")
    view = await calling.read()
    assert view.abstained == "expected ids of the evidence, found moon_phase"
    assert (await calling.read_again()).record_id == view.record_id


@pytest.mark.parametrize("ability", ["single", "tools"])
async def test_a_replay_that_would_ask_something_else_says_so_and_abstains_nothing(
    scripted: ScriptedServer, ability: str
) -> None:
    scripted.always(Completion(view_text()))
    scene = Scene(scripted, ability="single" if ability == "tools" else "tools")
    await scene.read()
    other = Scene(scripted, ability=ability)
    other.journal, other.blobs = scene.journal, scene.blobs
    with pytest.raises(NotOnRecord):
        await other.read_again()


async def test_evidence_that_speaks_for_and_against_is_no_reading(scripted: ScriptedServer) -> None:
    scripted.always(Completion(view_text(supporting=["rsi", "atr"], opposing=["atr"])))
    scene = Scene(scripted, ability="single")
    view = await scene.read()
    assert view.abstained == "expected each id for or against, found as both atr"
    assert (await scene.read_again()).record_id == view.record_id


async def test_a_number_nobody_measured_is_marked(scripted: ScriptedServer) -> None:
    scripted.always(Completion(view_text(reasoning="RSI at 71.9 is stretched.")))
    view = await Scene(scripted, ability="single").read()
    assert view.ungrounded == ("71.9",)


@pytest.mark.parametrize(
    "answer",
    ["", "BUY, clearly.", "{}", view_text(side="HOLD"), view_text(reasoning=""), view_text()[:-9]],
)
async def test_what_is_no_answer_is_an_abstention_and_no_side(scripted: ScriptedServer, answer: str) -> None:
    scripted.always(Completion(answer))
    scene = Scene(scripted, ability="single")
    view = await scene.read()
    assert view.side is None
    assert view.abstained
    assert (await scene.read_again()).record_id == view.record_id


BAD_PERIOD = ToolCall("call_tool", '{"name": "rsi", "timeframe": "1h", "parameters": {"period": NaN}}')
WORDS: dict[str, tuple[Step, str, str]] = {
    "refusal": (Completion(refusal="I cannot help"), "single", "Refusal: 'I cannot help'"),
    "error under 200": (
        Reply(body=b'{"error": {"code": 402, "message": "pay up"}}'),
        "single",
        "an error in place of an answer: pay up",
    ),
    "error that MiniMax sends": (
        Reply(body=b'{"base_resp": {"status_code": 1008, "status_msg": "no money"}}'),
        "single",
        "an error in place of an answer: no money",
    ),
    "wrong fields": (Completion('{"side": "BUY"}'), "single", "reasoning: Field required; supporting: Field"),
    "unknown tool": (calls(ToolCall("submit_order")), "tools", "Unknown tool name: 'submit_order'"),
    "no number for a tool": (calls(BAD_PERIOD), "tools", "from 2 to 1000, found nan"),
}


@pytest.mark.parametrize(("step", "ability", "why"), WORDS.values(), ids=WORDS)
async def test_the_reason_tells_what_the_model_did_and_not_how_often_it_was_asked(
    scripted: ScriptedServer, step: Step, ability: str, why: str
) -> None:
    scripted.always(step)
    scene = Scene(scripted, ability=ability)
    view = await scene.read()
    assert why in (view.abstained or "")
    assert "Consider" not in (view.abstained or "")
    assert (await scene.read_again()).record_id == view.record_id


async def test_the_budget_is_asked_before_every_request(scripted: ScriptedServer) -> None:
    scripted.always(Completion(view_text()))
    scene = Scene(scripted, ability="single")
    spent = Spending(BudgetSettings.model_validate({"usd_per_day": "0"}), lambda *_: _PRICE, lambda: DAY)
    scene.traffic = LiveTraffic(scene.journal, scene.blobs, spent)
    view = await scene.read()
    assert "usd_per_day" in (view.abstained or "")
    assert scripted.requests == []
    assert (await scene.read_again()).record_id == view.record_id


async def test_no_view_by_the_deadline_is_an_abstention(scripted: ScriptedServer) -> None:
    scripted.always(Delivery(Completion(view_text()), first_byte_s=1.0))
    scene = Scene(scripted, ability="single", deadline_s=0.1)
    view = await scene.read()
    assert view.abstained == "no view by the deadline of 0.1 s"
    assert (await scene.read_again()).record_id == view.record_id


# the workbench


def bench(max_calls: int = 3) -> Workbench:
    return Workbench(CASE, BARS, (), max_calls)


def test_a_tool_is_found_by_words_of_its_name_and_purpose() -> None:
    found = bench().find("parkinson volatility")
    assert found[0].startswith("parkinson_volatility (")
    assert len(found) <= 8
    assert bench().find("xyzzy") == []


def test_a_formula_is_read_with_its_text() -> None:
    assert "text: open / delay(close, 1) - 1" in bench().read("alpha191_015")


def test_the_same_call_is_answered_once_and_calls_are_counted() -> None:
    on = bench(max_calls=2)
    first = on.call("rsi", "1h", {})
    assert on.call("rsi", "1h", {}) is first
    on.call("rsi", "4h", {})
    with pytest.raises(ToolInputError, match="at most 2 calls"):
        on.call("atr", "1h", {})
    assert len(on.called) == 2
    assert on.call("rsi", "1h", {}) is first


@pytest.mark.parametrize(
    ("name", "timeframe", "parameters", "says"),
    [
        ("moon_phase", "1h", {}, "expected the name of a tool"),
        ("rsi", "2h", {}, "expected a timeframe among 1h, 4h"),
        ("rsi", "1h", {"period": 1}, "from 2 to 1000"),
        ("rsi", "1h", {"length": 5}, "among period"),
    ],
)
def test_a_call_that_does_not_fit_says_what_would(
    name: str, timeframe: str, parameters: dict[str, float], says: str
) -> None:
    with pytest.raises(ToolInputError, match=says):
        bench().call(name, timeframe, parameters)


def test_a_missing_value_is_evidence_with_its_reason() -> None:
    short = Workbench(CASE, {Timeframe.H1: BARS[Timeframe.H1][:5]}, (), 3)
    found = short.call("rsi", "1h", {})
    assert (found.value, found.reason) == (None, "needs 15 bars, has 5")


def test_a_brief_case_makes_a_view_that_ends_the_cycle() -> None:
    brief = replace(CASE, gate=gate().model_copy(update={"level": "brief"}))
    view = no_view(brief, "nobody there")
    assert view.ends_cycle
    assert [reason.code for reason in view.reasons] == ["only_read"]
    assert not no_view(CASE, "nobody there").ends_cycle
    assert view.parents == (brief.report.record_id, brief.gate.record_id)
