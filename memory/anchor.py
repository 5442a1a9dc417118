"""How far a journal had come, kept in a file of its own.

A chain alone cannot show a cut tail or a rewriting from the start; a count and a hash kept elsewhere
can. The file is one line of fixed width, so an overwrite stays inside one page: a killed process
leaves the old line or the new one. It is written after the row commits and only forward, so it may
lag the journal by the row of a crash and is never ahead of it. It is not synced to disk row by row:
after a power cut it may lag further, which is allowed; ahead of the journal means rows were lost.
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contracts.errors import JournalCorrupt
from memory.chain import Tip

if sys.platform != "win32":
    import fcntl

_LINE = re.compile(rb"(\d{20}) ([0-9a-f]{64})\n")
_WIDTH = 86


def anchor_beside(journal: Path) -> Path:
    """Where the anchor of this journal is kept unless told otherwise."""
    return journal.with_suffix(".anchor")


def read_anchor(path: Path) -> Tip | None:
    """What the anchor says, None where it says nothing yet; JournalCorrupt where it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        with _locked(descriptor):
            return _read(descriptor, path)
    finally:
        os.close(descriptor)


def disagreement(anchored: Tip, row_hash: str | None) -> str | None:
    """What is wrong where the journal's row number `anchored.n_rows` has `row_hash` (None: no such row)."""
    if anchored.n_rows == 0 or row_hash == anchored.row_hash:
        return None
    if row_hash is None:
        return f"expected at least {anchored.n_rows} rows by the anchor, found fewer: rows were cut off"
    return (
        f"expected row {anchored.n_rows} to have hash {anchored.row_hash[:12]} by the anchor, found "
        f"{row_hash[:12]}: rows were rewritten"
    )


class Anchor:
    """The anchor of a journal open for writing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)

    def advance(self, tip: Tip) -> None:
        """Move forward to `tip`; does nothing where another process has gone further."""
        with _locked(self._descriptor):
            before = _read(self._descriptor, self._path)
            if before is None or before.n_rows < tip.n_rows:
                os.lseek(self._descriptor, 0, os.SEEK_SET)
                os.write(self._descriptor, b"%020d %s\n" % (tip.n_rows, tip.row_hash.encode()))

    def close(self) -> None:
        """Sync to disk and let go; a second time does nothing."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.fsync(descriptor)
            os.close(descriptor)


def _read(descriptor: int, path: Path) -> Tip | None:
    os.lseek(descriptor, 0, os.SEEK_SET)
    line = os.read(descriptor, _WIDTH + 1)
    if not line:  # its writer died between making the file and the first row
        return None
    match = _LINE.fullmatch(line)
    if match is None:
        raise JournalCorrupt(
            f"expected a count and a hash in {path}, found {line[:40]!r}; run audit verify, then move the "
            "file away to start a new anchor"
        )
    return Tip(int(match[1]), match[2].decode())


@contextmanager
def _locked(descriptor: int) -> Iterator[None]:
    # Without the lock two writers could step back one row, or a reader see half a line.
    if sys.platform == "win32":
        yield
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
