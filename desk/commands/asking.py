"""What a counterfactual would ask, a yes to what that may cost, and asking; for `dualbrain replay --ask`."""

import asyncio
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import uuid4

from rich.console import Console

from agents.settings import BudgetSettings
from agents.what_if import Question, WhatIf
from contracts.errors import SettingsError
from contracts.records import Budget
from desk.clocks import SystemClock
from desk.commands.files import DeskOnFile
from desk.commands.progress import ProgressReport
from desk.environment import describe_environment
from desk.keys import key_of, ollama_host
from desk.kill_switch import FileKillSwitch
from desk.present import plain_table, quantity, to_stderr
from graphs.replay import Replayer
from memory.journal import SqliteJournal
from memory.lease import DeskLease

if TYPE_CHECKING:
    from contracts.ports import Journal


@dataclass(frozen=True)
class Estimate:
    """The requests that are not on record, and what is left to spend on them today."""

    questions: tuple[Question, ...]
    budgets: tuple[Budget, ...]
    per_cycle: BudgetSettings

    @property
    def refused(self) -> Counter[str]:
        """How many would not be sent, by the reason."""
        return Counter(question.refused for question in self.questions if question.refused)

    def as_json(self) -> dict[str, object]:
        """For scripts."""
        return {
            "n_requests": len(self.questions),
            "models": [
                {
                    "provider": provider,
                    "model": model,
                    "seats": sorted({question.seat for question in asked}),
                    "n_requests": len(asked),
                    "tokens_in": sum(question.tokens_in for question in asked),
                    "tokens_out_at_most": sum(question.tokens_out for question in asked),
                    "usd_at_most": None if (usd := _usd(asked)) is None else f"{usd:f}",
                }
                for (provider, model), asked in self.by_model()
            ],
            "refused": [{"why": why, "n_requests": n} for why, n in self.refused.most_common()],
            "left_today": {budget.name: f"{_left(budget):f}" for budget in self.budgets},
        }

    def by_model(self) -> list[tuple[tuple[str, str], list[Question]]]:
        """The questions of each provider and model."""
        found: defaultdict[tuple[str, str], list[Question]] = defaultdict(list)
        for question in self.questions:
            found[question.provider, question.model].append(question)
        return sorted(found.items())


def estimate(
    on_file: DeskOnFile, changes: Mapping[str, object], cycle_ids: Sequence[str], budget: BudgetSettings
) -> Estimate:
    """Run the cycles with every question noted and refused: nothing is sent, nothing is written."""
    what_if = _what_if(on_file, on_file.journal, budget)
    replayer = Replayer(on_file.journal, on_file.blobs, changes, what_if.noting())

    async def run() -> None:
        with ProgressReport(to_stderr(), "estimating") as progress:
            for n, cycle_id in enumerate(cycle_ids):
                await replayer.replay(cycle_id)
                progress.update(n, len(cycle_ids) - 1, f"{n + 1:,} of {len(cycle_ids):,}")

    asyncio.run(run())
    return Estimate(tuple(what_if.questions), what_if.budgets(), budget)


def show_estimate(out: Console, found: Estimate) -> None:
    """What would be asked and what it may cost."""
    if not found.questions:
        out.print("every answer is on record: nothing to ask, nothing to pay")
        return
    columns = ("provider", "model", "requests", "tokens in", "tokens out at most", "USD at most")
    rows = [
        (
            provider,
            model,
            f"{len(asked):,}",
            f"{sum(question.tokens_in for question in asked):,}",
            f"{sum(question.tokens_out for question in asked):,}",
            "no price known" if (usd := _usd(asked)) is None else f"{usd:f}",
        )
        for (provider, model), asked in found.by_model()
    ]
    out.print(plain_table(columns, rows, right=columns[2:]))
    for why, n in found.refused.most_common():
        out.print(f"{n:,} of them would not be sent: {why}")
    if any(question.seat == "brain" for question in found.questions):
        out.print("what the panel is asked follows from what the brain will say, so that part is a guess")
    out.print(
        "a repair turn, a retry or a tool call may each add as much again; what holds is the budget, "
        f"per cycle {found.per_cycle.usd_per_cycle:f} USD and {found.per_cycle.tokens_per_cycle:,} tokens"
    )
    left = ", ".join(f"{quantity(_left(b))} of {quantity(b.cap)} {b.name}" for b in found.budgets)
    out.print(f"left today: {left}")


def is_agreed(found: Estimate, *, is_yes: bool) -> bool:
    """Whether to ask. SettingsError where nothing could be sent, or nobody is there to say yes."""
    if sum(found.refused.values()) == len(found.questions):
        raise SettingsError(
            f"expected leave to send at least one of {len(found.questions):,} requests, found none: "
            + "; ".join(found.refused)
        )
    if is_yes:
        return True
    if not is_person_there():
        raise SettingsError("expected a yes at a terminal, found no terminal; add --yes to ask without one")
    try:
        said = to_stderr().input("ask? [y]es or [n]o: ", markup=False).strip().lower()
    except EOFError:
        said = ""
    return said in ("y", "yes")


def is_person_there() -> bool:
    """Whether a question would be seen and could be answered."""
    return sys.stdin.isatty() and sys.stderr.isatty()


@contextmanager
def asking(on_file: DeskOnFile, budget: BudgetSettings) -> Iterator[WhatIf]:
    """Leave to ask and to append; a runner may be at work on the same journal.

    LeaseHeld where another counterfactual asks on this desk: two would number their questions alike.
    """
    with DeskLease(on_file.folder.what_if, "dualbrain replay --ask"):
        journal = SqliteJournal(
            on_file.folder.journal,
            environment=describe_environment(),
            session_id=f"what-if-{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:6]}",
            clock=SystemClock().now,
        )
        with journal:
            yield _what_if(on_file, journal, budget)


def spent(what_if: WhatIf) -> dict[str, object]:
    """What was really sent and what it cost by the catalogue, for scripts."""
    sent = [each for each in what_if.asked if each.outcome not in ("deadline", "not_asked")]
    tokens = [each.tokens for each in sent if each.tokens is not None]
    return {
        "n_requests": len(sent),
        "tokens": sum(each.input + each.output for each in tokens),
        "usd": f"{sum((each.cost_usd for each in sent if each.cost_usd is not None), Decimal(0)):f}",
        "n_of_unknown_cost": sum(each.cost_usd is None for each in sent),
    }


def spent_words(what_if: WhatIf) -> str:
    """The same for people."""
    told = spent(what_if)
    unknown = f", the cost of {told['n_of_unknown_cost']} not known" if told["n_of_unknown_cost"] else ""
    return f"{told['n_requests']:,} requests, {told['tokens']:,} tokens, {told['usd']} USD{unknown}"


def _what_if(on_file: DeskOnFile, journal: "Journal", budget: BudgetSettings) -> WhatIf:
    return WhatIf(
        budget,
        key_of=key_of,
        journal=journal,
        blobs=on_file.blobs,
        halted_by=FileKillSwitch(on_file.folder.path).halted_by,
        ollama_host=ollama_host(),
    )


def _left(budget: Budget) -> Decimal:
    return max(budget.cap - budget.spent, Decimal(0))


def _usd(asked: Sequence[Question]) -> Decimal | None:
    """None where the price of one is not known: the rest alone would look like all of it."""
    prices = [question.usd for question in asked]
    return None if None in prices else sum((usd for usd in prices if usd is not None), Decimal(0))
