"""What the two brains cost: how often the gate opens, what a dual decision says and hears, money a day.

Snapshots are the bundled EUR/USD hours of 2017, each through the desk's own gate at its default settings. A
proposal on a side that is already held is not voted on, so what the panel is asked hangs on what it lets
through: it is counted with nothing traded and with everything traded, loss limits and Kelly's rule lifted.
Decisions at moments drawn from those that the panel is asked on are made in full, by brain and seats on the
small real model of the tests. Its tokenizer writes every digit as a token of its own, so its counts are high
for text as full of numbers as ours; its answers are as long as the schema lets a weak model be. Prices are
the catalogue's, for the default seats.
"""

import asyncio
import random
import statistics
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from agents.providers import Price, cost_usd, find_model
from agents.settings import DEFAULT_SEATS, PanelSettings
from bench.report import publish, table
from contracts.exchange import Exchange, Tokens
from contracts.records import Ballot, FormulaView, Gate
from desk.settings import Settings, load_settings
from desk.wiring import open_desk
from memory.reader import JournalReader
from tests.servers.local_model import LocalModel, local_model_server

SEED = 20_261_121
N_DECISIONS = 6
SNAPSHOTS_A_DAY = 10_000
SECONDS = 300.0
_TRADES_ALL = {
    "consensus.no_quorum": "technical_half",
    "limits.max_daily_loss_pct": 100,
    "limits.max_drawdown_pct": 100,
    "limits.kelly.min_trades": 10_000,
}


