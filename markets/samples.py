"""Real prices that come with the desk, small, so that it runs before anybody has data.

Where each comes from, under which licence, and how its time zone was established: `SOURCES.md`.
"""

from pathlib import Path

from contracts.market import Timeframe
from markets.price_file import PriceColumns, PriceFile

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
