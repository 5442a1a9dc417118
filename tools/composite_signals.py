"""What the composite strength may be made of: a few directional signals of our own, and any formula."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np

from contracts.errors import InvariantBroken
from contracts.market import Bars, Float1D
from tools.formulas.catalogue import formulas
from tools.registry import ToolCall, get_tool
from tools.shared_bars import SharedBars

FLAT_DEVIATION = 1e-9
"""A signal that varies less than this is constant: what varies is rounding, and ranks would obey it."""

FLAT_FORMULA = 1e-15
"""The same for a formula, whose unit may be tiny: a return over a volume."""


def is_signal(name: str) -> bool:
    """Whether the composite can take it: one of `SIGNALS`, or a formula."""
    return name in SIGNALS or name in formulas()


def newest_signal(name: str, bars: Bars) -> float | None:
    """The signal on the newest bar; None where it is not known."""
    if len(bars) == 0 or not is_signal(name):
        return None
    value = float(SIGNALS[name](bars)[-1]) if name in SIGNALS else get_tool(name).call(bars).value
    return value if value is not None and math.isfinite(value) else None


def signal_series(names: Sequence[str], bars: SharedBars) -> dict[str, Float1D]:
    """The signals of every bar; InvariantBroken for a name that is not known."""
    if unknown := [name for name in names if not is_signal(name)]:
        raise InvariantBroken(f"expected signals that are known, found {', '.join(unknown)}; correct them")
    return {name: SIGNALS[name](bars) if name in SIGNALS else get_tool(name).series(bars) for name in names}


def flat_under(name: str) -> float:
    """Deviation under which the signal counts as constant."""
    return FLAT_DEVIATION if name in SIGNALS else FLAT_FORMULA


@cache
def _call(name: str, **params: int) -> ToolCall:
    return get_tool(name).prepare(**params)


def _tool(name: str, bars: Bars, **params: int) -> Float1D:
    return _call(name, **params).series(bars)


def _per_atr(distance: Float1D, bars: Bars) -> Float1D:
    atr = _tool("atr", bars)
    ratio: Float1D = np.divide(distance, atr, out=np.full(len(distance), np.nan), where=atr > 0)
    return ratio


def _rsi_centred(bars: Bars) -> Float1D:
    return _tool("rsi", bars) - 50.0


def _short_rsi_centred(bars: Bars) -> Float1D:
    return _tool("rsi", bars, period=4) - 50.0


def _macd_histogram_per_atr(bars: Bars) -> Float1D:
    return _per_atr(_tool("macd_histogram", bars), bars)


def _ema_spread_per_atr(bars: Bars) -> Float1D:
    return _per_atr(_tool("ema", bars, period=20) - _tool("ema", bars, period=50), bars)


def _directional_movement(bars: Bars) -> Float1D:
    return (_tool("plus_di", bars) - _tool("minus_di", bars)) * _tool("adx", bars) / 100.0


def _percent_b_centred(bars: Bars) -> Float1D:
    return _tool("percent_b", bars) - 0.5


SIGNALS: Mapping[str, Callable[[Bars], Float1D]] = {
    "rsi_centred": _rsi_centred,
    "short_rsi_centred": _short_rsi_centred,
    "macd_histogram_per_atr": _macd_histogram_per_atr,
    "ema_spread_per_atr": _ema_spread_per_atr,
    "directional_movement": _directional_movement,
    "percent_b_centred": _percent_b_centred,
}
"""Directional, free of the price level, positive when price is or moves high; the fit learns the sign."""
