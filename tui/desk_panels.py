"""What stands beside the chat: account, open questions, positions, newest cycles."""

import math
from collections.abc import Callable
from datetime import datetime

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.door import CycleRow, Overview, Question
from tui.fact_list import FactList
from tui.messages import CycleChosen, QuestionChosen

_UNREAD = "not read yet"


class DeskPanels(Vertical):
    """Renders one overview; posts QuestionChosen and CycleChosen."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(id="panels")
        self._now = now
        self._questions: tuple[Question, ...] | None = None
        """None before the first look, which may fail: nothing is claimed until then."""
        self._cycles: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        yield FactList((("account", _UNREAD),), title="Account", id="account")
        yield OptionList(id="questions", classes="titled", compact=True)
        yield Static(_UNREAD, id="positions", classes="titled", markup=False)
        yield OptionList(id="cycles", classes="titled", compact=True)

    def on_mount(self) -> None:
        for name, title in (
            ("questions", "Questions"),
            ("positions", "Positions"),
            ("cycles", "Newest cycles"),
        ):
            self.query_one(f"#{name}").border_title = title
        for options in self.query(OptionList):
            _fill(options, [("", _UNREAD)])
        self.set_interval(1, self._count_down)

    def show(self, overview: Overview) -> None:
        """Show what the desk is now."""
        self.query_one("#account", FactList).show(overview.account)
        self.query_one("#positions", Static).update("\n".join(overview.positions) or "none")
        self._questions = overview.questions
        self._count_down()
        self._show_cycles(overview.cycles)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option.id is None:
            return
        kind = QuestionChosen if event.option_list.id == "questions" else CycleChosen
        self.post_message(kind(event.option.id))

    def _count_down(self) -> None:
        """Time goes on whether or not the desk does anything."""
        if self._questions is None:
            return
        lines = [(each.cycle_id, f"{each.title}, {left(each, self._now())}") for each in self._questions]
        _fill(self.query_one("#questions", OptionList), lines or [("", "none open")])

    def _show_cycles(self, cycles: tuple[CycleRow, ...]) -> None:
        lines = [(c.cycle_id, f"{c.as_of:%m-%d %H:%M} {c.instrument_id} {c.ended}") for c in cycles]
        _fill(self.query_one("#cycles", OptionList), lines or [("", "none yet")])


def left(question: Question, now: datetime) -> str:
    """How long a question still stands, or what became of it."""
    if question.state != "open":
        return "answered" if question.state == "said" else question.state
    # Rounded up: as long as an answer is taken, the time is not over.
    seconds = math.ceil((question.until - now).total_seconds())
    return f"{seconds // 60}:{seconds % 60:02d} left" if seconds > 0 else "time is over"


def _fill(options: OptionList, lines: list[tuple[str, str]]) -> None:
    """Show other lines and keep the one that is highlighted, by its id."""
    is_same = [o.id or "" for o in options.options] == [id_ for id_, _ in lines]
    if is_same:
        for index, (_, text) in enumerate(lines):
            if str(options.get_option_at_index(index).prompt) != text:
                options.replace_option_prompt_at_index(index, Content(text))
        return
    at = options.highlighted
    kept = None if at is None else options.get_option_at_index(at).id
    options.clear_options()
    options.add_options([Option(Content(text), id=id_ or None, disabled=not id_) for id_, text in lines])
    ids = [id_ for id_, _ in lines]
    if kept in ids:
        options.highlighted = ids.index(kept)
