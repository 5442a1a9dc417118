"""The session: recovery by law, unknown orders, one runner, marks, and what restarts must not change."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import LeaseHeld, OrderStateUnknown, SettingsError, VenueRejected, VenueThrottled
from contracts.ports import OrderUpdate
from contracts.records import (
    TERMINAL_STATES,
    DeskState,
    Fill,
    KellyReset,
    Order,
    OrderIntent,
    Outcome,
    Portfolio,
    TradeProposal,
)
from desk.settings import load_settings
from desk.wiring import open_desk
from graphs.replay import Replayer
from tests.graphs.scene import Scene, scene

ENTRY = "2017-01-04T10:00Z"


class Crash(BaseException):
    """Ends a run the way a crash would: nothing may catch it."""


class Venue:
    """The paper venue behind a wire that does what a test says."""

    def __init__(self, inner: Any, *, fail: BaseException | None = None, where: str = "submit") -> None:
        self._inner = inner
        self._fail = fail
        self._where = where
        self.n_sent = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def find_order(self, client_order_id: str) -> OrderUpdate | None:
        if self._fail is not None and self._where == "find_order":
            raise self._fail
        found: OrderUpdate | None = await self._inner.find_order(client_order_id)
        return found

    async def submit(self, intent: OrderIntent) -> OrderUpdate:
        self.n_sent += 1
        if self._where == "after":
            await self._inner.submit(intent)
        if self._fail is not None and self._where in ("submit", "after"):
            failure = self._fail
            if isinstance(failure, VenueThrottled):
                self._fail = None
            raise failure
        update: OrderUpdate = await self._inner.submit(intent)
        return update


class Later:
    """A clock that stands where a test puts it."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    def advance(self, to: datetime) -> None:
        """Nothing: this clock is already past it."""


@contextmanager
def _scene_with(home: Path, last: str = ENTRY, **venue: Any) -> Iterator[tuple[Scene, Venue]]:
    from dataclasses import replace

    from graphs.session import Session
    from graphs.weights import WeightsKeeper
    from markets.bars import ChunkWriter

    with scene(home, first=ENTRY, last=last) as told:
        wire = Venue(told.runner.desk.broker, **venue)
        desk = replace(told.runner.desk, broker=wire)
        settings = told.runner.settings
        weights = WeightsKeeper(
            desk.feed, desk.journal, ChunkWriter(desk.blobs), settings.timeframe, settings.cycle.composite
        )
        session = Session(desk, weights, code_hash="0" * 64, listener=told.events.append)
        yield Scene(replace(told.runner, desk=desk, session=session), session, told.events), wire


async def _crash_before_sending(home: Path) -> OrderIntent:
    with _scene_with(home, fail=Crash(), where="find_order") as (told, _):
        with pytest.raises(Crash):
            await told.run()
        intent: OrderIntent = told.records(OrderIntent)[0]
        assert told.runner.journal.unfinished_cycles() == (intent.cycle_id,)
        return intent


async def test_an_intent_found_after_its_time_is_journaled_as_expired_and_never_sent(tmp_path: Path) -> None:
    intent = await _crash_before_sending(tmp_path)
    late = Later(intent.valid_until + timedelta(seconds=1))
    with scene(tmp_path, first=ENTRY, last=ENTRY, clock=late) as told:
        await told.session.start(told.runner.journal.unfinished_cycles())
        (order,) = told.records(Order)
        assert (order.state, order.venue_order_id) == ("EXPIRED", None)
        assert "never sent" in order.reason
        assert (await told.runner.desk.broker.account()).working == ()
        assert told.runner.journal.unfinished_cycles() == ()


async def test_a_cycle_cut_short_is_finished_under_the_settings_it_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Crash

    with scene(tmp_path, first=ENTRY, last=ENTRY) as told:
        monkeypatch.setattr("graphs.nodes.assess_gate", die)
        with pytest.raises(Crash):
            await told.run()
        monkeypatch.undo()
    other: dict[str, object] = {"approval.policy": "ask", "limits.risk_per_trade_pct": 0.1}
    with scene(tmp_path, other, first=ENTRY, last=ENTRY) as told:
        await told.session.start(told.runner.journal.unfinished_cycles())
        assert told.records(TradeProposal)[0].risk_pct == pytest.approx(1, rel=0.01)
        assert [order.state for order in told.records(Order)] == ["ACCEPTED"]
        replayer = Replayer(told.runner.journal, told.runner.desk.blobs)
        result = await replayer.replay(told.records(DeskState)[-1].cycle_id)
    assert (result.verdict, result.differences) == ("identical", ())


