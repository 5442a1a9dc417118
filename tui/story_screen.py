"""One cycle told from its records, with its chart; r runs it again and says how it came out."""

import asyncio
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, Static

from contracts.errors import DualbrainError
from tui.candle_chart import CandleChart
from tui.door import Door
from tui.fact_list import FactList
from tui.status_line import StatusLine


class StoryScreen(Screen[None]):
    """Reads once; a cycle that goes on is told anew when it is opened anew."""

    AUTO_FOCUS = "#story"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Back"),
        Binding("r", "replay", "Replay"),
    ]

    def __init__(self, door: Door, cycle_id: str) -> None:
        super().__init__()
        self._door, self._cycle_id = door, cycle_id

    def compose(self) -> ComposeResult:
        yield StatusLine()
        with Vertical(id="cycle"):
            yield Static("", id="cycle-title", markup=False)
            yield CandleChart()
            with VerticalScroll(id="story", can_focus=True):
                yield FactList(id="stages")
                yield Static("", id="replayed", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        self._tell()

    def action_replay(self) -> None:
        self.query_one("#replayed", Static).update("replaying")
        self._replay()

    @work(exclusive=True, group="story")
    async def _tell(self) -> None:
        try:
            told = await asyncio.to_thread(self._door.story, self._cycle_id)
            candles = await asyncio.to_thread(self._door.candles, self._cycle_id)
            question = await asyncio.to_thread(self._door.question, self._cycle_id)
        except DualbrainError as error:
            self.query_one("#cycle-title", Static).update(f"! {error}")
            return
        self.query_one("#cycle-title", Static).update(told.title)
        self.query_one("#stages", FactList).show(tuple((each.name, each.words) for each in told.stages))
        self.query_one(CandleChart).show(candles, question)

    @work(exclusive=True, group="replay")
    async def _replay(self) -> None:
        try:
            told = await asyncio.to_thread(self._door.replay, self._cycle_id)
        except DualbrainError as error:
            self.query_one("#replayed", Static).update(f"! {error}")
            return
        lines = [told.title, *(f"{name}: {text}" for name, text in told.rows)]
        self.query_one("#replayed", Static).update("\n".join(lines))
        self.query_one("#story", VerticalScroll).scroll_end(animate=False)
