"""`dualbrain chat` as a person starts it, in a real terminal."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contracts.errors import SettingsError
from contracts.records import SessionEnded
from memory.reader import JournalReader
from tests.conftest import ROOT
from tests.desk.command_line import dualbrain
from tests.tui.terminal import door_of
from tui.app import DualbrainApp

CTRL_Q = b"\x11"
LEFT_SCREEN = b"\x1b[?1049l"
"""What puts the lines of before back on a terminal of the xterm family."""


def in_a_terminal(
    home: Path,
    *options: str,
    until: bytes,
    leave: signal.Signals | None = None,
    max_file_kb: int | None = None,
) -> tuple[int, bytes]:
    """Run it on a pseudo-terminal, leave once `until` was drawn; its exit code and all it drew."""
    screen, inside = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DUALBRAIN_")}
    environment |= {"DUALBRAIN_HOME": str(home), "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
    environment |= {"COLUMNS": "120", "LINES": "40"}
    command = [sys.executable, "-m", "desk.main", "chat", *options]
    if max_file_kb is not None:
        # In blocks of 512 bytes, as the standard has it for sh.
        command = ["sh", "-c", f'ulimit -f {2 * max_file_kb}; exec "$@"', "sh", *command]
    with subprocess.Popen(
        command, cwd=home, env=environment, stdin=inside, stdout=inside, stderr=inside, start_new_session=True
    ) as chat:
        os.close(inside)
        drawn, is_told, deadline = b"", False, time.monotonic() + 60
        while time.monotonic() < deadline:
            if select.select([screen], [], [], 0.2)[0]:
                try:
                    drawn += os.read(screen, 65_536)
                except OSError:
                    break
            if not is_told and until in drawn:
                if leave is None:
                    os.write(screen, CTRL_Q)
                else:
                    chat.send_signal(leave)
                is_told = True
            if chat.poll() is not None and not select.select([screen], [], [], 0)[0]:
                break
        chat.kill()
    os.close(screen)
    return chat.returncode, drawn


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal: Windows has none in Python")
def test_with_its_errors_sent_elsewhere_it_does_not_draw_where_nobody_looks(tmp_path: Path) -> None:
    screen, inside = pty.openpty()
    environment = os.environ | {"DUALBRAIN_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "desk.main", "chat"]
    with (tmp_path / "errors").open("wb") as errors:
        found = subprocess.run(
            command,
            cwd=tmp_path,
            env=environment,
            stdin=inside,
            stdout=inside,
            stderr=errors,
            check=False,
            timeout=60,
        )
    os.close(inside)
    os.close(screen)
    assert found.returncode == 2
    assert "expected a terminal to draw on" in (tmp_path / "errors").read_text()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal: Windows has none in Python")
def test_it_runs_a_desk_of_its_own_and_leaves_in_good_order(tmp_path: Path) -> None:
    window = ("--sample", "eurusd-2017", "--from", "2017-01-04T09:00", "--to", "2017-01-04T10:00")
    code, drawn = in_a_terminal(tmp_path, *window, "--desk", "d", until=b"287,436")
    assert code == 0, drawn[-2000:]
    assert b"PAPER" in drawn
    journal = JournalReader(tmp_path / "d" / "journal.db")
    (ended,) = journal.find_all(SessionEnded)
    journal.close()
    assert ended.why == "the terminal was closed"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal: Windows has none in Python")
@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_told_to_end_it_leaves_in_good_order_and_gives_the_screen_back(
    tmp_path: Path, which: signal.Signals
) -> None:
    window = ("--sample", "eurusd-2017", "--from", "2017-01-04T09:00", "--to", "2017-01-04T09:00")
    code, drawn = in_a_terminal(tmp_path, *window, "--desk", "d", until=b"feed ended", leave=which)
    assert code == 0, drawn[-2000:]
    assert LEFT_SCREEN in drawn
    assert b"Traceback" not in drawn
    journal = JournalReader(tmp_path / "d" / "journal.db")
    (ended,) = journal.find_all(SessionEnded)
    journal.close()
    assert ended.why == "the feed ended"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal: Windows has none in Python")
def test_settings_that_are_broken_are_one_line_that_names_the_place(tmp_path: Path) -> None:
    (tmp_path / "dualbrain.toml").write_text("[limits\nrisk = ")
    code, drawn = in_a_terminal(tmp_path, "--desk", "d", until=b"\x00never")
    assert code == 2, drawn[-2000:]
    assert b"error: " in drawn
    assert b"dualbrain.toml" in drawn
    assert b"Traceback" not in drawn


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal: Windows has none in Python")
def test_attaching_to_a_desk_that_is_not_there_is_one_line_and_makes_nothing(tmp_path: Path) -> None:
    code, drawn = in_a_terminal(tmp_path, "--attach", "--desk", "nowhere", until=b"\x00never")
    assert code == 2
    assert b"error: expected a desk nowhere under" in drawn
    assert not (tmp_path / "nowhere").exists()


async def test_what_keeps_the_door_shut_ends_the_terminal_with_it(tmp_path: Path) -> None:
    door = door_of(tmp_path, must_attach=True)

    def connect() -> None:
        door.open()

    app = DualbrainApp(connect)  # type: ignore[arg-type]  # it never returns a door
    async with app.run_test() as pilot:
        for _ in range(100):
            if not app.is_running:
                break
            await pilot.pause(0.02)
    assert isinstance(app.return_value, SettingsError)
    door.close()


def test_without_a_terminal_it_says_what_to_use(tmp_path: Path) -> None:
    said = dualbrain(tmp_path, "chat")
    assert said.code == 2
    assert "expected a terminal to draw on" in said.error


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal: Windows has none in Python")
def test_a_desk_that_could_write_no_more_is_no_good_end(tmp_path: Path) -> None:
    window = ("--sample", "eurusd-2017", "--from", "2017-01-02", "--to", "2017-02-28")
    code, drawn = in_a_terminal(tmp_path, *window, "--desk", "d", until=b"stopped:", max_file_kb=2_000)
    assert code == 4, drawn[-2000:]
    assert b"error: expected to write the journal" in drawn.partition(LEFT_SCREEN)[2]
