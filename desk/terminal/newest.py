"""The newest records of a class, kept: each look reads only what was written since the last one."""

from collections import deque
from typing import Generic

from contracts.ports import R
from memory.reader import JournalReader


class Newest(Generic[R]):
    """At most `count` of them."""

    def __init__(self, journal: JournalReader, kind: type[R], count: int) -> None:
        self._journal, self._kind = journal, kind
        self._kept = deque[R](maxlen=count)
        self._count = count
        self._read_through = 0

    def look(self) -> tuple[R, ...]:
        """What there is now, oldest first."""
        found = self._journal.find_newest(self._kind, self._count, after=self._read_through)
        self._kept.extend(record for _, record in found)
        self._read_through = found[-1][0] if found else self._read_through
        return tuple(self._kept)
