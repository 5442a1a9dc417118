"""Whether what a desk stands on answers: its runner, feed, broker, journal and models. Always in words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from agents.desk_results import has_answered, was_asked
from contracts.exchange import Exchange
from contracts.market import Quote
from contracts.records import DeskState, SessionStarted
from desk.present import moment, number, price
from desk.terminal.own_desk import Seen
from markets.instruments import resolve
from markets.sessions import open_seconds_between
from memory.reader import JournalReader, log_beside
from tui.door import Health

_STALE_BARS = 2
"""Time in session without a price, in bars; the default of `SnapshotSettings.stale_timeframes`."""
_ASKED_SHOWN = 20
_LONGEST = 160


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a journal at the moment of a look."""

    runner: str | None
    """Who runs the desk; None where nobody does."""
    is_own: bool
    has_failed: bool
    """Whether the desk of this terminal ended with an error."""
    halted_by: str | None


def health(
    journal: JournalReader,
    path: Path,
    around: Around,
    seen: Seen | None,
    quotes: Mapping[str, Quote | None],
    asked: Sequence[Exchange],
    today: date,
) -> tuple[Health, ...]:
    """One line a thing; `asked` are the requests to models of `today` in UTC."""
    state, started = journal.last(DeskState), journal.last(SessionStarted)
    return (
        _runner(around),
        _kill_switch(around.halted_by),
        _feed(state, started, seen, quotes),
        _broker(state, seen),
        _journal(journal, path),
        *_models(asked, today),
    )


def _runner(around: Around) -> Health:
    if around.runner is None:
        return Health(name="runner", state="bad", words="nobody runs the desk: an answer waits for a runner")
    where = "this terminal" if around.is_own else "elsewhere"
    return Health(
        name="runner", state="bad" if around.has_failed else "good", words=f"{where}: {around.runner}"
    )


def _kill_switch(halted_by: str | None) -> Health:
    if halted_by is None:
        return Health(name="kill switch", state="good", words="not thrown")
    return Health(name="kill switch", state="bad", words=halted_by)


def _feed(
    state: DeskState | None,
    started: SessionStarted | None,
    seen: Seen | None,
    quotes: Mapping[str, Quote | None],
) -> Health:
    name = "feed" if started is None else f"feed {started.feed}"
    if state is None:
        return Health(name=name, state="unknown", words="no bar decided on yet")
    closed = f"newest bar closed {moment(state.as_of)}"
    now = state.now if seen is None else seen.at
    told = [each for each in quotes.values() if each is not None]
    if not told:
        return Health(name=name, state="unknown" if seen is None else "bad", words=f"{closed}; no quote")
    quote = quotes.get(state.instrument_id) or max(told, key=lambda each: each.at)
    instrument_id = next(each for each, found in quotes.items() if found is quote)
    instrument = resolve(instrument_id)
    spread = number((quote.ask - quote.bid) / float(instrument.pip_size))
    words = (
        f"{closed}; {instrument_id} {price(quote.bid, instrument.tick_size)} / "
        f"{price(quote.ask, instrument.tick_size)}, spread {spread} pips"
        f"{' (assumed)' if quote.is_spread_assumed else ''}, {_span(now - quote.at)} old by the desk's clock"
    )
    if seen is None:
        return Health(name=name, state="unknown", words=f"{words}; as on record")
    stale_s = open_seconds_between(instrument, quote.at, now)
    is_stale = stale_s > _STALE_BARS * state.timeframe.seconds
    return Health(name=name, state="bad" if is_stale else "good", words=words)


def _broker(state: DeskState | None, seen: Seen | None) -> Health:
    if seen is None:
        if state is None:
            return Health(name="broker", state="unknown", words="not asked from here")
        account = _account(state.account_id, is_paper=state.is_paper)
        words = f"{account}; not asked from here, last on record {moment(state.now)}"
        return Health(name="broker", state="unknown", words=words)
    when = f"at {seen.asked_at:%H:%M:%S} UTC on the wall, in {seen.took_ms:,.1f} ms"
    if seen.account is None:
        return Health(name="broker", state="bad", words=f"no answer {when}: {seen.failure}")
    account = _account(seen.account.account_id, is_paper=seen.account.is_paper)
    return Health(name="broker", state="good", words=f"{account}; answered {when}")


def _account(account_id: str, *, is_paper: bool) -> str:
    return f"account {account_id}, {'PAPER' if is_paper else 'LIVE'}"


def _journal(journal: JournalReader, path: Path) -> Health:
    n_rows = journal.tip().n_rows
    newest = next(journal.rows(after=n_rows - 1), None)
    words = f"{n_rows:,} rows, {(_size(path) + _size(log_beside(path))) / 1e6:,.1f} MB"
    if newest is None:
        return Health(name="journal", state="unknown", words=words)
    written = f"last written {moment(newest.written_at)} on the wall"
    return Health(name="journal", state="good", words=f"{words}, {written}")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        # The log goes when the last writer closes the journal.
        return 0


def _models(asked: Sequence[Exchange], today: date) -> Iterator[Health]:
    by_model = dict[tuple[str, str], list[Exchange]]()
    for each in filter(was_asked, asked):
        by_model.setdefault((each.provider, each.model), []).append(each)
    if not by_model:
        yield Health(name="models", state="unknown", words=f"none asked on {today} UTC")
    for (provider, model), exchanges in sorted(by_model.items()):
        newest = exchanges[-_ASKED_SHOWN:]
        failed = [each for each in newest if not has_answered(each)]
        words = f"{len(newest) - len(failed)} of the newest {len(newest)} answered"
        if failed:
            words = f"{words}; newest failure: {_failure(failed[-1])}"
        is_bad = bool(failed) and failed[-1] is newest[-1]
        yield Health(name=f"{provider} {model}", state="bad" if is_bad else "good", words=words)


def _failure(exchange: Exchange) -> str:
    if exchange.outcome == "complete":
        said = f"status {exchange.status}"
    else:
        said = {"deadline": "no answer in time", "cut": "the answer broke off"}.get(
            exchange.outcome, exchange.outcome
        )
    error = " ".join(exchange.error.split())
    return f"{said}: {error}"[:_LONGEST] if error else said


def _span(length: timedelta) -> str:
    seconds = max(int(length.total_seconds()), 0)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
