"""A desk whose strength compares instruments: the others' bars are loaded, recorded, and read by a replay."""

import json
from pathlib import Path

import pytest

from bench.forex_files import POINTS
from tests.desk.command_line import dualbrain

SYMBOLS = ("audusd", "gbpusd", "usdcad", "usdchf", "usdjpy", "eurgbp")
FILE = """
[[feed.files]]
path = "{path}"
instrument = "{instrument}"
timeframe = "1h"
side = "bid"
time_zone = "Europe/Athens"
time_format = "%Y-%m-%d %H:%M:%S"
price_scale = {points}
[feed.files.columns]
time = "Date"
open = "open"
high = "high"
low = "low"
close = "close"
volume = "tick_volume"
"""


def _settings(data: Path, symbols: tuple[str, ...]) -> str:
    files = [
        FILE.format(
            path=(data / "fx_hourly" / f"mt5_{symbol}_1h.csv.gz").as_posix(),
            instrument=symbol.upper(),
            points=POINTS[symbol],
        )
        for symbol in symbols
    ]
    return '[composite]\nsignals = ["alpha101_033"]\n[feed]\nsamples = []\n' + "".join(files)


def _inputs(journal: Path) -> list[float | None]:
    """What the signal was in every report that had weights."""
    rows = (json.loads(line) for line in journal.read_text().splitlines())
    reports = (row["body"] for row in rows if row.get("kind") == "FormulaReport")
    return [given["z"] for report in reports for given in report["strength"]["inputs"]]


@pytest.mark.slow
@pytest.mark.parametrize(("symbols", "is_compared"), [(SYMBOLS, True), (SYMBOLS[:4], False)])
def test_a_strength_that_compares_needs_five_instruments_and_replays(
    tmp_path: Path, shared_data: Path, symbols: tuple[str, ...], is_compared: bool
) -> None:
    (tmp_path / "dualbrain.toml").write_text(_settings(shared_data, symbols))
    ran = dualbrain(tmp_path, "run", "--from", "2016-03-01T06:00", "--to", "2016-03-02", "--desk", "d")
    assert ran.code == 0, ran.err
    journal = tmp_path / "journal.jsonl"
    assert dualbrain(tmp_path, "audit", "export", str(journal), "--desk", "d").code == 0
    inputs = _inputs(journal)
    assert len(inputs) > 40
    assert all((given is not None) is is_compared for given in inputs)
    replayed = dualbrain(tmp_path, "replay", "--all", "--desk", "d")
    assert (replayed.code, " 0 drifted" in replayed.out) == (0, True)
