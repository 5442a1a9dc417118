"""The feature vector: what a model that learns sees of a moment, the same live and in training.

    schema -> formulas of all moments in one panel -> tools, moment by moment -> one row each

A row depends on its own moment alone: on the newest 600 closed bars of two timeframes and what stands beside
them. So training asks for many moments of one instrument and the desk for one moment of many, through the
same function, and gets the same numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, TypeAlias

import numpy as np

from contracts.errors import InvariantBroken
from contracts.market import Bars, Float1D, Float2D, Instrument, Timeframe, from_ms, to_ms
from contracts.ticks import Beside
from markets.snapshot import SnapshotSettings, staleness
from tools.feature_schema import Feature, FeatureSchema, Place, Reading
from tools.formulas.engine import compute_formulas
from tools.formulas.values import why_unknown
from tools.pivots import find_pivots
from tools.registry import ToolValue
from tools.shared_bars import SharedBars

N_BARS = 600
"""Closed bars of each timeframe that a row reads, as many as a decision does."""

Levels: TypeAlias = Literal["close", "pivots"]
_STALENESS = SnapshotSettings()
_COLUMNS = ("open", "high", "low", "close", "volume")
_BOUND_LEVEL = 2
"""Williams' intermediate-term pivots make the bounds."""
_NO_CLOSE = "needs a newest close over zero"


@dataclass(frozen=True, slots=True)
class FeatureMoment:
    """One instrument at one moment, with what was known of it."""

    instrument: Instrument
    timeframe: Timeframe
    as_of: datetime
    bars: Bars
    higher: Bars
    """Of `timeframe.higher`; no bars where there are none."""
    beside: Beside = field(default=Beside())


@dataclass(frozen=True, slots=True)
class FeatureVector:
    """The features of one moment."""

    instrument_id: str
    as_of: datetime
    schema: FeatureSchema
    levels: Levels
    values: Float1D
    """Shape (number of features,), in the schema's order; NaN where there is none."""
    missing: Mapping[str, str]
    """Why, by name, for every value that there is not."""
    stale: tuple[str, ...]
    """What is older than it should be at `as_of`, in words; empty where nothing is."""


def feature_vectors(
    moments: Sequence[FeatureMoment], schema: FeatureSchema, *, levels: Levels = "close"
) -> tuple[FeatureVector, ...]:
    """The features of each moment.

    Use it live with the instruments of a bar, and in training with the bars of an instrument; ask for many
    at once, for most of the time goes to what all moments share.

    Parameters
    ----------
    moments : sequence of FeatureMoment
        Any instruments and times; bars oldest first.
    schema : FeatureSchema
        Names and order of the columns.
    levels : Levels
        What a price is told by: `close`, its distance from the newest close over the close; or `pivots`, its
        place between the lowest and the highest confirmed pivot, 0 to 1 inside, not clipped outside.

    Returns
    -------
    tuple of FeatureVector
        One a moment, in order. Nothing is filled in: what is missing is NaN and says why.

    Raises
    ------
    InvariantBroken
        When a bar closed, or anything beside the bars became known, after the moment.

    Notes
    -----
    The newest 600 bars of each timeframe are read. Look-ahead: none; bars of the higher timeframe count once
    they have closed. NaN policy: that of each tool. Smallest sample: that of each tool; with none the vector
    is empty, with reasons. Cost: about 20 ms for the formulas of 28 moments, and a tool call a column each.

    References
    ----------
    Yang, X., Liu, W., Zhou, D., Bian, J., Liu, T.-Y. (2020). Qlib: an AI-oriented quantitative investment
    platform: Alpha158 and Alpha360. Kakushadze, Z. (2016). 101 formulaic alphas.
    """
    if not moments:
        return ()
    for moment in moments:
        _refuse_future(moment)
    windows = [_Windows.of(moment) for moment in moments]
    values = np.full((len(moments), len(schema.features)), np.nan)
    for place in ("decision", "higher"):
        _fill_formulas(values, windows, schema, place)
    return tuple(
        _vector(moment, window, schema, levels, row)
        for moment, window, row in zip(moments, windows, values, strict=True)
    )


@dataclass(frozen=True, slots=True)
class _Windows:
    """What one row reads."""

    decision: SharedBars
    higher: SharedBars
    close: float

    @classmethod
    def of(cls, moment: FeatureMoment) -> "_Windows":
        bars, higher = moment.bars[-N_BARS:], moment.higher[-N_BARS:]
        close = float(bars.close[-1]) if len(bars) else np.nan
        is_traded = moment.instrument.has_traded_volume
        beside = replace(moment.beside, is_volume_traded=is_traded)
        return cls(
            SharedBars.of(bars, (), beside),
            SharedBars.of(higher, (), Beside(is_volume_traded=is_traded)),
            close,
        )

    def at(self, place: Place) -> SharedBars:
        return self.decision if place == "decision" else self.higher


