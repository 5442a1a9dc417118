"""Features on one scale, by rules that were fitted on the past and say through when."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

import numpy as np
from pydantic import model_validator

from contracts.canonical import Real, Record, Sha256, Utc
from contracts.errors import InvariantBroken, ToolInputError
from contracts.market import Float1D
from tools.features import FeatureVector, Levels

MIN_ROWS = 30
"""Rows on which a column must be known before a rule is made for it."""
_ROUNDING = 1e-12
"""Quartiles nearer to each other than this, of their size, are the same but for their last digits."""
_IQR_OF_NORMAL = 1.3489795003921634
"""Interquartile range of a standard normal, so that the scale of a normal column is its deviation."""


class FeatureScaling(Record):
    """Centre and scale of each column; None where the past gives none."""

    schema_sha256: Sha256
    levels: Levels
    fitted_through: Utc
    n_rows: int
    centres: tuple[Real | None, ...]
    scales: tuple[Real | None, ...]

    @model_validator(mode="after")
    def _in_pairs(self) -> Self:
        if [each is None for each in self.centres] != [each is None for each in self.scales]:
            raise ValueError("expected a centre and a scale, or neither, for every column")
        return self


def fit_feature_scaling(vectors: Sequence[FeatureVector], through: datetime) -> FeatureScaling:
    """Median and interquartile range of each column, over the vectors up to a moment.

    Use it before a model is trained; keep the record with the model and scale by it for as long as the model
    is used.

    Parameters
    ----------
    vectors : sequence of FeatureVector
        Of one schema, any order; later ones than `through` are not read.
    through : datetime
        The end of the past.

    Returns
    -------
    FeatureScaling
        The scale of a column is its interquartile range / 1.349, which of a normal one is the standard
        deviation. A column that is known on fewer than 30 vectors, or whose quartiles are the same, has
        neither centre nor scale.

    Raises
    ------
    ToolInputError
        When no vector is from `through` or before, or they are of different schemas.

    Notes
    -----
    Quartiles, because features have jumps: one value cannot move the scale of a column. Look-ahead: none
    for who uses it after `through`. Cost: a sort a column.

    References
    ----------
    Huber, P. J., Ronchetti, E. M. (2009). Robust Statistics, 2nd edition, section 5: scale estimates.
    """
    past = [vector for vector in vectors if vector.as_of <= through]
    kinds = {(vector.schema.sha256, vector.levels) for vector in past}
    if len(kinds) != 1:
        found = f"{len(kinds)} kinds" if kinds else f"none of {len(vectors)}"
        raise ToolInputError(f"expected vectors of one schema by {through}, found {found}; choose the past")
    ((schema_sha256, levels),) = kinds
    table = np.vstack([vector.values for vector in past])
    rules = [_rule(column[np.isfinite(column)]) for column in table.T]
    return FeatureScaling(
        schema_sha256=schema_sha256,
        levels=levels,
        fitted_through=max(vector.as_of for vector in past),
        n_rows=len(past),
        centres=tuple(centre for centre, _ in rules),
        scales=tuple(scale for _, scale in rules),
    )


def scale_features(vector: FeatureVector, scaling: FeatureScaling) -> Float1D:
    """(value - centre) / scale of each column; NaN where the value is missing or the past gave no rule.

    Use it on every vector that a model trained on this scaling reads. Nothing is clipped: what lies far out
    is far out. InvariantBroken for a vector of another schema, or told by other levels.

    Parameters
    ----------
    vector : FeatureVector
        Of the schema that was fitted.
    scaling : FeatureScaling
        The rules.

    Returns
    -------
    array of shape (number of features,)
        Without unit: 1 is about a standard deviation of the past.

    Notes
    -----
    Look-ahead: the rules know the past through `fitted_through`; on earlier vectors they are in sample.

    References
    ----------
    Huber, P. J., Ronchetti, E. M. (2009). Robust Statistics, 2nd edition, section 5.
    """
    wanted, found = (scaling.schema_sha256, scaling.levels), (vector.schema.sha256, vector.levels)
    if wanted != found:
        raise InvariantBroken(
            f"expected features of schema {wanted[0][:12]} told by {wanted[1]}, found {found[0][:12]} by "
            f"{found[1]}; use the scaling fitted on them"
        )
    centres, scales = (
        np.array([np.nan if each is None else each for each in column])
        for column in (scaling.centres, scaling.scales)
    )
    scaled: Float1D = (vector.values - centres) / scales
    return scaled


def _rule(known: Float1D) -> tuple[float | None, float | None]:
    if len(known) < MIN_ROWS:
        return None, None
    low, middle, high = np.quantile(known, (0.25, 0.5, 0.75))
    if not high - low > _ROUNDING * max(abs(low), abs(high)):
        return None, None
    return float(middle), float((high - low) / _IQR_OF_NORMAL)
