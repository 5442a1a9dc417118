"""`tools call` and `tools features` on what the configured files hold: bars, a pair, trades and quotes."""

import json
from pathlib import Path

import pytest

from tests.desk.command_line import dualbrain
from tools.feature_schema import load_feature_schema

pytestmark = pytest.mark.slow

AT = ("--symbol", "EURUSD", "--at", "2017-03-01T14:00")


def test_features_are_told_with_their_schema_and_what_is_missing(tmp_path: Path) -> None:
    said = json.loads(dualbrain(tmp_path, "tools", "features", *AT, "--json").out)
    schema = load_feature_schema()
    assert tuple(said["values"]) == schema.names
    assert (said["version"], said["schema_sha256"]) == (schema.version, schema.sha256)
    assert said["as_of"] == "2017-03-01T14:00:00+00:00"
    assert said["stale"] == []
    assert {name for name, value in said["values"].items() if value is None} == set(said["missing"])
    called = json.loads(dualbrain(tmp_path, "tools", "call", "rsi", *AT, "--json").out)
    assert said["values"]["rsi.14"] == called["value"]


def test_features_in_words_show_what_is_old_and_why_a_value_is_not_there(tmp_path: Path) -> None:
    said = dualbrain(tmp_path, "tools", "features", "--symbol", "EURUSD", "--at", "2017-01-03T14:20").out
    assert "of EURUSD 1h, known by 2017-01-03 14:20 UTC" in said
    assert "none: needs 34 bars, has 10" in said
    late = dualbrain(tmp_path, "tools", "features", "--symbol", "EURUSD", "--at", "2018-02-01T14:00").out
    assert "stale: expected 1h bars of EURUSD" in late


def test_levels_are_told_by_the_pivots_where_asked(tmp_path: Path) -> None:
    close, pivots = (
        json.loads(dualbrain(tmp_path, "tools", "features", *AT, "--levels", levels, "--json").out)
        for levels in ("close", "pivots")
    )
    assert close["values"]["ema.20"] != pivots["values"]["ema.20"]
    assert close["values"]["alpha158_kmid"] == pivots["values"]["alpha158_kmid"]


# -- calls that read more than bars


def called(home: Path, *words: str) -> dict[str, object]:
    said = dualbrain(home, "tools", "call", *words, "--json")
    assert said.code == 0, said.error
    found: dict[str, object] = json.loads(said.out)
    return found


def test_bundled_trades_are_read_up_to_the_moment_asked(tmp_path: Path) -> None:
    whole = called(tmp_path, "vpin", "--symbol", "ES", "--arg", "bar_seconds=1")
    early = called(tmp_path, "vpin", "--symbol", "ES", "--arg", "bar_seconds=1", "--at", "2013-09-03T15:20")
    assert (whole["n_obs"], whole["timeframe"]) == (78_950, None)
    assert str(early["as_of"]) < "2013-09-03T15:20" < str(whole["as_of"])
    assert isinstance(early["n_obs"], int)
    assert early["n_obs"] < 78_950
    words = dualbrain(tmp_path, "tools", "call", "vpin", "--symbol", "ES", "--arg", "bar_seconds=1").out
    assert "of ES, known by 2013-09-03 15:44" in words
    assert "from 78,950 trades" in words


def test_what_the_feed_does_not_give_is_the_answer(tmp_path: Path) -> None:
    assert called(tmp_path, "vpin", *AT)["reason"] == "needs trades, not given here"
    assert called(tmp_path, "book_imbalance", *AT)["reason"] == "needs a book, not given here"
    volume = called(tmp_path, "amihud_illiquidity", *AT)["reason"]
    assert str(volume).startswith("needs traded volume")
    words = dualbrain(tmp_path, "tools", "call", "book_imbalance", *AT).out
    assert "of EURUSD, of which nothing is known" in words


def test_bars_with_traded_volume_answer(tmp_path: Path) -> None:
    minutes = ("--symbol", "ES", "--sample", "es-minutes-2013", "--interval", "1m")
    found = called(tmp_path, "amihud_illiquidity", *minutes)
    assert isinstance(found["value"], float)
    assert found["as_of"] == "2013-09-03T18:51:00+00:00"


def test_a_pair_is_read_of_two_instruments_and_needs_both(tmp_path: Path) -> None:
    pair = ("pair_correlation", "--symbol", "SPX", "--sample", "spx-daily", "--sample", "ixic-daily")
    daily = ("--interval", "1d")
    found = called(tmp_path, *pair, "--other", "IXIC", *daily)
    assert isinstance(found["value"], float)
    assert found["value"] > 0.9
    said = dualbrain(tmp_path, "tools", "call", *pair, *daily)
    assert (said.code, "expected --other" in said.error) == (2, True)
    said = dualbrain(tmp_path, "tools", "call", "rsi", *AT, "--other", "GBPUSD")
    assert (said.code, "expected no --other" in said.error) == (2, True)


