"""What the desk screen shows beside the chat; cheap where nothing was written since the last look."""

from collections.abc import Iterator
from datetime import datetime
from threading import Lock

from agents.desk_results import AccountSeen, account_seen
from contracts.ports import BlobStore
from contracts.records import TERMINAL_STATES, DeskState, Order, OrderIntent
from desk.terminal.account_words import account_now, account_rows, open_rows, position_lines
from desk.terminal.newest import Newest
from desk.terminal.own_desk import Seen
from desk.terminal.question_words import newest_question
from graphs.desk import CycleSettings
from graphs.differences import STAGE_NAMES
from memory.reader import CycleSummary, JournalReader
from tui.door import CycleRow, Overview, Question

CYCLES_SHOWN = 60
_INTENTS_LOOKED_AT = 20
"""Newest ones; an order lives one bar, so older ones are over."""


class OverviewWords:
    """The overview of one journal; may be asked from several threads."""

    def __init__(self, journal: JournalReader, blobs: BlobStore) -> None:
        self._journal, self._blobs = journal, blobs
        self._lock = Lock()
        self._asks = dict[str, bool]()
        self._read_through = -1
        self._cycles: tuple[CycleRow, ...] = ()
        self._recorded: AccountSeen | None = None
        self._asked: tuple[str, ...] = ()
        self._intents = Newest(journal, OrderIntent, _INTENTS_LOOKED_AT)
        self._at_work: tuple[tuple[OrderIntent, Order | None], ...] = ()

    def look(self, now: datetime, seen: Seen | None) -> Overview:
        """Everything at `now` on the wall; `seen` where the terminal runs the desk."""
        with self._lock:
            row = self._journal.tip().n_rows
            is_new = row != self._read_through
            # Without a new row only time changes a question, and no cycle begins to ask one.
            cycle_ids = self._journal.unfinished_cycles() if is_new else self._asked
            questions = self._waiting(cycle_ids, now)
            if is_new:
                self._cycles = tuple(map(cycle_row, self._journal.cycles(CYCLES_SHOWN)))
                self._asked, self._read_through = tuple(each.cycle_id for each in questions), row
                self._recorded = account_seen(self._journal)
                self._at_work = tuple(self._orders_at_work())
            account = account_now(self._recorded, seen)
            return Overview(
                row=row,
                account=account_rows(account),
                positions=position_lines(account),
                still_open=(
                    *open_rows(account, self._at_work),
                    *(("question", each.title) for each in questions),
                ),
                questions=questions,
                cycles=self._cycles,
            )

    def _orders_at_work(self) -> Iterator[tuple[OrderIntent, Order | None]]:
        """Orders that the venue may still fill, newest first."""
        for intent in reversed(self._intents.look()):
            order = next(reversed(self._journal.find_all(Order, intent.cycle_id)), None)
            if order is None or order.state not in TERMINAL_STATES:
                yield intent, order

    def _waiting(self, cycle_ids: tuple[str, ...], now: datetime) -> tuple[Question, ...]:
        found = (newest_question(self._journal, each, now) for each in cycle_ids)
        return tuple(
            each
            for each in found
            if each is not None and each.state in ("open", "said") and self._is_for_people(each.cycle_id)
        )

    def _is_for_people(self, cycle_id: str) -> bool:
        """The autonomy policy answers its own questions; between two records one would look open."""
        state = self._journal.find(DeskState, cycle_id)
        if state is None:
            return False
        if state.settings_hash not in self._asks:
            settings = CycleSettings.from_canonical(self._blobs.get(state.settings_hash))
            self._asks[state.settings_hash] = settings.approval.policy == "ask"
        return self._asks[state.settings_hash]


def cycle_row(cycle: CycleSummary) -> CycleRow:
    """One cycle as a list shows it."""
    return CycleRow(
        row=cycle.first_seq,
        cycle_id=cycle.cycle_id,
        instrument_id=cycle.instrument_id,
        as_of=cycle.as_of,
        came_to=STAGE_NAMES[cycle.last_kind],
        ended=cycle.end.lower() if cycle.end.isupper() else cycle.end.replace("_", " "),
    )
