"""Sentences of the kinds that models write about a report, with the numbers left to a `Writer`.

The rules of `agents/grounding.py` were made with these; those that measure them are in
`bench/grounding_held_out.py`. Numbers that stand in a sentence as they are (periods, dates, counts, levels)
are true, and the check must leave them alone.
"""

from collections.abc import Callable, Sequence
from typing import Protocol


class Writer(Protocol):
    """Gives the numbers of one report as text; a KeyError means the report lacks one."""

    def f(self, name: str, decimals: int, *, cut: bool = False) -> str:
        """As a plain number, a minus before a negative one; `cut` truncates."""

    def s(self, name: str, decimals: int) -> str:
        """With its sign always."""

    def a(self, name: str, decimals: int) -> str:
        """Without its sign, which a word beside it tells."""

    def pct(self, name: str, decimals: int) -> str:
        """A ratio in percent, with the percent sign."""

    def bp(self, name: str, decimals: int) -> str:
        """A ratio in basis points, without the unit."""

    def pips(self, name: str, decimals: int) -> str:
        """A price distance in pips, without the unit."""

    def gap(self, one: str, other: str, decimals: int) -> str:
        """Between two prices, in pips, without the unit."""

    def k(self, name: str, decimals: int) -> str:
        """In thousands, with a k."""

    def bare(self, name: str, decimals: int) -> str:
        """Like `f`, in a sentence that does not say what it is."""

    def v(self, name: str) -> float:
        """The value itself, to choose words by."""


Pattern = Callable[[Writer], str]


def side(w: Writer, name: str, up: str, down: str) -> str:
    return up if w.v(name) >= 0 else down


def over(w: Writer, one: str, other: float | str) -> str:
    than = w.v(other) if isinstance(other, str) else other
    return "above" if w.v(one) > than else "below"


