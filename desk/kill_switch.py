"""The kill switch: a file outside the agent that anyone can make by hand."""

import os
from datetime import datetime
from pathlib import Path

from contracts.errors import JournalUnavailable


class FileKillSwitch:
    """The desk is halted while the file HALT exists in its folder; its text says who and why."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "HALT"

    def halted_by(self) -> str | None:
        """The file's text, or None where there is no file; a file that cannot be read halts too.

        Goes on record and to the assistant's model, so it does not say where the folder is.
        """
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace").strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            return f"halted: the file HALT in the desk's folder cannot be read ({error.strerror})"
        return f"halted: {text or 'no reason given'} (`dualbrain resume`, or removing the file HALT, ends it)"

    def engage(self, by: str, reason: str, at: datetime) -> None:
        """Halt the desk. JournalUnavailable where there is no file afterwards: then it is not halted."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # No character may keep a desk from being halted.
            text = f"{by} at {at:%Y-%m-%d %H:%M:%S} UTC: {reason}\n"
            self.path.write_text(text, encoding="utf-8", errors="replace")
        except OSError as error:
            # On a full disk the file is made and its words are lost: that halts as well.
            if not os.path.lexists(self.path):
                raise JournalUnavailable(
                    f"expected to write {self.path}, found: {error}; the desk is NOT halted"
                ) from None

    def release(self) -> bool:
        """Let the desk run again; false where it was not halted. JournalUnavailable where it stays halted."""
        try:
            self.path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise JournalUnavailable(
                f"expected to remove {self.path}, found: {error}; still halted"
            ) from None
        return True
