"""Whether a journal that is held open is still the one under its name.

Whoever has a file open goes on reading and writing it after it was deleted or replaced, and nobody else ever
sees what is written there.
"""

from pathlib import Path


class SameFile:
    """The journal that had this name when this was made."""

    def __init__(self, path: Path) -> None:
        self._path, self._was = path, _identity(path)

    def lost(self) -> str | None:
        """What was expected and what is there instead; None where it is the same file."""
        if isinstance(now := _identity(self._path), str):
            return f"expected the journal at {self._path}, found {now}"
        # Windows may tell 0 for an inode: then all that is known is that there is a file.
        if now[1] and now != self._was:
            return f"expected the journal at {self._path}, found another file in its place"
        return None


def _identity(path: Path) -> tuple[int, int] | str:
    try:
        found = path.stat()
    except FileNotFoundError:
        return "none"
    except OSError as error:
        return str(error)
    return found.st_dev, found.st_ino
