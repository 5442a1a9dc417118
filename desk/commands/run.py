"""`dualbrain run`: trade the configured feed, alone inside the limits or asking a person."""

from pathlib import Path
from typing import Annotated

import typer

from contracts.errors import SettingsError
from desk.commands.options import (
    DeskOption,
    JsonOption,
    SampleOption,
    SetOption,
    footer,
    parse_moment,
    parse_pairs,
)
from desk.commands.stop import StopRequest

FeedOption = Annotated[
    Path | None,
    typer.Option("--feed", metavar="FILE", help="TOML file that describes price files, as under \\[feed]."),
]
SymbolsOption = Annotated[
    str | None, typer.Option("--symbols", metavar="A,B", help="Decide only on these instruments of the feed.")
]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="First closing time decided on (UTC).")
]
ToOption = Annotated[
    str | None, typer.Option("--to", metavar="TIME", help="Last closing time decided on (UTC).")
]
IntervalOption = Annotated[
    str | None, typer.Option("--interval", metavar="1h", help="Bars to decide on: 1m 5m 15m 30m 1h 4h 1d 1w.")
]
AutonomousOption = Annotated[
    bool | None, typer.Option("--autonomous/--ask", help="Trade alone inside the limits, or ask a person.")
]
BrainsOption = Annotated[
    str | None,
    typer.Option("--brains", metavar="MODE", help="Who decides: technical, technical+panel or dual."),
]
OnceOption = Annotated[bool, typer.Option("--once", help="Stop after the next closing moment.")]
WaitOption = Annotated[
    float,
    typer.Option(
        "--wait", metavar="SECONDS", min=0, help="Hold the desk so long for an answer given elsewhere."
    ),
]

EPILOG = footer(
    "dualbrain run --sample eurusd-2017 --from 2017-03-01 --to 2017-04-01",
    "dualbrain run --ask --desk desk2 --set limits.risk_per_trade_pct=0.5",
    "dualbrain run --feed prices.toml --interval 4h --json",
    exits=(0, 2, 3, 4, 5),
)


def run(
    feed: FeedOption = None,
    sample: SampleOption = None,
    symbols: SymbolsOption = None,
    start: FromOption = None,
    end: ToOption = None,
    interval: IntervalOption = None,
    autonomous: AutonomousOption = None,
    brains: BrainsOption = None,
    once: OnceOption = False,
    wait: WaitOption = 0.0,
    desk: DeskOption = None,
    changes: SetOption = None,
    is_json: JsonOption = False,
) -> None:
    """Trade a feed on a paper account, alone or asking a person.

    Ctrl+C or SIGTERM stops between two steps, prints the summary and exits 0;
    a second one leaves at once (130), and the next run finishes what was cut.
    Asking without a terminal, questions stand until they expire, unanswered.
    """
    with StopRequest() as stop:
        from desk.commands.drive import drive, show
        from desk.commands.files import settings_of

        overrides = feed_overrides(feed, sample, start, end) | parse_pairs(changes)
        if interval is not None:
            overrides["timeframe"] = interval
        if autonomous is not None:
            overrides["approval.policy"] = "autonomous" if autonomous else "ask"
        if brains is not None:
            overrides["mode"] = brains
        if desk is not None:
            overrides["desk"] = desk
        if symbols is not None:
            overrides["feed.replay.scan"] = [name.strip() for name in symbols.split(",")]
        settings = settings_of(overrides)
        driven = drive(settings, stop, command="dualbrain run", once=once, wait_s=wait)
        show(driven, is_json=is_json)


def feed_overrides(
    feed: Path | None,
    samples: list[str] | None,
    start: str | None,
    end: str | None,
) -> dict[str, object]:
    """What the feed options say, as dotted settings; sources named here replace the settings' own."""
    overrides: dict[str, object] = {}
    if feed is not None or samples:
        overrides |= {"feed.samples": samples or [], "feed.files": []}
    if feed is not None:
        overrides |= {f"feed.{name}": value for name, value in _read_feed_file(feed).items()}
        if samples:
            overrides["feed.samples"] = samples
    if start is not None:
        overrides["feed.replay.start"] = parse_moment(start, "--from").isoformat()
    if end is not None:
        overrides["feed.replay.end"] = parse_moment(end, "--to").isoformat()
    return overrides


def _read_feed_file(path: Path) -> dict[str, object]:
    import tomllib

    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"expected a TOML file that describes a feed at {path}, found: {error}") from None
    feed = tree.get("feed", tree)
    if not isinstance(feed, dict) or not feed:
        raise SettingsError(f"expected keys of the feed section in {path}, such as [[files]], found none")
    return feed
