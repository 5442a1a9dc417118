"""Window kernels against plain loops, and what they promise about bits, edges and threads."""

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.market import Float2D
from tools.formulas import (
    kernels_cross,
    kernels_factors,
    kernels_moments,
    kernels_order,
    kernels_sums,
    kernels_window,
)
from tools.formulas.compile_kernels import compile_share
from tools.formulas.operators import OPERATORS

Windows = Sequence[Float2D]
"""A window of each input, oldest bar first, NaN where missing; one column where a kernel takes one."""

TAKES: Mapping[str, int] = {
    "ts_sum": 1,
    "ts_mean": 1,
    "ts_product": 1,
    "decay_linear": 1,
    "decay_power": 1,
    "ts_cumsum_max": 1,
    "ts_cumsum_min": 1,
    "ts_std": 1,
    "ts_cov": 2,
    "ts_corr": 2,
    "ts_beta": 2,
    "ts_beta_where": 3,
    "ts_slope": 1,
    "ts_rsquare": 1,
    "ts_residual": 1,
    "ts_factor_residual": 4,
    "ts_min": 1,
    "ts_max": 1,
    "ts_argmin": 1,
    "ts_argmax": 1,
    "ts_rank": 1,
    "ts_quantile": 1,
}
"""How many panels each takes."""

SETTINGS: Mapping[str, tuple[float, ...]] = {"decay_power": (0.9,), "ts_quantile": (0.3,)}

SWITCHES: Sequence[tuple[str, Mapping[str, object]]] = (
    *((name, {}) for name in TAKES),
    ("decay_linear", {"order": "oldest_heaviest"}),
    ("ts_std", {"ddof": 0}),
    ("ts_cov", {"ddof": 0}),
    ("ts_corr", {"flat": "zero"}),
    ("ts_rsquare", {"flat": "zero"}),
    ("ts_argmax", {"extreme": "position"}),
    ("ts_argmax", {"ties": "newest"}),
    ("ts_argmin", {"extreme": "position", "ties": "newest"}),
    ("ts_rank", {"scale": "zero_to_one"}),
    ("ts_rank", {"scale": "ordinal", "ties": "min"}),
    ("ts_rank", {"ties": "max"}),
    ("ts_rank", {"ties": "first"}),
)
_IDS = [" ".join([name, *(str(choice) for choice in switches.values())]) for name, switches in SWITCHES]


def panels(rows: int, columns: int, *, seed: int = 3, holes: float = 0.03) -> list[Float2D]:
    """Four with ties and missing values, of which one column never moves; the third is a condition too."""
    draw = np.random.default_rng(seed)
    found = [np.round(draw.normal(0, 1, (rows, columns)), 1) for _ in range(4)]
    for panel in found:
        panel[:, -1] = 0.1
        panel[draw.random((rows, columns)) < holes] = np.nan
    return found


def inputs_of(name: str, given: Sequence[Float2D]) -> list[Float2D]:
    chosen = list(given[: TAKES[name]])
    if name == "ts_beta_where":
        chosen[2] = np.where(np.isnan(chosen[2]), np.nan, (chosen[2] > -0.3) * 1.0)
    return chosen


def computed(name: str, given: Sequence[Float2D], d: int, rows: int, **switches: object) -> Float2D:
    out = np.full((rows, given[0].shape[1]), 7.0)
    kernel: Callable[..., None] = getattr(kernels_window, name)
    kernel(*given, d, *SETTINGS.get(name, ()), out, **switches)
    return out


# the plain twin: one window at a time


def plain(name: str, given: Sequence[Float2D], d: int, *, partial: bool, **switches: object) -> Float2D:
    rows, columns = given[0].shape
    out = np.full((rows, columns), np.nan)
    for row in range(rows):
        for column in range(columns):
            windows = [np.full(d, np.nan) for _ in given]
            for window, x in zip(windows, given, strict=True):
                bars = x[max(row - d + 1, 0) : row + 1, column]
                window[d - len(bars) :] = bars
            is_whole = row >= d - 1 if name == "ts_beta_where" else not np.isnan(windows).any()
            if partial or is_whole:
                with np.errstate(all="ignore"):
                    value = PLAIN[name](windows, **switches)
                out[row, column] = value if np.isfinite(value) else np.nan
    return out


