"""The 101 formulas of Kakushadze, "101 Formulaic Alphas" (2016, arXiv:1601.00991), appendix A, as printed.

Read with the appendix's own words: windows that are no whole number are floored, and `min(x, d)` with a
number is ts_min (formula 29 alone has one). `adv(d)` is mean volume, and every IndClass level is the panel's
`industry`. Constants stay as printed, also where they cancel out (59, 66, 82, 89).
"""

from collections.abc import Callable

from tests.plain.operators import (
    Float2D,
    Panel,
    abs_,
    adv,
    decay_linear,
    delay,
    delta,
    divide,
    equal,
    less,
    log,
    max_,
    min_,
    neutralize,
    or_,
    power,
    rank,
    scale,
    sign,
    signed_power,
    ts_argmax,
    ts_argmin,
    ts_corr,
    ts_cov,
    ts_max,
    ts_min,
    ts_product,
    ts_rank,
    ts_std,
    ts_sum,
    where,
)

ALPHA101: dict[str, Callable[[Panel], Float2D]] = {}


class Bars:
    """A panel, written as the formulas are: `p.close` for a field, `p.adv(20)`."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel

    def __getattr__(self, field: str) -> Float2D:
        return self._panel[field]

    def adv(self, d: float) -> Float2D:
        return adv(self._panel, d)

    def indneutralize(self, x: Float2D) -> Float2D:
        return neutralize(x, self.industry)


def _published(formula: Callable[[Bars], Float2D]) -> Callable[[Bars], Float2D]:
    ALPHA101[formula.__name__] = lambda panel: formula(Bars(panel))
    return formula


def _zero_when_flat(x: Float2D, y: Float2D, d: float) -> Float2D:
    """The correlation, 0 over a window in which either stands still (96 and 97 would never be known)."""
    is_flat = or_(equal(ts_std(x, d), 0), equal(ts_std(y, d), 0))
    return where(is_flat, 0, ts_corr(x, y, d))


@_published
def alpha101_001(p: Bars) -> Float2D:
    base = where(less(p.returns, 0), ts_std(p.returns, 20), p.close)
    return rank(ts_argmax(signed_power(base, 2.0), 5)) - 0.5


@_published
def alpha101_002(p: Bars) -> Float2D:
    return -1 * ts_corr(rank(delta(log(p.volume), 2)), rank(divide(p.close - p.open, p.open)), 6)


@_published
def alpha101_003(p: Bars) -> Float2D:
    return -1 * ts_corr(rank(p.open), rank(p.volume), 10)


@_published
def alpha101_004(p: Bars) -> Float2D:
    return -1 * ts_rank(rank(p.low), 9)


@_published
def alpha101_005(p: Bars) -> Float2D:
    return rank(p.open - divide(ts_sum(p.vwap, 10), 10)) * (-1 * abs_(rank(p.close - p.vwap)))


@_published
def alpha101_006(p: Bars) -> Float2D:
    return -1 * ts_corr(p.open, p.volume, 10)


@_published
def alpha101_007(p: Bars) -> Float2D:
    move = delta(p.close, 7)
    return where(less(p.adv(20), p.volume), -1 * ts_rank(abs_(move), 60) * sign(move), -1)


@_published
def alpha101_008(p: Bars) -> Float2D:
    product = ts_sum(p.open, 5) * ts_sum(p.returns, 5)
    return -1 * rank(product - delay(product, 10))


@_published
def alpha101_009(p: Bars) -> Float2D:
    move = delta(p.close, 1)
    return where(less(0, ts_min(move, 5)), move, where(less(ts_max(move, 5), 0), move, -1 * move))


@_published
def alpha101_010(p: Bars) -> Float2D:
    move = delta(p.close, 1)
    return rank(where(less(0, ts_min(move, 4)), move, where(less(ts_max(move, 4), 0), move, -1 * move)))


@_published
def alpha101_011(p: Bars) -> Float2D:
    gap = p.vwap - p.close
    return (rank(ts_max(gap, 3)) + rank(ts_min(gap, 3))) * rank(delta(p.volume, 3))


@_published
def alpha101_012(p: Bars) -> Float2D:
    return sign(delta(p.volume, 1)) * (-1 * delta(p.close, 1))


@_published
def alpha101_013(p: Bars) -> Float2D:
    return -1 * rank(ts_cov(rank(p.close), rank(p.volume), 5))


@_published
def alpha101_014(p: Bars) -> Float2D:
    return (-1 * rank(delta(p.returns, 3))) * ts_corr(p.open, p.volume, 10)


@_published
def alpha101_015(p: Bars) -> Float2D:
    return -1 * ts_sum(rank(ts_corr(rank(p.high), rank(p.volume), 3)), 3)


@_published
def alpha101_016(p: Bars) -> Float2D:
    return -1 * rank(ts_cov(rank(p.high), rank(p.volume), 5))


@_published
def alpha101_017(p: Bars) -> Float2D:
    turn = rank(delta(delta(p.close, 1), 1))
    return ((-1 * rank(ts_rank(p.close, 10))) * turn) * rank(ts_rank(divide(p.volume, p.adv(20)), 5))


@_published
def alpha101_018(p: Bars) -> Float2D:
    body = p.close - p.open
    return -1 * rank((ts_std(abs_(body), 5) + body) + ts_corr(p.close, p.open, 10))


@_published
def alpha101_019(p: Bars) -> Float2D:
    week = (p.close - delay(p.close, 7)) + delta(p.close, 7)
    return (-1 * sign(week)) * (1 + rank(1 + ts_sum(p.returns, 250)))


@_published
def alpha101_020(p: Bars) -> Float2D:
    return (
        (-1 * rank(p.open - delay(p.high, 1)))
        * rank(p.open - delay(p.close, 1))
        * rank(p.open - delay(p.low, 1))
    )


@_published
def alpha101_021(p: Bars) -> Float2D:
    long, short, width = divide(ts_sum(p.close, 8), 8), divide(ts_sum(p.close, 2), 2), ts_std(p.close, 8)
    turnover = divide(p.volume, p.adv(20))
    by_volume = where(or_(less(1, turnover), equal(turnover, 1)), 1, -1)
    return where(less(long + width, short), -1, where(less(short, long - width), 1, by_volume))


@_published
def alpha101_022(p: Bars) -> Float2D:
    return -1 * (delta(ts_corr(p.high, p.volume, 5), 5) * rank(ts_std(p.close, 20)))


@_published
def alpha101_023(p: Bars) -> Float2D:
    return where(less(divide(ts_sum(p.high, 20), 20), p.high), -1 * delta(p.high, 2), 0)


@_published
def alpha101_024(p: Bars) -> Float2D:
    drift = divide(delta(divide(ts_sum(p.close, 100), 100), 100), delay(p.close, 100))
    is_slow = or_(less(drift, 0.05), equal(drift, 0.05))
    return where(is_slow, -1 * (p.close - ts_min(p.close, 100)), -1 * delta(p.close, 3))


@_published
def alpha101_025(p: Bars) -> Float2D:
    return rank((((-1 * p.returns) * p.adv(20)) * p.vwap) * (p.high - p.close))


@_published
def alpha101_026(p: Bars) -> Float2D:
    return -1 * ts_max(ts_corr(ts_rank(p.volume, 5), ts_rank(p.high, 5), 5), 3)


@_published
def alpha101_027(p: Bars) -> Float2D:
    mean = divide(ts_sum(ts_corr(rank(p.volume), rank(p.vwap), 6), 2), 2.0)
    return where(less(0.5, rank(mean)), -1, 1)


@_published
def alpha101_028(p: Bars) -> Float2D:
    return scale((ts_corr(p.adv(20), p.low, 5) + divide(p.high + p.low, 2)) - p.close)


@_published
def alpha101_029(p: Bars) -> Float2D:
    lowest = ts_min(rank(rank(-1 * rank(delta(p.close - 1, 5)))), 2)
    ranked = rank(rank(scale(log(ts_sum(lowest, 1)))))
    return ts_min(ts_product(ranked, 1), 5) + ts_rank(delay(-1 * p.returns, 6), 5)


@_published
def alpha101_030(p: Bars) -> Float2D:
    one, two, three = delay(p.close, 1), delay(p.close, 2), delay(p.close, 3)
    signs = (sign(p.close - one) + sign(one - two)) + sign(two - three)
    return divide((1.0 - rank(signs)) * ts_sum(p.volume, 5), ts_sum(p.volume, 20))


@_published
def alpha101_031(p: Bars) -> Float2D:
    decayed = rank(rank(rank(decay_linear(-1 * rank(rank(delta(p.close, 10))), 10))))
    return (decayed + rank(-1 * delta(p.close, 3))) + sign(scale(ts_corr(p.adv(20), p.low, 12)))


@_published
def alpha101_032(p: Bars) -> Float2D:
    near = scale(divide(ts_sum(p.close, 7), 7) - p.close)
    return near + (20 * scale(ts_corr(p.vwap, delay(p.close, 5), 230)))


@_published
def alpha101_033(p: Bars) -> Float2D:
    return rank(-1 * power(1 - divide(p.open, p.close), 1))


@_published
def alpha101_034(p: Bars) -> Float2D:
    calm = 1 - rank(divide(ts_std(p.returns, 2), ts_std(p.returns, 5)))
    return rank(calm + (1 - rank(delta(p.close, 1))))


@_published
def alpha101_035(p: Bars) -> Float2D:
    spread = 1 - ts_rank((p.close + p.high) - p.low, 16)
    return (ts_rank(p.volume, 32) * spread) * (1 - ts_rank(p.returns, 32))


@_published
def alpha101_036(p: Bars) -> Float2D:
    first = 2.21 * rank(ts_corr(p.close - p.open, delay(p.volume, 1), 15))
    second = 0.7 * rank(p.open - p.close)
    third = 0.73 * rank(ts_rank(delay(-1 * p.returns, 6), 5))
    fourth = rank(abs_(ts_corr(p.vwap, p.adv(20), 6)))
    fifth = 0.6 * rank((divide(ts_sum(p.close, 200), 200) - p.open) * (p.close - p.open))
    return (((first + second) + third) + fourth) + fifth


@_published
def alpha101_037(p: Bars) -> Float2D:
    return rank(ts_corr(delay(p.open - p.close, 1), p.close, 200)) + rank(p.open - p.close)


@_published
def alpha101_038(p: Bars) -> Float2D:
    return (-1 * rank(ts_rank(p.close, 10))) * rank(divide(p.close, p.open))


@_published
def alpha101_039(p: Bars) -> Float2D:
    quiet = 1 - rank(decay_linear(divide(p.volume, p.adv(20)), 9))
    return (-1 * rank(delta(p.close, 7) * quiet)) * (1 + rank(ts_sum(p.returns, 250)))


@_published
def alpha101_040(p: Bars) -> Float2D:
    return (-1 * rank(ts_std(p.high, 10))) * ts_corr(p.high, p.volume, 10)


@_published
def alpha101_041(p: Bars) -> Float2D:
    return power(p.high * p.low, 0.5) - p.vwap


@_published
def alpha101_042(p: Bars) -> Float2D:
    return divide(rank(p.vwap - p.close), rank(p.vwap + p.close))


@_published
def alpha101_043(p: Bars) -> Float2D:
    return ts_rank(divide(p.volume, p.adv(20)), 20) * ts_rank(-1 * delta(p.close, 7), 8)


@_published
def alpha101_044(p: Bars) -> Float2D:
    return -1 * ts_corr(p.high, rank(p.volume), 5)


@_published
def alpha101_045(p: Bars) -> Float2D:
    level = rank(divide(ts_sum(delay(p.close, 5), 20), 20))
    sums = rank(ts_corr(ts_sum(p.close, 5), ts_sum(p.close, 20), 2))
    return -1 * ((level * ts_corr(p.close, p.volume, 2)) * sums)


def _bend(p: Bars) -> Float2D:
    # The difference of two slopes that 46, 49 and 51 share.
    earlier = divide(delay(p.close, 20) - delay(p.close, 10), 10)
    return earlier - divide(delay(p.close, 10) - p.close, 10)


@_published
def alpha101_046(p: Bars) -> Float2D:
    last = (-1 * 1) * (p.close - delay(p.close, 1))
    return where(less(0.25, _bend(p)), -1, where(less(_bend(p), 0), 1, last))


@_published
def alpha101_047(p: Bars) -> Float2D:
    cheap = divide(rank(divide(1, p.close)) * p.volume, p.adv(20))
    off_high = divide(p.high * rank(p.high - p.close), divide(ts_sum(p.high, 5), 5))
    return (cheap * off_high) - rank(p.vwap - delay(p.vwap, 5))


@_published
def alpha101_048(p: Bars) -> Float2D:
    echo = ts_corr(delta(p.close, 1), delta(delay(p.close, 1), 1), 250)
    squares = ts_sum(power(divide(delta(p.close, 1), delay(p.close, 1)), 2), 250)
    return divide(p.indneutralize(divide(echo * delta(p.close, 1), p.close)), squares)


@_published
def alpha101_049(p: Bars) -> Float2D:
    return where(less(_bend(p), -1 * 0.1), 1, (-1 * 1) * (p.close - delay(p.close, 1)))


@_published
def alpha101_050(p: Bars) -> Float2D:
    return -1 * ts_max(rank(ts_corr(rank(p.volume), rank(p.vwap), 5)), 5)


@_published
def alpha101_051(p: Bars) -> Float2D:
    return where(less(_bend(p), -1 * 0.05), 1, (-1 * 1) * (p.close - delay(p.close, 1)))


@_published
def alpha101_052(p: Bars) -> Float2D:
    floor = ts_min(p.low, 5)
    year = divide(ts_sum(p.returns, 240) - ts_sum(p.returns, 20), 220)
    return (((-1 * floor) + delay(floor, 5)) * rank(year)) * ts_rank(p.volume, 5)


@_published
def alpha101_053(p: Bars) -> Float2D:
    return -1 * delta(divide((p.close - p.low) - (p.high - p.close), p.close - p.low), 9)


@_published
def alpha101_054(p: Bars) -> Float2D:
    above = -1 * ((p.low - p.close) * power(p.open, 5))
    return divide(above, (p.low - p.high) * power(p.close, 5))


@_published
def alpha101_055(p: Bars) -> Float2D:
    place = divide(p.close - ts_min(p.low, 12), ts_max(p.high, 12) - ts_min(p.low, 12))
    return -1 * ts_corr(rank(place), rank(p.volume), 6)


@_published
def alpha101_056(p: Bars) -> Float2D:
    sums = divide(ts_sum(p.returns, 10), ts_sum(ts_sum(p.returns, 2), 3))
    return 0 - (1 * (rank(sums) * rank(p.returns * p.cap)))


@_published
def alpha101_057(p: Bars) -> Float2D:
    return 0 - (1 * divide(p.close - p.vwap, decay_linear(rank(ts_argmax(p.close, 30)), 2)))


@_published
def alpha101_058(p: Bars) -> Float2D:
    correlation = ts_corr(p.indneutralize(p.vwap), p.volume, 3.92795)
    return -1 * ts_rank(decay_linear(correlation, 7.89291), 5.50322)


@_published
def alpha101_059(p: Bars) -> Float2D:
    price = (p.vwap * 0.728317) + (p.vwap * (1 - 0.728317))
    correlation = ts_corr(p.indneutralize(price), p.volume, 4.25197)
    return -1 * ts_rank(decay_linear(correlation, 16.2289), 8.19648)


@_published
def alpha101_060(p: Bars) -> Float2D:
    flow = divide((p.close - p.low) - (p.high - p.close), p.high - p.low) * p.volume
    return 0 - (1 * ((2 * scale(rank(flow))) - scale(rank(ts_argmax(p.close, 10)))))


@_published
def alpha101_061(p: Bars) -> Float2D:
    return less(rank(p.vwap - ts_min(p.vwap, 16.1219)), rank(ts_corr(p.vwap, p.adv(180), 17.9282)))


@_published
def alpha101_062(p: Bars) -> Float2D:
    is_below = less(rank(p.open) + rank(p.open), rank(divide(p.high + p.low, 2)) + rank(p.high))
    return less(rank(ts_corr(p.vwap, ts_sum(p.adv(20), 22.4101), 9.91009)), rank(is_below)) * -1


@_published
def alpha101_063(p: Bars) -> Float2D:
    price = (p.vwap * 0.318108) + (p.open * (1 - 0.318108))
    moved = rank(decay_linear(delta(p.indneutralize(p.close), 2.25164), 8.22237))
    correlation = ts_corr(price, ts_sum(p.adv(180), 37.2467), 13.557)
    return (moved - rank(decay_linear(correlation, 12.2883))) * -1


@_published
def alpha101_064(p: Bars) -> Float2D:
    price = (p.open * 0.178404) + (p.low * (1 - 0.178404))
    correlation = ts_corr(ts_sum(price, 12.7054), ts_sum(p.adv(120), 12.7054), 16.6208)
    middle = (divide(p.high + p.low, 2) * 0.178404) + (p.vwap * (1 - 0.178404))
    return less(rank(correlation), rank(delta(middle, 3.69741))) * -1


@_published
def alpha101_065(p: Bars) -> Float2D:
    price = (p.open * 0.00817205) + (p.vwap * (1 - 0.00817205))
    correlation = ts_corr(price, ts_sum(p.adv(60), 8.6911), 6.40374)
    return less(rank(correlation), rank(p.open - ts_min(p.open, 13.635))) * -1


@_published
def alpha101_066(p: Bars) -> Float2D:
    low = (p.low * 0.96633) + (p.low * (1 - 0.96633))
    ratio = divide(low - p.vwap, p.open - divide(p.high + p.low, 2))
    moved = rank(decay_linear(delta(p.vwap, 3.51013), 7.23052))
    return (moved + ts_rank(decay_linear(ratio, 11.4157), 6.72611)) * -1


@_published
def alpha101_067(p: Bars) -> Float2D:
    correlation = ts_corr(p.indneutralize(p.vwap), p.indneutralize(p.adv(20)), 6.02936)
    return power(rank(p.high - ts_min(p.high, 2.14593)), rank(correlation)) * -1


@_published
def alpha101_068(p: Bars) -> Float2D:
    price = (p.close * 0.518371) + (p.low * (1 - 0.518371))
    ranked = ts_rank(ts_corr(rank(p.high), rank(p.adv(15)), 8.91644), 13.9333)
    return less(ranked, rank(delta(price, 1.06157))) * -1


@_published
def alpha101_069(p: Bars) -> Float2D:
    price = (p.close * 0.490655) + (p.vwap * (1 - 0.490655))
    moved = rank(ts_max(delta(p.indneutralize(p.vwap), 2.72412), 4.79344))
    return power(moved, ts_rank(ts_corr(price, p.adv(20), 4.92416), 9.0615)) * -1


@_published
def alpha101_070(p: Bars) -> Float2D:
    correlation = ts_corr(p.indneutralize(p.close), p.adv(50), 17.8256)
    return power(rank(delta(p.vwap, 1.29456)), ts_rank(correlation, 17.9171)) * -1


@_published
def alpha101_071(p: Bars) -> Float2D:
    correlation = ts_corr(ts_rank(p.close, 3.43976), ts_rank(p.adv(180), 12.0647), 18.0175)
    gap = power(rank((p.low + p.open) - (p.vwap + p.vwap)), 2)
    return max_(
        ts_rank(decay_linear(correlation, 4.20501), 15.6948),
        ts_rank(decay_linear(gap, 16.4662), 4.4388),
    )


@_published
def alpha101_072(p: Bars) -> Float2D:
    middle = ts_corr(divide(p.high + p.low, 2), p.adv(40), 8.93345)
    ranks = ts_corr(ts_rank(p.vwap, 3.72469), ts_rank(p.volume, 18.5188), 6.86671)
    return divide(rank(decay_linear(middle, 10.1519)), rank(decay_linear(ranks, 2.95011)))


@_published
def alpha101_073(p: Bars) -> Float2D:
    price = (p.open * 0.147155) + (p.low * (1 - 0.147155))
    fall = divide(delta(price, 2.03608), price) * -1
    moved = rank(decay_linear(delta(p.vwap, 4.72775), 2.91864))
    return max_(moved, ts_rank(decay_linear(fall, 3.33829), 16.7411)) * -1


@_published
def alpha101_074(p: Bars) -> Float2D:
    price = (p.high * 0.0261661) + (p.vwap * (1 - 0.0261661))
    left = rank(ts_corr(p.close, ts_sum(p.adv(30), 37.4843), 15.1365))
    return less(left, rank(ts_corr(rank(price), rank(p.volume), 11.4791))) * -1


@_published
def alpha101_075(p: Bars) -> Float2D:
    left = rank(ts_corr(p.vwap, p.volume, 4.24304))
    return less(left, rank(ts_corr(rank(p.low), rank(p.adv(50)), 12.4413)))


@_published
def alpha101_076(p: Bars) -> Float2D:
    correlation = ts_corr(p.indneutralize(p.low), p.adv(81), 8.14941)
    moved = rank(decay_linear(delta(p.vwap, 1.24383), 11.8259))
    return max_(moved, ts_rank(decay_linear(ts_rank(correlation, 19.569), 17.1543), 19.383)) * -1


@_published
def alpha101_077(p: Bars) -> Float2D:
    middle = divide(p.high + p.low, 2)
    gap = (middle + p.high) - (p.vwap + p.high)
    correlation = ts_corr(middle, p.adv(40), 3.1614)
    return min_(rank(decay_linear(gap, 20.0451)), rank(decay_linear(correlation, 5.64125)))


@_published
def alpha101_078(p: Bars) -> Float2D:
    price = (p.low * 0.352233) + (p.vwap * (1 - 0.352233))
    sums = ts_corr(ts_sum(price, 19.7428), ts_sum(p.adv(40), 19.7428), 6.83313)
    return power(rank(sums), rank(ts_corr(rank(p.vwap), rank(p.volume), 5.77492)))


@_published
def alpha101_079(p: Bars) -> Float2D:
    price = (p.close * 0.60733) + (p.open * (1 - 0.60733))
    ranks = ts_corr(ts_rank(p.vwap, 3.60973), ts_rank(p.adv(150), 9.18637), 14.6644)
    return less(rank(delta(p.indneutralize(price), 1.23438)), rank(ranks))


@_published
def alpha101_080(p: Bars) -> Float2D:
    price = (p.open * 0.868128) + (p.high * (1 - 0.868128))
    direction = rank(sign(delta(p.indneutralize(price), 4.04545)))
    return power(direction, ts_rank(ts_corr(p.high, p.adv(10), 5.11456), 5.53756)) * -1


@_published
def alpha101_081(p: Bars) -> Float2D:
    fourth = power(rank(ts_corr(p.vwap, ts_sum(p.adv(10), 49.6054), 8.47743)), 4)
    left = rank(log(ts_product(rank(fourth), 14.9655)))
    return less(left, rank(ts_corr(rank(p.vwap), rank(p.volume), 5.07914))) * -1


@_published
def alpha101_082(p: Bars) -> Float2D:
    price = (p.open * 0.634196) + (p.open * (1 - 0.634196))
    correlation = ts_corr(p.indneutralize(p.volume), price, 17.4842)
    moved = rank(decay_linear(delta(p.open, 1.46063), 14.8717))
    return min_(moved, ts_rank(decay_linear(correlation, 6.92131), 13.4283)) * -1


@_published
def alpha101_083(p: Bars) -> Float2D:
    span = divide(p.high - p.low, divide(ts_sum(p.close, 5), 5))
    return divide(rank(delay(span, 2)) * rank(rank(p.volume)), divide(span, p.vwap - p.close))


@_published
def alpha101_084(p: Bars) -> Float2D:
    return signed_power(ts_rank(p.vwap - ts_max(p.vwap, 15.3217), 20.7127), delta(p.close, 4.96796))


@_published
def alpha101_085(p: Bars) -> Float2D:
    price = (p.high * 0.876703) + (p.close * (1 - 0.876703))
    ranks = ts_corr(ts_rank(divide(p.high + p.low, 2), 3.70596), ts_rank(p.volume, 10.1595), 7.11408)
    return power(rank(ts_corr(price, p.adv(30), 9.61331)), rank(ranks))


@_published
def alpha101_086(p: Bars) -> Float2D:
    ranked = ts_rank(ts_corr(p.close, ts_sum(p.adv(20), 14.7444), 6.00049), 20.4195)
    return less(ranked, rank((p.open + p.close) - (p.vwap + p.open))) * -1


@_published
def alpha101_087(p: Bars) -> Float2D:
    price = (p.close * 0.369701) + (p.vwap * (1 - 0.369701))
    correlation = abs_(ts_corr(p.indneutralize(p.adv(81)), p.close, 13.4132))
    moved = rank(decay_linear(delta(price, 1.91233), 2.65461))
    return max_(moved, ts_rank(decay_linear(correlation, 4.89768), 14.4535)) * -1


@_published
def alpha101_088(p: Bars) -> Float2D:
    gap = (rank(p.open) + rank(p.low)) - (rank(p.high) + rank(p.close))
    ranks = ts_corr(ts_rank(p.close, 8.44728), ts_rank(p.adv(60), 20.6966), 8.01266)
    return min_(rank(decay_linear(gap, 8.06882)), ts_rank(decay_linear(ranks, 6.65053), 2.61957))


@_published
def alpha101_089(p: Bars) -> Float2D:
    low = (p.low * 0.967285) + (p.low * (1 - 0.967285))
    left = ts_rank(decay_linear(ts_corr(low, p.adv(10), 6.94279), 5.51607), 3.79744)
    return left - ts_rank(decay_linear(delta(p.indneutralize(p.vwap), 3.48158), 10.1466), 15.3012)


@_published
def alpha101_090(p: Bars) -> Float2D:
    correlation = ts_corr(p.indneutralize(p.adv(40)), p.low, 5.38375)
    return power(rank(p.close - ts_max(p.close, 4.66719)), ts_rank(correlation, 3.21856)) * -1


@_published
def alpha101_091(p: Bars) -> Float2D:
    twice = decay_linear(decay_linear(ts_corr(p.indneutralize(p.close), p.volume, 9.74928), 16.398), 3.83219)
    right = rank(decay_linear(ts_corr(p.vwap, p.adv(30), 4.01303), 2.6809))
    return (ts_rank(twice, 4.8667) - right) * -1


@_published
def alpha101_092(p: Bars) -> Float2D:
    is_below = less(divide(p.high + p.low, 2) + p.close, p.low + p.open)
    correlation = ts_corr(rank(p.low), rank(p.adv(30)), 7.58555)
    return min_(
        ts_rank(decay_linear(is_below, 14.7221), 18.8683),
        ts_rank(decay_linear(correlation, 6.94024), 6.80584),
    )


@_published
def alpha101_093(p: Bars) -> Float2D:
    price = (p.close * 0.524434) + (p.vwap * (1 - 0.524434))
    correlation = ts_corr(p.indneutralize(p.vwap), p.adv(81), 17.4193)
    moved = rank(decay_linear(delta(price, 2.77377), 16.2664))
    return divide(ts_rank(decay_linear(correlation, 19.848), 7.54455), moved)


@_published
def alpha101_094(p: Bars) -> Float2D:
    ranks = ts_corr(ts_rank(p.vwap, 19.6462), ts_rank(p.adv(60), 4.02992), 18.0926)
    return power(rank(p.vwap - ts_min(p.vwap, 11.5783)), ts_rank(ranks, 2.70756)) * -1


@_published
def alpha101_095(p: Bars) -> Float2D:
    middle = ts_sum(divide(p.high + p.low, 2), 19.1351)
    fifth = power(rank(ts_corr(middle, ts_sum(p.adv(40), 19.1351), 12.8742)), 5)
    return less(rank(p.open - ts_min(p.open, 12.4105)), ts_rank(fifth, 11.7584))


@_published
def alpha101_096(p: Bars) -> Float2D:
    left = ts_rank(decay_linear(ts_corr(rank(p.vwap), rank(p.volume), 3.83878), 4.16783), 8.38151)
    ranks = _zero_when_flat(ts_rank(p.close, 7.45404), ts_rank(p.adv(60), 4.13242), 3.65459)
    return max_(left, ts_rank(decay_linear(ts_argmax(ranks, 12.6556), 14.0365), 13.4143)) * -1


@_published
def alpha101_097(p: Bars) -> Float2D:
    price = (p.low * 0.721001) + (p.vwap * (1 - 0.721001))
    moved = rank(decay_linear(delta(p.indneutralize(price), 3.3705), 20.4523))
    ranks = _zero_when_flat(ts_rank(p.low, 7.87871), ts_rank(p.adv(60), 17.255), 4.97547)
    return (moved - ts_rank(decay_linear(ts_rank(ranks, 18.5925), 15.7152), 6.71659)) * -1


@_published
def alpha101_098(p: Bars) -> Float2D:
    left = rank(decay_linear(ts_corr(p.vwap, ts_sum(p.adv(5), 26.4719), 4.58418), 7.18088))
    since = ts_argmin(ts_corr(rank(p.open), rank(p.adv(15)), 20.8187), 8.62571)
    return left - rank(decay_linear(ts_rank(since, 6.95668), 8.07206))


@_published
def alpha101_099(p: Bars) -> Float2D:
    middle = ts_sum(divide(p.high + p.low, 2), 19.8975)
    left = rank(ts_corr(middle, ts_sum(p.adv(60), 19.8975), 8.8136))
    return less(left, rank(ts_corr(p.low, p.volume, 6.28259))) * -1


@_published
def alpha101_100(p: Bars) -> Float2D:
    flow = divide((p.close - p.low) - (p.high - p.close), p.high - p.low) * p.volume
    first = 1.5 * scale(p.indneutralize(p.indneutralize(rank(flow))))
    second = scale(p.indneutralize(ts_corr(p.close, rank(p.adv(20)), 5) - rank(ts_argmin(p.close, 30))))
    return 0 - (1 * ((first - second) * divide(p.volume, p.adv(20))))


@_published
def alpha101_101(p: Bars) -> Float2D:
    return divide(p.close - p.open, (p.high - p.low) + 0.001)