TUNED: tuple[Pattern, ...] = (
    lambda w: f"RSI {w.f('rsi', 1)} and ADX {w.f('adx', 1)}: the trend has room.",
    lambda w: f"The RSI(14) is at {w.f('rsi', 2)}, {over(w, 'rsi', 50)} 50.",
    lambda w: (
        f"1. The fast EMA ({w.f('ema_fast', 5)}) is {over(w, 'ema_fast', 'ema_slow')} the slow EMA "
        f"({w.f('ema_slow', 5)}).\n2. ATR is {w.f('atr', 5)}, so the stop is wide enough."
    ),
    lambda w: (
        f"MACD {w.f('macd_line', 5)} vs its signal {w.f('macd_signal', 5)}, momentum is "
        f"{side(w, 'macd_line', 'positive', 'negative')}."
    ),
    lambda w: f"With +DI at {w.f('plus_di', 1)} and -DI at {w.f('minus_di', 1)}, one side has control.",
    lambda w: (
        f'{{"rsi": {w.f("rsi", 2)}, "adx": {w.f("adx", 2)}, "atr": {w.f("atr", 6)}, "confidence": 0.72}}'
    ),
    lambda w: f"%B of {w.f('percent_b', 2)} shows where price is within the 20-bar Bollinger band.",
    lambda w: (
        f"The technical score of {w.f('technical_score', 1)} clears the minimum of 2.5, so I approve (75% "
        f"confident)."
    ),
    lambda w: f"Composite strength stands at {w.s('composite_strength', 2)} sigma.",
    lambda w: (
        f"On the 4h chart ADX is {w.f('higher_adx', 1)} and RSI {w.f('higher_rsi', 1)}; "
        f"hourly RSI is {w.f('rsi', 1)}."
    ),
    lambda w: f"Volatility is calm: ATR of {w.pips('atr', 1)} pips over the last 14 bars.",
    lambda w: f"EMA20/EMA50 at {w.f('ema_fast', 4)}/{w.f('ema_slow', 4)}, price at {w.f('close', 4)}.",
    lambda w: (
        f"Stop at {w.f('stop', 5)} and target at {w.f('target', 5)} give 1.5R; entry {w.f('entry', 5)} is "
        f"fair."
    ),
    lambda w: (
        f"I see three reasons to hold back. First, RSI sits near {w.f('rsi', 0)}. Second, ADX is only "
        f"{w.f('adx', 0)}. Third, 80% sure is not enough."
    ),
    lambda w: f"Bandwidth is {w.pct('bandwidth', 2)}, a narrow range for March 2017.",
    lambda w: f"Price fell to {w.f('close', 5)} by 14:00 UTC on 2017-03-01 and the bands did not widen.",
    lambda w: f"Yang-Zhang volatility of {w.bp('yang_zhang_volatility', 1)} bp per bar is normal.",
    lambda w: f"{w.f('adx', 1)} on the ADX and {w.f('rsi', 1)} on the RSI do not argue against the trade.",
    lambda w: (
        f"The {w.gap('ema_fast', 'ema_slow', 1)} pip gap between the fast EMA and the slow EMA is meaningful."
    ),
    lambda w: f"MACD is {w.a('macd_line', 5)} {side(w, 'macd_line', 'above', 'below')} zero.",
    lambda w: (
        f"The signal is {side(w, 'composite_strength', 'up', 'down')} {w.a('composite_strength', 1)}σ, "
        f"which is worth a vote."
    ),
    lambda w: f"higher_plus_di={w.f('higher_plus_di', 2)}; higher_minus_di={w.f('higher_minus_di', 2)} [2]",
    lambda w: f"Risk of {w.f('risk_pct', 2)}% for {w.f('lots', 2)} lots is acceptable.",
    lambda w: (
        f"The upper band at {w.f('bollinger_upper', 4)} caps the move, the lower at "
        f"{w.f('bollinger_lower', 4)} supports it."
    ),
    lambda w: f"rsi_short ({w.f('rsi_short', 2)}) leads rsi ({w.f('rsi', 2)}).",
    lambda w: (
        f"stochastic_5 at {w.f('stochastic_5', 3)} and upper_wick at {w.f('upper_wick', 5)} say little."
    ),
    lambda w: (
        f"The pair trades at {w.f('close', 5)}. It holds {over(w, 'close', 'ema_slow')} the 50-period "
        f"EMA at {w.f('ema_slow', 5)}."
    ),
    lambda w: f"ADX ({w.f('adx', 1)}) is {over(w, 'adx', 25)} the 25 threshold.",
    lambda w: f"About {w.k('quantity', 1)} units are at stake; spread {w.pips('spread', 1)} pips.",
    lambda w: (
        f"Histogram {w.s('macd_histogram', 6)}, so momentum is "
        f"{side(w, 'macd_histogram', 'rising', 'falling')}."
    ),
    lambda w: f"Everything considered, {w.bare('close', 5)} is a fair place to start.",
    lambda w: (
        f"Trend: EMA 20 = {w.f('ema_fast', 5)}, EMA 50 = {w.f('ema_slow', 5)}. Momentum: MACD = "
        f"{w.f('macd_line', 6)}, signal = {w.f('macd_signal', 6)}. Volatility: ATR = {w.f('atr', 6)}."
    ),
    lambda w: (
        f"Since 2017-06-12 09:00 the market has drifted; the ask is {w.f('ask', 5)} and the bid "
        f"{w.f('bid', 5)}, a spread of {w.pips('spread', 1)} pips."
    ),
    lambda w: (
        f"Size: {w.f('lots', 2)} lots ({w.k('quantity', 0)} units), risking ${w.f('risk', 0)}. "
        "Fine for an account this small? The desk says so."
    ),
    lambda w: (
        f"4h: RSI {w.f('higher_rsi', 1)}, +DI {w.f('higher_plus_di', 1)}, -DI {w.f('higher_minus_di', 1)}. "
        f"1h: RSI {w.f('rsi', 1)}, +DI {w.f('plus_di', 1)}, -DI {w.f('minus_di', 1)}."
    ),
    lambda w: (
        f"I reject: (1) ADX {w.f('adx', 1)}; (2) higher_atr {w.f('higher_atr', 5)}; (3) session ends at "
        f"17:00."
    ),
    lambda w: f"RSI and ADX are {w.f('rsi', 1)} and {w.f('adx', 1)} respectively.",
    lambda w: (
        f"Buying here is supported by an ADX above {w.f('adx', 0, cut=True)}; I'd put the probability at 60%."
    ),
    lambda w: (
        f"| indicator | value |\n| rsi | {w.f('rsi', 3)} |\n| adx | {w.f('adx', 3)} |\n| atr | "
        f"{w.f('atr', 6)} |"
    ),
    lambda w: f"Vol: realized {w.f('realized_volatility', 5)}, Yang-Zhang {w.f('yang_zhang_volatility', 5)}.",
    lambda w: (
        f"In the last 10 bars {w.pct('share_falling_10', 0)} fell (share_falling_10), over the last 5 bars "
        f"{w.pct('share_falling_5', 0)} (share_falling_5)."
    ),
    lambda w: (
        f"My answer is HOLD; nothing in a {w.f('adx', 1)} ADX or a {w.f('rsi', 1)} RSI forces a trade "
        f"before 15:30."
    ),
    lambda w: f"HTF RSI {w.f('higher_rsi', 1)}; LTF RSI {w.f('rsi', 1)}.",
    lambda w: (
        f"A reading of {w.f('rsi', 1)} on the RSI and of {w.f('percent_b', 2)} on %B put price "
        f"{'in the upper' if w.v('percent_b') > 0.5 else 'in the lower'} half."
    ),
    lambda w: (
        f"Directional indicators favour {'buyers' if w.v('plus_di') > w.v('minus_di') else 'sellers'}: "
        f"{w.f('plus_di', 1)} for +DI against {w.f('minus_di', 1)} for -DI."
    ),
    lambda w: (
        f"Spot is {w.f('close', 5)}; the slow EMA, {w.f('ema_slow', 5)}, is "
        f"{w.gap('close', 'ema_slow', 0)} pips away."
    ),
    lambda w: f"Should RSI (now {w.f('rsi', 1)}) break 75, I would take profit early.",
    lambda w: f"The target ({w.f('target', 5)}) is 1.5 times the distance of the stop ({w.f('stop', 5)}).",
    lambda w: (
        f"The residual of line 5 is {w.f('residual_of_line_5', 6)} and the stochastic 5 is "
        f"{w.f('stochastic_5', 2)}."
    ),
    lambda w: (
        f"We got {w.f('rsi', 1)} for the RSI, {w.f('adx', 1)} for the ADX and {w.f('percent_b', 2)} for %B."
    ),
    lambda w: (
        f"ADX is {over(w, 'adx', 20)} 20 at {w.f('adx', 1)}, RSI is {over(w, 'rsi', 50)} 50 at "
        f"{w.f('rsi', 1)}."
    ),
    lambda w: f"%B reads {w.f('percent_b', 2)}; the band itself is {w.pct('bandwidth', 2)} wide.",
    lambda w: (
        f"The composite reads {w.s('composite_strength', 2)}, the technical side "
        f"{w.f('technical_score', 1)} points."
    ),
    lambda w: (
        f"MACD at {w.f('macd_line', 5)} is {over(w, 'macd_line', 'macd_signal')} the signal line at "
        f"{w.f('macd_signal', 5)}."
    ),
    lambda w: f"By 16:00 on 9 May 2017 the ask stood at {w.f('ask', 5)}. I put 65% on the trade working.",
    lambda w: f"Both DI lines are on record, the positive one at {w.f('plus_di', 1)}.",
    lambda w: f"MACD: line {w.f('macd_line', 6)}, signal {w.f('macd_signal', 6)}.",
    lambda w: (
        f"rsi is {w.f('rsi', 1)}, so neither 30 nor 70 is "
        f"{'in sight' if 35 < w.v('rsi') < 65 else 'the question'}; adx is {w.f('adx', 1)}."
    ),
    lambda w: f"The close lies at {w.f('stochastic_5', 2)} of the 5-bar range (stochastic_5).",
    lambda w: f"The distance between fast and slow EMA is {w.gap('ema_fast', 'ema_slow', 1)} pips.",
    lambda w: (
        f"The fast RSI(4), {w.f('rsi_short', 1)}, has left the slower RSI(14), {w.f('rsi', 1)}, behind."
    ),
    lambda w: f"An RSI over 80 or under 20 would be a warning; {w.f('rsi', 1)} is what it is.",
    lambda w: (
        f"If the stop at {w.f('stop', 5)} is hit, {w.f('risk_pct', 1)}% of equity (${w.f('risk', 0)}) is "
        f"gone."
    ),
    lambda w: (
        f"The EMA spread (fast {w.f('ema_fast', 5)}, slow {w.f('ema_slow', 5)}) is "
        f"{'positive' if w.v('ema_fast') > w.v('ema_slow') else 'negative'}."
    ),
    lambda w: (
        f"ADX of {w.f('adx', 1)} on the hour, ADX of {w.f('higher_adx', 1)} on four hours (higher_adx)."
    ),
    lambda w: f"ADX ({w.f('adx', 1)}) under 20 would mean no trend; over 40, a strong one.",
)

