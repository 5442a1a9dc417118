"""Which kernel runs a step, under which reading of the texts.

A kernel here takes its inputs, aligned with `out` at their ends, and writes `out`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from contracts.market import Float2D
from tools.formulas import kernels_bar as bar
from tools.formulas import kernels_cross as cross
from tools.formulas import kernels_window as window
from tools.formulas.conventions import Conventions
from tools.formulas.plan import Step

Kernel: TypeAlias = Callable[[Sequence[Float2D], Float2D], None]

_UNARY: Mapping[str, int] = MappingProxyType(
    {
        "negate": bar.NEGATE,
        "abs": bar.ABS,
        "sign": bar.SIGN,
        "log": bar.LOG,
        "sqrt": bar.SQRT,
        "not": bar.NOT,
        "known_or_false": bar.KNOWN_OR_FALSE,
    }
)
_BINARY: Mapping[str, int] = MappingProxyType(
    {
        "add": bar.ADD,
        "subtract": bar.SUBTRACT,
        "multiply": bar.MULTIPLY,
        "divide": bar.DIVIDE,
        "power": bar.POWER,
        "signed_power": bar.SIGNED_POWER,
        "less": bar.LESS,
        "less_equal": bar.LESS_EQUAL,
        "equal": bar.EQUAL,
        "not_equal": bar.NOT_EQUAL,
        "and": bar.AND,
        "or": bar.OR,
        "min": bar.MIN,
        "max": bar.MAX,
    }
)
_OTHERWISE = MappingProxyType({"min": bar.MIN_OTHER, "max": bar.MAX_OTHER})


def kernel_of(step: Step, conventions: Conventions) -> Kernel:
    """What computes the step."""
    operation = step.operation
    if operation in _UNARY:
        return partial(_unary, _UNARY[operation])
    if operation in _BINARY:
        return partial(_binary, _code(operation, conventions))
    if operation in _ACROSS:
        return _ACROSS[operation](conventions)
    return _windowed(step, conventions)


def _code(operation: str, conventions: Conventions) -> int:
    if operation == "divide" and conventions.division_by_zero == "infinite":
        return bar.DIVIDE_INFINITE
    if operation in _OTHERWISE and conventions.missing_extreme == "other":
        return _OTHERWISE[operation]
    return _BINARY[operation]


def _unary(code: int, values: Sequence[Float2D], out: Float2D) -> None:
    bar.unary(code, values[0], out)


def _binary(code: int, values: Sequence[Float2D], out: Float2D) -> None:
    bar.binary(code, values[0], values[1], out)


def _where(values: Sequence[Float2D], out: Float2D) -> None:
    bar.where(values[0], values[1], values[2], out)


def _ranked(conventions: Conventions) -> Kernel:
    scale, ties = conventions.rank_scale, conventions.rank_ties
    return lambda values, out: cross.rank(values[0], out, scale=scale, ties=ties)


_ACROSS: Mapping[str, Callable[[Conventions], Kernel]] = MappingProxyType(
    {
        "where": lambda _: _where,
        "rank": _ranked,
        "scale": lambda _: lambda values, out: cross.scale(values[0], out),
        "neutralize": lambda _: lambda values, out: cross.neutralize(values[0], values[1], out),
    }
)

_FLAGS: Mapping[str, Callable[[Conventions], Mapping[str, object]]] = MappingProxyType(
    {
        "ts_std": lambda c: {"ddof": c.ddof},
        "ts_cov": lambda c: {"ddof": c.ddof},
        "ts_argmin": lambda c: {"extreme": c.arg_extreme, "ties": c.arg_ties},
        "ts_argmax": lambda c: {"extreme": c.arg_extreme, "ties": c.arg_ties},
        "ts_rank": lambda c: {"scale": c.ts_rank_scale, "ties": c.ts_rank_ties},
        "ts_corr": lambda c: {"flat": c.flat_correlation},
        "ts_rsquare": lambda c: {"flat": c.flat_correlation},
        "decay_linear": lambda c: {"order": c.decay_order},
        "sma": lambda c: {"warmup": c.sma_warmup},
    }
)


def _windowed(step: Step, conventions: Conventions) -> Kernel:
    kernel: Callable[..., None] = getattr(window, step.operation)
    flags = dict(_FLAGS[step.operation](conventions)) if step.operation in _FLAGS else {}
    if step.operation != "sma":
        flags["partial"] = conventions.incomplete_window == "partial"
    bars, settings = int(step.settings[0]), step.settings[1:]
    counts_from_first = flags.get("extreme") == "position" and conventions.incomplete_window == "partial"

    def run(values: Sequence[Float2D], out: Float2D) -> None:
        kernel(*values, bars, *settings, out, **flags)
        if counts_from_first:
            # A window that begins before the panel has its first place where the panel begins.
            lacking = bars - 1 - len(values[0]) + len(out) - np.arange(len(out))
            out -= np.maximum(lacking, 0)[:, None]

    return run
