"""Bodies of answers that are read while they come: one made of recorded parts, and the parts of one."""

from collections.abc import AsyncIterator, Sequence

import httpx2


class Parts(httpx2.AsyncByteStream):
    """These bytes in their order; an exception among them is raised in its place."""

    def __init__(self, parts: Sequence[bytes | Exception]) -> None:
        self._parts = parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            if isinstance(part, Exception):
                raise part
            yield part


async def parts_of(head: httpx2.Response) -> AsyncIterator[bytes]:
    """The body as it comes in. StreamError where it can only be waited for."""
    stream = head.stream
    if not isinstance(stream, httpx2.AsyncByteStream):
        raise httpx2.StreamError("expected an answer that can be read without blocking")
    async for part in stream:
        yield part
