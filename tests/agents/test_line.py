"""What a line puts on record, and that the record gives the same answers again with nobody there."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from agents.exchanges import LATE, MAX_ANSWER_BYTES
from agents.line import DeadlinePassed, Line, NotAsked
from contracts.errors import JournalUnavailable, NotOnRecord
from contracts.exchange import Exchange, Tokens
from tests.agents.lines import CALLER, Book, Parts

URL = "https://models.example/v1/chat/completions"
SAID = b'{"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}'


def request(text: str = "hello") -> httpx2.Request:
    return httpx2.Request("POST", URL, content=text.encode(), headers={"authorization": "Bearer sk-secret"})


def answer(*parts: bytes | Exception | float, status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, headers={"content-type": "application/json"}, stream=Parts(*parts))


def lines_of(line: Line, book: Book) -> Iterator[Line]:
    """The line, and once it was used the replay of it."""
    yield line
    yield book.replay()


async def told(response: httpx2.Response) -> bytes:
    return b"".join([part async for part in response.aiter_bytes()])


async def test_an_answer_is_on_record_with_usage_cost_and_both_bodies() -> None:
    book = Book()
    line = book.line(answer(SAID[:10], SAID[10:]))
    assert await told(await line.handle_async_request(request())) == SAID
    (exchange,) = book.written
    assert line.exchanges == [exchange]
    assert (exchange.cycle_id, exchange.role, exchange.seat) == (CALLER.cycle_id, "seat", "kimi")
    assert (exchange.ordinal, exchange.outcome, exchange.status) == (0, "complete", 200)
    assert (exchange.method, exchange.path) == ("POST", "/v1/chat/completions")
    assert exchange.tokens == Tokens(input=7, output=3)
    assert str(exchange.cost_usd) == "0.000013"
    assert exchange.request is not None
    assert exchange.response is not None
    assert book.blobs.get(exchange.request) == b"hello"
    assert book.blobs.get(exchange.response) == SAID
    assert book.latencies[0] is not None


@pytest.mark.parametrize(("told_usd", "counted"), [(0.5, "0.5"), (0.000001, "0.000013"), (None, "0.000013")])
async def test_the_greater_of_the_catalogues_price_and_the_providers_word_is_counted(
    told_usd: float | None, counted: str
) -> None:
    book = Book()
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "cost": told_usd}
    body = json.dumps({"choices": [], "usage": usage}).encode()
    await told(await book.line(answer(body)).handle_async_request(request()))
    assert str(book.written[0].cost_usd) == counted


async def test_no_key_is_on_record() -> None:
    book = Book()
    await told(await book.line(answer(SAID)).handle_async_request(request()))
    (exchange,) = book.written
    stored = [exchange.canonical, *(book.blobs.get(b) for b in (exchange.request, exchange.response) if b)]
    assert not any(b"sk-secret" in data for data in stored)


async def test_an_answer_is_whole_on_record_though_the_client_read_only_its_beginning() -> None:
    book = Book()
    line = book.line(answer(b"data: 1\n\n", b"data: 2\n\n", b"data: [DONE]\n\n", 60.0))
    async for part in (await line.handle_async_request(request())).aiter_bytes():
        assert part
        break
    await asyncio.sleep(0.01)
    (exchange,) = book.written
    assert exchange.outcome == "complete"
    assert book.blobs.get(exchange.response or "") == b"data: 1\n\ndata: 2\n\ndata: [DONE]\n\n"


FAULTS = [
    pytest.param(httpx2.ReadTimeout("too slow"), "timeout", httpx2.TimeoutException, id="timeout"),
    pytest.param(httpx2.ConnectError("refused"), "unreachable", httpx2.ConnectError, id="unreachable"),
    pytest.param(OSError("no network"), "unreachable", (httpx2.ConnectError, OSError), id="os error"),
]


@pytest.mark.parametrize(("fault", "outcome", "raised"), FAULTS)
async def test_a_request_without_an_answer_is_on_record_and_fails_again(
    fault: Exception, outcome: str, raised: type[Exception] | tuple[type[Exception], ...]
) -> None:
    book = Book()
    with pytest.raises(raised):
        await book.line(fault).handle_async_request(request())
    (exchange,) = book.written
    assert (exchange.outcome, exchange.error, exchange.response) == (outcome, str(fault), None)
    with pytest.raises(raised, match=str(fault)):
        await book.replay().handle_async_request(request())


async def test_an_answer_that_breaks_off_is_cut_on_record_and_breaks_off_again() -> None:
    book = Book()
    line = book.line(answer(b"half a", httpx2.ReadError("gone")))
    for each in lines_of(line, book):
        parts = (await each.handle_async_request(request())).aiter_bytes()
        assert await anext(parts) == b"half a"
        with pytest.raises(httpx2.ReadError, match="gone"):
            await anext(parts)
    (exchange,) = book.written
    assert (exchange.outcome, exchange.error) == ("cut", "gone")


async def test_an_endless_answer_is_cut() -> None:
    book = Book()
    endless = [b"x" * 1_000_000] * (MAX_ANSWER_BYTES // 1_000_000 + 2)
    with pytest.raises(httpx2.ReadError, match="longer than"):
        await told(await book.line(answer(*endless)).handle_async_request(request()))
    assert book.written[0].outcome == "cut"


async def test_a_status_that_is_no_success_is_an_answer() -> None:
    book = Book()
    response = await book.line(answer(b"slow down", status=429)).handle_async_request(request())
    assert (response.status_code, await told(response)) == (429, b"slow down")
    again = await book.replay().handle_async_request(request())
    assert (again.status_code, again.headers["content-type"], await told(again)) == (
        429,
        "application/json",
        b"slow down",
    )


async def test_replay_gives_the_answers_in_order_and_asks_nobody() -> None:
    book = Book()
    line = book.line(answer(b"one"), answer(b"two"))
    for text in ("a", "b"):
        await told(await line.handle_async_request(request(text)))
    replay = book.replay()
    assert replay.is_playing_back
    answers = [await told(await replay.handle_async_request(request(text))) for text in ("a", "b")]
    assert answers == [b"one", b"two"]
    assert replay.exchanges == book.written
    replay.check_on_record()


@pytest.mark.parametrize(("texts", "says"), [(["other"], "found another one"), (["a", "a"], "found no more")])
async def test_replay_of_another_request_is_refused_and_stays_refused(texts: list[str], says: str) -> None:
    book = Book()
    await told(await book.line(answer(b"one")).handle_async_request(request("a")))
    replay = book.replay()
    *before, last = texts
    for text in before:
        await replay.handle_async_request(request(text))
    with pytest.raises(NotOnRecord, match=says):
        await replay.handle_async_request(request(last))
    with pytest.raises(NotOnRecord, match=says):
        replay.check_on_record()


async def test_ids_that_the_client_made_up_do_not_make_another_request() -> None:
    book = Book()
    first, second = (f'{{"tool_call_id": "pyd_ai_{digit * 32}"}}' for digit in "12")
    await told(await book.line(answer(b"one")).handle_async_request(request(first)))
    assert await told(await book.replay().handle_async_request(request(second))) == b"one"


async def test_after_a_crash_only_the_rest_is_asked() -> None:
    book = Book()
    await told(await book.line(answer(b"one")).handle_async_request(request("a")))
    line = book.line(answer(b"two"), recorded=book.written)
    answers = [await told(await line.handle_async_request(request(text))) for text in ("a", "b")]
    assert answers == [b"one", b"two"]
    assert [exchange.ordinal for exchange in book.written] == [0, 1]


async def test_a_changed_request_asks_anew_where_that_is_allowed() -> None:
    book = Book()
    await told(await book.line(answer(b"one")).handle_async_request(request("a")))
    line = book.line(answer(b"anew"), recorded=book.written)
    assert await told(await line.handle_async_request(request("changed"))) == b"anew"
    assert not line.is_playing_back


async def test_a_changed_request_is_held_against_the_budget_like_any_other() -> None:
    book = Book()
    await told(await book.line(answer(b"one")).handle_async_request(request("a")))
    line = book.line(recorded=book.written, may_ask=lambda *_: "the day's cap is reached")
    with pytest.raises(NotAsked, match="cap is reached"):
        await line.handle_async_request(request("changed"))


async def test_time_counts_from_the_first_request_that_is_not_on_record() -> None:
    book = Book()
    await told(await book.line(answer(b"one")).handle_async_request(request("a")))
    line = book.line(answer(5.0, b"two"), recorded=book.written)
    async with line.within(0.02):
        await told(await line.handle_async_request(request("a")))
        await asyncio.sleep(0.05)
    with pytest.raises(TimeoutError):
        async with line.within(0.02):
            await told(await line.handle_async_request(request("b")))
    line.give_up("no answer in 0.02 s")
    assert [exchange.outcome for exchange in book.written] == ["complete", "deadline"]


async def test_what_must_not_be_asked_is_on_record_with_the_reason_and_is_not_asked_again() -> None:
    book = Book()
    line = book.line(may_ask=lambda _caller, tokens_in, out: f"{tokens_in} and {out} are too many")
    for each in lines_of(line, book):
        with pytest.raises(NotAsked, match="300 and 100 are too many"):
            await each.handle_async_request(request("x" * 900))
    (exchange,) = book.written
    assert (exchange.outcome, exchange.request, exchange.tokens) == ("not_asked", None, None)


async def test_an_answer_after_the_deadline_is_on_record_as_late_and_paid_for() -> None:
    book = Book()
    line = book.line(answer(0.05, SAID))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await told(await line.handle_async_request(request()))
    line.give_up("no answer in 0.01 s")
    assert [e.outcome for e in book.written] == ["deadline"]
    await asyncio.sleep(0.1)
    missed, late = book.written
    assert (missed.ordinal, missed.error, missed.response) == (0, "no answer in 0.01 s", None)
    assert (late.ordinal, late.outcome, late.tokens) == (LATE, "late", Tokens(input=7, output=3))
    replay = book.replay()
    with pytest.raises(DeadlinePassed, match=r"no answer in 0\.01 s"):
        await replay.handle_async_request(request())
    assert replay.exchanges == [missed]


async def test_a_deadline_between_two_requests_is_on_record_too() -> None:
    book = Book()
    line = book.line(httpx2.ConnectError("refused"))
    with pytest.raises(httpx2.ConnectError):
        await line.handle_async_request(request())
    line.give_up("no answer in 20 s")
    assert [exchange.outcome for exchange in book.written] == ["unreachable", "not_asked"]
    replay = book.replay()
    with pytest.raises(httpx2.ConnectError):
        await replay.handle_async_request(request())
    with pytest.raises(NotAsked, match="no answer in 20 s"):
        await replay.handle_async_request(request())


async def test_a_journal_that_cannot_be_written_reaches_who_waits_for_the_answer() -> None:
    book = Book()
    line = book.line(answer(SAID))

    def refuse(exchange: Exchange, latency_ms: float | None) -> Exchange:
        raise JournalUnavailable(f"disk full at {exchange.ordinal}, {latency_ms}")

    object.__setattr__(line._outside, "write", refuse)
    with pytest.raises(JournalUnavailable, match="disk full"):
        await asyncio.wait_for(told(await line.handle_async_request(request())), 1)


async def test_closing_the_desk_ends_what_is_under_way_and_says_so() -> None:
    book = Book()
    line = book.line(answer(b"begun", 60.0))
    response = await line.handle_async_request(request())
    await asyncio.sleep(0)
    assert line._outside is not None
    (task,) = line._outside.background
    task.cancel()
    with pytest.raises(httpx2.ReadError, match="the desk was closed"):
        await told(response)
    assert book.written[0].outcome == "cut"


def test_there_is_one_way_out_to_the_models_of_a_desk() -> None:
    """A second one would be a way around budget, kill switch and record."""
    rooms = Path(__file__).resolve().parents[2] / "agents"
    users = {path.name for path in rooms.glob("*.py") if "AsyncHTTPTransport(" in path.read_text("utf-8")}
    assert users == {"traffic.py"}
