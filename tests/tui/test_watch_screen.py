"""The watch screen before a desk that stands still, and changes when it is told to."""

import re
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import DataTable

from contracts.errors import DataUnavailable, DualbrainError
from tests.tui.still_door import NOW, StillDoor
from tests.tui.still_watch import CYCLES, EMPTY, still_curve, still_fills, still_orders, still_watch
from tests.tui.terminal import sees, shown, until
from tui.app import DualbrainApp
from tui.door import Health, Meter, Sheet, Watch
from tui.sheet_panel import SheetPanel, SheetTable
from tui.story_screen import StoryScreen
from tui.watch_screen import WatchScreen

pytestmark = pytest.mark.slow
PANELS = (
    "account",
    "positions",
    "limits",
    "budgets",
    "health",
    "curve",
    "orders",
    "fills",
    "seats",
    "models",
)


@asynccontextmanager
async def watching(
    door: StillDoor, size: tuple[int, int] = (120, 40), *, notifications: bool = False
) -> AsyncIterator[tuple[DualbrainApp, Pilot[DualbrainError]]]:
    app = DualbrainApp(lambda: door)
    async with app.run_test(size=size, notifications=notifications) as pilot:
        await until(pilot, lambda: app.overview is not None)
        await pilot.press("f4")
        await until(pilot, lambda: door.n_looks > 0 and not app.screen.query_one("#notice").display)
        yield app, pilot


async def looked(door: StillDoor, pilot: Pilot[DualbrainError], watched: Watch | Exception) -> None:
    """Give the desk another face, and wait until the screen has looked at it."""
    door.watched = watched
    seen = door.n_looks
    await until(pilot, lambda: door.n_looks >= seen + 2)


def table(app: DualbrainApp, panel: str) -> "DataTable[object]":
    return app.screen.query_one(f"#{panel} DataTable", DataTable)


def cells(app: DualbrainApp, panel: str, row: int) -> list[str]:
    return [str(cell) for cell in table(app, panel).get_row_at(row)]


async def test_everything_stands_on_one_screen_that_is_wide() -> None:
    async with watching(StillDoor()) as (app, pilot):
        for words in (
            "equity 99,037.09 USD",
            "EURUSD -287,436 short",
            "287,436 rejected",
            "entry SELL",
            "kimi 48 31",
            "qwen3:14b",
            "daily loss",
            "kill switch ● fine not thrown",
            "Equity, 26 Sep 2016 to 4 Jan 2017",
            "worst 8.10 %, 26 Nov",
        ):
            await sees(app, pilot, words)
        for panel in PANELS:
            region = app.screen.query_one(f"#{panel}").region
            assert app.screen.region.contains_region(region), f"expected all of {panel}, found {region}"
        board = app.screen.query_one("#board")
        assert board.max_scroll_y == 0


async def test_one_column_has_the_account_first_and_the_models_last() -> None:
    async with watching(StillDoor(), (80, 24)) as (app, pilot):
        tops = [app.screen.query_one(f"#{panel}").virtual_region.y for panel in PANELS]
        assert tops == sorted(set(tops))
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        left, right = (app.screen.query_one(f"#{panel}").region for panel in ("positions", "account"))
        assert left.y == right.y
        assert left.right <= right.x


async def test_an_empty_desk_says_in_words_what_there_is_none_of() -> None:
    door = StillDoor(watched=EMPTY)
    async with watching(door) as (app, pilot):
        for words in (
            "no account on record yet",
            "no position",
            "no order yet",
            "no fill yet",
            "no voter was asked yet",
            "no model was asked today",
            "no limit on record yet",
            "no budget on record yet",
            "no equity on record yet",
            "nothing known yet",
        ):
            await sees(app, pilot, words)
        await looked(door, pilot, still_watch())
        await sees(app, pilot, "EURUSD -287,436 short")
        await looked(door, pilot, EMPTY)
        await sees(app, pilot, "no position")


async def test_numbers_stand_on_the_right_and_words_on_the_left() -> None:
    async with watching(StillDoor()) as (app, _):
        justified = {
            str(column.label): column.label.justify for column in table(app, "positions").ordered_columns
        }
    assert justified == {
        "instrument": "left",
        "position": "left",
        "average price": "right",
        "price now": "right",
        "P&L": "right",
        "stop": "right",
        "target": "right",
    }


