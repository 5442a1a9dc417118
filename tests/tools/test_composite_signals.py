"""Formulas as signals of the composite: engine numbers, other instruments, tiny units, replay of the fit."""

import asyncio
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from contracts.errors import InvariantBroken
from contracts.market import Bars, Float1D, Timeframe, from_ms
from contracts.records import BarSeries, CompositeWeights, SignalWeight
from graphs.desk import CycleSettings
from graphs.replay import Replayer
from graphs.weights import WeightsKeeper
from markets.bars import ChunkWriter, closed_by
from memory.scratch import MemoryJournal, OverlayBlobStore
from tests.factories import make_desk_state
from tests.tools.test_composite import altered, autoregressive_bars, series_of
from tools.composite import _returns, _weigh, composite_strength, fit_composite, strength_series
from tools.decision_settings import DEFAULT_SIGNALS, CompositeSettings
from tools.formulas.engine import compute_formulas
from tools.formulas.panel import panel_of
from tools.shared_bars import SharedBars

ALONE = ("alpha101_054", "alpha158_rsv5", "alpha158_kup", "alpha191_159")
COMPARING = "alpha101_033"
"""rank(-(1 - open / close))"""
MIXED = CompositeSettings(signals=("rsi_centred", *ALONE))
COMPARED = CompositeSettings(signals=("rsi_centred", COMPARING))


def others_of(n: int) -> tuple[Bars, ...]:
    return tuple(autoregressive_bars(100 + i, 0.2) for i in range(n))


def named(others: tuple[Bars, ...]) -> Mapping[BarSeries, Bars]:
    names = (f"PAIR{i}" for i in range(len(others)))
    return {
        series_of(bars).model_copy(update={"instrument_id": name}): bars
        for name, bars in zip(names, others, strict=True)
    }


def fit(bars: Bars, settings: CompositeSettings, others: tuple[Bars, ...] = ()) -> CompositeWeights:
    weights = fit_composite(bars, series=series_of(bars), settings=settings, others=named(others))
    assert isinstance(weights, CompositeWeights), weights
    return weights


def by_name(weights: CompositeWeights) -> dict[str, SignalWeight]:
    return {signal.name: signal for signal in weights.signals}


# the engine's numbers


def test_formula_signals_are_fitted_on_the_engines_own_numbers() -> None:
    bars = autoregressive_bars(2, 0.4)
    found = compute_formulas(ALONE, panel_of(bars))
    stop = MIXED.fit_bars - 1
    for name, signal in by_name(fit(bars, MIXED)).items():
        if name in ALONE:
            past = found[name][stop - MIXED.label_bars : stop, 0]
            assert signal.mean == pytest.approx(float(past.mean()), rel=1e-9, abs=1e-12)
            assert signal.deviation == pytest.approx(float(past.std(ddof=1)), rel=1e-9)
            assert signal.n_obs == MIXED.label_bars


def test_strength_takes_the_newest_of_the_engines_numbers() -> None:
    bars = autoregressive_bars(2, -0.4)
    weights = fit(bars, MIXED)
    newest = {name: rows[-1, 0] for name, rows in compute_formulas(ALONE, panel_of(bars)).items()}
    strength = composite_strength(bars, weights)
    assert any(given.weight != 0 for given in strength.inputs if given.name in ALONE)
    for given in strength.inputs:
        if given.name in ALONE:
            signal = by_name(weights)[given.name]
            assert given.z == pytest.approx((newest[given.name] - signal.mean) / signal.deviation, rel=1e-9)


@pytest.mark.parametrize("settings", [CompositeSettings(), MIXED], ids=["defaults", "formulas"])
def test_series_of_strengths_ends_with_the_newest_strength(settings: CompositeSettings) -> None:
    bars = autoregressive_bars(2, -0.4, n=700)
    weights = fit(bars[:600], settings)
    series = strength_series(bars, weights)
    assert series.shape == (700,)
    for end in (600, 624, 700):
        value = composite_strength(bars[:end], weights).value
        assert value is not None
        assert series[end - 1] == pytest.approx(value, rel=1e-9)


