"""Alpha191 written a second time, slowly, from the printed text; the fast engine is proved against it.

Source: Guotai Junan Securities, "Multi-factor stock selection based on short-period price and volume
features", 2017, appendix. Each formula keeps the printed structure. Where the print is defective, a comment
names the defect and what was taken. The report's words are read so:

- SMA is the recursive average; WMA has weights 0.9^i, i bars ago, that sum to 1; COUNT is the sum of a
  condition, SUMIF that of x where c holds; HIGHDAY and LOWDAY are bars ago; REGBETA on SEQUENCE is the slope
  over time.
- MAX and MIN of a series and a window length are those of the window, as in Alpha101; of a series and 0, or
  of two series, the larger and the smaller.
- RET, VOL and BANCHMARKINDEX are returns, volume and the benchmark; DELAY without a number is of one bar.
- Comparisons bind tighter than `&`; a single `=` compares.

Only division by a written number is left to numpy: nothing can go missing there.
"""

from collections.abc import Callable

import numpy as np

from tests.plain.operators import (
    Float2D,
    Panel,
    abs_,
    and_,
    decay_linear,
    decay_power,
    delay,
    delta,
    divide,
    equal,
    greater,
    greater_equal,
    less,
    less_equal,
    log,
    max_,
    min_,
    or_,
    power,
    rank,
    sign,
    sma,
    ts_argmax,
    ts_argmin,
    ts_beta_where,
    ts_corr,
    ts_cov,
    ts_cumsum_max,
    ts_cumsum_min,
    ts_factor_residual,
    ts_max,
    ts_mean,
    ts_min,
    ts_product,
    ts_rank,
    ts_slope,
    ts_std,
    ts_sum,
    where,
)


