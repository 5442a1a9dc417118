"""A desk that is opened again goes on with the same account, and watches everything it holds."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import SettingsError
from contracts.records import AccountMarks, Fill
from desk.settings import load_settings
from desk.wiring import Runner, open_desk
from tests.graphs.scene import FIRST, scene

NOON = "2017-01-04T12:00Z"
"""The short entered at 10:00 is open; its stop is touched before 16:00."""


async def hold_a_short(home: Path) -> None:
    with scene(home, last=NOON) as told:
        await told.run()
        assert [fill.leg for fill in told.records(Fill)] == ["entry"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("account.currency", "EUR", "account.currency=USD"),
        ("account.id", "another", "account.id=paper-scene"),
        ("account.starting_balance", 5, "account.starting_balance=100000"),
    ],
)
async def test_a_desk_is_not_carried_on_with_another_account(
    tmp_path: Path, name: str, value: object, words: str
) -> None:
    await hold_a_short(tmp_path)
    with pytest.raises(SettingsError, match=words), scene(tmp_path, {name: value}):
        pass


@pytest.mark.parametrize(
    ("changes", "first", "words"),
    [
        ({}, "2017-01-04T14:00Z", "bars skipped before 2017-01-04 14:00"),
        ({"timeframe": "4h"}, FIRST, "timeframe 4h in place of 1h"),
        ({"feed.samples": ["spx-daily"]}, FIRST, "nothing of that time"),
    ],
)
async def test_an_open_position_is_never_left_without_bars_that_touch_its_stop(
    tmp_path: Path, changes: dict[str, object], first: str, words: str
) -> None:
    await hold_a_short(tmp_path)
    with pytest.raises(SettingsError, match=words), scene(tmp_path, changes, first=first):
        pass


async def test_an_instrument_with_an_open_position_cannot_be_left_out_of_the_scan(tmp_path: Path) -> None:
    await hold_a_short(tmp_path)
    changes: dict[str, object] = {
        "feed.files": [_another_pair(tmp_path)],
        "feed.replay.scan": ["NZDUSD"],
    }
    with pytest.raises(SettingsError, match=r"EURUSD .* a feed that tells NZDUSD"), scene(tmp_path, changes):
        pass


async def test_a_later_start_that_skips_no_bar_carries_on(tmp_path: Path) -> None:
    await hold_a_short(tmp_path)
    with scene(tmp_path, first="2017-01-04T13:00Z") as told:
        await told.run()
        assert [fill.leg for fill in told.records(Fill)][:2] == ["entry", "stop"]


async def test_a_flat_desk_may_skip_bars(tmp_path: Path) -> None:
    with scene(tmp_path, last=FIRST) as told:
        await told.run()
    with scene(tmp_path, first="2017-01-05T09:00Z", last="2017-01-05T10:00Z") as told:
        await told.run()


async def test_a_position_in_foreign_money_is_worth_the_same_after_a_restart(
    tmp_path: Path,
) -> None:
    settings = load_settings(
        {
            "desk": "euro",
            "account.currency": "EUR",
            "feed.replay.start": FIRST,
            "feed.replay.end": NOON,
        },
        where=tmp_path,
    )
    with open_desk(settings, command="test", home=tmp_path) as runner:
        await runner.start()
        await runner.session.run()
        before = await _account(runner)
    with open_desk(settings, command="test", home=tmp_path) as runner:
        assert await _account(runner) == before
        assert _marks(runner).equity == before.equity


async def _account(runner: Runner) -> Any:
    state = await runner.desk.broker.account()
    assert state.positions
    return state


def _marks(runner: Runner) -> AccountMarks:
    assert runner.session.marks is not None
    return runner.session.marks


def _another_pair(folder: Path) -> dict[str, object]:
    """The hours around noon of a second pair."""
    rows = [f"2017-01-04 {hour:02}:00,0.69,0.70,0.68,0.69" for hour in range(8, 18)]
    path = folder / "nzdusd.csv.gz"
    path.write_bytes(gzip.compress("\n".join(["time,open,high,low,close", *rows]).encode()))
    return {
        "path": str(path),
        "instrument": "NZDUSD",
        "timeframe": "1h",
        "side": "mid",
        "time_format": "%Y-%m-%d %H:%M",
        "columns": {name: name for name in ("time", "open", "high", "low", "close")},
    }
