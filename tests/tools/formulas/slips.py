"""Operators with one thing wrong, put in the place of the right ones while a formula is computed.

These are the mistakes of somebody who writes an operator: another sign, a window one bar off, a switch the
other way. Each says on which operators it shows.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import permutations

import numpy as np
import pytest

from contracts.market import Float2D
from tests.plain import operators as plain_operators
from tests.tools.formulas.mutants import RELATIVES
from tools.formulas import kernels, plan
from tools.formulas import kernels_bar as bar
from tools.formulas import kernels_cross as cross
from tools.formulas import kernels_window as window
from tools.formulas.conventions import DEFAULT, Conventions, choices_of
from tools.formulas.engine import Panel, iter_trees
from tools.formulas.operators import OPERATORS
from tools.formulas.tree import Call, Field, Node, Number, walk

Patch = Callable[[pytest.MonkeyPatch], None]
Windowed = Callable[..., None]
"""A kernel of `kernels_window`: inputs, d, settings, out, flags."""


@dataclass(frozen=True, slots=True)
class Slip:
    """One thing wrong in one operator."""

    label: str
    operators: frozenset[str]
    put: Patch
    conventions: Conventions = DEFAULT

    def shows_in(self, tree: Node) -> bool:
        """Whether the formula has one of the operators."""
        return any(isinstance(node, Call) and node.operator in self.operators for node in walk(tree))

    def compute(self, trees: Mapping[str, Node], panel: Panel) -> dict[str, Float2D]:
        """The formulas as they come out with it."""
        with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
            self.put(patch)
            return dict(iter_trees(trees, panel, conventions=self.conventions))


def alone(name: str) -> tuple[Node, Callable[[Panel], Float2D]]:
    """The operator on plain fields, and the same by the twin.

    In a formula a rank may hide what is wrong: no published one has a covariance outside of one.
    """
    is_regression = name == "ts_factor_residual"
    inputs = iter(_FACTORS if is_regression else ("close", "open", "vwap"))
    args: list[Node] = []
    for want in OPERATORS[name].takes:
        match want:
            case "x":
                args.append(Field(next(inputs)))
            case "c":
                args.append(Call("less", (Field(next(inputs)), Field("low"))))
            case "d":
                args.append(Number(30.0 if is_regression else 7.0))
            case "q":
                args.append(Number(0.3))
            case "g":
                args.append(Field("industry"))
    return Call(name, tuple(args)), lambda panel: _plain(Call(name, tuple(args)), panel)


_FACTORS = ("returns", "factor_market", "factor_size", "factor_value")


def _plain(node: Node, panel: Panel) -> Float2D:
    match node:
        case Field(name):
            return panel[name]
        case Call("adv", (Number(d),)):
            return plain_operators.adv(panel, d)
        case Call(name, args):
            word = f"{name}_" if hasattr(plain_operators, f"{name}_") else name
            function: Callable[..., Float2D] = getattr(plain_operators, word)
            return function(*(arg.value if isinstance(arg, Number) else _plain(arg, panel) for arg in args))
    raise TypeError(f"expected a field or an operator, found {node}; ask for one by name")


def slips() -> Iterator[Slip]:
    """All of them."""
    yield from _switches()
    yield from _codes()
    yield from _windows()
    yield from _singles()


_AFTER_LOWERING = {
    "subtract": ("subtract", "delta"),
    "less": ("less", "greater"),
    "less_equal": ("less_equal", "greater_equal"),
    "sqrt": ("power",),
    "multiply": ("multiply", "power"),
    "delay": ("delay", "delta"),
    "ts_mean": ("ts_mean", "adv"),
}
"""The words that a kernel computes, where these are more than its name."""


def _slip(label: str, kernel: str, put: Patch) -> Slip:
    return Slip(label, frozenset(_AFTER_LOWERING.get(kernel, (kernel,))), put)


def _switches() -> Iterator[Slip]:
    """Every switch of the conventions the other way."""
    of_switch: dict[str, set[str]] = {}
    for operator in OPERATORS.values():
        for switch in operator.switches:
            of_switch.setdefault(switch, set()).add(operator.name)
    for switch in Conventions.model_fields:
        for choice in choices_of(switch):
            value = int(choice) if switch == "ddof" else choice
            if value != getattr(DEFAULT, switch):
                other = Conventions.model_validate({switch: value})
                yield Slip(
                    f"{switch} {choice}", frozenset(of_switch.get(switch, OPERATORS)), lambda _: None, other
                )


# bar by bar


def _codes() -> Iterator[Slip]:
    """Every operator computed as every other one with as many arguments."""
    for table in ("_BINARY", "_UNARY"):
        known: Mapping[str, int] = getattr(kernels, table)
        for right, wrong in permutations((name for name in known if name != "known_or_false"), 2):
            changed = {**known, right: known[wrong]}
            yield _slip(f"{right} as {wrong}", right, partial(_set, kernels, table, changed))


def _set(module: object, name: str, value: object, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(module, name, value)


# windows


def _windows() -> Iterator[Slip]:
    """Every window one bar shorter, longer and late, of another sign and size, and as its relatives."""
    names = [name for name, operator in OPERATORS.items() if hasattr(window, name)]
    for name in names:
        right: Windowed = getattr(window, name)
        n_inputs = sum(want in ("x", "c") for want in OPERATORS[name].takes)
        made: dict[str, Windowed] = {
            "one bar shorter": partial(_over, right, n_inputs, -1),
            "one bar longer": partial(_over, right, n_inputs, 1),
            "one bar late": partial(_late, right, n_inputs),
            "with another sign": partial(_scaled, right, -1.0),
            "one per cent more": partial(_scaled, right, 1.01),
        }
        for other in RELATIVES.get(name, ()):
            if hasattr(window, other) and other != "sma" and OPERATORS[other].takes == OPERATORS[name].takes:
                made[f"as {other}"] = partial(_as_other, getattr(window, other))
        if n_inputs > 1:
            made["with its inputs swapped"] = partial(_swapped, right)
        for what, wrong in made.items():
            yield _slip(f"{name} {what}", name, partial(_set, window, name, wrong))


def _over(right: Windowed, n_inputs: int, more: int, *given: object, **flags: object) -> None:
    bars = given[n_inputs]
    assert isinstance(bars, int)
    right(*given[:n_inputs], max(bars + more, 1), *given[n_inputs + 1 :], **flags)


def _late(right: Windowed, n_inputs: int, *given: object, **flags: object) -> None:
    late = [np.vstack([np.full((1, x.shape[1]), np.nan), x[:-1]]) for x in _arrays(given[:n_inputs])]
    right(*late, *given[n_inputs:], **flags)


def _scaled(right: Windowed, factor: float, *given: object, **flags: object) -> None:
    right(*given, **flags)
    (out,) = _arrays(given[-1:])
    out *= factor


def _as_other(other: Windowed, *given: object, **flags: object) -> None:
    other(*given, partial=flags.get("partial", False))


def _swapped(right: Windowed, *given: object, **flags: object) -> None:
    right(given[1], given[0], *given[2:], **flags)


def _arrays(given: tuple[object, ...]) -> list[Float2D]:
    return [x for x in given if isinstance(x, np.ndarray)]


# one of a kind


def _singles() -> Iterator[Slip]:
    of_window: Mapping[str, tuple[str, Windowed]] = {
        "q for 1 - q": ("ts_quantile", _quantile_from_above),
        "d and q swapped": ("sma", _sma_swapped),
        "begun with zero": ("sma", _sma_from_zero),
        "weighing the oldest most": ("decay_power", _decay_of_oldest),
        "newest bar first (max)": ("ts_cumsum_max", partial(_newest_first, np.max)),
        "newest bar first (min)": ("ts_cumsum_min", partial(_newest_first, np.min)),
        "squared": ("ts_std", partial(_of_itself, window.ts_std, np.square)),
        "rooted": ("ts_rsquare", partial(_of_itself, window.ts_rsquare, np.sqrt)),
        "over d - 1": ("ts_mean", _mean_of_fewer),
        "whatever c is": ("ts_beta_where", _beta_everywhere),
        "without the third factor": ("ts_factor_residual", _two_factors),
    }
    for what, (name, wrong) in of_window.items():
        yield _slip(f"{name} {what}", name, partial(_set, window, name, wrong))
    yield _slip("where with its branches swapped", "where", partial(_set, kernels, "_where", _where_swapped))
    yield _slip("rank from the largest", "rank", partial(_set, cross, "rank", _rank_down))
    yield _slip("scale by the plain sum", "scale", partial(_set, cross, "scale", _scale_by_sum))
    yield _slip("neutralize by all", "neutralize", partial(_set, cross, "neutralize", _less_mean_of_all))
    yield _slip("log to base 10", "log", partial(_set, bar, "unary", _log10))
    yield _slip("delay one bar more", "delay", _delay_more)
    flipped = {"greater": "less_equal", "greater_equal": "less"}
    yield Slip("a > b as b <= a", frozenset(flipped), partial(_set, plan, "_FLIPPED", flipped))
    yield Slip("a > b as a < b", frozenset(flipped), _not_flipped)
    alike = plan._COMMUTATIVE | {"subtract"}
    yield _slip("subtract without order", "subtract", partial(_set, plan, "_COMMUTATIVE", alike))
    alike = plan._COMMUTATIVE | {"divide"}
    yield _slip("divide without order", "divide", partial(_set, plan, "_COMMUTATIVE", alike))
    folded = {**plan._FOLDED, "subtract": float.__add__}
    yield _slip("1 - 0.5 folded to 1.5", "subtract", partial(_set, plan, "_FOLDED", folded))
    yield _slip("x^2 as x * x * x", "power", _power_more)


def _quantile_from_above(x: Float2D, d: int, q: float, out: Float2D, *, partial: bool = False) -> None:
    _QUANTILE(x, d, 1 - q, out, partial=partial)


def _sma_swapped(x: Float2D, d: int, q: float, out: Float2D, **flags: str) -> None:
    _SMA(x, d, d - q, out, **flags)  # type: ignore[arg-type]  # a switch, handed on


def _sma_from_zero(x: Float2D, d: int, q: float, out: Float2D, **flags: str) -> None:
    _SMA(np.vstack([np.zeros((1, x.shape[1])), x]), d, q, longer := np.empty((len(x) + 1, x.shape[1])))
    out[:] = longer[1:]


def _decay_of_oldest(x: Float2D, d: int, q: float, out: Float2D, *, partial: bool = False) -> None:
    _DECAY_POWER(x, d, 1 / q, out, partial=partial)


def _newest_first(
    extreme: Callable[..., Float2D], x: Float2D, d: int, out: Float2D, *, partial: bool = False
) -> None:
    padded = np.vstack([np.full((d - 1, x.shape[1]), np.nan), x])
    windows = np.lib.stride_tricks.sliding_window_view(padded, d, axis=0)[-len(out) :]
    out[:] = extreme(windows[..., ::-1].cumsum(axis=-1), axis=-1)


def _of_itself(right: Windowed, then: Callable[[Float2D], Float2D], *given: object, **flags: object) -> None:
    right(*given, **flags)
    (out,) = _arrays(given[-1:])
    out[:] = then(out)


def _mean_of_fewer(x: Float2D, d: int, out: Float2D, *, partial: bool = False) -> None:
    window.ts_sum(x, d, out, partial=partial)
    out /= max(d - 1, 1)


def _beta_everywhere(
    x: Float2D, y: Float2D, c: Float2D, d: int, out: Float2D, *, partial: bool = False
) -> None:
    _BETA_WHERE(x, y, np.ones_like(c), d, out, partial=partial)


def _two_factors(
    x: Float2D, y: Float2D, z: Float2D, u: Float2D, d: int, out: Float2D, *, partial: bool = False
) -> None:
    _FACTOR_RESIDUAL(x, y, z, z, d, out, partial=partial)


_QUANTILE, _SMA, _DECAY_POWER = window.ts_quantile, window.sma, window.decay_power
_BETA_WHERE, _FACTOR_RESIDUAL = window.ts_beta_where, window.ts_factor_residual
_RANK, _NEUTRALIZE, _UNARY = cross.rank, cross.neutralize, bar.unary


def _where_swapped(values: list[Float2D], out: Float2D) -> None:
    bar.where(values[0], values[2], values[1], out)


def _rank_down(x: Float2D, out: Float2D, **flags: str) -> None:
    _RANK(-x, out, **flags)  # type: ignore[arg-type]  # switches, handed on


def _scale_by_sum(x: Float2D, out: Float2D) -> None:
    rows = x[-len(out) :]
    out[:] = rows / np.nansum(rows, axis=1, keepdims=True)


def _less_mean_of_all(x: Float2D, g: Float2D, out: Float2D) -> None:
    _NEUTRALIZE(x, np.ones_like(g), out)


def _log10(code: int, x: Float2D, out: Float2D) -> None:
    _UNARY(code, x, out)
    if code == bar.LOG:
        out /= np.log(10)


def _delay_more(patch: pytest.MonkeyPatch) -> None:
    right = plan._Lowering._delay
    patch.setattr(plan._Lowering, "_delay", lambda self, inner, bars: right(self, inner, bars + 1))


def _not_flipped(patch: pytest.MonkeyPatch) -> None:
    less, less_equal = kernels._BINARY["less"], kernels._BINARY["less_equal"]
    patch.setattr(plan, "_FLIPPED", {})
    patch.setattr(kernels, "_BINARY", {**kernels._BINARY, "greater": less, "greater_equal": less_equal})


def _power_more(patch: pytest.MonkeyPatch) -> None:
    right = plan._Lowering._power

    def wrong(self: plan._Lowering, base: Node, exponent: Node) -> int:
        found = right(self, base, exponent)
        return self._step("multiply", *sorted((found, self.lower(base))))

    patch.setattr(plan._Lowering, "_power", wrong)
