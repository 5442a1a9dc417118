"""Cycles as the story screen tells them, made by hand: finished, stood aside, under way, left alone."""

from tui.door import Stage, Step, Story

CYCLE, EARLIER = "1f79ceb0" + "5a" * 28, "41027a03" + "c3" * 28
DECIDED = "EURUSD 1h, decided on the bar that closed 2017-01-04 {hour:02d}:00 UTC\ncycle {cycle}"
HEARD = "Four hours point down, and the fast average stays under the slow one."
_BEFORE = (
    ("desk", "desk first, mode technical\nbalance 100,000.00 USD, equity 100,000.00 USD, flat", ""),
    (
        "market",
        "60 bars of 1h to 2017-01-04 10:00 UTC\n15 bars of 4h to 2017-01-04 10:00 UTC\n"
        "bid 1.04371, ask 1.04386, spread assumed\nmarket open",
        "10.7 ms",
    ),
    (
        "numbers",
        "profile technical: 29 numbers, 7 missing\nscore SELL: buy 2, sell 3, needs 2.5; higher trend none\n"
        "          -  rsi           RSI 58.2844 from 30 to 70\n"
        "      buy 2  macd          MACD -0.00046414379 over its signal -0.0011145732\n"
        "   sell 1.5  ema           fast EMA 1.0417094 under slow EMA 1.0444729\n"
        "          -  directional   ADX 22.6578 not over 25: no trend to follow\n"
        "   sell 1.5  bollinger     %B 1.04677 over 1: close over the upper band",
        "11.1 ms",
    ),
    ("gate", "vote: technical score 3 against 2.5, side SELL", "0.2 ms"),
    (
        "proposal",
        "entry: SELL 302,114 (3.0211 lots) EURUSD at 1.04371, stop 1.04702, target 1.03874\n"
        "at risk 1,000.00 USD, 1.00 % of equity\nnotional 315,319.40 USD\n"
        "Kelly: does not bind: 0 closed trades, needs 30",
        "0.3 ms",
    ),
    ("decision", "rule technical: 100.00 % of the proposal, no seat asked", "0.1 ms"),
    (
        "risk guard",
        "287,436 may be done\n  shrinks  position_notional  315.319, limit 300 % of equity",
        "0.3 ms",
    ),
    (
        "question",
        "entry: SELL 287,436 (2.8744 lots) EURUSD at 1.04371, stop 1.04702, target 1.03874\n"
        "at risk 951.41 USD, 0.95 % of equity\nstands until 2017-01-04 10:15 UTC",
        "0.1 ms",
    ),
)
_AFTER = (
    ("answer", "yes, 287,436, by trader (person) at 2017-01-04 10:00 UTC\nsaid in the terminal: yes", ""),
    ("second look", "fresh: 0 ticks from what was approved, 33.1 allowed", "0.6 ms"),
    (
        "intent",
        "db-93a18ca70fec1614f5a4: SELL 287,436 EURUSD near 1.04371, no worse than 1.04338, stop 1.04702, "
        "target 1.03874\nnever sent after 2017-01-04 11:00 UTC",
        "0.3 ms",
    ),
    ("order", "ACCEPTED at 2017-01-04 10:00 UTC", "0.2 ms"),
    (
        "fill",
        "entry: SELL 287,436 at 1.04368, 2017-01-04 10:00 UTC\ncosts: spread 21.56 USD, slippage 2.87 USD",
        "",
    ),
    (
        "fill",
        "stop: BUY 287,436 at 1.04703, 2017-01-04 16:00 UTC\ncosts: spread 21.56 USD, slippage 2.87 USD\n"
        "realized -962.91 USD",
        "",
    ),
    (
        "outcome",
        "closed by stop after 6 bars, 2017-01-04 16:00 UTC\nSELL 287,436 from 1.04368 to 1.04703\n"
        "net -962.91 USD (-1.00 R), gross -962.91 USD, commission and swap 0.00 USD\n"
        "best +0.39 R, worst -1.00 R on the way",
        "",
    ),
)
_ALL_DONE = "done done done out done out done done done done"
_TOO_FEW = (
    ("desk", "desk first, mode technical\nbalance 100,000.00 USD, equity 100,000.00 USD, flat", ""),
    (
        "market",
        "59 bars of 1h to 2017-01-04 09:00 UTC\n14 bars of 4h to 2017-01-04 06:00 UTC\n"
        "bid 1.04325, ask 1.04340, spread assumed\nmarket open\n"
        "too few: expected at least 60 1h bars of EURUSD, found 59",
        "12.0 ms",
    ),
)


def still_story(**changes: object) -> Story:
    """The trade from the first look to its outcome."""
    facts: dict[str, object] = {
        "title": DECIDED.format(hour=10, cycle=CYCLE),
        "stages": _stages(*_BEFORE, *_AFTER),
        "is_over": True,
        "path": path_of(_ALL_DONE),
    }
    return Story.model_validate(facts | changes)


def stood_aside() -> Story:
    """A cycle that saw too few bars."""
    title = DECIDED.format(hour=9, cycle=EARLIER)
    return still_story(title=title, stages=_stages(*_TOO_FEW), path=path_of("ended"))


def voting() -> Story:
    """The same trade with a panel, one of whose three seats has voted."""
    voted = ("vote", f"kimi APPROVE, confidence 0.7, size at most 100.00 %\n{HEARD}", "4.1 s")
    return still_story(
        stages=_stages(*_BEFORE[:5], voted),
        is_over=False,
        path=path_of("done done done out done now"),
        under_way="the models speak: 1 of 3 have voted",
    )


def left_alone() -> Story:
    """A trade that waits for a person on a desk that nobody runs."""
    return still_story(
        stages=_stages(*_BEFORE),
        is_over=False,
        path=path_of("done done done out done out done done now"),
        under_way="waits for a person; nobody runs the desk, the next runner goes on from here",
    )


def wanted() -> Story:
    """A cycle that a person had run beside the bar's own."""
    by = "by trader at 2026-11-21 09:28:14 UTC on the wall, beside the bar's own decision"
    told = still_story()
    return told.model_copy(update={"stages": (*_stages(("asked for", by, "")), *told.stages)})


def path_of(states: str) -> tuple[Step, ...]:
    """The path of a cycle; a word a step, those that are missing are not reached."""
    names = ("market", "numbers", "gate", "brain", "trade", "vote", "decision", "guard", "answer", "order")
    in_full = {"out": "left out", "now": "under way"}
    words = [in_full.get(each, each) for each in states.split()]
    words += ["not reached"] * (len(names) - len(words))
    return tuple(Step.model_validate({"name": n, "state": s}) for n, s in zip(names, words, strict=True))


def _stages(*told: tuple[str, str, str]) -> tuple[Stage, ...]:
    return tuple(Stage(name=name, words=words, took=took) for name, words, took in told)
