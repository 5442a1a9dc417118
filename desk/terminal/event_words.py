"""What a desk has just done, as the chat says it: numbers as on every other screen."""

from contracts.records import ApprovalRequest, Fill, Outcome
from desk.present import gain, price, quantity
from graphs.session import SessionEvent
from markets.instruments import resolve


def event_words(event: SessionEvent) -> str:
    """The event in words; its own where its record says no more."""
    match event.record:
        case ApprovalRequest() as asked:
            return f"{asked.side} {quantity(asked.quantity)} {asked.instrument_id}"
        case Fill() as fill:
            at = price(fill.price, resolve(fill.instrument_id).tick_size)
            return f"{fill.leg} {fill.side} {quantity(fill.quantity)} {fill.instrument_id} at {at}"
        case Outcome() as closed:
            return f"{closed.instrument_id} {gain(closed.net_pnl, closed.currency)}"
    return event.text.strip()
