"""Change points: the cheapest cut against a plain search and ruptures, and on series of known changes."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.market import Float1D
from tests.tools.paired_bars import of_returns
from tools.change_points import NO_CHANGE, cheapest_cut, find_segments, normal_scores
from tools.registry import get_tool
from tools.shared_bars import SharedBars

RUPTURES = (
    (1, 300, (1.0, 2.5), (149,)),
    (2, 400, (1.0, 3.0, 1.0, 2.0), (100, 197, 301)),
    (3, 240, (1.0, 1.0), ()),
    (4, 500, (2.0, 1.0, 1.3, 4.0, 1.0), (100, 300, 400)),
)
"""Of ruptures 1.1.10: Pelt(min_size=20, jump=1) on the standardised `swell` with penalty 3 ln n; its model
"normal" and a cost of n ln(variance) cut alike."""


def swell(seed: int, n: int, sizes: tuple[float, ...]) -> Float1D:
    """Sums of sines, the same on every machine, in parts of these sizes."""
    t = np.arange(1, n + 1.0)
    x = np.sin(t * t * 0.37 * seed) + np.sin(t * t * t * 0.011) + np.sin(t * 1.7 + seed)
    out: Float1D = x * np.repeat(sizes, -(-n // len(sizes)))[:n]
    return out


def plain_cost(values: list[float]) -> float:
    return len(values) * math.log(statistics.pvariance(values))


def plain_cut(values: list[float], shortest: int, penalty: float) -> tuple[float, tuple[int, ...]]:
    """Every cut there is, by recursion over the place of the last one."""
    best: dict[int, tuple[float, tuple[int, ...]]] = {}
    for end in range(shortest, len(values) + 1):
        options: list[tuple[float, tuple[int, ...]]] = [(plain_cost(values[:end]), ())]
        for begin in range(shortest, end - shortest + 1):
            cost, cuts = best[begin]
            options.append((cost + penalty + plain_cost(values[begin:end]), (*cuts, begin)))
        best[end] = min(options)
    return best[len(values)]


@settings(max_examples=10)
@given(
    seed=st.integers(0, 2**32 - 1), ratio=st.floats(0.3, 3), shift=st.floats(-3, 3), penalty=st.floats(1, 15)
)
def test_cut_is_the_cheapest_of_all(seed: int, ratio: float, shift: float, penalty: float) -> None:
    values = np.random.default_rng(seed).normal(size=60)
    values[25:40] = values[25:40] * ratio + shift
    found = cheapest_cut(values, shortest=5, penalty=penalty)
    assert found == plain_cut(values.tolist(), 5, penalty)[1]


@pytest.mark.parametrize(("seed", "n", "sizes", "cuts"), RUPTURES)
def test_cut_is_that_of_ruptures(seed: int, n: int, sizes: tuple[float, ...], cuts: tuple[int, ...]) -> None:
    assert cheapest_cut(swell(seed, n, sizes), shortest=20, penalty=3 * math.log(n)) == cuts


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_scores_are_normal_quantiles_of_mean_ranks(seed: int) -> None:
    values = np.round(np.random.default_rng(seed).normal(size=80), 1)
    law = statistics.NormalDist()
    for value, score in zip(values, normal_scores(values), strict=True):
        rank = (values < value).sum() + ((values == value).sum() + 1) / 2
        assert score == pytest.approx(law.inv_cdf(rank / 81), rel=1e-12)


@pytest.mark.parametrize("law", ["normal", "student"])
def test_known_change_of_volatility_is_found_near_its_place(law: str) -> None:
    rng, hits, strengths = np.random.default_rng(71), 0, []
    for _ in range(60):
        values = rng.normal(size=500) if law == "normal" else rng.standard_t(4, size=500)
        values[400:] *= 2.5
        found = find_segments(values)
        assert found is not None
        hits += bool(found.starts) and abs(found.starts[-1] - 400) <= 15
        strengths += [found.strength] if found.strength is not None else []
    assert hits >= 51
    assert np.median(strengths) > 2


def test_known_change_of_level_is_found() -> None:
    rng = np.random.default_rng(72)
    values = rng.normal(size=500)
    values[200:] += 1.5
    found = find_segments(values)
    assert found is not None
    assert len(found.starts) == 1
    assert abs(found.starts[0] - 200) <= 8


@pytest.mark.parametrize("law", ["normal", "student"])
def test_independent_values_are_hardly_ever_cut_whatever_their_tails(law: str) -> None:
    rng = np.random.default_rng(73)
    draws = [rng.normal(size=500) if law == "normal" else rng.standard_t(3, size=500) for _ in range(60)]
    cuts = [find_segments(values) for values in draws]
    # One in a hundred would give more than 4 of 60 once in three thousand times.
    assert sum(bool(found and found.starts) for found in cuts) <= 4


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), power=st.sampled_from([1.0, 3.0]), factor=st.floats(1e-3, 1e3))
def test_only_ranks_count(seed: int, power: float, factor: float) -> None:
    values = np.random.default_rng(seed).normal(size=150)
    values[90:] *= 3
    assert find_segments(factor * np.sign(values) * np.abs(values) ** power) == find_segments(values)


def test_strength_is_the_gain_of_the_newest_cut_over_its_penalty() -> None:
    values = np.random.default_rng(74).normal(size=300)
    values[100:180] *= 4
    found = find_segments(values)
    assert found is not None
    assert len(found.starts) == 2
    scores = normal_scores(values).tolist()
    first, last = found.starts
    gain = plain_cost(scores[first:]) - plain_cost(scores[first:last]) - plain_cost(scores[last:])
    assert found.strength == pytest.approx(gain / (3 * math.log(300)), rel=1e-9)
    assert found.strength is not None
    assert found.strength > 1


def test_tools_count_from_the_newest_change_and_compute_it_once() -> None:
    rng = np.random.default_rng(75)
    returns = np.r_[rng.normal(0, 1e-3, 500), rng.normal(0, 4e-3, 60)]
    bars = SharedBars.of(of_returns(returns))
    since, strength = (get_tool(name).call(bars) for name in ("bars_since_change", "change_strength"))
    segments = find_segments(returns[-500:])
    assert segments is not None
    assert since.value == 500 - segments.starts[-1]
    assert since.value == pytest.approx(60, abs=8)
    assert strength.value == pytest.approx(segments.strength, rel=1e-9)
    assert since.n_obs == strength.n_obs == 501
    assert sum("_segments_of" in str(key) for key in bars.kept) == 1


def test_quiet_and_still_markets_have_reasons() -> None:
    rng = np.random.default_rng(76)
    returns = rng.normal(0, 1e-3, 500)
    still = returns.copy()
    still[300:320] = 0.0
    for name in ("bars_since_change", "change_strength"):
        assert get_tool(name).call(of_returns(returns)).reason == NO_CHANGE
        found = get_tool(name).call(of_returns(still))
        assert found.reason == "undefined: no price has moved for 20 bars"
    still[310] = 1e-3
    assert find_segments(still) is not None
