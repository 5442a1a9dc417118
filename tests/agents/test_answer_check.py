"""Which numbers and ids of an answer stand on what was shown."""

import pytest

from agents.answer_check import hashes_in, not_shown, numbers_in

SHOWN = numbers_in(
    'fill: SELL 287,436 at 1.04368 {"win_rate":0.454545,"net_pnl":"-962.91","n_closed":11,'
    '"cycle_id":"ce2c07aa8445d1df685e4ac4e0a07cd0","as_of":"2017-01-04T10:00:00Z"} '
    "risk 0.95 % of equity (-1.00 R), allowed 28.8 ticks"
)


@pytest.mark.parametrize(
    "text",
    [
        "Won 45.5 % of 11.",
        "It sold 287,436 at 1.0437, about 290,000 units.",
        "Net -962.91 USD, a loss of 963 or -1.00 R.",
        "Risk was 0.95% of equity; a win rate of 0.45.",
        "Cycle ce2c07aa8445 of 2017-01-04 10:00, at 14:30 on 4 January 2017, read on 4h and H1.",
        "1. The gate.\n2. The stop.",
        "Nothing was sent.",
    ],
)
def test_what_was_shown_may_be_said_rounded(text: str) -> None:
    assert not_shown(text, SHOWN) == ()


@pytest.mark.parametrize(
    ("text", "strangers"),
    [
        ("Won 46 % of 12.", ("46 %", "12")),
        ("It made +962.91.", ("+962.91",)),
        ("It moved 0.95 pips.", ("0.95",)),
        ("It lost 3 trades with 80% confidence.", ("3", "80%")),
        ("At 1.0438.", ("1.0438",)),
        ("17 and 17 again.", ("17",)),
        ("A drawdown of 4 on the day.", ("4",)),
    ],
)
def test_what_was_not_shown_is_named_once(text: str, strangers: tuple[str, ...]) -> None:
    assert not_shown(text, SHOWN) == strangers


def test_a_number_inside_an_id_or_a_date_is_not_shown() -> None:
    assert numbers_in("cycle 3f2a91c04455 on 2017-01-04T10:00:00Z at 10:30") == frozenset()


def test_ids_are_told_from_words_and_numbers() -> None:
    text = "CE2C07AA8445, 3f2a91c0 and 123456789012; not deadbeef, 12345678, 1.23456789e5 or alpha191_143"
    assert list(hashes_in(text)) == ["ce2c07aa8445", "3f2a91c0", "123456789012"]
