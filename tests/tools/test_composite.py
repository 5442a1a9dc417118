"""The fit against a plain twin, what it may not see, worlds without and with an edge, and its refusals."""

import math
import statistics
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from contracts.errors import InvariantBroken
from contracts.market import Bars, Float1D, Timeframe, from_ms, to_ms
from contracts.records import BarSeries, CompositeWeights
from tools.composite import (
    TRUE_SPREAD,
    _refit_points,
    _returns,
    _weigh,
    composite_strength,
    fit_composite,
    fit_point,
)
from tools.composite_signals import SIGNALS
from tools.decision_settings import CompositeSettings

SETTINGS = CompositeSettings()
HOUR_MS = 3_600_000


def bars_of(log_returns: Float1D, rng: np.random.Generator) -> Bars:
    n = len(log_returns)
    close = 100 * np.exp(np.cumsum(log_returns))
    open_ = np.concatenate([[100.0], close[:-1]])
    wicks = 1 + np.abs(rng.normal(0, 3e-4, (2, n)))
    opened = np.arange(n, dtype=np.int64) * HOUR_MS
    return Bars(
        open_time=opened,
        close_time=opened + HOUR_MS,
        open=open_,
        high=np.maximum(open_, close) * wicks[0],
        low=np.minimum(open_, close) / wicks[1],
        close=close,
        volume=np.full(n, np.nan),
        side="mid",
    )


def autoregressive_bars(seed: int, phi: float, n: int = 600) -> Bars:
    """Hourly returns of 0.1 % whose neighbours correlate by `phi`; 0 is a world without an edge."""
    rng = np.random.default_rng(seed)
    returns = rng.normal(0, 1e-3, n)
    for i in range(1, n):
        returns[i] += phi * returns[i - 1]
    return bars_of(returns, rng)


def scaled(bars: Bars, factor: Float1D) -> Bars:
    return replace(
        bars,
        open=bars.open * factor,
        high=bars.high * factor,
        low=bars.low * factor,
        close=bars.close * factor,
    )


def altered(bars: Bars, first: int) -> Bars:
    """The same bars with every price from row `first` on made absurd."""
    factor = np.ones(len(bars))
    factor[first:] = np.linspace(1.5, 3.0, len(bars) - first)
    return scaled(bars, factor)


def series_of(bars: Bars) -> BarSeries:
    return BarSeries(
        instrument_id="EURUSD",
        timeframe=Timeframe.H1,
        chunks=(),
        n_bars=len(bars),
        first_close=from_ms(int(bars.close_time[0])) if len(bars) else None,
        last_close=bars.last_close_time if len(bars) else None,
    )


def try_fit(bars: Bars, settings: CompositeSettings = SETTINGS) -> CompositeWeights | str:
    return fit_composite(bars, series=series_of(bars), settings=settings)


def fit(bars: Bars, settings: CompositeSettings = SETTINGS) -> CompositeWeights:
    weights = try_fit(bars, settings)
    assert isinstance(weights, CompositeWeights), weights
    return weights


def plain_correlation(x: list[float], followed: list[float]) -> tuple[float, float]:
    """Of signals with the signed ranks of the returns after them, and its standard error; none are tied."""
    h = SETTINGS.horizon_bars
    so_far = [(sum(y < x[i] for y in x[:i]) - sum(y > x[i] for y in x[:i])) / (i + 1) for i in range(len(x))]
    signed = [math.copysign(sum(abs(other) <= abs(value) for other in followed), value) for value in followed]
    terms = [sum(so_far[t : t + h]) * s for t, s in enumerate(signed)]
    size = math.sqrt(
        sum(sum(so_far[t : t + h]) ** 2 for t in range(len(signed))) * sum(s * s for s in signed)
    )
    return sum(terms) / size, math.sqrt(sum(term * term for term in terms)) / size


def plain_weight(x: list[float], followed: list[float]) -> tuple[float, float, float]:
    """Mean, deviation and weight of one signal, from the formulas in words."""
    rho, error = plain_correlation(x, followed)
    weight = rho * TRUE_SPREAD**2 / (TRUE_SPREAD**2 + error**2) if abs(rho) > error else 0.0
    return statistics.fmean(x), statistics.stdev(x), weight


