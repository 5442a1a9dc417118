"""What models may cost: checked before every call at the worst it can come to, and closed where unknown.

Caps count the real day, in UTC, because a provider bills real money whatever day a replayed market shows.
A call under way counts with its worst case until its answer is on record; an answer whose usage or price is
not told keeps counting with it. Seats that ask at once therefore never spend one allowance twice.
"""

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import orjson

from agents.exchanges import LATE, Caller, tokens_in
from agents.providers import Price, cost_usd
from agents.settings import BudgetSettings
from contracts.exchange import Exchange, Tokens
from contracts.records import Budget


class _Cost(NamedTuple):
    usd: Decimal
    tokens: int

    def plus(self, other: "_Cost") -> "_Cost":
        return _Cost(self.usd + other.usd, self.tokens + other.tokens)


_NOTHING = _Cost(Decimal(0), 0)
_CYCLES = 1_000
"""Cycles whose spending is kept, newest first; an older one asks nothing any more."""

PriceOf = Callable[[str, str], Price | None]


class Spending:
    """What was spent, per cycle, day and provider; `today` is the real day in UTC."""

    def __init__(
        self,
        settings: BudgetSettings,
        price_of: PriceOf,
        today: Callable[[], date],
        spent_today: Iterable[Exchange] = (),
    ) -> None:
        self._settings = settings
        self._price_of = price_of
        self._today = today
        self._day = today()
        self._spent: defaultdict[str, _Cost] = defaultdict(lambda: _NOTHING)
        # A cycle's cap is not the day's: it holds through midnight.
        self._cycles: dict[str, _Cost] = {}
        # Several at once of one seat: its client may give up one that is still being read.
        self._under_way: dict[tuple[str | None, str, str], list[_Cost]] = {}
        for exchange in spent_today:
            self.note(exchange)

    def may_ask(self, caller: Caller, tokens_in: int, tokens_out: int) -> str | None:
        """Why this call must not be made, or None; from then on it counts until `note` sees its end."""
        if why := self.why_not(caller, tokens_in, tokens_out):
            return why
        worst = _cost(
            self._price_of(caller.provider, caller.model), Tokens(input=tokens_in, output=tokens_out)
        )
        self._under_way.setdefault((caller.cycle_id, caller.role, caller.seat), []).append(worst)
        return None

    def why_not(self, caller: Caller, tokens_in: int, tokens_out: int) -> str | None:
        """Why this call must not be made, or None; it counts for nothing."""
        self._turn_the_page()
        price = self._price_of(caller.provider, caller.model)
        if price is None and self._settings.unpriced == "refuse":
            return (
                f"no price is known for {caller.model} at {caller.provider}, so no cap in dollars can hold; "
                "set budget.unpriced = count_tokens to bound it by tokens alone"
            )
        worst = _cost(price, Tokens(input=tokens_in, output=tokens_out))
        for name, cap, spent in self._caps(caller.cycle_id, caller.provider):
            would_be = spent.plus(worst)
            used = Decimal(would_be.tokens) if name.startswith("tokens") else would_be.usd
            if used > cap:
                return (
                    f"expected {name} within its cap of {cap:f}, found {used:f} with this call at worst; "
                    f"budget.{name.split()[0]} sets it"
                )
        return None

    def note(self, exchange: Exchange) -> None:
        """An exchange is on record: what it cost takes the place of what it might have."""
        self._turn_the_page()
        if exchange.outcome in ("deadline", "not_asked"):
            # Nothing is over: an answer that comes late is billed too.
            return
        worst = self._no_longer_under_way(exchange)
        if exchange.tokens is not None:
            usd = worst.usd if exchange.cost_usd is None else exchange.cost_usd
            known = _Cost(usd, exchange.tokens.input + exchange.tokens.output)
        else:
            known = _NOTHING if exchange.outcome == "unreachable" else worst
        self._book(exchange.provider, known)
        if exchange.cycle_id is not None:
            self._cycles[exchange.cycle_id] = self._cycles.pop(exchange.cycle_id, _NOTHING).plus(known)
            if len(self._cycles) > _CYCLES:
                del self._cycles[next(iter(self._cycles))]

    def remember(
        self, cycle_id: str, exchanges: Iterable[Exchange], request_of: Callable[[str], bytes]
    ) -> None:
        """What a cycle that is taken up again has spent, on whatever day; what is known of it stays."""
        if cycle_id in self._cycles:
            return
        spent = [_known(each) for each in spent_on_record(exchanges, request_of, self._price_of)]
        if spent:
            self._cycles[cycle_id] = functools.reduce(_Cost.plus, spent)

    def note_others(self, exchanges: Iterable[Exchange], request_of: Callable[[str], bytes]) -> None:
        """What other processes put on record counts for the day; `request_of` reads a blob."""
        self._turn_the_page()
        for each in spent_on_record(exchanges, request_of, self._price_of):
            self._book(each.provider, _known(each))

    def cost_of(self, caller: Caller, tokens: Tokens) -> Decimal | None:
        """Dollars by the catalogue; None where it has no price."""
        price = self._price_of(caller.provider, caller.model)
        return None if price is None else cost_usd(price, tokens)

    def budgets(self) -> tuple[Budget, ...]:
        """The day's caps as a cycle sees them when it begins."""
        self._turn_the_page()
        # A provider's own cap stops its seats alone; the gate would close for all of them.
        caps = self._caps(None, "")
        return tuple(
            Budget(
                name=name,
                cap=cap,
                spent=Decimal(spent.tokens) if name.startswith("tokens") else spent.usd,
            )
            for name, cap, spent in caps
        )

    def _book(self, provider: str, cost: _Cost) -> None:
        for account in ("day", f"provider {provider}"):
            self._spent[account] = self._spent[account].plus(cost)

    def _caps(self, cycle_id: str | None, provider: str | None) -> list[tuple[str, Decimal, _Cost]]:
        settings, day = self._settings, self._spent["day"].plus(self._worst_under_way())
        caps = [
            ("usd_per_day", settings.usd_per_day, day),
            ("tokens_per_day", Decimal(settings.tokens_per_day), day),
        ]
        if cycle_id is not None:
            cycle = self._cycles.get(cycle_id, _NOTHING).plus(self._worst_under_way(cycle_id))
            caps += [
                ("usd_per_cycle", settings.usd_per_cycle, cycle),
                ("tokens_per_cycle", Decimal(settings.tokens_per_cycle), cycle),
            ]
        for name, cap in settings.usd_per_day_of.items():
            if provider in (None, name):
                # Calls under way are not told apart by provider: all of them count, on the safe side.
                spent = self._spent[f"provider {name}"].plus(self._worst_under_way())
                caps.append((f"usd_per_day_of {name}", cap, spent))
        return caps

    def _worst_under_way(self, cycle_id: str | None = None) -> _Cost:
        total = _NOTHING
        for (of_cycle, _role, _seat), worsts in self._under_way.items():
            if cycle_id in (None, of_cycle):
                for worst in worsts:
                    total = total.plus(worst)
        return total

    def _no_longer_under_way(self, exchange: Exchange) -> _Cost:
        """What it may have come to at worst, from now on counted no more."""
        key = _line_of(exchange)
        worsts = self._under_way.get(key)
        if not worsts:
            return _NOTHING
        # Which of several has ended is not known. One whose use is told frees the least; one whose use is not
        # counts for good with the most. Dollars and tokens are each ordered by themselves.
        usd, tokens = sorted(worst.usd for worst in worsts), sorted(worst.tokens for worst in worsts)
        ended = 0 if exchange.tokens is not None or exchange.outcome == "unreachable" else -1
        freed = _Cost(usd.pop(ended), tokens.pop(ended))
        worsts[:] = [_Cost(*left) for left in zip(usd, tokens, strict=True)]
        if not worsts:
            del self._under_way[key]
        return freed

    def _turn_the_page(self) -> None:
        # A clock set back must not give the day's allowance out again.
        if (today := self._today()) > self._day:
            self._day = today
            self._spent.clear()


