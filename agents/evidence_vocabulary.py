"""How the field's nouns are written: indicators, prices, parts of a trade, what tells their kinds apart."""

import re

_NOUNS: tuple[tuple[str, str, str], ...] = (
    # noun, kind, how it is written; what is longer comes first.
    ("macd", "histogram", r"(?:macd[\s_-]*)?hist(?:ogram)?"),
    ("macd", "signal", r"macd'?s?[\s_-]+signal(?:[\s_-]+line)?|signal[\s_-]line|its\s+signal(?!\s+strength)"),
    ("macd", "line", r"macd[\s_-]+line"),
    ("macd", "", r"macd"),
    ("rsi", "", r"rsi|relative[\s-]strength(?:\s+index)?"),
    ("atr", "", r"atr|(?:average[\s-])?true[\s-]range|average\s+(?:\w+\s+)?range"),
    ("adx", "", r"adx|average\s+directional(?:\s+movement)?(?:\s+index)?"),
    ("di", "plus", r"(?:\+\s?|plus[\s_-]?|positive\s)di\b(?:\s+line)?|di\s?\+"),
    ("di", "minus", r"(?:(?<![\w)])[-−–]\s?|minus[\s_-]?|negative\s)di\b(?:\s+line)?|di\s?[-−](?![\d.\w])"),
    ("di", "", r"di(?:rectional)?[\s-]+(?:lines?|indicators?|spread)"),
    ("bandwidth", "", r"(?:bollinger\s+)?band[\s-]?width"),
    ("percent_b", "", r"%\s?b\b|percent[\s_-]?b\b|pct[\s_-]?b\b"),
    ("band", "upper", r"upper\s+(?:bollinger\s+)?(?:band|line)s?|bollinger[\s_]upper|upper\s+bollinger"),
    ("band", "lower", r"lower\s+(?:bollinger\s+)?(?:band|line)s?|bollinger[\s_]lower|lower\s+bollinger"),
    ("band", "", r"bollinger(?:\s+bands?)?|bands?"),
    ("percentile", "", r"(?:volatility[\s_-]+)?(?:percentile|percent\s+rank)(?:\s+of\s+volatility)?|"
     r"volatility[\s_-]rank"),
    ("efficiency", "", r"(?:kaufman(?:['’]s)?\s+)?efficiency(?:[\s_-]ratio)?"),
    # The id of a report counts them; a value that follows is no part of the name.
    ("correlation", "", r"correlation(?:[\s_]\d(?![.\d]))?|correlated"),
    ("volatility", "realized", r"reali[sz]ed(?:[\s_-]vol(?:atility)?|(?=\s*[:=(]?\s*\d))"),
    ("volatility", "yang_zhang", r"yang[\s_–-]*zhang(?:['’]s)?(?:[\s_-]*(?:vol(?:atility)?|estimat\w+))?"),
    ("volatility", "implied", r"implied[\s_-]vol(?:atility)?"),
    ("volatility", "", r"volatility"),
    ("ema", "", r"emas?|smas?|mas?|(?:exponential\s+)?moving\s+averages?|averages|"
     r"(?<=fast )average|(?<=slow )average"),
    ("score", "", r"(?:technical\s+)?score"),
    ("strength", "", r"(?<!relative )(?<!trend )(?:composite\s+)?(?:signal\s+)?strength|"
     r"composite(?:\s+signal)?|the\s+signal(?![\s-]+line)"),
    ("spread", "", r"(?<!ema )(?<!emas )(?<!di )spread"),
    ("bid", "", r"bid"),
    ("ask", "", r"ask|offer"),
    ("entry", "", r"entry(?:\s+price)?|enter(?:ing)?"),
    ("stop", "", r"stop(?:[\s-]loss)?(?:\s+price)?|sl"),
    ("target", "", r"(?:price\s+)?target(?:\s+price)?|take[\s-]profit(?:\s+price)?|tp"),
    ("lots", "", r"lots?"),
    ("quantity", "", r"quantity|units"),
    ("risk", "", r"risk(?:s|ing|ed)?(?![\s/-]*(?:to[\s-])?reward)"),
    ("close", "", r"(?:last\s+|current\s+)?(?:clos(?:e[ds]?|ing)(?!\s+to\b)(?:\s+(?:price|at))?)"),
    ("price", "", r"(?:last\s+|current\s+)?price|spot|quote|the\s+(?:market|pair)|trad(?:es|ing)|eur/?usd"),
    ("level", "", r"support|resistance"),
    ("foreign", "", r"retracement|fib(?:onacci)?|stochastics?|cci|vwap|obv|mfi|williams|"
     r"open\s+interest|volume|pivot|ichimoku|sharpe|yields?|win\s+rate"),
)  # fmt: skip
_KINDS: tuple[tuple[str, str], ...] = (
    ("fast", r"fast(?:er)?|short(?:er)?(?:[\s-]term)?(?=\s+(?:ema|ma|moving))"),
    ("slow", r"slow(?:er)?"),
    ("short", r"short(?:er)?(?:[\s-]term)?(?=[\s_-]+rsi)|short$"),
    ("long", r"long(?:er|est)?(?:[\s-]term)?(?=\s+(?:ema|ma|moving))|long$"),
    ("signal", r"signal(?=\s*[=:(/]|\s+(?:(?:is|at)\b|[-+−]?\d))"),
    ("upper", r"upper(?=\s+(?:one|at|is|near|\(|\d))"),
    ("lower", r"lower(?=\s+(?:one|at|is|near|\(|\d))"),
    ("minimum", r"minimum|min|needs|needed|required|requirement|hurdle"),
    ("distance", r"distance|pips"),
    ("buy", r"buy"),
    ("sell", r"sell"),
    ("pct", r"pct|percent"),
    ("amount", r"amount"),
)
_FRAMES = (
    ("higher", r"higher(?:[\s-](?:time[\s-]?frame|tf))?(?!\s+(?:than|high|low|prices?))|htf|"
     r"larger[\s-]time[\s-]?frame"),
    ("decision", r"decision[\s-](?:time[\s-]?frame|bar)|lower[\s-]time[\s-]?frame"),
    ("1m", r"m1|1m|1[\s-]min(?:ute)?|one[\s-]minute"),
    ("5m", r"m5|5m|5[\s-]min(?:ute)?|five[\s-]minute"),
    ("15m", r"m15|15m|15[\s-]min(?:ute)?"),
    ("30m", r"m30|30m|30[\s-]min(?:ute)?"),
    ("1h", r"h1|1h|1[\s-]hour|one[\s-]hour|hourly"),
    ("4h", r"h4|4h|4[\s-]hour|four[\s-]hour(?:ly)?"),
    ("1d", r"d1|1d|daily|1[\s-]day"),
    ("1w", r"w1|1w|weekly"),
)  # fmt: skip


