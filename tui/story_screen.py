"""One cycle told from its records, as far as it has come, with its chart; followed until it is over.

While models speak, their words stand beside the stages; what they voted stands in the stages afterwards.
"""

import asyncio
from contextlib import suppress
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, Static

from contracts.errors import DualbrainError
from tui.candle_chart import CandleChart
from tui.copying import copy_cycle
from tui.door import Candles, Door, Question, Story
from tui.fact_list import FactList
from tui.messages import WordsHeard
from tui.path_line import PathLine
from tui.speech import Speech
from tui.status_line import StatusLine

_LOOK_S = 0.5


class StoryScreen(Screen[None]):
    """Whoever has scrolled up to read is left there."""

    AUTO_FOCUS = "#story"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Back"),
        Binding("r", "replay", "Replay", tooltip="run the cycle again from its records, and compare"),
        Binding("c", "copy", "Copy", show=False, tooltip="copy the id of the cycle to the clipboard"),
    ]

    def __init__(self, door: Door, cycle_id: str) -> None:
        super().__init__()
        self.cycle_id = cycle_id
        self._door = door
        self._shown: Story | None = None
        self._candles: Candles | None = None
        self._drawn: object = ()
        self._changed = asyncio.Event()

    def compose(self) -> ComposeResult:
        yield StatusLine()
        with Vertical(id="cycle"):
            yield Static("", id="cycle-title", markup=False)
            yield PathLine()
            yield CandleChart()
            with Container(id="telling"):
                with VerticalScroll(id="story", can_focus=True):
                    yield FactList(id="stages")
                    yield Static("", id="under-way", markup=False)
                    yield Static("", id="replayed", markup=False)
                yield Speech(id="speech")
        yield Footer()

    def on_mount(self) -> None:
        self.query_one("#speech").border_title = "the models, as they speak"
        self.watch(self.app, "overview", self._changed.set)
        self._follow()

    async def on_words_heard(self, message: WordsHeard) -> None:
        message.stop()
        words = [each for each in message.spoken if each.cycle_id == self.cycle_id and each.kind != "desk"]
        if words:
            self.query_one("#cycle").add_class("speaking")
            await self.query_one("#speech", Speech).hear(words)

    def action_replay(self) -> None:
        self.query_one("#replayed", Static).update("replaying")
        self._replay()

    def action_copy(self) -> None:
        copy_cycle(self, self.cycle_id)

    @work(exclusive=True, group="story")
    async def _follow(self) -> None:
        """Read when the desk has done something; while the cycle goes on, also without."""
        while True:
            self._changed.clear()
            await self._read()
            is_over = self._shown is not None and self._shown.is_over
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), None if is_over else _LOOK_S)

    async def _read(self) -> None:
        try:
            told = await asyncio.to_thread(self._door.story, self.cycle_id)
            question = await asyncio.to_thread(self._door.question, self.cycle_id)
            if self._candles is None:
                self._candles = await asyncio.to_thread(self._door.candles, self.cycle_id)
        except DualbrainError as error:
            self._shown = None
            if self.app.is_running:
                self.query_one("#cycle-title", Static).update(f"! {error}")
            return
        # Widgets go before their workers when the terminal is left.
        if not self.app.is_running:
            return
        self._draw(question)
        if told != self._shown:
            self._tell(told)

    def _tell(self, told: Story) -> None:
        if self._shown is None and not told.is_over:
            # What comes next is seen, until the person scrolls up.
            self.query_one("#story", VerticalScroll).anchor()
        self._shown = told
        self.query_one("#cycle-title", Static).update(told.title)
        self.query_one(PathLine).show(told.path)
        stages = tuple((each.name, each.words) for each in told.stages)
        self.query_one("#stages", FactList).show(stages, tuple(each.took for each in told.stages))
        under_way = self.query_one("#under-way", Static)
        under_way.update(f"▶ {told.under_way}")
        under_way.display = bool(told.under_way)

    def _draw(self, question: Question | None) -> None:
        levels = None if question is None else (question.entry, question.stop, question.target)
        if (wanted := (self._candles, levels)) != self._drawn:
            self._drawn = wanted
            self.query_one(CandleChart).show(self._candles, question)

    @work(exclusive=True, group="replay")
    async def _replay(self) -> None:
        try:
            told = await asyncio.to_thread(self._door.replay, self.cycle_id)
            lines = [told.title, *(f"{name}: {text}" for name, text in told.rows)]
        except DualbrainError as error:
            lines = [f"! {error}"]
        if self.app.is_running:
            self.query_one("#replayed", Static).update("\n".join(lines))
            self.query_one("#story", VerticalScroll).scroll_end(animate=False)
