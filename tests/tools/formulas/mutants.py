"""Formulas with one thing changed: a number, a window, an operator, a field, an argument.

A test is worth what it notices. These are the mistakes of somebody who copies a formula: each is a tree of
the language that differs from the published one in one place. `slips.py` has those of somebody who writes an
operator; `Twin` says whether `test_twin.py` notices.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from tests.plain.operators import Float2D, shaken
from tests.tools.formulas.test_twin import differs
from tools.formulas.engine import Panel
from tools.formulas.operators import OPERATORS, Want
from tools.formulas.tree import Call, Field, Node, Number

Kind = Literal["constant", "window", "operator", "dropped", "swapped", "field"]

KINDS: tuple[Kind, ...] = ("constant", "window", "operator", "dropped", "swapped", "field")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A formula with one change."""

    kind: Kind
    change: str
    path: tuple[int, ...]
    """Which argument of which argument the change is in, from the root."""
    tree: Node

    @property
    def label(self) -> str:
        """Unique within its formula."""
        return f"{self.change} at {'.'.join(map(str, self.path)) or 'the root'}"


RELATIVES = {
    "add": ("subtract",),
    "subtract": ("add",),
    "multiply": ("divide",),
    "divide": ("multiply",),
    "power": ("multiply", "signed_power"),
    "signed_power": ("power",),
    "less": ("less_equal",),
    "less_equal": ("less",),
    "greater": ("greater_equal",),
    "greater_equal": ("greater",),
    "equal": ("not_equal", "less_equal"),
    "not_equal": ("equal", "less"),
    "and": ("or",),
    "or": ("and",),
    "min": ("max",),
    "max": ("min",),
    "abs": ("sign",),
    "sign": ("abs",),
    "log": ("sign",),
    "delay": ("delta",),
    "delta": ("delay",),
    "ts_sum": ("ts_mean",),
    "ts_mean": ("ts_sum", "decay_linear"),
    "ts_product": ("ts_sum",),
    "ts_std": ("ts_mean",),
    "ts_min": ("ts_max",),
    "ts_max": ("ts_min",),
    "ts_argmin": ("ts_argmax",),
    "ts_argmax": ("ts_argmin",),
    "ts_rank": ("ts_mean",),
    "ts_corr": ("ts_cov", "ts_beta"),
    "ts_cov": ("ts_corr",),
    "ts_beta": ("ts_corr",),
    "ts_slope": ("delta", "ts_residual"),
    "ts_rsquare": ("ts_slope",),
    "ts_residual": ("ts_slope",),
    "ts_cumsum_max": ("ts_cumsum_min",),
    "ts_cumsum_min": ("ts_cumsum_max",),
    "decay_linear": ("ts_mean",),
    "decay_power": ("sma",),
    "scale": ("rank",),
}
"""Operators that stand in for one another without anything else changing."""

NEIGHBOURS = {
    "open": ("close",),
    "close": ("open", "vwap"),
    "high": ("low",),
    "low": ("high",),
    "vwap": ("close",),
    "volume": ("amount",),
    "amount": ("volume",),
    "returns": ("close",),
    "cap": ("volume",),
    "benchmark_open": ("benchmark_close",),
    "benchmark_close": ("benchmark_open",),
    "factor_market": ("factor_size",),
    "factor_size": ("factor_value",),
    "factor_value": ("factor_market",),
    "sector": ("industry",),
    "industry": ("subindustry",),
    "subindustry": ("sector",),
}

_DROPPED = frozenset({"negate", "not", "abs", "sign", "log", "rank", "scale", "neutralize"})
_SWAPPED = frozenset(
    {
        *("subtract", "divide", "power", "signed_power", "less", "less_equal", "greater", "greater_equal"),
        *("ts_beta", "ts_beta_where", "ts_factor_residual"),
    }
)
"""Operators whose first two arguments are not alike."""

_MAX_Q = {"ts_quantile": 1.0, "decay_power": 1.0}


def mutants_of(tree: Node) -> Iterator[Mutant]:
    """Every change of one place, in the order of the text."""
    for path, kind, change, changed in _changes(tree):
        yield Mutant(kind, change, path, changed)


_Change = tuple[tuple[int, ...], Kind, str, Node]


