"""Every rule of the technical score, its edges, missing evidence, ties and the trend filter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.market import Market, Side, Timeframe
from contracts.records import Evidence, ScorePart, TechnicalScore
from tools.decision_settings import ScoreSettings
from tools.technical_score import REQUIRED_EVIDENCE, score_technicals

QUIET: dict[str, float | None] = {
    "rsi": 50.0,
    "macd_line": 0.0,
    "macd_signal": 0.0,
    "ema_fast": 1.1,
    "ema_slow": 1.1,
    "plus_di": 20.0,
    "minus_di": 20.0,
    "adx": 10.0,
    "percent_b": 0.5,
    "higher_ema_fast": 1.1,
    "higher_ema_slow": 1.1,
    "higher_plus_di": 20.0,
    "higher_minus_di": 20.0,
}
"""Evidence that gives no points to anyone."""


def evidence_of(values: dict[str, float | None]) -> dict[str, Evidence]:
    return {
        name: Evidence(
            evidence_id=name,
            tool=name,
            instrument_id="EURUSD",
            timeframe=Timeframe.H1,
            value=value,
            unit="points",
            n_obs=600,
            reason=None if value is not None else "needs 15 bars, has 9",
        )
        for name, value in values.items()
    }


def score_of(
    values: dict[str, float | None], market: Market = "forex", settings: ScoreSettings | None = None
) -> TechnicalScore:
    return score_technicals(evidence_of(QUIET | values), market, settings or ScoreSettings())


def part_of(score: TechnicalScore, name: str) -> ScorePart:
    return next(part for part in score.parts if part.name == name)


HIGHER_UP: dict[str, float | None] = {"higher_ema_fast": 1.2, "higher_plus_di": 30.0}
HIGHER_DOWN: dict[str, float | None] = {"higher_ema_fast": 1.0, "higher_plus_di": 10.0}
ALL_UP: dict[str, float | None] = QUIET | HIGHER_UP
ALL_UP |= {"rsi": 20.0, "macd_line": 1.0, "ema_fast": 2.0, "plus_di": 40.0, "adx": 40.0, "percent_b": -1.0}

RULES: list[tuple[str, dict[str, float | None], float, float, str]] = [
    ("rsi", {"rsi": 29.9}, 2, 0, "RSI 29.9 under 30"),
    ("rsi", {"rsi": 30.0}, 0, 0, "from 30 to 70"),
    ("rsi", {"rsi": 70.0}, 0, 0, "from 30 to 70"),
    ("rsi", {"rsi": 70.1}, 0, 2, "RSI 70.1 over 70"),
    ("macd", {"macd_line": 0.002, "macd_signal": 0.001}, 2, 0, "MACD 0.002 over its signal 0.001"),
    ("macd", {"macd_line": -0.002, "macd_signal": -0.001}, 0, 2, "MACD -0.002 under its signal -0.001"),
    ("macd", {"macd_line": 0.001, "macd_signal": 0.001}, 0, 0, "equal"),
    ("ema", {"ema_fast": 1.10001}, 1.5, 0, "fast EMA 1.10001 over slow EMA 1.1"),
    ("ema", {"ema_fast": 1.09999}, 0, 1.5, "under slow EMA"),
    ("directional", {"plus_di": 30.0, "adx": 25.1}, 1, 0, "+DI 30 over -DI 20 with ADX 25.1 over 25"),
    ("directional", {"minus_di": 30.0, "adx": 25.1}, 0, 1, "under -DI 30"),
    ("directional", {"plus_di": 30.0, "adx": 25.0}, 0, 0, "ADX 25 not over 25"),
    ("bollinger", {"percent_b": -0.01}, 1.5, 0, "close under the lower band"),
    ("bollinger", {"percent_b": 0.0}, 0, 0, "inside the bands"),
    ("bollinger", {"percent_b": 1.0}, 0, 0, "inside the bands"),
    ("bollinger", {"percent_b": 1.01}, 0, 1.5, "close over the upper band"),
    ("higher_trend", HIGHER_UP, 2, 0, "bullish"),
    ("higher_trend", HIGHER_DOWN, 0, 2, "bearish"),
    ("higher_trend", {"higher_ema_fast": 1.2, "higher_plus_di": 10.0}, 0, 0, "no trend"),
    ("higher_trend", {"higher_ema_fast": 1.2}, 0, 0, "no trend"),
]


@pytest.mark.parametrize(("name", "values", "buy", "sell", "why"), RULES)
def test_each_rule_gives_its_points_to_one_side_and_says_why(
    name: str, values: dict[str, float | None], buy: float, sell: float, why: str
) -> None:
    score = score_of(values)
    part = part_of(score, name)
    assert (part.buy, part.sell) == (buy, sell)
    assert why in part.why
    assert (score.buy, score.sell) == (buy, sell), "no other part may move"


def test_quiet_evidence_is_a_tie_that_proposes_nothing() -> None:
    score = score_of({})
    assert (score.side, score.value, score.higher_trend, score.is_opposed) == (None, 0, None, False)


def test_default_weights_sum_to_ten_points_a_side() -> None:
    everything_up = score_of(ALL_UP)
    assert (everything_up.buy, everything_up.sell, everything_up.side) == (10, 0, Side.BUY)
    assert sum(part.weight for part in everything_up.parts) == 10


def test_the_fuller_side_proposes_with_its_own_points_not_the_difference() -> None:
    score = score_of({"rsi": 20.0, "macd_line": 1.0, "percent_b": 1.5})
    assert (score.buy, score.sell, score.side, score.value) == (4, 1.5, Side.BUY, 4)


def test_equal_points_tie_although_both_are_large() -> None:
    score = score_of({"rsi": 20.0, "macd_line": -1.0})
    assert (score.buy, score.sell, score.side, score.value) == (2, 2, None, 2)


@pytest.mark.parametrize("missing", REQUIRED_EVIDENCE)
def test_row_without_value_silences_only_its_part_and_gives_the_reason(missing: str) -> None:
    values = ALL_UP | {missing: None}
    score = score_technicals(evidence_of(values), "forex", ScoreSettings())
    silent = [part for part in score.parts if part.buy == 0]
    assert [part.why for part in silent] == [f"no points: {missing} is missing: needs 15 bars, has 9"]


def test_absent_row_is_named_and_gives_no_points() -> None:
    score = score_technicals({}, "crypto", ScoreSettings())
    assert (score.buy, score.sell, score.side) == (0, 0, None)
    assert all("the report has no row" in part.why for part in score.parts)


def test_unknown_higher_trend_opposes_nothing() -> None:
    score = score_of({"rsi": 20.0, "higher_ema_fast": None})
    assert (score.side, score.higher_trend, score.is_opposed) == (Side.BUY, None, False)


@pytest.mark.parametrize(
    ("higher", "is_filtering", "is_opposed"),
    [(HIGHER_DOWN, True, True), (HIGHER_DOWN, False, False), (HIGHER_UP, True, False)],
)
def test_higher_trend_against_the_side_opposes_while_the_filter_is_on(
    higher: dict[str, float | None], is_filtering: bool, is_opposed: bool
) -> None:
    settings = ScoreSettings(higher_trend_filter=is_filtering)
    score = score_of({**higher, "rsi": 20.0, "macd_line": 1.0}, "forex", settings)
    assert (score.side, score.is_opposed) == (Side.BUY, is_opposed)


def test_higher_trend_does_not_oppose_a_tie() -> None:
    score = score_of({**HIGHER_DOWN, "rsi": 20.0})
    assert (score.side, score.is_opposed) == (None, False)


@pytest.mark.parametrize(
    ("market", "minimum"), [("forex", 2.5), ("futures", 3.0), ("crypto", 2.5), ("index", 3.0)]
)
def test_minimum_comes_from_the_market(market: Market, minimum: float) -> None:
    assert score_of({}, market).minimum == minimum


@pytest.mark.parametrize("wrong", [{"forex_minimum": 0.0}, {"crypto_minimum": -1.0}, {"forex_minimun": 2.0}])
def test_impossible_or_unknown_setting_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        ScoreSettings.model_validate(wrong)


@given(st.fixed_dictionaries({name: st.none() | st.floats(-200, 200) for name in REQUIRED_EVIDENCE}))
def test_score_of_anything_keeps_its_books(values: dict[str, float | None]) -> None:
    score = score_technicals(evidence_of(values), "forex", ScoreSettings())
    assert score.buy == sum(part.buy for part in score.parts)
    assert score.sell == sum(part.sell for part in score.parts)
    assert score.value == max(score.buy, score.sell) <= 10
    assert all(min(part.buy, part.sell) == 0 and part.why for part in score.parts)
    assert (score.side is None) == (score.buy == score.sell)


_mirror = st.fixed_dictionaries({name: st.floats(-200, 200) for name in REQUIRED_EVIDENCE})


@given(_mirror)
def test_mirrored_evidence_gives_the_mirrored_score(values: dict[str, float]) -> None:
    swaps = [
        ("macd_line", "macd_signal"),
        ("ema_fast", "ema_slow"),
        ("plus_di", "minus_di"),
        ("higher_ema_fast", "higher_ema_slow"),
        ("higher_plus_di", "higher_minus_di"),
    ]
    # Eighths are exact in binary, so that 100 - x and 1 - x mirror without rounding.
    known = {name: round(value * 8) / 8 for name, value in values.items()}
    mirrored = known | {"rsi": 100 - known["rsi"], "percent_b": 1 - known["percent_b"]}
    for one, other in swaps:
        mirrored[one], mirrored[other] = known[other], known[one]
    score = score_technicals(evidence_of(dict(known)), "forex", ScoreSettings())
    mirror = score_technicals(evidence_of(dict(mirrored)), "forex", ScoreSettings())
    assert (mirror.buy, mirror.sell) == (score.sell, score.buy)
