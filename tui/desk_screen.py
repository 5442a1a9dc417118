"""The desk: the chat on the left, what the desk is now on the right."""

import asyncio

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Footer

from contracts.errors import DualbrainError
from tui.chat import Chat
from tui.desk_panels import DeskPanels
from tui.door import Door, Overview, Told
from tui.messages import CycleChosen, LineTyped, QuestionChosen, WordsHeard
from tui.question_screen import QuestionScreen
from tui.status_line import StatusLine
from tui.story_screen import StoryScreen

_WELCOME = "Ask about the desk in plain words, or type / for commands. ? shows the keys, F9 halts."


class DeskScreen(Screen[None]):
    """Where a trader sits."""

    AUTO_FOCUS = "#line"

    def __init__(self, door: Door) -> None:
        super().__init__()
        self._door = door
        self._known: frozenset[str] = frozenset()

    def compose(self) -> ComposeResult:
        yield StatusLine()
        with Horizontal(id="desk"):
            yield Chat(self._door.commands)
            yield DeskPanels(self._door.now)
        yield Footer()

    async def on_mount(self) -> None:
        self.watch(self.app, "overview", self._show)
        await self._chat.say("desk", _WELCOME)

    def on_line_typed(self, message: LineTyped) -> None:
        self._answer(message.line)

    def on_cycle_chosen(self, message: CycleChosen) -> None:
        self.app.push_screen(StoryScreen(self._door, message.cycle_id))

    def on_question_chosen(self, message: QuestionChosen) -> None:
        self.app.push_screen(QuestionScreen(self._door, message.cycle_id))

    async def on_words_heard(self, message: WordsHeard) -> None:
        await self._chat.hear(message.spoken)

    @work(group="answers")
    async def _answer(self, line: str) -> None:
        await self._chat.say("you", line)
        try:
            if line.startswith("/"):
                told = await asyncio.to_thread(self._door.command, line)
            else:
                told = await self._door.ask(line)
                await self._chat.hear(self._door.heard())
                await self._chat.settle("assistant")
        except DualbrainError as error:
            told = Told(title=str(error), is_mistake=True)
        await self._chat.tell(told, is_prose=not line.startswith("/"))

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
