"""Every screen in every state looks as it did when somebody last looked at it."""

from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Static

from tests.tui import snapshots
from tests.tui.picture import picture, words_of
from tests.tui.scenes import SCENES
from tests.tui.snapshots import expect_picture, still_terminal, strays
from tests.tui.terminal import sees
from tui.app import DualbrainApp

SIZES = {"wide": (120, 40), "narrow": (80, 24)}
NAMES = [f"{scene}-{size}" for scene in SCENES for size in SIZES]


@pytest.fixture(autouse=True)
def same_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A toast does not go away, and the colours are not those of somebody's shell."""
    monkeypatch.setattr(DualbrainApp, "NOTIFICATION_TIMEOUT", 3_600)
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scene", SCENES)
async def test_a_screen_looks_as_pictured(scene: str, size: str) -> None:
    told = SCENES[scene]
    async with still_terminal(told.door(), SIZES[size], toasts=told.toasts, theme=told.theme) as (app, pilot):
        for keys, words in told.steps:
            await pilot.press(*keys.split())
            await sees(app, pilot, words)
        await expect_picture(app, pilot, f"{scene}-{size}")


def test_every_picture_is_of_a_scene() -> None:
    if snapshots.IS_WRITING:
        for path in strays(NAMES):
            path.unlink()
    assert strays(NAMES) == []


class Words(App[None]):
    """A screen of one line."""

    def __init__(self, line: str) -> None:
        super().__init__()
        self.line = line

    def compose(self) -> ComposeResult:
        yield Static(self.line, markup=True)


async def pictured(line: str) -> str:
    app = Words(line)
    async with app.run_test(size=(30, 3)) as pilot:
        await pilot.pause()
        return picture(app, "words")


async def test_a_picture_holds_the_words_where_they_stood_and_asks_for_nothing_from_elsewhere() -> None:
    svg = await pictured("  a <b> & c   [bold]欧元[/bold] x")
    assert words_of(svg) == ["  a <b> & c   欧元 x", "", ""]
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
    assert "@font-face" not in svg


async def test_another_word_is_told_with_its_row_and_another_colour_as_a_colour() -> None:
    was, now, red = await pictured("equity 1"), await pictured("equity 2"), await pictured("[red]equity 1[/]")
    told = snapshots.difference("x", was, now)
    assert "first in row 1:\n  expected 'equity 1'\n  found    'equity 2'" in told
    assert "every word is the same, the colours are not: first in row 1\n" in snapshots.difference(
        "x", was, red
    )


@pytest.mark.slow
async def test_a_screen_that_differs_fails_and_leaves_what_it_looks_like_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "PICTURES", tmp_path)
    monkeypatch.setattr(snapshots, "NOW", tmp_path / "now")
    monkeypatch.setattr(snapshots, "ROOT", tmp_path)
    monkeypatch.setattr(snapshots, "_PATIENCE_S", 0.2)
    monkeypatch.setattr(snapshots, "IS_WRITING", False)
    scene = SCENES["help"]
    async with still_terminal(scene.door(), (80, 24)) as (app, pilot):
        await sees(app, pilot, "left")
        with pytest.raises(AssertionError, match=r"expected a picture help.svg, found none"):
            await expect_picture(app, pilot, "help")
        monkeypatch.setattr(snapshots, "IS_WRITING", True)
        await expect_picture(app, pilot, "help")
        monkeypatch.setattr(snapshots, "IS_WRITING", False)
        await expect_picture(app, pilot, "help")
        await pilot.press("x")
        with pytest.raises(AssertionError, match=r"help does not look as pictured, first in row"):
            await expect_picture(app, pilot, "help")
    assert (tmp_path / "now" / "help.svg").is_file()
    assert [path.name for path in snapshots.strays(["other"])] == ["help.svg"]
