"""The fill rules of the paper account, pure and on Decimal: one bar against one order or one bracket.

| order | fills | at |
|---|---|---|
| market entry or exit | at the next open, ask for BUY and bid for SELL, plus slippage | open |
| entry opening at or past its stop or target, or filling past its worst price | cancelled | open |
| stop | at its price, or at the open where the bar opens past it, plus slippage | open or close |
| target | at its price, or at the open where the bar opens past it (better), no slippage | open or close |
| stop and target inside one bar | the stop | close |

A long position closes on bids, a short one on asks. When inside a bar a level was met is not known,
so such a fill is stamped with the bar's close: the first moment anybody knows of it.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from contracts.market import BarClosed, Ohlc, Side
from contracts.records import Leg, OrderIntent
from markets.orders import to_taking_price


class TickOhlc(NamedTuple):
    """Four prices of one bar on the tick grid, one side of the book."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal


@dataclass(frozen=True, slots=True)
class TickBar:
    """A closed bar on the tick grid; bids are rounded down and asks up, against whoever takes them."""

    open_time: datetime
    close_time: datetime
    bid: TickOhlc
    ask: TickOhlc

    def taken_by(self, side: Side) -> TickOhlc:
        """The side of the book that a market order on `side` meets."""
        return self.ask if side is Side.BUY else self.bid

    @property
    def open_half_spread(self) -> Decimal:
        """From mid to either side when the bar opened."""
        return (self.ask.open - self.bid.open) / 2

    @property
    def close_half_spread(self) -> Decimal:
        """From mid to either side when the bar closed."""
        return (self.ask.close - self.bid.close) / 2


@dataclass(frozen=True, slots=True)
class Trade:
    """What a rule fills, before money is counted.

    `reference_price` is what the order asked for: the open for a market order, its own price for a
    stop or a target. So a stop that gaps shows the gap as slippage, and a target that gaps shows a
    negative one.
    """

    leg: Leg
    side: Side
    quantity: Decimal
    price: Decimal
    reference_price: Decimal
    half_spread: Decimal
    at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class Bracket:
    """An open position as its protective orders see it; `quantity` is signed."""

    quantity: Decimal
    stop_price: Decimal | None
    target_price: Decimal | None

    @property
    def closing_side(self) -> Side:
        """The side that closes the position."""
        return Side.SELL if self.quantity > 0 else Side.BUY


def on_ticks(bar: BarClosed, tick: Decimal) -> TickBar:
    """`bar` on the tick grid; DataUnavailable when a price is not finite."""
    bid = _ohlc_on_ticks(bar.bid, tick, Side.SELL)
    ask = _ohlc_on_ticks(bar.ask, tick, Side.BUY)
    return TickBar(bar.open_time, bar.close_time, bid, ask)


def market_trade(intent: OrderIntent, quantity: Decimal, bar: TickBar, slippage: Decimal) -> Trade:
    """A market order for `quantity` at the open of `bar`, `slippage` (a price distance) worse."""
    reference = bar.taken_by(intent.side).open
    price = reference + intent.side.sign * slippage
    note = "" if quantity == intent.quantity else f"{intent.quantity} asked, only {quantity} open"
    at, spread = bar.open_time, bar.open_half_spread
    return Trade(intent.purpose, intent.side, quantity, price, reference, spread, at, note)


def entry_refusal(intent: OrderIntent, bar: TickBar, price: Decimal) -> str | None:
    """Why an entry that would fill at `price` when `bar` opens must not; None when it may."""
    sign = intent.side.sign
    closing = bar.taken_by(intent.side.opposite).open
    if _reached(intent.stop_price, closing, -sign):
        return f"opened at {closing}, at or past its stop {intent.stop_price}"
    if _reached(intent.target_price, closing, sign):
        return f"opened at {closing}, at or past its target {intent.target_price}"
    if intent.worst_price is not None and sign * (price - intent.worst_price) > 0:
        return f"would fill at {price}, past its worst price {intent.worst_price}"
    return None


def bracket_trade(bracket: Bracket, bar: TickBar, slippage: Decimal) -> Trade | None:
    """What `bar` fills of a stop and a target on the whole position; None when it meets neither."""
    side, stop, target = bracket.closing_side, bracket.stop_price, bracket.target_price
    prices = bar.taken_by(side)
    worst, best = (prices.low, prices.high) if side is Side.SELL else (prices.high, prices.low)
    if stop is not None and _reached(stop, prices.open, side.sign):
        return _at_open("stop", stop, bracket, bar, slippage)
    if target is not None and _reached(target, prices.open, -side.sign):
        return _at_open("target", target, bracket, bar, Decimal(0))
    if stop is not None and _reached(stop, worst, side.sign):
        both = _reached(target, best, -side.sign)
        note = "stop and target both inside the bar: the stop is assumed first" if both else ""
        return _inside("stop", stop, bracket, bar, slippage, note)
    if target is not None and _reached(target, best, -side.sign):
        return _inside("target", target, bracket, bar, Decimal(0), "")
    return None


def _reached(level: Decimal | None, price: Decimal, direction: int) -> bool:
    return level is not None and direction * (price - level) >= 0


def _at_open(leg: Leg, level: Decimal, bracket: Bracket, bar: TickBar, slippage: Decimal) -> Trade:
    side = bracket.closing_side
    opened = bar.taken_by(side).open
    note = "" if opened == level else f"opened past the {leg} at {opened}"
    price, at, spread = opened + side.sign * slippage, bar.open_time, bar.open_half_spread
    return Trade(leg, side, abs(bracket.quantity), price, level, spread, at, note)


def _inside(leg: Leg, level: Decimal, bracket: Bracket, bar: TickBar, slippage: Decimal, note: str) -> Trade:
    side = bracket.closing_side
    price, at, spread = level + side.sign * slippage, bar.close_time, bar.close_half_spread
    return Trade(leg, side, abs(bracket.quantity), price, level, spread, at, note)


def _ohlc_on_ticks(prices: Ohlc, tick: Decimal, side: Side) -> TickOhlc:
    return TickOhlc(*(to_taking_price(price, tick, side) for price in prices))
