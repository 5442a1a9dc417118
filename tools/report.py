"""The formula report: the evidence rows a profile names, the technical score, the composite strength.

    profile (TOML) -> one tool call a row -> Evidence -> TechnicalScore
                                     bars + weights -> CompositeStrength

A row that has no value stays in the report with its reason. The score reads the rows as recorded
(12 significant digits), never the raw floats, so that a replay of the record scores the same.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    ValidationError,
    model_validator,
)

from contracts.errors import InvariantBroken, SettingsError, ToolInputError
from contracts.market import Bars, Timeframe
from contracts.records import CompositeWeights, Evidence, FormulaReport, MarketSnapshot
from contracts.ticks import Beside
from tools.composite import composite_strength
from tools.composite_signals import SIGNALS, is_signal
from tools.decision_settings import DEFAULT_SIGNALS, ScoreSettings
from tools.formulas.catalogue import formulas
from tools.formulas.conventions import DEFAULT
from tools.formulas.reach import reach_of
from tools.formulas.values import compute_together
from tools.regime import return_correlation
from tools.registry import ToolCall, get_tool, load_tools
from tools.shared_bars import SharedBars
from tools.technical_score import score_technicals

PROFILES = Path(__file__).with_name("profiles")
NOTHING_HELD: Mapping[str, Bars] = MappingProxyType({})
CORRELATION_BARS = 100
"""Newest returns that a correlation with a held instrument rests on."""


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ProfileRow(_Described):
    """One evidence row to compute: its id, the tool, its parameters, on which of the two timeframes."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    tool: str
    timeframe: Literal["decision", "higher"] = "decision"
    params: Mapping[str, StrictInt | StrictFloat] = {}

    @cached_property
    def call(self) -> ToolCall:
        """The row's tool with its parameters, checked once; ToolInputError where they do not fit."""
        return get_tool(self.tool).prepare(**self.params)


class ReportProfile(_Described):
    """The evidence rows of one kind of report, in the order they are shown."""

    name: str
    rows: tuple[ProfileRow, ...]
    signals: tuple[str, ...] = Field(default=DEFAULT_SIGNALS, min_length=1)
    """What the composite strength is made of, where the settings do not say otherwise."""

    @model_validator(mode="after")
    def _rows_can_be_told_apart(self) -> Self:
        if not self.rows:
            raise ValueError("expected at least one row, found none; add [[rows]]")
        ids = [row.id for row in self.rows]
        repeated = sorted({row_id for row_id in ids if ids.count(row_id) > 1})
        if repeated:
            raise ValueError(f"expected each row id once, found again: {', '.join(repeated)}; rename them")
        return self


@cache
def load_profile(name: str, folder: Path = PROFILES) -> ReportProfile:
    """Read a report profile from its TOML file and check every row against the registered tools.

    Use it at start-up; a report made from a loaded profile cannot fail on a name or a parameter. A file
    is read once in the life of a process, so that no cycle is reported by half of an edit.

    Parameters
    ----------
    name : str
        File name without `.toml`.
    folder : Path
        Where the profiles lie; the ones shipped with the desk by default.

    Returns
    -------
    ReportProfile
        Rows in file order.

    Raises
    ------
    SettingsError
        When there is no such file, it is not TOML, a key is unknown or missing, an id is repeated, or a
        row asks for a tool or parameter that is not registered.
    """
    path = folder / f"{name}.toml"
    try:
        described = tomllib.loads(path.read_text(encoding="utf-8"))
        profile = ReportProfile.model_validate({"name": name, **described})
    except FileNotFoundError:
        known = ", ".join(sorted(file.stem for file in folder.glob("*.toml"))) or "none"
        raise SettingsError(
            f"expected a report profile, found no {path.name}; choose one of: {known}"
        ) from None
    except ValidationError as error:
        raise SettingsError(f"expected a report profile in {path.name}, found {_faults(error)}") from error
    except (OSError, ValueError) as error:
        raise SettingsError(f"expected {path.name} to be readable TOML, found: {error}") from error
    if profile.name != name:
        raise SettingsError(
            f"expected {path.name} to name itself {name}, found {profile.name}; drop its name"
        )
    load_tools()
    for row in profile.rows:
        _check_row(row, path)
    if unknown := [name for name in profile.signals if not is_signal(name)]:
        raise SettingsError(
            f"expected signals of {path.name} among {', '.join(SIGNALS)} and the formulas, found "
            f"{', '.join(unknown)}; correct them"
        )
    return profile


def reads_universe(profile: ReportProfile, signals: Iterable[str]) -> bool:
    """Whether a row or a signal compares instruments, so that the bars of all of them are needed."""
    return any(compares(name) for name in {row.tool for row in profile.rows} | set(signals))


def compares(name: str) -> bool:
    """Whether the tool of that name is a formula that compares instruments."""
    return name in formulas() and reach_of(formulas()[name].tree, DEFAULT).is_cross_sectional


