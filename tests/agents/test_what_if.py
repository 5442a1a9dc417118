"""Lines of a counterfactual: the cycle's own record first, then earlier what-ifs, then the model."""

from contextlib import suppress
from dataclasses import replace

import httpx2
import pytest

from agents.chat import Endpoint
from agents.endpoints import endpoint_on_record
from agents.exchanges import LATE, Caller
from agents.line import Line, NotAsked
from agents.settings import BrainSettings, BudgetSettings, SeatSettings
from agents.what_if import Asking, WhatIf, WhatIfTraffic
from contracts.errors import NotOnRecord
from contracts.exchange import Exchange
from memory.scratch import MemoryJournal, OverlayBlobStore
from tests.agents.lines import CALLER, Answer, Book, Model, Parts
from tests.servers.answers import Reply
from tests.servers.scripted import ScriptedServer

URL = "https://models.example/v1/chat/completions"
USAGE = b'{"text": "%s", "usage": {"prompt_tokens": 7, "completion_tokens": 3}}'


def said(text: str, status: int = 200) -> httpx2.Response:
    head = {"content-type": "application/json"}
    return httpx2.Response(status, headers=head, stream=Parts(USAGE % text.encode()))


async def ask(line: Line, text: str) -> str:
    response = await line.handle_async_request(httpx2.Request("POST", URL, content=text.encode()))
    body = b"".join([part async for part in response.aiter_bytes()])
    return body.decode().split('"')[3]


async def asked_in_time(book: Book, *turns: tuple[str, str], caller: Caller = CALLER) -> None:
    """What the cycle itself asked: requests and answers."""
    model = Model([said(answer) for _, answer in turns])
    line = Line(caller, book.blobs, book.written, book.outside(model))
    for request, _ in turns:
        await ask(line, request)


def what_if(book: Book, *answers: Answer, caller: Caller = CALLER) -> Line:
    """The seat's line today, to a model that gives these answers."""
    asking = Asking(endpoint_on_record, book.outside(Model(list(answers))))
    return WhatIfTraffic(book.blobs, book.written, asking).line(caller)


def outcomes(book: Book) -> list[tuple[str, int]]:
    return [(exchange.role, exchange.ordinal) for exchange in book.written]


async def test_equal_requests_are_answered_from_the_cycle_and_nothing_is_written() -> None:
    book = Book()
    await asked_in_time(book, ("one", "first"), ("two", "second"))
    line = what_if(book)
    assert [await ask(line, "one"), await ask(line, "two")] == ["first", "second"]
    assert outcomes(book) == [("seat", 0), ("seat", 1)]


async def test_a_turn_that_differs_leaves_the_record_for_good() -> None:
    book = Book()
    await asked_in_time(book, ("one", "first"), ("two", "second"))
    line = what_if(book, said("other"), said("again"))
    assert [await ask(line, "another"), await ask(line, "two")] == ["other", "again"]
    assert outcomes(book)[2:] == [("what_if", 0), ("what_if", 1)]
    line = what_if(book, said("late"))
    assert [await ask(line, "another"), await ask(line, "one")] == ["other", "late"]


async def test_a_second_turn_that_differs_is_asked_after_the_first_came_from_the_record() -> None:
    book = Book()
    await asked_in_time(book, ("one", "first"), ("two", "second"))
    line = what_if(book, said("other"))
    assert [await ask(line, "one"), await ask(line, "another")] == ["first", "other"]


async def test_asked_again_it_is_answered_from_the_record_and_numbers_go_on() -> None:
    book = Book()
    await ask(what_if(book, said("other")), "one")
    line = what_if(book, said("new"))
    assert await ask(line, "one") == "other"
    assert await ask(line, "two") == "new"
    assert outcomes(book) == [("what_if", 0), ("what_if", 1)]


async def test_an_answer_given_twice_is_given_twice_again_in_its_order() -> None:
    book = Book()
    first = what_if(book, said("a"), said("b"))
    assert [await ask(first, "one"), await ask(first, "one")] == ["a", "b"]
    again = what_if(book)
    assert [await ask(again, "one"), await ask(again, "one")] == ["a", "b"]


@pytest.mark.parametrize(
    "failure", [said("busy", 429), httpx2.ReadTimeout("slow"), httpx2.ConnectError("away")], ids=str
)
async def test_what_failed_is_asked_again(failure: Answer) -> None:
    book = Book()
    with suppress(httpx2.TransportError):
        await ask(what_if(book, failure), "one")
    assert await ask(what_if(book, said("fine")), "one") == "fine"
    assert outcomes(book) == [("what_if", 0), ("what_if", 1)]


