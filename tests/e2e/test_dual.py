"""The whole desk with models: a brain and three seats on a real small one, and with nobody there at all.

The model proves the plumbing (a real server, real tokens, real streams), never judgement.
"""

import json
import socket
from pathlib import Path

import httpx2
import langsmith
import langsmith.utils
import pytest

from contracts.exchange import Exchange
from contracts.records import Ballot, Decision, FormulaView
from memory.blobs import FileBlobStore
from memory.reader import JournalReader
from tests.desk.command_line import Said, dualbrain
from tests.servers.answers import Completion
from tests.servers.local_model import LocalModel
from tests.servers.ollama_stand_in import OllamaStandIn, StoredModel
from tests.servers.scripted import ScriptedServer

MOMENT = ("--from", "2017-02-15T10:00", "--to", "2017-02-15T10:00", "--once")
OPEN_GATE = ("--set", "gate.brief=1e-9", "--set", "gate.vote=1e-9")


def configure(folder: Path, base_url: str, model: str, *, seconds: float = 200) -> None:
    """Three seats and a brain on one server, which has no price."""
    where = f'provider = "openai-compatible"\nmodel = "{model}"\nbase_url = "{base_url}"\n'
    seats = "".join(
        f"[seats.{name}]\n{where}timeout_s = {seconds}\n" for name in ("kimi", "deepseek", "minimax")
    )
    (folder / "dualbrain.toml").write_text(
        f"[panel]\ndeadline_s = {seconds}\n"
        '[budget]\nunpriced = "count_tokens"\n'
        f'[brain]\n{where}ability = "loop"\nmax_calls = 1\ndeadline_s = {seconds}\n{seats}'
    )


def run_once(folder: Path) -> Said:
    """One decision in dual mode with the gate held open."""
    return dualbrain(folder, "run", "--brains", "dual", *MOMENT, *OPEN_GATE, "--desk", "d")


def journal_of(folder: Path) -> JournalReader:
    return JournalReader(folder / "d" / "journal.db")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_dual_decision_on_a_real_model_is_on_record_and_replays_with_the_network_cut(
    tmp_path: Path, local_model: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path, local_model.base_url, local_model.model)
    said = run_once(tmp_path)
    assert said.code == 0, said.err
    # Everybody was heard while speaking, and what came of it is told.
    spoke = {line.partition(":")[0] for line in said.err.splitlines()}
    assert {"brain", "kimi", "deepseek", "minimax"} <= spoke
    assert "of 3 seats for it" in said.out
    journal = journal_of(tmp_path)
    (view,) = journal.find_all(FormulaView)
    ballots = journal.find_all(Ballot)
    (decision,) = journal.find_all(Decision)
    exchanges = {exchange.record_id: exchange for exchange in journal.find_all(Exchange)}
    journal.close()
    assert view.level == "vote"
    assert set(view.exchanges) <= exchanges.keys()
    assert [ballot.seat for ballot in sorted(ballots, key=lambda b: b.ordinal)] == [
        "deepseek",
        "kimi",
        "minimax",
    ]
    assert any(ballot.answer != "ABSTAIN" for ballot in ballots), [ballot.abstained for ballot in ballots]
    assert all(ballot.exchange in exchanges for ballot in ballots)
    assert (decision.n_seats, decision.n_valid) == (3, sum(b.answer != "ABSTAIN" for b in ballots))
    answered = [exchange for exchange in exchanges.values() if exchange.outcome == "complete"]
    assert answered
    assert all(exchange.tokens is not None for exchange in answered)

    async def cut(*_: object) -> httpx2.Response:
        raise AssertionError("a replay must not ask")

    monkeypatch.setattr(httpx2.AsyncHTTPTransport, "handle_async_request", cut)
    replayed = dualbrain(tmp_path, "replay", "--all", "--desk", "d", "--json")
    assert replayed.code == 0, replayed.out
    assert json.loads(replayed.out)["verdicts"]["identical"] == 1
    assert dualbrain(tmp_path, "audit", "verify", "--desk", "d").code == 0


