"""Counts of bars written as text, `period + signal - 1`, so that one line both counts and documents.

Known besides numbers, parameters, + - * / and brackets: floor, ceil, sqrt, min, max; `ema_decay(p)`, what an
exponential average of p keeps of itself a bar; `remembered(d)`, the bars until under 1 % is left of what is
multiplied by d every bar; `chained(d, e, ..)`, the same for an average of an average.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache

from contracts.errors import InvariantBroken
from tools.registry import BarCount
from tools.talib_guard import remembered

_LEFT = 0.01


@lru_cache(maxsize=1024)
def chained(*decays: float) -> int:
    """Bars until the start of an average of averages weighs under 1 %, each keeping its decay a bar."""
    weights, n_bars = [1.0] * len(decays), 0
    while weights[-1] > _LEFT:
        newest = 0.0
        for place, decay in enumerate(decays):
            newest = weights[place] = decay * weights[place] + (1 - decay) * newest
        n_bars += 1
    return n_bars


def ema_decay(period: float) -> float:
    """What an exponential average of `period` keeps of itself a bar."""
    return 1 - 2 / (period + 1)


def count_of(text: str) -> BarCount:
    """The count that `text` describes, of a tool's parameters; InvariantBroken for words it does not know."""
    tree = ast.parse(" ".join(text.split()), mode="eval").body

    def count(**params: float) -> int:
        return round(_value(tree, params))

    return count


_SIGNS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "ceil": math.ceil,
    "chained": chained,
    "ema_decay": ema_decay,
    "floor": math.floor,
    "max": max,
    "min": min,
    "remembered": remembered,
    "sqrt": math.sqrt,
}


def _value(node: ast.expr, params: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name) if name in params:
            return params[name]
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _SIGNS:
            return _SIGNS[type(sign)](_value(left, params), _value(right, params))
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*(_value(argument, params) for argument in arguments))
    known = ", ".join([*params, *_FUNCTIONS])
    raise InvariantBroken(f"expected a count of bars from {known}, found {ast.unparse(node)}; mend it")
