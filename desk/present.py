"""How the desk speaks to people: numbers, moments, banner, summary. Pure but for the two consoles."""

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NoReturn

from rich.console import Console
from rich.table import Table

from contracts.market import Instrument

if TYPE_CHECKING:
    from graphs.tally import SessionSummary

Number = Decimal | float | int
PIPE_WIDTH = 120
"""Width of what is not a terminal; a table cut at 80 would lose words a script looks for."""
READER_LEFT = 141
"""Exit code when the reader of a pipe went away, as for every other program."""
_SETTLED_ORDERS = ("FILLED", "CANCELED", "REJECTED", "EXPIRED", "UNKNOWN")


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        self.quiet = True
        raise SystemExit(READER_LEFT)


def to_stdout() -> Console:
    """Where results go."""
    return _Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def to_stderr() -> Console:
    """Where banners, progress and questions go, so that a pipe holds results only."""
    return _Console(
        stderr=True, highlight=False, markup=False, width=None if sys.stderr.isatty() else PIPE_WIDTH
    )


def price(value: Number, tick_size: Decimal) -> str:
    """A price with as many decimals as the instrument's tick has."""
    return f"{value:,.{_decimals(tick_size)}f}"


def quantity(value: Number) -> str:
    """A quantity with thousands separators and no idle zeros."""
    text = f"{Decimal(str(value)):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def size(value: Number, instrument: Instrument) -> str:
    """A quantity in units, and in lots where a lot is more than one unit."""
    text = quantity(value)
    if instrument.lot_size <= 1:
        return text
    return f"{text} ({quantity(round(Decimal(str(value)) / instrument.lot_size, 4))} lots)"


def money(value: Number, currency: str) -> str:
    """An amount with thousands separators, cents and its currency."""
    return f"{value:,.2f} {currency}"


def gain(value: Number, currency: str) -> str:
    """An amount with its sign."""
    return f"{value:+,.2f} {currency}"


def percent(value: Number) -> str:
    """Percent with two decimals; `value` is in percent already."""
    return f"{value:,.2f} %"


def number(value: Number | None) -> str:
    """A statistic at six significant digits, or a dash."""
    return "-" if value is None else f"{value:,.6g}"


def moment(at: datetime) -> str:
    """A time to the minute, or the second where it has one, in UTC and saying so."""
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at.second else f"{at:%Y-%m-%d %H:%M} UTC"


def short(cycle_id: str) -> str:
    """Enough of a cycle id to name it."""
    return cycle_id[:12]


def banner(desk: str, account_id: str, *, is_paper: bool) -> str:
    """Which desk, which account, and whether money is real."""
    return f"{'PAPER' if is_paper else 'LIVE'} · desk {desk} · account {account_id}"


def plain_table(columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> Table:
    """A table without lines; columns named in `right` hold numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def facts(rows: Iterable[tuple[str, str]]) -> Table:
    """Names on the left, what they are on the right."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(name, text)
    return table


def summary_facts(summary: "SessionSummary") -> list[tuple[str, str]]:
    """What a session did, a line a subject."""
    performance = summary.performance
    rows = [("ended", summary.why_ended)]
    if summary.first_as_of and summary.last_as_of:
        rows.append(("span", f"{moment(summary.first_as_of)} to {moment(summary.last_as_of)}"))
    rows.append(("cycles", _cycles(summary)))
    rows.append(("stood aside", _ranked((reason_words(c.what), c.n) for c in summary.stood_aside)))
    rows.append(("orders", _orders(summary)))
    rows.append(("closed trades", _ranked((count.what, count.n) for count in performance.exits)))
    if performance.currency is not None:
        rows.append(("performance", _performance(summary)))
    if performance.equity is not None:
        equity = money(performance.equity, performance.currency or "").strip()
        rows.append(("equity", f"{equity}, deepest fall {percent(performance.max_drawdown_pct)}"))
    if summary.n_pending:
        rows.append(("questions", f"{summary.n_pending:,} still waiting; they expire unanswered"))
    return rows


def reason_words(key: str) -> str:
    """`gate: below_minimum` as a person would say it."""
    stage, _, code = key.partition(": ")
    return f"{code.replace('_', ' ')} ({stage})" if code else stage.replace("_", " ")


def _cycles(summary: "SessionSummary") -> str:
    text = f"{summary.n_cycles:,} decided, {summary.n_signals:,} with a signal"
    return f"{text}, {summary.n_already_done:,} done before" if summary.n_already_done else text


def _orders(summary: "SessionSummary") -> str:
    states = {count.what: count.n for count in summary.order_states}
    settled = [f"{states[state]:,} {state.lower()}" for state in _SETTLED_ORDERS if state in states]
    return f"{summary.n_orders:,} sent" + (f": {', '.join(settled)}" if settled else "")


def _performance(summary: "SessionSummary") -> str:
    p = summary.performance
    currency = p.currency or ""
    parts = [
        f"net {gain(p.net_pnl, currency)} after commission {money(p.commission, currency)} "
        f"and swap {money(p.swap, currency)}",
        f"inside the prices: spread {money(p.spread_cost, currency)}, "
        f"slippage {money(p.slippage_cost, currency)}",
    ]
    if p.win_rate is not None:
        parts.append(f"won {p.n_won:,} of {p.n_closed:,} ({percent(p.win_rate * 100)})")
    if p.profit_factor is not None:
        parts.append(f"profit factor {p.profit_factor:.2f}")
    if p.mean_r is not None:
        parts.append(f"mean {p.mean_r:+.3f} R")
    return "\n".join(parts)


def _ranked(counts: Iterable[tuple[str, int]]) -> str:
    rows = [(f"{n:,}", what) for what, n in counts]
    width = max((len(n) for n, _ in rows), default=0)
    return "\n".join(f"{n:>{width}}  {what}" for n, what in rows) or "none"


def _decimals(tick_size: Decimal) -> int:
    exponent = tick_size.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
