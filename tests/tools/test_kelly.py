from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.market import Side
from contracts.records import Outcome, TradeStats
from tools.kelly import kelly_bound, trade_stats
from tools.limits import KellySettings, RiskLimits

PLAIN = KellySettings(min_trades=1, fraction=1.0, shrink_trades=0.0, cap_pct=10.0)
MULTIPLES = st.lists(st.floats(-20, 20, allow_nan=False).map(lambda r: round(r, 6)), min_size=1, max_size=60)


def outcome(r_multiple: float | None) -> Outcome:
    at = datetime(2024, 3, 6, tzinfo=UTC)
    money: dict[str, Any] = dict.fromkeys(
        ("quantity", "entry_price", "exit_price", "gross_pnl", "costs", "net_pnl"), Decimal(1)
    )
    return Outcome(
        cycle_id="ab" * 32,
        as_of=at,
        parents=(),
        client_order_id="db-1",
        instrument_id="EURUSD",
        market="forex",
        side=Side.BUY,
        exit_leg="exit",
        opened_at=at,
        closed_at=at,
        bars_held=1,
        currency="USD",
        r_multiple=r_multiple,
        max_favourable_r=None,
        max_adverse_r=None,
        entry_slippage=Decimal(0),
        exit_slippage=Decimal(0),
        price_path="ab" * 32,
        **money,
    )


def stats_of(*multiples: float | None) -> TradeStats:
    return trade_stats([outcome(r) for r in multiples])


def some(n: int, rate: float | None, win: float | None, loss: float | None) -> TradeStats:
    return TradeStats(n_closed=n, win_rate=rate, mean_win_r=win, mean_loss_r=loss)


def test_stats_of_two_wins_one_loss_and_a_scratch_count_the_scratch_as_a_loss() -> None:
    assert stats_of(2.0, 1.0, -1.0, 0.0) == some(4, 0.5, 1.5, 0.5)


def test_stats_of_no_trades_have_no_averages() -> None:
    assert stats_of() == some(0, None, None, None)


def test_a_trade_without_a_stop_is_not_counted() -> None:
    assert stats_of(None, 1.0) == some(1, 1.0, 1.0, None)


@given(MULTIPLES)
def test_win_rate_and_means_reproduce_the_mean_multiple(multiples: list[float]) -> None:
    s = stats_of(*multiples)
    assert s.win_rate is not None
    expected = s.win_rate * (s.mean_win_r or 0) - (1 - s.win_rate) * (s.mean_loss_r or 0)
    assert expected == pytest.approx(float(np.mean(multiples)), abs=1e-8)


def test_29_trades_do_not_bind_and_say_so() -> None:
    bound = kelly_bound(some(29, 0.0, None, 1.0), KellySettings())
    assert bound.fraction is None
    assert "29 closed trades, needs 30" in bound.note


def test_30_trades_bind() -> None:
    assert kelly_bound(some(30, 0.5, 1.1, 1.0), KellySettings()).fraction is not None


def test_full_kelly_is_the_published_formula() -> None:
    # W 0.55 and R 1.5 give 0.55 - 0.45 / 1.5 = 0.25, here under a cap that is lifted by hand.
    full = KellySettings.model_construct(min_trades=30, fraction=1.0, shrink_trades=0.0, cap_pct=100.0)
    assert kelly_bound(some(100, 0.55, 1.5, 1.0), full).fraction == pytest.approx(0.25)


def test_half_kelly_shrunk_by_sample_size() -> None:
    # K = 0.52 - 0.48 / 1 = 0.04, half of it, times 60 / (60 + 30).
    bound = kelly_bound(some(60, 0.52, 1.0, 1.0), KellySettings())
    assert bound.fraction == pytest.approx(0.04 * 0.5 * 2 / 3)


def test_shrinking_the_fraction_is_shrinking_the_win_rate_toward_break_even() -> None:
    n, rate, win = 40, 0.45, 1.5
    share, break_even = n / (n + 30), 1 / (1 + win)
    shrunk_rate = share * rate + (1 - share) * break_even
    full = KellySettings(fraction=1.0, cap_pct=10.0)
    expected = shrunk_rate - (1 - shrunk_rate) / win
    assert kelly_bound(some(n, rate, win, 1.0), full).fraction == pytest.approx(expected)


