"""Putting the desk's questions to the person at the terminal."""

import getpass
import math
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.console import Console

from contracts.errors import ToolInputError
from contracts.market import Instrument
from contracts.records import ApprovalRequest
from desk.commands.stop import StopRequest
from desk.present import facts, moment, money, percent, price, quantity, size
from graphs.questions import check_quantity

if TYPE_CHECKING:
    from graphs.session import Pending, Session

_PROMPT = "approve? [y]es, [n]o, or a smaller quantity: "


class Person:
    """Asks y, n or a smaller quantity for every pending question, until there is none."""

    def __init__(self, console: Console, stop: StopRequest) -> None:
        self._console = console
        self._stop = stop
        self._name = getpass.getuser()

    async def answer_all(self, session: "Session") -> None:
        """Ask about each question that stands; one left unanswered stands until it expires."""
        left: set[str] = set()
        while waiting := [p for p in session.pending.values() if p.request.record_id not in left]:
            request = waiting[0].request
            answered = self._ask(waiting[0])
            if answered is None:
                left.add(request.record_id)
                continue
            await session.hear_answers()
            if session.pending.get(request.cycle_id) is not waiting[0]:
                self._console.print("answered from elsewhere before; that answer counts")
                continue
            wanted, reason = answered
            await session.answer(
                request.cycle_id,
                request.record_id,
                is_granted=wanted is not None,
                by=self._name,
                reason=reason,
                quantity=wanted,
            )

    def _ask(self, pending: "Pending") -> tuple[float | None, str] | None:
        """Granted quantity (None for no) and reason; None where no answer was given."""
        if self._stop.requested_by is not None:
            return None
        request, instrument = pending.request, pending.state["snapshot"].instrument
        self._console.print()
        self._console.print(facts(question_facts(request, instrument)))
        try:
            with self._stop.cutting_short():
                return self._read(request, instrument)
        except (EOFError, KeyboardInterrupt):
            self._console.print("\nleft open")
            return None

    def _read(self, request: ApprovalRequest, instrument: Instrument) -> tuple[float | None, str]:
        while True:
            said = self._console.input(_PROMPT, markup=False).strip().lower()
            if said in ("y", "yes"):
                return request.quantity, "approved at the terminal"
            if said in ("n", "no"):
                reason = self._console.input("why not (Enter to skip): ", markup=False).strip()
                return None, reason or "refused at the terminal without a reason"
            most = quantity(request.quantity)
            try:
                if (wanted := parse_quantity(said)) is None:
                    raise ToolInputError(f"expected y, n or a quantity up to {most}, found {said!r}")
                check_quantity(request, instrument, wanted)
            except ToolInputError as error:
                self._console.print(str(error))
            else:
                return wanted, f"approved {quantity(wanted)} of {most} at the terminal"


def question_facts(request: ApprovalRequest, instrument: Instrument) -> list[tuple[str, str]]:
    """Everything a person needs to say yes or no."""

    def at(value: float | None) -> str:
        return "none" if value is None else price(value, instrument.tick_size)

    rows = [
        (request.purpose, f"{request.side} {size(request.quantity, instrument)} {request.instrument_id}"),
        ("at", f"{at(request.entry)}, stop {at(request.stop)}, target {at(request.target)}"),
    ]
    if request.purpose == "entry":
        at_risk = f"{money(request.risk_amount, request.currency)}, {percent(request.risk_pct)} of equity"
        multiple = reward_multiple(request)
        rows.append(("at risk", at_risk + ("" if multiple is None else f", target pays {multiple:.2f} R")))
    round_ = "" if request.round == 0 else f", asked again (round {request.round + 1})"
    rows.append(("expires", moment(request.expires_at) + round_))
    return rows


def reward_multiple(request: ApprovalRequest) -> float | None:
    """Distance to the target in distances to the stop."""
    if request.stop is None or request.target is None or request.entry == request.stop:
        return None
    return abs(request.target - request.entry) / abs(request.entry - request.stop)


def parse_quantity(text: str) -> float | None:
    """A positive finite quantity as typed, commas allowed; None for anything else."""
    try:
        value = float(Decimal(text.replace(",", "").strip()))
    except (ArithmeticError, ValueError):
        return None
    return value if 0 < value < math.inf else None
