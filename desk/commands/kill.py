"""`dualbrain halt`, `resume`, `reset-kelly`: what a person says to a desk from outside."""

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from contracts.errors import SettingsError
from desk.commands.options import DeskOption, footer

ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, in a few words.")]
ByOption = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides this.")]
MarketArgument = Annotated[str, typer.Argument(metavar="MARKET", help="forex, futures, crypto or index.")]

HALT_EPILOG = footer('dualbrain halt --reason "news at 14:30"', "dualbrain halt --desk desk2 --reason test")
RESUME_EPILOG = footer("dualbrain resume", "dualbrain resume --desk desk2")
RESET_EPILOG = footer('dualbrain reset-kelly forex --by "A. Trader" --reason "new stop rule since May"')
_MARKETS = ("forex", "futures", "crypto", "index")


def halt(reason: ReasonOption, desk: DeskOption = None) -> None:
    """Throw the kill switch: no new decision, no new order.

    Works from the next check on, whether a runner trades now or later. Stops
    and targets stay. It is a file named HALT in the desk's folder.
    """
    from desk.commands.files import find_desk, show_banner
    from desk.kill_switch import FileKillSwitch

    name, folder = find_desk(desk)
    switch = FileKillSwitch(folder.path)
    switch.engage(getpass.getuser(), reason, datetime.now(UTC))
    show_banner(name, folder)
    typer.echo(f"{switch.halted_by()}")


def resume(desk: DeskOption = None) -> None:
    """Release the kill switch."""
    from desk.commands.files import find_desk, show_banner
    from desk.kill_switch import FileKillSwitch

    name, folder = find_desk(desk)
    switch = FileKillSwitch(folder.path)
    was_halted = switch.release()
    show_banner(name, folder)
    typer.echo(f"desk {name} runs again" if was_halted else f"desk {name} was not halted; nothing changed")


def reset_kelly(market: MarketArgument, by: ByOption, reason: ReasonOption, desk: DeskOption = None) -> None:
    """Make the Kelly rule forget the closed trades of one market.

    Forgets up to the desk's own time (on replayed prices, that of the prices).
    Written to the journal; takes effect when a runner next starts on the desk.
    The rule does not bind again until enough new trades have closed.
    """
    from contracts.records import DeskState, KellyReset
    from desk.clocks import SystemClock
    from desk.commands.files import find_desk, show_banner
    from desk.environment import describe_environment
    from memory.journal import SqliteJournal

    if market not in _MARKETS:
        raise SettingsError(f"expected a market among {', '.join(_MARKETS)}, found {market!r}")
    if not by.strip() or not reason.strip():
        raise SettingsError("expected --by and --reason to say something, found an empty one")
    name, folder = find_desk(desk)
    clock = SystemClock()
    journal = SqliteJournal(
        folder.journal,
        environment=describe_environment(),
        session_id=f"reset-{clock.now():%Y%m%dT%H%M%S}",
        clock=clock.now,
    )
    try:
        # The rule compares with closing times of trades, which are in the desk's time: on replayed
        # prices that is years before the clock on the wall.
        last = journal.last(DeskState)
        at = clock.now() if last is None else last.now
        row = journal.append(KellyReset(market=market, by=by, reason=reason, at=at), durable=True)
    finally:
        journal.close()
    show_banner(name, folder)
    typer.echo(
        f"row {row.seq}: Kelly forgets the {market} trades closed by {at:%Y-%m-%d %H:%M} UTC; "
        "takes effect when a runner next starts"
    )
