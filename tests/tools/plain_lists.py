"""Averages and windows over plain lists, for twins: no arrays, NaN where there is no value yet."""

import math
from collections.abc import Callable, Sequence

NAN = float("nan")
Values = list[float]


def known_from(values: Sequence[float]) -> int:
    """Place of the first value that is known."""
    return next((i for i, value in enumerate(values) if not math.isnan(value)), len(values))


def late(values: Sequence[float], n: int) -> Values:
    """Without the first `n`."""
    return [NAN] * n + list(values[n:])


def windowed(values: Sequence[float], period: int, of: Callable[[Values], float]) -> Values:
    """`of` every full window, oldest value first."""
    first = known_from(values) + period - 1
    return [of(list(values[i - period + 1 : i + 1])) if i >= first else NAN for i in range(len(values))]


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def sma(values: Sequence[float], period: int) -> Values:
    return windowed(values, period, mean)


def total(values: Sequence[float], period: int) -> Values:
    return windowed(values, period, math.fsum)


def highest(values: Sequence[float], period: int) -> Values:
    return windowed(values, period, max)


def lowest(values: Sequence[float], period: int) -> Values:
    return windowed(values, period, min)


def smoothed(values: Sequence[float], period: int, alpha: float) -> Values:
    """Exponential average that starts as the plain mean of its first `period` values."""
    first = known_from(values) + period - 1
    if first >= len(values):
        return [NAN] * len(values)
    out = [NAN] * first + [mean(values[first - period + 1 : first + 1])]
    for value in values[first + 1 :]:
        out.append(out[-1] + alpha * (value - out[-1]))
    return out


def ema(values: Sequence[float], period: int) -> Values:
    return smoothed(values, period, 2 / (period + 1))


def wilder(values: Sequence[float], period: int) -> Values:
    return smoothed(values, period, 1 / period)


def wma(values: Sequence[float], period: int) -> Values:
    """Weights 1 (oldest) to `period` (newest)."""
    weights = range(1, period + 1)
    return windowed(
        values,
        period,
        lambda window: math.fsum(w * x for w, x in zip(weights, window, strict=True)) / sum(weights),
    )


def changes(values: Sequence[float], lag: int = 1) -> Values:
    return [values[i] - values[i - lag] if i >= lag else NAN for i in range(len(values))]


def joined(of: Callable[..., float], *series: Sequence[float]) -> Values:
    """`of` the values of several series at each place; NaN where one is NaN."""
    rows = zip(*series, strict=True)
    return [NAN if any(math.isnan(x) for x in row) else of(*row) for row in rows]