def _known(windows: Windows) -> list[Float2D]:
    is_known = ~np.isnan(windows).any(axis=0)
    return [window[is_known] for window in windows]


def _of_known(windows: Windows, function: Callable[[Float2D], np.floating], enough: int = 1) -> float:
    (x,) = _known(windows)
    return float(function(x)) if len(x) >= enough else np.nan


def _weighted(x: Float2D, weights: Float2D) -> float:
    is_known = ~np.isnan(x)
    return float((x[is_known] * weights[is_known]).sum() / weights[is_known].sum())


def _decay_linear(windows: Windows, order: str = "newest_heaviest") -> float:
    weights = np.arange(1, len(windows[0]) + 1).astype(np.float64)
    return _weighted(windows[0], weights if order == "newest_heaviest" else weights[::-1])


def _decay_power(windows: Windows) -> float:
    return _weighted(windows[0], (0.9 ** np.arange(len(windows[0]))[::-1]).astype(np.float64))


def _covariance(windows: Windows, ddof: int = 1) -> float:
    x, y = _known(windows)
    return float(((x - x.mean()) * (y - y.mean())).sum() / (len(x) - ddof)) if len(x) >= 2 else np.nan


def _correlation(windows: Windows, flat: str = "missing") -> float:
    x, y = _known(windows)
    if len(x) < 2:
        return np.nan
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0 if flat == "zero" else np.nan
    return float(np.round(np.corrcoef(x, y)[0, 1], 13))


def _beta(windows: Windows) -> float:
    x, y = _known(windows)
    if len(x) < 2 or np.ptp(y) == 0:
        return np.nan
    return float(((x - x.mean()) * (y - y.mean())).sum() / ((y - y.mean()) ** 2).sum())


def _beta_where(windows: Windows) -> float:
    x, y, c = windows
    return _beta([np.where(c == 1, x, np.nan), y])


def _line(x: Float2D) -> tuple[float, float, float]:
    """Slope, value at the newest bar, share of the variance explained."""
    time = np.arange(float(len(x)))
    known, then = x[~np.isnan(x)], time[~np.isnan(x)]
    if len(known) < 2:
        return np.nan, np.nan, np.nan
    slope = float(((then - then.mean()) * known).sum() / ((then - then.mean()) ** 2).sum())
    line = known.mean() + slope * (time - then.mean())
    left = ((known - line[~np.isnan(x)]) ** 2).sum()
    moved = ((known - known.mean()) ** 2).sum() if np.ptp(known) else 0.0
    return slope, float(line[-1]), float(1 - left / moved) if moved else np.nan


def _rsquare(windows: Windows, flat: str = "missing") -> float:
    slope, _, share = _line(windows[0])
    return 0.0 if flat == "zero" and np.isnan(share) and not np.isnan(slope) else share


def _factor_residual(windows: Windows) -> float:
    x, *factors = _known(windows)
    if len(x) < 5 or np.isnan([window[-1] for window in windows]).any():
        return np.nan
    regressors = np.column_stack([np.ones(len(x)), *factors])
    slopes = np.linalg.lstsq(regressors, x, rcond=None)[0]
    return float((x - regressors @ slopes)[-1])


def _place(windows: Windows, sign: float, extreme: str = "bars_ago", ties: str = "oldest") -> float:
    x = sign * windows[0]
    if np.isnan(x).all():
        return np.nan
    places = np.flatnonzero(x == np.nanmax(x))
    place = places[0] if ties == "oldest" else places[-1]
    return float(len(x) - 1 - place if extreme == "bars_ago" else place + 1)