def test_losses_over_one_r_lower_the_bound_and_small_losses_do_not_raise_it() -> None:
    def bound(win: float, loss: float) -> float | None:
        return kelly_bound(some(100, 0.52, win, loss), PLAIN).fraction

    assert bound(2.0, 2.0) == pytest.approx(0.04 / 2)
    assert bound(0.5, 0.5) == pytest.approx(0.04)


def test_a_strong_record_is_capped() -> None:
    bound = kelly_bound(some(100, 0.9, 3.0, 1.0), KellySettings())
    assert bound.fraction == pytest.approx(0.02)
    assert "capped at 2 %" in bound.note


def test_break_even_stands_aside_until_a_person_resets() -> None:
    bound = kelly_bound(some(50, 0.5, 1.0, 1.0), KellySettings())
    assert bound.fraction == 0
    assert "until a person resets" in bound.note


def test_a_losing_record_stands_aside() -> None:
    assert kelly_bound(some(50, 0.3, 1.0, 1.0), KellySettings()).fraction == 0


def test_no_wins_stands_aside() -> None:
    bound = kelly_bound(some(40, 0.0, None, 1.0), KellySettings())
    assert bound.fraction == 0
    assert "not one win in 40" in bound.note


def test_no_losses_uses_the_limit_of_the_formula_and_the_cap() -> None:
    assert kelly_bound(some(40, 1.0, 1.2, None), KellySettings()).fraction == pytest.approx(0.02)


def test_only_scratches_beside_wins_use_the_win_rate() -> None:
    assert kelly_bound(some(100, 0.05, 1.0, 0.0), PLAIN).fraction == pytest.approx(0.05)


@pytest.mark.parametrize(
    "broken",
    [
        some(40, None, 1.0, 1.0),
        some(40, 1.5, 1.0, 1.0),
        some(40, -0.1, 1.0, 1.0),
        some(40, 0.5, None, 1.0),
        some(40, 0.5, -1.0, 1.0),
        some(40, 0.5, 1.0, None),
        some(40, 0.5, 1.0, -1.0),
    ],
)
def test_statistics_that_make_no_sense_refuse(broken: TradeStats) -> None:
    bound = kelly_bound(broken, KellySettings())
    assert bound.fraction == 0
    assert "make no sense" in bound.note


@given(MULTIPLES)
def test_the_bound_lies_between_zero_and_the_cap_and_is_zero_exactly_without_an_edge(
    multiples: list[float],
) -> None:
    bound = kelly_bound(stats_of(*multiples), PLAIN)
    assert bound.fraction is not None
    assert 0 <= bound.fraction <= 0.10
    edge = float(np.mean(multiples))
    if abs(edge) > 1e-6:
        assert (bound.fraction > 0) == (edge > 0)


@given(st.integers(30, 5000), st.floats(0.5, 0.99), st.floats(1.01, 5))
def test_more_trades_with_the_same_figures_never_lower_the_bound(n: int, rate: float, win: float) -> None:
    fewer = kelly_bound(some(n, rate, win, 1.0), KellySettings()).fraction
    more = kelly_bound(some(n + 1, rate, win, 1.0), KellySettings()).fraction
    assert fewer is not None
    assert more is not None
    assert fewer <= more


def test_one_number_tightens_every_market_and_a_market_figure_never_loosens() -> None:
    assert RiskLimits().risk_pct("crypto") == 0.8
    assert RiskLimits().risk_pct("forex") == 1.0
    assert RiskLimits(risk_per_trade_pct=0.5).risk_pct("crypto") == 0.5
    assert RiskLimits(forex_risk_pct=2.0).risk_pct("forex") == 1.0


@pytest.mark.parametrize(
    "changes",
    [
        {"risk_per_trade_pct": 0},
        {"risk_per_trade_pct": float("nan")},
        {"risk_per_trade_pct": 50},
        {"max_drawdown_pct": -1},
        {"max_dayly_loss_pct": 3},
        {"kelly": {"fraction": 1.5}},
        {"kelly": {"min_trade": 3}},
    ],
)
def test_impossible_or_unknown_limits_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RiskLimits(**changes)
