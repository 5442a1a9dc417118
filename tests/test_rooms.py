"""Common names do no harm as long as they are ours, and each room has its door sign."""

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("agents", "contracts", "desk", "graphs", "markets", "memory", "prompts", "tools", "tui")


@pytest.mark.parametrize("room", ROOMS)
def test_room_is_the_one_in_this_repository(room: str) -> None:
    module = importlib.import_module(room)
    assert module.__file__ is not None
    assert Path(module.__file__).resolve() == ROOT / room / "__init__.py"


@pytest.mark.parametrize("room", ROOMS)
def test_room_says_what_lives_there_and_holds_no_code_at_the_door(room: str) -> None:
    text = (ROOT / room / "__init__.py").read_text(encoding="utf-8").strip()
    assert text.startswith('"""')
    assert text.count('"""') == 2
    assert text.endswith('"""')
    assert len(text) > 80


@pytest.mark.parametrize("path", sorted(p for room in ROOMS for p in (ROOT / room).rglob("*.py")), ids=str)
def test_no_file_is_two_ideas_long(path: Path) -> None:
    limit = 700 if path.name == "records.py" else 400
    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit
    assert path.stem not in ("utils", "helpers", "common", "base")


def test_core_lock_pulls_nothing_heavy() -> None:
    lines = (ROOT / "locks" / "core.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.split("==")[0].lower() for line in lines if line[:1].isalpha()}
    assert len(pinned) > 40
    assert not pinned & {"torch", "ccxt", "ib-async", "ib_async", "fastapi", "ray"}
