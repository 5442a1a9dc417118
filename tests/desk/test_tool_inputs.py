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