async def test_an_intent_found_in_time_is_sent_once(tmp_path: Path) -> None:
    intent = await _crash_before_sending(tmp_path)
    with _scene_with(tmp_path) as (told, wire):
        await told.session.start(told.runner.journal.unfinished_cycles())
        assert wire.n_sent == 1
        assert [o.state for o in told.records(Order)] == ["ACCEPTED"]
        assert told.records(Order)[0].client_order_id == intent.client_order_id


async def test_an_order_of_unknown_fate_is_not_sent_again_and_counts_as_exposure(tmp_path: Path) -> None:
    lost = OrderStateUnknown("no answer within 5 s")
    with _scene_with(tmp_path, fail=lost) as (told, wire):
        await told.run()
        assert [o.state for o in told.records(Order)] == ["UNKNOWN"]
        intent = told.records(OrderIntent)[0]
        exposed = told.runner.desk.ledger.unacknowledged()
        assert [e.client_order_id for e in exposed] == [intent.client_order_id]
        await told.session.reconcile()
        assert wire.n_sent == 1
        assert [o.state for o in told.records(Order)] == ["UNKNOWN", "CANCELED"]
        assert told.runner.desk.ledger.unacknowledged() == ()


async def test_an_order_that_did_arrive_is_found_by_asking_not_by_sending(tmp_path: Path) -> None:
    with _scene_with(tmp_path, fail=OrderStateUnknown("the line dropped"), where="after") as (told, wire):
        await told.run()
        await told.session.reconcile()
        assert wire.n_sent == 1
        assert [o.state for o in told.records(Order)] == ["UNKNOWN", "ACCEPTED"]


async def test_an_unknown_order_is_asked_about_at_every_step(tmp_path: Path) -> None:
    lost = OrderStateUnknown("the line dropped")
    with _scene_with(tmp_path, last="2017-01-04T11:00Z", fail=lost, where="after") as (told, wire):
        await told.run()
        assert wire.n_sent == 1
        assert [o.state for o in told.records(Order)] == ["UNKNOWN", "ACCEPTED", "FILLED"]


async def test_a_restart_with_an_unknown_order_reconciles_once_and_goes_on(tmp_path: Path) -> None:
    with _scene_with(tmp_path, fail=OrderStateUnknown("the line dropped")) as (told, _):
        await told.run()
        assert [o.state for o in told.records(Order)] == ["UNKNOWN"]
    with _scene_with(tmp_path, last="2017-01-04T12:00Z") as (told, _):
        await told.run()
        first = told.records(OrderIntent)[0].client_order_id
        states = [o.state for o in told.records(Order) if o.client_order_id == first]
        assert states == ["UNKNOWN", "CANCELED"]
        assert told.runner.desk.ledger.in_state_unknown() == ()
        assert told.runner.desk.ledger.unacknowledged() == ()


async def test_a_desk_with_more_orders_than_it_remembers_opens_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphs.ledger.KEPT_DONE", 1)
    last = "2017-01-05T06:00Z"
    with scene(tmp_path, last=last) as told:
        await told.run()
        assert len(told.records(OrderIntent)) > 3
        before = told.runner.desk.ledger
        n_closed = before.stats("forex").n_closed
    with scene(tmp_path, last=last) as told:
        ledger = told.runner.desk.ledger
        assert ledger.stats("forex").n_closed == n_closed
        assert ledger.open_trades.keys() == before.open_trades.keys()
        assert ledger.closed_without_outcome == []
        done = [order for order in ledger.orders.values() if order.state in TERMINAL_STATES]
        assert len(done) <= 1 + len(ledger.open_trades)


async def test_while_the_venue_stays_silent_the_order_stays_unknown(tmp_path: Path) -> None:
    silent = OrderStateUnknown("no answer")
    with _scene_with(tmp_path, fail=silent, where="find_order") as (told, wire):
        await told.run()
        await told.session.reconcile()
        assert wire.n_sent == 0
        assert [o.state for o in told.records(Order)] == ["UNKNOWN"]


