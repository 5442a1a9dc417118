"""The report made from the shipped profile, what it refuses, and profiles that cannot be loaded."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from contracts.canonical import round_significant
from contracts.errors import InvariantBroken, SettingsError
from contracts.market import Bars, Float2D, Instrument, Timeframe, to_ms
from contracts.records import BarSeries, CompositeWeights, FormulaReport, MarketSnapshot
from tools.composite import composite_strength, fit_composite
from tools.decision_settings import CompositeSettings, ScoreSettings
from tools.formulas import values
from tools.formulas.engine import Panel, compute_formulas
from tools.registry import get_tool
from tools.report import load_profile, make_report
from tools.technical_score import REQUIRED_EVIDENCE, score_technicals

AS_OF = datetime(2016, 5, 4, 12, tzinfo=UTC)


def random_bars(seed: int, timeframe: Timeframe, n: int = 600, end: datetime = AS_OF) -> Bars:
    rng = np.random.default_rng(seed)
    close = 1.1 * np.exp(np.cumsum(rng.normal(0, 1e-3, n)))
    open_ = np.concatenate([[1.1], close[:-1]])
    length = timeframe.seconds * 1000
    closed = to_ms(end) - length * np.arange(n, dtype=np.int64)[::-1]
    return Bars(
        open_time=closed - length,
        close_time=closed,
        open=open_,
        high=np.maximum(open_, close) * 1.0004,
        low=np.minimum(open_, close) * 0.9997,
        close=close,
        volume=np.full(n, np.nan),
        side="mid",
    )


def both(seed: int = 1) -> dict[Timeframe, Bars]:
    return {tf: random_bars(seed + tf.seconds, tf) for tf in (Timeframe.H1, Timeframe.H4)}


def snapshot() -> MarketSnapshot:
    instrument = Instrument(
        instrument_id="EURUSD",
        market="forex",
        base_currency="EUR",
        quote_currency="USD",
        tick_size=Decimal("0.00001"),
        pip_size=Decimal("0.0001"),
        lot_size=Decimal(100_000),
        quantity_step=Decimal(1),
        min_quantity=Decimal(1),
        multiplier=Decimal(1),
        calendar="forex",
    )
    return MarketSnapshot(
        cycle_id="c" * 64,
        as_of=AS_OF,
        parents=(),
        instrument=instrument,
        universe=("EURUSD",),
        timeframe=Timeframe.H1,
        series=(),
        quote=None,
        book=None,
        rates=(),
        in_session=True,
        filtered_hour=None,
        reasons=(),
    )


def weights_of(bars: Bars) -> CompositeWeights:
    series = BarSeries(
        instrument_id="EURUSD",
        timeframe=Timeframe.H1,
        chunks=(),
        n_bars=len(bars),
        first_close=None,
        last_close=bars.last_close_time,
    )
    weights = fit_composite(
        bars,
        series=series,
        settings=CompositeSettings(),
    )
    assert isinstance(weights, CompositeWeights), weights
    return weights


def report_of(bars: Mapping[Timeframe, Bars], weights: CompositeWeights | None = None) -> FormulaReport:
    given = weights or "expected 600 bars, found 3"
    return make_report(snapshot(), bars, (), given, load_profile("technical"), ScoreSettings())


def test_every_row_of_the_profile_has_a_value_on_sound_bars() -> None:
    report = report_of(both())
    profile = load_profile("technical")
    assert [row.evidence_id for row in report.evidence] == [row.id for row in profile.rows]
    assert [row.evidence_id for row in report.evidence if row.value is None] == []
    assert 20 <= len(report.evidence) <= 30


def test_rows_carry_the_tools_own_value_unit_and_count() -> None:
    bars = both()
    rows = {row.evidence_id: row for row in report_of(bars).evidence}
    for evidence_id, tool, params, timeframe in [
        ("rsi_short", "rsi", {"period": 4}, Timeframe.H1),
        ("higher_atr", "atr", {"period": 14}, Timeframe.H4),
    ]:
        row, direct = rows[evidence_id], get_tool(tool).call(bars[timeframe], **params)
        assert direct.value is not None
        assert row.value == round_significant(direct.value)
        assert (row.n_obs, row.unit, row.timeframe) == (direct.n_obs, get_tool(tool).unit, timeframe)
        assert (row.tool, row.instrument_id) == (tool, "EURUSD")


def test_rows_and_strength_of_one_report_are_those_of_each_tool_asked_alone() -> None:
    bars = both(4)
    weights = weights_of(bars[Timeframe.H1])
    report = report_of(bars, weights)
    for row, found in zip(load_profile("technical").rows, report.evidence, strict=True):
        alone = get_tool(row.tool).call(bars[found.timeframe], **row.params)
        assert alone.value is not None
        assert found.value == round_significant(alone.value)
    assert report.strength == composite_strength(bars[Timeframe.H1], weights)


def test_report_leaves_the_bars_it_was_given_writable_and_as_they_were() -> None:
    bars, before = both(), both()
    report_of(bars)
    for timeframe, series in bars.items():
        for column in ("open", "high", "low", "close", "close_time"):
            found = getattr(series, column)
            assert found.flags.writeable
            np.testing.assert_array_equal(found, getattr(before[timeframe], column))


def test_shipped_profile_feeds_every_part_of_the_score_and_one_stop_measure() -> None:
    profile = load_profile("technical")
    assert set(REQUIRED_EVIDENCE) <= {row.id for row in profile.rows}
    assert [row.id for row in profile.rows if row.tool == "atr" and row.timeframe == "decision"] == ["atr"]
    assert all("no points" not in part.why for part in report_of(both()).score.parts)


def test_report_names_its_snapshot_cycle_and_profile() -> None:
    report, parent = report_of(both()), snapshot()
    assert report.parents == (parent.record_id,)
    assert (report.cycle_id, report.as_of, report.profile) == (parent.cycle_id, AS_OF, "technical")


def test_same_bars_give_the_same_record_and_it_survives_the_journal() -> None:
    bars = both()
    weights = weights_of(bars[Timeframe.H1])
    ours, theirs = report_of(bars, weights), report_of(both(), weights)
    assert ours.record_id == theirs.record_id
    assert FormulaReport.from_canonical(ours.canonical).record_id == ours.record_id


def test_score_is_made_from_the_rounded_rows_on_record() -> None:
    report = FormulaReport.from_canonical(report_of(both()).canonical)
    by_id = {row.evidence_id: row for row in report.evidence}
    assert score_technicals(by_id, "forex", ScoreSettings()) == report.score


def test_another_bar_gives_another_record() -> None:
    bars = both()
    changed = bars | {Timeframe.H1: random_bars(99, Timeframe.H1)}
    assert report_of(bars).record_id != report_of(changed).record_id


def test_weights_give_a_strength_under_their_own_name() -> None:
    bars = both()
    weights = weights_of(bars[Timeframe.H1])
    strength = report_of(bars, weights).strength
    assert strength.weights_id == weights.record_id
    assert len(strength.inputs) == len(weights.signals)
    assert (strength.value is None) == (strength.reason is not None)


def test_no_weights_leave_the_reason_in_the_report() -> None:
    strength = report_of(both()).strength
    assert (strength.value, strength.reason) == (None, "no weights: expected 600 bars, found 3")


def test_missing_higher_bars_leave_rows_with_a_reason_and_the_rest_alone() -> None:
    bars = both()
    report, whole = report_of({Timeframe.H1: bars[Timeframe.H1]}), report_of(bars)
    higher = [row for row in report.evidence if row.evidence_id.startswith("higher_")]
    assert {(row.value, row.n_obs, row.reason) for row in higher} == {
        (None, 0, "the snapshot has no 4h bars")
    }
    assert report.evidence[: -len(higher)] == whole.evidence[: -len(higher)]
    assert report.score.higher_trend is None


@pytest.mark.parametrize("n", [0, 1, 30])
def test_short_history_gives_reasons_never_numbers(n: int) -> None:
    bars = {tf: random_bars(1, tf)[600 - n :] for tf in (Timeframe.H1, Timeframe.H4)}
    report = report_of(bars)
    assert all((row.value is None) == (row.reason is not None) for row in report.evidence)
    slow = next(row for row in report.evidence if row.evidence_id == "ema_slow")
    assert (slow.value, slow.reason) == (None, f"needs 50 bars, has {n}")


def test_gap_in_the_newest_bar_is_a_missing_value_with_its_reason() -> None:
    bars = both()
    bars[Timeframe.H1].high[-1] = np.nan
    rows = {row.evidence_id: row for row in report_of(bars).evidence}
    assert rows["atr"].value is None
    assert rows["atr"].reason is not None
    assert "high" in rows["atr"].reason
    assert rows["rsi"].value is not None


def test_market_that_never_moves_is_a_report_without_a_side() -> None:
    bars = both()
    flat = {
        tf: Bars(b.open_time, b.close_time, *(np.full(600, 1.1),) * 4, b.volume, b.side)
        for tf, b in bars.items()
    }
    report = report_of(flat, weights_of(flat[Timeframe.H1]))
    assert (report.score.side, report.strength.value) == (None, None)


@pytest.mark.parametrize("timeframe", [Timeframe.H1, Timeframe.H4])
def test_bar_that_closes_after_as_of_breaks_an_invariant(timeframe: Timeframe) -> None:
    late = random_bars(1, timeframe, end=AS_OF + timedelta(seconds=1))
    with pytest.raises(InvariantBroken, match="cut them at the decision bar"):
        report_of(both() | {timeframe: late})


@pytest.mark.parametrize(
    "wrong",
    [
        {"fitted_through": AS_OF + timedelta(seconds=1)},
        {"instrument_id": "GBPUSD"},
        {"timeframe": Timeframe.H4},
    ],
)
def test_weights_of_a_later_moment_or_another_market_break_an_invariant(wrong: dict[str, object]) -> None:
    bars = both()
    weights = weights_of(bars[Timeframe.H1]).model_copy(update=wrong)
    with pytest.raises(InvariantBroken, match="use the weights of the last fit point"):
        report_of(bars, weights)


def test_no_decision_bars_break_an_invariant() -> None:
    with pytest.raises(InvariantBroken, match="load its series"):
        report_of({Timeframe.H4: random_bars(1, Timeframe.H4)})


ROW = '[[rows]]\nid = "a"\ntool = "rsi"\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (ROW + "colour = 1\n", "colour"),
        ("colour = 1\n" + ROW, "colour"),
        ('name = "other"\n' + ROW, "drop its name"),
        (ROW + ROW, "found again: a"),
        ("", "rows"),
        ("rows = []", "rows"),
        ('[[rows]]\ntool = "rsi"\n', "id"),
        ('[[rows]]\nid = "A b"\ntool = "rsi"\n', "id"),
        (ROW.replace("rsi", "rsj"), "rsi"),
        (ROW + "params = { periods = 14 }\n", "period"),
        (ROW + "params = { period = 14.5 }\n", "whole number"),
        (ROW + "params = { period = true }\n", "period"),
        (ROW + 'params = { period = "14" }\n', "period"),
        (ROW + "params = { period = -1 }\n", "period"),
        (ROW + 'timeframe = "4h"\n', "timeframe"),
        ("[[rows\n", "mine.toml"),
    ],
)
def test_profile_that_cannot_be_right_stops_start_up_and_says_where(
    tmp_path: Path, text: str, complaint: str
) -> None:
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=complaint) as caught:
        load_profile("mine", tmp_path)
    assert "mine.toml" in str(caught.value)


def test_profile_of_ones_own_is_read_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(ROW, encoding="utf-8")
    profile = load_profile("mine", tmp_path)
    assert (profile.name, [row.id for row in profile.rows]) == ("mine", ["a"])


def test_absent_profile_names_those_there_are() -> None:
    with pytest.raises(SettingsError, match=r"no moonshine\.toml; choose one of: forex_hourly, technical"):
        load_profile("moonshine")


def test_bars_of_another_instrument_that_closed_after_the_decision_break_an_invariant() -> None:
    later = random_bars(9, Timeframe.H1, end=AS_OF + timedelta(hours=1))
    with pytest.raises(InvariantBroken, match="cut them at the decision bar"):
        make_report(snapshot(), both(), (later,), "none", load_profile("technical"), ScoreSettings())


def test_rows_and_signals_that_are_formulas_are_computed_in_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    bars = both()
    signals = ("alpha101_009", "alpha158_rsv5")
    series = weights_of(bars[Timeframe.H1]).bars.model_copy(update={"last_close": AS_OF})
    weights = fit_composite(bars[Timeframe.H1], series=series, settings=CompositeSettings(signals=signals))
    assert isinstance(weights, CompositeWeights), weights
    passes: list[list[str]] = []

    def counted(names: Iterable[str], panel: Panel, *, last_only: bool) -> dict[str, Float2D]:
        if wanted := list(names):
            passes.append(wanted)
        return compute_formulas(wanted, panel, last_only=last_only)

    monkeypatch.setattr(values, "compute_formulas", counted)
    report = make_report(snapshot(), bars, (), weights, load_profile("technical"), ScoreSettings())
    assert [given.name for given in report.strength.inputs] == list(signals)
    assert passes == [list(signals)]


def test_each_instrument_held_adds_its_correlation_over_the_newest_hundred_returns() -> None:
    bars, profile = both(), load_profile("technical")
    held = {"GBPUSD": random_bars(8, Timeframe.H1), "a name": random_bars(9, Timeframe.H1, 20)}
    report = make_report(snapshot(), bars, (), "none", profile, ScoreSettings(), held)
    assert (
        report.evidence[: len(profile.rows)]
        == make_report(snapshot(), bars, (), "none", profile, ScoreSettings()).evidence
    )
    one, two = report.evidence[len(profile.rows) :]
    assert [(row.evidence_id, row.instrument_id) for row in (one, two)] == [
        ("correlation_1", "GBPUSD"),
        ("correlation_2", "a name"),
    ]
    ours, theirs = (np.diff(np.log(each.close[-101:])) for each in (bars[Timeframe.H1], held["GBPUSD"]))
    assert one.value == pytest.approx(np.corrcoef(ours, theirs)[0, 1])
    assert one.n_obs == 100
    assert (two.value, two.reason) == (None, "needs 30 returns in common, has 19")


def test_a_bar_of_an_instrument_held_from_after_as_of_is_refused() -> None:
    late = random_bars(8, Timeframe.H1, end=AS_OF + timedelta(hours=1))
    with pytest.raises(InvariantBroken, match="cut them at the decision bar"):
        make_report(
            snapshot(), both(), (), "none", load_profile("technical"), ScoreSettings(), {"GBPUSD": late}
        )