def make_report(
    snapshot: MarketSnapshot,
    bars: Mapping[Timeframe, Bars],
    others: Sequence[Bars],
    weights: CompositeWeights | str,
    profile: ReportProfile,
    settings: ScoreSettings,
    held: Mapping[str, Bars] = NOTHING_HELD,
) -> FormulaReport:
    """What the numbers say about one snapshot: evidence, technical score, composite strength.

    Use it once a cycle, and again in replay on the stored bars, where it gives the same record.

    Parameters
    ----------
    snapshot : MarketSnapshot
        Instrument, decision timeframe and `as_of`.
    bars : mapping of Timeframe to Bars
        The snapshot's series, loaded: the decision timeframe and its higher one.
    others : sequence of Bars
        Decision-timeframe bars of the other instruments of the universe, where the profile compares.
    weights : CompositeWeights or str
        Fitted weights in force at `as_of`, or why there are none.
    profile : ReportProfile
        The rows to compute.
    settings : ScoreSettings
        Of the technical score.
    held : mapping of str to Bars
        Decision-timeframe bars of the other instruments that the account holds.

    Returns
    -------
    FormulaReport
        One evidence row for each profile row, in its order, and one correlation for each instrument held;
        those without a value have the reason.

    Raises
    ------
    InvariantBroken
        When a bar closed after `as_of`, or the weights are another instrument's, another timeframe's or
        fitted through a later moment.

    Notes
    -----
    Look-ahead: every bar and every label behind the weights had closed by `as_of`, or this raises.
    A missing timeframe is no error: its rows have no value. Cost: one tool call a row; what rows and
    strength have in common is computed once.
    """
    _refuse_future(snapshot, (*bars.values(), *others, *held.values()))
    if not isinstance(weights, str):
        _refuse_foreign(snapshot, weights)
    beside = Beside(is_volume_traded=snapshot.instrument.has_traded_volume)
    kept = {
        timeframe: SharedBars.of(series, others if timeframe is snapshot.timeframe else (), beside)
        for timeframe, series in bars.items()
    }
    _compute_formulas(profile, snapshot, kept, weights)
    evidence = tuple(_evidence(row, snapshot, kept) for row in profile.rows)
    by_id = {row.evidence_id: row for row in evidence}
    decision_bars = kept.get(snapshot.timeframe)
    if decision_bars is None:
        raise InvariantBroken(
            f"expected {snapshot.timeframe} bars beside the snapshot, found {sorted(bars)}; load its series"
        )
    return FormulaReport(
        cycle_id=snapshot.cycle_id,
        as_of=snapshot.as_of,
        parents=(snapshot.record_id,),
        profile=profile.name,
        evidence=(*evidence, *_correlations(snapshot, decision_bars, held)),
        score=score_technicals(by_id, snapshot.instrument.market, settings),
        strength=composite_strength(decision_bars, weights),
    )


def _faults(error: ValidationError) -> str:
    faults = (f"{'.'.join(str(key) for key in fault['loc'])}: {fault['msg']}" for fault in error.errors())
    return "; ".join(faults)


def _check_row(row: ProfileRow, path: Path) -> None:
    try:
        _ = row.call
    except ToolInputError as error:
        raise SettingsError(
            f"expected row {row.id} of {path.name} to fit its tool, found: {error}"
        ) from error


def _refuse_future(snapshot: MarketSnapshot, bars: Iterable[Bars]) -> None:
    for series in bars:
        if len(series) and series.last_close_time > snapshot.as_of:
            raise InvariantBroken(
                f"expected bars closed by {snapshot.as_of}, found one closing at "
                f"{series.last_close_time}; cut them at the decision bar"
            )


def _refuse_foreign(snapshot: MarketSnapshot, weights: CompositeWeights) -> None:
    wanted = (snapshot.instrument.instrument_id, snapshot.timeframe)
    found = (weights.instrument_id, weights.timeframe)
    if wanted != found or weights.fitted_through > snapshot.as_of:
        raise InvariantBroken(
            f"expected weights of {wanted[0]} {wanted[1]} fitted through {snapshot.as_of} or before, found "
            f"{found[0]} {found[1]} through {weights.fitted_through}; use the weights of the last fit point"
        )


def _compute_formulas(
    profile: ReportProfile,
    snapshot: MarketSnapshot,
    bars: Mapping[Timeframe, SharedBars],
    weights: CompositeWeights | str,
) -> None:
    """Rows and signals that are formulas in one pass, so that what they have in common is computed once."""
    signals = [] if isinstance(weights, str) else [signal.name for signal in weights.signals]
    for place, timeframe in (("decision", snapshot.timeframe), ("higher", snapshot.timeframe.higher)):
        asked = [row.tool for row in profile.rows if row.timeframe == place]
        asked += signals if place == "decision" else []
        names = [name for name in asked if name in formulas()]
        if names and timeframe in bars:
            compute_together(names, bars[timeframe])


def _evidence(row: ProfileRow, snapshot: MarketSnapshot, bars: Mapping[Timeframe, Bars]) -> Evidence:
    timeframe = snapshot.timeframe if row.timeframe == "decision" else snapshot.timeframe.higher
    series = bars.get(timeframe)
    found = row.call.newest(series) if series is not None else None
    return Evidence(
        evidence_id=row.id,
        tool=row.tool,
        instrument_id=snapshot.instrument.instrument_id,
        timeframe=timeframe,
        value=found.value if found else None,
        unit=row.call.tool.unit,
        n_obs=found.n_obs if found else 0,
        reason=found.reason if found else f"the snapshot has no {timeframe} bars",
        warnings=found.warnings if found else (),
    )


def _correlations(snapshot: MarketSnapshot, bars: Bars, held: Mapping[str, Bars]) -> Iterator[Evidence]:
    # Numbered, since an id is a name to cite and an instrument's may be any text.
    for n, (instrument_id, other) in enumerate(held.items(), start=1):
        found = return_correlation(bars, other, window=CORRELATION_BARS)
        yield Evidence(
            evidence_id=f"correlation_{n}",
            tool="return_correlation",
            instrument_id=instrument_id,
            timeframe=snapshot.timeframe,
            value=found.value,
            unit="correlation",
            n_obs=found.n_obs,
            reason=found.reason,
        )
