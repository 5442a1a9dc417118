"""The feature vectors of 28 instruments at once, on real hours, and of one alone."""

from functools import partial
from pathlib import Path

from bench.forex_files import POINTS, mt5_bars, oanda_sides
from bench.report import table
from bench.timing import met, timed
from contracts.market import Bars, Timeframe
from markets.bars import resample
from markets.instruments import resolve
from tools.feature_schema import load_feature_schema
from tools.features import N_BARS, FeatureMoment, feature_vectors

N_INSTRUMENTS = 28
_OANDA = ("eurusd", "nzdusd")
_HIGHER_HOURS = 5 * N_BARS
"""Hours that make enough bars of four hours, weekends and all."""
_APART = 5_000
_AIM_S = 0.05
_HEAD = "## The feature vector\n\n"


def measure_features(data: Path) -> str:
    """The section of the page."""
    if not (data / "fx_hourly").is_dir():
        return f"{_HEAD}Not measured: expected the folder fx_hourly, found none."
    series = [(symbol, mt5_bars(data, symbol)) for symbol in POINTS]
    series += [(symbol, oanda_sides(data, symbol)["bid"]) for symbol in _OANDA]
    moments = [_moment(*series[n % len(series)], n // len(series) * _APART) for n in range(N_INSTRUMENTS)]
    schema = load_feature_schema()
    known = [len(schema.features) - len(each.missing) for each in feature_vectors(moments, schema)]
    took = timed(partial(feature_vectors, moments, schema))
    alone = timed(partial(feature_vectors, moments[:1], schema))
    told = (
        (f"{N_INSTRUMENTS} at once", f"{took * 1e3:.1f}", f"{_AIM_S * 1e3:.0f}: {met(took <= _AIM_S)}"),
        ("one alone", f"{alone * 1e3:.1f}", ""),
    )
    return (
        f"{_HEAD}{len(schema.features)} columns at a moment, from the newest {N_BARS} bars of an hour and as "
        f"many of four hours. The {N_INSTRUMENTS} are {len(series)} recorded series cut at ends {_APART:,} "
        f"bars apart; {len(POINTS)} of these count changes of the price as volume and the others have none, "
        "and there are no trades, quotes or book beside them. So "
        f"{min(known)} to {max(known)} columns are known, and the others say why not.\n\n"
        + table(("instruments", "ms", "aim ms"), told)
    )


def _moment(symbol: str, hours: Bars, n_cut: int) -> FeatureMoment:
    """The series as it was so many bars before its end."""
    instrument, known = resolve(symbol), hours[: len(hours) - n_cut]
    as_of = known.last_close_time
    higher = resample(known[-_HIGHER_HOURS:], instrument.calendar, Timeframe.H4, as_of)
    return FeatureMoment(instrument, Timeframe.H1, as_of, known[-N_BARS:], higher[-N_BARS:])
