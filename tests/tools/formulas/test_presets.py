"""Each preset gives what the implementation it is named after gives: numbers by hand, no peer needed."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from contracts.market import Float2D
from tests.tools.formulas.panels import random_panel
from tools.formulas.catalogue import published
from tools.formulas.conventions import DEFAULT, PRESETS, Conventions, choices_of
from tools.formulas.engine import Panel, compute_formulas, iter_trees
from tools.formulas.parse import parse

NAN = float("nan")
READINGS = {
    "rank_ties": {"min", "max", "first"},
    "ts_rank_ties": {"min", "max", "first"},
    "decay_order": {"oldest_heaviest"},
    "vwap": {"amount_over_volume", "typical_price"},
    "groups": {"as_published"},
}
"""What no preset takes; the module's docstring says whose reading each is."""


def column(*values: float) -> Float2D:
    return np.array(values, dtype=np.float64)[:, None]


def row(*values: float) -> Float2D:
    return np.array([values], dtype=np.float64)


def value(text: str, panel: Panel, conventions: Conventions, *, last_only: bool = False) -> Float2D:
    return dict(iter_trees({"x": parse(text)}, panel, conventions=conventions, last_only=last_only))["x"]


def test_every_choice_is_in_a_preset_or_a_reading_of_its_own() -> None:
    for switch in Conventions.model_fields:
        in_presets = {str(getattr(preset, switch)) for preset in PRESETS.values()}
        assert set(choices_of(switch)) - in_presets == READINGS.get(switch, set()), switch


RISING = column(1, 3, 2)
STILL = column(4, 4, 4)


@pytest.mark.parametrize(
    ("preset", "text", "close", "newest"),
    [
        # alpha101v: ranks from 0 to 1, population moments, the known one of two
        ("alpha101v", "ts_rank(close, 3)", RISING, 0.5),
        ("alpha101v", "ts_std(close, 2)", RISING, 0.5),
        ("alpha101v", "ts_argmax(close, 3)", RISING, 1),
        ("alpha101v", "min(close, delay(close, 3))", RISING, 2),
        ("alpha101v", "delay(close, 1.9)", RISING, 3),
        ("alpha101v", "ts_corr(close, open, 3)", STILL, NAN),
        # KunQuant, Alpha101: the r-th of the window, the k-th bar, windows to the nearest bar
        ("kunquant_101", "ts_rank(close, 3)", RISING, 2),
        ("kunquant_101", "ts_argmax(close, 3)", RISING, 2),
        ("kunquant_101", "delay(close, 1.5)", RISING, 1),
        ("kunquant_101", "delay(close, 1.4)", RISING, 3),
        ("kunquant_101", "ts_corr(close, open, 3)", STILL, 0),
        ("kunquant_101", "delay(close, 3) < close", RISING, 0),
        ("kunquant_101", "ts_std(close, 2)", RISING, 0.5**0.5),
        # KunQuant, Alpha158: the same but shares of the window, and whole windows
        ("kunquant_158", "ts_rank(close, 3)", RISING, 2 / 3),
        ("kunquant_158", "ts_argmax(close, 3)", RISING, 2),
        ("kunquant_158", "ts_rsquare(close, 3)", STILL, 0),
        ("kunquant_158", "ts_mean(close, 4)", RISING, NAN),
        # Qlib: windows of what there is
        ("qlib", "ts_mean(close, 4)", RISING, 2),
        ("qlib", "ts_rank(close, 5)", RISING, 2 / 3),
        ("qlib", "ts_corr(close, open, 3)", STILL, NAN),
        ("qlib", "ts_sum(close > delay(close, 1), 3)", RISING, 1),
        # polars_ta: the newest of equal extremes, and the branch that a missing condition leaves
        ("polars_ta", "ts_rank(close, 3)", RISING, 2 / 3),
        ("polars_ta", "ts_argmax(close, 3)", column(5, 5, 1), 1),
        ("polars_ta", "delay(close, 3) < close ? 7 : 8", RISING, 8),
        ("polars_ta", "delay(close, 3) < close", RISING, NAN),
        ("polars_ta", "max(close, delay(close, 3))", RISING, 2),
        ("polars_ta", "ts_std(close, 2)", RISING, 0.5),
    ],
)
def test_newest_value_by_hand(preset: str, text: str, close: Float2D, newest: float) -> None:
    panel = {"close": close, "open": column(9, 7, 8)}
    found = value(text, panel, PRESETS[preset])
    assert found[-1, 0] == pytest.approx(newest, rel=1e-15, nan_ok=True)
    assert value(text, panel, PRESETS[preset], last_only=True)[0, 0] == pytest.approx(newest, nan_ok=True)


@pytest.mark.parametrize(
    ("preset", "close", "ranks"),
    [
        ("alpha101v", (1, 5, 2, 2), (0, 1, 0.5, 0.5)),
        ("alpha101v", (NAN, 4), (NAN, NAN)),
        ("kunquant_101", (1, 5, 2, 2), (0.25, 1, 0.625, 0.625)),
        ("polars_ta", (1, 1, 2, 5, 5, 9), (0, 0, 1 / 3, 2 / 3, 2 / 3, 1)),
        ("polars_ta", (NAN, 4), (NAN, 0)),
        ("polars_ta", (3, 3, NAN), (0, 0, NAN)),
    ],
)
def test_ranks_across_instruments_by_hand(
    preset: str, close: Sequence[float], ranks: Sequence[float]
) -> None:
    found = value("rank(close)", {"close": row(*close)}, PRESETS[preset])
    np.testing.assert_allclose(found, row(*ranks), rtol=1e-15)


