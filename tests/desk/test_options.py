"""What a person types, turned into values or into one sentence."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.errors import SettingsError
from desk.commands.options import footer, parse_moment, parse_numbers, parse_pairs
from desk.commands.run import feed_overrides


def test_pairs_become_dotted_names_and_text_stays_text() -> None:
    assert parse_pairs(["limits.risk_per_trade_pct=0.5", "a = b=c "]) == {
        "limits.risk_per_trade_pct": "0.5",
        "a": "b=c",
    }
    assert parse_pairs(None) == {}


def test_a_value_that_is_json_is_read_as_json() -> None:
    pairs = ["limits.crypto_risk_pct=null", 'feed.samples=["spx-daily"]', "x={}"]
    assert parse_pairs(pairs) == {"limits.crypto_risk_pct": None, "feed.samples": ["spx-daily"], "x": {}}


@pytest.mark.parametrize("pair", ["", "=", "=1", "limits", " =1", "x=[1,", "x=" + "[" * 100_000])
def test_a_pair_that_is_none_is_refused_in_one_sentence(pair: str) -> None:
    with pytest.raises(SettingsError, match="expected --set"):
        parse_pairs([pair])


def test_numbers_of_a_tool_are_whole_where_they_are_written_whole() -> None:
    found = parse_numbers(["period=14", "width= 2.5 "])
    assert found == {"period": 14, "width": 2.5}
    assert isinstance(found["period"], int)


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (["period=null"], "--arg period as a number, found 'null'"),
        (["period={14"], "--arg period as a number, found '{14'"),
        (["period="], "as a number, found ''"),
        (["period"], "expected --arg NAME=NUMBER, found --arg 'period'"),
        (["period=14", "period=21"], "--arg period once, found it again with '21'"),
    ],
)
def test_a_number_that_is_none_or_comes_twice_is_refused(pairs: list[str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        parse_numbers(pairs)


@pytest.mark.parametrize("text", ["0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"])
def test_a_moment_that_utc_does_not_have_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="expected --at in the years 1 to 9999 of UTC"):
        parse_moment(text, "--at")


def test_a_moment_without_a_zone_is_utc_and_one_with_a_zone_is_turned_to_it() -> None:
    assert parse_moment("2017-03-01", "--at") == datetime(2017, 3, 1, tzinfo=UTC)
    assert parse_moment(" 2017-03-01T14:00 ", "--at") == datetime(2017, 3, 1, 14, tzinfo=UTC)
    assert parse_moment("2017-03-01T14:00+02:00", "--at") == datetime(2017, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2017-02-30", "01/03/2017", "2017"])
def test_a_moment_that_is_none_names_its_option(text: str) -> None:
    with pytest.raises(SettingsError, match="expected --from as a date or time"):
        parse_moment(text, "--from")


def test_named_samples_replace_the_settings_own_files() -> None:
    assert feed_overrides(None, ["spx-daily"], None, None) == {
        "feed.samples": ["spx-daily"],
        "feed.files": [],
    }
    assert feed_overrides(None, None, None, None) == {}


def test_a_feed_file_gives_the_keys_of_the_feed_section_with_or_without_its_heading(tmp_path: Path) -> None:
    for name, heading in (("bare.toml", ""), ("headed.toml", "[feed]\n")):
        path = tmp_path / name
        path.write_text(f'{heading}samples = ["ixic-daily"]\n', encoding="utf-8")
        assert feed_overrides(path, None, None, None)["feed.samples"] == ["ixic-daily"]


@pytest.mark.parametrize("content", [b"", b"time,open\n1,2\n", b"\xff\xfe", b"feed = 3\n"])
def test_a_feed_file_that_describes_nothing_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="expected"):
        feed_overrides(path, None, None, None)


def test_a_missing_feed_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml"):
        feed_overrides(tmp_path / "nowhere.toml", None, None, None)


def test_footer_lists_examples_and_only_the_codes_asked_for() -> None:
    text = footer("dualbrain demo", exits=(0, 3))
    assert "  dualbrain demo" in text
    assert "0 fine; 3 another runner" in text
    assert "4 " not in text
