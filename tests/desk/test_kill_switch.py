"""The kill switch: no reason and no character keeps a desk from being halted."""

from datetime import UTC, datetime
from pathlib import Path

from desk.kill_switch import FileKillSwitch

AT = datetime(2026, 1, 2, tzinfo=UTC)


def test_a_reason_in_another_encoding_halts_all_the_same(tmp_path: Path) -> None:
    switch = FileKillSwitch(tmp_path)
    switch.engage("kim", "news \udcff \x1b[2J", AT)
    assert "kim at 2026-01-02 00:00:00 UTC: news ?" in str(switch.halted_by())


def test_a_halt_file_of_any_bytes_halts(tmp_path: Path) -> None:
    (tmp_path / "HALT").write_bytes(b"\xff\x00stop")
    assert "stop" in str(FileKillSwitch(tmp_path).halted_by())
