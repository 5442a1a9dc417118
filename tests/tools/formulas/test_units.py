"""The unit that a tree proves: what scaling all prices or volumes does to the value."""

import pytest

from tools.formulas.operators import OPERATORS
from tools.formulas.parse import parse
from tools.formulas.units import _RULES, unit_text


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("close", "price"),
        ("close / delay(close, 1) - 1", "ratio"),
        ("close - 1", "mixed"),
        ("close - 1e-12", "price"),
        ("close + volume", "mixed"),
        ("log(close)", "log(price)"),
        ("delta(log(close), 2)", "ratio"),
        ("ts_sum(log(close), 2)", "mixed"),
        ("-log(close)", "mixed"),
        ("ts_std(log(volume), 5)", "ratio"),
        ("close * volume / 2", "price*volume"),
        ("(high * low)^0.5 - vwap", "price"),
        ("close^open", "mixed"),
        ("rank(close)^ts_rank(open, 5)", "ratio"),
        ("close > open", "ratio"),
        ("close > 0", "ratio"),
        ("close > 1", "mixed"),
        ("close > volume", "mixed"),
        ("close > open ? 1 : -1", "ratio"),
        ("close > 1 ? 1 : -1", "mixed"),
        ("close > open ? close : 0", "price"),
        ("close > open ? close : 1", "mixed"),
        ("min(close, 0)", "price"),
        ("min(close, 3)", "mixed"),
        ("ts_cov(close, volume, 5)", "price*volume"),
        ("ts_beta(close, volume, 5)", "price*volume^-1"),
        ("ts_beta_where(returns, returns, close > 1, 5)", "mixed"),
        ("ts_corr(close, log(volume + 1), 5)", "mixed"),
        ("ts_product(close, 3)", "mixed"),
        ("scale(close)", "ratio"),
        ("sign(delta(close, 1))", "ratio"),
        ("neutralize(adv(20), industry)", "volume"),
        ("rank(close - 1)", "mixed"),
        ("1 / close^2", "price^-2"),
    ],
)
def test_unit_is_what_the_tree_proves(text: str, unit: str) -> None:
    assert unit_text(parse(text)) == unit


def test_every_operator_has_a_rule() -> None:
    own = {"multiply", "divide", "power", "signed_power", "neutralize", "adv", "where"}
    assert own | set(_RULES) == set(OPERATORS)
