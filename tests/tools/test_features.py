"""The feature vector: its columns, what it refuses to know, and that training and the desk see the same."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.forex_files import oanda_sides
from contracts.errors import InvariantBroken, SettingsError
from contracts.market import Bars, Timeframe, from_ms, to_ms
from contracts.ticks import Beside, BookFrames, Quotes, Trades
from markets.bars import resample
from markets.instruments import resolve
from tests.tools.book_feeds import random_frames
from tests.tools.price_paths import random_bars, scaled, traded_bars, with_missing
from tests.tools.tick_paths import random_quotes, random_trades
from tools.feature_scaling import fit_feature_scaling, scale_features
from tools.feature_schema import FEATURE_SETS, load_feature_schema
from tools.features import N_BARS, FeatureMoment, FeatureVector, feature_vectors
from tools.pivots import find_pivots
from tools.shared_bars import SharedBars

Rows = TypeVar("Rows", Trades, Quotes, BookFrames)

SCHEMA = load_feature_schema()
MONDAY_MS = 1_483_363_800_000 // 3_600_000 * 3_600_000 + 3_600_000
"""2017-01-02 14:00 UTC, a Monday."""
KNOWN_SCHEMAS = {1: "1f8716e15599248ea46a47f75c6ca3f12d911133ce8636f7b16530b339b5891b"}
"""Versions that somebody may have trained on."""


def from_monday(bars: Bars, hours: int) -> Bars:
    opened = MONDAY_MS + np.arange(len(bars), dtype=np.int64) * hours * 3_600_000
    return replace(bars, open_time=opened, close_time=opened + hours * 3_600_000)


def a_moment(seed: int = 1, n: int = 700, *, has_volume: bool = True, by: float = 1.0) -> FeatureMoment:
    """Bars of crypto, which is never closed, so that none of them is out of session."""
    make = traded_bars if has_volume else random_bars
    bars = scaled(from_monday(make(seed, n), 1), by)
    higher = scaled(from_monday(make(seed + 500, n // 4), 4), by)
    as_of = from_ms(int(max(bars.close_time[-1], higher.close_time[-1])))
    return FeatureMoment(resolve("BTCUSDT"), Timeframe.H1, as_of, bars, higher)


def vector(moment: FeatureMoment, **settings: object) -> FeatureVector:
    (found,) = feature_vectors([moment], SCHEMA, **settings)  # type: ignore[arg-type]  # levels
    return found


def value(found: FeatureVector, name: str) -> float:
    return float(found.values[SCHEMA.names.index(name)])


# -- the columns


def test_what_a_version_comes_to_never_changes() -> None:
    assert SCHEMA.sha256 == KNOWN_SCHEMAS[SCHEMA.version], "give the feature set its next version"


def test_there_are_at_least_575_columns_each_once() -> None:
    assert len(SCHEMA.features) >= 575
    assert len(set(SCHEMA.names)) == len(SCHEMA.names)


def test_vector_has_a_value_or_a_reason_for_every_column() -> None:
    for found in feature_vectors([a_moment(), a_moment(2, 30), a_moment(3, has_volume=False)], SCHEMA):
        assert found.values.shape == (len(SCHEMA.features),)
        unknown = {name for name, x in zip(SCHEMA.names, found.values, strict=True) if not np.isfinite(x)}
        assert unknown == set(found.missing)
        assert all(found.missing.values())


def test_600_bars_with_volume_know_every_column_of_bars_and_without_it_575() -> None:
    assert set(vector(a_moment()).missing) == OF_TICKS
    known = len(SCHEMA.features) - len(vector(a_moment(has_volume=False)).missing)
    assert known >= 575


OF_TICKS = {each.name for each in SCHEMA.features if each.call and "bars" not in each.call.tool.inputs}
"""Columns that need trades, quotes or a book."""


def test_trades_quotes_and_a_book_give_the_columns_that_need_them() -> None:
    moment = a_busy_moment()
    found, without = vector(moment), vector(replace(moment, beside=Beside()))
    assert set(without.missing) == OF_TICKS
    assert len(OF_TICKS) == 10
    assert found.missing == {}
    bars = SharedBars.of(moment.bars, beside=moment.beside)
    for name in OF_TICKS:
        call = next(each.call for each in SCHEMA.features if each.name == name)
        assert call is not None
        assert value(found, name) == call.newest(bars).value


def test_volume_that_only_counts_price_changes_confirms_nothing() -> None:
    of_forex = vector(replace(a_moment(), instrument=resolve("EURUSD")))
    assert of_forex.missing["up_volume_share"].startswith("needs traded volume")
    assert "up_volume_share" not in vector(a_moment()).missing


def test_volume_of_the_higher_timeframe_counts_the_same_changes() -> None:
    (share,) = (each for each in SCHEMA.features if each.name == "up_volume_share")
    schema = replace(SCHEMA, features=(replace(share, place="higher"),))
    traded, counted = (replace(a_moment(), instrument=resolve(name)) for name in ("BTCUSDT", "EURUSD"))
    known, unknown = (feature_vectors([moment], schema)[0].missing for moment in (traded, counted))
    assert known == {}
    assert unknown["up_volume_share"].startswith("needs traded volume")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("version = 0", "version"),
        ("version = 1\nspeed = 2", "speed"),
        ('version = 1\n[[formulas]]\nset = "alpha999"\ntimeframes = ["decision"]', "alpha999"),
        ('version = 1\n[[tools]]\ntool = "rsx"\ntimeframes = ["decision"]', "nearest: rsi"),
        ('version = 1\n[[tools]]\ntool = "rsi"\ntimeframes = ["weekly"]', "decision"),
        ('version = 1\n[[tools]]\ntool = "rsi"\ntimeframes = []', "timeframes"),
        ('version = 1\n[[tools]]\ntool = "atr"\ntimeframes = ["decision"]', "level or over_close"),
        ('version = 1\n[[tools]]\ntool = "rsi"\nas = "level"\ntimeframes = ["decision"]', "free rsi"),
        ('version = 1\n[[tools]]\ntool = "rsi"\ntimeframes = ["decision"]\nparams = [{}, {}]', "rsi"),
        ("version = 1 2", "TOML|Expected|expected"),
    ],
)
def test_feature_set_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(SettingsError, match=named):
        load_feature_schema("mine", tmp_path)


def test_unknown_feature_set_names_those_there_are() -> None:
    with pytest.raises(SettingsError, match="choose one of: desk"):
        load_feature_schema("other", FEATURE_SETS)


# -- the same live and in training


def test_a_moment_among_others_is_the_moment_alone() -> None:
    moments = [a_moment(seed, n, has_volume=seed % 2 == 0) for seed, n in ((1, 700), (2, 40), (4, 610))]
    together = feature_vectors(moments, SCHEMA)
    for moment, found in zip(moments, together, strict=True):
        alone = vector(moment)
        assert np.array_equal(found.values, alone.values, equal_nan=True)
        assert found.missing == alone.missing


def test_bars_before_the_newest_600_change_nothing() -> None:
    moment = a_moment(n=3000)
    short = replace(moment, bars=moment.bars[-N_BARS:], higher=moment.higher[-N_BARS:])
    assert np.array_equal(vector(moment).values, vector(short).values, equal_nan=True)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**31), cut=st.integers(400, 650))
def test_the_future_changes_nothing(seed: int, cut: int) -> None:
    whole = a_moment(seed)
    rng = np.random.default_rng(seed)
    bent = {name: getattr(whole.bars, name).copy() for name in ("open", "high", "low", "close", "volume")}
    for column in bent.values():
        column[cut:] *= rng.uniform(0.5, 2)
    at = from_ms(int(whole.bars.close_time[cut - 1]))
    n_higher = int((whole.higher.close_time <= whole.bars.close_time[cut - 1]).sum())

    def known(bars: Bars) -> FeatureVector:
        return vector(replace(whole, as_of=at, bars=bars[:cut], higher=whole.higher[:n_higher]))

    assert np.array_equal(known(whole.bars).values, known(replace(whole.bars, **bent)).values, equal_nan=True)


def test_bar_that_closed_after_the_moment_is_refused() -> None:
    moment = a_moment()
    with pytest.raises(InvariantBroken, match="cut them at the moment"):
        vector(replace(moment, as_of=moment.as_of - timedelta(hours=1, minutes=1)))


@pytest.mark.parametrize("what", ["trades", "quotes", "book"])
def test_what_became_known_after_the_moment_is_refused(what: str) -> None:
    moment = a_busy_moment()
    rows = getattr(moment.beside, what)
    early = replace(moment.beside, **{what: replace(rows, time=rows.time + 1)})
    with pytest.raises(InvariantBroken, match=f"expected {what} of BTCUSDT known by"):
        vector(replace(moment, beside=early))


def a_busy_moment() -> FeatureMoment:
    """With trades, quotes and a book, whose newest rows are of the moment itself."""
    moment, ends = a_moment(), to_ms(a_moment().as_of)

    def to_the_end(rows: Rows) -> Rows:
        return replace(rows, time=rows.time + ends - rows.time[-1])

    trades, quotes = to_the_end(random_trades(1, 9000)), to_the_end(random_quotes(1, 9000))
    return replace(
        moment, beside=Beside(trades=trades, quotes=quotes, book=to_the_end(random_frames(1, 600)))
    )


def test_no_moments_have_no_vectors() -> None:
    assert feature_vectors([], SCHEMA) == ()


# -- what the numbers mean


def test_prices_137_times_as_high_have_the_same_features() -> None:
    one, other = vector(a_moment()), vector(a_moment(by=137.0))
    assert one.missing == other.missing
    np.testing.assert_allclose(other.values, one.values, rtol=1e-6, atol=1e-8)


def test_levels_are_told_by_the_close_or_by_the_pivots() -> None:
    moment = a_moment()
    by_close, by_pivots = vector(moment), vector(moment, levels="pivots")
    bars = moment.bars[-N_BARS:]
    high = max(pivot.price for pivot in find_pivots(bars, "high", 2))
    low = min(pivot.price for pivot in find_pivots(bars, "low", 2))
    newest = find_pivots(bars, "high", 3)[-1].price
    assert value(by_close, "pivot_high.3") == pytest.approx(newest / bars.close[-1] - 1, abs=1e-12)
    assert value(by_pivots, "pivot_high.3") == pytest.approx((newest - low) / (high - low), abs=1e-12)
    assert value(by_close, "rsi.14") == value(by_pivots, "rsi.14")


def test_levels_without_pivots_are_missing_with_that_reason() -> None:
    rising = replace(a_moment(), bars=from_monday(steady(700), 1))
    found = vector(rising, levels="pivots")
    assert "pivot high of level 2" in found.missing["ema.20"]
    assert "ema.20" not in vector(rising).missing


def steady(n: int) -> Bars:
    """Bars that only rise, so that no pivot is ever confirmed."""
    bars = random_bars(1, n)
    close = np.linspace(1.0, 1.1, n)
    return replace(bars, open=close - 1e-4, low=close - 1e-4, high=close, close=close)


# -- what is not known


def test_short_history_says_how_many_bars_are_needed() -> None:
    found = vector(a_moment(n=30))
    assert found.missing["alpha158_ma60"] == "needs 60 bars, has 30"
    assert found.missing["ema.50"] == "needs 50 bars, has 30"
    assert "alpha158_ma5" not in found.missing


def test_absent_volume_is_the_reason_and_no_bars_is_none() -> None:
    assert vector(a_moment(has_volume=False)).missing["alpha158_vma5"] == "needs volume"
    empty = a_moment()
    found = vector(replace(empty, bars=empty.bars[:0], higher=empty.higher[:0]))
    assert len(found.missing) == len(SCHEMA.features)
    assert found.stale == ("no 1h bars of BTCUSDT", "no 4h bars of BTCUSDT")


@pytest.mark.parametrize("worth", [np.nan, np.inf, -np.inf])
def test_missing_close_is_never_read_over(worth: float) -> None:
    moment = a_moment()
    found = vector(replace(moment, bars=with_missing(moment.bars, "close", 690, worth)))
    assert found.missing["alpha158_ma60"] == "needs close on every bar, missing on 1 of 60"
    assert found.missing["rsi.14"].startswith("needs close on every bar")
    assert not np.isinf(found.values).any()


def test_old_bars_are_told_as_stale() -> None:
    moment = a_moment()
    assert vector(moment).stale == ()
    late = vector(replace(moment, as_of=moment.as_of + timedelta(hours=3)))
    assert len(late.stale) == 1
    assert "1h bars of BTCUSDT" in late.stale[0]
    assert len(vector(replace(moment, as_of=moment.as_of + timedelta(hours=9))).stale) == 2


@pytest.mark.slow
def test_recorded_hours_know_every_column_of_prices(shared_data: Path) -> None:
    until = datetime(2015, 3, 4, 15, tzinfo=UTC)
    hours = oanda_sides(shared_data, "eurusd")["bid"]
    hours = hours[: int(np.searchsorted(hours.close_time, to_ms(until), side="right"))]
    higher = resample(hours[-3500:], "forex", Timeframe.H4, until)
    bars, moments = hours[-1000:], []
    for n in range(700, 1000, 10):
        closed = int(bars.close_time[n - 1])
        known = higher[: int((higher.close_time <= closed).sum())]
        moments.append(FeatureMoment(resolve("EURUSD"), Timeframe.H1, from_ms(closed), bars[:n], known))
    found = feature_vectors(moments, SCHEMA)
    for each in found:
        assert each.stale == ()
        others = {
            name: reason
            for name, reason in each.missing.items()
            if "volume" not in reason and "not given here" not in reason
        }
        # Some formulas divide by what a bar can have none of, as alpha101_053 by close - low.
        assert all(
            reason == f"undefined on these bars; `dualbrain tools explain {name}` shows which part"
            for name, reason in others.items()
        )
        assert len(others) <= 3
        assert len(SCHEMA.features) - len(each.missing) >= 575
    scaling = fit_feature_scaling(found, until)
    scaled = np.array([scale_features(each, scaling) for each in found])
    assert np.nanmedian(np.abs(scaled)) < 1.5


@pytest.mark.parametrize("newest", [0.0, -1.0, np.inf])
@pytest.mark.parametrize("levels", ["close", "pivots"])
def test_newest_close_that_is_no_price_frees_nothing_of_the_level_and_says_so(
    newest: float, levels: str
) -> None:
    moment = a_moment()
    broken = replace(moment, bars=with_missing(moment.bars, "close", -1, newest))
    found = vector(broken, levels=levels)
    for feature, at in zip(SCHEMA.features, found.values, strict=True):
        if feature.reading != "value" and feature.place == "decision":
            assert np.isnan(at)
            assert found.missing[feature.name]
