"""Which changes of a formula change no value: how the changed part relates to the old one, carried up.

    same      m = o                negated    m = -o
    scaled    m = k o, k > 0       shared     m = k o, k > 0, another k on every bar
    shifted   m = o + c            ordered    on every bar, m puts the instruments in o's order
    affine    m = k o + c, k > 0   rising     m = f(o), one increasing f for all bars

The relation found where the trees part is carried up: a rank forgets the order's spacing, a correlation the
scale, a difference the level. Where it arrives as "same" the change is one of writing. On paper, that is: in
the last bits such formulas may differ, and not at all where a value is missing for another reason.
"""

from collections.abc import Mapping
from math import isclose
from typing import Literal

from tools.formulas.tree import Call, Field, Node, Number

Relation = Literal["same", "scaled", "shifted", "affine", "rising", "negated", "shared", "ordered"]

_NOT_NEGATIVE = frozenset(
    {"rank", "ts_rank", "abs", "ts_std", "ts_rsquare", "ts_argmax", "ts_argmin", "sqrt"}
)
_KEEP_SIGN = frozenset(
    {"ts_sum", "ts_mean", "ts_max", "ts_min", "ts_product", "decay_linear", "delay", "where"}
)
_LINEAR_IN_FIRST = frozenset({"ts_sum", "ts_mean", "decay_linear", "decay_power", "sma", "ts_min", "ts_max"})
_DIFFERENCES = frozenset({"delta", "neutralize", "ts_slope", "ts_residual", "ts_factor_residual"})
_MONOTONE: frozenset[Relation] = frozenset({"same", "scaled", "shifted", "affine", "rising"})
_AFFINE: frozenset[Relation] = frozenset({"same", "scaled", "shifted", "affine"})


def relation(old: Node, new: Node) -> Relation | None:
    """How the value of `new` relates to that of `old`; None when nothing is known."""
    if old == new:
        return "same"
    return _of_sums(old, new) or _at(old, new) or _carried(old, new)


def _of_sums(old: Node, new: Node) -> Relation | None:
    """Both as a sum of multiples of the same parts."""
    left, right = dict(_parts(old)), dict(_parts(new))
    levels = left.pop(None, 0.0), right.pop(None, 0.0)
    if set(left) != set(right) or not left:
        return None
    ratios = [right[part] / left[part] for part in left]
    ratio = ratios[0]
    if not all(isclose(other, ratio, rel_tol=1e-9) for other in ratios):
        return None
    is_same_level = isclose(levels[1], ratio * levels[0], rel_tol=1e-9, abs_tol=1e-300)
    if isclose(ratio, -1, rel_tol=1e-9) and is_same_level:
        return "negated"
    if ratio <= 0:
        return None
    if isclose(ratio, 1, rel_tol=1e-9):
        return "same" if is_same_level else "shifted"
    return "scaled" if is_same_level else "affine"


def _parts(node: Node) -> Mapping[Node | None, float]:  # noqa: C901  # one rule a line
    """Factor of each part of a sum; None stands for the plain number."""
    match node:
        case Number(value):
            return {None: value}
        case Call("negate", (inner,)):
            return _times(_parts(inner), -1)
        case Call("add", (left, right)):
            return _plus(_parts(left), _parts(right))
        case Call("subtract", (left, right)):
            return _plus(_parts(left), _times(_parts(right), -1))
        case Call("multiply", (left, right)):
            for one, other in ((left, right), (right, left)):
                if set(_parts(one)) <= {None}:
                    return _times(_parts(other), _parts(one).get(None, 0.0))
        case Call("divide", (left, right)) if set(_parts(right)) == {None}:
            return _times(_parts(left), 1 / _parts(right)[None])
        case Call("divide", (left, right)):
            return _plus({_over(part, right): value for part, value in _parts(left).items()}, {})
        case Call("power", (inner, Number(1.0))):
            return _parts(inner)
    return {node: 1.0}


def _over(part: Node | None, divisor: Node) -> Node | None:
    return None if part == divisor else Call("divide", (part or Number(1.0), divisor))


def _times(parts: Mapping[Node | None, float], factor: float) -> Mapping[Node | None, float]:
    return {part: value * factor for part, value in parts.items()}


def _plus(
    left: Mapping[Node | None, float], right: Mapping[Node | None, float]
) -> Mapping[Node | None, float]:
    total = {part: left.get(part, 0.0) + right.get(part, 0.0) for part in {**left, **right}}
    return {part: value for part, value in total.items() if value or part is None}


