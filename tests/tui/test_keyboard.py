"""Bytes from the keyboard that are no text, in a real terminal."""

import os
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bench.pseudo_terminal import HEIGHT, WIDTH, PseudoTerminal
from contracts.records import SessionEnded
from memory.reader import JournalReader
from tests.conftest import ROOT
from tests.desk.command_line import dualbrain
from tests.tui.test_desk_screen import QUIET

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal: Windows has none in Python"),
]
LATIN_1 = "naïve, à demain".encode("latin-1")
PASTED = b"\x1b[200~", b"\x1b[201~"


def test_bytes_that_are_no_text_are_shown_as_such_and_the_terminal_goes_on(tmp_path: Path) -> None:
    window = ("--sample", "eurusd-2017", "--from", QUIET[0], "--to", QUIET[1])
    command = (sys.executable, "-m", "desk.main", "chat", *window, "--desk", "d")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DUALBRAIN_")}
    environment |= {"DUALBRAIN_HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
    environment |= {"COLUMNS": f"{WIDTH}", "LINES": f"{HEIGHT}"}
    with PseudoTerminal(command, environment, tmp_path) as chat:
        chat.until("feed ended")
        chat.type(LATIN_1.join(PASTED))
        chat.until("na\ufffdve, \ufffd demain")
        chat.type(b" \xff\xfe\xc3(")
        chat.until("demain \ufffd\ufffd\ufffd(")
        # A letter whose two bytes come apart is one letter all the same.
        chat.type(b"\xd0")
        chat.rest(0.3)
        chat.type(b"\xb6!")
        chat.until("(ж!")
        chat.type(b"\x15")
        chat.rest(0.3)
        chat.type(b"/help\r")
        chat.until("release the kill switch")
    assert not chat.has_drawn("Traceback")
    with closing(JournalReader(tmp_path / "d" / "journal.db")) as journal:
        assert [each.why for each in journal.find_all(SessionEnded)] == ["the feed ended"]
    assert dualbrain(tmp_path, "audit", "verify", "--desk", "d").code == 0
