"""A key that a server repeats is in nothing that comes back, in whatever pieces it is sent."""

from collections.abc import Sequence

import httpx2
import pytest

from agents.key_mask import KeyMask
from tests.agents.lines import Parts
from tests.agents.seat_scene import assert_replay_is, desk_told
from tests.servers.answers import Delivery, Step, error

KEY = "sk-never-on-record"
REFUSED = f"bad key {KEY}"


class _Says(httpx2.AsyncBaseTransport):
    def __init__(self, parts: Sequence[bytes]) -> None:
        self._parts = parts

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(401, stream=Parts(*self._parts))


async def heard(parts: Sequence[bytes], key: str = KEY) -> list[bytes]:
    request = httpx2.Request("POST", "https://box.example/v1", headers={"authorization": f"Bearer {key}"})
    answer = await KeyMask(_Says(parts)).handle_async_request(request)
    assert answer.status_code == 401
    assert isinstance(answer.stream, httpx2.AsyncByteStream)
    return [part async for part in answer.stream]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 17, 18, 19, 100])
async def test_the_key_is_masked_however_it_is_cut_and_the_rest_stays(size: int) -> None:
    text = f"no: {KEY}, {KEY}{KEY} and sk-nevers, sk-never-on-recor".encode()
    came = await heard([text[start : start + size] for start in range(0, len(text), size)])
    assert b"".join(came) == b"no: ********, **************** and sk-nevers, sk-never-on-recor"


async def test_what_cannot_be_the_key_is_not_held_back() -> None:
    assert await heard([b"one ", b"s", b"two ", b""]) == [b"one ", b"stwo "]


async def test_a_stand_in_for_a_key_masks_no_word() -> None:
    assert await heard([b"there is none"], key="none") == [b"there is none"]


@pytest.mark.parametrize("step", [error(401, REFUSED), Delivery(error(401, REFUSED), piece_bytes=5)])
async def test_a_server_that_repeats_the_key_puts_it_on_no_record(step: Step) -> None:
    async with desk_told(step) as (desk, server):
        ballot = await desk.vote()
        (exchange,) = desk.exchanges
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
        assert ballot.abstained == "the server answered 401: bad key ********"
        assert KEY.encode() not in desk.blobs.get(exchange.response or "")
        assert KEY not in exchange.model_dump_json()
        await assert_replay_is(ballot, desk)
