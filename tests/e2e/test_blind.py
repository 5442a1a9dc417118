"""A blind desk on the bundled hours: in no byte that a model is sent stands a symbol, a date or a price."""

import json
import re
from pathlib import Path

import pytest

from agents.dossier import plain
from contracts.records import Ballot, FormulaReport, FormulaView, MarketSnapshot
from memory.reader import JournalReader
from tests.desk.command_line import dualbrain
from tests.desk.what_if_scene import SEATS, at, configure, vote
from tests.servers.answers import Completion, ToolCall
from tests.servers.scripted import Request, ScriptedServer

DAY = ("--from", "2017-02-15T06:00", "--to", "2017-02-16T18:00")
"""Positions are held, closed and told as past calls."""
SECRETS = re.compile(r"EUR|USD|2017|\d\d:\d\d|February", re.IGNORECASE)
VIEW = {"side": "BUY", "supporting": [], "opposing": [], "reasoning": "The evidence agrees."}
CALLS = ("atr", "ewma_volatility", "alpha101_101", "linear_regression_slope")


def _brain(request: Request) -> Completion:
    """Looks for tools, reads a formula, calls some, and has a view; at `loop` it picks one and has a view."""
    messages = request.at("messages")
    assert isinstance(messages, list)
    if request.at("tools") is None:
        is_pick = b'"timeframe"' in request.body and b"Asked for since" not in request.body
        picked = {"tool": "atr", "timeframe": "1h"} if is_pick else VIEW
        return Completion(json.dumps(picked))
    if len(messages) == 2:
        calls = [
            ToolCall("call_tool", json.dumps({"name": name, "timeframe": "1h"}), f"c{name}") for name in CALLS
        ]
        looks = [
            ToolCall("find_tool", '{"query": "volatility price level"}', "f"),
            ToolCall("read_tool", '{"name": "alpha101_101"}', "r"),
            ToolCall("call_tool", '{"name": "atr", "timeframe": "2h"}', "wrong"),
        ]
        return Completion(tool_calls=(*looks, *calls))
    return Completion(tool_calls=(ToolCall("view", json.dumps(VIEW), "v"),))


@pytest.mark.parametrize("ability", ["tools", "loop"])
def test_no_request_of_a_blind_desk_tells_symbol_date_or_level(tmp_path: Path, ability: str) -> None:
    with ScriptedServer() as server:
        server.always(vote())
        server.always(_brain, model="brain")
        brain = f'[brain]\n{at(server, "brain")}\nability = "{ability}"\n[budget]\nunpriced = "count_tokens"'
        configure(tmp_path, dict.fromkeys(SEATS, at(server)), brain)
        opened = ("--set", "gate.brief=1e-9", "--set", "gate.vote=1e-9", "--set", "blind=true")
        said = dualbrain(tmp_path, "run", "--brains", "dual", *DAY, *opened)
    assert said.code == 0, said.err
    journal = JournalReader(tmp_path / "d" / "journal.db")
    views, ballots = journal.find_all(FormulaView), journal.find_all(Ballot)
    reports = journal.find_all(FormulaReport)
    rows = [row for made in (*(r.evidence for r in reports), *(v.called for v in views)) for row in made]
    prices = {plain(row.value) for row in rows if row.value is not None and row.unit == "price"}
    prices |= {plain(quote.bid) for seen in journal.find_all(MarketSnapshot) if (quote := seen.quote)}
    journal.close()
    assert {view.abstained for view in views} == {None}
    assert any(view.called for view in views)
    assert {ballot.answer for ballot in ballots} == {"APPROVE"}
    told = [_without_money(request.body.decode()) for request in server.requests]
    assert any("Your newest calls" in body for body in told)
    assert not {match.group() for body in told for match in SECRETS.finditer(body)}
    numbers = {number for body in told for number in re.findall(r"(?<![\d.])\d+\.\d+", body)}
    assert len(prices) > 100
    # What is small, such as a distance, some other number may equal by chance.
    assert not {price for price in prices if float(price) > 1} & numbers
    replayed = json.loads(dualbrain(tmp_path, "replay", "--all", "--json").out)
    assert replayed["verdicts"]["identical"] == replayed["n_cycles"] > 30


def _without_money(body: str) -> str:
    """The account's own currency may be told."""
    return re.sub(r"Account in USD|[\d.]+ USD\b", "", body)
