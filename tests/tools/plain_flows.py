"""Plain twins of volume, volatility and rank measures, from their published definitions."""

import math
from itertools import pairwise

from contracts.market import Bars
from tests.tools.plain_lists import (
    NAN,
    Values,
    changes,
    ema,
    joined,
    mean,
    sma,
    total,
    wilder,
    windowed,
)
from tests.tools.plain_trend import closes, highs, lows, true_range, volume_weighted, volumes


def spans(bars: Bars) -> Values:
    return joined(lambda h, low: h - low, highs(bars), lows(bars))


def location(bars: Bars) -> Values:
    """Where each close lies in its bar, -1 to 1; 0 in a bar without range."""
    return joined(
        lambda h, low, c: (2 * c - h - low) / (h - low) if h > low else 0.0,
        highs(bars),
        lows(bars),
        closes(bars),
    )


def running(values: Values) -> Values:
    out, level = [], 0.0
    for value in values:
        level += 0.0 if math.isnan(value) else value
        out.append(level)
    return out


def gained(line: Values, period: int) -> Values:
    return [line[i] - line[i - period] if i >= period else NAN for i in range(len(line))]


def accumulation(bars: Bars) -> Values:
    return running(joined(lambda a, v: a * v, location(bars), volumes(bars)))


def on_balance(bars: Bars) -> Values:
    moves = changes(closes(bars))
    return running(joined(lambda m, v: v if m > 0 else -v if m < 0 else 0.0, moves, volumes(bars)))


def price_volume(bars: Bars) -> Values:
    close = closes(bars)
    returns = [NAN, *(b / a - 1 for a, b in pairwise(close))][: len(close)]
    return running(joined(lambda r, v: r * v, returns, volumes(bars)))


def volume_index(bars: Bars, is_rising: bool) -> Values:
    close, volume = closes(bars), volumes(bars)
    out = [1000.0] if close else []
    for i in range(1, len(close)):
        counts = volume[i] > volume[i - 1] if is_rising else volume[i] < volume[i - 1]
        out.append(out[-1] * close[i] / close[i - 1] if counts else out[-1])
    return out


def williams_accumulation(bars: Bars) -> Values:
    close = closes(bars)
    steps = [NAN]
    for i in range(1, len(close)):
        if close[i] > close[i - 1]:
            steps.append(close[i] - min(bars.low.tolist()[i], close[i - 1]))
        elif close[i] < close[i - 1]:
            steps.append(close[i] - max(bars.high.tolist()[i], close[i - 1]))
        else:
            steps.append(0.0)
    return running(steps[: len(close)])


def chaikin_oscillator(bars: Bars, fast: int, slow: int) -> Values:
    line = accumulation(bars)

    def from_the_first(period: int) -> Values:
        out = line[:1]
        for value in line[1:]:
            out.append(out[-1] + 2 / (period + 1) * (value - out[-1]))
        return out

    apart = joined(lambda a, b: a - b, from_the_first(fast), from_the_first(slow))
    return [NAN if i < slow - 1 else value for i, value in enumerate(apart)]


def money_flow_share(bars: Bars, period: int) -> Values:
    flow = joined(lambda a, v: a * v, location(bars), volumes(bars))
    return joined(lambda f, v: f / v if v else NAN, total(flow, period), total(volumes(bars), period))


def force(bars: Bars, period: int) -> Values:
    return ema(joined(lambda m, v: m * v, changes(closes(bars)), volumes(bars)), period)


def facilitation(bars: Bars) -> Values:
    return joined(lambda s, v: s / v if v else NAN, spans(bars), volumes(bars))


def relative_volume(bars: Bars, period: int) -> Values:
    usual = [NAN, *sma(volumes(bars), period)][: len(bars)]
    return joined(lambda v, u: v / u if u else NAN, volumes(bars), usual)


def volume_weighted_typical(bars: Bars, period: int) -> Values:
    price = joined(lambda h, low, c: (h + low + c) / 3, highs(bars), lows(bars), closes(bars))
    return volume_weighted(bars, period, price)


def chaikin_volatility(bars: Bars, period: int, lag: int) -> Values:
    width = ema(spans(bars), period)
    return [
        100 * (width[i] / width[i - lag] - 1) if i >= lag and width[i - lag] != 0 else NAN
        for i in range(len(width))
    ]


def mass(bars: Bars, fast: int, slow: int) -> Values:
    one = ema(spans(bars), fast)
    return total(joined(lambda a, b: a / b if b else NAN, one, ema(one, fast)), slow)


def relative_volatility(bars: Bars, period: int, spread_period: int) -> Values:
    def spread(window: Values) -> float:
        level = mean(window)
        return math.sqrt(mean([(x - level) ** 2 for x in window]))

    sizes, moves = windowed(closes(bars), spread_period, spread), changes(closes(bars))
    up = wilder(joined(lambda s, m: s if m > 0 else 0.0, sizes, moves), period)
    down = wilder(joined(lambda s, m: s if m < 0 else 0.0, sizes, moves), period)
    return joined(lambda u, d: 100 * u / (u + d) if u + d else NAN, up, down)


def average_true_range(bars: Bars, period: int) -> Values:
    return wilder(true_range(bars), period)


def percentile(bars: Bars, period: int, percent: float) -> Values:
    def nearest_rank(window: Values) -> float:
        place = max(math.ceil(percent / 100 * period), 1)
        return sorted(window)[place - 1]

    return windowed(closes(bars), period, nearest_rank)


def percent_rank(bars: Bars, period: int) -> Values:
    return windowed(closes(bars), period + 1, lambda w: 100 * sum(x < w[-1] for x in w[:-1]) / period)


def correlation(one: Values, other: Values, period: int) -> Values:
    out = [NAN] * min(period - 1, len(one))
    for i in range(period - 1, len(one)):
        x, y = one[i - period + 1 : i + 1], other[i - period + 1 : i + 1]
        a, b = mean(x), mean(y)
        both = math.fsum((p - a) * (q - b) for p, q in zip(x, y, strict=True))
        size = math.sqrt(math.fsum((p - a) ** 2 for p in x) * math.fsum((q - b) ** 2 for q in y))
        out.append(both / size if size else NAN)
    return out