def test_alpha101v_averages_money_and_the_others_shares() -> None:
    panel = {"volume": column(2, 4), "amount": column(10, 30)}
    for name, preset in PRESETS.items():
        assert value("adv(2)", panel, preset)[-1, 0] == (20 if name == "alpha101v" else 3)


def test_qlib_counts_places_from_the_first_bar_there_is() -> None:
    panel = {"high": column(1, 2, 0, 5, 4)}
    places = [1, 2, 2, 3, 2]
    for text, expected in (("ts_argmax(high, 3)", places), ("ts_argmin(-high, 3)", places)):
        np.testing.assert_array_equal(value(text, panel, PRESETS["qlib"]), column(*expected))
    np.testing.assert_array_equal(value("ts_argmax(high, 9)", panel, PRESETS["qlib"]), column(1, 2, 2, 4, 4))
    assert value("ts_argmax(high, 9)", panel, PRESETS["qlib"], last_only=True)[0, 0] == 4


def test_qlib_knows_moments_from_the_second_bar_on() -> None:
    panel = {"close": column(1, 3, 2), "volume": column(5, 6, 9)}
    for text, second in (
        ("ts_std(close, 3)", 2**0.5),
        ("ts_corr(close, volume, 3)", 1),
        ("ts_slope(close, 3)", 2),
    ):
        found = value(text, panel, PRESETS["qlib"])
        assert np.isnan(found[0, 0])
        assert found[1, 0] == pytest.approx(second)


def test_polars_ta_begins_a_recursive_average_with_the_first_bar() -> None:
    found = value("sma(close, 4, 1)", {"close": column(8, 4, 0)}, PRESETS["polars_ta"])
    np.testing.assert_array_equal(found, column(8, 7, 5.25))


# infinities


INFINITE = Conventions(division_by_zero="infinite")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("open / close", (NAN, NAN, 2)),
        ("1 / (open / close)", (0, 0, 0.5)),
        ("rank(open / close)", (1, 1 / 3, 2 / 3)),
        ("open / close > 3", (1, 0, 0)),
        ("max(open / close, 3)", (NAN, 3, 3)),
        ("min(open / close, 3)", (3, NAN, 2)),
        ("open / close > 3 ? 5 : 6", (5, 6, 6)),
        ("log(open / close)", (NAN, NAN, np.log(2))),
        ("sign(open / close)", (1, -1, 1)),
        ("open / close + 1", (NAN, NAN, 3)),
        ("scale(open / close)", (NAN, NAN, 1)),
        ("ts_max(open / close, 1)", (NAN, NAN, 2)),
        ("ts_argmax(open / close, 1)", (NAN, NAN, 0)),
        ("ts_rank(-(open / close), 1)", (NAN, NAN, 1)),
        ("sma(abs(open / close), 1, 1)", (NAN, NAN, 2)),
        ("neutralize(open / close, industry)", (NAN, NAN, 0)),
        ("delay(open / close, 0)", (NAN, NAN, 2)),
    ],
)
def test_a_division_by_zero_is_infinite_until_a_window_or_the_end(
    text: str, expected: Sequence[float]
) -> None:
    panel = {"open": row(3, -3, 4), "close": row(0, 0, 2), "industry": row(1, 1, 1)}
    np.testing.assert_allclose(value(text, panel, INFINITE), row(*expected), rtol=1e-15)


def test_a_partial_window_goes_on_without_an_infinity() -> None:
    panel = {"open": column(1, 3, 2), "close": column(1, 0, 1)}
    partial = INFINITE.model_copy(update={"incomplete_window": "partial"})
    for text in ("ts_mean(open / close, 3)", "ts_mean(delay(open / close, 0), 3)"):
        np.testing.assert_array_equal(value(text, panel, partial), column(1, 1, 1.5))
        assert np.isnan(value(text, panel, INFINITE)).all()


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_no_formula_is_infinite_where_prices_stand_still(preset: str) -> None:
    panel = dict(random_panel(120, 6, seed=4, decimals=0))
    for name in ("open", "high", "low", "close", "vwap", "volume"):
        panel[name] = panel[name].copy()
        panel[name][60:90, 0] = panel[name][60, 0]
        panel[name][70:75, 1] = 0
    for name, found in compute_formulas(published(), panel, conventions=PRESETS[preset]).items():
        assert not np.isinf(found).any(), name


# dense ranks


@pytest.mark.parametrize("columns", [1, 2, 9, 130])
def test_dense_rank_is_that_of_pandas(columns: int) -> None:
    draw = np.random.default_rng(columns)
    close = np.round(draw.normal(0, 1, (40, columns)), 1)
    close[draw.random(close.shape) < 0.1] = np.nan
    dense = pd.DataFrame(close).rank(axis=1, method="dense")
    largest = dense.max(axis=1)
    fraction = DEFAULT.model_copy(update={"rank_ties": "dense"})
    found = value("rank(close)", {"close": close}, fraction)
    np.testing.assert_array_equal(found, dense.div(largest, axis=0))
    found = value("rank(close)", {"close": close}, PRESETS["polars_ta"])
    np.testing.assert_array_equal(found, (dense - 1).div((largest - 1).clip(lower=1), axis=0))
