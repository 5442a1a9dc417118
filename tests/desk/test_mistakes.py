"""What goes wrong for users ends in one line and a documented exit code, never in a traceback."""

import os
from pathlib import Path

import pytest

from desk.commands.doctor import mask
from tests.desk.command_line import dualbrain

RUN = ("run", "--once")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*RUN, "--symbols", "EURUSDX"), "EURUSD"),
        ((*RUN, "--symbols", "GBPUSD"), "GBPUSD"),
        ((*RUN, "--symbols", ""), "instrument"),
        ((*RUN, "--from", "01.03.2017"), "--from"),
        ((*RUN, "--to", "2017-02-30"), "--to"),
        ((*RUN, "--interval", "7h"), "timeframe"),
        ((*RUN, "--sample", "eurusd-2071"), "eurusd-2017"),
        ((*RUN, "--sample", "spx-daily"), "SPX 1d"),
        ((*RUN, "--from", "2017-05-01", "--to", "2017-04-01"), "2017-05-01"),
        ((*RUN, "--feed", "nowhere.toml"), "nowhere.toml"),
        ((*RUN, "--set", "limits.max_dayly_loss_pct=2"), "limits.max_dayly_loss_pct"),
        ((*RUN, "--set", "limits.max_daily_loss_pct=much"), "limits.max_daily_loss_pct"),
        ((*RUN, "--set", "limits.max_daily_loss_pct"), "NAME=VALUE"),
        ((*RUN, "--set", "limits=3"), "limits"),
        ((*RUN, "--set", "desk=../elsewhere"), "desk"),
        ((*RUN, "--desk", "../../elsewhere"), "desk"),
        (("replay", "abcd1234", "--desk", "none"), "dualbrain demo"),
        (("replay",), "CYCLE or --all"),
        (("replay", "abcd", "--all"), "both"),
        (("replay", "--all", "--set", "limits.nothing=1"), "limits.nothing"),
        (("replay", "--all", "--set", "limits.risk_per_trade_pct=much"), "limits.risk_per_trade_pct"),
        (("audit", "ls", "--ended-at", "nowhere"), "gate"),
        (("audit", "verify", "--desk", "none"), "none"),
        (("tools", "show", "rsj"), "rsi"),
        (("tools", "ls", "--group", "magic"), "volatility"),
        (("tools", "call", "rsi", "--symbol", "XYZ"), "XYZ"),
        (("tools", "call", "rsi", "--symbol", "EURUSD", "--at", "then"), "--at"),
        (("tools", "call", "rsi", "--symbol", "EURUSD", "--at", "1999-01-01"), "1999-01-01"),
        (("tools", "call", "rsi", "--symbol", "EURUSD", "--arg", "period=x"), "period"),
        (("tools", "call", "rsi", "--symbol", "EURUSD", "--arg", "period=0"), "period"),
        (("tools", "call", "rsi", "--symbol", "EURUSD", "--arg", "length=3"), "length"),
        (("halt", "--reason", "x", "--desk", "none"), "none"),
        (("resume", "--desk", "none"), "none"),
        (("reset-kelly", "stocks", "--by", "a", "--reason", "b"), "forex"),
    ],
)
def test_a_mistake_is_one_line_that_names_it_and_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    said = dualbrain(tmp_path, *arguments)
    assert said.code == 2, said.err
    assert words in said.error
    assert not (tmp_path.parent / "elsewhere").exists()


@pytest.mark.parametrize(
    "arguments", [("fly",), ("run", "--fast"), ("audit", "ls", "--limit", "x"), ("halt",)]
)
def test_a_wrong_command_or_option_exits_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert dualbrain(tmp_path, *arguments).code == 2


PASSWORD = "hunter2"
WITH_PASSWORD = "//".join(("http:", f"me:{PASSWORD}@h/v1"))
"""In one piece no file of ours may hold such an address."""


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ('panel.seats=["nobody"]', "panel.seats: expected seats among"),
        ("panel.seats=[]", "panel: expected at least one seat"),
        ("gate.vote=0.5", "gate: expected brief at or under vote"),
        ("seats.mine.model=x", "seats.mine.provider: expected a value, found none"),
        (f"seats.kimi.base_url={WITH_PASSWORD}", "seats.kimi.base_url: expected http"),
        (f"brain.base_url=http://h/v1?key={PASSWORD}", "brain.base_url: expected http"),
        (f"seats.kimi.api_key={PASSWORD}", "seats.kimi.api_key: expected a known setting"),
    ],
)
def test_a_setting_is_refused_in_a_sentence_that_shows_no_section_and_no_password(
    tmp_path: Path, setting: str, words: str
) -> None:
    said = dualbrain(tmp_path, *RUN, "--set", setting)
    assert (said.code, words in said.error) == (2, True), said.error
    assert not any(each in said.error for each in (PASSWORD, "Value error", "Field required", "{"))