def _rank(windows: Windows, scale: str = "fraction", ties: str = "average") -> float:
    newest = windows[0][-1]
    (x,) = _known(windows)
    if np.isnan(newest):
        return np.nan
    smaller, as_large = (x < newest).sum(), (x == newest).sum()
    shared = {"average": (as_large + 1) / 2, "min": 1.0, "max": as_large, "first": as_large}
    rank = smaller + np.float64(shared[ties])
    if scale == "ordinal":
        return float(rank)
    return float(rank / len(x) if scale == "fraction" else (rank - 1) / (len(x) - 1))


PLAIN: Mapping[str, Callable[..., float]] = {
    "ts_sum": lambda w: _of_known(w, np.sum),
    "ts_mean": lambda w: _of_known(w, np.mean),
    "ts_product": lambda w: _of_known(w, np.prod),
    "decay_linear": _decay_linear,
    "decay_power": _decay_power,
    "ts_cumsum_max": lambda w: _of_known(w, lambda x: np.cumsum(x).max()),
    "ts_cumsum_min": lambda w: _of_known(w, lambda x: np.cumsum(x).min()),
    "ts_std": lambda w, ddof=1: _of_known(w, lambda x: x.std(ddof=ddof), 2),
    "ts_cov": _covariance,
    "ts_corr": _correlation,
    "ts_beta": _beta,
    "ts_beta_where": _beta_where,
    "ts_slope": lambda w: _line(w[0])[0],
    "ts_rsquare": _rsquare,
    "ts_residual": lambda w: w[0][-1] - _line(w[0])[1],
    "ts_factor_residual": _factor_residual,
    "ts_min": lambda w: _of_known(w, np.min),
    "ts_max": lambda w: _of_known(w, np.max),
    "ts_argmin": lambda w, **switches: _place(w, -1, **switches),
    "ts_argmax": lambda w, **switches: _place(w, 1, **switches),
    "ts_rank": _rank,
    "ts_quantile": lambda w: _of_known(w, lambda x: np.quantile(x, 0.3)),
}


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize(("name", "switches"), SWITCHES, ids=_IDS)
def test_kernel_is_the_plain_loop(name: str, switches: Mapping[str, object], partial: bool) -> None:
    for rows, columns in ((26, 9), (19, 1), (3, 2)):
        given = inputs_of(name, panels(rows, columns))
        for d in (1, 2, 3, 5, 11, 30):
            if d < OPERATORS[name].min_window:
                continue
            expected = plain(name, given, d, partial=partial, **switches)
            for wanted in (rows, rows // 2, 1):
                found = computed(name, given, d, wanted, partial=partial, **switches)
                np.testing.assert_allclose(found, expected[rows - wanted :], rtol=1e-11, atol=2e-13)


@pytest.mark.parametrize("name", TAKES)
def test_bits_are_the_same_wherever_the_panel_begins_and_whatever_columns_it_has(name: str) -> None:
    given = inputs_of(name, [x + 1e5 for x in panels(60, 19, holes=0.004)])
    whole = computed(name, given, 7, 60)
    assert np.isfinite(whole).mean() > 0.3
    for skip in (1, 5, 13):
        later = computed(name, [x[skip:] for x in given], 7, 60 - skip)
        assert_same_bits(later[6:], whole[skip + 6 :])
    one = computed(name, [np.ascontiguousarray(x[:, 4:5]) for x in given], 7, 60)
    assert_same_bits(one, whole[:, 4:5])
    few = computed(name, [np.ascontiguousarray(x[:, 3:16]) for x in given], 7, 2)
    assert_same_bits(few, whole[-2:, 3:16])


@pytest.mark.parametrize("name", TAKES)
def test_wide_panel_taken_in_bands_gives_the_bits_of_narrow_ones(name: str) -> None:
    given = inputs_of(name, panels(45, 1_801, holes=0.002))
    whole = computed(name, given, 40, 45)
    for first, stop in ((0, 12), (800, 1_000), (1_790, 1_801)):
        narrow = computed(name, [np.ascontiguousarray(x[:, first:stop]) for x in given], 40, 45)
        assert_same_bits(narrow, whole[:, first:stop])


def test_many_rows_of_a_narrow_panel_are_one_series() -> None:
    x = np.random.default_rng(5).normal(0, 1, (3_000, 1))
    expected = pd.Series(x[:, 0]).rolling(9).max()
    np.testing.assert_array_equal(computed("ts_max", [x], 9, 3_000)[:, 0], expected)


def assert_same_bits(found: Float2D, expected: Float2D) -> None:
    np.testing.assert_array_equal(found, expected)
    is_known = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found[is_known]), np.signbit(expected[is_known]))


