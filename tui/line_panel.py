"""Panels of lines that depend on how wide they are: the account, meters of limits, what answers."""

import math
import textwrap

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from tui.door import Health, Meter, Rows
from tui.plain_words import printable

NEAR, OVER = 0.8, 1.0
"""Shares of a limit from which on it is said to be near, and to be over."""
_EIGHTHS = " ▏▎▍▌▋▊▉"
_MAX_NAME, _MIN_BAR, _MAX_BAR = 20, 8, 24
_MUTED = "$foreground 70%"
_BETWEEN = "  ·  "
_SIGNS = {
    "good": ("● fine", "$text-success"),
    "bad": ("▲ trouble", "bold $text-error"),
    "unknown": ("○ unknown", _MUTED),
}
_SIGN_ROOM = 10
_HANGS = 4
"""Columns that the further lines of what is in trouble stand in: the whole width is theirs."""


class LinePanel(Widget, can_focus=True):
    """A panel with a title; subclasses know their lines, which are never read as markup."""

    def __init__(self, title: str, *, id: str, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.border_title = title

    def lines(self, width: int) -> list[Content]:
        """At least one, none wider than `width`."""
        raise NotImplementedError

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        return len(self.lines(width))

    def render(self) -> Content:
        return Content("\n").join(self.lines(self.content_size.width))


class AccountLine(LinePanel):
    """What the account is worth, as few lines as it takes."""

    _facts: Rows = ()

    def show(self, facts: Rows) -> None:
        """Show others."""
        if facts != self._facts:
            self._facts = facts
            self.refresh(layout=True)

    def lines(self, width: int) -> list[Content]:
        found: list[Content] = []
        for name, words in self._facts:
            fact = Content.assemble((f"{name} ", _MUTED), (_one_line(words), "bold"))
            if found and found[-1].cell_length + len(_BETWEEN) + fact.cell_length <= width:
                found[-1] = Content.assemble(found[-1], (_BETWEEN, _MUTED), fact)
            else:
                found.append(fact.truncate(max(1, width), ellipsis=True))
        return found or [_nothing("no account on record yet")]


class MeterList(LinePanel):
    """A line a limit: its name, a bar, percent, "near" or "over", and its words."""

    def __init__(self, title: str, nothing: str, *, id: str, classes: str | None = None) -> None:
        super().__init__(title, id=id, classes=classes)
        self._words_for_none = nothing
        self._meters: tuple[Meter, ...] = ()

    def show(self, meters: tuple[Meter, ...]) -> None:
        """Show others."""
        if meters != self._meters:
            self._meters = meters
            self.refresh(layout=True)

    def lines(self, width: int) -> list[Content]:
        names = [cell_len(each.name) for each in self._meters if each.used is not None]
        room = min(_MAX_NAME, max(names, default=0))
        return [_meter_line(each, room, width) for each in self._meters] or [_nothing(self._words_for_none)]


class HealthList(LinePanel):
    """A line for each thing: a sign and a word; what is in trouble is told in full."""

    _health: tuple[Health, ...] = ()

    def show(self, health: tuple[Health, ...]) -> None:
        """Show others."""
        if health != self._health:
            self._health = health
            self.refresh(layout=True)

    def lines(self, width: int) -> list[Content]:
        room = min(_MAX_NAME, max((cell_len(each.name) for each in self._health), default=0))
        return [line for each in self._health for line in _health_lines(each, room, width)] or [
            _nothing("nothing known yet")
        ]


def bar(used: float, width: int) -> str:
    """A bar of `width` characters, filled with `used` of it to the eighth below."""
    filled = min(width * 8, max(0, math.floor(round(used * width * 8, 6))))
    whole, rest = divmod(filled, 8)
    return ("█" * whole + (_EIGHTHS[rest] if rest else "")).ljust(width)


def _meter_line(meter: Meter, room: int, width: int) -> Content:
    if meter.used is None:
        name = f"{_cut(meter.name, _MAX_NAME)} "
        return Content.assemble(name, (_cut(meter.words, width - cell_len(name)), _MUTED))
    name = f"{set_cell_size(_one_line(meter.name), room)} "
    colour, word = "primary", ""
    if meter.used >= OVER:
        colour, word = "error", "over "
    elif meter.used >= NEAR:
        colour, word = "warning", "near "
    length = min(_MAX_BAR, max(_MIN_BAR, width // 6))
    # Rounded down, so that what is not near yet never reads 80 %.
    percent = f" {math.floor(round(meter.used * 100, 6)):>3} % "
    rest = width - room - 1 - length - len(percent) - len(word)
    return Content.assemble(
        name,
        (bar(meter.used, length), f"${colour} on $panel"),
        percent,
        (word, f"bold $text-{colour}"),
        (_cut(meter.words, rest), _MUTED),
    )


def _health_lines(health: Health, room: int, width: int) -> list[Content]:
    sign, colour = _SIGNS[health.state]
    head = Content.assemble(
        f"{set_cell_size(_one_line(health.name), room)} ", (sign.ljust(_SIGN_ROOM), colour)
    )
    rest = max(10, width - head.cell_length)
    if health.state != "bad":
        return [Content.assemble(head, (_cut(health.words, rest), _MUTED))]
    first, *others = textwrap.wrap(
        _one_line(health.words),
        max(width, _HANGS + 10),
        initial_indent="." * head.cell_length,
        subsequent_indent=" " * _HANGS,
    ) or [""]
    return [Content.assemble(head, first[head.cell_length :]), *map(Content, others)]


def _nothing(words: str) -> Content:
    return Content.styled(words, _MUTED)


def _cut(text: str, width: int) -> str:
    text = _one_line(text)
    if cell_len(text) <= width:
        return text
    return f"{set_cell_size(text, width - 1).rstrip(' ,;:')}…" if width > 1 else ""


def _one_line(text: str) -> str:
    return " ".join(printable(text).split())
