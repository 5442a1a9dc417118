"""Where a tool has no value although TA-Lib gives one: mostly 0 / 0, which TA-Lib calls 0, 1, 25 or 50.

Each rule gets bars without a gap and says at which of them the tool is undefined. It counts events in whole
numbers, so that rounding decides nothing: a window is flat when all its prices are the same, not when they
differ by little.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
import talib

from contracts.market import Bars, Float1D
from tools.talib_guard import Bool1D, floats

Params: TypeAlias = Mapping[str, int | float]
Rule: TypeAlias = Callable[[Bars, Params], Bool1D]

# Readings of RSI this near to each other differ by little more than rounding.
_RSI_NOISE = 1e-6


def _changed(values: Float1D) -> Bool1D:
    changed = np.zeros(len(values), dtype=np.bool_)
    changed[1:] = values[1:] != values[:-1]
    return changed


def _moved(bars: Bars) -> Bool1D:
    """Bars with a true range; the first has no close before it."""
    moved = np.zeros(len(bars), dtype=np.bool_)
    before = bars.close[:-1]
    moved[1:] = np.maximum(bars.high[1:], before) != np.minimum(bars.low[1:], before)
    return moved


def _directed(bars: Bars) -> Bool1D:
    up, down = np.diff(bars.high), -np.diff(bars.low)
    directed = np.zeros(len(bars), dtype=np.bool_)
    directed[1:] = (np.maximum(up, down) > 0) & (up != down)
    return directed


def _typical(bars: Bars) -> Float1D:
    price: Float1D = talib.TYPPRICE(floats(bars.high), floats(bars.low), floats(bars.close))
    return price


def _none(events: Bool1D, window: float) -> Bool1D:
    """True where none of the newest `window` entries is."""
    sums = np.concatenate((np.zeros(int(window), np.int64), np.cumsum(events, dtype=np.int64)))
    none: Bool1D = sums[int(window) :] == sums[: len(events)]
    return none


def _any(events: Bool1D, window: float) -> Bool1D:
    return ~_none(events, window)


def _until(events: Bool1D, more: float = 0) -> Bool1D:
    """True up to the first event and for `more` bars from it on."""
    first = int(np.argmax(events)) if events.any() else len(events)
    before: Bool1D = np.arange(len(events)) < first + more
    return before


def _from_the_first(events: Bool1D) -> Bool1D:
    since: Bool1D = np.logical_or.accumulate(events)
    return since


def _flat(bars: Bars, period: float) -> Bool1D:
    """Windows in which every high and every low is the same price."""
    one_price = _none(bars.high != bars.low, period)
    if period < 2:
        return one_price
    return one_price & _none(_changed(bars.high), period - 1) & _whole(len(bars), period)


def _whole(n: int, period: float) -> Bool1D:
    whole: Bool1D = np.arange(n) >= period - 1
    return whole


def _rsi_without_range(bars: Bars, params: Params) -> Bool1D:
    index = talib.RSI(floats(bars.close), int(params["period"]))
    known, window = np.nan_to_num(index, nan=0.0), int(params["range_period"])
    if len(index) < window:
        return np.zeros(len(index), dtype=np.bool_)
    spread = talib.MAX(known, window) - talib.MIN(known, window)
    without: Bool1D = _whole(len(index), params["period"] + window) & ~(spread > _RSI_NOISE)
    return without | _until(_changed(bars.close))


def _close_or_volume_same(bars: Bars, params: Params) -> Bool1D:
    window = params["period"] - 1
    return _none(_changed(bars.close), window) | _none(_changed(bars.volume), window)


def _shifted(events: Bool1D) -> Bool1D:
    return np.concatenate((np.zeros(1, np.bool_), events))[: len(events)]


def _spread_after_start(bars: Bars, params: Params) -> Bool1D:
    moved = _changed(bars.close)
    moved[: int(params["spread_period"]) - 1] = False
    return _until(moved)


_CYCLES = (
    "hilbert_trendline",
    "dominant_cycle_period",
    "dominant_cycle_phase",
    "hilbert_sine",
    "hilbert_lead_sine",
    "hilbert_in_phase",
    "hilbert_quadrature",
    "hilbert_trend_mode",
)

UNDEFINED: Mapping[str, Rule] = {
    **dict.fromkeys(_CYCLES, lambda bars, _: _until(_changed(bars.close))),
    "balance_of_power": lambda bars, _: bars.high == bars.low,
    "commodity_channel_index": lambda bars, p: _none(_changed(_typical(bars)), p["period"] - 1),
    "chande_momentum_oscillator": lambda bars, _: _until(_changed(bars.close)),
    "chande_momentum_unsmoothed": lambda bars, p: _none(_changed(bars.close), p["period"]),
    "directional_index": lambda bars, _: _until(_directed(bars)),
    "adx_rating": lambda bars, _: _until(_moved(bars)),
    "efficiency_ratio": lambda bars, p: _none(_changed(bars.close), p["period"]),
    "vertical_horizontal_filter": lambda bars, p: _none(_changed(bars.close), p["period"]),
    "intraday_momentum_index": lambda bars, p: _none(bars.open != bars.close, p["period"]),
    "stochastic_k": lambda bars, p: _any(_flat(bars, p["period"]), p["smoothing"]),
    "stochastic_d": lambda bars, p: _any(_flat(bars, p["period"]), p["smoothing"] + p["signal"] - 1),
    "fast_stochastic_k": lambda bars, p: _flat(bars, p["period"]),
    "fast_stochastic_d": lambda bars, p: _any(_flat(bars, p["period"]), p["signal"]),
    "stochastic_rsi_k": _rsi_without_range,
    "stochastic_rsi_d": lambda bars, p: _any(_rsi_without_range(bars, p), p["signal"]),
    **dict.fromkeys(("kdj_k", "kdj_d", "kdj_j"), lambda bars, p: _from_the_first(_flat(bars, p["period"]))),
    **dict.fromkeys(
        ("stochastic_momentum_index", "stochastic_momentum_signal"),
        lambda bars, _: _until((bars.high != bars.low) | _changed(bars.high)),
    ),
    "true_strength_index": lambda bars, _: _until(_changed(bars.close)),
    "ultimate_oscillator": lambda bars, p: _none(_moved(bars), min(p["short"], p["middle"], p["long"])),
    **dict.fromkeys(("vortex_plus", "vortex_minus"), lambda bars, p: _none(_moved(bars), p["period"])),
    "williams_r": lambda bars, p: _flat(bars, p["period"]),
    **dict.fromkeys(("vwma", "vwap"), lambda bars, p: _none(bars.volume > 0, p["period"])),
    "chaikin_money_flow": lambda bars, p: _none(bars.volume > 0, p["period"]),
    "money_flow_index": lambda bars, p: _none(_changed(_typical(bars)) & (bars.volume > 0), p["period"]),
    "market_facilitation_index": lambda bars, _: bars.volume <= 0,
    "percentage_volume_oscillator": lambda bars, _: _until(bars.volume > 0),
    "relative_volume": lambda bars, p: _shifted(_none(bars.volume > 0, p["period"])),
    "close_volume_correlation": _close_or_volume_same,
    "chaikin_volatility": lambda bars, p: _until(bars.high != bars.low, p["lag"]),
    "mass_index": lambda bars, p: _until(bars.high != bars.low, p["slow"] - 1),
    "relative_volatility_index": _spread_after_start,
}
