"""One line that says what was asked and has no answer yet, and since when.

The assistant takes one question after the other, so the first words are an answer to the oldest.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from textual.timer import Timer
from textual.widgets import Static

from tui.door import Spoke

_MAX_NAME = 20


@dataclass
class _Asked:
    """One line of a person."""

    line: str
    at: datetime
    is_heard: bool = False

    @property
    def is_command(self) -> bool:
        return self.line.startswith("/")


class WaitingLine(Static):
    """Renders what is waited for; not there, and without a timer, where nothing is."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__("", id="waiting", markup=False)
        self.display = False
        self._now = now
        self._asked: dict[int, _Asked] = {}
        self._timer: Timer | None = None

    def begin(self, nth: int, line: str) -> None:
        """The person has ended their line number `nth`."""
        self._asked[nth] = _Asked(line, self._now())
        if self._timer is None:
            self._timer = self.set_interval(1, self._show)
        self._show()

    def hear(self, spoken: Sequence[Spoke]) -> None:
        """Words came; those of no cycle are the assistant's."""
        if any(each.cycle_id is None and each.kind != "desk" for each in spoken):
            for first in self._questions[:1]:
                first.is_heard = True
            self._show()

    def end(self, nth: int) -> None:
        """Line `nth` is answered."""
        self._asked.pop(nth, None)
        if not self._asked and self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._show()

    @property
    def _questions(self) -> list[_Asked]:
        return [each for each in self._asked.values() if not each.is_command]

    def _show(self) -> None:
        waited_for = self._waited_for()
        # One row whatever it says: nothing around it is laid out anew.
        self.update(f"waiting for {' · '.join(waited_for)}", layout=False)
        self.display = bool(waited_for)

    def _waited_for(self) -> list[str]:
        questions = self._questions
        unheard = [each for each in questions if not each.is_heard]
        found = []
        if unheard:
            more = " more" if len(unheard) < len(questions) else ""
            answers = f"{len(unheard)}{more} answer{'s' if len(unheard) > 1 else ''}"
            who = "the assistant" if len(questions) == 1 else answers
            found.append(f"{who}, {self._seconds(unheard[0])} s")
        commands = [(each, self._seconds(each)) for each in self._asked.values() if each.is_command]
        # Most are answered before anybody could read that they are not.
        found += [f"{each.line.split()[0][:_MAX_NAME]}, {s} s" for each, s in commands if s > 0]
        return found

    def _seconds(self, asked: _Asked) -> int:
        return max(0, int((self._now() - asked.at).total_seconds()))
