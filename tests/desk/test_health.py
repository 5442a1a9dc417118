"""Whether runner, feed, broker, journal and models answer, of real desks: what is in trouble says so."""

import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from contracts.errors import DataUnavailable, JournalUnavailable
from contracts.market import Quote
from contracts.ports import AccountState
from desk.terminal.health import Around, health
from desk.terminal.own_desk import Seen
from memory.journal import open_for_reading
from tests.desk.command_line import dualbrain
from tests.desk.watch_scene import OPEN, SATURDAY, column, fed, line, raw, trade, wait_for, watched
from tests.desk.what_if_scene import SEATS, at, configure
from tests.servers.answers import error
from tests.servers.scripted import ScriptedServer

pytestmark = pytest.mark.slow


def test_a_broker_that_does_not_answer_is_told_in_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_broker: object) -> AccountState:
        raise DataUnavailable("expected the venue, found nobody")

    with fed(tmp_path) as own:
        monkeypatch.setattr("markets.paper.PaperBroker.account", away)
        time.sleep(0.4)
        watch = own.watch()
    broker = line(watch, "broker")
    assert broker.state == "bad"
    assert broker.words.endswith("expected the venue, found nobody")
    assert "-287,436 short" in watch.positions.rows[0]


@pytest.mark.parametrize(
    ("quoted", "hours", "state"),
    [("2017-01-04T12:00Z", 2, "good"), ("2017-01-04T12:00Z", 3, "bad"), ("2017-01-06T22:00Z", 40, "good")],
    ids=["two bars", "three bars", "over a weekend"],
)
def test_a_feed_that_stands_still_while_the_market_is_open_is_bad(
    short: Path, quoted: str, hours: int, state: str
) -> None:
    at, journal = datetime.fromisoformat(quoted), open_for_reading(short / "d" / "journal.db")
    quotes = {"EURUSD": Quote(bid=1.1, ask=1.1002, at=at)}
    seen = Seen(at + timedelta(hours=hours), at, 1, None, "", quotes, (), ())
    around = Around(runner="me", is_own=True, has_failed=False, halted_by=None)
    lines = health(journal, short / "d" / "journal.db", around, seen, quotes, (), at.date())
    journal.close()
    feed = next(each for each in lines if each.name == "feed replay")
    assert feed.state == state
    assert ("spread 2 pips, " in feed.words, " old by the desk's clock" in feed.words) == (True, True)


def test_a_desk_that_broke_off_is_told_from_its_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_session: object) -> None:
        raise JournalUnavailable("expected room on the disk, found none")

    with fed(tmp_path) as own:
        monkeypatch.setattr("graphs.session.Session.hear_answers", full)
        wait_for(own, "stopped")
        watch = own.watch()
    assert line(watch, "runner").state == "bad"
    assert line(watch, "runner").words.endswith("expected room on the disk, found none")
    assert line(watch, "broker").state == "unknown"


def test_a_halted_desk_says_why(tmp_path: Path) -> None:
    trade(tmp_path, SATURDAY)
    assert dualbrain(tmp_path, "halt", "--desk", "d", "--reason", "news").code == 0
    watch = watched(trade(tmp_path, OPEN))
    switch = line(watch, "kill switch")
    assert switch.state == "bad"
    assert "news" in switch.words
    assert watch.orders.rows == ()
    assert dict(watch.account)["equity"] == "100,000.00 USD"


def test_models_that_fail_are_told_with_the_newest_failure(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        server.always(error(503, "overloaded, try later"))
        configure(tmp_path, dict.fromkeys(SEATS, at(server)), '[budget]\nunpriced = "count_tokens"')
        said = dualbrain(tmp_path, "run", *OPEN[:3], "2017-01-04T10:00")
    assert said.code == 0, said.err
    watch, exchanges = watched(tmp_path), raw(tmp_path, "Exchange")
    failing = line(watch, "openai-compatible old")
    assert (failing.state, len(exchanges) >= 3) == ("bad", True)
    assert failing.words == f"0 of the newest {min(len(exchanges), 20)} answered; newest failure: status 503"
    assert column(watch.models, "answered") == ["0"]
    assert column(watch.seats, "abstained") == ["1"] * 3
