"""Bars of one or more instruments as a panel: what is absent is absent, nothing is filled in."""

from collections.abc import Mapping, Sequence

import numpy as np

from contracts.market import Bars, Float1D, Int1D
from tools.formulas.engine import Panel

_PRICES = ("open", "high", "low", "close")
_COLUMNS = (*_PRICES, "volume")


def panel_of(bars: Bars, others: Sequence[Bars] = ()) -> Panel:
    """The panel in which `bars` are the first column.

    Use it to compute formulas for one instrument, among the others of its universe or alone.

    Parameters
    ----------
    bars : Bars
        The instrument's closed bars; its close times are the rows.
    others : sequence of Bars
        Of the same timeframe. A row is their bar with the same close time, missing where they have none.

    Returns
    -------
    mapping of str to array of shape (bars, 1 + others)
        open, high, low, close, and volume if any instrument has one: there is no field of what nobody has.

    Notes
    -----
    Look-ahead: rows end with the newest of `bars`; what others know later is left out.
    """
    columns = [_columns(bars, None), *(_columns(other, bars.close_time) for other in others)]
    panel = {
        name: np.ascontiguousarray(np.column_stack([column[name] for column in columns])) for name in _COLUMNS
    }
    if not np.isfinite(panel["volume"]).any():
        del panel["volume"]
    return panel


def _columns(bars: Bars, close_time: Int1D | None) -> Mapping[str, Float1D]:
    found = {name: getattr(bars, name) for name in _COLUMNS}
    if close_time is None:
        return {name: _finite(values) for name, values in found.items()}
    if len(bars) == 0:
        return {name: np.full(len(close_time), np.nan) for name in _COLUMNS}
    at = np.minimum(np.searchsorted(bars.close_time, close_time), len(bars) - 1)
    is_there = bars.close_time[at] == close_time
    return {name: np.where(is_there, _finite(values[at]), np.nan) for name, values in found.items()}


def _finite(values: Float1D) -> Float1D:
    return np.where(np.isfinite(values), values, np.nan)
