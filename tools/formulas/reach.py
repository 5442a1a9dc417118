"""How far back a formula looks, what it reads, and whether it needs other instruments."""

import math
from dataclasses import dataclass

from tools.formulas.conventions import Conventions
from tools.formulas.operators import FIELDS, OPERATORS
from tools.formulas.tree import Call, Field, Node, Number, walk

_REMNANT = 0.01


@dataclass(frozen=True, slots=True)
class Reach:
    """What a formula's newest value needs."""

    bars: int
    """Bars that the value may depend on; recursive averages are counted up to their first value."""
    settled_bars: int
    """Bars from which the choice of the first bar weighs under 1 % in each recursive average; else `bars`."""
    fields: tuple[str, ...]
    """Fields as the text names them."""
    is_cross_sectional: bool
    switches: tuple[str, ...]
    """The conventions that its value depends on."""

    @property
    def is_recursive(self) -> bool:
        """Whether every bar it is given counts, however little."""
        return self.settled_bars > self.bars


def reach_of(tree: Node, conventions: Conventions) -> Reach:
    """What the tree's newest value needs under these conventions.

    Notes
    -----
    A recursive average sma(x, d, q) begins with its first x, whose weight after k more bars is (1 - q/d)^k:
    of two histories that share their newest k bars the values differ by at most that share of the range
    of x.
    """
    calls = [node for node in walk(tree) if isinstance(node, Call)]
    fields = {node.name for node in walk(tree) if isinstance(node, Field) and node.name in FIELDS}
    if any(call.operator == "adv" for call in calls):
        fields.add("amount" if conventions.adv == "money" else "volume")
    bars, settled = _bars(tree, conventions)
    words = [OPERATORS[call.operator] for call in calls]
    switches = {switch for word in words for switch in word.switches}
    if any(word.reach == "window" for word in words):
        switches.add("incomplete_window")
    if any(_is_fractional(arg) for call in calls for arg in _windows(call)):
        switches.add("windows")
    if "vwap" in fields:
        switches.add("vwap")
    is_cross_sectional = any(word.is_cross_sectional for word in words)
    return Reach(bars, settled, tuple(sorted(fields)), is_cross_sectional, tuple(sorted(switches)))


def _windows(call: Call) -> list[Node]:
    wants = OPERATORS[call.operator].takes
    return [arg for want, arg in zip(wants, call.args, strict=True) if want == "d"]


def _is_fractional(window: Node) -> bool:
    return isinstance(window, Number) and window.value != int(window.value)


def _bars(node: Node, conventions: Conventions) -> tuple[int, int]:
    """Bars to the first value, and to a settled one."""
    if isinstance(node, Number):
        return 0, 0
    if isinstance(node, Field):
        bars = 2 if node.name == "returns" else 1
        return bars, bars
    inner = [_bars(arg, conventions) for arg in node.args] or [(1, 1)]
    first, settled = (max(1, *(pair[place] for pair in inner)) for place in (0, 1))
    window = _window(node, conventions)
    reach = OPERATORS[node.operator].reach
    if reach == "back":
        return first + window, settled + window
    if reach == "window":
        return first + window - 1, settled + window - 1
    if reach == "history":
        warm_up = window - 1 if conventions.sma_warmup == "window" else 0
        return first + warm_up, settled + warm_up + _remembered(node)
    return first, settled


def _window(node: Call, conventions: Conventions) -> int:
    for window in _windows(node):
        if isinstance(window, Number):
            return int(window.value + 0.5) if conventions.windows == "round" else int(window.value)
    return 0


def _remembered(node: Call) -> int:
    """Bars after which an average's start weighs under 1 %."""
    d, q = (arg.value for arg in node.args[1:] if isinstance(arg, Number))
    decay = 1 - q / d
    return math.ceil(math.log(_REMNANT) / math.log(decay)) if 0 < decay < 1 else 0
