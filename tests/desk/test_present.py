"""Numbers as people read them."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from desk import present
from markets.instruments import INSTRUMENTS


@pytest.mark.parametrize(
    ("value", "tick", "text"),
    [
        (1.0542, "0.00001", "1.05420"),
        (Decimal("112.345"), "0.001", "112.345"),
        (2510.25, "0.25", "2,510.25"),
        (19850.0, "1", "19,850"),
        (19850.0, "10", "19,850"),
        (1250.1, "0.10", "1,250.1"),
    ],
)
def test_price_has_the_decimals_of_the_tick(value: float, tick: str, text: str) -> None:
    assert present.price(value, Decimal(tick)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (238095.0, "238,095"),
        (Decimal("0.00012500"), "0.000125"),
        (1e-8, "0.00000001"),
        (0.0, "0"),
        (100, "100"),
    ],
)
def test_quantity_is_never_in_exponents_and_has_no_idle_zeros(value: float, text: str) -> None:
    assert present.quantity(value) == text


def test_size_names_lots_only_where_a_lot_is_more_than_a_unit() -> None:
    assert present.size(238095.0, INSTRUMENTS["EURUSD"]) == "238,095 (2.381 lots)"
    assert present.size(3.0, INSTRUMENTS["ES"]) == "3"


def test_money_and_percent_have_two_decimals_and_separators() -> None:
    assert present.money(Decimal("1234567.891"), "USD") == "1,234,567.89 USD"
    assert present.gain(Decimal("-0.5"), "EUR") == "-0.50 EUR"
    assert present.gain(Decimal("12.346"), "EUR") == "+12.35 EUR"
    assert present.percent(1) == "1.00 %"


def test_a_moment_says_it_is_utc_whatever_zone_it_came_in() -> None:
    east = timezone(timedelta(hours=3))
    assert present.moment(datetime(2017, 3, 1, 14, tzinfo=UTC)) == "2017-03-01 14:00 UTC"
    assert present.moment(datetime(2017, 3, 1, 2, 0, 7, tzinfo=east)) == "2017-02-28 23:00:07 UTC"


def test_banner_says_paper_or_live() -> None:
    assert present.banner("a", "b", is_paper=True) == "PAPER · desk a · account b"
    assert present.banner("a", "b", is_paper=False).startswith("LIVE")


def test_reason_words_name_the_stage() -> None:
    assert present.reason_words("gate: below_minimum") == "below minimum (gate)"
    assert present.reason_words("something_new") == "something new"


def test_a_missing_number_is_a_dash() -> None:
    assert present.number(None) == "-"
    assert present.number(0.000123456789) == "0.000123457"
