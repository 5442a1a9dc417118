"""Plain twins of the oscillators, from their published definitions."""

import math
from itertools import pairwise

from contracts.market import Bars
from tests.tools.plain_lists import (
    NAN,
    Values,
    changes,
    ema,
    highest,
    joined,
    late,
    lowest,
    mean,
    sma,
    total,
    wilder,
    windowed,
    wma,
)
from tests.tools.plain_trend import closes, highs, lows, median, opens, true_range, typical


def share(part: float, whole: float) -> float:
    return 100 * part / whole if whole else NAN


def awesome(bars: Bars, fast: int, slow: int) -> Values:
    return joined(lambda a, b: a - b, sma(median(bars), fast), sma(median(bars), slow))


def accelerator(bars: Bars, fast: int, slow: int, signal: int) -> Values:
    line = awesome(bars, fast, slow)
    return joined(lambda a, b: a - b, line, sma(line, signal))


def aroon(bars: Bars, period: int) -> tuple[Values, Values]:
    def since(values: Values, is_high: bool) -> Values:
        def place(window: Values) -> float:
            extreme = max(window) if is_high else min(window)
            newest = max(i for i, value in enumerate(window) if value == extreme)
            return 100 * newest / period

        return windowed(values, period + 1, place)

    return since(highs(bars), True), since(lows(bars), False)


def balance_of_power(bars: Bars) -> Values:
    return joined(
        lambda o, h, low, c: (c - o) / (h - low) if h > low else NAN,
        opens(bars),
        highs(bars),
        lows(bars),
        closes(bars),
    )


def commodity_channel(bars: Bars, period: int) -> Values:
    def index(window: Values) -> float:
        level = mean(window)
        spread = mean([abs(x - level) for x in window])
        return (window[-1] - level) / (0.015 * spread) if spread else NAN

    return windowed(typical(bars), period, index)


def rises_and_falls(bars: Bars) -> tuple[Values, Values]:
    moves = changes(closes(bars))
    return joined(lambda m: max(m, 0.0), moves), joined(lambda m: max(-m, 0.0), moves)


def chande(bars: Bars, period: int) -> Values:
    up, down = (wilder(side, period) for side in rises_and_falls(bars))
    return joined(lambda u, d: share(u - d, u + d), up, down)


def chande_unsmoothed(bars: Bars, period: int) -> Values:
    up, down = (total(side, period) for side in rises_and_falls(bars))
    return joined(lambda u, d: share(u - d, u + d), up, down)


def rate_of_change(values: Values, period: int) -> Values:
    return [100 * (values[i] / values[i - period] - 1) if i >= period else NAN for i in range(len(values))]


def coppock(bars: Bars, average: int, short: int, long: int) -> Values:
    close = closes(bars)
    both = joined(lambda a, b: a + b, rate_of_change(close, short), rate_of_change(close, long))
    return wma(both, average)


def detrended(bars: Bars, period: int) -> Values:
    close, back = closes(bars), period // 2 + 1
    average = sma(close, period)
    return [close[i - back] - average[i] if i >= back else NAN for i in range(len(close))]


def directional(bars: Bars) -> tuple[Values, Values]:
    high, low = highs(bars), lows(bars)
    plus, minus = [NAN], [NAN]
    for i in range(1, len(high)):
        up, down = high[i] - high[i - 1], low[i - 1] - low[i]
        plus.append(up if up > down and up > 0 else 0.0)
        minus.append(down if down > up and down > 0 else 0.0)
    return plus, minus


def worksheet_sum(values: Values, period: int) -> Values:
    """Wilder's running sum, begun with the first `period` - 1 values."""
    if len(values) < period:
        return [NAN] * len(values)
    out = [NAN] * (period - 1) + [math.fsum(values[1:period])]
    for value in values[period:]:
        out.append(out[-1] - out[-1] / period + value)
    return out


def directional_index(bars: Bars, period: int) -> Values:
    plus, minus = (worksheet_sum(side, period) for side in directional(bars))
    spans = worksheet_sum(true_range(bars), period)
    out = joined(lambda p, m, s: share(abs(p / s - m / s), p / s + m / s) if s else NAN, plus, minus, spans)
    return late(out, period)


def efficiency(bars: Bars, period: int) -> Values:
    def ratio(window: Values) -> float:
        path = math.fsum(abs(b - a) for a, b in pairwise(window))
        return abs(window[-1] - window[0]) / path if path else NAN

    return windowed(closes(bars), period + 1, ratio)


def forecast_oscillator(bars: Bars, period: int) -> Values:
    place = list(range(period))
    middle = mean(place)

    def ahead(window: Values) -> float:
        level = mean(window)
        rise = math.fsum((x - middle) * (y - level) for x, y in zip(place, window, strict=True))
        return level + rise / math.fsum((x - middle) ** 2 for x in place) * (period - middle)

    close = closes(bars)
    expected = [NAN, *windowed(close, period, ahead)][: len(close)]
    return joined(lambda c, e: 100 * (c - e) / c, close, expected)


def intraday_momentum(bars: Bars, period: int) -> Values:
    body = joined(lambda o, c: c - o, opens(bars), closes(bars))
    gain = total([max(b, 0.0) for b in body], period)
    loss = total([max(-b, 0.0) for b in body], period)
    return joined(lambda g, x: share(g, g + x), gain, loss)


def raw_stochastic(bars: Bars, period: int) -> Values:
    return joined(
        lambda c, h, low: share(c - low, h - low),
        closes(bars),
        highest(highs(bars), period),
        lowest(lows(bars), period),
    )