def plain_fit(bars: Bars) -> tuple[dict[str, float], list[float]]:
    """Final weights and every out-of-sample value, bar by bar."""
    h, n = SETTINGS.horizon_bars, SETTINGS.fit_bars
    signals = {name: [float(v) for v in signal(bars)] for name, signal in SIGNALS.items()}
    close = [float(c) for c in bars.close]
    points = [
        r for r in range(n, 0, -SETTINGS.refit_every) if r - h - SETTINGS.label_bars >= SETTINGS.warm_up_bars
    ]
    values, weights = [], {}
    for r in reversed(points):
        rows = range(r - 1 - SETTINGS.label_bars, r - 1)
        followed = [math.log(close[t] / close[t - 1]) for t in range(rows.start + h, r)]
        fitted = {name: plain_weight([signal[i] for i in rows], followed) for name, signal in signals.items()}
        weights = {name: w for name, (_, _, w) in fitted.items()}
        if any(weights.values()):
            values += [
                sum(w * (signals[name][i] - m) / s for name, (m, s, w) in fitted.items())
                for i in range(r, min(r + SETTINGS.refit_every, n))
            ]
    return weights, values


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "phi"), [(1, 0.0), (2, 0.4), (3, -0.4)])
def test_fit_agrees_with_the_plain_twin(seed: int, phi: float) -> None:
    bars = autoregressive_bars(seed, phi)
    fitted = fit(bars)
    weights, values = plain_fit(bars)
    assert {s.name: s.weight for s in fitted.signals} == pytest.approx(weights, abs=1e-10)
    assert fitted.n_scale == len(values) > 0
    assert fitted.scale == pytest.approx(math.sqrt(statistics.fmean(v * v for v in values)), rel=1e-9)


def test_strength_is_the_weighted_sum_of_standardised_signals_over_the_scale() -> None:
    bars = autoregressive_bars(2, 0.4)
    weights = fit(bars)
    strength = composite_strength(bars, weights)
    by_hand = sum(
        s.weight * (float(SIGNALS[s.name](bars)[-1]) - s.mean) / s.deviation for s in weights.signals
    )
    assert weights.scale is not None
    assert strength.value == pytest.approx(by_hand / weights.scale, rel=1e-9)
    assert strength.weights_id == weights.record_id
    assert [given.name for given in strength.inputs] == list(SIGNALS)
    assert strength.reason is None


def test_record_says_what_was_fitted_through_when() -> None:
    bars = autoregressive_bars(2, 0.4, n=700)
    weights = fit(bars)
    assert weights.fitted_from == from_ms(int(bars.close_time[100]))
    assert weights.fitted_through == bars.last_close_time
    assert weights.horizon_bars == 4
    assert {s.n_obs for s in weights.signals} == {SETTINGS.label_bars}


# what it may not see


def test_bars_after_fitted_through_change_nothing() -> None:
    bars = autoregressive_bars(4, 0.3, n=660)
    as_of = from_ms(int(bars.close_time[640]))
    point = to_ms(fit_point(as_of, Timeframe.H1, SETTINGS))
    last = int(np.searchsorted(bars.close_time, point, side="right"))
    assert last < 641, "the fit point must lie before the decision for this test to say anything"
    changed = altered(bars, last)
    ours, theirs = fit(bars[last - 600 : last]), fit(changed[last - 600 : last])
    assert ours.record_id == theirs.record_id
    assert to_ms(ours.fitted_through) <= point


def weigh_at(bars: Bars, refit_point: int) -> tuple[float, ...]:
    signals = {name: signal(bars) for name, signal in SIGNALS.items()}
    fitted = _weigh(signals, _returns(bars.close), refit_point, SETTINGS)
    return tuple(figure for s in fitted for figure in (s.mean, s.deviation, s.rank_correlation, s.weight))


@pytest.mark.parametrize("refit_point", _refit_points(SETTINGS))
def test_bars_after_a_refit_point_change_nothing_there(refit_point: int) -> None:
    bars = autoregressive_bars(5, 0.3)
    assert weigh_at(altered(bars, refit_point), refit_point) == weigh_at(bars, refit_point)


def test_last_bar_before_a_refit_point_does_count() -> None:
    bars = autoregressive_bars(5, 0.3)
    assert weigh_at(altered(bars, 599), 600) != weigh_at(bars, 600)


@pytest.mark.parametrize("name", SIGNALS)
def test_signal_does_not_see_the_next_bar(name: str) -> None:
    bars = autoregressive_bars(6, 0.0, n=200)
    before, after = SIGNALS[name](bars), SIGNALS[name](altered(bars, 150))
    assert len(before) == 200
    np.testing.assert_array_equal(after[:150], before[:150])
    assert not np.array_equal(after[150:], before[150:])


def test_refit_points_end_at_the_window_and_leave_room_for_their_labels() -> None:
    points = _refit_points(SETTINGS)
    assert points[-1] == SETTINGS.fit_bars
    assert set(np.diff(points)) == {SETTINGS.refit_every}
    first_row = points[0] - 1 - SETTINGS.label_bars
    assert SETTINGS.warm_up_bars <= first_row < SETTINGS.warm_up_bars + SETTINGS.refit_every


