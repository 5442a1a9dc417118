"""`dualbrain demo`: the whole path on bundled data, with the default settings and a fresh desk."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from desk.commands.options import JsonOption, footer
from desk.commands.stop import StopRequest

EPILOG = footer("dualbrain demo", "dualbrain demo --json", exits=(0, 2, 4, 5))
END = datetime(2017, 5, 1, tzinfo=UTC)

YearOption = Annotated[
    bool, typer.Option("--whole-year", help="All twelve months of the sample, about three times as long.")
]


def demo(is_whole_year: YearOption = False, is_json: JsonOption = False) -> None:
    """Run the whole path on four months of bundled EUR/USD hours.

    Needs no key, no network and no settings: each time a fresh desk with the
    defaults. Ctrl+C stops between two steps and prints the summary so far.
    """
    with StopRequest() as stop:
        from desk.commands.drive import drive, show
        from desk.settings import FeedSettings, Settings, desk_home
        from markets.replay_feed import ReplayFeedSettings

        window = ReplayFeedSettings(end=None if is_whole_year else END)
        settings = Settings(desk=_fresh_name(desk_home()), feed=FeedSettings(replay=window))
        show(drive(settings, stop, command="dualbrain demo"), is_json=is_json)


def _fresh_name(home: Path) -> str:
    name = f"demo-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    names = [name, *(f"{name}-{n}" for n in range(2, 1000))]
    return next(candidate for candidate in names if not (home / candidate).exists())
