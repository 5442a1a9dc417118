"""Bars of meters, exact to an eighth of a character."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.line_panel import bar

EIGHTHS = " ▏▎▍▌▋▊▉█"


@given(eighths=st.integers(0, 8 * 40), rest=st.floats(0.01, 0.99), width=st.integers(1, 40))
def test_a_bar_is_exact_to_an_eighth_and_never_wider_than_its_room(
    eighths: int, rest: float, width: int
) -> None:
    drawn = bar((eighths + rest) / (8 * width), width)
    assert len(drawn) == width
    assert sum(map(EIGHTHS.index, drawn)) == min(eighths, 8 * width)


@pytest.mark.parametrize("used", [-0.5, 0.0, -1e-9])
def test_a_bar_of_nothing_is_empty(used: float) -> None:
    assert bar(used, 10) == " " * 10


@pytest.mark.parametrize(("used", "eighths"), [(0.29, 23), (0.7, 56), (1 - 1e-12, 80), (1.0, 80)])
def test_a_share_that_binary_cannot_hold_fills_what_a_person_expects(used: float, eighths: int) -> None:
    assert sum(map(EIGHTHS.index, bar(used, 10))) == eighths
