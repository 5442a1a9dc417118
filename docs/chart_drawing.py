"""Charts as small SVG files: lines with bands and marks, and heat maps; no library, alike on every run.

Colours are those of the terminal's two themes, chosen by the reader's own light or dark setting. Text is set
in the reader's fonts; labels are placed with room to spare, since how wide they come out is not known here.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np

from contracts.market import Float1D, Float2D
from tui.theme import THEMES

WIDTH, HEIGHT = 720, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 82, 22, 72, 52
_LETTER = 7.0
"""About how wide a letter is, for the legend."""
_FONT = "ui-sans-serif,system-ui,'DejaVu Sans',Helvetica,Arial,sans-serif"
_SHADES = ("primary", "accent", "success", "error")
_STEPS, _LEVELS, _BAND = 6, 16, 0.22
"""Steps of a scale, levels of a heat map, and how strong a band is; bands that lie on others add up."""
_ABOVE, _GAP, _APART = 0.34, 16, 32
"""Share of the height that a second frame gets, the gap under it, and pixels between two ticks at least."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points, NaN where it breaks off."""

    label: str
    x: Float1D
    y: Float1D
    shade: int = 0
    is_dashed: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """What lies between two lines."""

    label: str
    x: Float1D
    low: Float1D
    high: Float1D
    shade: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """A dot with a word beside it, to its right unless it says otherwise."""

    label: str
    x: float
    y: float
    is_left: bool = False


@dataclass(frozen=True, slots=True)
class Heat:
    """Cells between edges: values of shape (rows, columns), NaN left out; one scale for all of a chart."""

    label: str
    x_edges: Float1D
    y_edges: Float1D
    values: Float2D
    shade: int = 0


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines in a smaller frame over the chart's own, along the same x."""

    y_label: str
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn in one frame, heat first and marks last."""

    title: str
    x_label: str
    y_label: str
    lines: Sequence[Line] = field(default=())
    bands: Sequence[Band] = field(default=())
    marks: Sequence[Mark] = field(default=())
    heats: Sequence[Heat] = field(default=())
    above: Panel | None = None


@dataclass(frozen=True, slots=True)
class _Scale:
    """From values to pixels along one side of the frame."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        step = _step((self.high - self.low) / min(_STEPS, abs(self.end - self.start) / _APART))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [k * step for k in range(first, last + 1)]


