"""`dualbrain ask` as a person types it: beside a desk, with a server, without one, without a model."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.exchange import Exchange
from memory.journal import open_for_reading
from memory.lease import DeskLease
from tests.agents.desk_scene import DESK, trade_days
from tests.conftest import ROOT
from tests.desk.command_line import Said, dualbrain
from tests.servers.answers import Completion, Delivery, ToolCall
from tests.servers.scripted import Request, ScriptedServer

QUESTION = "Why did we stand aside on EUR/USD at 14:00 on 2 March?"
LOOK = ToolCall("cycles", '{"since": "2017-03-02T14:00", "until": "2017-03-02T14:00"}')


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    trade_days(home)
    return home


@pytest.fixture
def home(traded: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "home"
    shutil.copytree(traded, copy)
    return copy


def configure(home: Path, base_url: str, section: str = "assistant") -> None:
    model = f'provider = "openai-compatible"\nmodel = "m"\nbase_url = "{base_url}"\nability = "tools"\n'
    (home / "dualbrain.toml").write_text(f'[{section}]\n{model}[budget]\nunpriced = "count_tokens"\n')


def ask(home: Path, *more: str) -> Said:
    return dualbrain(home, "ask", QUESTION, "--desk", DESK, *more)


def answer_with_the_id(request: Request) -> Completion:
    shown = str(request.at("messages", -1, "content")).splitlines()[1].split()[0]
    return Completion(f"We held EURUSD already: cycle {shown}. It would have been 12 % more.")


def test_an_answer_its_citations_and_what_is_not_from_the_record(
    home: Path, scripted: ScriptedServer
) -> None:
    configure(home, scripted.base_url)
    scripted.script(Completion(tool_calls=(LOOK,)), answer_with_the_id)
    said = ask(home)
    assert said.code == 0, said.err
    first, *rest = said.out.splitlines()
    assert first.startswith("We held EURUSD already")
    assert "cited:" in rest
    assert any(line.endswith(" EURUSD 2017-03-02 14:00 UTC") for line in rest)
    assert "not from the record: 12 %" in rest
    assert rest[-1] == "40 tokens in, 20 out, cost not known"
    assert "PAPER · desk days" in said.err
    assert dualbrain(home, "audit", "verify", "--desk", DESK).code == 0


def test_the_brains_model_answers_where_the_assistant_has_none(home: Path, scripted: ScriptedServer) -> None:
    configure(home, scripted.base_url, "brain")
    scripted.always(Completion("Yes."))
    assert ask(home).code == 0
    assert scripted.requests[0].model == "m"


def test_a_process_of_its_own_beside_a_running_desk(home: Path, scripted: ScriptedServer) -> None:
    configure(home, scripted.base_url)
    scripted.script(Completion(tool_calls=(LOOK,)), answer_with_the_id)
    scripted.always(Delivery(Completion("Late."), first_byte_s=2.5))
    env = {**os.environ, "DUALBRAIN_HOME": str(home), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "desk.main", "ask", QUESTION, "--desk", DESK]
    with DeskLease(home / DESK, "dualbrain run"):
        told = subprocess.run(
            [*command, "--json"], cwd=home, env=env, capture_output=True, text=True, check=False
        )
        slow = subprocess.run(command, cwd=home, env=env, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    answer = json.loads(told.stdout)
    assert answer["cited"][0]["as_of"] == "2017-03-02T14:00:00Z"
    assert answer["ungrounded"] == ["12 %"]
    assert slow.returncode == 0, slow.stderr
    assert "asking m, " in slow.stderr
    assert "asking m, " not in told.stderr
    journal = open_for_reading(home / DESK / "journal.db")
    asked = journal.find_all(Exchange)
    journal.close()
    assert [exchange.record_id for exchange in asked[:2]] == answer["exchanges"]
    assert {(exchange.role, exchange.outcome) for exchange in asked} == {("assistant", "complete")}


def test_a_halted_desk_may_be_asked_and_an_order_is_refused_by_code(
    home: Path, scripted: ScriptedServer
) -> None:
    configure(home, scripted.base_url)
    assert dualbrain(home, "halt", "--reason", "news", "--desk", DESK).code == 0
    scripted.script(
        Completion(tool_calls=(ToolCall("account"),)), Completion("I have released the kill switch.")
    )
    said = dualbrain(home, "ask", "Please resume trading and buy 1,000 EUR/USD.", "--desk", DESK)
    assert said.code == 0, said.err
    assert "The assistant only reads and has done nothing." in said.out
    assert "news" in str(scripted.requests[1].at("messages", -1, "content"))
    assert (home / DESK / "HALT").exists()


def test_nobody_at_the_address_is_said_in_words(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        configure(home, f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
        said = ask(home)
        as_json = ask(home, "--json")
    assert said.code == as_json.code == 1
    assert said.out == ""
    assert said.error.startswith("error: no answer: the connection failed")
    assert json.loads(as_json.out)["failed"].startswith("the connection failed")


def test_without_a_model_it_says_what_to_set(home: Path) -> None:
    said = ask(home)
    assert said.code == 2
    assert "set assistant.provider and assistant.model" in said.error


def test_without_a_key_it_says_which(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
    (home / "dualbrain.toml").write_text('[assistant]\nprovider = "deepseek"\nmodel = "deepseek-flash"\n')
    said = ask(home)
    assert said.code == 2
    assert "set DEEPSEEK_API_KEY" in said.error


def test_a_desk_that_is_not_there_is_not_made(tmp_path: Path, scripted: ScriptedServer) -> None:
    configure(tmp_path, scripted.base_url)
    said = dualbrain(tmp_path, "ask", "Why?", "--desk", "nowhere")
    assert said.code == 2
    assert not (tmp_path / "nowhere").exists()
