"""The door to a model: in time or a sentence, on record before it is left, and the same in a replay."""

import asyncio
import time

import httpx2
import pytest

from agents.line import Line
from agents.model_door import answer_or_why, settled
from contracts.canonical import Record
from tests.agents.lines import Book, Parts

SECONDS = 0.05
URL = "http://127.0.0.1/v1/chat/completions"


class Said(Record):
    text: str


async def _ask(line: Line) -> httpx2.Response:
    return await line.handle_async_request(httpx2.Request("POST", URL, content=b'{"messages":[]}'))


@pytest.mark.parametrize("fails", [False, True], ids=["answered", "failed"])
async def test_what_came_too_late_to_be_used_is_the_same_in_a_replay(*, fails: bool) -> None:
    book = Book()

    async def answer(line: Line, work_s: float) -> Said:
        response = await _ask(line)
        text = (await response.aread()).decode()
        # Reading a large answer may take the loop past the deadline, with nothing under way any more.
        time.sleep(work_s)  # noqa: ASYNC251 - on purpose
        await asyncio.sleep(0.01)
        if fails:
            raise ValueError("the answer is no answer")
        return Said(text=text)

    async def asked(line: Line, work_s: float) -> Said | str:
        return await answer_or_why(line, SECONDS, answer(line, work_s), str, "no view")

    live = book.line(httpx2.Response(200, content=b"calm"))
    assert await asked(live, 2 * SECONDS) == "no view by the deadline of 0.05 s"
    again = book.replay()
    assert await asked(again, 0) == "no view by the deadline of 0.05 s"
    assert again.exchanges == live.exchanges == book.written
    assert [each.outcome for each in book.written] == ["complete", "not_asked"]


async def test_an_answer_in_time_is_the_same_in_a_replay() -> None:
    book = Book()

    async def asked(line: Line) -> Said | str:
        async def answer() -> Said:
            return Said(text=(await (await _ask(line)).aread()).decode())

        return await answer_or_why(line, 5, answer(), str, "no view")

    assert await asked(book.line(httpx2.Response(200, content=b"calm"))) == Said(text="calm")
    assert await asked(book.replay()) == Said(text="calm")
    assert [each.outcome for each in book.written] == ["complete"]


async def test_a_client_that_turns_away_in_the_middle_leaves_the_whole_answer_on_record() -> None:
    book = Book()
    line = book.line(httpx2.Response(200, stream=Parts(b"half ", 0.05, b"whole")))

    async def stumble() -> Said:
        response = await _ask(line)
        async for _ in response.aiter_raw():
            raise ValueError("an odd part")
        raise AssertionError("expected a part, found none")

    with pytest.raises(ValueError, match="an odd part"):
        await settled(line, stumble())
    (exchange,) = book.written
    assert exchange.response is not None
    assert book.blobs.get(exchange.response) == b"half whole"
