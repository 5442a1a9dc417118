"""The hourly forex files of the shared data: ten symbols from MetaTrader, two pairs from OANDA."""

from collections.abc import Mapping
from pathlib import Path

from contracts.market import Bars, Timeframe
from markets.price_file import PriceColumns, PriceFile, read_prices

POINTS = {
    "audjpy": 1e3,
    "audusd": 1e5,
    "eurgbp": 1e5,
    "eurjpy": 1e3,
    "gbpjpy": 1e3,
    "gbpusd": 1e5,
    "usdcad": 1e5,
    "usdchf": 1e5,
    "usdjpy": 1e3,
    "xauusd": 1e2,
}
"""The ten symbols and how many points make 1."""

PRICES = ("open", "high", "low", "close")
_MT5 = PriceColumns(time="Date", open="open", high="high", low="low", close="close", volume="tick_volume")
_OANDA = PriceColumns(
    time="time", **{f"{side}_{price}": f"{side}_{price}" for side in ("bid", "ask") for price in PRICES}
)


def mt5_bars(data: Path, symbol: str) -> Bars:
    source = PriceFile(
        path=data / "fx_hourly" / f"mt5_{symbol}_1h.csv.gz",
        instrument=symbol,
        timeframe=Timeframe.H1,
        columns=_MT5,
        side="bid",
        time_zone="Europe/Athens",
        time_format="%Y-%m-%d %H:%M:%S",
        price_scale=POINTS[symbol],
    )
    return read_prices(source).sides["bid"]


def oanda_sides(data: Path, symbol: str) -> Mapping[str, Bars]:
    source = PriceFile(
        path=data / "fx_hourly" / f"oanda_{symbol}_1h.csv.gz",
        instrument=symbol,
        timeframe=Timeframe.H1,
        columns=_OANDA,
        time_format="%Y%m%d %H:%M",
    )
    return {str(side): bars for side, bars in read_prices(source).sides.items()}