def test_with_no_server_at_all_the_desk_stands_aside_and_says_why(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        configure(tmp_path, f"http://127.0.0.1:{taken.getsockname()[1]}/v1", "nobody", seconds=5)
        said = run_once(tmp_path)
    assert said.code == 0, said.err
    assert "no quorum" in said.out
    assert said.out.count("abstains: the connection failed") == 3
    journal = journal_of(tmp_path)
    (view,) = journal.find_all(FormulaView)
    ballots = journal.find_all(Ballot)
    journal.close()
    assert "connection" in (view.abstained or "")
    assert [ballot.answer for ballot in ballots] == ["ABSTAIN"] * 3
    assert all("connection" in (ballot.abstained or "") for ballot in ballots)
    replayed = dualbrain(tmp_path, "replay", "--all", "--desk", "d", "--json")
    assert (replayed.code, json.loads(replayed.out)["verdicts"]["identical"]) == (0, 1)


def test_one_decision_for_a_script_is_the_reading_the_ballots_and_the_decision(tmp_path: Path) -> None:
    said = dualbrain(tmp_path, "run", "--brains", "dual", *MOMENT, *OPEN_GATE, "--desk", "d", "--json")
    (decided,) = json.loads(said.out)["decided"]
    reading = decided["formula_brain"]
    assert decided["instrument_id"] == "EURUSD"
    assert reading["rsi"] == pytest.approx(41.0, abs=20)
    assert reading["signal_strength"] > 0
    assert set(reading["signals"]) >= {"rsi_centred", "percent_b_centred"}
    assert {"har_rv_forecast", "vpin", "kyle_lambda"} <= reading["missing"].keys()
    assert all(reading[name] is None for name in reading["missing"])
    assert reading["abstained"] == "no formula brain is set; name a model under brain"
    assert [ballot["answer"] for ballot in decided["ballots"]] == ["ABSTAIN"] * 3
    assert decided["decision"]["size_fraction"] == 0


def test_a_brain_at_ollama_is_asked_as_the_server_declares_and_replays_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dualbrain.toml").write_text(
        '[brain]\nmodel = "qwen3:4b"\n[panel]\nseats = ["local"]\n'
        '[seats.local]\nprovider = "ollama"\nmodel = "qwen3:4b"\nprompt = "seat_kimi"\n'
    )
    declared = StoredModel("qwen3:4b", "a" * 64, 1, capabilities=("completion", "tools"))
    with OllamaStandIn(stored=(declared,)) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.root_url)
        said = run_once(tmp_path)
    assert said.code == 0, said.err
    journal, blobs = journal_of(tmp_path), FileBlobStore(tmp_path / "d" / "blobs")
    exchanges = journal.find_all(Exchange)
    (view,) = journal.find_all(FormulaView)
    journal.close()
    assert "no model behind it" in (view.abstained or "")
    asked = {role: [each for each in exchanges if each.role == role] for role in ("probe", "brain", "seat")}
    assert [each.path for each in asked["probe"]] == ["/api/tags", "/api/show"] * 2
    assert {each.model_digest for role in ("brain", "seat") for each in asked[role]} == {"a" * 64}
    assert "tools" in json.loads(blobs.get(asked["brain"][0].request or ""))
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    replayed = dualbrain(tmp_path, "replay", "--all", "--desk", "d", "--json")
    assert (replayed.code, json.loads(replayed.out)["verdicts"]["identical"]) == (0, 1)
    assert dualbrain(tmp_path, "audit", "verify", "--desk", "d").code == 0


def test_an_inherited_wish_to_be_traced_reaches_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(langsmith.Client, "create_run", lambda *_, **__: told.append("run"))
    monkeypatch.setattr(langsmith.Client, "multipart_ingest", lambda *_, **__: told.append("ingest"))
    for name in ("LANGCHAIN_TRACING_V2", "LANGSMITH_TRACING"):
        monkeypatch.setenv(name, "true")
    monkeypatch.setenv("LANGSMITH_API_KEY", "ls-nobody")
    vars(langsmith.utils)["get_env_var"].cache_clear()
    with ScriptedServer() as server:
        server.always(Completion("no vote"))
        configure(tmp_path, server.base_url, "m")
        assert run_once(tmp_path).code == 0
        assert server.requests
    assert told == []
    assert not langsmith.utils.tracing_is_enabled()


def test_without_keys_every_seat_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("MOONSHOT_API_KEY", "DEEPSEEK_API_KEY", "MINIMAX_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    said = run_once(tmp_path)
    assert said.code == 0, said.err
    journal = journal_of(tmp_path)
    told = {ballot.seat: ballot.abstained or "" for ballot in journal.find_all(Ballot)}
    journal.close()
    assert told.keys() == {"kimi", "deepseek", "minimax"}
    assert told["kimi"].startswith("no key: set MOONSHOT_API_KEY; ")
    assert all("https://" in why for why in told.values())