def test_more_bars_are_read_where_asked(tmp_path: Path) -> None:
    asked = ("har_volatility", *AT, "--arg", "days=60")
    assert called(tmp_path, *asked)["reason"] == "needs 82 whole days, has 24"
    # Two months of 2017 are not enough, the year is.
    late = ("har_volatility", "--symbol", "EURUSD", "--arg", "days=60", "--bars", "3000")
    assert isinstance(called(tmp_path, *late)["value"], float)


def test_files_of_ones_own_are_read_together_by_time(tmp_path: Path) -> None:
    lines = [f"1483{day}000,1.05,1.0501,3,5" for day in ("358400", "362000")]
    (tmp_path / "b.csv").write_text("t,bid,ask,bs,as\n" + lines[1] + "\n")
    (tmp_path / "a.csv").write_text("t,bid,ask,bs,as\n" + lines[0].replace("3,5", "1,9") + "\n")
    columns = '{ time = "t", bid = "bid", ask = "ask", bid_size = "bs", ask_size = "as" }'
    (tmp_path / "dualbrain.toml").write_text(
        "".join(
            f'[[feed.ticks]]\npath = "{tmp_path / name}"\ninstrument = "EURUSD"\ncounts = "ms"\n'
            f"columns = {columns}\n"
            for name in ("b.csv", "a.csv")
        )
    )
    found = called(tmp_path, "queue_imbalance", "--symbol", "EURUSD")
    assert found["value"] == pytest.approx((3 - 5) / 8)
    early = called(tmp_path, "queue_imbalance", "--symbol", "EURUSD", "--at", "2017-01-02T12:30")
    assert early["value"] == pytest.approx((1 - 9) / 10)


def test_a_recorded_book_is_framed_up_to_the_moment_asked(tmp_path: Path, shared_data: Path) -> None:
    path = shared_data / "crypto_l2" / "binance_spot_btcusdt_20240808.gz"
    (tmp_path / "dualbrain.toml").write_text(f'[[feed.books]]\npath = "{path}"\ninstrument = "BTCUSDT"\n')
    at = ("--symbol", "BTCUSDT", "--at", "2024-08-08T23:56:30")
    found = called(tmp_path, "book_imbalance", *at)
    assert found["as_of"] == "2024-08-08T23:56:30+00:00"
    assert found["value"] == pytest.approx(-0.31218, abs=1e-5)
    assert called(tmp_path, "book_resilience", *at)["n_obs"] == 599
    assert str(called(tmp_path, "microprice", *at)["as_of"]) <= "2024-08-08T23:56:30+00:00"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[feed]\ntick_samples = ["nothing"]', "es-trades-2013"),
        ('[[feed.ticks]]\npath = "x"\ninstrument = "ES"', "columns"),
        ('[[feed.books]]\npath = "x.gz"\ninstrument = "NOTHING"', "NOTHING"),
    ],
)
def test_a_file_that_cannot_be_meant_is_named(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "dualbrain.toml").write_text(text)
    said = dualbrain(tmp_path, "tools", "call", "vpin", "--symbol", "ES")
    assert (said.code, named in said.error) == (2, True), said.error


# -- mistakes on the command line

DAILY = ("--symbol", "SPX", "--sample", "spx-daily", "--sample", "ixic-daily", "--interval", "1d")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("rsi", "--symbol", "GBPUSD"), "expected 1h bars of GBPUSD"),
        (("rsi", "--symbol", "EURUSD", "--interval", "30m"), "expected 30m bars of EURUSD"),
        (("rsi", *AT, "--arg", "self=14"), "among period, found 'self'"),
        (("vpin", "--symbol", "ES", "--sample", "nothing"), "expected samples among"),
        (("pair_correlation", *DAILY, "--other", "SPX"), "a second instrument, found SPX again"),
    ],
)
def test_a_call_that_cannot_be_meant_says_so_and_ends_with_2(
    tmp_path: Path, words: tuple[str, ...], named: str
) -> None:
    said = dualbrain(tmp_path, "tools", "call", *words)
    assert (said.code, named in said.error) == (2, True), said.error


def test_help_names_the_sections_of_the_files(tmp_path: Path) -> None:
    said = dualbrain(tmp_path, "tools", "call", "--help").out
    assert "[[feed.ticks]]" in said
    assert "[[feed.books]]" in said


