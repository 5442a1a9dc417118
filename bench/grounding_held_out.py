"""Patterns as in `bench/grounding_patterns.py` that the rules of `agents/grounding.py` were not made with.

They were written before the rules were finished and measured once, when they were. Who changes a rule for
one of them moves it to the others, and writes new ones first.
"""

from collections.abc import Sequence

from bench.grounding_patterns import Pattern, over, side

HELD_OUT: tuple[Pattern, ...] = (
    lambda w: f"With RSI at {w.f('rsi', 1)} I do not expect a reversal.",
    lambda w: f"The ADX reading is {w.f('adx', 1)}, the RSI reading {w.f('rsi', 1)}.",
    lambda w: f"ADX {w.f('adx', 1)} & RSI {w.f('rsi', 1)} & %B {w.f('percent_b', 2)}",
    lambda w: (
        f"Let me weigh the rows: rsi = {w.f('rsi', 2)}, adx = {w.f('adx', 2)}, plus_di = "
        f"{w.f('plus_di', 2)}, "
        f"minus_di = {w.f('minus_di', 2)}."
    ),
    lambda w: f"I would have liked an ADX above 30; {w.f('adx', 1)} is what we have.",
    lambda w: f"RSI ({w.f('rsi', 1)}) is {over(w, 'rsi', 45)} 45.",
    lambda w: (
        f"+DI, at {w.f('plus_di', 1)}, and -DI, at {w.f('minus_di', 1)}, are the only direction there is."
    ),
    lambda w: (
        f"On the hourly chart RSI is {w.f('rsi', 1)}; on the 4-hour chart it is {w.f('higher_rsi', 1)}."
    ),
    lambda w: (
        f"The higher timeframe ({w.f('higher_adx', 1)} ADX) adds "
        f"{'support' if w.v('higher_adx') > 25 else 'nothing'}."
    ),
    lambda w: f"higher_adx is {w.f('higher_adx', 1)}; adx is {w.f('adx', 1)}.",
    lambda w: (
        f"4H: ADX {w.f('higher_adx', 1)}, +DI {w.f('higher_plus_di', 1)}, -DI {w.f('higher_minus_di', 1)}"
    ),
    lambda w: f"Recent ranges are small, as an ATR of {w.pips('atr', 1)} pips shows.",
    lambda w: f"The ATR ({w.pips('atr', 1)} pips) is several times the spread ({w.pips('spread', 1)} pips).",
    lambda w: (
        f"The stop at {w.f('stop', 5)} is {w.gap('entry', 'stop', 1)} pips from the entry at "
        f"{w.f('entry', 5)}."
    ),
    lambda w: f"{w.gap('entry', 'stop', 0)} pips of stop for {w.gap('entry', 'target', 0)} pips of target.",
    lambda w: f"Position: {w.f('lots', 2)} lots. Risk: {w.f('risk_pct', 1)}% of equity.",
    lambda w: f"A loss at the stop would cost ${w.f('risk', 2)}.",
    lambda w: f"I accept entry {w.f('entry', 5)} / stop {w.f('stop', 5)} / target {w.f('target', 5)}.",
    lambda w: (
        f"EMA 20 is at {w.f('ema_fast', 5)} and EMA 50 at {w.f('ema_slow', 5)}, a difference of "
        f"{w.gap('ema_fast', 'ema_slow', 1)} pips."
    ),
    lambda w: (
        f"Price ({w.f('close', 5)}) against its averages: fast {w.f('ema_fast', 5)}, slow "
        f"{w.f('ema_slow', 5)}."
    ),
    lambda w: f"The slow EMA is {w.gap('close', 'ema_slow', 1)} pips from the last price.",
    lambda w: (
        f"ema_fast {w.f('ema_fast', 5)} {'>' if w.v('ema_fast') > w.v('ema_slow') else '<'} ema_slow "
        f"{w.f('ema_slow', 5)}, so the trend part scores."
    ),
    lambda w: f"The 100-period EMA ({w.f('ema_long', 5)}) is the slowest of the three.",
    lambda w: f"MACD is {w.f('macd_line', 6)}, its signal {w.f('macd_signal', 6)}.",
    lambda w: (
        f"I note macd_histogram at {w.f('macd_histogram', 6)}, "
        f"{side(w, 'macd_histogram', 'rising', 'falling')} momentum."
    ),
    lambda w: (
        f"The MACD line is {over(w, 'macd_line', 'macd_signal')} its signal line: {w.f('macd_line', 5)} "
        f"against "
        f"{w.f('macd_signal', 5)}."
    ),
    lambda w: f"Where is price in the band? %B says {w.f('percent_b', 2)}.",
    lambda w: f"percent_b at {w.pct('percent_b', 0)}, bandwidth at {w.pct('bandwidth', 2)}.",
    lambda w: (
        f"The lower Bollinger band ({w.f('bollinger_lower', 5)}) is "
        f"{w.gap('bollinger_lower', 'bollinger_upper', 1)} pips "
        f"under the upper one ({w.f('bollinger_upper', 5)})."
    ),
    lambda w: (
        f"Bands at {w.f('bollinger_lower', 4)} and {w.f('bollinger_upper', 4)} frame the price of "
        f"{w.f('close', 4)}."
    ),
    lambda w: (
        f"The technical score is {w.f('technical_score', 1)} out of 10 and the composite strength "
        f"{w.f('composite_strength', 2)}."
    ),
    lambda w: f"Signal strength: {w.s('composite_strength', 2)} sigma. My confidence: 58%.",
    lambda w: (
        f"composite {w.f('composite_strength', 2)}; score {w.f('technical_score', 1)}; rsi {w.f('rsi', 1)}"
    ),
    lambda w: (
        f"At {w.s('composite_strength', 2)} sigma the composite is "
        f"{'strong' if abs(w.v('composite_strength')) > 1.5 else 'weak'}."
    ),
    lambda w: (
        f"Volatility (Yang-Zhang) is {w.f('yang_zhang_volatility', 5)}, volatility (realized) is "
        f"{w.f('realized_volatility', 5)}."
    ),
    lambda w: (
        f"The volatility rows, realized_volatility {w.f('realized_volatility', 6)} and yang_zhang_volatility "
        f"{w.f('yang_zhang_volatility', 6)}, agree."
    ),
    lambda w: f"rsi_short {w.f('rsi_short', 1)}: quick to turn. rsi {w.f('rsi', 1)}: slower.",
    lambda w: (
        f"Among the formulas lower_wick_share ({w.f('lower_wick_share', 3)}) and stochastic_5 "
        f"({w.f('stochastic_5', 3)}) stand out."
    ),
    lambda w: f"high_10_over_close = {w.f('high_10_over_close', 5)}, so the ten-bar high is close.",
    lambda w: (
        f"share_falling_10 {w.pct('share_falling_10', 0)}, share_falling_5 {w.pct('share_falling_5', 0)}"
    ),
    lambda w: f"The bid is {w.f('bid', 5)} at 18:00 UTC, 6 November 2017.",
    lambda w: f"HOLD (confidence 0.5): RSI {w.f('rsi', 1)} is not compelling, nor is ADX {w.f('adx', 1)}.",
    lambda w: (
        f"Point 1: ADX {w.f('adx', 1)}. Point 2: ATR {w.f('atr', 5)}. Point 3: spread "
        f"{w.pips('spread', 1)} pips."
    ),
    lambda w: f"There is a 65% chance this works, given ADX {w.f('adx', 0)} and the 4h trend.",
    lambda w: f"Full size needs more than RSI {w.f('rsi', 1)}; take 60% of the proposed size.",
    lambda w: f"Nothing speaks against {w.bare('close', 5)} as a level to act from.",
)

INVENTED: Sequence[tuple[str, str]] = (
    (" The swing low is 1.0298.", "1.0298"),
    (" Elder's bull power is 0.0173.", "0.0173"),
    (" Bonds lost 1.27% today.", "1.27%"),
    (" In 73.6% of cases this continues.", "73.6%"),
    (" It has fallen 129 pips from its peak.", "129"),
    (" EMA(200) is 1.0664.", "1.0664"),
    (" A close over 1.2855 is needed.", "1.2855"),
    (" The fractal dimension is 1.438.", "1.438"),
)