def main() -> None:
    """Measure and publish."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        levels, n_asked = _levels(home, "nothing", {})
        _, n_asked_least = _levels(home, "everything", _TRADES_ALL)
        moments = [gate.as_of for gate in levels if gate.level == "vote"]
        drawn = sorted(random.Random(SEED).sample(moments, N_DECISIONS))
        with local_model_server(home) as model:
            decisions = [_decide(home, model, f"d{n}", at.isoformat()) for n, at in enumerate(drawn)]
    shares = (n_asked_least / len(levels), n_asked / len(levels))
    text = f"{_gate_text(levels)}\n\n{_tokens_text(decisions)}\n\n{_money_text(decisions, shares)}"
    publish("cost", "What the two brains cost", text)


def _levels(home: Path, desk: str, changes: Mapping[str, object]) -> tuple[list[Gate], int]:
    """The gate of every bundled snapshot, and how often the panel would be asked; nobody has a key."""
    _run(home, load_settings({"desk": desk, "mode": "dual", **changes}, where=home))
    journal = JournalReader(home / desk / "journal.db")
    gates = list(journal.find_all(Gate))
    n_asked = len({ballot.cycle_id for ballot in journal.find_all(Ballot)})
    journal.close()
    return gates, n_asked


def _run(home: Path, settings: Settings, *, once: bool = False) -> None:
    async def steps() -> None:
        async for bars in runner.desk.feed.events(settings.timeframe):
            await runner.session.step(bars)
            if once:
                break
        await runner.close()

    with open_desk(settings, command="bench", home=home) as runner:
        asyncio.run(steps())


class _Decision:
    """One dual decision on record."""

    def __init__(
        self, exchanges: Sequence[Exchange], ballots: Sequence[Ballot], views: Sequence[FormulaView]
    ) -> None:
        self.exchanges = exchanges
        self.n_ballots = sum(ballot.answer != "ABSTAIN" for ballot in ballots)
        self.n_views = sum(view.abstained is None for view in views)

    def of(self, role: str, *, is_first: bool = False) -> list[Tokens]:
        """Tokens of every request of a role, or of the first of each seat."""
        asked = [e for e in self.exchanges if e.role == role and not (is_first and e.ordinal)]
        return [e.tokens for e in asked if e.tokens is not None]


def _decide(home: Path, model: LocalModel, desk: str, at: str) -> _Decision:
    where = {"provider": "openai-compatible", "model": model.model, "base_url": model.base_url}
    seats = {
        f"seats.{name}.{key}": value
        for name in DEFAULT_SEATS
        for key, value in {**where, "timeout_s": SECONDS}.items()
    }
    brain = {f"brain.{key}": value for key, value in {**where, "ability": "single"}.items()}
    moment = {"feed.replay.start": at, "feed.replay.end": at}
    limits = {"budget.unpriced": "count_tokens", "panel.deadline_s": SECONDS, "brain.deadline_s": SECONDS}
    settings = load_settings({"desk": desk, "mode": "dual", **seats, **brain, **moment, **limits}, where=home)
    _run(home, settings, once=True)
    journal = JournalReader(home / desk / "journal.db")
    found = _Decision(journal.find_all(Exchange), journal.find_all(Ballot), journal.find_all(FormulaView))
    journal.close()
    return found


def _gate_text(gates: Sequence[Gate]) -> str:
    counts = Counter[str](gate.level for gate in gates)
    rows = [
        (level, f"{counts[level]:,}", f"{100 * counts[level] / len(gates):.1f} %", words)
        for level, words in (
            ("closed", "nobody is asked"),
            ("brief", "the brain reads"),
            ("vote", "the brain reads and the panel votes"),
        )
    ]
    return f"Of {len(gates):,} snapshots:\n\n" + table(("gate", "snapshots", "share", "then"), rows)


def _tokens_text(decisions: Sequence[_Decision]) -> str:
    rows = []
    for role, is_first, words in (
        ("brain", False, "brain, one reading"),
        ("seat", True, "three seats, first turn"),
        ("seat", False, "three seats, repair turns too"),
    ):
        totals = [decision.of(role, is_first=is_first) for decision in decisions]
        rows.append((words, *_medians(totals)))
    whole = [decision.of("brain") + decision.of("seat", is_first=True) for decision in decisions]
    rows.append(("a dual decision without repair", *_medians(whole)))
    every = [decision.of("brain") + decision.of("seat") for decision in decisions]
    rows.append(("a dual decision as it went", *_medians(every)))
    valid = sum(decision.n_ballots for decision in decisions)
    views = sum(decision.n_views for decision in decisions)
    header = ("tokens, median of decisions", "in", "visible out", "thinking")
    return (
        f"{len(decisions)} decisions; {valid} of {3 * len(decisions)} ballots valid and {views} of "
        f"{len(decisions)} views.\n\n" + table(header, rows)
    )


def _medians(totals: Sequence[Sequence[Tokens]]) -> tuple[str, str, str]:
    columns = (
        [sum(t.input for t in tokens) for tokens in totals],
        [sum(t.output - t.thinking for t in tokens) for tokens in totals],
        [sum(t.thinking for t in tokens) for tokens in totals],
    )
    asked, said, thought = (f"{statistics.median(column):,.0f}" for column in columns)
    return asked, said, thought


def _money_text(decisions: Sequence[_Decision], shares: tuple[float, float]) -> str:
    first = [tokens for decision in decisions for tokens in decision.of("seat", is_first=True)]
    asked = round(statistics.median(t.input for t in first))
    said = round(statistics.median(t.output for t in first))
    least, most = (Decimal(share * SNAPSHOTS_A_DAY) for share in shares)
    rows, total = [], Decimal(0)
    for name in PanelSettings().seats:
        seat = DEFAULT_SEATS[name]
        price = find_model(seat.provider, seat.model).price
        if price is None:
            rows.append((name, f"{seat.model} at {seat.provider}", "no price known", "-", "-"))
            continue
        call = cost_usd(price, Tokens(input=asked, output=said))
        total += call
        place = f"{seat.model} at {seat.provider}"
        rows.append((name, place, _priced(price), f"{call:.5f}", f"{call * least:.2f} to {call * most:.2f}"))
    header = ("seat", "model", "$ a million in / out", "$ a vote", f"$ a day of {SNAPSHOTS_A_DAY:,}")
    low, high = (f"{100 * share:.1f} %" for share in shares)
    return (
        f"The panel is asked on {low} of snapshots if every proposal is traded and on {high} if none is. "
        f"At {asked:,} tokens in and {said:,} out a seat, nothing cached, the brain on one's own machine:\n\n"
        f"{table(header, rows)}\n\nAll seats: ${total * least:.2f} to ${total * most:.2f} for "
        f"{SNAPSHOTS_A_DAY:,} snapshots."
    )


def _priced(price: Price) -> str:
    return f"{price.input} / {price.output}"


if __name__ == "__main__":
    main()