def test_series_of_strengths_is_missing_where_the_strength_is() -> None:
    bars = autoregressive_bars(2, -0.4)
    weights = fit(bars, MIXED)
    silent = tuple(signal.model_copy(update={"weight": 0.0}) for signal in weights.signals)
    for none in ("no bars", weights.model_copy(update={"scale": None})):
        assert np.isnan(strength_series(bars, none)).all()
    assert np.isnan(strength_series(bars, weights.model_copy(update={"signals": silent}))).all()
    assert np.isnan(strength_series(bars, weights)[:5]).all()


def test_series_of_strengths_does_not_see_the_next_bar() -> None:
    bars = autoregressive_bars(2, -0.4)
    weights = fit(bars, MIXED)
    before, after = strength_series(bars, weights), strength_series(altered(bars, 500), weights)
    np.testing.assert_array_equal(after[:500], before[:500])
    assert not np.array_equal(after[500:], before[500:], equal_nan=True)


# other instruments


@pytest.mark.parametrize("n_others", [0, 3])
def test_comparing_signal_among_fewer_than_five_has_weight_zero(n_others: int) -> None:
    bars, others = autoregressive_bars(2, -0.5), others_of(n_others)
    weights = fit(bars, COMPARED, others)
    signal = by_name(weights)[COMPARING]
    assert (signal.weight, signal.n_obs) == (0.0, 0)
    assert by_name(weights)["rsi_centred"].n_obs == COMPARED.label_bars
    assert len(weights.others) == n_others
    given = composite_strength(SharedBars.of(bars, others), weights).inputs[1]
    assert (given.name, given.z, given.weight) == (COMPARING, None, 0.0)


def test_comparing_signal_with_four_others_has_the_engines_value_and_a_weight() -> None:
    bars, others = autoregressive_bars(2, -0.6), others_of(4)
    weights = fit(bars, COMPARED, others)
    rows = compute_formulas([COMPARING], panel_of(bars, others))[COMPARING][:, 0]
    signal = by_name(weights)[COMPARING]
    assert signal.n_obs == COMPARED.label_bars
    assert signal.weight != 0
    given = composite_strength(SharedBars.of(bars, others), weights).inputs[1]
    assert given.z == pytest.approx((rows[-1] - signal.mean) / signal.deviation, rel=1e-9)
    assert weights.others == tuple(named(others))


def test_strength_without_the_others_bars_is_missing_and_names_the_signal() -> None:
    bars = autoregressive_bars(2, -0.6)
    strength = composite_strength(bars, fit(bars, COMPARED, others_of(4)))
    assert strength.value is None
    assert strength.reason == f"no value for {COMPARING} on the newest bar"


def test_others_change_nothing_where_no_signal_compares() -> None:
    bars = autoregressive_bars(2, -0.4)
    assert fit(bars, MIXED, others_of(4)).signals == fit(bars, MIXED).signals


@pytest.mark.parametrize("wrong", [{"n_bars": 599}, {"timeframe": Timeframe.H4}, {"last_close": None}])
def test_series_that_names_other_bars_of_another_instrument_breaks_an_invariant(
    wrong: dict[str, object],
) -> None:
    bars, (other,) = autoregressive_bars(2, 0.4), others_of(1)
    stranger = series_of(other).model_copy(update={"instrument_id": "PAIR0", **wrong})
    with pytest.raises(InvariantBroken, match="store the bars that are fitted"):
        fit_composite(bars, series=series_of(bars), settings=COMPARED, others={stranger: other})


# refusals


@pytest.mark.parametrize("name", ["moon_phase", "rsi", "alpha101_102"])
def test_signal_that_is_none_is_refused_by_name(name: str) -> None:
    bars = autoregressive_bars(2, 0.4)
    with pytest.raises(InvariantBroken, match=f"found {name}; correct them"):
        fit(bars, CompositeSettings(signals=("rsi_centred", name)))


def test_formula_that_needs_volume_has_weight_zero_without_it() -> None:
    bars = autoregressive_bars(2, 0.4)
    signal = by_name(fit(bars, CompositeSettings(signals=("rsi_centred", "alpha101_012"))))["alpha101_012"]
    assert (signal.weight, signal.n_obs) == (0.0, 0)


# tiny units


def weight_of(name: str, size: float) -> SignalWeight:
    """Of a signal that foretells the next bar, varying by `size`."""
    bars = autoregressive_bars(2, 0.0)
    returns = _returns(bars.close)
    signal: Float1D = size * np.append(returns[1:], 0.0) / np.nanstd(returns)
    (found,) = _weigh({name: signal}, returns, MIXED.fit_bars, MIXED)
    return found


