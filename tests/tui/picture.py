"""A screen as an SVG that is small, alike on every run, and asks nobody for a font.

A row of the screen is a line of the file: backgrounds first, then texts. So a changed row is one changed line
in a diff, and `words_of` reads the screen back out of the picture.
"""

import re
from collections.abc import Iterable
from html import escape, unescape
from typing import TypeVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import SVG_EXPORT_THEME
from textual.app import App
from textual.strip import Strip

R = TypeVar("R")
_ACROSS, _DOWN, _MARGIN, _BASELINE = 10, 19, 8, 15
"""Of a cell in pixels. As high as common monospace fonts are, so that block characters leave no seam."""
_FONT = "ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace"
_FONT_SIZE = 16.6
"""At which DejaVu Sans Mono is a cell wide; `textLength` fits other fonts to it."""
_TEXT = re.compile(r'<text x="(\d+)"[^>]*>([^<]*)</text>')
_RUN = re.compile(r"\S+(?: \S+)*")
"""Words with one space between them; wider gaps are left to the position of what follows."""


def picture(app: App[R], name: str) -> str:
    """The screen on top, with what shines through from below, as an SVG named `name`."""
    update = app.screen._compositor.render_update(
        full=True, screen_stack=app._background_screens, simplify=True
    )
    # What Textual's own screenshot renders; it is typed as any renderable.
    rows = [Strip.join(strips).simplify() for strips in update.strips]  # type: ignore[union-attr]
    width, height = app.size.width * _ACROSS + 2 * _MARGIN, app.size.height * _DOWN + 2 * _MARGIN
    base = app.screen.background_colors[1].rgb
    frame = f'<rect width="{width}" height="{height}" rx="{_MARGIN}" fill="{_hex(base)}"/>'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
        f"<title>{escape(name)}</title>{frame}"
        f'<g font-family="{_FONT}" font-size="{_FONT_SIZE}" transform="translate({_MARGIN},{_MARGIN})">'
    )
    lines = [_row(y * _DOWN, row, _hex(base)) for y, row in enumerate(rows)]
    return "\n".join([head, *lines, "</g></svg>"]) + "\n"


def words_of(svg: str) -> list[str]:
    """The rows of the screen as text."""
    rows = []
    for line in svg.splitlines()[1:-1]:
        row = ""
        for x, text in _TEXT.findall(line):
            row += " " * (int(x) // _ACROSS - cell_len(row)) + unescape(text)
        rows.append(row)
    return rows


def _row(top: int, segments: Iterable[Segment], base: str) -> str:
    backs: list[tuple[int, int, str]] = []
    texts, column = "", 0
    for text, style, _ in segments:
        ink, back, more = _look(style or Style())
        wide = cell_len(text)
        if backs and backs[-1][2] == back and sum(backs[-1][:2]) == column:
            backs[-1] = (backs[-1][0], backs[-1][1] + wide, back)
        elif back != base:
            backs.append((column, wide, back))
        for run in _RUN.finditer(text):
            x, length = column + cell_len(text[: run.start()]), cell_len(run[0])
            texts += (
                f'<text x="{x * _ACROSS}" y="{top + _BASELINE}" textLength="{length * _ACROSS}" '
                f'lengthAdjust="spacingAndGlyphs" fill="{ink}"{more}>{escape(run[0], quote=False)}</text>'
            )
        column += wide
    rects = "".join(
        f'<rect x="{x * _ACROSS}" y="{top}" width="{wide * _ACROSS}" height="{_DOWN}" fill="{back}" '
        'shape-rendering="crispEdges"/>'
        for x, wide, back in backs
    )
    return rects + texts


def _look(style: Style) -> tuple[str, str, str]:
    """Ink, background, and the rest as attributes."""
    theme = SVG_EXPORT_THEME
    ink = theme.foreground_color if style.color is None else style.color.get_truecolor(theme)
    back = (
        theme.background_color
        if style.bgcolor is None
        else style.bgcolor.get_truecolor(theme, foreground=False)
    )
    if style.reverse:
        ink, back = back, ink
    decorations = [
        word for word, is_on in (("underline", style.underline), ("line-through", style.strike)) if is_on
    ]
    more = ' font-weight="bold"' if style.bold else ""
    more += ' font-style="italic"' if style.italic else ""
    more += f' text-decoration="{" ".join(decorations)}"' if decorations else ""
    return _hex(ink), _hex(back), more


def _hex(rgb: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)
