"""The unit of a formula, found from its tree: what happens to the value when prices or volumes are scaled.

    Unit(price=p, volume=v)       prices times c and volumes times k make the value times c^p k^v
    ... with is_log               the value shifts instead: log(close)
    None ("mixed")                neither, as in close + 1

A comparison with a number other than 0, or of two different units, is mixed: it depends on the level.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from tools.formulas.operators import FIELDS
from tools.formulas.tree import Call, Field, Node, Number


@dataclass(frozen=True, slots=True)
class Unit:
    """Powers of price and of volume; of a logarithm when `is_log`."""

    price: float = 0
    volume: float = 0
    is_log: bool = False

    def __str__(self) -> str:
        parts = [_power("price", self.price), _power("volume", self.volume)]
        product = "*".join(part for part in parts if part) or "ratio"
        return f"log({product})" if self.is_log else product


_GUARD = 1e-9
RATIO = Unit()
MIXED = "mixed"
_FIELD_UNITS: Mapping[str, Unit] = MappingProxyType(
    {"price": Unit(1, 0), "volume": Unit(0, 1), "price*volume": Unit(1, 1), "ratio": RATIO}
)


def unit_of(node: Node) -> Unit | None:
    """The formula's unit; None when scaling prices or volumes does not scale the value by a power.

    The unit is what the tree proves. A formula that scales by a happy cancellation may still say None.
    """
    match node:
        case Number():
            return RATIO
        case Field(name):
            return _FIELD_UNITS[FIELDS[name].unit]
        case Call("multiply" | "divide" as operator, (left, right)):
            return _product(unit_of(left), unit_of(right), -1 if operator == "divide" else 1)
        case Call("power" | "signed_power", (base, exponent)):
            return _raised(unit_of(base), exponent)
        case Call("neutralize", (inner, _)):
            return unit_of(inner)
        case Call("adv"):
            return _FIELD_UNITS["volume"]
        case Call("where", (condition, chosen, other)):
            return None if unit_of(condition) is None else _same((chosen, other))
        case Call(operator, args):
            return _RULES[operator](
                [arg for arg in args if not isinstance(arg, Number) or operator in _SIGNED]
            )


def unit_text(node: Node) -> str:
    """The unit in words: ratio, price, price^2, price*volume, mixed."""
    found = unit_of(node)
    return MIXED if found is None else str(found)


def _power(name: str, exponent: float) -> str:
    if exponent == 0:
        return ""
    return name if exponent == 1 else f"{name}^{exponent:g}"


def _product(left: Unit | None, right: Unit | None, direction: int) -> Unit | None:
    if left is None or right is None or left.is_log or right.is_log:
        return None
    return Unit(left.price + direction * right.price, left.volume + direction * right.volume)


def _raised(base: Unit | None, exponent: Node) -> Unit | None:
    if base is None or base.is_log:
        return None
    if isinstance(exponent, Number):
        return Unit(base.price * exponent.value, base.volume * exponent.value)
    return RATIO if base == RATIO and unit_of(exponent) == RATIO else None


def _is_zero(node: Node) -> bool:
    """Zero, or a guard against division by it that is far too small to matter."""
    return isinstance(node, Number) and abs(node.value) <= _GUARD


def _same(args: Sequence[Node]) -> Unit | None:
    """The common unit; zero goes with any."""
    found = {unit_of(arg) for arg in args if not _is_zero(arg)}
    return (found.pop() if len(found) == 1 else None) if found else RATIO


def _difference(args: Sequence[Node]) -> Unit | None:
    """Of two logarithms the shift cancels."""
    found = _same(args)
    return RATIO if found is not None and found.is_log else found


def _total(args: Sequence[Node]) -> Unit | None:
    found = _same(args)
    return None if found is not None and found.is_log else found


def _compared(args: Sequence[Node]) -> Unit | None:
    return None if _same(args) is None else RATIO


def _ordered(args: Sequence[Node]) -> Unit | None:
    """What only asks which value is larger, or how values move together."""
    return None if any(unit_of(arg) is None for arg in args) else RATIO


def _spread(args: Sequence[Node]) -> Unit | None:
    found = unit_of(args[0])
    return RATIO if found is not None and found.is_log else found


def _levelled(args: Sequence[Node]) -> Unit | None:
    found = unit_of(args[0])
    return None if found is not None and found.is_log else found


def _sign(args: Sequence[Node]) -> Unit | None:
    return None if _levelled(args) is None else RATIO


def _logarithm(args: Sequence[Node]) -> Unit | None:
    found = _levelled(args)
    if found is None:
        return None
    return RATIO if found == RATIO else Unit(found.price, found.volume, is_log=True)


def _covariance(args: Sequence[Node]) -> Unit | None:
    return _product(_spread(args[:1]), _spread(args[1:2]), 1)


def _slope_on(args: Sequence[Node]) -> Unit | None:
    if unit_of(args[-1]) is None:
        return None
    return _product(_spread(args[:1]), _spread(args[1:2]), -1)


def _weighted(args: Sequence[Node]) -> Unit | None:
    return unit_of(args[0])


def _ratio_product(args: Sequence[Node]) -> Unit | None:
    return RATIO if unit_of(args[0]) == RATIO else None


_SIGNED = frozenset(
    {"add", "subtract", "less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "min", "max"}
)
"""Where a number beside a price matters: its own unit counts."""

_RULES: Mapping[str, Callable[[Sequence[Node]], Unit | None]] = MappingProxyType(
    {
        **dict.fromkeys(("add",), _total),
        **dict.fromkeys(("subtract",), _difference),
        **dict.fromkeys(("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"), _compared),
        **dict.fromkeys(("and", "or", "not", "ts_argmin", "ts_argmax", "ts_rank", "rank"), _ordered),
        **dict.fromkeys(("ts_corr", "ts_rsquare"), _ordered),
        **dict.fromkeys(("min", "max"), _same),
        **dict.fromkeys(("negate", "abs"), _levelled),
        **dict.fromkeys(("ts_sum", "ts_cumsum_max", "ts_cumsum_min"), _levelled),
        **dict.fromkeys(("delay", "ts_mean", "ts_min", "ts_max", "ts_quantile", "sma"), _weighted),
        **dict.fromkeys(("decay_linear", "decay_power"), _weighted),
        **dict.fromkeys(("delta", "ts_std", "ts_slope", "ts_residual"), _spread),
        **dict.fromkeys(("sign", "scale"), _sign),
        "log": _logarithm,
        "ts_cov": _covariance,
        "ts_beta": _slope_on,
        "ts_beta_where": _slope_on,
        "ts_factor_residual": _levelled,
        "ts_product": _ratio_product,
    }
)
