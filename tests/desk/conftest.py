"""Desks that several files read."""

from pathlib import Path

import pytest

from tests.desk.watch_scene import OPEN, trade


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A desk that holds a short position; tests only read it."""
    return trade(tmp_path_factory.mktemp("short"), OPEN)
