"""Plain twins of the averages and channels, from their published definitions."""

import math

from contracts.market import Bars
from tests.tools.plain_lists import (
    NAN,
    Values,
    ema,
    highest,
    joined,
    known_from,
    late,
    lowest,
    mean,
    sma,
    total,
    wilder,
    windowed,
    wma,
)


def closes(bars: Bars) -> Values:
    values: Values = bars.close.tolist()
    return values


def highs(bars: Bars) -> Values:
    values: Values = bars.high.tolist()
    return values


def lows(bars: Bars) -> Values:
    values: Values = bars.low.tolist()
    return values


def opens(bars: Bars) -> Values:
    values: Values = bars.open.tolist()
    return values


def volumes(bars: Bars) -> Values:
    values: Values = bars.volume.tolist()
    return values


def typical(bars: Bars) -> Values:
    return joined(lambda h, low, c: (h + low + c) / 3, highs(bars), lows(bars), closes(bars))


def median(bars: Bars) -> Values:
    return joined(lambda h, low: (h + low) / 2, highs(bars), lows(bars))


def true_range(bars: Bars) -> Values:
    before = [NAN, *closes(bars)][: len(bars)]
    return joined(lambda h, low, b: max(h, b) - min(low, b), highs(bars), lows(bars), before)


def dema(bars: Bars, period: int) -> Values:
    one = ema(closes(bars), period)
    return joined(lambda a, b: 2 * a - b, one, ema(one, period))


def tema(bars: Bars, period: int) -> Values:
    one = ema(closes(bars), period)
    two = ema(one, period)
    return joined(lambda a, b, c: 3 * a - 3 * b + c, one, two, ema(two, period))


def t3(bars: Bars, period: int, volume_factor: float) -> Values:
    """Tillson's GD of GD of GD, multiplied out over a chain of six averages."""
    chain = [ema(closes(bars), period)]
    for _ in range(5):
        chain.append(ema(chain[-1], period))
    v = volume_factor

    def of(e3: float, e4: float, e5: float, e6: float) -> float:
        return (1 + v) ** 3 * e3 - 3 * v * (1 + v) ** 2 * e4 + 3 * v**2 * (1 + v) * e5 - v**3 * e6

    return joined(of, *chain[2:])


def triangular(bars: Bars, period: int) -> Values:
    weights = [min(k, period + 1 - k) for k in range(1, period + 1)]
    return windowed(
        closes(bars),
        period,
        lambda w: math.fsum(a * b for a, b in zip(weights, w, strict=True)) / sum(weights),
    )