def stochastic(bars: Bars, period: int, smoothing: int, signal: int) -> tuple[Values, Values]:
    line = sma_of_known(raw_stochastic(bars, period), period, smoothing)
    return late(line, period + smoothing + signal - 3), sma_of_known(line, period + smoothing - 1, signal)


def sma_of_known(values: Values, first: int, period: int) -> Values:
    """Mean of windows from place `first` - 1 on; NaN where one of them is NaN."""
    return [
        mean(values[i - period + 1 : i + 1]) if i >= first + period - 2 else NAN for i in range(len(values))
    ]


def kdj(bars: Bars, period: int, smoothing: int, signal: int) -> tuple[Values, Values, Values]:
    k = wilder(raw_stochastic(bars, period), smoothing)
    d = wilder(k, signal)
    k = late(k, period + smoothing + signal - 3)
    return k, d, joined(lambda a, b: 3 * a - 2 * b, k, d)


def relative_strength(values: Values, period: int) -> Values:
    moves = changes(values)
    up = wilder(joined(lambda m: max(m, 0.0), moves), period)
    down = wilder(joined(lambda m: max(-m, 0.0), moves), period)
    return joined(lambda u, d: share(u, u + d), up, down)


def stochastic_rsi(bars: Bars, period: int, window: int, signal: int) -> tuple[Values, Values]:
    index = relative_strength(closes(bars), period)
    line = joined(
        lambda x, h, low: share(x - low, h - low), index, highest(index, window), lowest(index, window)
    )
    first = period + window
    return late(line, first + signal - 2), sma_of_known(line, first, signal)


def macd(line: Values, signal: Values) -> tuple[Values, Values, Values]:
    kept = joined(lambda x, s: x, line, signal)
    return kept, signal, joined(lambda x, s: x - s, line, signal)


def money_flow(bars: Bars, period: int) -> Values:
    price = typical(bars)
    moves = changes(price)
    flow = [NAN, *(p * v for p, v in zip(price[1:], bars.volume[1:].tolist(), strict=True))][: len(price)]
    into = total(joined(lambda m, f: f if m > 0 else 0.0, moves, flow), period)
    out_of = total(joined(lambda m, f: f if m < 0 else 0.0, moves, flow), period)
    return joined(lambda a, b: share(a, a + b), into, out_of)


def qstick(bars: Bars, period: int) -> Values:
    return sma(joined(lambda o, c: c - o, opens(bars), closes(bars)), period)


def stochastic_momentum(bars: Bars, period: int, fast: int, slow: int, signal: int) -> tuple[Values, Values]:
    top, bottom = highest(highs(bars), period), lowest(lows(bars), period)
    distance = joined(lambda c, h, low: c - (h + low) / 2, closes(bars), top, bottom)
    span = joined(lambda h, low: h - low, top, bottom)
    above, width = (ema(ema(x, slow), fast) for x in (distance, span))
    # Until something has moved it is 0 / 0, which counts as 0 in the signal line.
    index = joined(lambda a, w: 200 * a / w if w else 0.0, above, width)
    average = ema(index, signal)
    has_moved = joined(lambda w: 0.0 if w else NAN, width)
    return joined(lambda x, s, m: x + m, index, average, has_moved), joined(
        lambda s, m: s + m, average, has_moved
    )


def trix(bars: Bars, period: int) -> Values:
    line = ema(ema(ema(closes(bars), period), period), period)
    return [100 * (line[i] / line[i - 1] - 1) if i else NAN for i in range(len(line))]


def true_strength(bars: Bars, slow: int, fast: int) -> Values:
    moves = changes(closes(bars))
    net = ema(ema(moves, slow), fast)
    size = ema(ema(joined(abs, moves), slow), fast)
    return joined(share, net, size)


def ultimate(bars: Bars, short: int, middle: int, long: int) -> Values:
    before = [NAN, *closes(bars)][: len(bars)]
    pressure = joined(lambda c, low, b: c - min(low, b), closes(bars), lows(bars), before)
    span = true_range(bars)
    parts = [
        joined(lambda p, s: p / s if s else NAN, total(pressure, n), total(span, n))
        for n in (short, middle, long)
    ]
    return joined(lambda a, b, c: 100 * (4 * a + 2 * b + c) / 7, *parts)


def vertical_horizontal(bars: Bars, period: int) -> Values:
    close = closes(bars)
    path = total(joined(abs, changes(close)), period)
    top, bottom = highest(close, period), lowest(close, period)
    return joined(lambda h, low, p: (h - low) / p if p else NAN, top, bottom, path)


def vortex(bars: Bars, period: int) -> tuple[Values, Values]:
    high, low = highs(bars), lows(bars)
    n = len(high)
    rising = [abs(high[i] - low[i - 1]) if i else NAN for i in range(n)]
    falling = [abs(low[i] - high[i - 1]) if i else NAN for i in range(n)]
    spans = total(true_range(bars), period)
    plus, minus = (
        joined(lambda a, s: a / s if s else NAN, total(x, period), spans) for x in (rising, falling)
    )
    return plus, minus


def williams(bars: Bars, period: int) -> Values:
    return joined(
        lambda c, h, low: -share(h - c, h - low),
        closes(bars),
        highest(highs(bars), period),
        lowest(lows(bars), period),
    )


def fractal(bars: Bars, left: int, right: int) -> tuple[Values, Values]:
    def marks(values: Values, sign: float) -> Values:
        out = [NAN] * len(values)
        for i in range(left + right, len(values)):
            middle = sign * values[i - right]
            around = [sign * x for x in values[i - left - right : i - right] + values[i - right + 1 : i + 1]]
            out[i] = 1.0 if all(middle > x for x in around) else 0.0
        return out

    return marks(highs(bars), 1.0), marks(lows(bars), -1.0)