@pytest.mark.parametrize("width", range(100, 130, 5))
async def test_a_number_is_shown_whole_or_not_at_all(width: int) -> None:
    async with watching(StillDoor(), (width, 40)) as (app, pilot):
        fills = table(app, "fills")
        for x in (0, 5, 60):
            fills.scroll_to(x=x, animate=False, force=True)
            await pilot.pause()
            region = fills.region
            strips = app.screen._compositor.render_strips()[region.y + 1 : region.bottom]
            told = " ".join(strip.crop(region.x, region.right).text for strip in strips)
            numbers = set(re.findall(r"[-+]?[\d,]*\.\d*|[\d,]{4,}", told))
            assert numbers <= {"287,436", "-962.91", "+0.00", "1.04703", "2.87", "0.00"}


async def test_a_cell_that_changes_is_changed_in_place_and_nothing_else() -> None:
    door = StillDoor()
    async with watching(door) as (app, pilot):
        orders = table(app, "orders")
        keys = list(orders.rows)
        changed = list(still_orders().rows)
        changed[3] = (*changed[3][:4], "partially filled", *changed[3][5:])
        await looked(door, pilot, still_watch(orders=still_orders().model_copy(update={"rows": changed})))
        assert list(orders.rows) == keys
        assert cells(app, "orders", 3) == list(changed[3])
        assert cells(app, "orders", 2) == list(still_orders().rows[2])


async def test_a_cursor_in_use_stays_on_its_row_when_new_ones_come_on_top() -> None:
    door = StillDoor(watched=still_watch(orders=still_orders(40)))
    async with watching(door) as (app, pilot):
        orders = table(app, "orders")
        orders.focus()
        await pilot.press(*["down"] * 20)
        before, offset = cells(app, "orders", orders.cursor_row), orders.cursor_row - orders.scroll_y
        assert orders.scroll_y > 0
        await looked(door, pilot, still_watch(orders=still_orders(43)))
        await until(pilot, lambda: orders.cursor_row == 23)
        assert cells(app, "orders", 23) == before
        await until(pilot, lambda: orders.cursor_row - orders.scroll_y == offset)
        await looked(door, pilot, still_watch(orders=still_orders(5)))
        assert orders.row_count == 5
        assert orders.cursor_row < 5


async def test_a_table_nobody_uses_stays_on_its_newest_row() -> None:
    door = StillDoor()
    async with watching(door) as (app, pilot):
        await looked(door, pilot, still_watch(fills=still_fills(12)))
        assert table(app, "fills").row_count == 12
        assert table(app, "fills").cursor_row == 0
        assert table(app, "fills").scroll_y == 0


async def test_enter_and_one_click_on_a_row_tell_its_cycle() -> None:
    async with watching(StillDoor()) as (app, pilot):
        table(app, "orders").focus()
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, StoryScreen))
        await until(pilot, lambda: isinstance(app.screen, StoryScreen) and app.screen.cycle_id == CYCLES[10])
        await pilot.press("escape")
        assert isinstance(app.screen, WatchScreen)
        assert table(app, "orders").cursor_row == 1
        await pilot.click("#fills DataTable", offset=(20, 4))
        await until(pilot, lambda: isinstance(app.screen, StoryScreen))
        await until(pilot, lambda: isinstance(app.screen, StoryScreen) and app.screen.cycle_id == CYCLES[5])


async def test_a_row_without_a_cycle_says_so() -> None:
    async with watching(StillDoor(), notifications=True) as (app, pilot):
        table(app, "positions").focus()
        await pilot.press("down", "enter")
        await sees(app, pilot, "no cycle on record stands behind this row")
        assert isinstance(app.screen, WatchScreen)


async def test_tab_walks_over_every_panel_and_back_to_the_first() -> None:
    async with watching(StillDoor()) as (app, pilot):
        walked = []
        for _ in PANELS:
            focused = app.focused
            assert focused is not None
            walked += [each.id for each in focused.ancestors_with_self if each.id in PANELS]
            await pilot.press("tab")
        assert sorted(map(str, walked)) == sorted(PANELS)
        assert walked[0] == "positions"


async def test_an_error_is_told_the_last_picture_stays_and_the_next_look_clears_it() -> None:
    door = StillDoor()
    async with watching(door) as (app, pilot):
        await looked(door, pilot, DataUnavailable("expected the journal, found [b]none[/b]"))
        await sees(
            app, pilot, "! expected the journal, found [b]none[/b]; what stands below is old, of 09:30:00 UTC"
        )
        assert "equity 99,037.09 USD" in shown(app)
        await looked(door, pilot, still_watch(account=(("equity", "1.00 USD"),)))
        await sees(app, pilot, "equity 1.00 USD")
        assert "below is old" not in shown(app)
        assert not app.screen.query_one("#board").has_class("old")


