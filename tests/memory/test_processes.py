"""Several processes append to one journal; some are killed; some run out of disk."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from memory.anchor import anchor_beside, read_anchor
from memory.audit import AuditReport, verify
from memory.blobs import FileBlobStore
from memory.journal import open_for_reading
from tests.conftest import ROOT
from tests.factories import make_gate
from tests.memory.conftest import OpenJournal


def _start(path: Path, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.memory.writer", str(path), *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _let_go(*writers: subprocess.Popen[str]) -> None:
    """Start them appending at one moment: a process takes longer to start than to write its rows."""
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()


def _verify(path: Path) -> AuditReport:
    return verify(path, FileBlobStore(path.parent / "blobs"))


@pytest.mark.slow
def test_two_processes_append_two_hundred_rows_each_to_one_chain(journal_path: Path) -> None:
    writers = [_start(journal_path, name, 200) for name in ("left", "right")]
    _let_go(*writers)
    for writer in writers:
        said, _ = writer.communicate(timeout=120)
        assert writer.returncode == 0
        assert "unavailable" not in said
    report = _verify(journal_path)
    assert report.problems == ()
    assert report.n_rows == 401  # one environment for both
    assert read_anchor(anchor_beside(journal_path)) == report.head
    reader = open_for_reading(journal_path)
    written_by = [row.session_id for row in reader.rows(after=1)]
    reader.close()
    assert sorted(written_by) == ["left"] * 200 + ["right"] * 200


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_leaves_a_sound_journal(
    journal_path: Path, open_journal: OpenJournal
) -> None:
    for attempt in range(5):
        writer = _start(journal_path, f"w{attempt}", 100_000)
        _let_go(writer)
        assert writer.stdout is not None
        assert writer.stdin is not None
        acknowledged = 0
        for line in writer.stdout:
            acknowledged = int(line) if line.strip().isdigit() else 0
            if acknowledged and acknowledged % 97 == 7 * attempt:
                writer.send_signal(signal.SIGKILL)
                break
        rest = writer.stdout.read().split()  # rows told of before the signal arrived
        writer.stdout.close()
        writer.stdin.close()
        assert writer.wait() == -signal.SIGKILL
        report = _verify(journal_path)
        assert report.problems == ()
        assert report.n_rows >= max([acknowledged, *(int(seq) for seq in rest)])
    journal = open_journal("after")
    n_rows = journal.tip().n_rows
    assert journal.append(make_gate("after")).seq == n_rows + 1
    assert _verify(journal_path).problems == ()


@pytest.mark.slow
def test_a_full_disk_loses_no_acknowledged_row_and_leaves_a_sound_journal(journal_path: Path) -> None:
    writer = _start(journal_path, "w", 400, 200_000)
    _let_go(writer)
    said, _ = writer.communicate(timeout=120)
    lines = said.splitlines()
    acknowledged = [int(line) for line in lines if line.isdigit()]
    assert 0 < len(acknowledged) < 400
    refused = [line for line in lines if not line.isdigit()]
    assert all(line.startswith("unavailable") for line in refused)
    assert lines == [*map(str, acknowledged), *refused]  # nothing was written after the first refusal
    assert "is refused; open the journal again" in refused[1]
    report = _verify(journal_path)
    assert report.problems == ()
    assert report.n_rows == acknowledged[-1]


_DIES_INSIDE = """
import os, sys
from pathlib import Path
from memory.journal import SqliteJournal
from tests.factories import AS_OF, make_environment, make_gate
path = Path(sys.argv[1])
journal = SqliteJournal(path, environment=make_environment(), session_id="c", clock=lambda: AS_OF)
journal._db.conn.execute("BEGIN IMMEDIATE")
journal._insert(make_gate("lost"), None, 0, None)
os.kill(os.getpid(), 9)
"""


@pytest.mark.slow
def test_a_writer_killed_inside_its_transaction_leaves_no_half_row(
    journal_path: Path, open_journal: OpenJournal
) -> None:
    journal = open_journal()
    died = subprocess.run([sys.executable, "-c", _DIES_INSIDE, str(journal_path)], cwd=ROOT, check=False)
    assert died.returncode == -signal.SIGKILL
    assert journal.append(make_gate("a")).seq == 2
    assert _verify(journal_path).problems == ()
