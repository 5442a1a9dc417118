"""A desk that asked something and that nobody runs any more."""

from pathlib import Path

import pytest

from tests.desk.command_line import dualbrain


@pytest.fixture(scope="module")
def asked_desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of desk `d`, whose question still stands; tests only read it."""
    home = tmp_path_factory.mktemp("home")
    window = ("--from", "2017-01-04T09:00", "--to", "2017-01-04T10:00")
    assert dualbrain(home, "run", "--ask", "--sample", "eurusd-2017", *window, "--desk", "d").code == 0
    return home