async def test_an_error_under_status_200_tells_no_use_and_is_asked_again() -> None:
    book = Book()
    broken = httpx2.Response(200, stream=Parts(b'{"text": "error", "error": "overloaded"}'))
    await ask(what_if(book, broken), "one")
    assert await ask(what_if(book, said("fine")), "one") == "fine"


@pytest.mark.parametrize("other", [{"model": "kimi-k3"}, {"provider": "openrouter"}], ids=str)
async def test_another_model_has_no_part_in_the_record(other: dict[str, str]) -> None:
    book = Book()
    await asked_in_time(book, ("one", "first"))
    await ask(what_if(book, said("second")), "two")
    caller = Caller(**{**vars(CALLER), **other})
    for text in ("one", "two"):
        assert await ask(what_if(book, said("other"), caller=caller), text) == "other"
        assert await ask(what_if(book, caller=caller), text) == "other"


async def test_a_reason_not_to_ask_stands_for_the_same_prompt_and_no_other() -> None:
    book = Book()
    line = book.line(may_ask=lambda _caller, _in, _out: "the cap is reached")
    with pytest.raises(NotAsked, match="the cap is reached"):
        await ask(line, "one")
    with pytest.raises(NotAsked, match="the cap is reached"):
        await ask(what_if(book, said("never")), "one")
    assert await ask(what_if(book, said("now"), caller=replace(CALLER, prompt_sha="ef" * 32)), "one") == "now"


async def test_with_nobody_behind_it_what_is_not_on_record_is_lost() -> None:
    book = Book()
    await asked_in_time(book, ("one", "first"))
    line = WhatIfTraffic(book.blobs, book.written, None).line(CALLER)
    with pytest.raises(NotOnRecord, match="expected request 0 of kimi on record, found another one"):
        await ask(line, "two")


async def test_a_seat_that_bears_the_brains_name_is_numbered_after_it() -> None:
    book = Book()
    asking = Asking(endpoint_on_record, book.outside(Model([said("a"), said("b")])))
    traffic = WhatIfTraffic(book.blobs, (), asking)
    for role in ("brain", "seat"):
        await ask(traffic.line(replace(CALLER, role=role, seat="brain")), role)
    assert outcomes(book) == [("what_if", 0), ("what_if", 1)]


def test_a_cycle_asked_too_often_takes_no_more() -> None:
    book = Book()
    exchange = Exchange(
        cycle_id=CALLER.cycle_id,
        role="what_if",
        seat=CALLER.seat,
        ordinal=0,
        provider="p",
        model="m",
        model_digest=None,
        prompt_sha=None,
        method="",
        path="",
        request=None,
        outcome="not_asked",
    )
    many = [exchange.model_copy(update={"ordinal": n}) for n in range(LATE - 19)]
    with pytest.raises(NotAsked, match="earlier questions to kimi, found 481"):
        WhatIfTraffic(book.blobs, many, None).line(CALLER)


def test_a_server_is_asked_what_it_holds_once_and_not_for_every_cycle() -> None:
    settings = SeatSettings(provider="ollama", model="qwen3:4b", prompt="seat_kimi")
    with ScriptedServer() as server:
        server.always(Reply(404, b"{}"))
        asking = WhatIf(
            BudgetSettings(),
            key_of=lambda _: None,
            journal=MemoryJournal(),
            blobs=OverlayBlobStore(),
            halted_by=lambda: None,
            ollama_host=server.root_url,
        ).noting()
        first = asking.endpoint_of(settings)
        n_requests = len(server.requests)
        assert n_requests
        assert asking.endpoint_of(settings.model_copy(update={"prompt": "seat_minimax"})) == first
        assert len(server.requests) == n_requests


@pytest.mark.parametrize(
    "settings",
    [
        SeatSettings(provider="nobody", model="gone-1", prompt="seat_kimi"),
        SeatSettings(provider="moonshot", model="gone-1", prompt="seat_kimi"),
        BrainSettings(provider="openai-compatible", model="gone-1"),
    ],
    ids=lambda settings: settings.provider,
)
def test_an_endpoint_on_record_needs_no_catalogue_key_or_address(
    settings: SeatSettings | BrainSettings,
) -> None:
    found = endpoint_on_record(settings)
    assert isinstance(found, Endpoint)
    assert (found.provider, found.model.name, found.model.quirks) == (settings.provider, "gone-1", ())
    assert found.base_url == "https://record.invalid/v1"