class _HaltsAtTheLastMoment:
    """Lets the requote pass and stands when the order is about to be sent."""

    def __init__(self, n_passes: int) -> None:
        self._n_left = n_passes

    def halted_by(self) -> str | None:
        self._n_left -= 1
        return None if self._n_left >= 0 else "halted: by hand"


async def test_a_halt_between_the_intent_and_its_sending_sends_nothing(tmp_path: Path) -> None:
    asked_before = ("the cycle", "the requote")
    switch = _HaltsAtTheLastMoment(len(asked_before))
    with scene(tmp_path, first=ENTRY, last=ENTRY, kill_switch=switch) as told:
        await told.run()
        assert told.records(OrderIntent)
        (order,) = told.records(Order)
        assert (order.state, order.reason) == ("CANCELED", "never sent: halted: by hand")
        assert (await told.runner.desk.broker.account()).working == ()


async def test_a_rejection_by_the_venue_is_recorded_and_ends_the_cycle(tmp_path: Path) -> None:
    with _scene_with(tmp_path, fail=VenueRejected("market is closed")) as (told, _):
        await told.run()
        (order,) = told.records(Order)
        assert (order.state, order.reason) == ("REJECTED", "market is closed")
        assert told.runner.journal.unfinished_cycles() == ()


async def test_a_throttled_order_waits_and_is_sent_again(tmp_path: Path) -> None:
    patience = VenueThrottled("too many requests", retry_after_s=0.001)
    with _scene_with(tmp_path, fail=patience) as (told, wire):
        await told.run()
        assert wire.n_sent == 2
        assert [o.state for o in told.records(Order)] == ["ACCEPTED"]


async def test_an_exposure_that_appears_while_approved_goes_back_to_the_guard(tmp_path: Path) -> None:
    with scene(tmp_path, {"approval.policy": "ask", "approval.time_to_live_s": 1800}, last=ENTRY) as told:
        await told.run()
        ((cycle_id, pending),) = told.session.pending.items()
        from contracts.records import Exposure

        stranger = Exposure(
            kind="intent",
            instrument_id="EURUSD",
            client_order_id="db-other",
            quantity=Decimal(-1000),
            price=Decimal("1.04"),
            is_reduce_only=False,
        )
        ledger = told.runner.desk.ledger
        ledger.unacknowledged = lambda: (stranger,)  # type: ignore[method-assign]
        await told.session.answer(
            cycle_id, pending.request.record_id, is_granted=True, by="trader", reason=""
        )
        assert [p.round for p in told.records(Portfolio)] == [0, 1]
        assert told.records(Portfolio)[1].exposures == (stranger,)
        assert not told.records(OrderIntent)


def test_a_second_runner_is_refused_and_told_who_holds_the_desk(tmp_path: Path) -> None:
    import os

    settings = load_settings({"desk": "scene"}, where=tmp_path)
    with (
        open_desk(settings, command="first", home=tmp_path),
        pytest.raises(LeaseHeld, match=rf"pid {os.getpid()} .*running first"),
        open_desk(settings, command="second", home=tmp_path),
    ):
        pass
    with open_desk(settings, command="third", home=tmp_path):
        pass


def test_two_desks_never_share_an_account(tmp_path: Path) -> None:
    one = load_settings({"desk": "one", "account.id": "shared"}, where=tmp_path)
    two = load_settings({"desk": "two", "account.id": "shared"}, where=tmp_path)
    with open_desk(one, command="test", home=tmp_path):
        pass
    with (
        pytest.raises(SettingsError, match="bound to desk one"),
        open_desk(two, command="test", home=tmp_path),
    ):
        pass


async def test_an_account_cannot_be_given_another_beginning(tmp_path: Path) -> None:
    with scene(tmp_path) as told:
        await told.run()
    with (
        pytest.raises(SettingsError, match="starting_balance=100000"),
        scene(tmp_path, {"account.starting_balance": 50_000}),
    ):
        pass