# equal values, high levels, large numbers


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("level", [0.1, 1 / 3, 1e9 + 0.1, -7e-5])
def test_equal_values_have_exactly_their_mean_and_no_spread(level: float, partial: bool) -> None:
    x = np.full((40, 3), level)
    moving = np.random.default_rng(1).normal(0, 1, (40, 3))
    for d in (2, 3, 7, 23):
        for name in ("ts_mean", "decay_linear", "decay_power", "ts_quantile"):
            assert (computed(name, [x], d, 18, partial=partial) == level).all()
        for name in ("ts_std", "ts_slope", "ts_residual"):
            assert (computed(name, [x], d, 18, partial=partial) == 0.0).all()
        assert (computed("ts_cov", [x, moving], d, 18, partial=partial) == 0.0).all()
        assert np.isnan(computed("ts_corr", [x, moving], d, 18, partial=partial)).all()
        assert (computed("ts_corr", [moving, x], d, 18, partial=partial, flat="zero") == 0.0).all()
        assert np.isnan(computed("ts_beta", [moving, x], d, 18, partial=partial)).all()


def test_small_moves_on_a_high_level_keep_their_spread() -> None:
    moves = np.random.default_rng(2).integers(-8, 9, (60, 9)).astype(np.float64) * 2.0**-20
    for name in ("ts_std", "ts_slope", "ts_residual"):
        high = computed(name, [moves + 2.0**30], 10, 50)
        np.testing.assert_allclose(high, computed(name, [moves], 10, 50), rtol=1e-12, atol=1e-20)


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("name", TAKES)
def test_what_is_no_finite_number_is_missing(name: str, partial: bool) -> None:
    draw = np.random.default_rng(9)
    given = [draw.choice([-1.7e308, -1e200, -0.0, 5e-324, 3.0, 1.7e308], (30, 9)) for _ in range(4)]
    found = computed(name, inputs_of(name, given), 6, 30, partial=partial)
    assert not np.isinf(found).any()


def test_extremes_and_quantiles_know_no_negative_zero() -> None:
    x = np.where(np.arange(40.0)[:, np.newaxis] % 2 == 0, 0.0, -0.0) + np.zeros((40, 8))
    for name in ("ts_min", "ts_max", "ts_quantile", "ts_cumsum_min", "ts_cumsum_max"):
        assert not np.signbit(computed(name, [x], 3, 38)).any()


# partial windows


def test_partial_windows_are_those_of_pandas() -> None:
    x, y = panels(60, 4, holes=0.3)[:2]
    frames = {"x": pd.DataFrame(x), "y": pd.DataFrame(y)}
    for d in (3, 10):
        rolling = frames["x"].rolling(d, min_periods=1)
        for name, expected in (
            ("ts_sum", rolling.sum()),
            ("ts_mean", rolling.mean()),
            ("ts_min", rolling.min()),
            ("ts_max", rolling.max()),
            ("ts_std", rolling.std()),
            ("ts_quantile", rolling.quantile(0.3)),
            ("ts_rank", rolling.rank(pct=True)),
        ):
            found = computed(name, [x], d, 60, partial=True)
            np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10, err_msg=name)
        covariance = rolling.cov(frames["y"])
        np.testing.assert_allclose(computed("ts_cov", [x, y], d, 60, partial=True), covariance, atol=1e-10)


# one at a time


