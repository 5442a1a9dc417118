"""Everything at one glance: the account, its trades and limits, the voters, the models, what answers.

Looks at the desk twice a second while it is on top, one look at a time. What could not be read is told, and
what was read last stays, said to be old.
"""

import asyncio
from datetime import datetime
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.geometry import Offset, Size
from textual.layout import ArrangeResult, WidgetPlacement
from textual.layouts.vertical import VerticalLayout
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Static

from contracts.errors import DualbrainError
from tui.door import Door, Watch
from tui.equity_chart import EquityChart
from tui.line_panel import AccountLine, HealthList, MeterList
from tui.sheet_panel import SheetPanel
from tui.status_line import StatusLine

_LOOK_S = 0.5
_LATE_S = 5
"""A look that takes longer is told."""
_LEFT = ("positions", "orders", "fills", "seats", "models")
_RIGHT = ("account", "curve", "limits", "budgets", "health")
_LEFT_SHARE = 0.58


class WatchScreen(Screen[None]):
    """Renders one Watch after the other."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Back")]

    def __init__(self, door: Door) -> None:
        super().__init__()
        self._door = door
        self._seen_at: datetime | None = None
        self._asked_at: datetime | None = None

    def compose(self) -> ComposeResult:
        yield StatusLine()
        yield Static("looking at the desk", id="notice", markup=False)
        with Board(id="board"):
            yield AccountLine("Account", id="account")
            yield SheetPanel("Positions", "no position", id="positions")
            yield MeterList("Limits", "no limit on record yet", id="limits")
            yield MeterList("Budgets", "no budget on record yet", id="budgets")
            yield HealthList("Health", id="health")
            yield EquityChart(id="curve")
            yield SheetPanel("Orders", "no order yet", id="orders", classes="long")
            yield SheetPanel("Fills", "no fill yet", id="fills", classes="long")
            yield SheetPanel("Voters", "no voter was asked yet", id="seats")
            yield SheetPanel("Models today", "no model was asked today", id="models")
        yield Footer()

    def on_mount(self) -> None:
        # Nothing is claimed before the first look.
        self.query_one(Board).display = False
        self.screen_layout_refresh_signal.subscribe(self, lambda _: self._focus_first())
        self.set_interval(1, self._tell_late)
        self._follow()

    @work(group="look")
    async def _follow(self) -> None:
        while True:
            if self._is_on_top:
                await self._look()
            await asyncio.sleep(_LOOK_S)

    async def _look(self) -> None:
        self._asked_at = self._door.now()
        try:
            watch = await asyncio.to_thread(self._door.watch)
        except DualbrainError as error:
            if self._is_on_top:
                self._say(f"! {error}")
            return
        finally:
            self._asked_at = None
        if not self._is_on_top:
            return
        self._seen_at = self._door.now()
        self._show(watch)
        self._say("")

    def _focus_first(self) -> None:
        # Only once panels have their places: what comes first is what stands first.
        if self.focused is None and self.query_one(Board).display:
            self.focus_next()

    @property
    def _is_on_top(self) -> bool:
        """Whether panels are there to be shown; they go first when the terminal is left."""
        return self.app.is_running and self.is_active

    def _tell_late(self) -> None:
        if self._asked_at is None:
            return
        waited = int((self._door.now() - self._asked_at).total_seconds())
        if waited >= _LATE_S:
            self._say(f"! expected an answer of the desk at once, found none for {waited} s")

    def _say(self, words: str) -> None:
        notice = self.query_one("#notice", Static)
        old = "" if self._seen_at is None else f"; what stands below is old, of {self._seen_at:%H:%M:%S} UTC"
        notice.update(f"{words}{old}" if words else "")
        notice.display = bool(words)
        self.query_one(Board).set_class(bool(words), "old")

    def _show(self, watch: Watch) -> None:
        sheets = (watch.positions, watch.orders, watch.fills, watch.seats, watch.models)
        for name, sheet in zip(_LEFT, sheets, strict=True):
            self.query_one(f"#{name}", SheetPanel).show(sheet)
        self.query_one(Board).display = True
        self.query_one(AccountLine).show(watch.account)
        self.query_one(EquityChart).show(watch.curve)
        self.query_one("#limits", MeterList).show(watch.limits)
        self.query_one("#budgets", MeterList).show(watch.budgets)
        self.query_one(HealthList).show(watch.health)


class Board(VerticalScroll, can_focus=False):
    """Panels in two columns where there is room, else one under the other."""

    @property
    def layout(self) -> "TwoColumns":
        return TwoColumns()


class TwoColumns(VerticalLayout):
    """Each column has heights of its own; Tab goes by where a panel stands, as everywhere."""

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        if parent.screen.has_class("-narrow"):
            return super().arrange(parent, children, size, greedy)
        middle = int(size.width * _LEFT_SHARE)
        columns = [
            [panel for name in names for panel in children if panel.id == name] for names in (_LEFT, _RIGHT)
        ]
        left = super().arrange(parent, columns[0], Size(middle, size.height), greedy)
        right = super().arrange(parent, columns[1], Size(size.width - middle, size.height), greedy)
        return [*left, *WidgetPlacement.translate(list(right), Offset(middle, 0))]
