"""The words in an answer as it comes in, for people to watch; what counts is read from the whole of it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

_MAX_LINE = 100_000
"""Bytes kept of a line that has not ended; a server that never ends one is not worth watching."""


class Words(NamedTuple):
    """A piece of what a model says, or of what it thinks before."""

    text: str
    is_thinking: bool = False
    is_first: bool = False
    """Of an answer: what was said before is another one."""


class Spoken:
    """Finds words in the bytes of one streamed answer, in whatever pieces they arrive."""

    def __init__(self) -> None:
        self._rest = b""
        self._is_heard = True
        self._is_begun = False

    def tell(self, part: bytes, heard: Callable[[Words], None]) -> None:
        """Pass the words of this part on; a listener that breaks is told no more, and nothing is raised."""
        if not self._is_heard:
            return
        try:
            for words in self.feed(part):
                heard(words._replace(is_first=not self._is_begun))
                self._is_begun = True
        except Exception:  # noqa: BLE001 - who watches must not change what is answered, and so what is decided
            self._is_heard = False

    def feed(self, part: bytes) -> Iterator[Words]:
        """The words that this part completes; never raises, for nobody decides by them."""
        *lines, self._rest = (self._rest + part).split(b"\n")
        self._rest = self._rest[-_MAX_LINE:]
        for line in lines:
            if line.startswith(b"data:"):
                yield from _words_of(line.removeprefix(b"data:").strip())


def _words_of(data: bytes) -> Iterator[Words]:
    try:
        chunk = orjson.loads(data)
    except orjson.JSONDecodeError:
        return
    choices = chunk.get("choices") if isinstance(chunk, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    delta = first.get("delta") if isinstance(first, dict) else None
    if isinstance(delta, dict):
        yield from _of_delta(delta)


def _of_delta(delta: Mapping[str, Any]) -> Iterator[Words]:
    for name in ("reasoning_content", "reasoning"):
        if isinstance(text := delta.get(name), str) and text:
            yield Words(text, is_thinking=True)
            break
    if isinstance(text := delta.get("content"), str) and text:
        yield Words(text)
