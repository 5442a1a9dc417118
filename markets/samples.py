"""Real prices that come with the desk, small, so that it runs before anybody has data.

Where each comes from, under which licence, and how its time zone was established: `SOURCES.md`.
"""

from pathlib import Path

from contracts.market import Timeframe
from markets.price_file import PriceColumns, PriceFile
from markets.tick_table import TickFile, TradeColumns

_FOLDER = Path(__file__).parent / "samples"
_COLUMNS = PriceColumns(time="time", open="open", high="high", low="low", close="close", volume="volume")


def sample_sources() -> dict[str, PriceFile]:
    """Descriptions of the bundled files, by name."""
    return {
        # EUR/USD, hourly, ask only, 2017.
        "eurusd-2017": PriceFile(
            path=_FOLDER / "eurusd_1h_2017_ask.csv.gz",
            instrument="EURUSD",
            timeframe=Timeframe.H1,
            columns=_COLUMNS,
            side="ask",
            time_format="%Y-%m-%d %H:%M",
        ),
        "spx-daily": _index("spx_1d.csv.gz", "SPX"),
        "ixic-daily": _index("ixic_1d.csv.gz", "IXIC"),
        # The S&P 500 future by the minute, with what was traded, over Labor Day 2013.
        "es-minutes-2013": PriceFile(
            path=_FOLDER / "es_1m_20130901.csv.gz",
            instrument="ES",
            timeframe=Timeframe.M1,
            columns=_COLUMNS,
            side="trade",
            time_format="%Y-%m-%d %H:%M",
            time_zone="America/Chicago",
        ),
    }


def sample_ticks() -> dict[str, TickFile]:
    """Descriptions of the bundled files of trades, by name."""
    return {
        # One hour of the S&P 500 future, trade by trade, through a fall.
        "es-trades-2013": TickFile(
            path=_FOLDER / "es_trades_20130903.csv.gz",
            instrument="ES",
            columns=TradeColumns(time="time", price="price", quantity="quantity"),
            time_format="%Y-%m-%d %H:%M:%S.%f",
            time_zone="America/Chicago",
        ),
    }


def _index(name: str, instrument: str) -> PriceFile:
    """Daily levels of an index, 1999 to 2018, labelled with the session's date."""
    return PriceFile(
        path=_FOLDER / name,
        instrument=instrument,
        timeframe=Timeframe.D1,
        columns=_COLUMNS,
        side="trade",
        time_format="%Y-%m-%d",
    )
