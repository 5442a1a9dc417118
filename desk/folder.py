"""Where all desks live, and where one keeps everything; light, for it runs before settings are read."""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def desk_home() -> Path:
    """Folder of all desks' state: DUALBRAIN_HOME, else `.dualbrain` in the checkout."""
    named = os.environ.get("DUALBRAIN_HOME")
    return Path(named).expanduser().resolve() if named else ROOT / ".dualbrain"


@dataclass(frozen=True)
class DeskFolder:
    """The paths inside a desk's folder."""

    path: Path

    @property
    def journal(self) -> Path:
        """The audit database."""
        return self.path / "journal.db"

    @property
    def blobs(self) -> Path:
        """Bars, settings and summaries, by content hash."""
        return self.path / "blobs"

    @property
    def what_if(self) -> Path:
        """Where one counterfactual at a time says that it asks models."""
        return self.path / "what_if"

    @property
    def sessions(self) -> Path:
        """One JSON summary a session."""
        return self.path / "sessions"
