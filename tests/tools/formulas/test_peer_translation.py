"""Our text in polars_ta's notation: what a benchmark beside it computes."""

import pytest

from bench.peers.run_polars_ta import translate
from tools.formulas.parse import parse


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("close - -1", "(CLOSE - (-1))"),
        ("-close", "(-1 * CLOSE)"),
        ("-close ^ 2", "(-1 * power(CLOSE, 2))"),
        ("rank(delta(close, 3))", "cs_rank(ts_delta(CLOSE, 3))"),
        ("ts_corr(close, volume, 5.9)", "ts_corr(CLOSE, VOLUME, 5)"),
        ("adv(20)", "ts_mean(VOLUME, 20)"),
        ("sma(close, 9, 2)", "ts_SMA_CN(CLOSE, 9, 2)"),
        ("close > open ? high : low", "if_else((CLOSE > OPEN), HIGH, LOW)"),
        ("ts_sum(close > open, 5)", "ts_sum(int_((CLOSE > OPEN)), 5)"),
        ("(close > open) * 2", "(int_((CLOSE > OPEN)) * 2)"),
        ("close > open && !(low < high)", "((CLOSE > OPEN) & (~(LOW < HIGH)))"),
        ("neutralize(close, sector)", "gp_demean(INDUSTRY, CLOSE)"),
        ("ts_slope(close, 5)", "ts_regression_slope(CLOSE, BAR, 5)"),
        ("ts_quantile(close, 5, 0.8)", "ts_percentage(CLOSE, 5, 0.80000000000000004)"),
    ],
)
def test_our_text_in_their_notation(ours: str, theirs: str) -> None:
    assert translate(parse(ours)) == theirs


def test_what_they_lack_is_named() -> None:
    with pytest.raises(LookupError, match="no ts_cumsum_max in their notation"):
        translate(parse("ts_cumsum_max(close, 5)"))