def _changes(node: Node) -> Iterator[_Change]:
    match node:
        case Field(name):
            for other in NEIGHBOURS.get(name, ()):
                yield (), "field", f"{name} -> {other}", Field(other)
        case Number(value):
            for other_value in _other_constants(value):
                yield (), "constant", f"{value:g} -> {other_value:g}", Number(other_value)
        case Call(operator, args):
            for kind, change, changed in _changes_of_call(operator, args):
                yield (), kind, change, changed
            for place, want in enumerate(OPERATORS[operator].takes):
                for path, kind, change, changed in _changes_of_argument(operator, want, args[place]):
                    replaced = (*args[:place], changed, *args[place + 1 :])
                    yield (place, *path), kind, change, Call(operator, replaced)


def _changes_of_call(operator: str, args: tuple[Node, ...]) -> Iterator[tuple[Kind, str, Node]]:
    for other in RELATIVES.get(operator, ()):
        if _fits(other, args):
            yield "operator", f"{operator} -> {other}", Call(other, args[: len(OPERATORS[other].takes)])
    if operator == "rank":
        yield "operator", "rank -> ts_rank", Call("ts_rank", (*args, Number(5.0)))
    if operator in _DROPPED:
        yield "dropped", f"no {operator}", args[0]
    if operator in _SWAPPED and args[0] != args[1]:
        yield "swapped", f"{operator} the other way", Call(operator, (args[1], args[0], *args[2:]))
    if operator == "where" and args[1] != args[2]:
        yield "swapped", "where the other way", Call(operator, (args[0], args[2], args[1]))
    if operator == "ts_beta_where":
        yield (
            "swapped",
            "where not",
            Call(operator, (args[0], args[1], Call("not", (args[2],)), args[3])),
        )


def _fits(operator: str, args: tuple[Node, ...]) -> bool:
    """Whether its windows and settings may be these."""
    takes = OPERATORS[operator].takes
    windows = [arg for want, arg in zip(takes, args, strict=False) if want == "d"]
    return all(
        isinstance(window, Number) and window.value >= OPERATORS[operator].min_window for window in windows
    )


def _changes_of_argument(operator: str, want: Want, arg: Node) -> Iterator[_Change]:
    if isinstance(arg, Number) and want == "d":
        for bars in (arg.value + 1, arg.value - 1):
            if bars >= OPERATORS[operator].min_window:
                yield (), "window", f"{operator} over {arg.value:g} -> {bars:g}", Number(bars)
    elif isinstance(arg, Number) and want == "q":
        for share in dict.fromkeys((arg.value * 1.1, arg.value + 1, 1 - arg.value)):
            if share != arg.value and 0 < share <= _MAX_Q.get(operator, share):
                yield (), "constant", f"{operator} by {arg.value:g} -> {share:g}", Number(share)
    else:
        yield from _changes(arg)


def _other_constants(value: float) -> tuple[float, ...]:
    return tuple(dict.fromkeys((value * 1.1, value + 1))) if value else (1.0,)


_N_SHAKES, _MOST_TIED = 40, 1500
"""As many as in `test_twin.py`, and more cells than it lets hang on last bits in all formulas together."""


@dataclass
class Twin:
    """One formula's values on one panel, and what a computation of it may not get wrong unnoticed."""

    plain: Callable[[Panel], Float2D]
    panel: Panel
    _shakes: int = 0
    _hanging: npt.NDArray[np.bool_] = field(init=False)
    """Cells that hang on last bits, as far as the shakes so far have shown."""

    def __post_init__(self) -> None:
        self.expected = self.plain(self.panel)
        self._hanging = np.zeros(self.expected.shape, dtype=np.bool_)

    def notices(self, found: Float2D) -> bool:
        """Whether `test_twin.py` fails on these values: what is off does not hang on last bits alone."""
        is_off = differs(found, self.expected)
        if not 0 < int(is_off.sum()) <= _MOST_TIED:
            return bool(is_off.any())
        # Three shakes show nearly all that hangs: with much more off than that, the others need no look.
        self._shake(3)
        n_hanging = int(self._hanging.sum())
        if int((is_off & ~self._hanging).sum()) > max(50, 2 * n_hanging):
            return True
        self._shake(_N_SHAKES)
        return bool((is_off & ~self._hanging).any())

    def _shake(self, times: int) -> None:
        for seed in range(self._shakes, times):
            with shaken(seed):
                self._hanging |= differs(self.plain(self.panel), self.expected)
        self._shakes = max(self._shakes, times)