def test_a_cap_for_a_provider_that_is_none_stops_the_start(tmp_path: Path) -> None:
    said = dualbrain(tmp_path, *RUN, "--brains", "dual", "--set", 'budget.usd_per_day_of={"depseek": "0.1"}')
    assert said.code == 2
    assert "expected budget.usd_per_day_of of providers among moonshot, deepseek" in said.error
    assert "found depseek; correct it" in said.error


@pytest.mark.parametrize("arguments", [RUN, ("models", "ls"), ("doctor",)])
def test_an_env_file_that_is_no_text_is_named_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    (tmp_path / ".env").write_bytes(b"\xff\xfe MOONSHOT_API_KEY=" + PASSWORD.encode())
    said = dualbrain(tmp_path, *arguments)
    assert said.code == 2
    assert "expected UTF-8 text in" in said.out + said.err
    assert PASSWORD not in said.out + said.err
    assert "Traceback" not in said.err


def price_feed(folder: Path, rows: str) -> tuple[str, ...]:
    (folder / "prices.csv").write_text("time,open,high,low,close\n" + rows, encoding="utf-8")
    (folder / "feed.toml").write_text(
        f"""
[[files]]
path = "{folder / "prices.csv"}"
instrument = "EURUSD"
timeframe = "1h"
side = "bid"
time_zone = "UTC"
time_format = "%Y-%m-%d %H:%M"
stamped = "open"
columns = {{ time = "time", open = "open", high = "high", low = "low", close = "close" }}
""",
        encoding="utf-8",
    )
    return ("run", "--feed", str(folder / "feed.toml"))


def test_text_in_a_price_names_file_row_and_column(tmp_path: Path) -> None:
    said = dualbrain(tmp_path, *price_feed(tmp_path, "2017-03-01 10:00,1.05,1.06,1.04,abc\n"))
    assert said.code == 2
    assert "prices.csv" in said.error
    assert "close" in said.error
    assert "row 2" in said.error


def test_a_settings_file_that_is_not_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "dualbrain.toml").write_text("limits: 3\n", encoding="utf-8")
    said = dualbrain(tmp_path, "run", "--once")
    assert said.code == 2
    assert "dualbrain.toml" in said.error


def test_an_unknown_name_in_the_environment_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUALBRAIN_LIMIT__MAX", "3")
    said = dualbrain(tmp_path, "run", "--once")
    assert (said.code, "DUALBRAIN_LIMIT__MAX" in said.error) == (2, True)


@pytest.mark.parametrize("arguments", [("run", "--once"), ("demo",)])
def test_a_home_that_cannot_be_written_exits_4(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder", encoding="utf-8")
    said = dualbrain(tmp_path, *arguments, home=file)
    assert said.code == 4
    assert str(file) in said.error


def test_another_runner_on_the_desk_exits_3_and_names_it(tmp_path: Path) -> None:
    from memory.lease import DeskLease

    with DeskLease(tmp_path / "held", "a test"):
        said = dualbrain(tmp_path, "run", "--once", "--desk", "held")
    assert said.code == 3
    assert str(os.getpid()) in said.error


def test_an_unexpected_error_is_one_line_and_exit_5(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desk.commands.demo._fresh_name", lambda _home: 1 / 0)
    said = dualbrain(tmp_path, "demo")
    assert said.code == 5
    assert "ZeroDivisionError" in said.error
    assert "DUALBRAIN_TRACEBACK=1" in said.error


def test_the_traceback_is_there_for_who_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALBRAIN_TRACEBACK", "1")
    monkeypatch.setattr("desk.commands.demo._fresh_name", lambda _home: 1 / 0)
    said = dualbrain(tmp_path, "demo")
    assert said.code == 5
    assert "Traceback" in said.err


@pytest.mark.parametrize("name", ["api_key", "provider.TOKEN", "oanda.secret", "password"])
def test_secrets_are_masked_by_their_name(name: str) -> None:
    assert mask(name, "abc") == "********"
    assert mask("limits.max_daily_loss_pct", 3.0) == "3.0"