def _refuse_future(moment: FeatureMoment) -> None:
    beside = moment.beside
    times = {
        "bars": moment.bars.close_time,
        "higher bars": moment.higher.close_time,
        **{
            name: rows.time
            for name, rows in (("trades", beside.trades), ("quotes", beside.quotes), ("book", beside.book))
            if rows is not None
        },
    }
    for what, known_at in times.items():
        if len(known_at) and known_at[-1] > to_ms(moment.as_of):
            instrument_id, newest = moment.instrument.instrument_id, from_ms(int(known_at[-1]))
            raise InvariantBroken(
                f"expected {what} of {instrument_id} known by {moment.as_of}, found some of {newest}; cut "
                "them at the moment"
            )


def _fill_formulas(values: Float2D, windows: Sequence[_Windows], schema: FeatureSchema, place: Place) -> None:
    """All formulas on one timeframe: a column of the panel is a moment, so that none sees another."""
    at = [n for n, each in enumerate(schema.features) if each.call is None and each.place == place]
    if not at:
        return
    panel = {name: np.full((N_BARS, len(windows)), np.nan) for name in _COLUMNS}
    for column, window in enumerate(windows):
        bars = window.at(place)
        for name in _COLUMNS:
            if len(bars):
                panel[name][-len(bars) :, column] = getattr(bars, name)
    for array in panel.values():
        array[~np.isfinite(array)] = np.nan
    names = [schema.features[n].tool for n in at]
    found = compute_formulas(names, panel, last_only=True)
    close = panel["close"][-1]
    usable = np.where(close > 0, close, np.nan)
    for n, name in zip(at, names, strict=True):
        # Adding zero makes the -0.0 of a negated condition a plain 0.
        newest = found[name][-1] + 0.0
        values[:, n] = newest if schema.features[n].reading == "value" else newest / usable


def _vector(
    moment: FeatureMoment, windows: _Windows, schema: FeatureSchema, levels: Levels, row: Float1D
) -> FeatureVector:
    bounds = _bounds(windows, levels)
    missing: dict[str, str] = {}
    for n, call in schema.calls:
        feature = schema.features[n]
        found = call.newest(windows.at(feature.place))
        row[n], reason = _freed(found, feature.reading, windows.close, bounds)
        if reason is not None:
            missing[feature.name] = reason
    is_missing = ~np.isfinite(row)
    row[is_missing] = np.nan
    for n in np.flatnonzero(is_missing).tolist():
        feature = schema.features[n]
        if feature.name not in missing:
            missing[feature.name] = _why_no_formula(feature, windows.at(feature.place))
    return FeatureVector(
        moment.instrument.instrument_id, moment.as_of, schema, levels, row, missing, _stale(moment)
    )


def _freed(
    found: ToolValue, reading: Reading, close: float, bounds: tuple[float, float] | str
) -> tuple[float, str | None]:
    """A tool's value without the price level, or why there is none."""
    if found.value is None:
        return np.nan, found.reason
    if reading == "value":
        return found.value, None
    if not 0 < close < np.inf:
        return np.nan, _NO_CLOSE
    if reading == "over_close":
        return found.value / close, None
    if isinstance(bounds, str):
        return np.nan, bounds
    low, high = bounds
    return (found.value - low) / (high - low), None


def _bounds(windows: _Windows, levels: Levels) -> tuple[float, float] | str:
    """What a price level is measured between: 0 and 1 lie there; or why there is nothing to measure by."""
    if levels == "close":
        return windows.close, 2 * windows.close
    lows = [pivot.price for pivot in find_pivots(windows.decision, "low", _BOUND_LEVEL)]
    highs = [pivot.price for pivot in find_pivots(windows.decision, "high", _BOUND_LEVEL)]
    if not lows or not highs or max(highs) <= min(lows):
        return f"needs a confirmed pivot high of level {_BOUND_LEVEL} over a pivot low"
    return min(lows), max(highs)


def _why_no_formula(feature: Feature, bars: SharedBars) -> str:
    if feature.reading != "value" and len(bars) and not bars.close[-1] > 0 and np.isfinite(bars.close[-1]):
        return _NO_CLOSE
    return why_unknown(feature.tool, bars)


def _stale(moment: FeatureMoment) -> tuple[str, ...]:
    found = []
    for timeframe, bars in ((moment.timeframe, moment.bars), (moment.timeframe.higher, moment.higher)):
        what = f"{timeframe} bars of {moment.instrument.instrument_id}"
        if len(bars) == 0:
            found.append(f"no {what}")
        else:
            reasons = staleness(what, moment.instrument, timeframe, bars, moment.as_of, _STALENESS)
            found += [reason.text for reason in reasons]
    return tuple(found)