def test_one_bar_has_no_spread_in_a_sample_and_none_to_speak_of_in_itself() -> None:
    x = panels(9, 9, holes=0.0)[0]
    assert np.isnan(computed("ts_std", [x], 1, 9)).all()
    assert (computed("ts_std", [x], 1, 9, ddof=0) == 0.0).all()


def test_correlation_of_two_bars_is_exactly_one_or_minus_one() -> None:
    x, y = np.random.default_rng(4).normal(0, 1, (2, 200, 9))
    found = computed("ts_corr", [x, y], 2, 199)
    expected = np.sign(np.diff(x, axis=0) * np.diff(y, axis=0))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("warmup", ["window", "first"])
def test_recursive_average_is_the_plain_loop(warmup: str) -> None:
    x = panels(50, 5, holes=0.2)[0]
    x[:9, 1] = np.nan
    out = np.empty_like(x)
    kernels_window.sma(x, 6, 2.0, out, warmup=warmup)  # type: ignore[arg-type]  # one of the two
    expected = np.full(x.shape, np.nan)
    for column in range(5):
        average, count = 0.0, 0
        for row in range(50):
            value = x[row, column]
            if np.isnan(value):
                continue
            average = (2 * value + 4 * average) / 6 if count else value
            count += 1
            if count >= 6 or warmup == "first":
                expected[row, column] = average
    np.testing.assert_allclose(out, expected, rtol=1e-12)
    assert (out[np.isfinite(out[:, 4]), 4] == 0.1).all()


def test_factors_that_depend_on_each_other_are_counted_once() -> None:
    x, y, z, _ = panels(30, 3, holes=0.0)
    y, z = np.repeat(y[:, :1], 3, axis=1), np.repeat(z[:, :1], 3, axis=1)
    twice = computed("ts_factor_residual", [x, y, z, 2 * y - z], 12, 19)
    flat = computed("ts_factor_residual", [x, y, z, np.full_like(x, 5.0)], 12, 19)
    np.testing.assert_allclose(twice, flat, rtol=1e-9, atol=1e-12)


def test_factors_common_to_all_columns_give_the_bits_of_one_column_alone() -> None:
    x, *factors = panels(30, 9, holes=0.01)
    given = [x, *(np.repeat(factor[:, :1], 9, axis=1) for factor in factors)]
    other = [*given[:3], given[3].copy()]
    other[3][:, 0] += 1.0  # Not common any more.
    found = computed("ts_factor_residual", given, 8, 23)
    assert_same_bits(computed("ts_factor_residual", other, 8, 23)[:, 1:], found[:, 1:])


_values = st.floats(allow_nan=True, allow_infinity=False, width=32)


@given(st.lists(_values, min_size=1, max_size=40), st.integers(1, 12), st.floats(0, 1))
def test_order_of_any_series_is_the_plain_one(values: list[float], d: int, q: float) -> None:
    x = np.array(values)[:, np.newaxis]
    given_ = [np.repeat(x, 8, axis=1)]
    for name in ("ts_rank", "ts_argmax", "ts_argmin", "ts_max", "ts_min"):
        found = computed(name, given_, d, len(x))
        np.testing.assert_array_equal(found[:, :1], plain(name, [x], d, partial=False))
    out = np.empty_like(given_[0])
    kernels_window.ts_quantile(given_[0], d, q, out)
    expected = pd.Series(x[:, 0]).rolling(d).quantile(q)
    scale = np.nanmax(np.abs(x), initial=0.0)
    np.testing.assert_allclose(out[:, 0], expected, rtol=1e-12, atol=1e-12 * scale)


@given(st.lists(st.tuples(_values, _values), min_size=1, max_size=30), st.integers(2, 8))
def test_correlation_of_any_series_stays_within_its_bounds(pairs: list[tuple[float, float]], d: int) -> None:
    x, y = (np.array(side, dtype=np.float64)[:, np.newaxis] for side in zip(*pairs, strict=True))
    found = computed("ts_corr", [x, y], d, len(x))
    assert (np.isnan(found) | (np.abs(found) <= 1.0)).all()
    np.testing.assert_array_equal(computed("ts_corr", [y, x], d, len(x)), found)


