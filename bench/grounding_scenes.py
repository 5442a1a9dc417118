"""Reports and proposals at moments of the bundled EUR/USD hours, made as the desk makes them."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache, cached_property

from agents.dossier import make_dossier
from agents.grounding import Citable
from contracts.canonical import round_significant
from contracts.market import Bars, Instrument, Quote, Side, Timeframe
from contracts.ports import Case
from contracts.records import BarSeries, DeskState, MarketSnapshot, TradeProposal, TradeStats
from markets.bars import resample
from markets.price_file import read_prices
from markets.samples import sample_sources
from tools.composite import fit_composite
from tools.decision_settings import CompositeSettings, GateSettings, ScoreSettings
from tools.gate import assess_gate
from tools.limits import RiskLimits
from tools.report import ReportProfile, load_profile, make_report
from tools.sizing import propose_trade

SEED = 20_261_121
N_MOMENTS = 12
N_BARS = 600
SPREAD = 0.9e-4


@dataclass(frozen=True)
class Scene:
    """What a seat is shown of one report and one proposal, and so may cite."""

    citable: tuple[Citable, ...]
    own: tuple[Citable, ...]

    @cached_property
    def values(self) -> dict[str, Citable]:
        """By name; "close" is what a price without another name is."""
        named = {number.name: number for number in (*self.citable, *self.own)}
        return named | {"close": named["bid"]}


@dataclass(frozen=True)
class Moment:
    """What the desk has made when it asks its models, and the bars behind it."""

    case: Case
    proposal: TradeProposal
    bars: Mapping[Timeframe, Bars]


@cache
def scenes() -> tuple[Scene, ...]:
    """One of each profile at every moment drawn."""
    return tuple(_scene(moment) for moment in moments())


@cache
def moments() -> tuple[Moment, ...]:
    """In the order of `scenes`."""
    prices = read_prices(sample_sources()["eurusd-2017"])
    bars = prices.sides["ask"]
    rows = sorted(random.Random(SEED).sample(range(4 * N_BARS, len(bars)), N_MOMENTS))
    profiles = [load_profile(name) for name in ("technical", "forex_hourly")]
    return tuple(_moment(prices.instrument, bars[: row + 1], profile) for row in rows for profile in profiles)


def _scene(moment: Moment) -> Scene:
    dossier = make_dossier(moment.case, moment.proposal)
    return Scene(dossier.numbers, dossier.own)


def _moment(instrument: Instrument, bars: Bars, profile: ReportProfile) -> Moment:
    as_of, hours = bars.last_close_time, bars[-N_BARS:]
    about = {"cycle_id": "c" * 64, "as_of": as_of, "parents": (), "instrument_id": instrument.instrument_id}
    snapshot = _snapshot(instrument, as_of, float(hours.close[-1]))
    series = BarSeries(
        instrument_id=instrument.instrument_id,
        timeframe=Timeframe.H1,
        chunks=(),
        n_bars=N_BARS,
        first_close=None,
        last_close=as_of,
    )
    weights = fit_composite(hours, series=series, settings=CompositeSettings(signals=profile.signals))
    higher = resample(bars, instrument.calendar, Timeframe.H4, as_of)[-N_BARS:]
    both = {Timeframe.H1: hours, Timeframe.H4: higher}
    report = make_report(snapshot, both, (), weights, profile, ScoreSettings())
    state = DeskState.model_validate(
        about | _STATE | {"now": as_of, "marks": _MARKS | {"day_opened_at": as_of}}
    )
    gate = assess_gate(state, snapshot, report, GateSettings())
    gate = gate.model_copy(update={"level": "vote", "side": gate.side or Side.BUY, "reasons": ()})
    proposal = propose_trade(state, snapshot, report, gate, RiskLimits())
    return Moment(Case(state, snapshot, report, gate), proposal, both)


def _snapshot(instrument: Instrument, as_of: datetime, ask: float) -> MarketSnapshot:
    return MarketSnapshot(
        cycle_id="c" * 64,
        as_of=as_of,
        parents=(),
        instrument=instrument,
        universe=(instrument.instrument_id,),
        timeframe=Timeframe.H1,
        series=(),
        quote=Quote(bid=round_significant(ask - SPREAD), ask=ask, at=as_of),
        book=None,
        rates=(),
        in_session=True,
        filtered_hour=None,
        reasons=(),
    )


_STATE = {
    "desk": "bench",
    "account_id": "paper",
    "is_paper": True,
    "mode": "technical",
    "timeframe": Timeframe.H1,
    "settings_hash": "0" * 64,
    "limits_hash": "0" * 64,
    "code_hash": "0" * 64,
    "halted_by": None,
    "composite_weights": None,
    "composite_reason": None,
    "budgets": (),
    "positions": (),
    "stats": TradeStats(n_closed=0, win_rate=None, mean_win_r=None, mean_loss_r=None),
}
_MARKS = {"currency": "USD"} | dict.fromkeys(
    ("balance", "equity", "start_equity", "peak_equity", "day_open_equity"), Decimal(100_000)
)
