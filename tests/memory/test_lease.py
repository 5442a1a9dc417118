"""One runner a desk, one desk an account; a dead holder holds nothing."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contracts.errors import JournalUnavailable, LeaseHeld, SettingsError
from memory.lease import DeskLease, claim_account, holder_of
from tests.conftest import ROOT
from tests.factories import AS_OF

_HOLD = """
import sys
from pathlib import Path
from memory.lease import DeskLease
DeskLease(Path(sys.argv[1]), "dualbrain run").acquire()
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def _holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _HOLD, str(folder)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_who_holds_a_desk_is_told_in_words_and_asking_takes_nothing(tmp_path: Path) -> None:
    assert holder_of(tmp_path) is None
    with _holder(tmp_path) as process:
        for _ in range(3):
            assert holder_of(tmp_path) is not None
        assert str(holder_of(tmp_path)).startswith(f"dualbrain run, pid {process.pid}, user ")
        process.kill()
        process.wait()
        # Its name still stands there, and nobody is behind it.
        assert (tmp_path / "desk.holder.json").exists()
        assert holder_of(tmp_path) is None
    with DeskLease(tmp_path, "dualbrain chat"):
        assert str(holder_of(tmp_path)).startswith("dualbrain chat, pid ")


def test_a_second_runner_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    with (
        DeskLease(tmp_path, "dualbrain run", clock=lambda: AS_OF),
        pytest.raises(LeaseHeld) as caught,
    ):
        DeskLease(tmp_path, "dualbrain chat").acquire()
    said = str(caught.value)
    for part in (f"pid {os.getpid()}", socket.gethostname(), "2026-03-02T15:00:00", "dualbrain run", "user"):
        assert part in said
    holder = caught.value.fields["holder"]
    assert isinstance(holder, dict)
    assert holder["pid"] == os.getpid()


def test_a_released_lease_is_free_and_leaves_no_holder(tmp_path: Path) -> None:
    lease = DeskLease(tmp_path / "desk", "run")
    lease.acquire()
    lease.acquire()
    lease.release()
    lease.release()
    assert not (tmp_path / "desk" / "desk.holder.json").exists()
    with DeskLease(tmp_path / "desk", "chat"):
        pass


def test_a_lease_is_let_go_when_its_block_fails(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), DeskLease(tmp_path, "run"):
        raise RuntimeError
    with DeskLease(tmp_path, "chat"):
        pass


def test_two_desks_hold_two_leases(tmp_path: Path) -> None:
    with DeskLease(tmp_path / "a", "run"), DeskLease(tmp_path / "b", "run"):
        pass


@pytest.mark.slow
def test_another_process_holds_the_lease_until_it_is_killed(tmp_path: Path) -> None:
    with _holder(tmp_path) as process:
        with pytest.raises(LeaseHeld, match=f"pid {process.pid} ") as caught:
            DeskLease(tmp_path, "chat").acquire()
        assert "running dualbrain run" in str(caught.value)
        process.send_signal(signal.SIGKILL)
        process.wait()
        stale = json.loads((tmp_path / "desk.holder.json").read_text())
        assert stale["pid"] == process.pid
        with DeskLease(tmp_path, "chat"):
            holder = json.loads((tmp_path / "desk.holder.json").read_text())
            assert (holder["pid"], holder["what"]) == (os.getpid(), "chat")


@pytest.mark.parametrize("content", [None, b"", b"{not json", b"[1]", b'{"pid": 7}'])
def test_a_holder_that_cannot_be_read_still_holds(tmp_path: Path, content: bytes | None) -> None:
    with DeskLease(tmp_path, "run"):
        file = tmp_path / "desk.holder.json"
        file.unlink() if content is None else file.write_bytes(content)
        with pytest.raises(LeaseHeld, match="only runner"):
            DeskLease(tmp_path, "chat").acquire()


def test_a_folder_that_cannot_be_made_stops_the_runner(tmp_path: Path) -> None:
    (tmp_path / "desk").write_text("a file where the folder should be")
    with pytest.raises(JournalUnavailable, match=r"desk\.lock"):
        DeskLease(tmp_path / "desk", "run").acquire()


def test_an_account_stays_with_the_desk_that_claimed_it(tmp_path: Path) -> None:
    claim_account(tmp_path, "101-004-7", "alpha")
    claim_account(tmp_path, "101-004-7", "alpha")
    with pytest.raises(SettingsError, match="bound to desk alpha") as caught:
        claim_account(tmp_path, "101-004-7", "beta")
    assert caught.value.fields["owner"] == "alpha"
    claim_account(tmp_path, "101-004-8", "beta")


@pytest.mark.parametrize("account_id", ["../../outside", "a/b", "..", "DU 12:3*?", "compte-é"])
def test_an_odd_account_id_stays_inside_the_home(tmp_path: Path, account_id: str) -> None:
    claim_account(tmp_path / "home", account_id, "alpha")
    with pytest.raises(SettingsError, match="alpha"):
        claim_account(tmp_path / "home", account_id, "beta")
    assert [p.name for p in tmp_path.iterdir()] == ["home"]
    assert sorted(p.suffix for p in (tmp_path / "home" / ".accounts").iterdir()) == [".json", ".lock"]


@pytest.mark.parametrize(("account_id", "desk"), [("", "alpha"), ("1", "")])
def test_an_unnamed_account_or_desk_is_refused(tmp_path: Path, account_id: str, desk: str) -> None:
    with pytest.raises(SettingsError, match="name both"):
        claim_account(tmp_path, account_id, desk)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_claim_is_refused_and_not_taken_over(tmp_path: Path) -> None:
    claim_account(tmp_path, "1", "alpha")
    (tmp_path / ".accounts" / "1.json").write_text("{")
    with pytest.raises(SettingsError, match="delete the file"):
        claim_account(tmp_path, "1", "alpha")


def test_an_account_id_too_long_for_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JournalUnavailable, match="name a home folder"):
        claim_account(tmp_path, "9" * 300, "alpha")
