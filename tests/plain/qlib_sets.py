"""Alpha158 and Alpha360: qlib's two feature sets (Microsoft, qlib/contrib/data/loader.py and handler.py).

Alpha158 is what qlib's handler of that name builds: candles, four prices over today's close, and the rolling
features over 5, 10, 20, 30 and 60 bars. Names are qlib's in lower case. The arithmetic is qlib's; what an
operator does is the language's: windows are full, and IdxMax counts bars back, as qlib says beside IMAX.
"""

from collections.abc import Callable

from tests.plain.operators import (
    Float2D,
    Panel,
    abs_,
    delay,
    delta,
    divide,
    greater,
    less,
    log,
    max_,
    min_,
    ts_argmax,
    ts_argmin,
    ts_corr,
    ts_max,
    ts_mean,
    ts_min,
    ts_quantile,
    ts_rank,
    ts_residual,
    ts_rsquare,
    ts_slope,
    ts_std,
    ts_sum,
)

TINY = 1e-12
"""What qlib adds to a divisor that could be 0."""

WINDOWS = (5, 10, 20, 30, 60)


def _candle_features() -> dict[str, Callable[[Panel], Float2D]]:
    return {
        "kmid": lambda p: divide(p["close"] - p["open"], p["open"]),
        "klen": lambda p: divide(p["high"] - p["low"], p["open"]),
        "kmid2": lambda p: divide(p["close"] - p["open"], _span(p)),
        "kup": lambda p: divide(p["high"] - max_(p["open"], p["close"]), p["open"]),
        "kup2": lambda p: divide(p["high"] - max_(p["open"], p["close"]), _span(p)),
        "klow": lambda p: divide(min_(p["open"], p["close"]) - p["low"], p["open"]),
        "klow2": lambda p: divide(min_(p["open"], p["close"]) - p["low"], _span(p)),
        "ksft": lambda p: divide(2 * p["close"] - p["high"] - p["low"], p["open"]),
        "ksft2": lambda p: divide(2 * p["close"] - p["high"] - p["low"], _span(p)),
    }


def _span(p: Panel) -> Float2D:
    return p["high"] - p["low"] + TINY


def _price_features() -> dict[str, Callable[[Panel], Float2D]]:
    return {
        "open0": lambda p: divide(p["open"], p["close"]),
        "high0": lambda p: divide(p["high"], p["close"]),
        "low0": lambda p: divide(p["low"], p["close"]),
        "vwap0": lambda p: divide(p["vwap"], p["close"]),
    }


ROLLING_FEATURES: dict[str, Callable[[Panel, int], Float2D]] = {
    "roc": lambda p, d: divide(delay(p["close"], d), p["close"]),
    "ma": lambda p, d: divide(ts_mean(p["close"], d), p["close"]),
    "std": lambda p, d: divide(ts_std(p["close"], d), p["close"]),
    "beta": lambda p, d: divide(ts_slope(p["close"], d), p["close"]),
    "rsqr": lambda p, d: ts_rsquare(p["close"], d),
    "resi": lambda p, d: divide(ts_residual(p["close"], d), p["close"]),
    "max": lambda p, d: divide(ts_max(p["high"], d), p["close"]),
    "min": lambda p, d: divide(ts_min(p["low"], d), p["close"]),
    "qtlu": lambda p, d: divide(ts_quantile(p["close"], d, 0.8), p["close"]),
    "qtld": lambda p, d: divide(ts_quantile(p["close"], d, 0.2), p["close"]),
    "rank": lambda p, d: ts_rank(p["close"], d),
    "rsv": lambda p, d: divide(
        p["close"] - ts_min(p["low"], d), ts_max(p["high"], d) - ts_min(p["low"], d) + TINY
    ),
    "imax": lambda p, d: divide(ts_argmax(p["high"], d), d),
    "imin": lambda p, d: divide(ts_argmin(p["low"], d), d),
    "imxd": lambda p, d: divide(ts_argmax(p["high"], d) - ts_argmin(p["low"], d), d),
    "corr": lambda p, d: ts_corr(p["close"], log(p["volume"] + 1), d),
    "cord": lambda p, d: ts_corr(
        divide(p["close"], delay(p["close"], 1)), log(divide(p["volume"], delay(p["volume"], 1)) + 1), d
    ),
    "cntp": lambda p, d: ts_mean(_rose(p), d),
    "cntn": lambda p, d: ts_mean(_fell(p), d),
    "cntd": lambda p, d: ts_mean(_rose(p), d) - ts_mean(_fell(p), d),
    "sump": lambda p, d: divide(_gains(p["close"], d), _path(p["close"], d)),
    "sumn": lambda p, d: divide(_losses(p["close"], d), _path(p["close"], d)),
    "sumd": lambda p, d: divide(_gains(p["close"], d) - _losses(p["close"], d), _path(p["close"], d)),
    "vma": lambda p, d: divide(ts_mean(p["volume"], d), p["volume"] + TINY),
    "vstd": lambda p, d: divide(ts_std(p["volume"], d), p["volume"] + TINY),
    "wvma": lambda p, d: divide(ts_std(_weighted_move(p), d), ts_mean(_weighted_move(p), d) + TINY),
    "vsump": lambda p, d: divide(_gains(p["volume"], d), _path(p["volume"], d)),
    "vsumn": lambda p, d: divide(_losses(p["volume"], d), _path(p["volume"], d)),
    "vsumd": lambda p, d: divide(_gains(p["volume"], d) - _losses(p["volume"], d), _path(p["volume"], d)),
}


def _rose(p: Panel) -> Float2D:
    return greater(p["close"], delay(p["close"], 1))


def _fell(p: Panel) -> Float2D:
    return less(p["close"], delay(p["close"], 1))


def _gains(x: Float2D, d: int) -> Float2D:
    return ts_sum(max_(x - delay(x, 1), 0), d)


def _losses(x: Float2D, d: int) -> Float2D:
    return ts_sum(max_(delay(x, 1) - x, 0), d)


def _path(x: Float2D, d: int) -> Float2D:
    return ts_sum(abs_(delta(x, 1)), d) + TINY


def _weighted_move(p: Panel) -> Float2D:
    return abs_(divide(p["close"], delay(p["close"], 1)) - 1) * p["volume"]


def _over(feature: Callable[[Panel, int], Float2D], d: int) -> Callable[[Panel], Float2D]:
    return lambda panel: feature(panel, d)


def _past_price(field: str, d: int) -> Callable[[Panel], Float2D]:
    return lambda panel: divide(delay(panel[field], d), panel["close"])


def _past_volume(d: int) -> Callable[[Panel], Float2D]:
    return lambda panel: divide(delay(panel["volume"], d), panel["volume"] + TINY)


ALPHA158: dict[str, Callable[[Panel], Float2D]] = {
    f"alpha158_{name}": formula
    for name, formula in (
        *_candle_features().items(),
        *_price_features().items(),
        *((f"{name}{d}", _over(feature, d)) for name, feature in ROLLING_FEATURES.items() for d in WINDOWS),
    )
}

ALPHA360: dict[str, Callable[[Panel], Float2D]] = {
    f"alpha360_{name}": formula
    for name, formula in (
        *(
            (f"{field}{d}", _past_price(field, d))
            for field in ("close", "open", "high", "low", "vwap")
            for d in range(59, -1, -1)
        ),
        *((f"volume{d}", _past_volume(d)) for d in range(59, -1, -1)),
    )
}
