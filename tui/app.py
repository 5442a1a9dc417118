"""The terminal: its screens, the keys and words that lead to them, and its theme."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from textual import work
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import LoadingIndicator

from contracts.errors import DualbrainError
from tui.desk_screen import DeskScreen
from tui.door import Door
from tui.door_app import DoorApp
from tui.halt_screen import HaltScreen
from tui.help_screen import HelpScreen, keys_of
from tui.journal_screen import JournalScreen
from tui.keyboard import patient
from tui.messages import CycleChosen, WordsHeard
from tui.plain_words import PlainWords
from tui.question_screen import QuestionScreen
from tui.status_line import StatusLine
from tui.story_screen import StoryScreen
from tui.theme import DEFAULT, THEMES
from tui.watch_screen import WatchScreen

_SCREENS: dict[str, type[Screen[None]]] = {"journal": JournalScreen, "watch": WatchScreen}
"""What leads to a screen, and that screen."""


class DualbrainApp(DoorApp):
    """One terminal on one desk."""

    TITLE = "dualbrain"
    CSS_PATH = "terminal.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - mypy refuses a ClassVar here
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f9", "halt", "HALT", priority=True),
        Binding("f1,question_mark", "help", "Help", key_display="?"),
        Binding("f2", "journal", "Journal"),
        Binding("f3", "question", "Question"),
        Binding("f4", "watch", "Watch"),
        Binding("f5", "story", "Cycle"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True),
    ]

    def __init__(
        self,
        connect: Callable[[], Door],
        *,
        theme: str = DEFAULT,
        keep_theme: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(connect)
        self._keep_theme = keep_theme
        for own in THEMES:
            self.register_theme(own)
        self.theme = theme if theme in self.available_themes else DEFAULT
        self._plain = PlainWords()

    def compose(self) -> ComposeResult:
        yield StatusLine()
        yield LoadingIndicator()

    def on_ready(self) -> None:
        self.theme_changed_signal.subscribe(self, lambda changed: self._keep(changed.name))

    async def opened(self, door: Door) -> None:
        opening = self.query_one(LoadingIndicator)
        await self.push_screen(DeskScreen(door, self.hear))
        # It would go on moving under the desk, which is drawn anew with every move.
        await opening.remove()

    def listeners(self) -> Sequence[Widget]:
        return [each for each in self.screen_stack if isinstance(each, DeskScreen | StoryScreen)]

    def get_driver_class(self) -> type[Driver]:
        return patient(super().get_driver_class())

    def get_line_filters(self) -> Sequence[LineFilter]:
        return (*super().get_line_filters(), self._plain)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        yield from super().get_system_commands(screen)
        yield SystemCommand("Halt the desk", "Throw the kill switch, after a confirmation", self.action_halt)
        yield SystemCommand("Watch", "Account, trades, limits, models, feed at one glance", self.action_watch)
        yield SystemCommand("Journal", "Cycles, their stories, and replays", self.action_journal)
        yield SystemCommand(
            "Open question", "The oldest trade that waits for an answer", self.action_question
        )
        yield SystemCommand("Newest cycle", "Stage by stage, as it goes on", self.action_story)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        # Whoever is on a screen needs no key to it, and a narrow footer has no room for one.
        own = _SCREENS.get(action)
        return own is None or not self.screen_stack or not isinstance(self.screen, own)

    def action_help(self) -> None:
        if self.door is not None and not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.door.commands, keys_of(self.screen)))

    def action_journal(self) -> None:
        if self.door is not None and not isinstance(self.screen, JournalScreen):
            self.push_screen(JournalScreen(self.door))

    def action_watch(self) -> None:
        if self.door is not None and not isinstance(self.screen, WatchScreen):
            self.push_screen(WatchScreen(self.door))

    @work(exclusive=True, group="question")
    async def action_question(self) -> None:
        """Open the oldest question that is open, as of now."""
        if self.door is None or isinstance(self.screen, QuestionScreen):
            return
        if self.overview is None or not self.overview.questions:
            await self.look_again()
        if self.overview is None or not self.overview.questions:
            self.notify("no question is open")
            return
        self.push_screen(QuestionScreen(self.door, self.overview.questions[0].cycle_id))

    @work(exclusive=True, group="story")
    async def action_story(self) -> None:
        """Open the newest cycle that is not over, else the newest, as of now."""
        if self.door is None:
            return
        await self.look_again()
        cycles = () if self.overview is None else self.overview.cycles
        if not cycles:
            self.notify("no cycle is on record yet")
            return
        self._open_story(next((c for c in cycles if c.ended == "unfinished"), cycles[0]).cycle_id)

    def on_cycle_chosen(self, message: CycleChosen) -> None:
        self._open_story(message.cycle_id)

    def action_halt(self) -> None:
        """Ask once more, then throw the kill switch; or release it where it is thrown."""
        if self.door is not None and self.status is not None and not isinstance(self.screen, HaltScreen):
            self.push_screen(HaltScreen(self.door, self.status))

    def _open_story(self, cycle_id: str) -> None:
        top = self.screen
        if self.door is None or (isinstance(top, StoryScreen) and top.cycle_id == cycle_id):
            return
        story = StoryScreen(self.door, cycle_id)
        self.push_screen(story)
        if said := self.said.of(cycle_id):
            story.post_message(WordsHeard(said))

    @work(group="theme")
    async def _keep(self, theme: str) -> None:
        try:
            if self._keep_theme is not None:
                await asyncio.to_thread(self._keep_theme, theme)
        except DualbrainError as error:
            self.notify(str(error), severity="warning", markup=False)