def draw(chart: Chart) -> str:
    """The chart as an SVG; ValueError where nothing in it is finite."""
    across = _scale(_values(chart, "x"), _LEFT, WIDTH - _RIGHT, is_tight=bool(chart.heats))
    top = _TOP if chart.above is None else _TOP + _ABOVE * (HEIGHT - _BOTTOM - _TOP) + _GAP
    up = _scale(_values(chart, "y"), HEIGHT - _BOTTOM, top, is_tight=bool(chart.heats))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="{_FONT}" font-size="13">',
        f"<title>{escape(chart.title)}</title>",
        f"<style>{_style(is_dark=False)}@media (prefers-color-scheme:dark){{{_style(is_dark=True)}}}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="8"/>',
        _text(_LEFT, 28, chart.title, 'font-size="16" font-weight="600"'),
        *_legend(chart),
        *_axes(chart, across, up),
        *(() if chart.above is None else _above(chart.above, across, top - _GAP)),
        *(part for heat in chart.heats for part in _heat(heat, _strongest(chart.heats), across, up)),
        *(_band(band, across, up) for band in chart.bands),
        *(_line(line, across, up) for line in chart.lines),
        *(part for mark in chart.marks for part in _mark(mark, across, up)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _style(*, is_dark: bool) -> str:
    theme = next(theme for theme in THEMES if theme.dark == is_dark)
    shades = "".join(
        f".s{i}{{stroke:{getattr(theme, name)}}}.f{i}{{fill:{getattr(theme, name)}}}"
        for i, name in enumerate(_SHADES)
    )
    return (
        f".paper{{fill:{theme.background}}}.ink{{fill:{theme.foreground}}}"
        f".grid{{stroke:{theme.foreground};stroke-opacity:.14}}{shades}"
    )


def _values(chart: Chart, side: str) -> Float1D:
    """Everything that has to fit on one side of the frame."""
    lines = [*chart.lines, *(chart.above.lines if chart.above is not None and side == "x" else ())]
    found = [getattr(line, side) for line in lines]
    for band in chart.bands:
        found += [band.x] if side == "x" else [band.low, band.high]
    found += [np.array([getattr(mark, side)]) for mark in chart.marks]
    found += [getattr(heat, f"{side}_edges") for heat in chart.heats]
    joined: Float1D = np.concatenate([np.empty(0), *found])
    return joined[np.isfinite(joined)]


def _scale(values: Float1D, start: float, end: float, *, is_tight: bool) -> _Scale:
    if not len(values):
        raise ValueError("expected something finite to draw, found nothing; leave the picture out")
    low, high = float(values.min()), float(values.max())
    room = 0.0 if is_tight else 0.05 * (high - low)
    if high == low:
        room = abs(low) / 2 or 1.0
    # What is nowhere negative is not shown with room under zero.
    return _Scale(max(low - room, 0.0) if low >= 0 else low - room, high + room, start, end)


def _step(rough: float) -> float:
    size = 10.0 ** math.floor(math.log10(rough))
    return next(size * k for k in (1, 2, 5, 10) if size * k >= rough * (1 - 1e-9))


def _text(x: float, y: float, words: str, how: str = "") -> str:
    return f'<text x="{x:.0f}" y="{y:.1f}" class="ink" {how}>{escape(words)}</text>'


def _axes(chart: Chart, across: _Scale, up: _Scale) -> Iterator[str]:
    yield from _grid(across, up, chart.y_label)
    for tick in across.ticks():
        yield _text(across.at(tick), HEIGHT - _BOTTOM + 19, _told(tick), 'text-anchor="middle"')
    yield _text((across.start + across.end) / 2, HEIGHT - 13, chart.x_label, 'text-anchor="middle"')


def _grid(across: _Scale, up: _Scale, y_label: str) -> Iterator[str]:
    for tick in up.ticks():
        y = up.at(tick)
        yield f'<line class="grid" x1="{across.start}" y1="{y:.1f}" x2="{across.end}" y2="{y:.1f}"/>'
        yield _text(_LEFT - 9, y + 4.5, _told(tick), 'text-anchor="end"')
    for tick in across.ticks():
        x = across.at(tick)
        yield f'<line class="grid" x1="{x:.1f}" y1="{up.end:g}" x2="{x:.1f}" y2="{up.start:g}"/>'
    middle = (up.start + up.end) / 2
    yield _text(20, middle, y_label, f'text-anchor="middle" transform="rotate(-90 20 {middle:.1f})"')


def _above(panel: Panel, across: _Scale, bottom: float) -> Iterator[str]:
    values = np.concatenate([line.y for line in panel.lines])
    up = _scale(values[np.isfinite(values)], bottom, _TOP, is_tight=False)
    yield from _grid(across, up, panel.y_label)
    for line in panel.lines:
        yield _line(line, across, up)


def _legend(chart: Chart) -> Iterator[str]:
    parts: list[tuple[Heat | Band | Line, float]] = [(heat, 0.5) for heat in chart.heats]
    parts += [(band, min(_BAND * (n + 1), 1.0)) for n, band in enumerate(chart.bands)]
    x = float(_LEFT)
    above = () if chart.above is None else chart.above.lines
    for part, strength in (*parts, *((line, 1.0) for line in (*chart.lines, *above))):
        if not part.label:
            continue
        if isinstance(part, Line):
            yield f'<path class="s{part.shade}" d="M{x:.0f} 49h18" stroke-width="2.5"{_dash(part)}/>'
        else:
            swatch = f'x="{x:.0f}" y="43" width="18" height="12" fill-opacity="{strength:.2f}"'
            yield f'<rect class="f{part.shade}" {swatch}/>'
        yield _text(x + 24, 53.5, part.label)
        x += 24 + _LETTER * len(part.label) + 22


def _dash(line: Line) -> str:
    return ' stroke-dasharray="5 4"' if line.is_dashed else ""


def _line(line: Line, across: _Scale, up: _Scale) -> str:
    path, is_on = "", False
    for x, y in zip(line.x.tolist(), line.y.tolist(), strict=True):
        is_known = math.isfinite(x) and math.isfinite(y)
        if is_known:
            path += f"{'L' if is_on else 'M'}{across.at(x):.1f} {up.at(y):.1f}"
        is_on = is_known
    how = f'fill="none" stroke-width="2" stroke-linejoin="round"{_dash(line)}'
    return f'<path class="s{line.shade}" d="{path}" {how}/>'


def _band(band: Band, across: _Scale, up: _Scale) -> str:
    known = np.isfinite(band.x) & np.isfinite(band.low) & np.isfinite(band.high)
    there = zip(band.x[known].tolist(), band.low[known].tolist(), strict=True)
    back = zip(band.x[known][::-1].tolist(), band.high[known][::-1].tolist(), strict=True)
    points = " ".join(f"{across.at(x):.1f},{up.at(y):.1f}" for x, y in (*there, *back))
    return f'<polygon class="f{band.shade}" points="{points}" fill-opacity="{_BAND}"/>'


def _mark(mark: Mark, across: _Scale, up: _Scale) -> Iterator[str]:
    x, y = across.at(mark.x), up.at(mark.y)
    yield f'<circle class="f1" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'
    if mark.is_left:
        yield _text(x + 4, y - 14, mark.label, 'text-anchor="end"')
    else:
        yield _text(x + 10, y - 7, mark.label)


def _strongest(heats: Sequence[Heat]) -> float:
    """The largest value, the same for all so that they can be compared."""
    values = np.concatenate([heat.values.ravel() for heat in heats])
    return float(values[np.isfinite(values)].max(initial=0.0)) or 1.0


def _heat(heat: Heat, strongest: float, across: _Scale, up: _Scale) -> Iterator[str]:
    """A path a level, on whole pixels: a rectangle a cell would be many times as large and show its seams."""
    known = np.where(np.isfinite(heat.values) & (heat.values > 0), heat.values, 0.0)
    level = np.ceil(known / strongest * _LEVELS).astype(int)
    x = [round(across.at(edge)) for edge in heat.x_edges.tolist()]
    y = [round(up.at(edge)) for edge in heat.y_edges.tolist()]
    for k in range(1, _LEVELS + 1):
        cells = [
            f"M{x[j]} {y[i]}h{x[j + 1] - x[j]}v{y[i + 1] - y[i]}h{x[j] - x[j + 1]}z"
            for i, j in np.argwhere(level == k).tolist()
        ]
        if cells:
            yield f'<path class="f{heat.shade}" fill-opacity="{k / _LEVELS:.2f}" d="{"".join(cells)}"/>'


def _told(value: float) -> str:
    return f"{value:,.10g}" if abs(value) < 1e6 else f"{value:.3g}"