@pytest.mark.parametrize(
    ("name", "size", "counts"),
    [
        ("rsi_centred", 1e-6, True),
        ("rsi_centred", 1e-10, False),
        ("alpha191_015", 1e-6, True),
        ("alpha191_015", 1e-12, True),
        ("alpha191_015", 1e-16, False),
    ],
)
def test_what_counts_as_constant_is_smaller_for_a_formula(name: str, size: float, counts: bool) -> None:
    found = weight_of(name, size)
    assert (found.weight > 0) == counts
    assert (found.rank_correlation > 0.3) == counts


def test_formula_that_never_moves_has_no_weight() -> None:
    bars = autoregressive_bars(2, 0.4)
    signal = by_name(fit(bars, CompositeSettings(signals=(*DEFAULT_SIGNALS, "alpha360_close0"))))
    assert signal["alpha360_close0"].weight == 0
    assert signal["alpha360_close0"].n_obs == MIXED.label_bars


# gaps


def test_signal_with_gaps_says_nothing_there_and_is_ranked_among_what_is_known() -> None:
    bars = autoregressive_bars(2, 0.0)
    returns = _returns(bars.close)
    signal = np.random.default_rng(1).normal(size=len(bars))
    signal[400:600:3] = np.nan
    window = slice(MIXED.fit_bars - 1 - MIXED.label_bars, MIXED.fit_bars - 1)
    known = pd.Series(signal[window]).dropna()
    # The rank of each among those so far, from -1 to 1, and 0 in the gaps.
    ranks = (2 * known.expanding().rank() - 1) / np.arange(1, len(known) + 1) - 1
    in_gaps = ranks.reindex(range(MIXED.label_bars), fill_value=0.0)
    sums = in_gaps.rolling(MIXED.horizon_bars).sum().dropna().to_numpy()
    after = pd.Series(returns[window.start + MIXED.horizon_bars : window.stop + 1])
    followed = after.abs().rank().to_numpy() * np.sign(after.to_numpy())
    size = np.linalg.norm(sums) * np.linalg.norm(followed)
    (found,) = _weigh({"alpha191_015": signal}, returns, MIXED.fit_bars, MIXED)
    assert found.n_obs == len(known) < MIXED.label_bars
    assert found.rank_correlation == pytest.approx(sums @ followed / size, rel=1e-9)
    assert found.standard_error == pytest.approx(np.linalg.norm(sums * followed) / size, rel=1e-9)


# replay of the fit


class SixPairs:
    """A feed with the hours of six pairs."""

    def __init__(self, bars: Mapping[str, Bars]) -> None:
        self._bars = bars

    async def bars(self, instrument_id: str, timeframe: Timeframe, until: datetime, count: int) -> Bars:
        known = closed_by(self._bars[instrument_id], until)
        return known[max(0, len(known) - count) :]


@pytest.mark.parametrize("signals", [("rsi_centred", COMPARING), ALONE], ids=["comparing", "alone"])
def test_fit_comes_out_again_from_the_recorded_series_others_included(signals: tuple[str, ...]) -> None:
    hours = {f"PAIR{i}": autoregressive_bars(200 + i, -0.5, n=650) for i in range(6)}
    journal, blobs = MemoryJournal(), OverlayBlobStore()
    settings = CycleSettings(composite=CompositeSettings(signals=signals))
    keeper = WeightsKeeper(
        cast("Any", SixPairs(hours)),
        journal,
        ChunkWriter(blobs),
        Timeframe.H1,
        settings.composite,
        tuple(hours),
    )
    as_of = from_ms(int(hours["PAIR0"].close_time[-1]))
    fitted, reason = asyncio.run(keeper.current("PAIR0", as_of))
    assert fitted is not None, reason
    assert [series.instrument_id for series in fitted.others] == ["PAIR1", "PAIR2", "PAIR3", "PAIR4", "PAIR5"]
    assert any(signal.weight != 0 and math.isfinite(signal.deviation) for signal in fitted.signals)
    state = make_desk_state("again", settings_hash=blobs.put(settings.canonical)).model_copy(
        update={"composite_weights": fitted.record_id}
    )
    again = Replayer(journal, blobs)._weights_of(state)
    assert again is not None
    assert again.record_id == fitted.record_id
