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


def still_orders(
    n: int = 12,
    *,
    states: tuple[str, str, str] = ("filled", "expired", "rejected"),
    why: str = "past its time",
) -> Sheet:
    """The newest first; `n` more later means new rows on top."""
    rows = [
        (
            f"01-04 {index // 60:02}:{index % 60:02}",
            "EURUSD",
            "SELL" if index % 2 else "BUY",
            "287,436",
            states[index % 3],
            "market, at worst 1.04338",
            "1.04702",
            "1.03874",
            "" if states[index % 3] == "filled" else why,
        )
        for index in reversed(range(n))
    ]
    head = ("time (UTC)", "instrument", "side", "quantity", "state", "type", "stop", "target", "reason")
    return Sheet(head=head, rows=tuple(rows), cycles=tuple(reversed(CYCLES[:n])))


def still_fills(n: int = 9) -> Sheet:
    head = (
        "time (UTC)",
        "instrument",
        "leg",
        "side",
        "quantity",
        "realized P&L",
        "price",
        "slippage",
        "commission",
    )
    rows = [
        (
            f"01-04 {index:02}:00",
            "EURUSD",
            "stop" if index % 2 else "entry",
            "BUY" if index % 2 else "SELL",
            "287,436",
            "-962.91 USD" if index % 2 else "+0.00 USD",
            "1.04703",
            "2.87 USD",
            "0.00 USD",
        )
        for index in reversed(range(n))
    ]
    return Sheet(head=head, rows=tuple(rows), cycles=tuple(reversed(CYCLES[:n])))


_POSITIONS = Sheet(
    head=("instrument", "position", "average price", "price now", "P&L", "stop", "target"),
    rows=(
        ("EURUSD", "-287,436 short", "1.04368", "1.04291", "+221.33 USD", "1.04702", "1.03874"),
        ("USDJPY", "90,000 long", "117.412", "117.302", "-84.40 USD", "116.950", "118.105"),
    ),
    cycles=(CYCLES[7], None),
)
_SEATS = Sheet(
    head=("seat", "calls", "for", "against", "hold", "abstained", "trades", "hit rate", "mean R"),
    rows=(
        ("kimi", "48", "31", "9", "6", "2", "22", "54.55 %", "+0.11 R"),
        ("minimax", "48", "29", "12", "7", "0", "20", "50.00 %", "+0.04 R"),
        ("deepseek", "48", "22", "17", "1", "8", "15", "-", "-"),
    ),
    cycles=(None, None, None),
)
_MODELS = Sheet(
    head=("role", "model", "asked", "answered", "cost", "tokens in", "tokens out"),
    rows=(
        ("formula brain", "ollama qwen3:14b", "112", "110", "0 USD", "402,113", "38,772"),
        ("voter", "moonshot kimi-k2", "48", "46", "0.31 USD", "120,412", "9,310"),
    ),
    cycles=(None, None),
)
_LIMITS = (
    Meter(name="risk of a trade", words="1.00 % of equity, forex", used=None),
    Meter(name="daily loss", words="0.96 % of 3.00 %", used=0.32),
    Meter(name="drawdown", words="8.31 % of 10.00 %", used=0.831),
    Meter(name="position", words="302.90 % of 300.00 % of equity, EURUSD", used=1.00967),
    Meter(name="leverage", words="3.94 of 5 x equity, forex", used=0.788),
)
_BUDGETS = (
    Meter(name="usd a day", words="0.31 of 0.3 USD", used=1.0333),
    Meter(name="usd a cycle", words="0.02 of 0.25 USD", used=0.08),
)
FINE = (
    Health(name="runner", state="good", words="this terminal: waiting for an answer"),
    Health(name="kill switch", state="good", words="not thrown"),
    Health(
        name="feed replay",
        state="good",
        words="newest bar closed 2017-01-04 10:00 UTC; EURUSD 1.04371 / 1.04386, spread 1.5 pips (assumed)",
    ),
    Health(
        name="broker",
        state="good",
        words="account paper-first, PAPER; answered at 09:30:00 UTC on the wall, in 0.4 ms",
    ),
    Health(
        name="journal",
        state="good",
        words="4,112 rows, 9.1 MB, last written 2026-11-21 09:29 UTC on the wall",
    ),
)
BROKEN = Health(
    name="moonshot kimi-k2",
    state="bad",
    words="11 of the newest 20 answered; newest failure: no answer in time",
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
            ("open P&L", "+136.93 USD"),
            ("today", "-962.91 USD"),
            ("peak", "108,012.40 USD"),
            ("drawdown", "8.31 % from the peak"),
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
        health=(*FINE, BROKEN),
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
