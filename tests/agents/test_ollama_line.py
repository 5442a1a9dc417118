"""The `ollama` client on record: what it asked and was told, and the same told again with nobody there."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import httpx
import ollama
import pytest
from pydantic import BaseModel, Field

from agents.exchanges import Caller
from agents.local_models import list_models, model_capabilities, model_digest, pull_model, show_model
from agents.ollama_line import OllamaPlayback, OllamaRecorder
from contracts.errors import JournalUnavailable, NotOnRecord, SettingsError
from contracts.exchange import Exchange, Tokens
from contracts.ports import JournalRow
from memory.scratch import MemoryJournal, OverlayBlobStore
from tests.servers.answers import Delivery, Reply, Silence, Step, Stream
from tests.servers.fixtures import local_model, ollama_stand_in, scripted
from tests.servers.local_model import LocalModel
from tests.servers.ollama_stand_in import OllamaStandIn, StoredModel
from tests.servers.scripted import ScriptedServer

__all__ = ["local_model", "ollama_stand_in", "scripted"]

CALLER = Caller(None, "probe", "brain", "ollama", "qwen3:4b")
SMALL = StoredModel("qwen3:4b", "a" * 64, 2_500_000_000, family="qwen3", capabilities=("completion", "tools"))
OTHER = StoredModel("llama3.2:latest", "b" * 64, 2_000_000_000)
NOBODY = "127.0.0.1:9"


@dataclass
class Record:
    """What was written, and clients over it."""

    caller: Caller = CALLER
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    blobs: OverlayBlobStore = field(default_factory=OverlayBlobStore)

    def recorder(self) -> OllamaRecorder:
        return OllamaRecorder(self.caller, self.journal, self.blobs)

    def playback(self) -> OllamaPlayback:
        return OllamaPlayback(self.blobs, self.exchanges)

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        return self.journal.find_all(Exchange)

    @property
    def only(self) -> Exchange:
        (exchange,) = self.exchanges
        return exchange

    def bodies(self, exchange: Exchange) -> tuple[bytes, bytes]:
        assert exchange.request is not None
        assert exchange.response is not None
        return self.blobs.get(exchange.request), self.blobs.get(exchange.response)


@pytest.fixture
def record() -> Record:
    return Record()


def words(transport: httpx.BaseTransport, host: str = NOBODY, timeout_s: float = 0.3) -> str:
    """Why the models cannot be listed."""
    with pytest.raises(SettingsError) as refused:
        list_models(host, timeout_s, transport)
    return str(refused.value)


# On record and again


def test_what_a_server_holds_and_declares_is_on_record_and_told_again_without_it(record: Record) -> None:
    with OllamaStandIn(stored=(SMALL, OTHER)) as server:
        host, recorder = server.root_url, record.recorder()
        was = (list_models(host, transport=recorder), show_model(host, "qwen3:4b", transport=recorder))
    playback = record.playback()
    assert (list_models(host, transport=playback), show_model(host, "qwen3:4b", transport=playback)) == was
    assert was[1].capabilities == ("completion", "tools")
    asked = [(each.ordinal, each.method, each.path, each.outcome) for each in record.exchanges]
    assert asked == [
        (0, "GET", "/api/tags", "complete"),
        (1, "GET", "/api/tags", "complete"),
        (2, "POST", "/api/show", "complete"),
    ]
    shown = record.exchanges[2]
    assert (shown.cycle_id, shown.role, shown.seat, shown.model) == (None, "probe", "brain", "qwen3:4b")
    assert (shown.status, shown.content_type, shown.tokens) == (200, "application/json", None)
    request, response = record.bodies(shown)
    assert b"qwen3:4b" in request
    assert b'"capabilities": ["completion", "tools"]' in response
    assert all(row.latency_ms is not None for row in record.journal.rows() if row.kind == "Exchange")


def test_a_pull_is_told_again_step_by_step(record: Record) -> None:
    with OllamaStandIn(library=(OTHER,)) as server:
        was = list(pull_model(server.root_url, "llama3.2", lambda: None, record.recorder()))
    assert was[-1].status == "success"
    assert list(pull_model(NOBODY, "llama3.2", lambda: None, record.playback())) == was
    assert (record.only.outcome, record.bodies(record.only)[1].count(b"\n")) == ("complete", len(was))


def test_parts_are_handed_on_before_the_answer_ends(scripted: ScriptedServer, record: Record) -> None:
    lines = (b'{"status": "pulling manifest"}\n', b'{"status": "success"}\n')
    scripted.always(Delivery(Stream(lines, is_done=False), cut_after=len(lines[0]), then="stall"))
    steps = pull_model(scripted.root_url, "any", lambda: None, record.recorder())
    assert next(steps).status == "pulling manifest"
    assert record.exchanges == ()
    del steps
    assert (record.only.outcome, record.only.error) == ("cut", "the client left before the end")
    assert record.bodies(record.only)[1] == lines[0]


def test_of_equal_requests_each_has_its_own_answer_in_their_order(record: Record) -> None:
    with OllamaStandIn(stored=(SMALL,), library=(OTHER,)) as server:
        host, recorder = server.root_url, record.recorder()
        before = list_models(host, transport=recorder)
        list(pull_model(host, "llama3.2", lambda: None, recorder))
        after = list_models(host, transport=recorder)
    playback = record.playback()
    assert (len(before), len(after)) == (1, 2)
    assert list_models(NOBODY, transport=playback) == before
    assert list_models(NOBODY, transport=playback) == after
    with pytest.raises(NotOnRecord, match="GET /api/tags with this body on record 3 times, found fewer"):
        list_models(NOBODY, transport=playback)


def test_what_was_not_asked_is_not_on_record(record: Record) -> None:
    with OllamaStandIn(stored=(SMALL, OTHER)) as server:
        assert model_capabilities(server.root_url, "qwen3:4b", transport=record.recorder()) is not None
    with pytest.raises(NotOnRecord, match="POST /api/show"):
        model_capabilities(NOBODY, "llama3.2", transport=record.playback())


# Failures


@pytest.mark.parametrize(
    ("step", "outcome", "said"),
    [
        (Silence("stall"), "timeout", "found silence"),
        (Delivery(Reply(body=b'{"models": []}'), cut_after=4), "cut", "found it broken off"),
        (Delivery(Reply(body=b'{"models": []}'), cut_after=4, then="stall"), "timeout", "found silence"),
        (Reply(500, b'{"error": "out of memory"}'), "complete", "out of memory"),
        (Reply(body=b"<html>"), "complete", "found something else"),
    ],
)
def test_a_failure_is_on_record_and_fails_again_in_the_same_words(
    scripted: ScriptedServer, record: Record, step: Step, outcome: str, said: str
) -> None:
    scripted.always(step)
    was = words(record.recorder(), scripted.root_url)
    assert said in was
    assert record.only.outcome == outcome
    assert words(record.playback(), scripted.root_url) == was


def test_a_server_that_is_away_is_on_record_as_unreachable(record: Record) -> None:
    was = words(record.recorder())
    assert (record.only.outcome, record.only.status, record.only.response) == ("unreachable", None, None)
    assert record.only.error
    assert words(record.playback()) == was
    assert model_digest(NOBODY, "qwen3:4b", transport=record.playback()) is None


def test_a_call_that_nobody_takes_is_no_silence_of_a_server(
    monkeypatch: pytest.MonkeyPatch, record: Record
) -> None:
    def nobody(*_: object) -> httpx.Response:
        raise httpx.ConnectTimeout("timed out")

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", nobody)
    was = words(record.recorder())
    assert "expected an Ollama server at http://127.0.0.1:9, found none" in was
    assert record.only.outcome == "unreachable"
    assert words(record.playback()) == was


def test_an_answer_that_nobody_reads_is_on_record(scripted: ScriptedServer, record: Record) -> None:
    scripted.always(Reply(body=b'{"models": []}'))
    with httpx.Client(transport=record.recorder()) as client, client.stream("GET", scripted.root_url):
        pass
    assert (record.only.outcome, record.only.status) == ("cut", 200)


def test_a_pull_that_breaks_off_is_told_again_as_far_as_it_came(
    scripted: ScriptedServer, record: Record
) -> None:
    lines = (b'{"status": "pulling manifest"}\n', b'{"status": "success"}\n')
    scripted.always(Delivery(Stream(lines, is_done=False), cut_after=len(lines[0])))
    for transport in (record.recorder, record.playback):
        steps = pull_model(scripted.root_url, "any", lambda: None, transport())
        assert next(steps).status == "pulling manifest"
        with pytest.raises(SettingsError, match="found it broken off"):
            next(steps)
    assert record.only.outcome == "cut"


def test_a_long_pull_goes_on_past_what_is_kept_of_it() -> None:
    record = Record(replace(CALLER, max_answer_bytes=150))
    with OllamaStandIn(library=(OTHER,)) as server:
        steps = list(pull_model(server.root_url, "llama3.2", lambda: None, record.recorder()))
    assert steps[-1].status == "success"
    assert (record.only.outcome, len(record.bodies(record.only)[1])) == ("cut", 150)
    assert record.only.error.startswith("the first 150 of ")
    again = pull_model(NOBODY, "llama3.2", lambda: None, record.playback())
    assert next(again) == steps[0]
    with pytest.raises(SettingsError, match="the first 150 of "):
        list(again)


def test_an_answer_that_cannot_be_written_down_is_not_acted_on() -> None:
    class Full(MemoryJournal):
        def append(self, *_: object, **__: object) -> JournalRow:
            raise JournalUnavailable("the disk is full")

    with (
        OllamaStandIn(stored=(SMALL,)) as server,
        pytest.raises(JournalUnavailable, match="the disk is full"),
    ):
        model_digest(server.root_url, "qwen3:4b", transport=Record(journal=Full()).recorder())


# Keys


class Witness(httpx.BaseTransport):
    """Sees what would be sent."""

    def __init__(self) -> None:
        self.keys: list[str | None] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers.get("authorization"))
        return httpx.Response(200, json={"models": []})


@pytest.mark.parametrize(
    ("host", "is_sent"),
    [("http://gpu-box", False), ("http://10.0.0.7:11434", False), ("https://box", True), (NOBODY, True)],
)
def test_the_clients_own_key_goes_to_no_other_machine_in_the_open(
    monkeypatch: pytest.MonkeyPatch, host: str, is_sent: bool
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "sk-secret")
    witness = Witness()
    list_models(host, transport=witness)
    assert witness.keys == ["Bearer sk-secret" if is_sent else None]


def test_no_key_is_on_record(monkeypatch: pytest.MonkeyPatch, record: Record) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "sk-secret")
    with OllamaStandIn(stored=(SMALL,)) as server:
        model_capabilities(server.root_url, "qwen3:4b", transport=record.recorder())
    stored = [record.only.canonical, *record.bodies(record.only)]
    assert not any(b"sk-secret" in data for data in stored)


def test_a_key_that_a_server_repeats_is_not_on_record(
    monkeypatch: pytest.MonkeyPatch, record: Record
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "sk-secret-of-mine")
    with ScriptedServer() as server:
        server.always(Reply(401, b'{"error": "no such key: sk-secret-of-mine"}'))
        with pytest.raises(SettingsError):
            list_models(server.base_url.removesuffix("/v1"), transport=record.recorder())
    (body,) = [body for body in record.bodies(record.only) if body]
    assert body == b'{"error": "no such key: ********"}'


# Chat, which the desk asks for elsewhere


class Vote(BaseModel):
    answer: str = Field(max_length=20)
    confidence: int = Field(ge=0, le=100)


@pytest.fixture(params=["stand-in", *(["ollama"] if os.environ.get("OLLAMA_HOST") else [])])
def served(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """A server and a model that chats: the stand-in's small one, and a true Ollama's where one is named."""
    if request.param == "stand-in":
        local: LocalModel = request.getfixturevalue("local_model")
        server: OllamaStandIn = request.getfixturevalue("ollama_stand_in")
        yield server.root_url, local.model
        return
    host = os.environ["OLLAMA_HOST"]
    missing = "needs OLLAMA_HOST to name an Ollama server at 127.0.0.1 that holds a model which chats"
    try:
        held = sorted(list_models(host, 2), key=lambda info: info.size_bytes)
    except SettingsError as error:
        pytest.skip(f"{missing}: {error}")
    chatting = [info.name for info in held if "completion" in (model_capabilities(host, info.name, 5) or ())]
    if not chatting:
        pytest.skip(missing)
    yield host, chatting[0]


@pytest.mark.slow
def test_a_chat_with_a_format_is_told_again_whole_and_streamed(
    served: tuple[str, str], record: Record
) -> None:
    host, model = served

    def ask(transport: httpx.BaseTransport) -> list[ollama.ChatResponse]:
        with ollama.Client(host, transport=transport, trust_env=False, timeout=300) as client:
            question = [{"role": "user", "content": "RSI is 71 and falling. Vote, with a confidence."}]
            form, options = Vote.model_json_schema(), {"temperature": 0, "num_predict": 200}
            whole = client.chat(model, question, format=form, options=options)
            return [whole, *client.chat(model, question, format=form, options=options, stream=True)]

    was = ask(record.recorder())
    assert len(was) > 5
    assert 0 <= Vote.model_validate_json(was[0].message.content or "").confidence <= 100
    assert ask(record.playback()) == was
    for exchange, end in zip(record.exchanges, (was[0], was[-1]), strict=True):
        assert (exchange.path, exchange.outcome) == ("/api/chat", "complete")
        assert exchange.tokens == Tokens(input=end.prompt_eval_count or 0, output=end.eval_count or 0)


@pytest.mark.slow
def test_a_model_that_chats_declares_it_and_is_told_again(served: tuple[str, str], record: Record) -> None:
    host, model = served
    was = show_model(host, model, transport=record.recorder())
    assert "completion" in was.capabilities
    assert show_model(host, model, transport=record.playback()) == was
