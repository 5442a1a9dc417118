"""The tree a formula's text parses to, and its text again.

    Number    2.5                     Field    close
    Call      ts_corr(close, open, 10), and every infix sign: `a - b` is Call("subtract", (a, b))

Windows and other settings of an operator are Number arguments, as written; what a fractional window means
is decided by the conventions, later.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

INFIX = {
    "or": ("||", 1),
    "and": ("&&", 2),
    "less": ("<", 3),
    "less_equal": ("<=", 3),
    "greater": (">", 3),
    "greater_equal": (">=", 3),
    "equal": ("==", 3),
    "not_equal": ("!=", 3),
    "add": ("+", 4),
    "subtract": ("-", 4),
    "multiply": ("*", 5),
    "divide": ("/", 5),
    "power": ("^", 7),
}
"""Sign and how tightly it binds, by operator; `^` alone groups to the right."""

TERNARY, PREFIX = 0, 6
"""How tightly `c ? a : b` and a leading `-` or `!` bind."""

_TIGHTEST = 9
_COMPARISON = INFIX["less"][1]


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written."""

    value: float


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the panel."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """An operator and what it is applied to."""

    operator: str
    args: tuple["Node", ...]


Node: TypeAlias = Number | Field | Call


def children(node: Node) -> tuple[Node, ...]:
    """What the node is applied to; empty for a leaf."""
    return node.args if isinstance(node, Call) else ()


def walk(node: Node) -> Iterator[Node]:
    """The node and everything under it, parents first."""
    yield node
    for child in children(node):
        yield from walk(child)


def text_of(node: Node) -> str:
    """The formula as text, with no needless bracket; parses to the same tree."""
    return _written(node)[0]


def _written(node: Node) -> tuple[str, int]:
    """Text, and how tightly its outermost sign binds."""
    match node:
        case Number(value):
            short = f"{value:g}"
            text = short if float(short) == value else repr(value)
            return text, PREFIX if value < 0 else _TIGHTEST
        case Field(name):
            return name, _TIGHTEST
        case Call("negate", (inner,)):
            # -x ^ y is -(x ^ y); said with brackets, so that nobody reads (-x) ^ y.
            is_power = isinstance(inner, Call) and inner.operator == "power"
            return f"-{_bracketed(inner, _TIGHTEST if is_power else PREFIX)}", PREFIX
        case Call("not", (inner,)):
            return f"!{_bracketed(inner, PREFIX)}", PREFIX
        case Call("where", (condition, chosen, other)):
            parts = (
                _bracketed(condition, TERNARY + 1),
                _bracketed(chosen, TERNARY),
                _bracketed(other, TERNARY),
            )
            return f"{parts[0]} ? {parts[1]} : {parts[2]}", TERNARY
        case Call(operator, (left, right)) if operator in INFIX:
            return _infix(operator, left, right)
        case Call(operator, args):
            return f"{operator}({', '.join(_written(arg)[0] for arg in args)})", _TIGHTEST


def _infix(operator: str, left: Node, right: Node) -> tuple[str, int]:
    sign, binds = INFIX[operator]
    is_right = operator == "power"
    is_alone = binds == _COMPARISON
    lhs = _bracketed(left, binds + 1 if is_right or is_alone else binds)
    rhs = _bracketed(right, PREFIX if is_right else binds + 1)
    return f"{lhs} {sign} {rhs}", binds


def _bracketed(node: Node, at_least: int) -> str:
    text, binds = _written(node)
    return text if binds >= at_least else f"({text})"
