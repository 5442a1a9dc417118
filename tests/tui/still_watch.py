"""What a desk in the middle of its day shows on its watch screen, made by hand."""

import math
from datetime import UTC, datetime, timedelta

from tui.door import Candles, Curve, Health, Meter, Sheet, Watch

_NOW = datetime(2017, 1, 4, 10, 5, tzinfo=UTC)
CYCLES = tuple(f"{index:02x}" * 32 for index in range(64))


def still_curve(n: int = 300, hours: int = 8) -> Curve:
    equity = [100_000 + 4_000 * math.sin(i / 40) + 900 * math.sin(i / 5) + 10 * i for i in range(n)]
    peaks = [max(equity[: i + 1]) for i in range(n)]
    return Curve(
        currency="USD",
        times=tuple(_NOW - timedelta(hours=hours * (n - 1 - i)) for i in range(n)),
        equity=tuple(equity),
        drawdown_pct=tuple(100 * (p - e) / p for p, e in zip(peaks, equity, strict=True)),
    )


def still_orders(n: int = 12) -> Sheet:
    """The newest first; `n` more later means new rows on top."""
    rows = [
        (
            f"01-04 {index // 60:02}:{index % 60:02}",
            "EURUSD",
            "SELL" if index % 2 else "BUY",
            "287,436",
            "limit 1.04338",
            "1.04702",
            "1.03874",
            ("FILLED", "EXPIRED", "REJECTED")[index % 3],
            "" if index % 3 == 0 else "past its time",
        )
        for index in reversed(range(n))
    ]
    head = ("time", "instrument", "side", "quantity", "type", "stop", "target", "state", "reason")
    return Sheet(head=head, rows=tuple(rows), cycles=tuple(reversed(CYCLES[:n])))


def still_fills(n: int = 9) -> Sheet:
    head = ("time", "instrument", "leg", "side", "quantity", "price", "slippage", "commission", "realized")
    rows = [
        (
            f"01-04 {index:02}:00",
            "EURUSD",
            "stop" if index % 2 else "entry",
            "BUY" if index % 2 else "SELL",
            "287,436",
            "1.04703",
            "2.87 USD",
            "0.00 USD",
            "-962.91 USD" if index % 2 else "-",
        )
        for index in reversed(range(n))
    ]
    return Sheet(head=head, rows=tuple(rows), cycles=tuple(reversed(CYCLES[:n])))


_POSITIONS = Sheet(
    head=("instrument", "position", "quantity", "price", "now", "profit and loss", "stop", "target"),
    rows=(
        ("EURUSD", "short", "-287,436", "1.04368", "1.04291", "+221.33 USD", "1.04702", "1.03874"),
        ("USDJPY", "long", "90,000", "117.412", "117.302", "-84.40 USD", "116.950", "118.105"),
    ),
    cycles=(CYCLES[7], None),
)
_SEATS = Sheet(
    head=("seat", "calls", "for", "against", "hold", "abstained", "closed", "hit rate", "mean R"),
    rows=(
        ("kimi", "48", "31", "9", "6", "2", "22", "54.55 %", "+0.11 R"),
        ("minimax", "48", "29", "12", "7", "0", "20", "50.00 %", "+0.04 R"),
        ("deepseek", "48", "22", "17", "1", "8", "15", "-", "-"),
    ),
    cycles=(None, None, None),
)
_MODELS = Sheet(
    head=("role", "model", "asked", "answered", "tokens in", "tokens out", "cost"),
    rows=(
        ("brain", "qwen3:14b", "112", "110", "402,113", "38,772", "0.00 USD"),
        ("voter", "kimi-k2", "48", "46", "120,412", "9,310", "0.31 USD"),
    ),
    cycles=(None, None),
)
_LIMITS = (
    Meter(name="risk a trade", words="1 % of equity", used=None),
    Meter(name="daily loss", words="0.96 of 3 %", used=0.32),
    Meter(name="drawdown", words="8.31 of 10 %", used=0.831),
    Meter(name="position notional", words="300 % of equity", used=None),
    Meter(name="gross leverage", words="3.15 of 5 x equity", used=0.63),
)
_BUDGETS = (
    Meter(name="day", words="0.31 of 0.30 USD", used=1.0333),
    Meter(name="cycle", words="0.02 of 0.25 USD", used=0.08),
)
_HEALTH = (
    Health(name="feed", state="good", words="EURUSD 1h, newest bar 2017-01-04 10:00 UTC, quote 3 s old"),
    Health(name="broker", state="good", words="paper-d, PAPER, answered in 0.4 ms"),
    Health(name="journal", state="good", words="4,112 rows, 9.1 MB, written 2 s ago"),
    Health(name="runner", state="unknown", words="nobody runs it: an answer waits for a runner"),
    Health(name="kill switch", state="good", words="not thrown"),
    Health(
        name="kimi-k2",
        state="bad",
        words="11 of the newest 20 answered; expected an answer within 30 s, found [none]",
    ),
)
EMPTY = Watch(
    account=(),
    positions=Sheet(head=()),
    orders=Sheet(head=()),
    fills=Sheet(head=()),
    curve=Curve(),
    limits=(),
    seats=Sheet(head=()),
    models=Sheet(head=()),
    budgets=(),
    health=(),
)


def still_watch(**changes: object) -> Watch:
    """A desk in the middle of its day."""
    watch = Watch(
        account=(
            ("equity", "99,037.09 USD"),
            ("balance", "98,900.16 USD"),
            ("open", "+136.93 USD"),
            ("today", "-962.91 USD"),
            ("drawdown", "0.96 % from 100,000.00 USD"),
            ("as of", "2017-01-04 10:00 UTC"),
        ),
        positions=_POSITIONS,
        orders=still_orders(),
        fills=still_fills(),
        curve=still_curve(),
        limits=_LIMITS,
        seats=_SEATS,
        models=_MODELS,
        budgets=_BUDGETS,
        health=_HEALTH,
    )
    return watch.model_copy(update=changes)


def wavy_candles(n: int = 60) -> Candles:
    closes = [1.044 + 0.002 * math.sin(i / 6) + 0.0004 * math.sin(i * 1.7) for i in range(n + 1)]
    opens, ends = closes[:-1], closes[1:]
    return Candles(
        label="EURUSD 1h, bid",
        times=tuple(_NOW.replace(minute=0) - timedelta(hours=n - i) for i in range(n)),
        open=tuple(round(each, 5) for each in opens),
        high=tuple(round(max(o, c) + 0.0003, 5) for o, c in zip(opens, ends, strict=True)),
        low=tuple(round(min(o, c) - 0.0002, 5) for o, c in zip(opens, ends, strict=True)),
        close=tuple(round(each, 5) for each in ends),
    )
