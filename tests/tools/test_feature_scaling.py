"""Rules fitted on the past: what they come to, what they leave alone, and what they refuse."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import InvariantBroken, ToolInputError
from contracts.market import Float2D
from tools.feature_scaling import FeatureScaling, fit_feature_scaling, scale_features
from tools.feature_schema import load_feature_schema
from tools.features import FeatureVector, Levels

SCHEMA = load_feature_schema()
WIDTH = len(SCHEMA.features)
START = datetime(2017, 1, 2, tzinfo=UTC)
LATE = START + timedelta(days=1000)


def vectors(table: Float2D, levels: Levels = "close") -> list[FeatureVector]:
    """A row an hour; columns that the table lacks are missing."""
    rows = np.full((len(table), WIDTH), np.nan)
    rows[:, : table.shape[1]] = table
    times = [START + timedelta(hours=n) for n in range(len(table))]
    return [
        FeatureVector("EURUSD", at, SCHEMA, levels, row, {}, ()) for at, row in zip(times, rows, strict=True)
    ]


def fitted(table: Float2D, through: datetime = LATE) -> FeatureScaling:
    return fit_feature_scaling(vectors(table), through)


def test_a_normal_column_is_scaled_by_about_its_deviation() -> None:
    table = np.random.default_rng(1).normal(5, 2, (4000, 1))
    found = fitted(table)
    assert found.centres[0] == pytest.approx(5, abs=0.12)
    assert found.scales[0] == pytest.approx(2, abs=0.12)
    scaled = [scale_features(vector, found)[0] for vector in vectors(table)]
    assert np.quantile(scaled, 0.5) == pytest.approx(0, abs=1e-9)
    assert np.subtract(*np.quantile(scaled, (0.75, 0.25))) == pytest.approx(1.34898, abs=1e-5)


def test_one_wild_value_moves_neither_centre_nor_scale_and_is_not_clipped() -> None:
    table = np.random.default_rng(1).normal(0, 1, (101, 1))
    wild = table.copy()
    wild[table.argmax()] = 1e6
    assert fitted(wild) == fitted(table)
    scale = fitted(table).scales[0]
    assert scale is not None
    assert max(scale_features(vector, fitted(wild))[0] for vector in vectors(wild)) > 0.9e6 / scale


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), cut=st.integers(40, 90))
def test_what_comes_after_the_past_is_not_read_whatever_the_order(seed: int, cut: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(100, 3))
    bent = table.copy()
    bent[cut:] *= 50
    through = START + timedelta(hours=cut - 1)
    shuffled = vectors(bent)
    rng.shuffle(shuffled)
    found = fit_feature_scaling(shuffled, through)
    assert found == fitted(table, through)
    assert (found.fitted_through, found.n_rows) == (through, cut)


@pytest.mark.parametrize(
    "column",
    [
        [np.nan] * 60,
        [1.0] * 60,
        [np.nan] * 31 + [1.0, 2.0] * 14 + [3.0],
        [0.0] * 50 + [1.0] * 10,
        [0.1 + 0.2, 0.3] * 30,
    ],
    ids=["never known", "never moved", "known 29 times", "mostly the same", "the same but for last digits"],
)
def test_column_of_which_the_past_tells_nothing_has_no_rule(column: Sequence[float]) -> None:
    table = np.column_stack([np.arange(60.0), column])
    found = fitted(table)
    assert (found.centres[1], found.scales[1]) == (None, None)
    scaled = scale_features(vectors(table)[-1], found)
    assert np.isfinite(scaled[0])
    assert np.isnan(scaled[1])


def test_missing_value_stays_missing() -> None:
    table = np.arange(60.0).reshape(60, 1)
    found = fitted(table)
    assert np.isnan(scale_features(vectors(np.array([[np.nan]]))[0], found)[0])


def test_rules_survive_being_written_down() -> None:
    found = fitted(np.random.default_rng(2).normal(size=(50, 2)))
    assert FeatureScaling.model_validate_json(found.model_dump_json()) == found


def test_without_a_past_or_with_two_kinds_of_vectors_nothing_is_fitted() -> None:
    rows = np.arange(60.0).reshape(60, 1)
    with pytest.raises(ToolInputError, match="found none of 60"):
        fitted(rows, START - timedelta(hours=1))
    with pytest.raises(ToolInputError, match="found 2 kinds"):
        fit_feature_scaling([*vectors(rows), *vectors(rows, "pivots")], LATE)


def test_vector_told_by_other_levels_is_refused() -> None:
    rows = np.arange(60.0).reshape(60, 1)
    with pytest.raises(InvariantBroken, match=r"told by close, found .* by pivots"):
        scale_features(vectors(rows, "pivots")[0], fitted(rows))


def test_centre_without_scale_is_refused() -> None:
    found = fitted(np.arange(60.0).reshape(60, 1))
    told = found.model_dump() | {"scales": (None, *found.scales[1:])}
    with pytest.raises(ValueError, match="a centre and a scale"):
        FeatureScaling.model_validate(told)
