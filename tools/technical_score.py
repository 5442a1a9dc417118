"""The technical score: six parts give points to buying or selling, the fuller side proposes.

Two parts look for a price that has run too far (RSI, Bollinger), four for one that is on its way
(MACD, moving averages, directional movement, higher trend). They seldom agree: a market oversold
enough for the first two is usually falling on the other four, so ten points are a ceiling of the
arithmetic and about seven are a rare sight. The score reads evidence records and nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from contracts.market import Market, Side
from contracts.records import Evidence, ScorePart, TechnicalScore
from tools.decision_settings import ScoreSettings

# What the score *is* stands here and not in the settings: a replay takes settings from the record, so
# only a constant of the code can show that the score itself has changed since.
RSI_WEIGHT = 2.0
MACD_WEIGHT = 2.0
EMA_WEIGHT = 1.5
DIRECTIONAL_WEIGHT = 1.0
BOLLINGER_WEIGHT = 1.5
HIGHER_TREND_WEIGHT = 2.0
RSI_OVERSOLD = 30.0
RSI_OVERBOUGHT = 70.0
ADX_TRENDING = 25.0

_Judgement = tuple[Side | None, str]


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    weight: float
    evidence_ids: tuple[str, ...]
    judge: Callable[[Sequence[float]], _Judgement]


def score_technicals(
    evidence: Mapping[str, Evidence], market: Market, settings: ScoreSettings
) -> TechnicalScore:
    """Points for buying and for selling, from the evidence rows of one report.

    Use it wherever the desk needs the side that the plain rules favour; it needs no fit and no model.

    Parameters
    ----------
    evidence : mapping of str to Evidence
        Rows by evidence id; the ids in `REQUIRED_EVIDENCE` are read, others are ignored.
    market : str
        "forex", "futures", "crypto" or "index"; chooses the minimum.
    settings : ScoreSettings
        Minimum points and the trend filter.

    Returns
    -------
    TechnicalScore
        Parts with their reasons, points a side, the side with more and its points. A tie has
        `side` None. `is_opposed` is true when the filter is on and the higher trend is the other way.

    Notes
    -----
    Every comparison is strict: a value on its level gives no points. Rules, all or nothing:

    - RSI under 30 buys, over 70 sells (a run too far tends to turn).
    - MACD line over its signal line buys, under it sells: the side of momentum that is growing.
    - Fast average over slow one buys, under it sells. They are 20 and 50 bars, since 12 and 26 would
      repeat the sign of the MACD line.
    - +DI over -DI buys, under it sells, only while ADX is over 25: direction without
      strength is noise.
    - %B under 0 (a close under the lower band) buys, over 1 (over the upper band) sells.
    - The higher timeframe has a trend when its averages *and* its DI lines point the same way; one
      witness would always name a trend, and this part can veto a trade.

    A row that is absent or None gives nothing to either side and its part says why; an unknown
    higher trend opposes nothing. Look-ahead: none of its own, it reads what the rows hold.

    References
    ----------
    Wilder, J. W. (1978). New Concepts in Technical Trading Systems: RSI levels 30 and 70, DI, ADX.
    Appel, G. (2005). Technical Analysis: Power Tools for Active Investors: MACD and signal line.
    Bollinger, J. (2001). Bollinger on Bollinger Bands: %B.
    """
    judged = [(rule, *_judge(rule, evidence)) for rule in _RULES]
    parts = tuple(_part(rule, side, why) for rule, side, why in judged)
    # The weights are multiples of a half, so both sums are exact and a tie is a tie.
    buy, sell = sum(part.buy for part in parts), sum(part.sell for part in parts)
    side = None if buy == sell else Side.BUY if buy > sell else Side.SELL
    trend = next(side for rule, side, _ in judged if rule.name == "higher_trend")
    return TechnicalScore(
        parts=parts,
        buy=buy,
        sell=sell,
        side=side,
        value=max(buy, sell),
        minimum=settings.minimum_for(market),
        higher_trend=trend,
        is_opposed=settings.higher_trend_filter and side is not None and trend is side.opposite,
    )


def _judge(rule: _Rule, evidence: Mapping[str, Evidence]) -> _Judgement:
    values: list[float] = []
    for evidence_id in rule.evidence_ids:
        row = evidence.get(evidence_id)
        if row is None:
            return None, f"no points: the report has no row {evidence_id}"
        if row.value is None:
            return None, f"no points: {evidence_id} is missing: {row.reason or 'no reason given'}"
        values.append(row.value)
    return rule.judge(values)


def _part(rule: _Rule, side: Side | None, why: str) -> ScorePart:
    return ScorePart(
        name=rule.name,
        weight=rule.weight,
        buy=rule.weight if side is Side.BUY else 0.0,
        sell=rule.weight if side is Side.SELL else 0.0,
        why=why,
    )


def _rsi(values: Sequence[float]) -> _Judgement:
    rsi, low, high = values[0], RSI_OVERSOLD, RSI_OVERBOUGHT
    if rsi < low:
        return Side.BUY, f"RSI {rsi:.6g} under {low:g}: oversold"
    if rsi > high:
        return Side.SELL, f"RSI {rsi:.6g} over {high:g}: overbought"
    return None, f"RSI {rsi:.6g} from {low:g} to {high:g}"


def _macd(values: Sequence[float]) -> _Judgement:
    return _compare("MACD", values[0], "its signal", values[1])


def _ema(values: Sequence[float]) -> _Judgement:
    return _compare("fast EMA", values[0], "slow EMA", values[1])


def _directional(values: Sequence[float]) -> _Judgement:
    plus_di, minus_di, adx = values
    level = ADX_TRENDING
    if not adx > level:
        return None, f"ADX {adx:.6g} not over {level:g}: no trend to follow"
    side, why = _compare("+DI", plus_di, "-DI", minus_di)
    return side, f"{why} with ADX {adx:.6g} over {level:g}"


def _bollinger(values: Sequence[float]) -> _Judgement:
    percent_b = values[0]
    if percent_b < 0:
        return Side.BUY, f"%B {percent_b:.6g} under 0: close under the lower band"
    if percent_b > 1:
        return Side.SELL, f"%B {percent_b:.6g} over 1: close over the upper band"
    return None, f"%B {percent_b:.6g} from 0 to 1: close inside the bands"


def _higher_trend(values: Sequence[float]) -> _Judgement:
    fast, slow, plus_di, minus_di = values
    averages, why_averages = _compare("higher fast EMA", fast, "slow EMA", slow)
    directional, why_directional = _compare("+DI", plus_di, "-DI", minus_di)
    agreed = averages if averages is directional else None
    verdict = {Side.BUY: "bullish", Side.SELL: "bearish", None: "no trend"}[agreed]
    return agreed, f"{verdict}: {why_averages}, {why_directional}"


def _compare(name: str, value: float, other_name: str, other: float) -> _Judgement:
    if value == other:
        return None, f"{name} {value:.8g} equal to {other_name}"
    side, word = (Side.BUY, "over") if value > other else (Side.SELL, "under")
    return side, f"{name} {value:.8g} {word} {other_name} {other:.8g}"


_RULES = (
    _Rule("rsi", RSI_WEIGHT, ("rsi",), _rsi),
    _Rule("macd", MACD_WEIGHT, ("macd_line", "macd_signal"), _macd),
    _Rule("ema", EMA_WEIGHT, ("ema_fast", "ema_slow"), _ema),
    _Rule("directional", DIRECTIONAL_WEIGHT, ("plus_di", "minus_di", "adx"), _directional),
    _Rule("bollinger", BOLLINGER_WEIGHT, ("percent_b",), _bollinger),
    _Rule(
        "higher_trend",
        HIGHER_TREND_WEIGHT,
        ("higher_ema_fast", "higher_ema_slow", "higher_plus_di", "higher_minus_di"),
        _higher_trend,
    ),
)

REQUIRED_EVIDENCE: tuple[str, ...] = tuple(name for rule in _RULES for name in rule.evidence_ids)
"""Evidence ids the score reads; a report profile without one of them silences a part."""
