"""The limits as a voter is told them: the tighter figure, and what of it is used."""

import pytest

from tests.tools.risk_scene import marks
from tools.limits import RiskLimits, limits_in_force


def in_force(limits: RiskLimits, **changes: object) -> dict[str, tuple[float, float | None]]:
    return {
        limit.name: (limit.allowed, limit.used)
        for limit in limits_in_force(limits, "crypto", marks(**changes))  # type: ignore[arg-type] # of AccountMarks
    }


def test_the_tighter_of_two_figures_is_in_force() -> None:
    found = in_force(RiskLimits(crypto_risk_pct=0.8, crypto_max_leverage=2, max_gross_leverage=1.5))
    assert found["risk_limit_pct"] == (0.8, None)
    assert found["leverage_limit"] == (1.5, None)
    assert in_force(RiskLimits(crypto_max_leverage=2))["leverage_limit"] == (2, None)


def test_a_fall_is_used_up_and_a_gain_is_not_a_negative_one() -> None:
    fell = in_force(RiskLimits(), equity="98000")
    for name in ("daily_loss_limit_pct", "drawdown_limit_pct"):
        assert fell[name][1] == pytest.approx(2)
    assert (fell["daily_loss_limit_pct"][0], fell["drawdown_limit_pct"][0]) == (3, 10)
    rose = in_force(RiskLimits(), equity="103000")
    assert rose["daily_loss_limit_pct"] == (3, 0)