def _groups() -> str:
    parts = [f"(?P<n{i}>(?<![a-z0-9_])(?:{shape})(?![a-z]))" for i, (_, _, shape) in enumerate(_NOUNS)]
    parts += [f"(?P<k{i}>(?<![a-z])(?:{shape})(?![a-z]))" for i, (_, shape) in enumerate(_KINDS)]
    parts += [f"(?P<f{i}>(?<![a-z0-9])(?:{shape})(?![a-z0-9]))" for i, (_, shape) in enumerate(_FRAMES)]
    return "|".join(parts)


VOCABULARY = re.compile(_groups(), re.IGNORECASE)


def is_noun(item: re.Match[str]) -> bool:
    """Whether a match of the vocabulary is a noun."""
    return (item.lastgroup or "").startswith("n")


def noun_of(item: re.Match[str]) -> str:
    """Which noun; only for one."""
    return _NOUNS[int((item.lastgroup or "n0")[1:])][0]


def kinds_of(item: re.Match[str]) -> list[str]:
    """What the match says of the kind: none or one."""
    group = item.lastgroup or ""
    index = int(group[1:])
    if group[0] == "f":
        return [_FRAMES[index][0]] if _FRAMES[index][0] == "higher" else []
    kind = _NOUNS[index][1] if group[0] == "n" else _KINDS[index][0]
    return [kind] if kind else []


def frame_of(item: re.Match[str]) -> list[str]:
    """Which timeframe the match is: none or one."""
    group = item.lastgroup or ""
    return [_FRAMES[int(group[1:])][0]] if group.startswith("f") else []
