"""The kill switch: no reason and no character keeps a desk from being halted."""

import errno
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.errors import JournalUnavailable
from desk.kill_switch import FileKillSwitch

AT = datetime(2026, 1, 2, tzinfo=UTC)


def test_a_reason_in_another_encoding_halts_all_the_same(tmp_path: Path) -> None:
    switch = FileKillSwitch(tmp_path)
    switch.engage("kim", "news \udcff \x1b[2J", AT)
    assert "kim at 2026-01-02 00:00:00 UTC: news ?" in str(switch.halted_by())


def test_a_halt_file_of_any_bytes_halts(tmp_path: Path) -> None:
    (tmp_path / "HALT").write_bytes(b"\xff\x00stop")
    assert "stop" in str(FileKillSwitch(tmp_path).halted_by())


def test_a_full_disk_that_takes_the_file_but_not_its_words_has_halted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(path: Path, *_words: object, **_coding: object) -> int:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", cut)
    switch = FileKillSwitch(tmp_path)
    switch.engage("kim", "news", AT)
    assert "no reason given" in str(switch.halted_by())


def test_a_file_that_could_not_be_made_has_not_halted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_path: Path, *_words: object, **_coding: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "write_text", refused)
    with pytest.raises(JournalUnavailable, match="the desk is NOT halted"):
        FileKillSwitch(tmp_path).engage("kim", "news", AT)