# worlds


@pytest.mark.slow
def test_on_random_walks_no_signal_is_favoured_and_the_standard_errors_are_true() -> None:
    """A usual correlation inside a window would be negative for a trend here, by 0.1 for the slowest."""
    n = 600
    found = np.empty((n, len(SIGNALS), 2))
    for seed in range(n):
        bars = autoregressive_bars(5000 + seed, 0.0, n=400)
        signals = {name: signal(bars) for name, signal in SIGNALS.items()}
        fitted = _weigh(signals, _returns(bars.close), len(bars), SETTINGS)
        found[seed] = [(s.rank_correlation, s.standard_error) for s in fitted]
    z = found[:, :, 0] / found[:, :, 1]
    # Of n independent draws the mean has a standard error of 0.04 and the deviation one of 0.03.
    assert (abs(z.mean(axis=0)) < 0.2).all()
    assert (abs(z.std(axis=0) - 1) < 0.12).all()


def rank_correlation(pairs: Float1D) -> float:
    """Spearman's."""
    ranks = pd.DataFrame(pairs).rank().to_numpy()
    return float(np.corrcoef(ranks, rowvar=False)[0, 1])


def strengths_and_returns(phi: float, n_series: int, first_seed: int) -> Float1D:
    """Rows of (strength, next four bars' return) on bars after the fit; labels never overlap."""
    pairs = []
    for seed in range(first_seed, first_seed + n_series):
        bars = autoregressive_bars(seed, phi, n=624)
        weights = fit(bars[:600])
        for end in range(600, 621, 4):
            value = composite_strength(bars[end - 600 : end], weights).value
            if value is not None:
                pairs.append((value, math.log(bars.close[end + 3] / bars.close[end - 1])))
    return np.array(pairs)


@pytest.mark.slow
def test_world_without_an_edge_shows_none() -> None:
    pairs = strengths_and_returns(phi=0.0, n_series=150, first_seed=1000)
    assert len(pairs) > 400
    assert abs(rank_correlation(pairs)) < 1.96 / math.sqrt(len(pairs) - 1)


@pytest.mark.slow
@pytest.mark.parametrize("phi", [0.5, -0.5])
def test_planted_edge_is_found_whichever_its_sign(phi: float) -> None:
    pairs = strengths_and_returns(phi, n_series=240, first_seed=2000)
    assert len(pairs) > 700
    assert rank_correlation(pairs) > 3 / math.sqrt(len(pairs) - 1)


@pytest.mark.slow
def test_usual_size_of_the_strength_is_near_one() -> None:
    sizes = np.abs(strengths_and_returns(phi=0.0, n_series=60, first_seed=3000)[:, 0])
    assert 0.2 < np.mean(sizes >= 1) < 0.45
    assert np.mean(sizes >= 2) < 0.2


# same in, same out


def test_same_bars_give_the_same_record() -> None:
    ours, theirs = fit(autoregressive_bars(7, 0.2)), fit(autoregressive_bars(7, 0.2))
    assert ours.record_id == theirs.record_id
    assert CompositeWeights.from_canonical(ours.canonical) == ours


def test_bars_before_the_window_change_nothing_but_the_series_named() -> None:
    bars = autoregressive_bars(8, 0.2, n=650)
    assert fit(bars).signals == fit(bars[50:]).signals


@pytest.mark.parametrize("factor", [1e-4, 37.0])
def test_price_level_does_not_move_the_strength(factor: float) -> None:
    bars = autoregressive_bars(2, 0.4)
    elsewhere = scaled(bars, np.full(len(bars), factor))
    ours, theirs = composite_strength(bars, fit(bars)), composite_strength(elsewhere, fit(elsewhere))
    assert ours.value is not None
    assert theirs.value == pytest.approx(ours.value, rel=1e-6)


# refusals and gaps


@pytest.mark.parametrize("n", [0, 1, 599])
def test_short_window_is_refused_with_both_numbers(n: int) -> None:
    reason = try_fit(autoregressive_bars(1, 0.0)[:n])
    assert reason == f"expected 600 bars closed by the fit point, found {n}"


@pytest.mark.parametrize("close", [0.0, -1.0, math.nan, math.inf])
def test_close_without_a_logarithm_is_refused(close: float) -> None:
    bars = autoregressive_bars(1, 0.0)
    bars.close[300] = close
    assert try_fit(bars) == "expected finite closes over zero in the fit's window, found others"


@pytest.mark.parametrize("wrong", [{"n_bars": 599}, {"last_close": None}])
def test_series_that_names_other_bars_breaks_an_invariant(wrong: dict[str, object]) -> None:
    bars = autoregressive_bars(1, 0.0)
    series = series_of(bars).model_copy(update=wrong)
    with pytest.raises(InvariantBroken, match="store the bars that are fitted"):
        fit_composite(bars, series=series, settings=SETTINGS)


