"""The shipped profile for hourly forex: every row has a value without volume, and the strength is fitted."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from contracts.market import Bars, Timeframe
from contracts.records import CompositeWeights
from desk.settings import load_settings
from markets.bars import closed_by, resample
from markets.price_file import PriceColumns, PriceFile, read_prices
from tests.tools.test_composite import series_of
from tests.tools.test_report import AS_OF, both, snapshot
from tools.composite import fit_composite
from tools.composite_signals import is_signal
from tools.decision_settings import CompositeSettings, ScoreSettings
from tools.formulas.catalogue import formulas
from tools.formulas.conventions import DEFAULT
from tools.formulas.engine import why_missing
from tools.formulas.reach import reach_of
from tools.registry import get_tool
from tools.report import load_profile, make_report, reads_universe
from tools.technical_score import REQUIRED_EVIDENCE

PROFILE = load_profile("forex_hourly")
SETTINGS = CompositeSettings(signals=PROFILE.signals)
PRICES = ("open", "high", "low", "close")


def eurusd(shared_data: Path) -> dict[Timeframe, Bars]:
    """600 hours of OANDA's bids until `AS_OF`, and the four-hour bars made of all hours before."""
    source = PriceFile(
        path=shared_data / "fx_hourly" / "oanda_eurusd_1h.csv.gz",
        instrument="eurusd",
        timeframe=Timeframe.H1,
        columns=PriceColumns(time="time", **{name: f"bid_{name}" for name in PRICES}),
        side="bid",
        time_format="%Y%m%d %H:%M",
    )
    hours = closed_by(read_prices(source).sides["bid"], AS_OF)
    return {
        Timeframe.H1: hours[len(hours) - 600 :],
        Timeframe.H4: resample(hours[len(hours) - 3_000 :], "forex", Timeframe.H4, AS_OF)[-600:],
    }


def weights_of(bars: Bars) -> CompositeWeights:
    weights = fit_composite(bars, series=series_of(bars), settings=SETTINGS)
    assert isinstance(weights, CompositeWeights), weights
    return weights


def check_whole(bars: Mapping[Timeframe, Bars]) -> None:
    weights = weights_of(bars[Timeframe.H1])
    report = make_report(snapshot(), bars, (), weights, PROFILE, ScoreSettings())
    assert {row.evidence_id: row.reason for row in report.evidence if row.value is None} == {}
    assert [row.evidence_id for row in report.evidence] == [row.id for row in PROFILE.rows]
    assert all("no points" not in part.why for part in report.score.parts)
    assert report.profile == "forex_hourly"
    assert [given.name for given in report.strength.inputs] == list(PROFILE.signals)
    assert all(given.z is not None for given in report.strength.inputs)
    assert {s.n_obs for s in weights.signals} == {SETTINGS.label_bars}


def test_it_has_about_thirty_rows_with_all_that_score_and_sizing_read() -> None:
    ids = [row.id for row in PROFILE.rows]
    assert 28 <= len(ids) <= 32
    assert set(REQUIRED_EVIDENCE) <= set(ids)
    assert [row.id for row in PROFILE.rows if row.tool == "atr" and row.timeframe == "decision"] == ["atr"]


def test_nothing_in_it_needs_volume_or_other_instruments() -> None:
    names = {row.tool for row in PROFILE.rows} | set(PROFILE.signals)
    of_formulas = [name for name in names if name in formulas()]
    assert why_missing(of_formulas, PRICES) == {}
    assert not reads_universe(PROFILE, PROFILE.signals)
    assert not any("volume" in get_tool(name).columns for name in names if name not in formulas())


def test_signals_are_known_shown_as_rows_and_settled_within_the_warm_up() -> None:
    assert 6 <= len(PROFILE.signals) <= 12
    assert all(is_signal(name) for name in PROFILE.signals)
    assert set(PROFILE.signals) <= {row.tool for row in PROFILE.rows}
    reaches = [reach_of(formulas()[name].tree, DEFAULT) for name in PROFILE.signals]
    assert max(reach.settled_bars for reach in reaches) <= SETTINGS.warm_up_bars


def test_every_row_has_a_value_on_made_up_bars_without_volume() -> None:
    bars = both(3)
    assert all(np.isnan(series.volume).all() for series in bars.values())
    check_whole(bars)


def test_every_row_has_a_value_on_600_real_hours_of_eurusd(shared_data: Path) -> None:
    bars = eurusd(shared_data)
    assert {len(series) for series in bars.values()} == {600}
    assert all(np.isnan(series.volume).all() for series in bars.values())
    check_whole(bars)


def test_volume_changes_nothing_in_its_report() -> None:
    bars = both(3)
    traded = {tf: replace(series, volume=np.arange(1.0, 601.0)) for tf, series in bars.items()}
    weights = weights_of(bars[Timeframe.H1])
    reports = [make_report(snapshot(), of, (), weights, PROFILE, ScoreSettings()) for of in (bars, traded)]
    assert reports[0].record_id == reports[1].record_id


def test_naming_it_in_the_settings_brings_its_signals_unless_the_settings_name_others(tmp_path: Path) -> None:
    cycle = load_settings({"profile": "forex_hourly"}, where=tmp_path).cycle
    assert (cycle.profile, cycle.composite.signals) == ("forex_hourly", PROFILE.signals)
    named = {"profile": "forex_hourly", "composite.signals": ("rsi_centred",)}
    assert load_settings(named, where=tmp_path).cycle.composite.signals == ("rsi_centred",)