INVENTED: Sequence[tuple[str, str]] = (
    (" Support sits at 1.0950.", "1.0950"),
    (" The stochastic oscillator is at 83.4.", "83.4"),
    (" Volume is 23% above its average.", "23%"),
    (" The 200 EMA at 1.0872 is far away.", "1.0872"),
    (" The pair gained 87 pips yesterday.", "87"),
    (" Resistance is waiting near 1.2650.", "1.2650"),
    (" CCI has reached 143.", "143"),
    (" The 61.8% retracement should hold.", "61.8%"),
    (" Open interest rose by 12.4%.", "12.4%"),
    (" Implied volatility trades around 9.3%.", "9.3%"),
    (" A daily close under 1.0480 would end the trend.", "1.0480"),
    (" There is strong demand at 1.0325.", "1.0325"),
    (" MFI stands at 27.6.", "27.6"),
    (" The weekly pivot is 1.2915.", "1.2915"),
    (" Historically this setup wins 64% of the time.", "64%"),
    (" The DXY is at 97.45.", "97.45"),
    (" SMA200 is 1.0611.", "1.0611"),
    (" GDP grew 2.4% in the quarter.", "2.4%"),
    (" A break of 1.0715 would change my mind.", "1.0715"),
    (" The Sharpe ratio of this setup is 1.83.", "1.83"),
    (" Swap costs 4.6 pips a night.", "4.6"),
    (" The daily RSI is 47.9.", "47.9"),
    (" Short interest fell 8.5%.", "8.5%"),
    (" The Kijun line is at 1.2588.", "1.2588"),
    (" VIX is 19.4.", "19.4"),
    (" It has moved 143 pips this week.", "143"),
    (" The Donchian channel ends at 1.0590.", "1.0590"),
    (" The TRIX is 0.0421.", "0.0421"),
    (" An options barrier is rumoured at 1.2475.", "1.2475"),
    (" The ten-year yield is 2.37%.", "2.37%"),
    (" Positioning is at the 91st percentile, 38.6 thousand contracts.", "38.6 thousand"),
    (" The weekly ATR is 212 pips.", "212"),
    (" A profit factor of 1.72 backs this.", "1.72"),
    (" The 1h Williams %R is -64.2.", "-64.2"),
    (" The Supertrend flips at 1.0640.", "1.0640"),
    (" Aroon up is 92.9.", "92.9"),
    (" A large order is resting at 1.2390.", "1.2390"),
    (" Inflation came in at 1.9%.", "1.9%"),
    (" The weekly range was 187 pips.", "187"),
    (" The Hurst exponent is 0.613.", "0.613"),
    (" The daily ADX is 17.2.", "17.2"),
    (" The put/call ratio is 0.87.", "0.87"),
    (" Parabolic SAR is at 1.0675.", "1.0675"),
    (" The vortex indicator reads 1.283.", "1.283"),
    (" Stops are clustered at 1.2440.", "1.2440"),
    (" Retail traders are 71.4% short.", "71.4%"),
    (" It has ranged 164 pips since Monday.", "164"),
    (" The Z-score is 3.47.", "3.47"),
    (" The weekly RSI is 53.8.", "53.8"),
    (" The swap is 0.74 pips a night.", "0.74"),
    (" The next big figure is 1.3100.", "1.3100"),
    (" Keltner's upper channel is 1.2712.", "1.2712"),
    (" Gold fell 1.83% overnight.", "1.83%"),
    (" The backtest shows 58.7% winners.", "58.7%"),
    (" The Asian range was 151 pips.", "151"),
    (" RSI(21) is 38.4.", "38.4"),
    (" The monthly open is 1.0522.", "1.0522"),
    (" Momentum(10) is 104.6.", "104.6"),
    (" The yearly high is 1.3240.", "1.3240"),
    (" Ultimate oscillator: 61.7.", "61.7"),
    (" Oil gained 2.64%.", "2.64%"),
    (" This pattern works 67.3% of the time.", "67.3%"),
    (" The opening gap was 138 pips.", "138"),
    (" ADX(28) is 36.4.", "36.4"),
    (" The two-year low is 1.0345.", "1.0345"),
    (" The Chaikin volatility is 0.1934.", "0.1934"),
)
"""Sentences with one number that no report of the sample holds, and that number."""