async def test_an_error_at_the_first_look_claims_no_picture() -> None:
    door = StillDoor(watched=DataUnavailable("expected the journal, found none"))
    app = DualbrainApp(lambda: door)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.overview is not None)
        await pilot.press("f4")
        await sees(app, pilot, "! expected the journal, found none")
        assert "below is old" not in shown(app)
        assert "no position" not in shown(app)
        await looked(door, pilot, still_watch())
        await sees(app, pilot, "equity 99,037.09 USD")


async def test_it_looks_at_nothing_while_another_screen_covers_it() -> None:
    door = StillDoor()
    async with watching(door) as (_, pilot):
        await pilot.press("f1")
        await pilot.pause(0.6)
        covered = door.n_looks
        await pilot.pause(1.2)
        assert door.n_looks == covered
        await pilot.press("escape")
        await until(pilot, lambda: door.n_looks > covered)


class HangingDoor(StillDoor):
    """A desk whose second look waits until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go_on = threading.Event()
        self.n_at_once = self.most_at_once = 0

    def watch(self) -> Watch:
        self.n_at_once += 1
        self.most_at_once = max(self.most_at_once, self.n_at_once)
        found = super().watch()
        if self.n_looks > 1:
            self.may_go_on.wait(20)
        self.n_at_once -= 1
        return found


async def test_a_look_that_hangs_piles_up_no_others_and_holds_up_no_key() -> None:
    door = HangingDoor()
    try:
        async with watching(door) as (app, pilot):
            await until(pilot, lambda: door.n_looks == 2)
            await pilot.pause(1.5)
            assert door.n_looks == 2
            table(app, "orders").focus()
            await pilot.press("down")
            assert table(app, "orders").cursor_row == 1
            door.at = NOW + timedelta(seconds=7)
            await sees(app, pilot, "found none for 7 s; what stands below is old, of 09:30:00 UTC")
            door.may_go_on.set()
            await until(pilot, lambda: door.n_looks > 2 and "below is old" not in shown(app))
        assert door.most_at_once == 1
    finally:
        door.may_go_on.set()


async def test_words_of_others_are_words_and_long_ones_are_cut_or_wrapped() -> None:
    name, said = "[red]model[/red]", "expected [b]an answer[/b]\x1b[2J\n" + "word " * 40 + "END"
    watched = still_watch(
        health=(Health(name=name, state="bad", words=said), Health(name="feed", state="good", words=said)),
        seats=Sheet(head=("seat",), rows=((f"{name}\x07",),), cycles=(None,)),
    )
    async with watching(StillDoor(watched=watched)) as (app, pilot):
        await sees(app, pilot, name)
        assert cells(app, "seats", 0) == [name]
        health = app.screen.query_one("#health").region
        told = "\n".join(s.text for s in app.screen._compositor.render_strips()[health.y : health.bottom])
        assert told.count("END") == 1, "expected what fails in full, and what is fine on one line"
        assert "…" in told
        assert "\x1b" not in told


@pytest.mark.parametrize(
    ("used", "words"),
    [
        (None, "drawdown 10 %"),
        (0.0, "0 % 10 %"),
        (0.799, "79 % 10 %"),
        (0.8, "80 % near 10 %"),
        (0.9999, "99 % near 10 %"),
        (1.0, "100 % over 10 %"),
        (13.37, "1337 % over 10 %"),
    ],
)
async def test_a_meter_says_near_and_over_in_words(used: float | None, words: str) -> None:
    watched = still_watch(limits=(Meter(name="drawdown", words="10 %", used=used),))
    async with watching(StillDoor(watched=watched)) as (app, pilot):
        await sees(app, pilot, words)
        assert ("near" in shown(app)) == ("near" in words)


async def test_another_curve_is_drawn_at_the_next_look() -> None:
    door = StillDoor()
    async with watching(door) as (app, pilot):
        chart = app.screen.query_one("#curve")
        await looked(door, pilot, still_watch(curve=still_curve(200)))
        await until(pilot, lambda: chart.border_title == "Equity, 30 Oct 2016 to 4 Jan 2017")


async def test_rows_are_seen_where_the_screen_was_laid_out_before_they_were_measured() -> None:
    class Alone(App[None]):
        def compose(self) -> ComposeResult:
            yield SheetPanel("Orders", "no order yet", id="orders")

    app = Alone()
    async with app.run_test() as pilot:
        panel = app.query_one(SheetPanel)
        panel.show(Sheet(head=("state",), rows=(("filled",), ("rejected",)), cycles=(None, None)))
        # As any other widget may have it done in this moment.
        app.screen._refresh_layout()
        await pilot.pause()
        assert panel.query_one(SheetTable).size.height == 3