class Bars:
    """The fields of a panel, and the series that the report's glossary defines."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel

    @property
    def open(self) -> Float2D:
        return self.panel["open"]

    @property
    def high(self) -> Float2D:
        return self.panel["high"]

    @property
    def low(self) -> Float2D:
        return self.panel["low"]

    @property
    def close(self) -> Float2D:
        return self.panel["close"]

    @property
    def volume(self) -> Float2D:
        return self.panel["volume"]

    @property
    def vwap(self) -> Float2D:
        return self.panel["vwap"]

    @property
    def amount(self) -> Float2D:
        return self.panel["amount"]

    @property
    def ret(self) -> Float2D:
        return self.panel["returns"]

    @property
    def index_open(self) -> Float2D:
        return self.panel["benchmark_open"]

    @property
    def index_close(self) -> Float2D:
        return self.panel["benchmark_close"]

    @property
    def last(self) -> Float2D:
        """DELAY(CLOSE, 1)."""
        return delay(self.close, 1)

    @property
    def change(self) -> Float2D:
        """CLOSE - DELAY(CLOSE, 1)."""
        return self.close - self.last

    @property
    def growth(self) -> Float2D:
        """CLOSE / DELAY(CLOSE, 1) - 1, where the report writes it out instead of RET."""
        return divide(self.close, self.last) - 1

    @property
    def typical(self) -> Float2D:
        """(HIGH + LOW + CLOSE) / 3."""
        return (self.high + self.low + self.close) / 3

    @property
    def middle(self) -> Float2D:
        """(HIGH + LOW) / 2."""
        return (self.high + self.low) / 2

    @property
    def dtm(self) -> Float2D:
        before = delay(self.open, 1)
        return where(less_equal(self.open, before), 0, max_(self.high - self.open, self.open - before))

    @property
    def dbm(self) -> Float2D:
        before = delay(self.open, 1)
        return where(greater_equal(self.open, before), 0, max_(self.open - self.low, self.open - before))

    @property
    def tr(self) -> Float2D:
        return max_(max_(self.high - self.low, abs_(self.high - self.last)), abs_(self.low - self.last))

    @property
    def hd(self) -> Float2D:
        return self.high - delay(self.high, 1)

    @property
    def ld(self) -> Float2D:
        return delay(self.low, 1) - self.low


def alpha_001(b: Bars) -> Float2D:
    return -1 * ts_corr(rank(delta(log(b.volume), 1)), rank(divide(b.close - b.open, b.open)), 6)


def alpha_002(b: Bars) -> Float2D:
    return -1 * delta(divide((b.close - b.low) - (b.high - b.close), b.high - b.low), 1)


def alpha_003(b: Bars) -> Float2D:
    return ts_sum(_accumulation(b), 6)


def _accumulation(b: Bars) -> Float2D:
    reach = where(greater(b.close, b.last), min_(b.low, b.last), max_(b.high, b.last))
    return where(equal(b.close, b.last), 0, b.close - reach)


def alpha_004(b: Bars) -> Float2D:
    mean_8 = ts_sum(b.close, 8) / 8
    mean_2 = ts_sum(b.close, 2) / 2
    deviation = ts_std(b.close, 8)
    relative_volume = divide(b.volume, ts_mean(b.volume, 20))
    is_busy = or_(less(1, relative_volume), equal(relative_volume, 1))
    return where(
        less(mean_8 + deviation, mean_2),
        -1,
        where(less(mean_2, mean_8 - deviation), 1, where(is_busy, 1, -1)),
    )


def alpha_005(b: Bars) -> Float2D:
    return -1 * ts_max(ts_corr(ts_rank(b.volume, 5), ts_rank(b.high, 5), 5), 3)


def alpha_006(b: Bars) -> Float2D:
    return rank(sign(delta(b.open * 0.85 + b.high * 0.15, 4))) * -1


def alpha_007(b: Bars) -> Float2D:
    gap = b.vwap - b.close
    return (rank(ts_max(gap, 3)) + rank(ts_min(gap, 3))) * rank(delta(b.volume, 3))


def alpha_008(b: Bars) -> Float2D:
    return rank(delta(b.middle * 0.2 + b.vwap * 0.8, 4) * -1)


def alpha_009(b: Bars) -> Float2D:
    return sma(_ease_of_movement(b), 7, 2)


def _ease_of_movement(b: Bars) -> Float2D:
    before = (delay(b.high, 1) + delay(b.low, 1)) / 2
    return divide((b.middle - before) * (b.high - b.low), b.volume)


def alpha_010(b: Bars) -> Float2D:
    # A bracket is misplaced: printed MAX((...)^2), 5.
    return rank(ts_max(power(where(less(b.ret, 0), ts_std(b.ret, 20), b.close), 2), 5))


def alpha_011(b: Bars) -> Float2D:
    return ts_sum(_money_flow(b), 6)


def _money_flow(b: Bars) -> Float2D:
    return divide((b.close - b.low) - (b.high - b.close), b.high - b.low) * b.volume


def alpha_012(b: Bars) -> Float2D:
    return rank(b.open - ts_sum(b.vwap, 10) / 10) * (-1 * rank(abs_(b.close - b.vwap)))


def alpha_013(b: Bars) -> Float2D:
    return power(b.high * b.low, 0.5) - b.vwap


def alpha_014(b: Bars) -> Float2D:
    return b.close - delay(b.close, 5)


def alpha_015(b: Bars) -> Float2D:
    return divide(b.open, delay(b.close, 1)) - 1


def alpha_016(b: Bars) -> Float2D:
    return -1 * ts_max(rank(ts_corr(rank(b.volume), rank(b.vwap), 5)), 5)


def alpha_017(b: Bars) -> Float2D:
    return power(rank(b.vwap - ts_max(b.vwap, 15)), delta(b.close, 5))


def alpha_018(b: Bars) -> Float2D:
    return divide(b.close, delay(b.close, 5))


def alpha_019(b: Bars) -> Float2D:
    before = delay(b.close, 5)
    rise = b.close - before
    return where(
        less(b.close, before),
        divide(rise, before),
        where(equal(b.close, before), 0, divide(rise, b.close)),
    )


def alpha_020(b: Bars) -> Float2D:
    return _change_over(b.close, 6) * 100


def _change_over(x: Float2D, bars: int) -> Float2D:
    before = delay(x, bars)
    return divide(x - before, before)


def alpha_021(b: Bars) -> Float2D:
    # No window is printed: that of SEQUENCE(6).
    return ts_slope(ts_mean(b.close, 6), 6)


def alpha_022(b: Bars) -> Float2D:
    # Printed SMEAN, which the report does not define: SMA.
    distance = _distance_from_mean(b.close, 6)
    return sma(distance - delay(distance, 3), 12, 1)


def _distance_from_mean(x: Float2D, bars: int) -> Float2D:
    mean = ts_mean(x, bars)
    return divide(x - mean, mean)


def alpha_023(b: Bars) -> Float2D:
    # Printed STD(CLOSE:20),0 for STD(CLOSE,20):0.
    up = sma(where(greater(b.close, b.last), ts_std(b.close, 20), 0), 20, 1)
    down = sma(where(less_equal(b.close, b.last), ts_std(b.close, 20), 0), 20, 1)
    return divide(up, up + down) * 100


def alpha_024(b: Bars) -> Float2D:
    return sma(b.close - delay(b.close, 5), 5, 1)


def alpha_025(b: Bars) -> Float2D:
    relative_volume = divide(b.volume, ts_mean(b.volume, 20))
    return (-1 * rank(delta(b.close, 7) * (1 - rank(decay_linear(relative_volume, 9))))) * (
        1 + rank(ts_sum(b.ret, 250))
    )


def alpha_026(b: Bars) -> Float2D:
    return (ts_sum(b.close, 7) / 7 - b.close) + ts_corr(b.vwap, delay(b.close, 5), 230)


def alpha_027(b: Bars) -> Float2D:
    return decay_power(_change_over(b.close, 3) * 100 + _change_over(b.close, 6) * 100, 12, 0.9)


def alpha_028(b: Bars) -> Float2D:
    # The second quotient is printed over MAX(HIGH,9)-TSMAX(LOW,9): a slip, this is the J line of KDJ.
    once = sma(_stochastic(b), 3, 1)
    return 3 * once - 2 * sma(once, 3, 1)


def alpha_029(b: Bars) -> Float2D:
    return _change_over(b.close, 6) * b.volume


def alpha_030(b: Bars) -> Float2D:
    residual = ts_factor_residual(
        b.growth, b.panel["factor_market"], b.panel["factor_size"], b.panel["factor_value"], 60
    )
    return decay_power(power(residual, 2), 20, 0.9)


def alpha_031(b: Bars) -> Float2D:
    return _distance_from_mean(b.close, 12) * 100


def alpha_032(b: Bars) -> Float2D:
    return -1 * ts_sum(rank(ts_corr(rank(b.high), rank(b.volume), 3)), 3)


def alpha_033(b: Bars) -> Float2D:
    lowest = ts_min(b.low, 5)
    return (
        (-1 * lowest + delay(lowest, 5)) * rank((ts_sum(b.ret, 240) - ts_sum(b.ret, 20)) / 220)
    ) * ts_rank(b.volume, 5)


def alpha_034(b: Bars) -> Float2D:
    return divide(ts_mean(b.close, 12), b.close)


def alpha_035(b: Bars) -> Float2D:
    return (
        min_(
            rank(decay_linear(delta(b.open, 1), 15)),
            rank(decay_linear(ts_corr(b.volume, b.open * 0.65 + b.open * 0.35, 17), 7)),
        )
        * -1
    )


def alpha_036(b: Bars) -> Float2D:
    # A bracket is misplaced: printed CORR(x, y)), 6), 2; Alpha101 27 has the same expression unbroken.
    return rank(ts_sum(ts_corr(rank(b.volume), rank(b.vwap), 6), 2))


def alpha_037(b: Bars) -> Float2D:
    product = ts_sum(b.open, 5) * ts_sum(b.ret, 5)
    return -1 * rank(product - delay(product, 10))


def alpha_038(b: Bars) -> Float2D:
    return where(less(ts_sum(b.high, 20) / 20, b.high), -1 * delta(b.high, 2), 0)


def alpha_039(b: Bars) -> Float2D:
    blend = b.vwap * 0.3 + b.open * 0.7
    return (
        rank(decay_linear(delta(b.close, 2), 8))
        - rank(decay_linear(ts_corr(blend, ts_sum(ts_mean(b.volume, 180), 37), 14), 12))
    ) * -1


def alpha_040(b: Bars) -> Float2D:
    return (
        divide(
            ts_sum(where(greater(b.close, b.last), b.volume, 0), 26),
            ts_sum(where(less_equal(b.close, b.last), b.volume, 0), 26),
        )
        * 100
    )


def alpha_041(b: Bars) -> Float2D:
    return rank(ts_max(delta(b.vwap, 3), 5)) * -1


def alpha_042(b: Bars) -> Float2D:
    return (-1 * rank(ts_std(b.high, 10))) * ts_corr(b.high, b.volume, 10)


def alpha_043(b: Bars) -> Float2D:
    return ts_sum(_signed_volume(b), 6)


def _signed_volume(b: Bars) -> Float2D:
    return where(greater(b.close, b.last), b.volume, where(less(b.close, b.last), -b.volume, 0))


def alpha_044(b: Bars) -> Float2D:
    return ts_rank(decay_linear(ts_corr(b.low, ts_mean(b.volume, 10), 7), 6), 4) + ts_rank(
        decay_linear(delta(b.vwap, 3), 10), 15
    )


def alpha_045(b: Bars) -> Float2D:
    return rank(delta(b.close * 0.6 + b.open * 0.4, 1)) * rank(ts_corr(b.vwap, ts_mean(b.volume, 150), 15))


def alpha_046(b: Bars) -> Float2D:
    means = ts_mean(b.close, 3) + ts_mean(b.close, 6) + ts_mean(b.close, 12) + ts_mean(b.close, 24)
    return divide(means, 4 * b.close)


def alpha_047(b: Bars) -> Float2D:
    return sma(_below_high(b), 9, 1)


def _below_high(b: Bars) -> Float2D:
    highest = ts_max(b.high, 6)
    return divide(highest - b.close, highest - ts_min(b.low, 6)) * 100


def alpha_048(b: Bars) -> Float2D:
    signs = (
        sign(b.close - delay(b.close, 1))
        + sign(delay(b.close, 1) - delay(b.close, 2))
        + sign(delay(b.close, 2) - delay(b.close, 3))
    )
    return divide(-1 * (rank(signs) * ts_sum(b.volume, 5)), ts_sum(b.volume, 20))


def alpha_049(b: Bars) -> Float2D:
    down, up = _fall(b), _rise(b)
    return divide(down, down + up)


def alpha_050(b: Bars) -> Float2D:
    down, up = _fall(b), _rise(b)
    return divide(up, up + down) - divide(down, down + up)


def alpha_051(b: Bars) -> Float2D:
    down, up = _fall(b), _rise(b)
    return divide(up, up + down)


def _fall(b: Bars) -> Float2D:
    is_not_lower = greater_equal(b.high + b.low, delay(b.high, 1) + delay(b.low, 1))
    return ts_sum(where(is_not_lower, 0, _larger_move(b)), 12)


def _rise(b: Bars) -> Float2D:
    is_not_higher = less_equal(b.high + b.low, delay(b.high, 1) + delay(b.low, 1))
    return ts_sum(where(is_not_higher, 0, _larger_move(b)), 12)


def _larger_move(b: Bars) -> Float2D:
    return max_(abs_(b.high - delay(b.high, 1)), abs_(b.low - delay(b.low, 1)))


def alpha_052(b: Bars) -> Float2D:
    # Printed "- L": LOW.
    before = delay(b.typical, 1)
    return divide(ts_sum(max_(0, b.high - before), 26), ts_sum(max_(0, before - b.low), 26)) * 100


def alpha_053(b: Bars) -> Float2D:
    return ts_sum(greater(b.close, b.last), 12) / 12 * 100


def alpha_054(b: Bars) -> Float2D:
    # STD is printed without a window; Alpha101 18, the same formula, has 5.
    return -1 * rank((ts_std(abs_(b.close - b.open), 5) + (b.close - b.open)) + ts_corr(b.close, b.open, 10))


def alpha_055(b: Bars) -> Float2D:
    return ts_sum(_swing_index(b), 20)


def _swing_index(b: Bars) -> Float2D:
    # Wilder subtracts the halves; the print adds them.
    to_high = abs_(b.high - b.last)
    to_low = abs_(b.low - b.last)
    across = abs_(b.high - delay(b.low, 1))
    body = abs_(b.last - delay(b.open, 1)) / 4
    width = where(
        and_(greater(to_high, to_low), greater(to_high, across)),
        to_high + to_low / 2 + body,
        where(
            and_(greater(to_low, across), greater(to_low, to_high)),
            to_low + to_high / 2 + body,
            across + body,
        ),
    )
    move = b.close - b.last + (b.close - b.open) / 2 + b.last - delay(b.open, 1)
    return divide(16 * move, width) * max_(to_high, to_low)


def alpha_056(b: Bars) -> Float2D:
    volumes = ts_sum(ts_mean(b.volume, 40), 19)
    correlation = ts_corr(ts_sum(b.middle, 19), volumes, 13)
    return less(rank(b.open - ts_min(b.open, 12)), rank(power(rank(correlation), 5)))


def alpha_057(b: Bars) -> Float2D:
    return sma(_stochastic(b), 3, 1)


def _stochastic(b: Bars) -> Float2D:
    lowest = ts_min(b.low, 9)
    return divide(b.close - lowest, ts_max(b.high, 9) - lowest) * 100


def alpha_058(b: Bars) -> Float2D:
    return ts_sum(greater(b.close, b.last), 20) / 20 * 100


def alpha_059(b: Bars) -> Float2D:
    return ts_sum(_accumulation(b), 20)


def alpha_060(b: Bars) -> Float2D:
    return ts_sum(_money_flow(b), 20)


def alpha_061(b: Bars) -> Float2D:
    return (
        max_(
            rank(decay_linear(delta(b.vwap, 1), 12)),
            rank(decay_linear(rank(ts_corr(b.low, ts_mean(b.volume, 80), 8)), 17)),
        )
        * -1
    )


def alpha_062(b: Bars) -> Float2D:
    return -1 * ts_corr(b.high, rank(b.volume), 5)


def alpha_063(b: Bars) -> Float2D:
    return _relative_strength(b.close, 6)


def _relative_strength(x: Float2D, bars: int) -> Float2D:
    change = x - delay(x, 1)
    return divide(sma(max_(change, 0), bars, 1), sma(abs_(change), bars, 1)) * 100


def alpha_064(b: Bars) -> Float2D:
    correlation = ts_corr(rank(b.close), rank(ts_mean(b.volume, 60)), 4)
    return (
        max_(
            rank(decay_linear(ts_corr(rank(b.vwap), rank(b.volume), 4), 4)),
            rank(decay_linear(ts_max(correlation, 13), 14)),
        )
        * -1
    )


def alpha_065(b: Bars) -> Float2D:
    return divide(ts_mean(b.close, 6), b.close)


def alpha_066(b: Bars) -> Float2D:
    return _distance_from_mean(b.close, 6) * 100


def alpha_067(b: Bars) -> Float2D:
    return _relative_strength(b.close, 24)


def alpha_068(b: Bars) -> Float2D:
    return sma(_ease_of_movement(b), 15, 2)


def alpha_069(b: Bars) -> Float2D:
    up, down = ts_sum(b.dtm, 20), ts_sum(b.dbm, 20)
    return where(
        greater(up, down),
        divide(up - down, up),
        where(equal(up, down), 0, divide(up - down, down)),
    )


def alpha_070(b: Bars) -> Float2D:
    return ts_std(b.amount, 6)


def alpha_071(b: Bars) -> Float2D:
    return _distance_from_mean(b.close, 24) * 100


def alpha_072(b: Bars) -> Float2D:
    return sma(_below_high(b), 15, 1)


def alpha_073(b: Bars) -> Float2D:
    return (
        ts_rank(decay_linear(decay_linear(ts_corr(b.close, b.volume, 10), 16), 4), 5)
        - rank(decay_linear(ts_corr(b.vwap, ts_mean(b.volume, 30), 4), 3))
    ) * -1


def alpha_074(b: Bars) -> Float2D:
    blend = b.low * 0.35 + b.vwap * 0.65
    return rank(ts_corr(ts_sum(blend, 20), ts_sum(ts_mean(b.volume, 40), 20), 7)) + rank(
        ts_corr(rank(b.vwap), rank(b.volume), 6)
    )


def alpha_075(b: Bars) -> Float2D:
    index_fell = less(b.index_close, b.index_open)
    return divide(ts_sum(and_(greater(b.close, b.open), index_fell), 50), ts_sum(index_fell, 50))


def alpha_076(b: Bars) -> Float2D:
    impact = divide(abs_(b.growth), b.volume)
    return divide(ts_std(impact, 20), ts_mean(impact, 20))


def alpha_077(b: Bars) -> Float2D:
    return min_(
        rank(decay_linear((b.middle + b.high) - (b.vwap + b.high), 20)),
        rank(decay_linear(ts_corr(b.middle, ts_mean(b.volume, 40), 3), 6)),
    )


def alpha_078(b: Bars) -> Float2D:
    # Printed MA: MEAN. The deviation is that of CLOSE, as printed; the CCI has the typical price there.
    mean = ts_mean(b.typical, 12)
    return divide(b.typical - mean, 0.015 * ts_mean(abs_(b.close - mean), 12))


def alpha_079(b: Bars) -> Float2D:
    return _relative_strength(b.close, 12)


def alpha_080(b: Bars) -> Float2D:
    return _change_over(b.volume, 5) * 100


def alpha_081(b: Bars) -> Float2D:
    return sma(b.volume, 21, 2)


def alpha_082(b: Bars) -> Float2D:
    return sma(_below_high(b), 20, 1)


def alpha_083(b: Bars) -> Float2D:
    return -1 * rank(ts_cov(rank(b.high), rank(b.volume), 5))


def alpha_084(b: Bars) -> Float2D:
    return ts_sum(_signed_volume(b), 20)


def alpha_085(b: Bars) -> Float2D:
    relative_volume = divide(b.volume, ts_mean(b.volume, 20))
    return ts_rank(relative_volume, 20) * ts_rank(-1 * delta(b.close, 7), 8)


def alpha_086(b: Bars) -> Float2D:
    bend = (delay(b.close, 20) - delay(b.close, 10)) / 10 - (delay(b.close, 10) - b.close) / 10
    return where(less(0.25, bend), -1, where(less(bend, 0), 1, -1 * (b.close - delay(b.close, 1))))


def alpha_087(b: Bars) -> Float2D:
    quotient = divide((b.low * 0.9 + b.low * 0.1) - b.vwap, b.open - b.middle)
    return (rank(decay_linear(delta(b.vwap, 4), 7)) + ts_rank(decay_linear(quotient, 11), 7)) * -1


def alpha_088(b: Bars) -> Float2D:
    return _change_over(b.close, 20) * 100


def alpha_089(b: Bars) -> Float2D:
    gap = sma(b.close, 13, 2) - sma(b.close, 27, 2)
    return 2 * (gap - sma(gap, 10, 2))


def alpha_090(b: Bars) -> Float2D:
    return rank(ts_corr(rank(b.vwap), rank(b.volume), 5)) * -1


def alpha_091(b: Bars) -> Float2D:
    return (rank(b.close - ts_max(b.close, 5)) * rank(ts_corr(ts_mean(b.volume, 40), b.low, 5))) * -1


def alpha_092(b: Bars) -> Float2D:
    blend = b.close * 0.35 + b.vwap * 0.65
    return (
        max_(
            rank(decay_linear(delta(blend, 2), 3)),
            ts_rank(decay_linear(abs_(ts_corr(ts_mean(b.volume, 180), b.close, 13)), 5), 15),
        )
        * -1
    )


def alpha_093(b: Bars) -> Float2D:
    return ts_sum(b.dbm, 20)


def alpha_094(b: Bars) -> Float2D:
    return ts_sum(_signed_volume(b), 30)


def alpha_095(b: Bars) -> Float2D:
    return ts_std(b.amount, 20)


def alpha_096(b: Bars) -> Float2D:
    return sma(sma(_stochastic(b), 3, 1), 3, 1)


def alpha_097(b: Bars) -> Float2D:
    return ts_std(b.volume, 10)


def alpha_098(b: Bars) -> Float2D:
    trend = divide(delta(ts_sum(b.close, 100) / 100, 100), delay(b.close, 100))
    return where(
        or_(less(trend, 0.05), equal(trend, 0.05)),
        -1 * (b.close - ts_min(b.close, 100)),
        -1 * delta(b.close, 3),
    )


def alpha_099(b: Bars) -> Float2D:
    return -1 * rank(ts_cov(rank(b.close), rank(b.volume), 5))


def alpha_100(b: Bars) -> Float2D:
    return ts_std(b.volume, 20)


def alpha_101(b: Bars) -> Float2D:
    blend = b.high * 0.1 + b.vwap * 0.9
    return (
        less(
            rank(ts_corr(b.close, ts_sum(ts_mean(b.volume, 30), 37), 15)),
            rank(ts_corr(rank(blend), rank(b.volume), 11)),
        )
        * -1
    )


def alpha_102(b: Bars) -> Float2D:
    return _relative_strength(b.volume, 6)


def alpha_103(b: Bars) -> Float2D:
    return (20 - ts_argmin(b.low, 20)) / 20 * 100


def alpha_104(b: Bars) -> Float2D:
    return -1 * (delta(ts_corr(b.high, b.volume, 5), 5) * rank(ts_std(b.close, 20)))


def alpha_105(b: Bars) -> Float2D:
    return -1 * ts_corr(rank(b.open), rank(b.volume), 10)


def alpha_106(b: Bars) -> Float2D:
    return b.close - delay(b.close, 20)


def alpha_107(b: Bars) -> Float2D:
    return ((-1 * rank(b.open - delay(b.high, 1))) * rank(b.open - delay(b.close, 1))) * rank(
        b.open - delay(b.low, 1)
    )


def alpha_108(b: Bars) -> Float2D:
    return power(rank(b.high - ts_min(b.high, 2)), rank(ts_corr(b.vwap, ts_mean(b.volume, 120), 6))) * -1


def alpha_109(b: Bars) -> Float2D:
    smooth_range = sma(b.high - b.low, 10, 2)
    return divide(smooth_range, sma(smooth_range, 10, 2))


def alpha_110(b: Bars) -> Float2D:
    return divide(ts_sum(max_(0, b.high - b.last), 20), ts_sum(max_(0, b.last - b.low), 20)) * 100


def alpha_111(b: Bars) -> Float2D:
    flow = divide(b.volume * ((b.close - b.low) - (b.high - b.close)), b.high - b.low)
    return sma(flow, 11, 2) - sma(flow, 4, 2)


def alpha_112(b: Bars) -> Float2D:
    up, down = _sum_of_rises(b), _sum_of_falls(b)
    return divide(up - down, up + down) * 100


def _sum_of_rises(b: Bars) -> Float2D:
    return ts_sum(where(greater(b.change, 0), b.change, 0), 12)


def _sum_of_falls(b: Bars) -> Float2D:
    return ts_sum(where(less(b.change, 0), abs_(b.change), 0), 12)


def alpha_113(b: Bars) -> Float2D:
    return -1 * (
        (rank(ts_sum(delay(b.close, 5), 20) / 20) * ts_corr(b.close, b.volume, 2))
        * rank(ts_corr(ts_sum(b.close, 5), ts_sum(b.close, 20), 2))
    )


def alpha_114(b: Bars) -> Float2D:
    relative_range = divide(b.high - b.low, ts_sum(b.close, 5) / 5)
    return divide(
        rank(delay(relative_range, 2)) * rank(rank(b.volume)),
        divide(relative_range, b.vwap - b.close),
    )


def alpha_115(b: Bars) -> Float2D:
    return power(
        rank(ts_corr(b.high * 0.9 + b.close * 0.1, ts_mean(b.volume, 30), 10)),
        rank(ts_corr(ts_rank(b.middle, 4), ts_rank(b.volume, 10), 7)),
    )


def alpha_116(b: Bars) -> Float2D:
    # Printed REGBETA(CLOSE, SEQUENCE, 20): 20 is the window.
    return ts_slope(b.close, 20)


def alpha_117(b: Bars) -> Float2D:
    return (ts_rank(b.volume, 32) * (1 - ts_rank((b.close + b.high) - b.low, 16))) * (1 - ts_rank(b.ret, 32))


def alpha_118(b: Bars) -> Float2D:
    return divide(ts_sum(b.high - b.open, 20), ts_sum(b.open - b.low, 20)) * 100


def alpha_119(b: Bars) -> Float2D:
    lowest = ts_min(ts_corr(rank(b.open), rank(ts_mean(b.volume, 15)), 21), 9)
    return rank(decay_linear(ts_corr(b.vwap, ts_sum(ts_mean(b.volume, 5), 26), 5), 7)) - rank(
        decay_linear(ts_rank(lowest, 7), 8)
    )


def alpha_120(b: Bars) -> Float2D:
    return divide(rank(b.vwap - b.close), rank(b.vwap + b.close))


def alpha_121(b: Bars) -> Float2D:
    correlation = ts_corr(ts_rank(b.vwap, 20), ts_rank(ts_mean(b.volume, 60), 2), 18)
    return power(rank(b.vwap - ts_min(b.vwap, 12)), ts_rank(correlation, 3)) * -1


def alpha_122(b: Bars) -> Float2D:
    smooth = _thrice_smoothed_log(b)
    return divide(smooth - delay(smooth, 1), delay(smooth, 1))


def _thrice_smoothed_log(b: Bars) -> Float2D:
    return sma(sma(sma(log(b.close), 13, 2), 13, 2), 13, 2)


def alpha_123(b: Bars) -> Float2D:
    volumes = ts_sum(ts_mean(b.volume, 60), 20)
    return less(rank(ts_corr(ts_sum(b.middle, 20), volumes, 9)), rank(ts_corr(b.low, b.volume, 6))) * -1


def alpha_124(b: Bars) -> Float2D:
    return divide(b.close - b.vwap, decay_linear(rank(ts_max(b.close, 30)), 2))


def alpha_125(b: Bars) -> Float2D:
    return divide(
        rank(decay_linear(ts_corr(b.vwap, ts_mean(b.volume, 80), 17), 20)),
        rank(decay_linear(delta(b.close * 0.5 + b.vwap * 0.5, 3), 16)),
    )


def alpha_126(b: Bars) -> Float2D:
    return (b.close + b.high + b.low) / 3


def alpha_127(b: Bars) -> Float2D:
    # MEAN is printed without a window: the 12 of MAX, as in the ulcer index.
    highest = ts_max(b.close, 12)
    return power(ts_mean(power(divide(100 * (b.close - highest), highest), 2), 12), 0.5)


def alpha_128(b: Bars) -> Float2D:
    before = delay(b.typical, 1)
    money = b.typical * b.volume
    up = ts_sum(where(greater(b.typical, before), money, 0), 14)
    down = ts_sum(where(less(b.typical, before), money, 0), 14)
    return 100 - divide(100, 1 + divide(up, down))


def alpha_129(b: Bars) -> Float2D:
    return _sum_of_falls(b)


def alpha_130(b: Bars) -> Float2D:
    return divide(
        rank(decay_linear(ts_corr(b.middle, ts_mean(b.volume, 40), 9), 10)),
        rank(decay_linear(ts_corr(rank(b.vwap), rank(b.volume), 7), 3)),
    )


def alpha_131(b: Bars) -> Float2D:
    # Printed DELAT: DELTA.
    return power(rank(delta(b.vwap, 1)), ts_rank(ts_corr(b.close, ts_mean(b.volume, 50), 18), 18))


def alpha_132(b: Bars) -> Float2D:
    return ts_mean(b.amount, 20)


def alpha_133(b: Bars) -> Float2D:
    return (20 - ts_argmax(b.high, 20)) / 20 * 100 - (20 - ts_argmin(b.low, 20)) / 20 * 100


def alpha_134(b: Bars) -> Float2D:
    return _change_over(b.close, 12) * b.volume


def alpha_135(b: Bars) -> Float2D:
    return sma(delay(divide(b.close, delay(b.close, 20)), 1), 20, 1)


def alpha_136(b: Bars) -> Float2D:
    return (-1 * rank(delta(b.ret, 3))) * ts_corr(b.open, b.volume, 10)


def alpha_137(b: Bars) -> Float2D:
    return _swing_index(b)


def alpha_138(b: Bars) -> Float2D:
    blend = b.low * 0.7 + b.vwap * 0.3
    correlation = ts_corr(ts_rank(b.low, 8), ts_rank(ts_mean(b.volume, 60), 17), 5)
    return (
        rank(decay_linear(delta(blend, 3), 20)) - ts_rank(decay_linear(ts_rank(correlation, 19), 16), 7)
    ) * -1


def alpha_139(b: Bars) -> Float2D:
    return -1 * ts_corr(b.open, b.volume, 10)


def alpha_140(b: Bars) -> Float2D:
    correlation = ts_corr(ts_rank(b.close, 8), ts_rank(ts_mean(b.volume, 60), 20), 8)
    return min_(
        rank(decay_linear((rank(b.open) + rank(b.low)) - (rank(b.high) + rank(b.close)), 8)),
        ts_rank(decay_linear(correlation, 7), 3),
    )


def alpha_141(b: Bars) -> Float2D:
    return rank(ts_corr(rank(b.high), rank(ts_mean(b.volume, 15)), 9)) * -1


def alpha_142(b: Bars) -> Float2D:
    relative_volume = divide(b.volume, ts_mean(b.volume, 20))
    return ((-1 * rank(ts_rank(b.close, 10))) * rank(delta(delta(b.close, 1), 1))) * rank(
        ts_rank(relative_volume, 5)
    )


def alpha_143(b: Bars) -> Float2D:
    # SELF is the value of the bar before, a product over all history; 20 bars of it.
    return ts_product(where(greater(b.close, b.last), _change_over(b.close, 1), 1), 20)


def alpha_144(b: Bars) -> Float2D:
    fell = less(b.close, b.last)
    return divide(ts_sum(where(fell, divide(abs_(b.growth), b.amount), 0), 20), ts_sum(fell, 20))


def alpha_145(b: Bars) -> Float2D:
    return divide(ts_mean(b.volume, 9) - ts_mean(b.volume, 26), ts_mean(b.volume, 12)) * 100


def alpha_146(b: Bars) -> Float2D:
    # The last SMA is printed with two arguments, the second 60: an exponential average of 60 is SMA 61, 2.
    change = _change_over(b.close, 1)
    excess = change - sma(change, 61, 2)
    return divide(ts_mean(excess, 20) * excess, sma(power(change - excess, 2), 61, 2))


def alpha_147(b: Bars) -> Float2D:
    # No window is printed: that of SEQUENCE(12).
    return ts_slope(ts_mean(b.close, 12), 12)


def alpha_148(b: Bars) -> Float2D:
    return (
        less(
            rank(ts_corr(b.open, ts_sum(ts_mean(b.volume, 60), 9), 6)),
            rank(b.open - ts_min(b.open, 14)),
        )
        * -1
    )


def alpha_149(b: Bars) -> Float2D:
    before = delay(b.index_close, 1)
    return ts_beta_where(b.growth, divide(b.index_close, before) - 1, less(b.index_close, before), 252)


def alpha_150(b: Bars) -> Float2D:
    return (b.close + b.high + b.low) / 3 * b.volume


def alpha_151(b: Bars) -> Float2D:
    return sma(b.close - delay(b.close, 20), 20, 1)


def alpha_152(b: Bars) -> Float2D:
    smooth = delay(sma(delay(divide(b.close, delay(b.close, 9)), 1), 9, 1), 1)
    return sma(ts_mean(smooth, 12) - ts_mean(smooth, 26), 9, 1)


def alpha_153(b: Bars) -> Float2D:
    return (ts_mean(b.close, 3) + ts_mean(b.close, 6) + ts_mean(b.close, 12) + ts_mean(b.close, 24)) / 4


def alpha_154(b: Bars) -> Float2D:
    return less(b.vwap - ts_min(b.vwap, 16), ts_corr(b.vwap, ts_mean(b.volume, 180), 18))


def alpha_155(b: Bars) -> Float2D:
    gap = sma(b.volume, 13, 2) - sma(b.volume, 27, 2)
    return gap - sma(gap, 10, 2)


def alpha_156(b: Bars) -> Float2D:
    blend = b.open * 0.15 + b.low * 0.85
    return (
        max_(
            rank(decay_linear(delta(b.vwap, 5), 3)),
            rank(decay_linear(divide(delta(blend, 2), blend) * -1, 3)),
        )
        * -1
    )


def alpha_157(b: Bars) -> Float2D:
    ranks = rank(rank(-1 * rank(delta(b.close - 1, 5))))
    product = ts_product(rank(rank(log(ts_sum(ts_min(ranks, 2), 1)))), 1)
    return ts_min(product, 5) + ts_rank(delay(-1 * b.ret, 6), 5)


def alpha_158(b: Bars) -> Float2D:
    smooth = sma(b.close, 15, 2)
    return divide((b.high - smooth) - (b.low - smooth), b.close)


def alpha_159(b: Bars) -> Float2D:
    # Printed CLOSE-SUM(MIN(...)) and 6*24 as the third weight: this is the ultimate oscillator.
    floor = min_(b.low, b.last)
    pressure = b.close - floor
    span = max_(b.high, b.last) - floor
    short = divide(ts_sum(pressure, 6), ts_sum(span, 6)) * 12 * 24
    middle = divide(ts_sum(pressure, 12), ts_sum(span, 12)) * 6 * 24
    long = divide(ts_sum(pressure, 24), ts_sum(span, 24)) * 6 * 12
    return (short + middle + long) * 100 / (6 * 12 + 6 * 24 + 12 * 24)


def alpha_160(b: Bars) -> Float2D:
    return sma(where(less_equal(b.close, b.last), ts_std(b.close, 20), 0), 20, 1)


def alpha_161(b: Bars) -> Float2D:
    return ts_mean(max_(max_(b.high - b.low, abs_(b.last - b.high)), abs_(b.last - b.low)), 12)


def alpha_162(b: Bars) -> Float2D:
    strength = _relative_strength(b.close, 12)
    lowest = ts_min(strength, 12)
    return divide(strength - lowest, ts_max(strength, 12) - lowest)


def alpha_163(b: Bars) -> Float2D:
    return rank((((-1 * b.ret) * ts_mean(b.volume, 20)) * b.vwap) * (b.high - b.close))


def alpha_164(b: Bars) -> Float2D:
    inverse = where(greater(b.close, b.last), divide(1, b.change), 1)
    return sma(divide(inverse - ts_min(inverse, 12), b.high - b.low) * 100, 13, 2)


def alpha_165(b: Bars) -> Float2D:
    return _rescaled_range(b, 48)


def _rescaled_range(b: Bars, bars: int) -> Float2D:
    # SUMAC has no printed window: that of MEAN. The printed brackets divide the minimum alone.
    distance = b.close - ts_mean(b.close, bars)
    reach = ts_cumsum_max(distance, bars) - ts_cumsum_min(distance, bars)
    return divide(reach, ts_std(b.close, bars))


def alpha_166(b: Bars) -> Float2D:
    # In print the cube above and the distance from the mean below are lost: minus the skewness of the newest
    # 20 returns about their own mean, the NCSKEW of Chen, Hong and Stein (2001).
    mean = ts_mean(b.growth, 20)
    distances = [delay(b.growth, bars) - mean for bars in range(20)]
    cubes = np.sum([power(distance, 3) for distance in distances], axis=0)
    squares = np.sum([power(distance, 2) for distance in distances], axis=0)
    return divide(-20 * (20 - 1) ** 1.5 * cubes, (20 - 1) * (20 - 2) * power(squares, 1.5))


def alpha_167(b: Bars) -> Float2D:
    return _sum_of_rises(b)


def alpha_168(b: Bars) -> Float2D:
    return divide(-1 * b.volume, ts_mean(b.volume, 20))


def alpha_169(b: Bars) -> Float2D:
    smooth = delay(sma(b.change, 9, 1), 1)
    return sma(ts_mean(smooth, 12) - ts_mean(smooth, 26), 10, 1)


def alpha_170(b: Bars) -> Float2D:
    return divide(rank(divide(1, b.close)) * b.volume, ts_mean(b.volume, 20)) * divide(
        b.high * rank(b.high - b.close), ts_sum(b.high, 5) / 5
    ) - rank(b.vwap - delay(b.vwap, 5))


def alpha_171(b: Bars) -> Float2D:
    return divide(-1 * ((b.low - b.close) * power(b.open, 5)), (b.close - b.high) * power(b.close, 5))


def alpha_172(b: Bars) -> Float2D:
    return _directional_index(b)


def _directional_index(b: Bars) -> Float2D:
    down_move = where(and_(greater(b.ld, 0), greater(b.ld, b.hd)), b.ld, 0)
    up_move = where(and_(greater(b.hd, 0), greater(b.hd, b.ld)), b.hd, 0)
    down = divide(ts_sum(down_move, 14) * 100, ts_sum(b.tr, 14))
    up = divide(ts_sum(up_move, 14) * 100, ts_sum(b.tr, 14))
    return ts_mean(divide(abs_(down - up), down + up) * 100, 6)


def alpha_173(b: Bars) -> Float2D:
    once = sma(b.close, 13, 2)
    return 3 * once - 2 * sma(once, 13, 2) + _thrice_smoothed_log(b)


def alpha_174(b: Bars) -> Float2D:
    return sma(where(greater(b.close, b.last), ts_std(b.close, 20), 0), 20, 1)


def alpha_175(b: Bars) -> Float2D:
    return ts_mean(max_(max_(b.high - b.low, abs_(b.last - b.high)), abs_(b.last - b.low)), 6)


def alpha_176(b: Bars) -> Float2D:
    lowest = ts_min(b.low, 12)
    return ts_corr(rank(divide(b.close - lowest, ts_max(b.high, 12) - lowest)), rank(b.volume), 6)


def alpha_177(b: Bars) -> Float2D:
    return (20 - ts_argmax(b.high, 20)) / 20 * 100


def alpha_178(b: Bars) -> Float2D:
    return _change_over(b.close, 1) * b.volume


def alpha_179(b: Bars) -> Float2D:
    return rank(ts_corr(b.vwap, b.volume, 4)) * rank(ts_corr(rank(b.low), rank(ts_mean(b.volume, 50)), 12))


def alpha_180(b: Bars) -> Float2D:
    # The bracket that closes before the colon is printed at the end.
    move = delta(b.close, 7)
    return where(
        less(ts_mean(b.volume, 20), b.volume),
        (-1 * ts_rank(abs_(move), 60)) * sign(move),
        -1 * b.volume,
    )


def alpha_181(b: Bars) -> Float2D:
    # A minus is printed for the product, and the second SUM lacks its window: this is a co-skewness.
    excess = b.growth - ts_mean(b.growth, 20)
    index = b.index_close - ts_mean(b.index_close, 20)
    return divide(ts_sum(excess * power(index, 2), 20), ts_sum(power(index, 3), 20))


def alpha_182(b: Bars) -> Float2D:
    both_rose = and_(greater(b.close, b.open), greater(b.index_close, b.index_open))
    both_fell = and_(less(b.close, b.open), less(b.index_close, b.index_open))
    return ts_sum(or_(both_rose, both_fell), 20) / 20


def alpha_183(b: Bars) -> Float2D:
    return _rescaled_range(b, 24)


def alpha_184(b: Bars) -> Float2D:
    return rank(ts_corr(delay(b.open - b.close, 1), b.close, 200)) + rank(b.open - b.close)


def alpha_185(b: Bars) -> Float2D:
    return rank(-1 * power(1 - divide(b.open, b.close), 2))


def alpha_186(b: Bars) -> Float2D:
    index = _directional_index(b)
    return (index + delay(index, 6)) / 2


def alpha_187(b: Bars) -> Float2D:
    return ts_sum(b.dtm, 20)


def alpha_188(b: Bars) -> Float2D:
    smooth = sma(b.high - b.low, 11, 2)
    return divide(b.high - b.low - smooth, smooth) * 100


def alpha_189(b: Bars) -> Float2D:
    return ts_mean(abs_(b.close - ts_mean(b.close, 6)), 6)


def alpha_190(b: Bars) -> Float2D:
    # The first SUMIF is printed without a bracket: x - y^(1/20) - 1; the second has x - (y^(1/20) - 1). The
    # count below lacks the "- 1" that the DUVOL of Chen, Hong and Stein (2001) has: as printed.
    steady = power(divide(b.close, delay(b.close, 19)), 1 / 20) - 1
    is_above, is_below = greater(b.growth, steady), less(b.growth, steady)
    squares = power(b.growth - steady, 2)
    top = (ts_sum(is_above, 20) - 1) * ts_sum(where(is_below, squares, 0), 20)
    return log(divide(top, ts_sum(is_below, 20) * ts_sum(where(is_above, squares, 0), 20)))


def alpha_191(b: Bars) -> Float2D:
    return (ts_corr(ts_mean(b.volume, 20), b.low, 5) + b.middle) - b.close


def _on_panel(formula: Callable[[Bars], Float2D]) -> Callable[[Panel], Float2D]:
    return lambda panel: formula(Bars(panel))


_IN_ORDER: tuple[Callable[[Bars], Float2D], ...] = (
    alpha_001, alpha_002, alpha_003, alpha_004, alpha_005, alpha_006, alpha_007, alpha_008,
    alpha_009, alpha_010, alpha_011, alpha_012, alpha_013, alpha_014, alpha_015, alpha_016,
    alpha_017, alpha_018, alpha_019, alpha_020, alpha_021, alpha_022, alpha_023, alpha_024,
    alpha_025, alpha_026, alpha_027, alpha_028, alpha_029, alpha_030, alpha_031, alpha_032,
    alpha_033, alpha_034, alpha_035, alpha_036, alpha_037, alpha_038, alpha_039, alpha_040,
    alpha_041, alpha_042, alpha_043, alpha_044, alpha_045, alpha_046, alpha_047, alpha_048,
    alpha_049, alpha_050, alpha_051, alpha_052, alpha_053, alpha_054, alpha_055, alpha_056,
    alpha_057, alpha_058, alpha_059, alpha_060, alpha_061, alpha_062, alpha_063, alpha_064,
    alpha_065, alpha_066, alpha_067, alpha_068, alpha_069, alpha_070, alpha_071, alpha_072,
    alpha_073, alpha_074, alpha_075, alpha_076, alpha_077, alpha_078, alpha_079, alpha_080,
    alpha_081, alpha_082, alpha_083, alpha_084, alpha_085, alpha_086, alpha_087, alpha_088,
    alpha_089, alpha_090, alpha_091, alpha_092, alpha_093, alpha_094, alpha_095, alpha_096,
    alpha_097, alpha_098, alpha_099, alpha_100, alpha_101, alpha_102, alpha_103, alpha_104,
    alpha_105, alpha_106, alpha_107, alpha_108, alpha_109, alpha_110, alpha_111, alpha_112,
    alpha_113, alpha_114, alpha_115, alpha_116, alpha_117, alpha_118, alpha_119, alpha_120,
    alpha_121, alpha_122, alpha_123, alpha_124, alpha_125, alpha_126, alpha_127, alpha_128,
    alpha_129, alpha_130, alpha_131, alpha_132, alpha_133, alpha_134, alpha_135, alpha_136,
    alpha_137, alpha_138, alpha_139, alpha_140, alpha_141, alpha_142, alpha_143, alpha_144,
    alpha_145, alpha_146, alpha_147, alpha_148, alpha_149, alpha_150, alpha_151, alpha_152,
    alpha_153, alpha_154, alpha_155, alpha_156, alpha_157, alpha_158, alpha_159, alpha_160,
    alpha_161, alpha_162, alpha_163, alpha_164, alpha_165, alpha_166, alpha_167, alpha_168,
    alpha_169, alpha_170, alpha_171, alpha_172, alpha_173, alpha_174, alpha_175, alpha_176,
    alpha_177, alpha_178, alpha_179, alpha_180, alpha_181, alpha_182, alpha_183, alpha_184,
    alpha_185, alpha_186, alpha_187, alpha_188, alpha_189, alpha_190, alpha_191,
)  # fmt: skip

ALPHA191: dict[str, Callable[[Panel], Float2D]] = {
    f"alpha191_{number:03d}": _on_panel(formula) for number, formula in enumerate(_IN_ORDER, 1)
}
