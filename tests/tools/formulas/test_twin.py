"""All 810 formulas against the plain twin, cell by cell.

The twin (`tests/plain/`) was written from the published texts by someone who had not seen the engine. Where
two values are equal on paper, a rank or a comparison may part them by their last bits. The twin, with each
of its steps shaken by 1e-14, shows which cells hang on that; these are counted apart.
"""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pytest

from tests.plain.alpha101 import ALPHA101
from tests.plain.alpha191 import ALPHA191
from tests.plain.operators import Float2D, shaken
from tests.plain.qlib_sets import ALPHA158, ALPHA360
from tests.tools.formulas.panels import random_panel, unrelated_panel
from tools.formulas.catalogue import published
from tools.formulas.engine import Panel, compute_formulas

TWIN = {**ALPHA101, **ALPHA191, **ALPHA158, **ALPHA360}
NEEDS_MORE_INSTRUMENTS = {"alpha191_064"}
"""Short correlations of ranks are flat among few instruments; see `test_formulas_known_among_many`."""

PANELS = {
    "smooth": random_panel(300, 9),
    "with holes and ticks": random_panel(300, 9, seed=2, holes=0.001, decimals=2),
    "unrelated": unrelated_panel(300, 11),
}


def differs(found: Float2D, expected: Float2D) -> npt.NDArray[np.bool_]:
    missing = np.isnan(expected)
    off = np.abs(found - expected) > 1e-9 * np.abs(expected)
    return np.where(missing, ~np.isnan(found), np.isnan(found) | off)


@pytest.fixture(scope="module", params=PANELS)
def panel(request: pytest.FixtureRequest) -> Panel:
    return PANELS[request.param]


@pytest.fixture(scope="module")
def computed(panel: Panel) -> Mapping[str, Float2D]:
    return compute_formulas(TWIN, panel)


@pytest.mark.slow
def test_every_formula_is_the_twins_cell_by_cell(panel: Panel, computed: Mapping[str, Float2D]) -> None:
    assert list(TWIN) == list(published())
    wrong, n_tied, n_known = [], 0, 0
    for name, plain in TWIN.items():
        expected = plain(panel)
        is_off = differs(computed[name], expected)
        n_known += int(np.isfinite(expected).sum())
        if is_off.any():
            n_tied += int(is_off.sum())
            if not _hang_on_last_bits(is_off, plain, panel, expected):
                wrong.append(name)
    assert not wrong
    assert n_tied < n_known / 1500


def _hang_on_last_bits(
    cells: npt.NDArray[np.bool_], plain: Callable[[Panel], Float2D], panel: Panel, expected: Float2D
) -> bool:
    """Whether each of the cells has another value in one of the shaken runs."""
    left = cells
    for seed in range(40):
        with shaken(seed):
            left = left & ~differs(plain(panel), expected)
        if not left.any():
            return True
    return False


@pytest.mark.slow
def test_every_formula_has_values() -> None:
    found = compute_formulas(TWIN, PANELS["smooth"])
    empty = {name for name, values in found.items() if not np.isfinite(values).any()}
    assert empty <= NEEDS_MORE_INSTRUMENTS


def test_formulas_known_among_many() -> None:
    found = compute_formulas(sorted(NEEDS_MORE_INSTRUMENTS), random_panel(200, 80))
    assert all(np.isfinite(values).mean() > 0.05 for values in found.values())
