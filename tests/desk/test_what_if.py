"""`dualbrain replay --set ... --ask`: only what is not on record is asked, after its cost was said."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest

from agents.settings import BudgetSettings
from contracts.records import Budget
from desk.commands.asking import Estimate
from desk.settings import load_settings
from desk.wiring import open_desk
from memory.lease import DeskLease
from tests.conftest import ROOT
from tests.desk.command_line import dualbrain
from tests.desk.what_if_scene import (
    MORNING,
    REJECTION,
    SEATS,
    Home,
    at,
    configure,
    moved,
    vote,
    voted_once,
)
from tests.servers.answers import Silence
from tests.servers.scripted import ScriptedServer

PROMPT = "---\nrole: seat\nversion: 1\ninputs:\noutput: Ballot\n---\n{}\n"


@pytest.fixture(scope="module")
def voted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("voted")
    voted_once(folder)
    return folder


@pytest.fixture
def home(voted: Path, tmp_path: Path) -> Home:
    shutil.copytree(voted, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.fixture
def other(scripted: ScriptedServer) -> ScriptedServer:
    """A server that rejects."""
    scripted.always(REJECTION)
    return scripted


def test_another_model_is_asked_once_and_told_beside_what_was(home: Home, other: ScriptedServer) -> None:
    said = home.ask(*moved(other, "kimi"))
    assert said.code == 0, said.err
    assert [request.model for request in other.requests] == ["new"]
    words = " ".join(said.out.split())
    assert "openai-compatible new 1" in words
    assert "was old APPROVE, confidence 0.7, size at most 100.00 %: The trend agrees. now new" in words
    assert "now new REJECT, confidence 0.4: The trend speaks against it." in words
    assert "Really" not in said.out.partition("stage")[0]
    assert "asked: 1 requests, 1,100 tokens" in said.out
    home.assert_sound_and_identical()


def test_asked_again_it_is_answered_from_the_record(home: Home) -> None:
    with ScriptedServer() as server:
        server.always(REJECTION)
        first = home.told(*moved(server, "kimi"))
    again = home.told(*moved(server, "kimi"))
    assert (first["estimate"]["n_requests"], again["estimate"]["n_requests"]) == (1, 0)
    assert "spent" not in again
    assert again["asked"] == first["asked"]
    assert again["differences"] == first["differences"]
    assert len(home.what_ifs) == 1
    free = home.what_if(*moved(server, "kimi"))
    assert "every answer" not in free.out
    assert "now  new" in free.out


def test_without_ask_nothing_is_sent_or_written_and_the_way_to_ask_is_told(
    home: Home, other: ScriptedServer
) -> None:
    before = home.files
    said = home.what_if(*moved(other, "kimi"))
    assert said.code == 0
    assert "past the record: expected request 0 of kimi" in said.out
    assert "--ask would ask" in " ".join(said.out.split())
    assert home.files == before
    assert other.requests == []


def test_without_a_terminal_it_needs_yes_and_prints_the_estimate_first(
    home: Home, other: ScriptedServer
) -> None:
    before = home.files
    said = home.what_if(*moved(other, "kimi"), *moved(other, "minimax"), more=("--ask", "--json"))
    assert (said.code, "--yes" in said.error) == (2, True)
    estimate = json.loads(said.out)["estimate"]
    (model,) = estimate["models"]
    assert (model["provider"], model["model"]) == ("openai-compatible", "new")
    assert (model["seats"], model["n_requests"]) == (["kimi", "minimax"], 2)
    assert (model["tokens_out_at_most"], model["usd_at_most"]) == (2_400, None)
    assert model["tokens_in"] > 1_000
    assert estimate["left_today"]["usd_per_day"] == "1"
    assert home.files == before
    assert other.requests == []


@pytest.mark.parametrize(("typed", "n"), [("y", 1), ("n", 0), ("", 0)])
def test_at_a_terminal_a_person_is_asked(
    home: Home, other: ScriptedServer, monkeypatch: pytest.MonkeyPatch, typed: str, n: int
) -> None:
    from rich.console import Console

    monkeypatch.setattr("desk.commands.asking.is_person_there", lambda: True)
    monkeypatch.setattr(Console, "input", lambda _self, *_args, **_more: typed)
    said = home.what_if(*moved(other, "kimi"), more=("--ask",))
    assert said.code == 0
    assert len(other.requests) == n
    assert ("nothing was asked" in said.out) is (n == 0)


def test_what_is_asked_stands_apart_in_the_story_and_counts_for_the_day(
    home: Home, other: ScriptedServer
) -> None:
    listed = dualbrain(home.folder, "audit", "ls", "--json").out
    left = home.told("consensus.rule=two-model")["estimate"]["left_today"]
    home.ask(*moved(other, "kimi"))
    (asked,) = home.what_ifs
    story = dualbrain(home.folder, "audit", "show", home.cycle).out
    before, _, after = story.partition("what if")
    assert asked.record_id[:12] in after
    assert asked.record_id[:12] not in before
    assert before.partition("asked ")[2].count("complete") == len(SEATS)
    assert dualbrain(home.folder, "audit", "ls", "--json").out == listed
    now = home.told("consensus.rule=two-model")["estimate"]["left_today"]
    assert int(left["tokens_per_day"]) - int(now["tokens_per_day"]) == 1_100


def test_another_consensus_rule_asks_nobody(home: Home, other: ScriptedServer) -> None:
    before = home.files
    said = home.what_if("consensus.rule=two-model", more=("--ask",))
    assert said.code == 0, said.err
    assert "every answer is on record: nothing to ask" in said.out
    assert "would have differed from stage consensus on" in said.out
    assert home.files == before
    assert other.requests == []


def test_a_seat_left_out_asks_the_others_who_are_told_how_many_sit(home: Home, other: ScriptedServer) -> None:
    other.always(vote(confidence=90))
    two = ('panel.seats=["kimi","deepseek"]', *moved(other, "kimi", "old"), *moved(other, "deepseek", "old"))
    told = home.told(*two)
    assert [mind["seat"] for mind in told["asked"]] == ["deepseek", "kimi"]
    assert all(b"one of 2 independent" in request.body for request in other.requests)
    changed = {(d["ordinal"], d["path"]) for d in told["differences"] if d["stage"] == "vote"}
    # Each with itself: deepseek sat first and kimi second, minimax is gone.
    assert changed == {
        *((n, path) for n in (0, 1) for path in ("confidence", "exchange", "prompt_sha")),
        (2, ""),
    }


def test_a_budget_of_nothing_refuses_before_the_first_byte(home: Home, other: ScriptedServer) -> None:
    before = home.files
    said = home.ask(*moved(other, "kimi"), "budget.tokens_per_day=0")
    assert said.code == 2
    assert "tokens_per_day within its cap of 0" in said.error
    assert "1 of them would not be sent: expected tokens_per_day" in said.out
    assert home.files == before
    assert other.requests == []


def test_a_halted_desk_asks_nothing(home: Home, other: ScriptedServer) -> None:
    dualbrain(home.folder, "halt", "--reason", "enough")
    said = home.ask(*moved(other, "kimi"))
    assert (said.code, "the desk is halted" in said.error) == (2, True)
    assert other.requests == []


def test_a_missing_key_is_told_in_the_estimate(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOONSHOT_API_KEY", raising=False)
    kimi = ("seats.kimi.provider=moonshot", "seats.kimi.model=kimi-k3", "seats.kimi.base_url=null")
    said = home.what_if(*kimi, more=("--ask", "--yes", "--json"))
    assert (said.code, "no key: set MOONSHOT_API_KEY" in said.error) == (2, True)
    (model,) = json.loads(said.out)["estimate"]["models"]
    # At the 3 and 15 dollars a million tokens of the catalogue.
    assert float(model["usd_at_most"]) == pytest.approx((3 * model["tokens_in"] + 15 * 1_200) / 1e6)


def test_a_seat_without_a_key_abstains_and_the_others_are_asked(
    home: Home, other: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MOONSHOT_API_KEY", raising=False)
    kimi = ("seats.kimi.provider=moonshot", *moved(other, "kimi", "kimi-k3"))
    told = home.told(*kimi, *moved(other, "minimax"))
    assert told["estimate"]["refused"][0]["n_requests"] == 1
    abstained = {mind["seat"]: mind["now"]["abstained"] for mind in told["asked"]}
    assert abstained["kimi"].startswith("no key: set MOONSHOT_API_KEY")
    assert abstained["minimax"] is None
    assert [request.model for request in other.requests] == ["new"]


def test_what_the_budget_stops_half_way_is_asked_when_there_is_more(
    home: Home, other: ScriptedServer
) -> None:
    both = (*moved(other, "kimi"), *moved(other, "minimax"))
    told = home.told(*both, "budget.tokens_per_cycle=4000")
    now = [mind["now"]["abstained"] or "" for mind in told["asked"]]
    assert sorted("tokens_per_cycle" in why for why in now) == [False, True]
    assert len(other.requests) == 1
    assert home.told(*both)["estimate"]["n_requests"] == 1
    assert len(other.requests) == 2
    assert [exchange.outcome for exchange in home.what_ifs].count("complete") == 2


def test_a_server_that_is_away_is_an_abstention_and_asked_again_next_time(home: Home) -> None:
    gone = ("seats.kimi.model=new", "seats.kimi.base_url=http://127.0.0.1:9/v1")
    told = home.told(*gone)
    assert "connection" in told["asked"][0]["now"]["abstained"]
    assert home.told(*gone)["estimate"]["n_requests"] == 1
    home.assert_sound_and_identical()


def test_a_prompt_of_ones_own_is_read_and_an_edited_one_is_another(home: Home, other: ScriptedServer) -> None:
    mine = home.folder / "my_kimi.md"
    mine.write_text(PROMPT.format("Judge as a sceptic would."), encoding="utf-8")
    change = ("seats.kimi.prompt=./my_kimi.md", *moved(other, "kimi", "old"))
    home.told(*change)
    mine.write_text(PROMPT.format("Judge as an optimist would."), encoding="utf-8")
    home.told(*change)
    assert [b"sceptic" in request.body for request in other.requests] == [True, False]
    assert len({exchange.prompt_sha for exchange in home.what_ifs}) == 2
    mine.unlink()
    said = home.ask(*change)
    assert (said.code, "my_kimi.md" in said.error) == (2, True)


def test_another_mode_asks_brain_and_panel_of_a_cycle_that_had_none(
    tmp_path: Path, other: ScriptedServer
) -> None:
    moment = ("--from", "2017-02-15T10:00", "--to", "2017-02-15T10:00")
    configure(tmp_path, dict.fromkeys(SEATS, at(other)), '[budget]\nunpriced = "count_tokens"')
    assert dualbrain(tmp_path, "run", "--brains", "technical", *moment).code == 0
    brain = (f"brain.base_url={other.base_url}", "brain.provider=openai-compatible", "brain.model=reader")
    changes = ("mode=dual", "gate.brief=1e-9", "gate.vote=1e-9", *brain, "brain.ability=single")
    pairs = [word for change in changes for word in ("--set", change)]
    said = dualbrain(tmp_path, "replay", "--all", *pairs, "--ask", "--yes", "--json")
    assert said.code == 0, said.err
    told = json.loads(said.out)
    assert {each["model"]: each["seats"] for each in told["estimate"]["models"]} == {
        "old": list(SEATS),
        "reader": ["brain"],
    }
    assert {"reader", "old"} == {request.model for request in other.requests}
    (cycle,) = told["differing"]
    assert [mind["seat"] for mind in cycle["asked"]] == ["brain", *SEATS]
    assert cycle["first_stage"] == "gate"
    Home(tmp_path).assert_sound_and_identical()


def test_a_gate_that_would_have_opened_wider_asks_the_panel(tmp_path: Path, other: ScriptedServer) -> None:
    moment = ("--from", "2017-02-15T10:00", "--to", "2017-02-15T10:00")
    configure(tmp_path, dict.fromkeys(SEATS, at(other)), '[budget]\nunpriced = "count_tokens"')
    gate = ("--set", "gate.brief=1e-9", "--set", "gate.vote=99")
    assert dualbrain(tmp_path, "run", "--brains", "dual", *moment, *gate).code == 0
    assert other.requests == []
    said = dualbrain(tmp_path, "replay", "--all", "--set", "gate.vote=1e-9", "--ask", "--yes", "--json")
    assert said.code == 0, said.err
    (cycle,) = json.loads(said.out)["differing"]
    assert [mind["seat"] for mind in cycle["asked"]] == list(SEATS)
    # The brain that had no model says again that there is none.
    assert [d["path"] for d in cycle["differences"] if d["stage"] == "formula_brain"] == ["level"]


def test_over_all_cycles_it_counts_changed_decisions_and_what_was_spent(
    home: Home, other: ScriptedServer
) -> None:
    pairs = [word for change in moved(other, "kimi") for word in ("--set", change)]
    said = dualbrain(home.folder, "replay", "--all", *pairs, "--ask", "--yes")
    assert said.code == 0, said.err
    words = " ".join(said.out.split())
    assert "decisions other in 1 cycles" in words
    assert "1 traded -> stood aside" in words
    assert "asked: 1 requests" in words


def test_a_runner_at_work_on_the_same_journal_goes_on(home: Home, other: ScriptedServer) -> None:
    window = {"feed.replay.start": "2017-01-04T09:00Z", "feed.replay.end": "2017-01-04T10:00Z"}
    settings = load_settings({**window, "mode": "technical"}, where=home.folder)
    with open_desk(settings, command="test", home=home.folder) as runner:
        assert home.ask(*moved(other, "kimi")).code == 0
        runner.finish("the test ended")
    assert len(home.what_ifs) == 1
    assert dualbrain(home.folder, "run", *MORNING, "--brains", "technical").code == 0
    home.assert_sound_and_identical()


def test_two_do_not_ask_at_once(home: Home, other: ScriptedServer) -> None:
    with DeskLease(home.folder / "d" / "what_if", "another"):
        said = home.ask(*moved(other, "kimi"))
    assert said.code == 3
    assert other.requests == []


@pytest.mark.slow
def test_killed_half_way_the_journal_is_sound_and_only_the_rest_is_asked(
    home: Home, scripted: ScriptedServer
) -> None:
    changes = (*moved(scripted, "kimi", "quick"), *moved(scripted, "minimax", "stuck"))
    scripted.always(REJECTION, "quick")
    scripted.script(Silence("stall"), model="stuck")
    words = [word for change in changes for word in ("--set", change)]
    command = [sys.executable, "-m", "desk.main", "replay", home.cycle, *words, "--ask", "--yes"]
    env = os.environ | {"DUALBRAIN_HOME": str(home.folder), "PYTHONPATH": str(ROOT)}
    asking = subprocess.Popen(command, cwd=home.folder, env=env, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (home.what_ifs and len(scripted.requests) == 2):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    asking.send_signal(signal.SIGKILL)
    asking.communicate()
    home.assert_sound_and_identical()
    scripted.always(REJECTION, "stuck")
    told = home.told(*changes)
    assert [model["model"] for model in told["estimate"]["models"]] == ["stuck"]
    assert [request.model for request in scripted.requests].count("quick") == 1
    home.assert_sound_and_identical()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--all", "--ask"), "--ask with a --set"),
        (("--all", "--set", "consensus.rule=two-model", "--yes"), "--yes with --ask"),
        (("--all", "--set", "seats.kimi.nothing=1"), "seats.kimi.nothing"),
        (("--all", "--set", 'panel.seats=["nobody"]'), "nobody"),
        (("--all", "--set", "seats.kimi.prompt=nowhere.md", "--ask"), "nowhere.md"),
        (("--all", "--set", "seats.kimi.provider=nobody", "--ask"), "nobody"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(home: Home, arguments: tuple[str, ...], words: str) -> None:
    said = dualbrain(home.folder, "replay", *arguments)
    assert (said.code, words in said.error) == (2, True), said.err


@pytest.mark.parametrize(
    ("provider", "model", "variable", "verdict"),
    [
        # Nothing is known of this one that would change a request.
        ("together", "moonshotai/Kimi-K3", "TOGETHER_API_KEY", "identical"),
        # Its request leaves out the temperature and says that it must not think.
        ("moonshot", "kimi-k2.6", "MOONSHOT_API_KEY", "drifted"),
    ],
)
def test_a_cycle_replays_after_its_model_has_left_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider: str, model: str, variable: str, verdict: str
) -> None:
    from agents import providers

    monkeypatch.setenv(variable, "sk-test")
    with ScriptedServer() as server:
        server.always(vote())
        seats = dict.fromkeys(SEATS, at(server, model, provider))
        configure(tmp_path, seats, "[budget]\nusd_per_day = 1\nusd_per_cycle = 1")
        assert dualbrain(tmp_path, "run", *MORNING).code == 0
    assert len(server.requests) == len(SEATS)
    left = {name: each for name, each in providers.providers().items() if name != provider}
    monkeypatch.setattr(providers, "_catalogue", lambda: left)
    told = json.loads(dualbrain(tmp_path, "replay", Home(tmp_path).cycle, "--json").out)
    assert told["verdict"] == verdict
    if verdict == "drifted":
        assert "on record, found another one" in told["past_the_record"]
        assert f"quirks may be unknown: expected a provider, found '{provider}'" in told["past_the_record"]


def test_a_brain_where_none_was_set_is_not_answered_by_the_view_that_there_was_none(tmp_path: Path) -> None:
    opened = ("--set", "gate.brief=1e-9", "--set", "gate.vote=1e-9", "--desk", "d")
    at_ten = ("--from", "2017-02-15T10:00", "--to", "2017-02-15T10:00", "--once", "--json")
    said = dualbrain(tmp_path, "run", "--brains", "dual", *at_ten, *opened)
    (decided,) = json.loads(said.out)["decided"]
    assert decided["formula_brain"]["abstained"] == "no formula brain is set; name a model under brain"
    again = (
        "replay",
        decided["cycle_id"],
        "--desk",
        "d",
        "--json",
        "--set",
        "brain.provider=openai-compatible",
    )
    replayed = json.loads(dualbrain(tmp_path, *again, "--set", "brain.model=some").out)
    assert "request 0 of brain on record" in replayed["past_the_record"]


def test_of_a_cap_that_is_passed_nothing_is_left() -> None:
    cap = Budget(name="usd_per_day", cap=Decimal(1), spent=Decimal("1.25"))
    assert Estimate((), (cap,), BudgetSettings()).as_json()["left_today"] == {"usd_per_day": "0"}
