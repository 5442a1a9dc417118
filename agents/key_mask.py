"""A transport that keeps a key out of what comes back: some servers repeat the one that they refuse.

It stands under the line, so that neither the record nor the client's errors ever see it.
"""

from collections.abc import AsyncIterator

import httpx2

_STARS = b"********"
_SHORTEST_KEY = 8
"""A stand-in for a key, such as `none`, may be a common word."""


def key_of(authorization: str) -> bytes:
    """The key in a header, empty where it is too short to be told from a word."""
    key = authorization.removeprefix("Bearer ").encode()
    return key if len(key) >= _SHORTEST_KEY else b""


def masked(body: bytes, authorization: str) -> bytes:
    """A whole body without the key that its request was sent with."""
    key = key_of(authorization)
    return body.replace(key, _STARS) if key else body


class KeyMask(httpx2.AsyncBaseTransport):
    """Stars in the place of the key that the request was sent with."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The server's answer without the key; nothing else of it changes."""
        key = key_of(request.headers.get("authorization", ""))
        answer = await self._inner.handle_async_request(request)
        if not key or not isinstance(answer.stream, httpx2.AsyncByteStream):
            return answer
        stream = _Masked(answer.stream, key)
        return httpx2.Response(answer.status_code, headers=answer.headers, stream=stream)


class _Masked(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, key: bytes) -> None:
        self._stream, self._key = stream, key

    async def __aiter__(self) -> AsyncIterator[bytes]:
        # A stream that breaks off loses what is held: the few bytes that may have been the key's beginning.
        held = b""
        async for part in self._stream:
            text = (held + part).replace(self._key, _STARS)
            end = len(text) - self._n_begun(text)
            held = text[end:]
            if end:
                yield text[:end]
        if held:
            yield held

    async def aclose(self) -> None:
        await self._stream.aclose()

    def _n_begun(self, text: bytes) -> int:
        """How many of the last bytes may be the beginning of the key, the rest of which is still to come."""
        longest = min(len(self._key) - 1, len(text))
        return next((n for n in range(longest, 0, -1) if text.endswith(self._key[:n])), 0)