async def test_a_run_taken_up_again_continues_the_same_account(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for home in (whole, parts):
        home.mkdir()
    with scene(whole) as told:
        await told.run()
        truth = [state.record_id for state in told.records(DeskState)]
    for last in ("2017-01-04T12:00Z", "2017-01-04T16:00Z", "2017-01-04T17:00Z"):
        with scene(parts, last=last) as told:
            await told.run()
            found = [state.record_id for state in told.records(DeskState)]
    assert found == truth


async def test_going_back_in_time_decides_nothing_again(tmp_path: Path) -> None:
    with scene(tmp_path) as told:
        await told.run()
        n_before = len(told.records(DeskState))
    with scene(tmp_path, first="2017-01-03T10:00Z", last="2017-01-04T12:00Z") as told:
        await told.run()
        assert len(told.records(DeskState)) == n_before
        assert told.session.tally.n_already_done > 0


async def test_a_daily_bar_that_closes_on_friday_trades_at_mondays_open(tmp_path: Path) -> None:
    daily: dict[str, object] = {"feed.samples": ["spx-daily"], "timeframe": "1d"}
    with scene(tmp_path, daily, first="2017-01-01T00:00Z", last="2017-12-31T00:00Z") as told:
        await told.run()
        intents = {intent.client_order_id: intent for intent in told.records(OrderIntent)}
        fills = [fill for fill in told.records(Fill) if fill.leg in ("entry", "exit")]
        days = {(intents[f.client_order_id].as_of.weekday(), f.at.weekday()) for f in fills}
        assert "EXPIRED" not in {order.state for order in told.records(Order)}
    friday, monday = 4, 0
    assert (friday, monday) in days


async def test_marks_follow_equity_and_the_day_opens_at_17_new_york(tmp_path: Path) -> None:
    with scene(tmp_path, last="2017-01-05T23:00Z") as told:
        await told.run()
        states = {state.as_of: state for state in told.records(DeskState)}
    days = {state.marks.day_opened_at for state in states.values()}
    assert days == {datetime(2017, 1, day, 22, tzinfo=UTC) for day in (3, 4, 5)}
    for state in states.values():
        assert state.marks.peak_equity >= state.marks.equity
        assert state.marks.start_equity == 100_000
    # A position is open over this roll, so the mark of the moment is not the one of an hour before.
    before, at_roll = (states[datetime(2017, 1, 5, hour, tzinfo=UTC)] for hour in (21, 22))
    assert at_roll.positions
    assert before.marks.equity != at_roll.marks.equity
    assert at_roll.marks.day_open_equity == at_roll.marks.equity


async def test_a_trade_that_closed_just_before_a_crash_gets_its_outcome_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_: object) -> None:
        raise Crash

    with scene(tmp_path) as told:
        monkeypatch.setattr("graphs.session.settle", die)
        with pytest.raises(Crash):
            await told.run()
        assert [fill.leg for fill in told.records(Fill)] == ["entry", "stop"]
        assert not told.records(Outcome)
        monkeypatch.undo()
    with scene(tmp_path) as told:
        await told.session.start(told.runner.journal.unfinished_cycles())
        (outcome,) = told.records(Outcome)
        assert outcome.exit_leg == "stop"
        assert told.runner.desk.ledger.stats("forex").n_closed == 1


async def test_a_kelly_reset_forgets_earlier_trades_of_that_market(tmp_path: Path) -> None:
    with scene(tmp_path) as told:
        await told.run()
        outcome = told.records(Outcome)[0]
        assert told.runner.desk.ledger.stats("forex").n_closed == 1
        reset = KellyReset(market="forex", by="trader", reason="new rules", at=outcome.closed_at)
        told.runner.journal.append(reset)
    with scene(tmp_path) as told:
        assert told.runner.desk.ledger.stats("forex").n_closed == 0


async def test_two_instruments_at_one_moment_see_each_others_intents(tmp_path: Path) -> None:
    """The second cycle of a closing moment finds the first one's order among its exposures."""
    with scene(tmp_path, last=ENTRY) as told:
        await told.run()
        await told.session.run_cycle("EURUSD", datetime(2017, 1, 4, 10, tzinfo=UTC), nonce="second")
        second = told.records(Portfolio)[1]
        assert [e.kind for e in second.exposures] == ["working_order"]
        assert len(told.records(OrderIntent)) == 1
        assert told.records(TradeProposal)[1].quantity > 0
