"""A plain twin of Ehlers' cycle measures, from the book's listings: one loop over the closes, state in lists.

It begins with zeros at the first bar; TA-Lib begins a dozen bars later. Both forget that in time.
"""

import math
from dataclasses import dataclass, field

from tests.tools.plain_lists import Values


@dataclass
class Cycle:
    """What the listings compute at each bar."""

    period: Values = field(default_factory=list)
    in_phase: Values = field(default_factory=list)
    quadrature: Values = field(default_factory=list)
    phase: Values = field(default_factory=list)
    trendline: Values = field(default_factory=list)
    trend_mode: Values = field(default_factory=list)


def ago(values: Values, bars: int) -> float:
    return values[-1 - bars] if len(values) > bars else 0.0


def hilbert(values: Values, factor: float) -> float:
    taps = ((0, 0.0962), (2, 0.5769), (4, -0.5769), (6, -0.0962))
    return factor * math.fsum(weight * ago(values, bars) for bars, weight in taps)


class Discriminator:
    """Period from the phase turned in one bar: the homodyne discriminator."""

    def __init__(self) -> None:
        self.smooth: Values = []
        self.detrender: Values = []
        self.i1: Values = []
        self.q1: Values = []
        self.i2 = self.q2 = self.re = self.im = self.period = 0.0

    def step(self, closes: Values) -> None:
        self.smooth.append(math.fsum(w * ago(closes, k) for k, w in enumerate((0.4, 0.3, 0.2, 0.1))))
        factor = 0.075 * self.period + 0.54
        self.detrender.append(hilbert(self.smooth, factor))
        self.q1.append(hilbert(self.detrender, factor))
        self.i1.append(ago(self.detrender, 3))
        j_i, j_q = hilbert(self.i1, factor), hilbert(self.q1, factor)
        i2 = 0.2 * (self.i1[-1] - j_q) + 0.8 * self.i2
        q2 = 0.2 * (self.q1[-1] + j_i) + 0.8 * self.q2
        self.re = 0.2 * (i2 * self.i2 + q2 * self.q2) + 0.8 * self.re
        self.im = 0.2 * (i2 * self.q2 - q2 * self.i2) + 0.8 * self.im
        self.i2, self.q2 = i2, q2
        before = self.period
        if self.im and self.re:
            self.period = 2 * math.pi / math.atan(self.im / self.re)
        self.period = max(min(self.period, 1.5 * before), 0.67 * before)
        self.period = 0.2 * max(6.0, min(self.period, 50.0)) + 0.8 * before


def phase_of(smooth: Values, period: float) -> float:
    """Phase in degrees of the newest smoothed closes against a sine of the period, its lag added."""
    whole = int(period + 0.5)
    angles = [2 * math.pi * k / whole for k in range(whole)]
    real = math.fsum(math.sin(angle) * ago(smooth, k) for k, angle in enumerate(angles))
    imaginary = math.fsum(math.cos(angle) * ago(smooth, k) for k, angle in enumerate(angles))
    if imaginary:
        phase = math.degrees(math.atan(real / imaginary))
    else:
        phase = math.copysign(90.0, real) if real else 0.0
    phase += 90 + (360 / period if period else 0.0) + (180 if imaginary < 0 else 0)
    return phase - 360 if phase > 315 else phase


class TrendMode:
    """1 in a trend, 0 in a cycle."""

    def __init__(self) -> None:
        self.days, self.phase, self.is_ahead = 0, 0.0, False

    def step(self, phase: float, period: float, smooth: float, line: float) -> float:
        is_ahead = math.sin(math.radians(phase)) > math.sin(math.radians(phase + 45))
        if is_ahead != self.is_ahead:
            self.days = 0
        is_trend = is_ahead == self.is_ahead
        self.days += 1
        pace = 360 / period if period else math.inf
        turned, self.phase, self.is_ahead = phase - self.phase, phase, is_ahead
        if self.days < 0.5 * period or 0.67 * pace < turned < 1.5 * pace:
            is_trend = False
        if line and abs((smooth - line) / line) >= 0.015:
            is_trend = True
        return float(is_trend)


def cycle(closes: Values) -> Cycle:
    """Dominant cycle, its phase, the line without it, and whether the market trends."""
    out, engine, mode = Cycle(), Discriminator(), TrendMode()
    period = 0.0
    averages: Values = []
    for i in range(len(closes)):
        seen = closes[: i + 1]
        engine.step(seen)
        period = 0.33 * engine.period + 0.67 * period
        whole = int(period + 0.5)
        averages.append(math.fsum(seen[-whole:]) / whole if 0 < whole <= len(seen) else 0.0)
        line = math.fsum(w * ago(averages, k) for k, w in enumerate((0.4, 0.3, 0.2, 0.1)))
        phase = phase_of(engine.smooth, period)
        out.period.append(period)
        out.in_phase.append(engine.i1[-1])
        out.quadrature.append(engine.q1[-1])
        out.phase.append(phase)
        out.trendline.append(line)
        out.trend_mode.append(mode.step(phase, period, engine.smooth[-1], line))
    return out


def adaptive(closes: Values, fast_limit: float, slow_limit: float) -> tuple[Values, Values]:
    """MAMA and FAMA: the faster the phase turns, the slower the average."""
    engine = Discriminator()
    mama = fama = before = 0.0
    out: tuple[Values, Values] = ([], [])
    for i in range(len(closes)):
        engine.step(closes[: i + 1])
        phase = math.degrees(math.atan(engine.q1[-1] / engine.i1[-1])) if engine.i1[-1] else 0.0
        turned = max(before - phase, 1.0)
        before = phase
        alpha = max(fast_limit / turned, slow_limit) if turned > 1 else fast_limit
        mama = alpha * closes[i] + (1 - alpha) * mama
        fama = 0.5 * alpha * mama + (1 - 0.5 * alpha) * fama
        out[0].append(mama)
        out[1].append(fama)
    return out
