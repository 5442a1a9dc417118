"""Text to tree: `parse("rank(delta(close, 5)) * -1")`.

    c ? a : b     loosest, groups to the right
    ||
    &&
    < <= > >= == !=     not chained: a < b < c is refused
    + -
    * /
    -x !x
    ^             tightest, groups to the right: -x^2 is -(x^2), 2^-x is 2^(-x)

Everything is checked here, where the column is known: words, numbers of arguments, conditions where they
are wanted, windows that an operator can use. An error quotes the line and points at the column.
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from contracts.errors import ToolInputError
from tools.formulas.operators import FIELDS, GROUPS, OPERATORS, Kind, Operator, Want
from tools.formulas.tree import INFIX, PREFIX, TERNARY, Call, Field, Node, Number

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign><=|>=|==|!=|\|\||&&|[-+*/^<>!?:(),]))"
)
_BY_SIGN = {sign: (operator, binds) for operator, (sign, binds) in INFIX.items()}
_HIDDEN = frozenset(INFIX) | {"negate", "not", "where"}
"""Operators written as signs, not as words."""

_MAX_DEPTH = 100
_MAX_WINDOW = 10_000


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    column: int
    """1-based."""
    is_name: bool = False
    is_number: bool = False


def parse(text: str) -> Node:
    """The tree of one formula.

    Parameters
    ----------
    text : str
        One line in the notation above; words as in `operators.py`.

    Returns
    -------
    Node
        A number or a condition over the panel's fields.

    Raises
    ------
    ToolInputError
        When the text is no formula; the message quotes it and points at the column, which is also in the
        error's `column` field.
    """
    parser = _Parser(text)
    tree = parser.expression(TERNARY)
    parser.end()
    if (depth := _depth(tree)) > _MAX_DEPTH:
        expected = f"expected at most {_MAX_DEPTH} parts within one another, and a long sum in brackets"
        raise parser.refusal(1, expected, f"found {depth} of them")
    if not any(isinstance(leaf, Field) or _is_adv(leaf) for leaf in _leaves(tree)):
        raise parser.refusal(1, "expected a formula over fields of the panel", "found none in it")
    return tree


def kind_of(node: Node) -> Kind:
    """Whether the node is a number or a condition."""
    return OPERATORS[node.operator].gives if isinstance(node, Call) else "number"


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._depth = 0
        self._tokens = list(self._split())
        self._at = 0

    def refusal(self, column: int, expected: str, found: str) -> ToolInputError:
        pointer = " " * (column - 1) + "^"
        raise ToolInputError(
            f"{expected}, {found} at column {column}\n{self._text}\n{pointer}", column=column
        )

    def end(self) -> None:
        if self._next.text:
            raise self.refusal(
                self._next.column, "expected an operator or the end", f"found {self._next.text!r}"
            )

    def expression(self, at_least: int) -> Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self.refusal(
                self._next.column, f"expected at most {_MAX_DEPTH} levels of brackets", "found more"
            )
        left = self._prefix()
        compared = False
        while True:
            sign = self._next.text
            if sign == "?" and at_least <= TERNARY:
                left = self._ternary(left)
                continue
            operator, binds = _BY_SIGN.get(sign, ("", -1))
            if binds < at_least:
                break
            if compared and binds == INFIX["less"][1]:
                raise self.refusal(
                    self._next.column, "expected one comparison; join two with &&", f"found {sign!r}"
                )
            compared = binds == INFIX["less"][1]
            left = self._infix(operator, binds, left)
        self._depth -= 1
        return left

    def _infix(self, operator: str, binds: int, left: Node) -> Node:
        token = self._take()
        # ^ groups to the right, and its exponent may carry a sign of its own: 2^-x.
        right = self.expression(PREFIX if operator == "power" else binds + 1)
        wants = OPERATORS[operator].takes
        self._check_kind(wants[0], left, token.column)
        self._check_kind(wants[1], right, token.column)
        return Call(operator, (left, right))

    def _ternary(self, condition: Node) -> Node:
        mark = self._take()
        self._check_kind("c", condition, mark.column)
        chosen = self.expression(TERNARY)
        self._expect(":")
        other = self.expression(TERNARY)
        return Call("where", (condition, chosen, other))

    def _prefix(self) -> Node:
        token = self._take()
        if token.text == "-":
            inner = self.expression(PREFIX)
            return Number(-inner.value) if isinstance(inner, Number) else Call("negate", (inner,))
        if token.text == "!":
            inner = self.expression(PREFIX)
            self._check_kind("c", inner, token.column)
            return Call("not", (inner,))
        if token.text == "(":
            inner = self.expression(TERNARY)
            self._expect(")")
            return inner
        if token.is_number:
            return Number(float(token.text))
        if token.is_name:
            return self._call(token) if self._next.text == "(" else self._field(token)
        found = f"found {token.text!r}" if token.text else "found the end"
        raise self.refusal(token.column, "expected a number, a field, a function or a bracket", found)

    def _field(self, token: _Token) -> Node:
        if token.text not in FIELDS:
            known = (
                "a function needs its arguments" if token.text in OPERATORS else _nearest(token.text, FIELDS)
            )
            raise self.refusal(
                token.column, f"expected a field of the panel; {known}", f"found {token.text!r}"
            )
        return Field(token.text)

    def _call(self, name: _Token) -> Node:
        words = OPERATORS.keys() - _HIDDEN
        if name.text not in words:
            raise self.refusal(
                name.column, f"expected a function; {_nearest(name.text, words)}", f"found {name.text!r}"
            )
        operator = OPERATORS[name.text]
        self._expect("(")
        args = [self._argument(operator, 0)]
        while self._next.text == ",":
            self._take()
            if len(args) == len(operator.takes):
                raise self.refusal(
                    self._next.column, f"expected {operator.signature}", "found one argument more"
                )
            args.append(self._argument(operator, len(args)))
        if len(args) < len(operator.takes):
            raise self.refusal(
                self._next.column, f"expected {operator.signature}", f"found {len(args)} arguments"
            )
        self._expect(")")
        return Call(operator.name, tuple(args))

    def _argument(self, operator: Operator, place: int) -> Node:
        want, column = operator.takes[place], self._next.column
        if want == "g":
            token = self._take()
            if token.text not in GROUPS:
                raise self.refusal(column, f"expected one of {', '.join(GROUPS)}", f"found {token.text!r}")
            return Field(token.text)
        found = self.expression(TERNARY)
        if want in ("d", "q"):
            self._check_number(operator, want, found, column)
        else:
            self._check_kind(want, found, column)
        return found

    def _check_number(self, operator: Operator, want: Want, found: Node, column: int) -> None:
        if not isinstance(found, Number):
            raise self.refusal(column, f"expected a plain number in {operator.signature}", "found a formula")
        if want == "d" and not operator.min_window <= found.value <= _MAX_WINDOW:
            bounds = f"a window of {operator.min_window:g} to {_MAX_WINDOW} bars"
            raise self.refusal(column, f"expected {bounds} in {operator.signature}", f"found {found.value:g}")
        bounds_of_q = _Q_BOUNDS.get(operator.name)
        if want == "q" and bounds_of_q and not bounds_of_q[0] <= found.value <= bounds_of_q[1]:
            raise self.refusal(
                column,
                f"expected q from {bounds_of_q[0]:g} to {bounds_of_q[1]:g} in {operator.signature}",
                f"found {found.value:g}",
            )

    def _check_kind(self, want: Want, found: Node, column: int) -> None:
        if want == "c" and kind_of(found) != "condition":
            raise self.refusal(column, "expected a condition, such as close > open", "found a number")

    def _expect(self, text: str) -> None:
        token = self._take()
        if token.text != text:
            found = f"found {token.text!r}" if token.text else "found the end"
            raise self.refusal(token.column, f"expected {text!r}", found)

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _split(self) -> Iterable[_Token]:
        at, stripped = 0, self._text.rstrip()
        while at < len(stripped):
            match = _TOKEN.match(stripped, at)
            if match is None:
                column = at + len(stripped[at:]) - len(stripped[at:].lstrip()) + 1
                raise self.refusal(column, "expected a formula", f"found {stripped[column - 1]!r}")
            kind = str(match.lastgroup)
            yield _Token(match[kind], match.start(kind) + 1, kind == "name", kind == "number")
            at = match.end()
        yield _Token("", len(stripped) + 1)


_Q_BOUNDS = {"ts_quantile": (0.0, 1.0), "decay_power": (1e-6, 1.0), "sma": (1e-6, _MAX_WINDOW)}


def _is_adv(node: Node) -> bool:
    return isinstance(node, Call) and node.operator == "adv"


def _depth(tree: Node) -> int:
    # Level by level: a long sum leans so far to the left that recursion would not reach its end.
    level, depth = [tree], 0
    while level:
        level = [part for node in level if isinstance(node, Call) for part in node.args]
        depth += 1
    return depth


def _leaves(node: Node) -> Iterable[Node]:
    if isinstance(node, Call) and not _is_adv(node):
        for child in node.args:
            yield from _leaves(child)
    else:
        yield node


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {close[0]}?" if close else f"one of {', '.join(sorted(known))}"
