"""What a desk that has already decided may be opened with again.

A paper stop is touched by the bars the feed tells and by nothing else. An instrument that is left out,
bars that are skipped, or longer bars (the first would hold hours before the position) would leave an
open position without its stop, so each of them is refused while something is open.
"""

from collections.abc import Iterable
from datetime import timedelta

from contracts.errors import SettingsError
from contracts.records import DeskState
from desk.settings import Settings
from markets.replay_feed import ReplayFeed

_INSTANT = timedelta(milliseconds=1)


def check_same_account(settings: Settings, last: DeskState) -> None:
    """SettingsError where the account is not the one this journal tells of."""
    account = settings.account
    for name, was, now in (
        ("account.id", last.account_id, settings.account_id),
        ("account.currency", last.marks.currency, account.currency),
        ("account.starting_balance", last.marks.start_equity, account.starting_balance),
    ):
        if was != now:
            raise SettingsError(
                f"expected {name}={was}, with which desk {last.desk} began, found {now}; "
                "put it back or choose another desk"
            )


def check_watched(settings: Settings, last: DeskState, at_stake: Iterable[str], feed: ReplayFeed) -> None:
    """SettingsError where the feed would leave a bar of an instrument in `at_stake` untold."""
    for instrument_id in at_stake:
        if fault := _fault(settings, last, instrument_id, feed):
            raise SettingsError(
                f"expected every bar of {instrument_id} from {last.now:%Y-%m-%d %H:%M} UTC on, where desk "
                f"{last.desk} has an open position or order, found {fault}; "
                "carry on as before or choose another desk"
            )


def _fault(settings: Settings, last: DeskState, instrument_id: str, feed: ReplayFeed) -> str | None:
    if settings.timeframe != last.timeframe:
        return f"timeframe {settings.timeframe} in place of {last.timeframe}"
    served = {bar.instrument_id for bar in feed.last_closed(settings.timeframe, last.now)}
    told = [each for each in feed.instruments() if each in served]
    if instrument_id not in told:
        return f"a feed that tells {', '.join(told) or 'nothing of that time'}"
    start = settings.feed.replay.start
    newest = feed.last_closed(settings.timeframe, start - _INSTANT) if start else ()
    skipped = [bar for bar in newest if bar.instrument_id == instrument_id and bar.close_time > last.now]
    return f"bars skipped before {start:%Y-%m-%d %H:%M} UTC" if skipped else None
