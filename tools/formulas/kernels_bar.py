"""What is computed bar by bar: signs, comparisons, choices, logarithms and powers.

Inputs are C-contiguous (R, n) arrays aligned with `out` (r, n), r <= R, at their ends, or one row (1, n) that
stands for every bar, as a number in a formula does. Missing is NaN; what is not finite comes out missing.
One kernel holds all operators of two arguments: the choice is made once a row, which costs nothing, and
there is one thing to compile and to load.
"""

import numpy as np

from contracts.market import Float1D, Float2D
from tools.formulas.compiled import compiled

ADD, SUBTRACT, MULTIPLY, DIVIDE, DIVIDE_INFINITE, POWER, SIGNED_POWER = range(7)
LESS, LESS_EQUAL, EQUAL, NOT_EQUAL, AND, OR = range(7, 13)
MIN, MAX, MIN_OTHER, MAX_OTHER = range(13, 17)
NEGATE, ABS, SIGN, LOG, SQRT, NOT, KNOWN_OR_FALSE = range(7)

_LARGEST = float(np.finfo(np.float64).max)


@compiled
def unary(code: int, x: Float2D, out: Float2D) -> None:
    """`out` = operator `code` of x."""
    rows, columns = out.shape
    skip = x.shape[0] - rows if x.shape[0] > 1 else 0
    step = 1 if x.shape[0] > 1 else 0
    for i in range(rows):
        a = x[i * step + skip]
        o = out[i]
        if code == NEGATE:
            for j in range(columns):
                o[j] = -a[j]
        elif code == ABS:
            for j in range(columns):
                o[j] = abs(a[j])
        elif code == SIGN:
            for j in range(columns):
                v = a[j]
                o[j] = (1.0 if v > 0 else 0.0) - (1.0 if v < 0 else 0.0) if v == v else np.nan
        elif code == LOG:
            for j in range(columns):
                o[j] = np.log(a[j]) if a[j] > 0 else np.nan
        elif code == SQRT:
            for j in range(columns):
                o[j] = np.sqrt(a[j]) if a[j] >= 0 else np.nan
        elif code == NOT:
            for j in range(columns):
                o[j] = 1.0 - a[j]
        else:
            for j in range(columns):
                o[j] = 1.0 if a[j] == 1.0 else 0.0


@compiled
def binary(code: int, x: Float2D, y: Float2D, out: Float2D) -> None:
    """`out` = operator `code` of x and y."""
    rows, columns = out.shape
    x_step, x_skip = (1, x.shape[0] - rows) if x.shape[0] > 1 else (0, 0)
    y_step, y_skip = (1, y.shape[0] - rows) if y.shape[0] > 1 else (0, 0)
    for i in range(rows):
        a, b, o = x[i * x_step + x_skip], y[i * y_step + y_skip], out[i]
        if code < LESS:
            _arithmetic(code, a, b, o, columns)
        elif code < MIN:
            _compared(code, a, b, o, columns)
        elif code == MIN:
            for j in range(columns):
                o[j] = (a[j] if a[j] <= b[j] else b[j]) if a[j] == a[j] and b[j] == b[j] else np.nan
        elif code == MAX:
            for j in range(columns):
                o[j] = (a[j] if a[j] >= b[j] else b[j]) if a[j] == a[j] and b[j] == b[j] else np.nan
        elif code == MIN_OTHER:
            for j in range(columns):
                o[j] = a[j] if a[j] <= b[j] or b[j] != b[j] else b[j]
        else:
            for j in range(columns):
                o[j] = a[j] if a[j] >= b[j] or b[j] != b[j] else b[j]


@compiled
def where(c: Float2D, x: Float2D, y: Float2D, out: Float2D) -> None:
    """`out` = x where c is 1, y where it is 0, missing where c is."""
    rows, columns = out.shape
    x_step, x_skip = (1, x.shape[0] - rows) if x.shape[0] > 1 else (0, 0)
    y_step, y_skip = (1, y.shape[0] - rows) if y.shape[0] > 1 else (0, 0)
    skip = c.shape[0] - rows
    for i in range(rows):
        held, a, b, o = c[i + skip], x[i * x_step + x_skip], y[i * y_step + y_skip], out[i]
        for j in range(columns):
            o[j] = (a[j] if held[j] != 0 else b[j]) if held[j] == held[j] else np.nan


@compiled
def _arithmetic(code: int, a: Float1D, b: Float1D, o: Float1D, columns: int) -> None:
    if code == ADD:
        for j in range(columns):
            v = a[j] + b[j]
            o[j] = v if abs(v) <= _LARGEST else np.nan
    elif code == SUBTRACT:
        for j in range(columns):
            v = a[j] - b[j]
            o[j] = v if abs(v) <= _LARGEST else np.nan
    elif code == MULTIPLY:
        for j in range(columns):
            v = a[j] * b[j]
            o[j] = v if abs(v) <= _LARGEST else np.nan
    elif code == DIVIDE:
        for j in range(columns):
            v = a[j] / b[j]
            o[j] = v if abs(v) <= _LARGEST else np.nan
    elif code == DIVIDE_INFINITE:
        for j in range(columns):
            o[j] = a[j] / b[j]
    elif code == POWER:
        for j in range(columns):
            # C's pow says 1 for 1^nan and for nan^0.
            v = a[j] ** b[j] if a[j] == a[j] and b[j] == b[j] else np.nan
            o[j] = v if abs(v) <= _LARGEST else np.nan
    else:
        for j in range(columns):
            v = abs(a[j]) ** b[j] if a[j] == a[j] and b[j] == b[j] else np.nan
            v *= (1.0 if a[j] > 0 else 0.0) - (1.0 if a[j] < 0 else 0.0)
            o[j] = v if abs(v) <= _LARGEST else np.nan


@compiled
def _compared(code: int, a: Float1D, b: Float1D, o: Float1D, columns: int) -> None:
    if code == LESS:
        for j in range(columns):
            o[j] = (1.0 if a[j] < b[j] else 0.0) if a[j] == a[j] and b[j] == b[j] else np.nan
    elif code == LESS_EQUAL:
        for j in range(columns):
            o[j] = (1.0 if a[j] <= b[j] else 0.0) if a[j] == a[j] and b[j] == b[j] else np.nan
    elif code == EQUAL:
        for j in range(columns):
            o[j] = (1.0 if a[j] == b[j] else 0.0) if a[j] == a[j] and b[j] == b[j] else np.nan
    elif code == NOT_EQUAL:
        for j in range(columns):
            o[j] = (1.0 if a[j] != b[j] else 0.0) if a[j] == a[j] and b[j] == b[j] else np.nan
    elif code == AND:
        for j in range(columns):
            o[j] = a[j] * b[j]
    else:
        for j in range(columns):
            o[j] = a[j] + b[j] - a[j] * b[j]