def _at(old: Node, new: Node) -> Relation | None:  # noqa: C901  # one rule a line
    """The rules for the place of the change itself."""
    match old, new:
        case (Call("ts_sum", (x, d)), Call("ts_mean", (y, e))) | (
            Call("ts_mean", (x, d)),
            Call("ts_sum", (y, e)),
        ) if (x, d) == (y, e):
            return "same" if d == Number(1.0) else "scaled"
        case Call("ts_product", (x, Number(1.0))), Call("ts_sum", (y, Number(1.0))) if x == y:
            return "same"
        case Call("power", (x, Number(k))), Call("signed_power", (y, Number(j))) if k == j and x == y:
            return "same" if k % 2 == 1 or _is_not_negative(x) else None
        case (Call("power", xs), Call("signed_power", ys)) | (
            Call("signed_power", xs),
            Call("power", ys),
        ) if xs == ys and _is_not_negative(xs[0]):
            return "same"
        case Call("signed_power", (x, Number(k))), Call("signed_power", (y, Number(j))) if x == y:
            return "rising" if k > 0 and j > 0 else None
        case Call("power" | "signed_power", (x, Number(k))), Call(
            "power" | "signed_power" | "multiply", (y, Number(j))
        ) if x == y and k > 0 and j > 0 and _is_not_negative(x):
            return "rising"
        case Call("power" | "signed_power", (x, Number(k))), Call(
            "power" | "signed_power", (Number(j), y)
        ) if x == y and k == j > 1 and _is_not_negative(x):
            return "rising"
        case Call("multiply", (x, Call("ts_corr", (_, _, Number(2.0))) as c)), Call("divide", (y, z)) if (
            x,
            c,
        ) == (y, z):
            return "same"
        case Call("equal", (x, Number(0.0))), Call("less_equal", (y, Number(0.0))) if x == y:
            return "same" if _is_not_negative(x) else None
        case Call("abs", (x,)), _ if x == new and _is_not_negative(x):
            return "same"
        case Call("rank", (Call("rank"),) as xs), _ if xs[0] == new:
            return "same"
        case Call("scale", (x,)), _ if x == new:
            return "shared"
        case Call("rank", (x,)), _ if x == new:
            return "ordered"
        case Call("scale", xs), Call("rank", ys) if xs == ys:
            return "ordered"
        case Call("log", (x,)), _ if x == new:
            return "rising"
        case Call("neutralize", (Call("neutralize", (_, g)) as inner, h)), _ if inner == new and g == h:
            return "same"
    return None


def _is_not_negative(node: Node) -> bool:
    match node:
        case Number(value):
            return value >= 0
        case Field():
            return False
        case Call("power", (x, y)) if isinstance(y, Number) and y.value % 2 == 0:
            return True
        case Call("where", (_, x, y)) | Call("add" | "multiply" | "divide" | "max" | "min", (x, y)):
            return _is_not_negative(x) and _is_not_negative(y)
        case Call(operator, args):
            return operator in _NOT_NEGATIVE or (operator in _KEEP_SIGN and _is_not_negative(args[0]))


def _carried(old: Node, new: Node) -> Relation | None:
    """Through one operator, one of whose arguments is not what it was."""
    if not isinstance(old, Call) or not isinstance(new, Call) or old.operator != new.operator:
        return None
    places = [i for i, (x, y) in enumerate(zip(old.args, new.args, strict=True)) if x != y]
    if len(places) != 1:
        return None
    place = places[0]
    inner = relation(old.args[place], new.args[place])
    if inner in (None, "same"):
        return inner
    others = [arg for i, arg in enumerate(old.args) if i != place]
    return _through(old.operator, place, others, inner)


def _through(operator: str, place: int, others: list[Node], inner: Relation) -> Relation | None:  # noqa: C901  # one rule a line
    if operator == "rank":
        return "same" if inner in _MONOTONE | {"ordered", "shared"} else None
    if operator in ("ts_rank", "ts_argmax", "ts_argmin"):
        return "same" if inner in _MONOTONE else None
    if operator in ("ts_corr", "ts_rsquare"):
        if inner == "negated":
            return "negated" if operator == "ts_corr" else "same"
        return "same" if inner in _AFFINE else None
    if operator == "sign":
        return "same" if inner in ("scaled", "shared") else "negated" if inner == "negated" else None
    if operator == "scale":
        if inner in ("scaled", "shared"):
            return "same"
        return "ordered" if inner in _MONOTONE | {"ordered"} else "negated" if inner == "negated" else None
    if operator == "abs":
        return "same" if inner == "negated" else inner if inner == "scaled" else None
    if operator in ("ts_std", "ts_cov", "ts_beta", "ts_beta_where") or operator in _DIFFERENCES:
        return _of_difference(operator, place, inner)
    if operator in ("power", "signed_power"):
        return _of_power(operator, place, others[0], inner)
    if operator == "log":
        return {"scaled": "shifted", "rising": "rising"}.get(inner)  # type: ignore[return-value]  # both are
    if operator in ("multiply", "divide"):
        return inner if inner in ("scaled", "negated") else _by_number(others[0], inner)
    if operator in ("add", "subtract", "negate", "delay") or operator in _LINEAR_IN_FIRST:
        return _of_linear(operator, others, inner)
    return None


def _of_difference(operator: str, place: int, inner: Relation) -> Relation | None:
    if inner == "shifted":
        return "same"
    if inner == "negated":
        return "same" if operator == "ts_std" else "negated"
    is_factor = operator == "ts_factor_residual" and place > 0
    return ("same" if is_factor else "scaled") if inner in ("scaled", "affine") else None


def _of_power(operator: str, place: int, other: Node, inner: Relation) -> Relation | None:
    if place != 0 or not isinstance(other, Number):
        return None
    if inner in ("rising", "ordered") and other.value > 0:
        return inner if other.value % 2 == 1 or operator == "signed_power" else None
    if inner == "negated" and other.value % 1 == 0:
        return "same" if other.value % 2 == 0 and operator == "power" else "negated"
    return "scaled" if inner == "scaled" else None


def _by_number(other: Node, inner: Relation) -> Relation | None:
    return inner if isinstance(other, Number) and other.value > 0 else None


def _of_linear(operator: str, others: list[Node], inner: Relation) -> Relation | None:
    if operator in ("add", "subtract"):
        if inner == "shifted":
            return "shifted"
        if not isinstance(others[0], Number):
            return None
        return (
            "affine" if inner in ("scaled", "affine") else inner if inner in ("rising", "ordered") else None
        )
    if inner in ("scaled", "shifted", "affine", "negated"):
        return None if inner == "negated" and operator in ("ts_min", "ts_max") else inner
    if inner == "rising" or (inner == "ordered" and operator in ("negate", "delay")):
        return inner if operator in ("negate", "delay", "ts_min", "ts_max") else None
    if inner == "ordered" and others and others[0] == Number(1.0):
        return inner
    return None