def test_market_that_never_moves_has_no_weights_no_scale_and_no_strength() -> None:
    flat = np.full(600, 100.0)
    times = np.arange(600, dtype=np.int64) * HOUR_MS
    bars = Bars(times, times + HOUR_MS, flat, flat, flat, flat, np.full(600, np.nan), "mid")
    weights = fit(bars)
    assert {s.weight for s in weights.signals} == {0.0}
    assert (weights.scale, weights.n_scale) == (None, 0)
    strength = composite_strength(bars, weights)
    assert strength.value is None
    assert strength.reason is not None
    assert "stood out" in strength.reason


def test_gap_in_a_column_leaves_its_signals_without_weight_and_counts_what_was_known() -> None:
    bars = autoregressive_bars(2, 0.4)
    bars.high[400] = math.nan
    weights = {s.name: s for s in fit(bars).signals}
    assert weights["directional_movement"].weight == 0
    assert weights["directional_movement"].n_obs < SETTINGS.label_bars / 2
    assert weights["short_rsi_centred"].n_obs == SETTINGS.label_bars


def weights_with(bars: Bars, **changes: object) -> CompositeWeights:
    return fit(bars).model_copy(update=changes)


def test_no_weights_pass_their_reason_on() -> None:
    strength = composite_strength(autoregressive_bars(1, 0.0), "expected 600 bars, found 3")
    assert (strength.value, strength.weights_id, strength.inputs) == (None, None, ())
    assert strength.reason == "no weights: expected 600 bars, found 3"


def test_weights_without_a_scale_give_no_strength() -> None:
    bars = autoregressive_bars(2, 0.4)
    strength = composite_strength(bars, weights_with(bars, scale=None, n_scale=24))
    assert strength.value is None
    assert strength.reason == "no usual size: only 24 out-of-sample values stand behind it"


@pytest.mark.parametrize("n", [0, 1, 10])
def test_signal_unknown_on_the_newest_bar_is_named_and_not_dropped(n: int) -> None:
    bars = autoregressive_bars(2, 0.4)
    weights = fit(bars)
    strength = composite_strength(bars[:n], weights)
    needed = [s.name for s in weights.signals if s.weight != 0]
    assert needed
    assert strength.value is None
    assert strength.reason is not None
    assert needed[-1] in strength.reason
    assert all(given.z is None for given in strength.inputs if given.name in strength.reason)


def test_signal_this_code_does_not_know_gives_no_strength() -> None:
    bars = autoregressive_bars(2, 0.4)
    stranger = fit(bars).signals[0].model_copy(update={"name": "moon_phase", "weight": 0.2})
    strength = composite_strength(bars, weights_with(bars, signals=(stranger,)))
    assert strength.value is None
    assert strength.reason == "no value for moon_phase on the newest bar"


def test_smallest_window_the_settings_allow_can_be_fitted() -> None:
    settings = CompositeSettings(
        fit_bars=144, warm_up_bars=60, label_bars=40, horizon_bars=4, refit_every=10, min_scale_bars=30
    )
    weights = fit(autoregressive_bars(2, 0.4)[:144], settings)
    assert weights.fitted_through == from_ms(144 * HOUR_MS)


@pytest.mark.slow
def test_real_eurusd_hours_give_strengths_of_a_usual_size(shared_data: Path) -> None:
    bars = eurusd_hours(shared_data)
    sizes, missing = [], 0
    for end in range(600, len(bars) - 24, 240):
        weights = fit(bars[end - 600 : end])
        value = composite_strength(bars[end + 8 - 600 : end + 8], weights).value
        sizes += [abs(value)] if value is not None else []
        missing += value is None
    assert missing < len(sizes), "most fits must give a strength"
    assert 0.3 < statistics.median(sizes) < 1.2


def eurusd_hours(shared_data: Path) -> Bars:
    """Mid prices of the first 10,000 hours on file."""
    frame = pd.read_csv(shared_data / "fx_hourly" / "oanda_eurusd_1h.csv.gz", nrows=10_000)
    start = pd.to_datetime(frame["time"], format="%Y%m%d %H:%M").to_numpy()
    opened = start.astype("datetime64[ms]").astype(np.int64)
    price = {
        name: ((frame[f"bid_{name}"] + frame[f"ask_{name}"]) / 2).to_numpy(dtype=np.float64)
        for name in ("open", "high", "low", "close")
    }
    volume = np.full(len(frame), np.nan)
    return Bars(opened, opened + HOUR_MS, volume=volume, side="mid", **price)
