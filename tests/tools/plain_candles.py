"""Plain twins of the candlestick patterns, each a rule about the newest bars.

In a rule, k bars ago is `c(k)`; sizes are compared with averages of the bars before the one they are about.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from contracts.market import Bars

Setting: TypeAlias = tuple[Literal["body", "range", "shadows"], int, float]
"""What is averaged, over how many earlier bars (0: the bar itself), and what part of it counts."""

BODY_LONG: Setting = ("body", 10, 1.0)
BODY_SHORT: Setting = ("body", 10, 1.0)
BODY_DOJI: Setting = ("range", 10, 0.1)
SHADOW_LONG: Setting = ("body", 0, 1.0)
SHADOW_VERY_LONG: Setting = ("body", 0, 2.0)
SHADOW_SHORT: Setting = ("shadows", 10, 1.0)
SHADOW_VERY_SHORT: Setting = ("range", 10, 0.1)
NEAR: Setting = ("range", 5, 0.2)
FAR: Setting = ("range", 5, 0.6)
EQUAL: Setting = ("range", 5, 0.05)


@dataclass(frozen=True)
class Candle:
    """One bar and the averages that belong to it."""

    open: float
    high: float
    low: float
    close: float
    earlier: tuple["Candle", ...]

    @property
    def body(self) -> float:
        return abs(self.close - self.open)

    @property
    def range(self) -> float:
        return self.high - self.low

    @property
    def color(self) -> int:
        return 1 if self.close >= self.open else -1

    @property
    def upper(self) -> float:
        return self.high - max(self.open, self.close)

    @property
    def lower(self) -> float:
        return min(self.open, self.close) - self.low

    @property
    def top(self) -> float:
        return max(self.open, self.close)

    @property
    def bottom(self) -> float:
        return min(self.open, self.close)

    def average(self, setting: Setting) -> float:
        kind, period, part = setting
        if period == 0:
            return part * self.body
        total = 0.0
        for bar in self.earlier[:period]:
            total += {"body": bar.body, "range": bar.range, "shadows": (bar.upper + bar.lower) / 2}[kind]
        return part * total / period

    @property
    def is_long(self) -> bool:
        return self.body > self.average(BODY_LONG)

    @property
    def is_short(self) -> bool:
        return self.body <= self.average(BODY_SHORT)

    @property
    def is_under_average(self) -> bool:
        return self.body < self.average(BODY_SHORT)

    @property
    def is_doji(self) -> bool:
        return self.body <= self.average(BODY_DOJI)

    @property
    def has_no_upper(self) -> bool:
        return self.upper < self.average(SHADOW_VERY_SHORT)

    @property
    def has_no_lower(self) -> bool:
        return self.lower < self.average(SHADOW_VERY_SHORT)


Newest: TypeAlias = Callable[[int], Candle]
Rule: TypeAlias = Callable[[Newest], int]


def gaps_up(later: Candle, earlier: Candle) -> bool:
    return later.bottom > earlier.top


def gaps_down(later: Candle, earlier: Candle) -> bool:
    return later.top < earlier.bottom


def jumps_up(later: Candle, earlier: Candle) -> bool:
    return later.low > earlier.high


def jumps_down(later: Candle, earlier: Candle) -> bool:
    return later.high < earlier.low


def is_equal(one: float, other: float, by: Candle) -> bool:
    return abs(one - other) <= by.average(EQUAL)


def two_crows(c: Newest) -> int:
    a, b, z = c(2), c(1), c(0)
    return -100 * (
        a.color == 1
        and a.is_long
        and b.color == -1
        and gaps_up(b, a)
        and z.color == -1
        and b.close < z.open < b.open
        and a.open < z.close < a.close
    )


def three_black_crows(c: Newest) -> int:
    w, a, b, z = c(3), c(2), c(1), c(0)
    return -100 * (
        w.color == 1
        and all(x.color == -1 and x.has_no_lower for x in (a, b, z))
        and a.close < b.open < a.open
        and b.close < z.open < b.open
        and w.high > a.close > b.close > z.close
    )


def three_inside(c: Newest) -> int:
    a, b, z = c(2), c(1), c(0)
    is_inside = a.is_long and b.is_short and b.top < a.top and b.bottom > a.bottom
    if is_inside and a.color == 1 and z.color == -1 and z.close < a.open:
        return -100
    return 100 * (is_inside and a.color == -1 and z.color == 1 and z.close > a.open)


def three_line_strike(c: Newest) -> int:
    w, a, b, z = c(3), c(2), c(1), c(0)
    if not (w.color == a.color == b.color == -z.color):
        return 0

    def opens_inside(x: Candle, before: Candle) -> bool:
        near = before.average(NEAR)
        return before.bottom - near <= x.open <= before.top + near

    if not (opens_inside(a, w) and opens_inside(b, a)):
        return 0
    if b.color == 1:
        return 100 * (b.close > a.close > w.close and z.open > b.close and z.close < w.open)
    return -100 * (b.close < a.close < w.close and z.open < b.close and z.close > w.open)


def three_outside(c: Newest) -> int:
    a, b, z = c(2), c(1), c(0)
    if b.color == 1 and a.color == -1 and b.close > a.open and b.open < a.close and z.close > b.close:
        return 100
    return -100 * (
        b.color == -1 and a.color == 1 and b.open > a.close and b.close < a.open and z.close < b.close
    )


def three_stars_in_the_south(c: Newest) -> int:
    a, b, z = c(2), c(1), c(0)
    return 100 * (
        a.color == b.color == z.color == -1
        and a.is_long
        and a.lower > a.average(SHADOW_LONG)
        and b.body < a.body
        and b.open > a.close
        and b.open <= a.high
        and b.low < a.close
        and b.low >= a.low
        and b.lower > b.average(SHADOW_VERY_SHORT)
        and z.is_under_average
        and z.has_no_lower
        and z.has_no_upper
        and z.low > b.low
        and z.high < b.high
    )


def three_white_soldiers(c: Newest) -> int:
    a, b, z = c(2), c(1), c(0)
    return 100 * (
        all(x.color == 1 and x.has_no_upper for x in (a, b, z))
        and z.close > b.close > a.close
        and a.open < b.open <= a.close + a.average(NEAR)
        and b.open < z.open <= b.close + b.average(NEAR)
        and b.body > a.body - a.average(FAR)
        and z.body > b.body - b.average(FAR)
        and z.body > z.average(BODY_SHORT)
    )


def abandoned_baby(c: Newest, penetration: float = 0.3) -> int:
    a, b, z = c(2), c(1), c(0)
    if not (a.is_long and b.is_doji and z.body > z.average(BODY_SHORT)):
        return 0
    if a.color == 1 and z.color == -1 and z.close < a.close - a.body * penetration:
        return -100 * (jumps_up(b, a) and jumps_down(z, b))
    if a.color == -1 and z.color == 1 and z.close > a.close + a.body * penetration:
        return 100 * (jumps_down(b, a) and jumps_up(z, b))
    return 0


def advance_block(c: Newest) -> int:
    a, b, z = c(2), c(1), c(0)
    if not (
        a.color == b.color == z.color == 1
        and z.close > b.close > a.close
        and a.open < b.open <= a.close + a.average(NEAR)
        and b.open < z.open <= b.close + b.average(NEAR)
        and a.is_long
        and a.upper < a.average(SHADOW_SHORT)
    ):
        return 0
    return -100 * (
        (b.body < a.body - a.average(FAR) and z.body < b.body + b.average(NEAR))
        or (z.body < b.body - b.average(FAR))
        or (
            z.body < b.body < a.body
            and (z.upper > z.average(SHADOW_SHORT) or b.upper > b.average(SHADOW_SHORT))
        )
        or (z.body < b.body and z.upper > z.average(SHADOW_LONG))
    )


def belt_hold(c: Newest) -> int:
    z = c(0)
    is_one = z.is_long and (z.has_no_lower if z.color == 1 else z.has_no_upper)
    return 100 * z.color * is_one


def breakaway(c: Newest) -> int:
    v, w, a, b, z = c(4), c(3), c(2), c(1), c(0)
    if not (v.is_long and v.color == w.color == b.color == -z.color):
        return 0
    if v.color == -1:
        is_one = (
            gaps_down(w, v)
            and a.high < w.high
            and a.low < w.low
            and b.high < a.high
            and b.low < a.low
            and w.open < z.close < v.close
        )
    else:
        is_one = (
            gaps_up(w, v)
            and a.high > w.high
            and a.low > w.low
            and b.high > a.high
            and b.low > a.low
            and v.close < z.close < w.open
        )
    return 100 * z.color * is_one


def closing_marubozu(c: Newest) -> int:
    z = c(0)
    return 100 * z.color * (z.is_long and (z.has_no_upper if z.color == 1 else z.has_no_lower))


def concealing_baby_swallow(c: Newest) -> int:
    w, a, b, z = c(3), c(2), c(1), c(0)
    return 100 * (
        w.color == a.color == b.color == z.color == -1
        and all(x.has_no_lower and x.has_no_upper for x in (w, a))
        and gaps_down(b, a)
        and b.upper > b.average(SHADOW_VERY_SHORT)
        and b.high > a.close
        and z.high > b.high
        and z.low < b.low
    )


def counterattack(c: Newest) -> int:
    b, z = c(1), c(0)
    return 100 * z.color * (b.color == -z.color and b.is_long and z.is_long and is_equal(z.close, b.close, b))


def dark_cloud_cover(c: Newest, penetration: float = 0.5) -> int:
    b, z = c(1), c(0)
    return -100 * (
        b.color == 1
        and b.is_long
        and z.color == -1
        and z.open > b.high
        and b.open < z.close < b.close - b.body * penetration
    )


def doji(c: Newest) -> int:
    return 100 * c(0).is_doji


def doji_star(c: Newest) -> int:
    b, z = c(1), c(0)
    is_apart = gaps_up(z, b) if b.color == 1 else gaps_down(z, b)
    return -100 * b.color * (b.is_long and z.is_doji and is_apart)


def dragonfly_doji(c: Newest) -> int:
    z = c(0)
    return 100 * (z.is_doji and z.has_no_upper and z.lower > z.average(SHADOW_VERY_SHORT))


def engulfing(c: Newest) -> int:
    b, z = c(1), c(0)
    if z.color == 1 and b.color == -1:
        around = z.close >= b.open and z.open <= b.close and (z.close > b.open or z.open < b.close)
        is_full = z.open != b.close and z.close != b.open
    elif z.color == -1 and b.color == 1:
        around = z.open >= b.close and z.close <= b.open and (z.open > b.close or z.close < b.open)
        is_full = z.open != b.close and z.close != b.open
    else:
        return 0
    return z.color * around * (100 if is_full else 80)


def evening_doji_star(c: Newest, penetration: float = 0.3) -> int:
    a, b, z = c(2), c(1), c(0)
    return -100 * (
        a.is_long
        and a.color == 1
        and b.is_doji
        and gaps_up(b, a)
        and z.body > z.average(BODY_SHORT)
        and z.color == -1
        and z.close < a.close - a.body * penetration
    )


def evening_star(c: Newest, penetration: float = 0.3) -> int:
    a, b, z = c(2), c(1), c(0)
    return -100 * (
        a.is_long
        and a.color == 1
        and b.is_short
        and gaps_up(b, a)
        and z.body > z.average(BODY_SHORT)
        and z.color == -1
        and z.close < a.close - a.body * penetration
    )


def side_by_side_white_lines(c: Newest) -> int:
    a, b, z = c(2), c(1), c(0)
    up = gaps_up(b, a) and gaps_up(z, a)
    down = gaps_down(b, a) and gaps_down(z, a)
    is_pair = (
        b.color == z.color == 1
        and b.body - b.average(NEAR) <= z.body <= b.body + b.average(NEAR)
        and b.open - b.average(EQUAL) <= z.open <= b.open + b.average(EQUAL)
    )
    return (100 if up else -100) * ((up or down) and is_pair)


def gravestone_doji(c: Newest) -> int:
    z = c(0)
    return 100 * (z.is_doji and z.has_no_lower and z.upper > z.average(SHADOW_VERY_SHORT))


def hammer_shape(z: Candle) -> bool:
    return z.is_under_average and z.lower > z.average(SHADOW_LONG) and z.has_no_upper


def hammer(c: Newest) -> int:
    b, z = c(1), c(0)
    return 100 * (hammer_shape(z) and z.bottom <= b.low + b.average(NEAR))


def hanging_man(c: Newest) -> int:
    b, z = c(1), c(0)
    return -100 * (hammer_shape(z) and z.bottom >= b.high - b.average(NEAR))


def inside_body(z: Candle, b: Candle) -> int:
    if z.top < b.top and z.bottom > b.bottom:
        return 100
    return 80 * (z.top <= b.top and z.bottom >= b.bottom)


def harami(c: Newest) -> int:
    b, z = c(1), c(0)
    return -b.color * (b.is_long and z.is_short) * inside_body(z, b)


def harami_cross(c: Newest) -> int:
    b, z = c(1), c(0)
    return -b.color * (b.is_long and z.is_doji) * inside_body(z, b)


def high_wave(c: Newest) -> int:
    z = c(0)
    return (
        100
        * z.color
        * (
            z.is_under_average
            and z.upper > z.average(SHADOW_VERY_LONG)
            and z.lower > z.average(SHADOW_VERY_LONG)
        )
    )


def homing_pigeon(c: Newest) -> int:
    b, z = c(1), c(0)
    return 100 * (
        b.color == z.color == -1 and b.is_long and z.is_short and z.open < b.open and z.close > b.close
    )


def identical_three_crows(c: Newest) -> int:
    a, b, z = c(2), c(1), c(0)
    return -100 * (
        all(x.color == -1 and x.has_no_lower for x in (a, b, z))
        and a.close > b.close > z.close
        and is_equal(b.open, a.close, a)
        and is_equal(z.open, b.close, b)
    )


def in_neck(c: Newest) -> int:
    b, z = c(1), c(0)
    return -100 * (
        b.color == -1
        and b.is_long
        and z.color == 1
        and z.open < b.low
        and b.close <= z.close <= b.close + b.average(EQUAL)
    )


def inverted_hammer_shape(z: Candle) -> bool:
    return z.is_under_average and z.upper > z.average(SHADOW_LONG) and z.has_no_lower


def inverted_hammer(c: Newest) -> int:
    return 100 * (inverted_hammer_shape(c(0)) and gaps_down(c(0), c(1)))


def marubozu_like(x: Candle) -> bool:
    return x.is_long and x.has_no_upper and x.has_no_lower


def kicking_side(b: Candle, z: Candle) -> bool:
    if not (b.color == -z.color and marubozu_like(b) and marubozu_like(z)):
        return False
    return jumps_up(z, b) if z.color == 1 else jumps_down(z, b)


def kicking(c: Newest) -> int:
    return 100 * c(0).color * kicking_side(c(1), c(0))


def kicking_by_length(c: Newest) -> int:
    b, z = c(1), c(0)
    longer = z if z.body > b.body else b
    return 100 * longer.color * kicking_side(b, z)


def ladder_bottom(c: Newest) -> int:
    v, w, a, b, z = c(4), c(3), c(2), c(1), c(0)
    return 100 * (
        v.color == w.color == a.color == b.color == -1
        and v.open > w.open > a.open
        and v.close > w.close > a.close
        and b.upper > b.average(SHADOW_VERY_SHORT)
        and z.color == 1
        and z.open > b.open
        and z.close > b.high
    )


def long_legged_doji(c: Newest) -> int:
    z = c(0)
    return 100 * (z.is_doji and (z.lower > z.average(SHADOW_LONG) or z.upper > z.average(SHADOW_LONG)))


def long_line(c: Newest) -> int:
    z = c(0)
    return (
        100
        * z.color
        * (z.is_long and z.upper < z.average(SHADOW_SHORT) and z.lower < z.average(SHADOW_SHORT))
    )


def marubozu(c: Newest) -> int:
    return 100 * c(0).color * marubozu_like(c(0))


def matching_low(c: Newest) -> int:
    b, z = c(1), c(0)
    return 100 * (b.color == z.color == -1 and is_equal(z.close, b.close, b))


def mat_hold(c: Newest, penetration: float = 0.5) -> int:
    v, w, a, b, z = c(4), c(3), c(2), c(1), c(0)
    return 100 * (
        v.is_long
        and all(x.is_under_average for x in (w, a, b))
        and v.color == 1
        and w.color == -1
        and z.color == 1
        and gaps_up(w, v)
        and a.bottom < v.close
        and b.bottom < v.close
        and a.bottom > v.close - v.body * penetration
        and b.bottom > v.close - v.body * penetration
        and a.top < w.open
        and b.top < a.top
        and z.open > b.close
        and z.close > max(w.high, a.high, b.high)
    )


def morning_doji_star(c: Newest, penetration: float = 0.3) -> int:
    a, b, z = c(2), c(1), c(0)
    return 100 * (
        a.is_long
        and a.color == -1
        and b.is_doji
        and gaps_down(b, a)
        and z.body > z.average(BODY_SHORT)
        and z.color == 1
        and z.close > a.close + a.body * penetration
    )


def morning_star(c: Newest, penetration: float = 0.3) -> int:
    a, b, z = c(2), c(1), c(0)
    return 100 * (
        a.is_long
        and a.color == -1
        and b.is_short
        and gaps_down(b, a)
        and z.body > z.average(BODY_SHORT)
        and z.color == 1
        and z.close > a.close + a.body * penetration
    )


def on_neck(c: Newest) -> int:
    b, z = c(1), c(0)
    return -100 * (
        b.color == -1 and b.is_long and z.color == 1 and z.open < b.low and is_equal(z.close, b.low, b)
    )


def piercing(c: Newest) -> int:
    b, z = c(1), c(0)
    return 100 * (
        b.color == -1
        and b.is_long
        and z.color == 1
        and z.is_long
        and z.open < b.low
        and b.close + b.body * 0.5 < z.close < b.open
    )


def rickshaw_man(c: Newest) -> int:
    z = c(0)
    middle, near = z.low + z.range / 2, z.average(NEAR)
    return 100 * (
        z.is_doji
        and z.lower > z.average(SHADOW_LONG)
        and z.upper > z.average(SHADOW_LONG)
        and z.bottom <= middle + near
        and z.top >= middle - near
    )


def rising_falling_three_methods(c: Newest) -> int:
    v, w, a, b, z = c(4), c(3), c(2), c(1), c(0)
    side = v.color
    return (
        100
        * side
        * (
            v.is_long
            and all(x.is_under_average for x in (w, a, b))
            and z.is_long
            and w.color == a.color == b.color == -side
            and z.color == side
            and all(x.bottom < v.high and x.top > v.low for x in (w, a, b))
            and a.close * side < w.close * side
            and b.close * side < a.close * side
            and z.open * side > b.close * side
            and z.close * side > v.close * side
        )
    )


def separating_lines(c: Newest) -> int:
    b, z = c(1), c(0)
    return (
        100
        * z.color
        * (
            b.color == -z.color
            and is_equal(z.open, b.open, b)
            and z.is_long
            and (z.has_no_lower if z.color == 1 else z.has_no_upper)
        )
    )


def shooting_star(c: Newest) -> int:
    return -100 * (inverted_hammer_shape(c(0)) and gaps_up(c(0), c(1)))


def short_line(c: Newest) -> int:
    z = c(0)
    return (
        100
        * z.color
        * (z.is_under_average and z.upper < z.average(SHADOW_SHORT) and z.lower < z.average(SHADOW_SHORT))
    )


def spinning_top(c: Newest) -> int:
    z = c(0)
    return 100 * z.color * (z.is_under_average and z.upper > z.body and z.lower > z.body)


def stalled(c: Newest) -> int:
    a, b, z = c(2), c(1), c(0)
    return -100 * (
        a.color == b.color == z.color == 1
        and z.close > b.close > a.close
        and a.is_long
        and b.is_long
        and b.has_no_upper
        and a.open < b.open <= a.close + a.average(NEAR)
        and z.is_under_average
        and z.open >= b.close - z.body - b.average(NEAR)
    )


def stick_sandwich(c: Newest) -> int:
    a, b, z = c(2), c(1), c(0)
    return 100 * (
        a.color == -1 and b.color == 1 and z.color == -1 and b.low > a.close and is_equal(z.close, a.close, a)
    )


def takuri(c: Newest) -> int:
    z = c(0)
    return 100 * (z.is_doji and z.has_no_upper and z.lower > z.average(SHADOW_VERY_LONG))


def tasuki_gap(c: Newest) -> int:
    a, b, z = c(2), c(1), c(0)
    alike = abs(b.body - z.body) < b.average(NEAR)
    if gaps_up(b, a) and b.color == 1 and z.color == -1:
        return 100 * (b.open < z.open < b.close and z.close < b.open and z.close > a.top and alike)
    if gaps_down(b, a) and b.color == -1 and z.color == 1:
        return -100 * (b.close < z.open < b.open and z.close > b.open and z.close < a.bottom and alike)
    return 0


def thrusting(c: Newest) -> int:
    b, z = c(1), c(0)
    return -100 * (
        b.color == -1
        and b.is_long
        and z.color == 1
        and z.open < b.low
        and b.close + b.average(EQUAL) < z.close <= b.close + b.body * 0.5
    )


def tristar(c: Newest) -> int:
    a, b, z = c(2), c(1), c(0)
    most = a.average(BODY_DOJI)
    if not all(x.body <= most for x in (a, b, z)):
        return 0
    if gaps_up(b, a) and z.top < b.top:
        return -100
    return 100 * (gaps_down(b, a) and z.bottom > b.bottom)


def unique_three_river(c: Newest) -> int:
    a, b, z = c(2), c(1), c(0)
    return 100 * (
        a.is_long
        and a.color == -1
        and b.color == -1
        and b.close > a.close
        and b.open <= a.open
        and b.low < a.low
        and z.is_under_average
        and z.color == 1
        and z.open > b.low
    )


def upside_gap_two_crows(c: Newest) -> int:
    a, b, z = c(2), c(1), c(0)
    return -100 * (
        a.color == 1
        and a.is_long
        and b.color == -1
        and b.is_short
        and gaps_up(b, a)
        and z.color == -1
        and z.open > b.open
        and z.close < b.close
        and z.close > a.close
    )


def gap_three_methods(c: Newest) -> int:
    a, b, z = c(2), c(1), c(0)
    if not (a.color == b.color == -z.color):
        return 0
    fills = b.bottom < z.open < b.top and a.bottom < z.close < a.top
    is_apart = gaps_up(b, a) if a.color == 1 else gaps_down(b, a)
    return 100 * a.color * (fills and is_apart)


def of_bars(bars: Bars, rule: Rule, first: int) -> list[float]:
    """The rule at every bar from place `first` on, NaN before."""
    rows = zip(bars.open.tolist(), bars.high.tolist(), bars.low.tolist(), bars.close.tolist(), strict=True)
    candles: list[Candle] = []
    for o, h, low, close in rows:
        candles.append(Candle(o, h, low, close, tuple(reversed(candles[-10:]))))
    found = [float("nan")] * min(first, len(candles))
    for i in range(first, len(candles)):
        newest = candles[i - 4 : i + 1][::-1] if i >= 4 else candles[i::-1]
        found.append(float(rule(newest.__getitem__)))
    return found


def hikkake(bars: Bars, first: int) -> list[float]:
    """An inside bar that is broken the wrong way; +-200 where it is confirmed within three bars."""
    high, low, close = bars.high.tolist(), bars.low.tolist(), bars.close.tolist()
    out = [float("nan")] * min(first, len(close))
    place, side = -10, 0
    for i in range(2, len(close)):
        is_inside = high[i - 1] < high[i - 2] and low[i - 1] > low[i - 2]
        found = 0
        if is_inside and high[i] < high[i - 1] and low[i] < low[i - 1]:
            place, side, found = i, 1, 100
        elif is_inside and high[i] > high[i - 1] and low[i] > low[i - 1]:
            place, side, found = i, -1, -100
        elif i <= place + 3:
            beyond = close[i] > high[place - 1] if side == 1 else close[i] < low[place - 1]
            if beyond:
                found, place = 200 * side, -10
        if i >= first:
            out.append(float(found))
    return out


def modified_hikkake(bars: Bars, first: int) -> list[float]:
    """As `hikkake`, after a close near the end of the bar before the inside one."""
    candles: list[Candle] = []
    rows = zip(bars.open.tolist(), bars.high.tolist(), bars.low.tolist(), bars.close.tolist(), strict=True)
    for o, h, lo, cl in rows:
        candles.append(Candle(o, h, lo, cl, tuple(reversed(candles[-10:]))))
    out = [float("nan")] * min(first, len(candles))
    place, side = -10, 0
    for i in range(8, len(candles)):
        v, a, b, z = candles[i - 3], candles[i - 2], candles[i - 1], candles[i]
        is_set = a.high < v.high and a.low > v.low and b.high < a.high and b.low > a.low
        found = 0
        if is_set and z.high < b.high and z.low < b.low and a.close <= a.low + a.average(NEAR):
            place, side, found = i, 1, 100
        elif is_set and z.high > b.high and z.low > b.low and a.close >= a.high - a.average(NEAR):
            place, side, found = i, -1, -100
        elif i <= place + 3:
            before = candles[place - 1]
            if (z.close > before.high) if side == 1 else (z.close < before.low):
                found, place = 200 * side, -10
        if i >= first:
            out.append(float(found))
    return out
