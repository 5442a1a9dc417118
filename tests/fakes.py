"""Stand-ins for what the desk does not own: seats that answer by script, a venue with books of its own."""

from collections.abc import Sequence
from pathlib import Path

from contracts.market import BarClosed
from contracts.ports import AccountState, Case, Execution, OrderUpdate
from contracts.records import Ballot, OrderIntent, Rate, TradeProposal
from markets.paper import PaperBroker


class ScriptedVoter:
    """Answers what it was told to; remembers what it was asked."""

    def __init__(self, seat: str, answer: str, confidence: float = 0.9) -> None:
        self.seat = seat
        self.asked: list[TradeProposal] = []
        self._answer = answer
        self._confidence = confidence

    async def vote(self, case: Case, proposal: TradeProposal, ordinal: int) -> Ballot:
        """The scripted ballot on this proposal."""
        self.asked.append(proposal)
        if self._answer == "BREAK":
            raise ConnectionError("the line is dead")
        is_abstention = self._answer == "ABSTAIN"
        return Ballot.model_validate(
            {
                "cycle_id": proposal.cycle_id,
                "as_of": proposal.as_of,
                "parents": (case.report.record_id, proposal.record_id),
                "seat": self.seat,
                "ordinal": ordinal,
                "answer": self._answer,
                "abstained": "scripted to" if is_abstention else None,
                "confidence": None if is_abstention else self._confidence,
                "reasoning": "as scripted",
            }
        )


class KeepingVenue:
    """A paper venue that writes every accepted order down itself, so a crash of the desk loses none.

    `submissions` on disk counts what reached it, which is what "never sent twice" is about.
    """

    def __init__(self, inner: PaperBroker, folder: Path) -> None:
        self._inner = inner
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    async def remember(self) -> None:
        """Accept again, inside, what was on the books when the desk went away."""
        for path in sorted(self._folder.glob("*.json")):
            await self._inner.submit(OrderIntent.from_canonical(path.read_bytes()))

    async def account(self) -> AccountState:
        """The account now."""
        return await self._inner.account()

    async def find_order(self, client_order_id: str) -> OrderUpdate | None:
        """What the books say."""
        return await self._inner.find_order(client_order_id)

    async def submit(self, intent: OrderIntent) -> OrderUpdate:
        """Write it down, count it, accept it."""
        with (self._folder / "submissions.log").open("a", encoding="utf-8") as log:
            log.write(intent.client_order_id + "\n")
        (self._folder / f"{intent.client_order_id}.json").write_bytes(intent.canonical)
        return await self._inner.submit(intent)

    async def collect(
        self, bars: Sequence[BarClosed], rates: Sequence[Rate]
    ) -> tuple[OrderUpdate | Execution, ...]:
        """What happened since the last call."""
        return await self._inner.collect(bars, rates)
