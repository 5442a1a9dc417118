"""Where one desk keeps everything."""

from dataclasses import dataclass
from pathlib import Path


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
