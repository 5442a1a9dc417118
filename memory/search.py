"""Full-text search over the reasons in a journal: why, by whom, and what it came to, in words.

The index lives in memory and is read on as the journal grows, so that nothing beside the journal can be out
of date. The first search reads every row; later ones only what is new.
"""

import re
import sqlite3
import threading
from pathlib import Path

from memory.reader import log_beside, stamp_of, uri_to_read
from memory.schema import BUSY_TIMEOUT_S, unavailable_on_error

_PAGE_ROWS = 5_000
_KINDS = (
    "DeskState",
    "MarketSnapshot",
    "Gate",
    "FormulaView",
    "TradeProposal",
    "Ballot",
    "Decision",
    "RiskVerdict",
    "Approval",
    "Requote",
    "Order",
    "Outcome",
)
_FIELDS = (
    "instrument_id",
    "halted_by",
    "code",
    "text",
    "reason",
    "reasoning",
    "abstained",
    "answer",
    "seat",
    "by",
    "outcome",
    "state",
    "exit_leg",
)
"""Where a record says why, by whom, or what it came to."""
# A row of the index is named by its cycle (the row that began it), its class and its ordinal, so that the
# cycle of a find is known without looking at the journal.
_CYCLE_BITS, _ORDINAL_BITS = 20, 14
_READ_ON = f"""
    INSERT INTO reasons (rowid, words)
    SELECT (begun.seq << {_CYCLE_BITS}) | (kinds.number << {_ORDINAL_BITS}) | row.ordinal,
           (SELECT group_concat(value, char(10)) FROM json_tree(row.body)
            WHERE type = 'text' AND key IN (SELECT name FROM fields))
    FROM desk.journal AS row
    JOIN kinds ON kinds.name = row.kind
    JOIN desk.journal AS begun ON begun.kind = 'DeskState' AND begun.cycle_id = row.cycle_id
    WHERE row.seq > ? AND row.seq <= ?"""  # noqa: S608 - numbers of this module


class ReasonIndex:
    """One journal's reasons; any thread may ask, one at a time."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        self._read_to = 0
        self._still: tuple[int, int] | None = None
        """The file as it was attached with no writer at work."""
        self._is_attached = False
        self._db = sqlite3.connect(
            ":memory:", uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        self._db.execute("CREATE VIRTUAL TABLE reasons USING fts5(words, content='')")
        self._db.execute("CREATE TABLE kinds (name TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID")
        self._db.executemany("INSERT INTO kinds VALUES (?, ?)", [(name, n) for n, name in enumerate(_KINDS)])
        self._db.execute("CREATE TABLE fields (name TEXT PRIMARY KEY) WITHOUT ROWID")
        self._db.executemany("INSERT INTO fields VALUES (?)", [(name,) for name in _FIELDS])

    def find(self, words: str, limit: int, before: int | None = None) -> tuple[int, ...]:
        """First rows of the newest cycles whose reasons hold all these words or words that begin so.

        Of those begun before row `before` where given. Capitals and signs do not count, and the words may
        stand in different records of a cycle. Raises JournalUnavailable.
        """
        # A pair of currencies is one word on record.
        wanted = re.findall(r"[^\W_]+", re.sub(r"\b([A-Za-z]{3})/([A-Za-z]{3})\b", r"\1\2", words))
        with self._lock, unavailable_on_error(self._path, "search"):
            self._read_on()
            if not wanted:
                return ()
            each = f"SELECT rowid >> {_CYCLE_BITS} AS begun FROM reasons WHERE reasons MATCH ?"  # noqa: S608
            within = " INTERSECT ".join([each] * len(wanted))
            sql = f"SELECT DISTINCT begun FROM ({within}) WHERE begun < ? ORDER BY begun DESC LIMIT ?"  # noqa: S608
            newest = 2**62 if before is None else before
            return tuple(n for (n,) in self._db.execute(sql, (*(f'"{w}"*' for w in wanted), newest, limit)))

    def close(self) -> None:
        """Let go of the journal and the index."""
        with self._lock:
            self._db.close()

    def _read_on(self) -> None:
        self._attach()
        (newest,) = self._db.execute("SELECT coalesce(max(seq), 0) FROM desk.journal").fetchone()
        while self._read_to < newest:
            # Page by page, so that what was read of a long journal is kept where the rest cannot be read.
            upto = min(self._read_to + _PAGE_ROWS, newest)
            self._db.execute(_READ_ON, (self._read_to, upto))
            self._read_to = upto

    def _attach(self) -> None:
        """A journal that stood still is opened again once somebody writes, or has written, to it."""
        is_still = not log_beside(self._path).exists()
        if self._is_attached and (self._still is None or (is_still and self._still == stamp_of(self._path))):
            return
        if self._is_attached:
            self._db.execute("DETACH DATABASE desk")
        self._still = stamp_of(self._path) if is_still else None
        self._db.execute("ATTACH DATABASE ? AS desk", (uri_to_read(self._path),))
        self._is_attached = True
