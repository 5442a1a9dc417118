"""Themes: legible, kept from one time to the next, and never a reason to fail."""

from pathlib import Path

import pytest
from rich.style import Style as RichStyle
from textual.color import Color

from contracts.errors import SettingsError
from desk.commands.chat import keep_theme, theme_in
from tests.tui.still_door import StillDoor
from tests.tui.terminal import shown, until
from tui.app import DualbrainApp
from tui.theme import DEFAULT, THEMES

LEGIBLE = 4.5
"""Contrast that WCAG 2.2 asks of text at level AA (success criterion 1.4.3, W3C, 2023-10-05)."""
SCREENS = ("escape", "f4", "f2", "f1", "f9")


def contrast(one: Color, other: Color) -> float:
    """Of two colours, by the formula of WCAG 2.2."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: Color) -> float:
    parts = [each / 255 for each in colour.rgb]
    r, g, b = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def test_the_contrast_of_black_on_white_is_21_and_of_a_colour_on_itself_1() -> None:
    assert contrast(Color(0, 0, 0), Color(255, 255, 255)) == pytest.approx(21)
    assert contrast(Color(118, 118, 118), Color(255, 255, 255)) == pytest.approx(4.54, abs=0.005)
    assert contrast(Color(9, 9, 9), Color(9, 9, 9)) == 1


def worst_pair(app: DualbrainApp) -> tuple[float, str]:
    """The hardest to read of the letters and digits on the screen, or in the box that covers it."""
    found, boxes = [(21.0, "")], list(app.screen.query(".box"))
    seen = boxes[0].region if boxes else app.screen.region
    for strip in app.screen._compositor.render_strips()[seen.y : seen.bottom]:
        for segment in strip.crop(seen.x, seen.right):
            style = segment.style or RichStyle()
            if any(map(str.isalnum, segment.text)) and style.color and style.bgcolor:
                ink, paper = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
                found.append((contrast(ink, paper), segment.text))
    return min(found)


@pytest.mark.slow
@pytest.mark.parametrize("theme", [each.name for each in THEMES])
@pytest.mark.parametrize("key", SCREENS)
async def test_every_word_of_a_screen_can_be_read_in_a_theme_of_our_own(theme: str, key: str) -> None:
    app = DualbrainApp(StillDoor, theme=theme)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.overview is not None)
        await pilot.press(key)
        await until(pilot, lambda: "PAPER" in shown(app))
        await pilot.pause(0.3)
        ratio, words = worst_pair(app)
    assert 1 < ratio < 21, "expected words on the screen, found none"
    assert ratio >= LEGIBLE, f"expected a contrast of {LEGIBLE} or more, found {ratio:.2f} for {words!r}"


async def test_a_chosen_theme_is_written_down_and_read_back(tmp_path: Path) -> None:
    chosen = tmp_path / "home" / "theme"
    app = DualbrainApp(StillDoor, theme=theme_in(chosen), keep_theme=lambda name: keep_theme(chosen, name))
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.overview is not None)
        assert app.theme == DEFAULT
        assert not chosen.exists(), "expected a theme that nobody chose not to be written"
        app.theme = "nord"
        await until(pilot, chosen.exists)
    assert chosen.read_text() == "nord\n"
    again = DualbrainApp(StillDoor, theme=theme_in(chosen))
    assert again.theme == "nord"


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"no such theme\n", b"\xff\xfe\x00", b"../nord", b"x" * 100_000], ids=repr
)
def test_a_file_that_names_no_theme_means_the_default(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "theme").write_bytes(content)
    assert DualbrainApp(StillDoor, theme=theme_in(tmp_path / "theme")).theme == DEFAULT


def test_a_folder_in_the_place_of_the_file_means_the_default(tmp_path: Path) -> None:
    assert DualbrainApp(StillDoor, theme=theme_in(tmp_path)).theme == DEFAULT


async def test_a_theme_that_cannot_be_written_is_told_and_holds(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="expected to write the theme"):
        keep_theme(tmp_path, "nord")
    app = DualbrainApp(StillDoor, keep_theme=lambda name: keep_theme(tmp_path, name))
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: app.overview is not None)
        app.theme = "nord"
        await until(pilot, lambda: "holds until you leave" in str([n.message for n in app._notifications]))
        assert app.theme == "nord"
