"""Content-addressed bytes on disk: one file a blob, named by its hash, under 256 folders.

A blob appears whole or not at all (written beside, then renamed). It is not synced to disk one by one:
after a power cut a blob may be short or missing, which the audit reports and a later `put` of the same
content mends.
"""

import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

from contracts.canonical import sha256_hex
from contracts.errors import DataUnavailable, JournalCorrupt, JournalUnavailable

KNOWN_LIMIT = 4_096
"""Hashes remembered as stored; a bound, so that a session of months does not grow."""

_HASH = re.compile(r"[0-9a-f]{64}")


class FileBlobStore:
    """Blobs under one folder, which is made at the first `put`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: set[str] = set()

    def put(self, data: bytes) -> str:
        """Store and return the SHA-256; see the port."""
        blob = sha256_hex(data)
        if blob not in self._known:
            try:
                self._store(self._path(blob), data)
            except OSError as error:
                raise JournalUnavailable(
                    f"expected to write a blob of {len(data)} bytes under {self._root}, found: {error}; "
                    "free or mend the disk and start again",
                    path=str(self._root),
                    cause=str(error),
                ) from error
            self._remember(blob)
        return blob

    def get(self, blob: str) -> bytes:
        """The bytes, checked against their hash; see the port."""
        try:
            data = self._path(blob).read_bytes()
        except (OSError, ValueError) as error:
            raise DataUnavailable(
                f"expected blob {blob[:12]} under {self._root}, found: {error}; restore the blobs kept with "
                "this journal",
                blob=blob,
            ) from error
        if sha256_hex(data) != blob:
            raise JournalCorrupt(
                f"expected blob {blob[:12]} to hash to its name, found other bytes; restore it from a copy",
                blob=blob,
            )
        return data

    def all(self) -> Iterator[str]:
        """Hashes of every stored blob, sorted."""
        for path in sorted(self._root.glob("[0-9a-f][0-9a-f]/*")):
            if _HASH.fullmatch(path.name):
                yield path.name

    def _path(self, blob: str) -> Path:
        if not _HASH.fullmatch(blob):
            raise ValueError(f"{blob!r} is not a SHA-256 in hex")
        return self._root / blob[:2] / blob

    def _store(self, path: Path, data: bytes) -> None:
        # A file of another length is what a power cut leaves; the right bytes are at hand, so mend it.
        if path.exists() and path.stat().st_size == len(data):
            return
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
        try:
            try:
                temporary.write_bytes(data)
            except FileNotFoundError:
                path.parent.mkdir(parents=True, exist_ok=True)
                temporary.write_bytes(data)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def _remember(self, blob: str) -> None:
        if len(self._known) >= KNOWN_LIMIT:
            self._known.clear()
        self._known.add(blob)
