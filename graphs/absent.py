"""The world as a replay finds it: a clock that stands, and nobody to ask."""

from collections.abc import Sequence
from datetime import datetime
from typing import NoReturn

from contracts.errors import InvariantBroken, NotOnRecord
from contracts.market import BarClosed, Bars, Quote, Timeframe
from contracts.ports import AccountState, OrderUpdate
from contracts.records import DeskState, MarketSnapshot, OrderIntent, Rate
from markets.snapshot import SnapshotSettings


class Stopped:
    """The clock as it stood."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    def advance(self, to: datetime) -> None:
        raise InvariantBroken(f"expected no time to pass in a replay, found a move to {to}")


class Absent:
    """The outside world, which a replay never asks."""

    name = "absent"

    def _refuse(self, what: str) -> NotOnRecord:
        return NotOnRecord(f"expected {what} on record, found none: the world cannot be asked again")

    def instruments(self) -> tuple[str, ...]:
        raise self._refuse("instruments")

    def events(self, timeframe: Timeframe) -> NoReturn:
        raise self._refuse(f"{timeframe} events")

    async def bars(self, instrument_id: str, timeframe: Timeframe, until: datetime, count: int) -> Bars:
        raise self._refuse(f"{count} {timeframe} bars of {instrument_id} until {until}")

    async def quote(self, instrument_id: str, at: datetime) -> Quote | None:
        raise self._refuse(f"a quote of {instrument_id} at {at}")

    async def rates(self, at: datetime) -> tuple[Rate, ...]:
        raise self._refuse(f"rates at {at}")

    async def observe(self, state: DeskState, rules: SnapshotSettings) -> MarketSnapshot:
        raise self._refuse(f"a snapshot of {state.instrument_id}")

    async def account(self) -> AccountState:
        raise self._refuse("the account")

    async def find_order(self, client_order_id: str) -> OrderUpdate | None:
        raise self._refuse(f"the venue's word on {client_order_id}")

    async def submit(self, intent: OrderIntent) -> OrderUpdate:
        raise self._refuse(f"an answer to {intent.client_order_id}")

    async def collect(self, bars: Sequence[BarClosed], rates: Sequence[Rate]) -> tuple[OrderUpdate, ...]:
        raise self._refuse(f"executions on {len(bars)} bars and {len(rates)} rates")

    def halted_by(self) -> str | None:
        raise self._refuse("the kill switch")
