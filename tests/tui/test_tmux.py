"""A whole sitting in a real terminal: tmux draws it, takes the keys, and says what stood on the screen."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import ROOT
from tests.desk.command_line import dualbrain

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux, found none on the path"),
]
WINDOW = ("--sample", "eurusd-2017", "--from", "2017-01-04T09:00", "--to", "2017-01-04T11:00")
"""The first bar after the question is in it, for at its open the order fills."""


@dataclass(frozen=True)
class Tmux:
    """One tmux server of our own, with one window."""

    socket: Path

    def run(self, *words: str) -> str:
        command = ("tmux", "-S", str(self.socket), "-f", os.devnull, *words)
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        return done.stdout

    def screen(self) -> str:
        """What stands in the window, its gaps closed."""
        return " ".join(self.run("capture-pane", "-p").split())

    def sees(self, words: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while words not in (found := self.screen()):
            assert time.monotonic() < deadline, f"expected {words!r} on the screen, found {found}"
            time.sleep(0.1)


@contextmanager
def window(folder: Path, command: str) -> Iterator[Tmux]:
    """A window in which a shell runs this command; nothing of it is left behind."""
    # Not in `folder`: the path of a socket may have about a hundred characters.
    tmux = Tmux(Path(tempfile.gettempdir()) / f"dualbrain-{uuid4().hex[:12]}")
    try:
        tmux.run("new-session", "-d", "-x", "120", "-y", "40", "-c", str(folder), command)
        yield tmux
    finally:
        tmux.run("kill-server")
        tmux.socket.unlink(missing_ok=True)


def left_behind(socket: Path) -> str:
    """Processes that still name this socket."""
    command = ("pgrep", "-f", str(socket))
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout


def test_a_trade_is_approved_and_fills_and_the_record_is_sound(tmp_path: Path) -> None:
    settings = {"DUALBRAIN_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    start = " ".join([*(f"{name}='{value}'" for name, value in settings.items()), sys.executable, "-m"])
    command = (
        f"env -u DUALBRAIN_SHARED {start} desk.main chat {' '.join(WINDOW)} --desk d; echo left with $?; cat"
    )
    with window(tmp_path, command) as tmux:
        tmux.sees("SELL 287,436")
        tmux.run("send-keys", "F3")
        tmux.sees("Approve? SELL 287,436 (2.8744 lots) EURUSD")
        tmux.run("send-keys", "y")
        tmux.sees("order FILLED")
        tmux.run("send-keys", "C-q")
        tmux.sees("left with 0")
        assert "Traceback" not in tmux.screen()
    # A server that was told to end takes a moment.
    give_up = time.monotonic() + 10
    while left_behind(tmux.socket) and time.monotonic() < give_up:
        time.sleep(0.05)
    assert left_behind(tmux.socket) == ""
    assert dualbrain(tmp_path, "audit", "verify", "--desk", "d").code == 0
    replayed = dualbrain(tmp_path, "replay", "--all", "--desk", "d", "--json")
    assert (replayed.code, json.loads(replayed.out)["verdicts"]) == (
        0,
        {"identical": 3, "equal": 0, "drifted": 0},
    )
