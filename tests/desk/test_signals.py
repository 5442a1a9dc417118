"""Runs in a process of its own: clean stops by signal, and a person at a real terminal."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from select import select

import pytest

from tests.desk.command_line import dualbrain

RUN = (sys.executable, "-m", "desk.main", "run", "--from", "2017-03-01", "--to", "2017-06-01", "--desk", "s")
PROMPT = "smaller quantity: "
REPOSITORY = Path(__file__).resolve().parents[2]


def environment(home: Path) -> Mapping[str, str]:
    ours = {"DUALBRAIN_HOME": str(home), "PYTHONPATH": str(REPOSITORY), "COLUMNS": "100", "TERM": "xterm"}
    return {k: v for k, v in os.environ.items() if not k.startswith("DUALBRAIN_")} | ours


@contextmanager
def deciding(home: Path) -> Iterator["subprocess.Popen[str]"]:
    """A run that has begun to decide."""
    process = subprocess.Popen(
        (*RUN, "--json"),
        cwd=home,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        said: list[str] = []
        while not said or "deciding" not in said[-1]:
            said.append(process.stderr.readline())
            assert said[-1], said
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_run_cleanly_with_a_summary_and_a_sound_journal(
    tmp_path: Path, which: signal.Signals
) -> None:
    with deciding(tmp_path) as process:
        process.send_signal(which)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    summary = json.loads(out)
    assert summary["why_ended"] == f"stopped by {which.name}"
    assert 0 < summary["n_cycles"] < 1500
    assert json.loads(Path(summary["summary_file"]).read_text(encoding="utf-8"))["n_cycles"] > 0
    assert dualbrain(tmp_path, "audit", "verify", "--desk", "s").code == 0
    assert "ended: stopped by" in dualbrain(tmp_path, "doctor", "--desk", "s", "--json").out


@pytest.mark.slow
def test_a_run_ends_where_its_journal_is_taken_away_and_goes_on_once_it_is_back(
    tmp_path: Path,
) -> None:
    journal, aside = tmp_path / "s" / "journal.db", tmp_path / "s" / "aside.db"
    with deciding(tmp_path) as process:
        journal.rename(aside)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (4, "")
    assert f"expected the journal at {journal}, found none" in err
    assert "Traceback" not in err
    assert not journal.exists()
    aside.rename(journal)
    assert dualbrain(tmp_path, *RUN[3:]).code == 0
    assert dualbrain(tmp_path, "audit", "verify", "--desk", "s").code == 0


@pytest.mark.slow
def test_a_person_at_a_terminal_is_asked_and_the_answers_are_kept(tmp_path: Path) -> None:
    shown = at_terminal(tmp_path, ("y\n", "n\ntoo early\n", "1000\n"))
    assert "BUY" in shown or "SELL" in shown
    assert " R" in shown
    approvals = [
        row["record"]
        for cycle in json.loads(
            dualbrain(tmp_path, "audit", "ls", "--desk", "s", "--limit", "500", "--json").out
        )
        for row in json.loads(
            dualbrain(tmp_path, "audit", "show", cycle["cycle_id"], "--desk", "s", "--json").out
        )
        if row["kind"] == "Approval"
    ]
    said = [(a["kind"], a["is_granted"], a["reason"]) for a in reversed(approvals)]
    assert said[0] == ("person", True, "approved at the terminal")
    assert said[1] == ("person", False, "too early")
    assert approvals[-3]["quantity"] == 1000.0
    assert dualbrain(tmp_path, "audit", "verify", "--desk", "s").code == 0


def at_terminal(home: Path, answers: tuple[str, ...]) -> str:
    """What a run in ask mode shows where these keys are typed, one lot a prompt, and Ctrl+C at the next."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        (*RUN, "--ask"), cwd=home, env=environment(home), stdin=follower, stdout=follower, stderr=follower
    )
    os.close(follower)
    waiting, shown, seen, is_interrupted = list(answers), "", 0, False
    try:
        # Linux ends a terminal that nobody holds open any more with an error.
        while select([leader], [], [], 60)[0] and (data := _read(leader)):
            shown += data
            while (place := shown.find(PROMPT, seen)) >= 0:
                seen = place + len(PROMPT)
                if waiting:
                    os.write(leader, waiting.pop(0).encode())
                elif not is_interrupted:
                    # Once: a second one would mean to leave without the summary.
                    process.send_signal(signal.SIGINT)
                    is_interrupted = True
        assert process.wait(timeout=60) == 0, shown
    finally:
        process.kill()
        process.wait()
        os.close(leader)
    return shown


def _read(leader: int) -> str:
    try:
        return os.read(leader, 65536).decode(errors="replace")
    except OSError:
        return ""