# -- several files of one instrument

START = 1_700_000_000_000
TRADES = ("time,price,quantity", '{ time = "time", price = "price", quantity = "quantity" }')
TRADE_ROWS = [f"{START + i * 1_000},{100 + i % 3},1" for i in range(40)]
ROLL = ("roll_spread", "--arg", "count=20")


def ticks_toml(
    folder: Path, name: str, kind: tuple[str, str], rows: list[str], *, instrument: str = "BTCUSDT"
) -> str:
    """Write a file of rows and return what describes it in the desk's TOML file."""
    header, columns = kind
    (folder / name).write_text("\n".join([header, *rows]) + "\n")
    where = f'path = "{folder / name}"\ninstrument = "{instrument}"'
    return f'[[feed.ticks]]\n{where}\ncounts = "ms"\ncolumns = {columns}\n'


def test_files_that_share_rows_are_refused(tmp_path: Path) -> None:
    early = ticks_toml(tmp_path, "early.csv", TRADES, TRADE_ROWS[:25])
    late = ticks_toml(tmp_path, "late.csv", TRADES, TRADE_ROWS[20:])
    after = ticks_toml(tmp_path, "after.csv", TRADES, TRADE_ROWS[25:])
    for text in (late + early, early + early):
        (tmp_path / "dualbrain.toml").write_text(text)
        said = dualbrain(tmp_path, "tools", "call", *ROLL, "--symbol", "BTCUSDT")
        assert (said.code, "files of trades that follow one another" in said.error) == (2, True), said.error
    (tmp_path / "dualbrain.toml").write_text(after + early)
    apart = called(tmp_path, *ROLL, "--symbol", "BTCUSDT")
    (tmp_path / "dualbrain.toml").write_text(ticks_toml(tmp_path, "all.csv", TRADES, TRADE_ROWS))
    assert called(tmp_path, *ROLL, "--symbol", "BTCUSDT") == apart


def test_the_bundled_trades_stand_aside_for_ones_own(tmp_path: Path) -> None:
    (tmp_path / "dualbrain.toml").write_text(
        ticks_toml(tmp_path, "es.csv", TRADES, TRADE_ROWS, instrument="ES")
    )
    assert called(tmp_path, "roll_spread", "--symbol", "ES")["reason"] == "needs 500 trades, has 40"
    bundled = called(tmp_path, "roll_spread", "--symbol", "ES", "--sample", "es-trades-2013")
    assert isinstance(bundled["value"], float)


def test_trades_that_ended_long_before_are_told_as_old(tmp_path: Path) -> None:
    words = ("tools", "call", "roll_spread", "--symbol", "ES", "--at")
    assert dualbrain(tmp_path, *words, "2013-09-03T15:45:30").err == ""
    late = dualbrain(tmp_path, *words, "2013-09-03T15:46:30")
    assert late.code == 0
    assert late.err == ("note: no trades after 2013-09-03 15:44:59 UTC had come by 2013-09-03 15:46:30 UTC\n")


def test_recorded_books_are_read_by_time_and_a_lost_one_says_why(tmp_path: Path) -> None:
    def at(ms: int, sent: str) -> str:
        return f"{(START + ms) * 1_000_000} {sent}\n"

    def update(first: int) -> str:
        sent = f'"U":{first},"u":{first},"b":[["99.50","1.00"]],"a":[]'
        return f'{{"stream":"btcusdt@depth","data":{{"s":"BTCUSDT",{sent}}}}}'

    snapshot = '{"lastUpdateId":1,"bids":[["99.00","2.00"]],"asks":[["100.00","2.00"]]}'
    (tmp_path / "a").write_text(at(0, snapshot) + at(4_000, update(2)))
    (tmp_path / "b").write_text(at(8_000, update(3)) + at(9_000, update(4)))
    (tmp_path / "c").write_text(at(9_500, update(6)))

    def call(names: str) -> tuple[object, str]:
        (tmp_path / "dualbrain.toml").write_text(
            "".join(f'[[feed.books]]\npath = "{tmp_path / n}"\ninstrument = "BTCUSDT"\n' for n in names)
        )
        words = ("book_imbalance", "--symbol", "BTCUSDT", "--arg", "seconds=1")
        said = dualbrain(tmp_path, "tools", "call", *words, "--json")
        assert said.code == 0, said.error
        return json.loads(said.out)["as_of"], said.err

    assert call("ab") == call("ba") == ("2023-11-14T22:13:28.900000+00:00", "")
    assert (
        "note: the book has no reading at that moment: updates are missing after change 4" in call("abc")[1]
    )
    assert "needs a snapshot of the book" in call("b")[1]
