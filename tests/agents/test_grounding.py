"""What a reason may say about numbers: each rule from both sides, then whole answers that were held out."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.grounding import Citable, ungrounded
from agents.written_numbers import mask_other_numbers, written_numbers
from bench.grounding import measure_held_out
from contracts.market import Timeframe

KNOWN = (
    Citable("rsi", 58.3172, "points 0-100"),
    Citable("rsi_short", 71.94, "points 0-100"),
    Citable("macd_line", -0.000991, "price"),
    Citable("macd_signal", -0.000723, "price"),
    Citable("macd_histogram", -0.000268, "price"),
    Citable("ema_fast", 1.11851, "price"),
    Citable("ema_slow", 1.11724, "price"),
    Citable("adx", 34.8356, "points 0-100"),
    Citable("plus_di", 31.685, "points 0-100"),
    Citable("minus_di", 12.231, "points 0-100"),
    Citable("atr", 0.000905, "price"),
    Citable("bollinger_upper", 1.12117, "price"),
    Citable("bollinger_lower", 1.11549, "price"),
    Citable("percent_b", 0.7374, "fraction of the band"),
    Citable("bandwidth", 0.005079, "fraction of the middle band"),
    Citable("realized_volatility", 0.000499, "log return per bar"),
    Citable("higher_rsi", 62.5425, "points 0-100"),
    Citable("higher_adx", 16.567, "points 0-100"),
    Citable("technical_score", 4.5, "score"),
    Citable("score_minimum", 2.5, "score"),
    Citable("composite_strength", -1.1691, "sigma"),
    Citable("bid", 1.11910, "price"),
    Citable("ask", 1.11919, "price"),
    Citable("spread", 0.00009, "price"),
    Citable("win_rate", 0.43, "ratio"),
    Citable("equity", 100_000.0, "money"),
    Citable("lower_wick_share", 0.357, "ratio"),
)
OWN = (
    Citable("entry", 1.11919, "price"),
    Citable("stop", 1.11738, "price"),
    Citable("target", 1.12191, "price"),
    Citable("quantity", 552_486.0, "units"),
    Citable("lots", 5.52486, "lots"),
    Citable("risk", 1000.0, "money"),
    Citable("risk_pct", 1.0, "%"),
)


def flagged(text: str) -> tuple[str, ...]:
    return ungrounded(text, KNOWN, OWN, pip=1e-4, timeframe=Timeframe.H1)


def cases(texts: str) -> list[str]:
    return [line.strip() for line in texts.strip().splitlines()]


@pytest.mark.parametrize(
    "text",
    cases("""
    RSI 58.3
    The RSI of 58 is neutral.
    RSI is about 60.
    RSI at 58.31, cut and not rounded.
    {"rsi": 58.3172, "adx": 34.84}
    RSI is 58.3; ADX reads 34.84
    58.3 on the RSI and 34.8 on the ADX
    RSI and ADX are 58.3 and 34.8 respectively.
    +DI (31.7) beats -DI (12.2), a difference of 19.5.
    MACD is below its signal line (-0.00099 vs -0.00072).
    MACD/Signal/Hist: -0.00099/-0.00072/-0.00027
    MACD of −0.00099, or -9.91e-04
    the lower_wick_share is 35.7%
    The bands (1.1155-1.1212) are narrow, bandwidth 0.51%.
    The upper band at 1.1212 is far, the lower at 1.1155 near.
    Realized volatility of 5.0 bp a bar, or 0.05%.
    ATR of 0.000905, 9.05 pips
    Position of 552k units, 5.52 lots, risking $1,000 or 1% of the $100k equity.
    The score of 4.5 clears the minimum of 2.5.
    """),
)
def test_true_numbers_pass_however_they_are_written(text: str) -> None:
    assert flagged(text) == ()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("RSI 53.8", "53.8"),
        ("RSI at 58.4", "58.4"),
        ("RSI is about 80.", "80"),
        ("ADX (58.3) is strong.", "58.3"),
        ("RSI and ADX are 34.8 and 34.8", "34.8"),
        ("+DI at 12.2", "12.2"),
        ("The upper band sits at 1.1155.", "1.1155"),
        ("ATR of 0.00905", "0.00905"),
        ("ATR of 90.5 pips", "90.5"),
        ("CCI at 58.3", "58.3"),
        ("The daily RSI is 58.3", "58.3"),
        ("EMA(200) at 1.1050", "1.1050"),
        ("Support lies at 1.1095.", "1.1095"),
        ("Volume is 23% above average.", "23%"),
        ("The pair fell 0.62% yesterday.", "0.62%"),
        ("Risk of 2% of equity", "2%"),
        ("score 5.4", "5.4"),
        ("We gain 2:1.", "2:1"),
        ("RSI of 58.33333333333333333333333333333333333", "58.33333333333333333333333333333333333"),
    ],
)
def test_false_number_is_returned_as_it_is_written(text: str, number: str) -> None:
    assert flagged(text) == (number,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("schedule_cost is 12.3 bps", ()),
        ("schedule_cost of 12.3 basis points", ()),
        ("schedule_cost of 0.123%", ()),
        ("schedule_cost of 1235 bps", ("1235",)),
        ("schedule_cost of 12.3%", ("12.3%",)),
    ],
)
def test_a_value_in_basis_points_reads_as_such_and_as_a_hundredth_in_percent(
    text: str, expected: tuple[str, ...]
) -> None:
    assert ungrounded(text, [Citable("schedule_cost", 12.3456, "bps")]) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4h RSI of 62.5, 1h RSI of 58.3", ()),
        ("RSI on the 4h is 62.5 and hourly 58.3", ()),
        ("higher_rsi=62.5", ()),
        ("4h RSI of 58.3", ("58.3",)),
        ("hourly RSI of 62.5", ("62.5",)),
        ("RSI is 62.5", ("62.5",)),
    ],
)
def test_a_value_of_the_other_timeframe_is_false(text: str, expected: tuple[str, ...]) -> None:
    assert flagged(text) == expected


def test_words_for_a_timeframe_follow_the_decision() -> None:
    assert ungrounded("daily RSI of 62.5, 4h RSI of 58.3", KNOWN, timeframe=Timeframe.H4) == ()
    assert ungrounded("daily RSI of 58.3", KNOWN, timeframe=Timeframe.H4) == ("58.3",)
    assert ungrounded("daily RSI of 62.5, 4h RSI of 58.3", KNOWN) == ()


def test_parameters_in_a_name_tell_one_average_from_another() -> None:
    averages = (Citable("ema_fast(20)", 1.11851, "price"), Citable("ema_slow(50)", 1.11724, "price"))
    right = ("EMA20 at 1.1185, EMA(50) 1.1172", "the 50-period EMA at 1.1172", "EMA 20 = 1.1185")
    wrong = ("EMA20 at 1.1172", "the 50-period EMA at 1.1185", "EMA(100) at 1.1172")
    assert [ungrounded(text, averages) for text in right] == [(), (), ()]
    assert all(ungrounded(text, averages) for text in wrong)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Strength of -1.17 sigma", ()),
        ("The signal is down 1.17 sigma.", ()),
        ("1.17 sigma to the sell side", ()),
        ("one sigma to the downside", ()),
        ("MACD is 0.00099 below zero.", ()),
        ("strength 1.17", ("1.17",)),
        ("strength +1.17", ("+1.17",)),
        ("RSI at -58.3", ("-58.3",)),
        ("MACD is 0.00099 above zero.", ("0.00099",)),
        ("The range 1.1155-1.1212 is the band's.", ()),
    ],
)
def test_a_sign_agrees_or_a_word_tells_it(text: str, expected: tuple[str, ...]) -> None:
    assert flagged(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The fast EMA is 12.7 pips above the slow EMA.", ()),
        ("The fast EMA is 21.7 pips above the slow EMA.", ("21.7",)),
        ("The stop is 18.1 pips away, the target 27.2 pips.", ()),
        ("The stop is 2 ATR wide and the target pays 1.5R, that is 1.5:1.", ()),
        ("The stop is 35 pips away.", ("35",)),
        ("a 12.7 pip profit is likely", ("12.7",)),
        ("RSI of 12.7 pips", ("12.7",)),
    ],
)
def test_only_distances_between_named_prices_and_reward_to_risk_may_be_computed(
    text: str, expected: tuple[str, ...]
) -> None:
    assert flagged(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RSI 58.3 is under 70 and over 30.", ()),
        ("RSI has room below the 70 level.", ()),
        ("RSI is between 50 and 60, ADX over 25.", ()),
        ("ADX in the mid-30s", ()),
        ("If RSI falls below 30 I would buy.", ()),
        ("RSI has not crossed above 70.", ()),
        ("ADX is 34.8. Above 25 means a trend.", ()),
        ("RSI is over 70.", ("70",)),
        ("ADX is below the 25 threshold.", ("25",)),
        ("RSI is at the 70 level.", ("70",)),
        ("RSI in the low 70s", ("70",)),
        ("RSI in the 30-40 range", ("40",)),
        ("RSI over 57.9", ("57.9",)),
        ("RSI is 65, well above 50.", ("65",)),
        ("CCI above 100", ("100",)),
        ("price broke 1.1250", ("1.1250",)),
    ],
)
def test_a_level_of_a_scale_passes_only_where_it_hides_no_reading(
    text: str, expected: tuple[str, ...]
) -> None:
    assert flagged(text) == expected


@pytest.mark.parametrize(
    "text",
    cases("""
    On 2017-03-01 at 14:00, in March 2017, on 3 April 2017 and in Q1.
    The last 24 bars, a 20-bar window, 4h and 5 trading days; the H1 and D1 charts.
    3 reasons, 4 of 6 parts, 1 of the 3 rows, the 2nd of them.
    Reason 2: momentum. (3) trend. Point 4 [7]
    Confidence 72. Confidence is moderate (60%). I am 80% sure; conviction 7/10; a 65% chance.
    I put 65% on it; REDUCE to 50% of the proposed size, size_bound: 0.5.
    RSI(14), EMA20, alpha101_042 and MACD (12,26,9) were read.
    A score of 4.5 out of 10 on the 0-100 scale of the S&P 500.
    """),
)
def test_numbers_that_are_not_about_the_market_are_left_alone(text: str) -> None:
    assert flagged(text) == ()


@pytest.mark.parametrize(
    "text", ["RSI 28 may rise", "RSI at 71 marks a turn", "ADX 41 signals strength", "confidence in RSI 71.3"]
)
def test_a_reading_is_not_taken_for_a_date_a_count_or_a_confidence(text: str) -> None:
    assert len(flagged(text)) == 1


def test_a_short_number_without_a_name_or_a_unit_agrees_too_easily() -> None:
    assert flagged("Everything rests on 35.") == ("35",)
    assert flagged("Everything rests on 34.8.") == ()


def test_own_numbers_are_exempt_and_without_them_flagged() -> None:
    text = "Stop at 1.11738"
    assert flagged(text) == ()
    assert ungrounded(text, KNOWN) == ("1.11738",)


def test_no_pips_without_a_pip_size() -> None:
    assert ungrounded("ATR of 9.05 pips", KNOWN, pip=1e-4) == ()
    assert ungrounded("ATR of 9.05 pips", KNOWN) == ("9.05",)


def test_nothing_on_record_leaves_every_market_number_ungrounded() -> None:
    assert ungrounded("RSI 58.3 and ADX 34.8 at 14:00", ()) == ("58.3", "34.8")
    assert ungrounded("", KNOWN) == ()


@pytest.mark.parametrize(
    ("text", "size", "step", "unit"),
    [
        ("1,234.5", "1234.5", "0.1", ""),
        ("1.1k", "1100", "100", ""),
        ("0.55 million", "550000", "10000", ""),
        (".5", "0.5", "0.1", ""),
        ("12.7-pip", "12.7", "0.1", "pips"),
        ("0.43 percent", "0.43", "0.01", "%"),
        ("1.2σ", "1.2", "0.1", "sigma"),
        ("two sigma", "2", "1", "sigma"),
        ("5 basis points", "5", "1", "bp"),
        ("$500", "500", "1", "money"),
        ("3:2", "1.5", "0.1", "r"),
    ],
)
def test_a_number_is_read_with_what_its_last_digit_is_worth_and_its_unit(
    text: str, size: str, step: str, unit: str
) -> None:
    (found,) = written_numbers(mask_other_numbers(text))
    assert (found.size, found.step, found.unit) == (Decimal(size), Decimal(step), unit)


@given(value=st.floats(0.1, 99.9), decimals=st.integers(1, 4))
def test_every_rounding_of_a_value_passes_and_a_step_beyond_does_not(value: float, decimals: int) -> None:
    adx = (Citable("adx", value, "points 0-100"),)
    step = Decimal(1).scaleb(-decimals)
    told = Decimal(f"{value:.{decimals}f}")
    assert ungrounded(f"ADX is {told}.", adx) == ()
    assert ungrounded(f"ADX is {told + 2 * step}.", adx) == (str(told + 2 * step),)


@given(st.text(max_size=300) | st.from_regex(r"[0-9.,%:eEkx +\-()/]{0,80}", fullmatch=True))
def test_any_text_has_an_answer_made_of_its_own_parts(text: str) -> None:
    assert all(number in mask_other_numbers(text) for number in flagged(text))


def test_a_very_long_sentence_is_read_in_parts() -> None:
    text = "RSI 58.3 and ADX 34.8, ATR 9.05 pips, " * 500 + "RSI 63.1"
    assert flagged(text) == ("63.1",)


@pytest.mark.slow
def test_planted_numbers_of_held_out_answers_are_found_and_true_ones_pass() -> None:
    measured = measure_held_out()
    assert measured.all_found.n >= 300
    assert measured.all_found.share >= 0.95
    assert measured.flagged.share <= 0.02
