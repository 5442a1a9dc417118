"""The desk: the chat on the left, what the desk is now on the right."""

import asyncio
from collections.abc import Callable
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Footer

from contracts.errors import DualbrainError
from tui.chat import Chat
from tui.desk_panels import DeskPanels
from tui.door import Door, Overview, Told
from tui.messages import AnswerCame, LineTyped, QuestionChosen, SourceChosen, WordsHeard
from tui.question_screen import QuestionScreen
from tui.source_screen import SourceScreen
from tui.status_line import StatusLine

_WELCOME = "Ask about the desk in plain words, or type / for commands. ? shows the keys, F9 halts."


class DeskScreen(Screen[None]):
    """Where a trader sits."""

    AUTO_FOCUS = "#line"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+o", "sources", "Sources", tooltip="what the newest answer rests on; Enter opens one"),
        Binding("escape", "line", "Line", show=False, tooltip="back to the line"),
    ]

    def __init__(self, door: Door, hear: Callable[[], None]) -> None:
        """`hear` sends what was said since, as WordsHeard."""
        super().__init__()
        self._door, self._hear = door, hear
        self._known: frozenset[str] = frozenset()
        self._n_lines = 0

    def compose(self) -> ComposeResult:
        yield StatusLine()
        with Horizontal(id="desk"):
            yield Chat(self._door.commands, self._door.now)
            yield DeskPanels(self._door.now)
        yield Footer()

    async def on_mount(self) -> None:
        self.watch(self.app, "overview", self._show)
        await self._chat.said.say("desk", _WELCOME)

    def on_line_typed(self, message: LineTyped) -> None:
        self._answer(message.line)

    def on_source_chosen(self, message: SourceChosen) -> None:
        self.app.push_screen(SourceScreen(message.source))

    def on_question_chosen(self, message: QuestionChosen) -> None:
        self.app.push_screen(QuestionScreen(self._door, message.cycle_id))

    async def on_words_heard(self, message: WordsHeard) -> None:
        self._chat.waiting.hear(message.spoken)
        await self._chat.said.hear(message.spoken)

    async def on_answer_came(self, message: AnswerCame) -> None:
        self._chat.waiting.end(message.nth)
        if message.is_prose:
            await self._chat.said.settle("assistant")
        await self._chat.tell(message.told, is_prose=message.is_prose, to=message.to)

    def action_sources(self) -> None:
        if not self._chat.focus_sources():
            self.notify("no answer here has sources yet")

    def action_line(self) -> None:
        self.query_one("#line").focus()

    @work(group="answers")
    async def _answer(self, line: str) -> None:
        self._n_lines += 1
        nth = self._n_lines
        self._chat.waiting.begin(nth, line)
        await self._chat.said.say("you", line)
        try:
            if line.startswith("/"):
                told = await asyncio.to_thread(self._door.command, line)
            else:
                told = await self._door.ask(line)
        except DualbrainError as error:
            told = Told(title=str(error), is_mistake=True)
        self._hear()
        # What a command found bears its line as a title.
        is_told_apart = nth == self._n_lines or (line.startswith("/") and not told.is_mistake)
        to = "" if is_told_apart else line
        self.post_message(AnswerCame(nth, told, is_prose=not line.startswith("/"), to=to))

    def _show(self, overview: Overview | None) -> None:
        if overview is None:
            return
        self.query_one(DeskPanels).show(overview)
        waiting = {each.request_id: each for each in overview.questions if each.state == "open"}
        for request_id in waiting.keys() - self._known:
            # It never opens by itself: whoever is typing must not answer by accident.
            self.notify(f"{waiting[request_id].title}\nF3 opens the question", title="Approve?", markup=False)
            self.app.bell()
        self._known |= waiting.keys()

    @property
    def _chat(self) -> Chat:
        return self.query_one(Chat)