def hull(bars: Bars, period: int) -> Values:
    half, whole = wma(closes(bars), period // 2), wma(closes(bars), period)
    return wma(joined(lambda a, b: 2 * a - b, half, whole), math.isqrt(period))


def zero_lag(bars: Bars, period: int) -> Values:
    lag = (period - 1) // 2
    close = closes(bars)
    return ema([2 * close[i] - close[i - lag] if i >= lag else NAN for i in range(len(close))], period)


def kaufman(bars: Bars, period: int) -> Values:
    close = closes(bars)
    fast, slow = 2 / 3, 2 / 31
    value, out = close[period - 1], [NAN] * period
    for i in range(period, len(close)):
        path = math.fsum(abs(close[j] - close[j - 1]) for j in range(i - period + 1, i + 1))
        efficiency = abs(close[i] - close[i - period]) / path if path else 1.0
        value += (efficiency * (fast - slow) + slow) ** 2 * (close[i] - value)
        out.append(value)
    return out


def volume_weighted(bars: Bars, period: int, price: Values | None = None) -> Values:
    price = closes(bars) if price is None else price
    money = total(joined(lambda p, v: p * v, price, volumes(bars)), period)
    return joined(lambda m, v: m / v, money, total(volumes(bars), period))


def regression(bars: Bars, period: int) -> tuple[Values, Values]:
    """Level at the oldest close of each window, and slope per bar."""
    place = list(range(period))
    middle = mean(place)
    spread = math.fsum((x - middle) ** 2 for x in place)

    def slope(window: Values) -> float:
        level = mean(window)
        return math.fsum((x - middle) * (y - level) for x, y in zip(place, window, strict=True)) / spread

    slopes = windowed(closes(bars), period, slope)
    return joined(lambda m, s: m - s * middle, sma(closes(bars), period), slopes), slopes


def acceleration_bands(bars: Bars, period: int) -> tuple[Values, Values, Values]:
    def width(h: float, low: float) -> float:
        return 4 * (h - low) / (h + low)

    upper = joined(lambda h, low: h * (1 + width(h, low)), highs(bars), lows(bars))
    lower = joined(lambda h, low: low * (1 - width(h, low)), highs(bars), lows(bars))
    return sma(upper, period), sma(closes(bars), period), sma(lower, period)


def donchian(bars: Bars, period: int) -> tuple[Values, Values, Values]:
    upper, lower = highest(highs(bars), period), lowest(lows(bars), period)
    return upper, joined(lambda a, b: (a + b) / 2, upper, lower), lower


def keltner(bars: Bars, period: int, range_period: int, width: float) -> tuple[Values, Values, Values]:
    # The shorter of the two averages begins later, so that both have their first value on the same bar.
    first = max(period - 1, range_period)
    middle = ema(late(typical(bars), first - period + 1), period)
    span = wilder(late(true_range(bars), first - range_period + 1), range_period)
    return (
        joined(lambda m, s: m + width * s, middle, span),
        joined(lambda m, s: m, middle, span),
        joined(lambda m, s: m - width * s, middle, span),
    )


def supertrend(bars: Bars, period: int, multiplier: float) -> tuple[Values, Values]:
    close, span, middle = closes(bars), wilder(true_range(bars), period), median(bars)
    first = known_from(span)
    line, direction = [NAN] * len(close), [NAN] * len(close)
    upper = lower = 0.0
    trend = 1.0
    for i in range(first, len(close)):
        up, down = middle[i] + multiplier * span[i], middle[i] - multiplier * span[i]
        if i == first:
            upper, lower = up, down
        else:
            upper = up if up < upper or close[i - 1] > upper else upper
            lower = down if down > lower or close[i - 1] < lower else lower
        if trend > 0 and close[i] < lower:
            trend = -1.0
        elif trend < 0 and close[i] > upper:
            trend = 1.0
        line[i], direction[i] = (lower, 1.0) if trend > 0 else (upper, -1.0)
    return line, direction


def parabolic(
    bars: Bars, rise: tuple[float, float, float], fall: tuple[float, float, float], offset: float = 0.0
) -> tuple[Values, Values]:
    """Wilder's stop and reverse and its side, with (first, step, most) of the factor while long and short.

    The first side is that of the second bar's directional movement; a tie is long.
    """
    high, low = highs(bars), lows(bars)
    n = len(high)
    if n < 2:
        return [NAN] * n, [NAN] * n
    down, up = low[0] - low[1], high[1] - high[0]
    side = -1.0 if down > up and down > 0 else 1.0
    stop, extreme = (low[0], high[1]) if side > 0 else (high[0], low[1])
    factor = (rise if side > 0 else fall)[0]
    line, sides = [NAN], [NAN]

    def inside(i: int) -> float:
        # Not within the newest two bars; on the first there is only one.
        two = range(max(i - 1, 1), i + 1)
        return min([stop, *(low[j] for j in two)]) if side > 0 else max([stop, *(high[j] for j in two)])

    for i in range(1, n):
        if (low[i] <= stop) if side > 0 else (high[i] >= stop):
            side, stop = -side, extreme
            stop = inside(i)
            stop -= side * offset * stop
            factor, extreme = (rise if side > 0 else fall)[0], high[i] if side > 0 else low[i]
            line.append(stop)
        else:
            line.append(stop)
            if (high[i] > extreme) if side > 0 else (low[i] < extreme):
                extreme = high[i] if side > 0 else low[i]
                factor = min(factor + (rise if side > 0 else fall)[1], (rise if side > 0 else fall)[2])
        sides.append(side)
        stop += factor * (extreme - stop)
        stop = inside(i)
    return line, sides


def heikin_ashi(bars: Bars) -> tuple[Values, Values, Values, Values]:
    opened: Values = []
    out: tuple[Values, Values, Values, Values] = ([], [], [], [])
    for o, h, low, c in zip(opens(bars), highs(bars), lows(bars), closes(bars), strict=True):
        close = (o + h + low + c) / 4
        start = (opened[-1] + out[3][-1]) / 2 if opened else (o + c) / 2
        opened.append(start)
        for column, value in zip(
            out, (start, max(h, start, close), min(low, start, close), close), strict=True
        ):
            column.append(value)
    return out


def average_deviation(bars: Bars, period: int) -> Values:
    return windowed(closes(bars), period, lambda w: mean([abs(x - mean(w)) for x in w]))