# borders


@pytest.mark.parametrize(
    ("x", "d", "out", "message"),
    [
        pytest.param(np.ones((4, 9)), 0, np.ones((4, 9)), "window of 1 row or more, found 0", id="no window"),
        pytest.param(
            np.ones((4, 9)), 2, np.ones((5, 9)), "at most 4 rows of out, found 5", id="too many rows"
        ),
        pytest.param(np.ones((4, 9)), 2, np.ones((4, 8)), r"out of shape \(4, 9\)", id="other columns"),
        pytest.param(np.ones((9, 4)).T, 2, np.ones((4, 9)), "C-contiguous float64 input", id="other order"),
        pytest.param(np.ones((4, 9), np.float32), 2, np.ones((4, 9)), "found float32", id="other type"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(x: Float2D, d: int, out: Float2D, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kernels_window.ts_sum(x, d, out)


def test_second_input_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"input of shape \(4, 9\)"):
        kernels_window.ts_cov(np.ones((4, 9)), np.ones((3, 9)), 2, np.ones((3, 9)))


def test_recursive_average_wants_all_rows() -> None:
    with pytest.raises(ValueError, match="expected 4 rows of out, found 3"):
        kernels_window.sma(np.ones((4, 9)), 3, 1.0, np.ones((3, 9)))


def test_quantile_beyond_one_is_refused() -> None:
    with pytest.raises(ValueError, match="from 0 to 1, found 80"):
        kernels_window.ts_quantile(np.ones((4, 9)), 3, 80, np.ones((4, 9)))


def test_panel_without_columns_or_rows_stays_empty() -> None:
    for shape in ((4, 0), (0, 9)):
        kernels_window.ts_sum(np.ones(shape), 2, np.empty(shape))
        kernels_window.ts_max(np.ones(shape), 2, np.empty(shape))


def test_inputs_may_be_read_only_and_are_not_written() -> None:
    given = panels(30, 9)
    before = [x.copy() for x in given]
    for x in given:
        x.flags.writeable = False
    for name in TAKES:
        computed(name, inputs_of(name, given), 5, 30)
        computed(name, inputs_of(name, given), 5, 30, partial=True)
    for x, was in zip(given, before, strict=True):
        np.testing.assert_array_equal(x, was)


def test_kernels_run_side_by_side_in_threads() -> None:
    given = panels(300, 40)

    def work(name: str) -> Float2D:
        return computed(name, inputs_of(name, given), 9, 300)

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(work, [*TAKES, *TAKES]))
    for name, found in zip([*TAKES, *TAKES], together, strict=True):
        assert_same_bits(found, work(name))


# compilation


def _kernels(*modules: ModuleType) -> dict[str, tuple[tuple[str, ...], list[object]]]:
    """Arguments of each kernel, and what it has been compiled or loaded for."""
    across = {"_rank", "_scale", "_neutralize"}
    return {
        name: (value.py_func.__code__.co_varnames, value.signatures)
        for module in modules
        for name, value in vars(module).items()
        if hasattr(value, "signatures") and value.targetoptions.get("nogil")
        if not name.startswith("_") or name in across
    }


def test_compiling_all_forgets_no_kernel_and_neither_of_its_readings() -> None:
    compile_share(0, 1)
    kernels = _kernels(kernels_sums, kernels_moments, kernels_order, kernels_factors, kernels_cross)
    assert len(kernels) == 20
    for name, (arguments, signatures) in kernels.items():
        assert len(signatures) >= (2 if "least" in arguments else 1), name


@pytest.mark.slow
def test_importing_compiles_and_loads_nothing() -> None:
    program = (
        "from tools.formulas import kernels_window, kernels_sums, kernels_cross\n"
        "print(kernels_sums.window_sum.signatures, kernels_cross._rank.signatures)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "[]"]