def spent_on_record(
    exchanges: Iterable[Exchange], request_of: Callable[[str], bytes], price_of: PriceOf
) -> Iterator[Exchange]:
    """For a `Spending` that starts with what an earlier process spent; `request_of` reads a blob.

    What that one counted at its worst is nowhere on record: where no usage was told, or no answer came after
    a deadline, the request itself tells the most it can have come to.
    """
    # Looking up what a server holds costs nothing.
    found = [each for each in exchanges if each.role != "probe" or each.tokens is not None]
    came_late = {(*_line_of(each), each.ordinal - LATE) for each in found if each.outcome == "late"}
    for each in found:
        is_lost = each.outcome == "deadline" and (*_line_of(each), each.ordinal) not in came_late
        was_asked = is_lost or each.outcome in ("complete", "cut", "timeout", "late")
        if was_asked and each.tokens is None and each.request is not None:
            tokens, price = _at_most(request_of(each.request)), price_of(each.provider, each.model)
            cost = None if price is None else cost_usd(price, tokens)
            each = each.model_copy(update={"outcome": "cut", "tokens": tokens, "cost_usd": cost})
        yield each


def _at_most(request: bytes) -> Tokens:
    try:
        body = orjson.loads(request)
    except orjson.JSONDecodeError:
        body = None
    limit = body.get("max_tokens") if isinstance(body, dict) else None
    answered = max(limit, 0) if isinstance(limit, int) else 0
    return Tokens(input=tokens_in(request), output=answered)


def _known(exchange: Exchange) -> _Cost:
    """Of an exchange as `spent_on_record` gives it."""
    if exchange.tokens is None or exchange.outcome in ("deadline", "not_asked"):
        return _NOTHING
    return _Cost(exchange.cost_usd or Decimal(0), exchange.tokens.input + exchange.tokens.output)


def _line_of(exchange: Exchange) -> tuple[str | None, str, str]:
    return (exchange.cycle_id, exchange.role, exchange.seat)


def _cost(price: Price | None, tokens: Tokens) -> _Cost:
    usd = Decimal(0) if price is None else cost_usd(price, tokens)
    return _Cost(usd, tokens.input + tokens.output)
