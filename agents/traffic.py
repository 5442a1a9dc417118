"""Lines to models: for a desk that trades, over the network and onto the record; for a replay, from it.

Every request of a desk goes through `LiveTraffic`: the budget is asked first, and what came of it is in the
journal before anybody acts on it.
"""

import asyncio
from collections.abc import Callable, Iterable

import httpx2

from agents.breaker import Breaker
from agents.budget import Spending
from agents.exchanges import Caller
from agents.key_mask import KeyMask
from agents.line import Line, Outside
from agents.spoken import Words
from contracts.canonical import sha256_hex
from contracts.exchange import Exchange
from contracts.ports import BlobStore, Journal

_A_LINE = 1_000
"""Rows of one cycle are numbered by line: more exchanges than any seat may have."""
_ALL = 2**62
_POOL = httpx2.Limits(max_connections=32, max_keepalive_connections=8)


class LiveTraffic:
    """The way out."""

    def __init__(
        self,
        journal: Journal,
        blobs: BlobStore,
        spending: Spending,
        *,
        breaker: Breaker | None = None,
        halted_by: Callable[[], str | None] = lambda: None,
        transport: httpx2.AsyncBaseTransport | None = None,
        heard: Callable[[Caller, Words], None] = lambda _caller, _words: None,
    ) -> None:
        self._journal = journal
        self._blobs = blobs
        self._spending = spending
        self._breaker = breaker or Breaker(failures=5, rest_s=60.0)
        self._halted_by = halted_by
        self._transport = transport
        self._heard = heard
        self._under_way: set[asyncio.Task[None]] = set()
        newest = journal.newest(Exchange, 1)
        self._read_through = newest[-1].seq if newest else 0
        self._own: set[int] = set()

    def line(self, caller: Caller) -> Line:
        """A line that plays back what this cycle has on record and asks for the rest."""
        recorded = self._journal.find_all(Exchange, caller.cycle_id) if caller.cycle_id else ()
        if caller.cycle_id is not None:
            traded = (exchange for exchange in recorded if exchange.role != "what_if")
            self._spending.remember(caller.cycle_id, traded, self._blobs.get)
        return Line(caller, self._blobs, of_line(caller, recorded), self.outside())

    def outside(self) -> Outside:
        """What a line needs to ask: every request over it is within the budget and on record."""
        return Outside(
            transport=KeyMask(self._way_out()),
            write=self._write,
            cost_of=self._spending.cost_of,
            may_ask=self._may_ask,
            background=self._under_way,
            heard=self._heard,
        )

    async def aclose(self) -> None:
        """End what is under way, put that on record, and let go of the connections."""
        for task in tuple(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        if self._transport is not None:
            await self._transport.aclose()

    def _way_out(self) -> httpx2.AsyncBaseTransport:
        if self._transport is None:
            self._transport = httpx2.AsyncHTTPTransport(limits=_POOL)
        return self._transport

    def _may_ask(self, caller: Caller, tokens_in: int, tokens_out: int) -> str | None:
        if halted := self._halted_by():
            return f"the desk is halted: {halted}"
        if resting := self._breaker.why_not(caller):
            return f"the line to {caller.model} is left alone: {resting}"
        self.hear_of_others()
        return self._spending.may_ask(caller, tokens_in, tokens_out)

    def hear_of_others(self) -> None:
        """What others have put on record since, such as the assistant beside a desk: one day has one cap."""
        rows = self._journal.newest(Exchange, _ALL, after=self._read_through)
        others = (Exchange.from_canonical(row.body) for row in rows if row.seq not in self._own)
        self._spending.note_others(others, self._blobs.get)
        self._own.clear()
        self._read_through = rows[-1].seq if rows else self._read_through

    def _write(self, exchange: Exchange, latency_ms: float | None) -> Exchange:
        # By name and not by place: a panel may be set in another order before a cycle is taken up again.
        line = int(sha256_hex(f"{exchange.role} {exchange.seat}".encode())[:8], 16)
        row = line * _A_LINE + exchange.ordinal
        written = self._journal.append(
            exchange, cycle_id=exchange.cycle_id, ordinal=row, latency_ms=latency_ms
        )
        self._own.add(written.seq)
        self._spending.note(exchange)
        self._breaker.note(exchange)
        return exchange


class RecordedTraffic:
    """The exchanges of one past cycle, and nobody behind them."""

    def __init__(self, blobs: BlobStore, exchanges: Iterable[Exchange]) -> None:
        self._blobs = blobs
        self._exchanges = tuple(exchanges)

    def line(self, caller: Caller) -> Line:
        """A line that plays back and never asks."""
        return Line(caller, self._blobs, of_line(caller, self._exchanges), None)

    def has(self, role: str, seat: str) -> bool:
        """Whether this seat was asked, or not asked for a reason on record."""
        return any((of.role, of.seat) == (role, seat) for of in self._exchanges)


def of_line(caller: Caller, exchanges: Iterable[Exchange]) -> list[Exchange]:
    """Those that this caller's own line made."""
    return [of for of in exchanges if (of.role, of.seat) == (caller.role, caller.seat)]
