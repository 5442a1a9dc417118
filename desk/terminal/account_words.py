"""The account in words: what it is worth, and what it holds.

As last recorded; where the desk runs here and its broker has answered since, as the broker told it.
"""

from collections.abc import Iterable, Mapping

from agents.desk_results import AccountSeen, drawdown_of
from contracts.canonical import Amount
from contracts.market import Quote
from contracts.records import Order, OrderIntent, Position
from desk.present import gain, moment, money, percent, price, quantity
from desk.terminal.own_desk import Seen
from graphs.execution import mark_account
from markets.instruments import resolve
from tui.door import Rows, Sheet

_HEAD = ("instrument", "position", "average price", "price now", "P&L", "stop", "target")


def account_now(recorded: AccountSeen | None, seen: Seen | None) -> AccountSeen | None:
    """The newer of the two; None before the first cycle."""
    if recorded is None or seen is None or seen.account is None or seen.at < recorded.at:
        return recorded
    marks = mark_account(recorded.marks, seen.account)
    return recorded.model_copy(
        update={
            "at": seen.at,
            "marks": marks,
            "drawdown_pct": drawdown_of(marks),
            "positions": tuple(each for each in seen.account.positions if each.quantity),
        }
    )


def account_rows(account: AccountSeen | None) -> Rows:
    """What the account is worth, and since when it fell or gained."""
    if account is None:
        return (("account", "no cycle on record yet"),)
    marks = account.marks
    fallen = "-" if account.drawdown_pct is None else percent(account.drawdown_pct)
    return (
        ("equity", money(marks.equity, marks.currency)),
        ("balance", money(marks.balance, marks.currency)),
        ("open P&L", gain(marks.equity - marks.balance, marks.currency)),
        ("today", gain(marks.equity - marks.day_open_equity, marks.currency)),
        ("peak", money(marks.peak_equity, marks.currency)),
        ("drawdown", f"{fallen} from the peak"),
        ("as of", moment(account.at)),
    )


def position_lines(account: AccountSeen | None) -> tuple[str, ...]:
    """One line a position."""
    if account is None:
        return ()
    return tuple(
        f"{quantity(each.quantity)} {each.instrument_id} "
        f"at {price(each.average_price, resolve(each.instrument_id).tick_size)}, "
        f"{gain(each.unrealized_pnl, account.marks.currency)}"
        for each in account.positions
    )


def open_rows(account: AccountSeen | None, orders: Iterable[tuple[OrderIntent, Order | None]]) -> Rows:
    """What goes on at the venue whatever the desk decides: positions with what protects them, orders."""
    held = () if account is None else account.positions
    rows = [
        (
            each.instrument_id,
            f"{quantity(each.quantity)} at {_price(each, each.average_price)}, "
            f"stop {_price(each, each.stop_price)}, target {_price(each, each.target_price)}",
        )
        for each in held
    ]
    for intent, order in orders:
        state = "not sent yet" if order is None else order.state.lower().replace("_", " ")
        rows.append((f"order {intent.instrument_id}", f"{intent.side} {quantity(intent.quantity)}, {state}"))
    return tuple(rows)


def position_sheet(
    account: AccountSeen | None, quotes: Mapping[str, Quote | None], opened_by: Mapping[str, str]
) -> Sheet:
    """One row a position; `opened_by` names the cycle whose order opened it, by instrument."""
    if account is None:
        return Sheet(head=_HEAD)
    rows = [
        (
            each.instrument_id,
            f"{quantity(each.quantity)} {'long' if each.quantity > 0 else 'short'}",
            _price(each, each.average_price),
            _closing(account, each, quotes.get(each.instrument_id)),
            gain(each.unrealized_pnl, account.marks.currency),
            _price(each, each.stop_price),
            _price(each, each.target_price),
        )
        for each in account.positions
    ]
    cycles = tuple(opened_by.get(each.instrument_id) for each in account.positions)
    return Sheet(head=_HEAD, rows=tuple(rows), cycles=cycles)


def _price(held: Position, value: Amount | float | None) -> str:
    return "-" if value is None else price(value, resolve(held.instrument_id).tick_size)


def _closing(account: AccountSeen, held: Position, quote: Quote | None) -> str:
    """The price that would close it; with its time where it is older than the account."""
    if quote is None:
        return "-"
    told = _price(held, quote.bid if held.quantity > 0 else quote.ask)
    return told if quote.at >= account.at else f"{told} at {quote.at:%H:%M}"
