"""Calling `dualbrain` in this process, on a home of its own."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from desk.main import app

FEW_DAYS = ("--from", "2017-03-01", "--to", "2017-03-22")
"""Part of the bundled EUR/USD hours, long enough for several closed trades."""


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line that says what went wrong."""
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err
        return lines[0]


def dualbrain(folder: Path, *arguments: str, home: Path | None = None) -> Said:
    """Run one command in `folder`, which is the home too where no other is named."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUALBRAIN_HOME", str(home or folder))
        patch.chdir(folder)
        result = CliRunner().invoke(app, [*arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)
