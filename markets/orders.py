"""From verdict to order: the one place where float64 statistics become Decimal money.

A float is read at 12 significant digits, as the records keep it, so that 0.30000000000000004 is 0.3
and no step is lost to the last bit. A quantity goes down to its step, a price to the nearest tick,
and a price that will be taken goes to the side that costs more (up for a buyer, down for a seller).
"""

import hashlib
import math
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from contracts.canonical import round_significant
from contracts.errors import DataUnavailable, InvariantBroken
from contracts.market import Instrument, Side
from contracts.records import Approval, OrderIntent, Purpose, Reason, Requote, RiskVerdict


def to_decimal(value: float) -> Decimal:
    """`value` at 12 significant digits; DataUnavailable when it is not finite."""
    if not math.isfinite(value):
        raise DataUnavailable(f"expected a finite number, found {value}: it cannot become money")
    return Decimal(repr(round_significant(value)))


def to_price(value: float, tick: Decimal, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """`value` on the tick grid: the nearest tick unless `rounding` (a decimal module mode) says else."""
    return _on_grid(to_decimal(value), tick, rounding)


def to_taking_price(value: float, tick: Decimal, side: Side) -> Decimal:
    """`value` on the tick grid, rounded against whoever takes it: up for BUY, down for SELL."""
    return to_price(value, tick, ROUND_CEILING if side is Side.BUY else ROUND_FLOOR)


def to_quantity(value: float, step: Decimal) -> Decimal:
    """`value` rounded down to a whole number of steps."""
    return _on_grid(to_decimal(value), step, ROUND_FLOOR)


def least_quantity(purpose: Purpose, instrument: Instrument) -> Decimal:
    """The smallest order that may be sent."""
    # What is left of a position may be under the minimum and must still be closable.
    return instrument.min_quantity if purpose == "entry" else instrument.quantity_step


def order_quantity(value: float, purpose: Purpose, instrument: Instrument) -> Decimal | None:
    """`value` down to its step; None where that is under the smallest order."""
    quantity = to_quantity(value, instrument.quantity_step)
    return quantity if quantity >= least_quantity(purpose, instrument) and quantity > 0 else None


def client_order_id(cycle_id: str, purpose: str) -> str:
    """The id under which a venue knows the order of this cycle: 23 characters, the same every time."""
    return "db-" + hashlib.sha256(f"{cycle_id}:{purpose}".encode()).hexdigest()[:20]


def make_intent(
    verdict: RiskVerdict,
    approval: Approval,
    requote: Requote,
    instrument: Instrument,
    *,
    account_id: str,
    valid_until: datetime,
    worst_price_ticks: float | None,
) -> OrderIntent | Reason:
    """The order to send, or the reason `rounds_to_nothing`.

    Quantity is the smaller of verdict and approval. An entry may fill up to `worst_price_ticks` past
    the requoted price, an exit at any price. InvariantBroken when the approval was not granted, the
    requote is not fresh, the three are not of one cycle, or an entry comes without a tolerance.
    """
    _check_sendable(verdict, approval, requote)
    wanted = min(verdict.quantity, approval.quantity)
    quantity = order_quantity(wanted, verdict.purpose, instrument)
    if quantity is None:
        return _too_small(wanted, verdict.purpose, instrument)
    reference = _reference_price(requote, instrument.tick_size, verdict.side)
    return OrderIntent(
        cycle_id=verdict.cycle_id,
        as_of=verdict.as_of,
        parents=(verdict.record_id, approval.record_id, requote.record_id),
        client_order_id=client_order_id(verdict.cycle_id, verdict.purpose),
        account_id=account_id,
        instrument_id=instrument.instrument_id,
        purpose=verdict.purpose,
        side=verdict.side,
        quantity=quantity,
        reference_price=reference,
        worst_price=_worst_price(verdict, reference, worst_price_ticks, instrument.tick_size),
        stop_price=_optional_price(verdict.stop, instrument.tick_size),
        target_price=_optional_price(verdict.target, instrument.tick_size),
        is_reduce_only=verdict.purpose == "exit",
        valid_until=valid_until,
        approval_id=approval.record_id,
    )


def _on_grid(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    if step <= 0:
        raise InvariantBroken(f"expected a positive tick or step, found {step}: correct the instrument table")
    return (value / step).to_integral_value(rounding) * step


def _optional_price(value: float | None, tick: Decimal) -> Decimal | None:
    return None if value is None else to_price(value, tick)


def _check_sendable(verdict: RiskVerdict, approval: Approval, requote: Requote) -> None:
    found = None
    if not verdict.cycle_id == approval.cycle_id == requote.cycle_id:
        found = "records of different cycles"
    elif not approval.is_granted:
        found = "an approval that was not granted"
    elif requote.outcome != "fresh":
        found = f"a requote that says {requote.outcome}"
    if found:
        raise InvariantBroken(
            f"expected a granted approval and a fresh requote of one cycle, found {found}: send nothing",
            cycle_id=verdict.cycle_id,
        )


def _too_small(value: float, purpose: Purpose, instrument: Instrument) -> Reason:
    least, found = least_quantity(purpose, instrument), to_quantity(value, instrument.quantity_step)
    text = f"expected at least {least} {instrument.instrument_id}, found {found} after rounding down"
    return Reason(code="rounds_to_nothing", text=text)


def _reference_price(requote: Requote, tick: Decimal, side: Side) -> Decimal:
    if requote.quote is None:
        raise InvariantBroken("expected a quote in a fresh requote, found none: send nothing")
    return to_taking_price(requote.quote.taking(side), tick, side)


def _worst_price(
    verdict: RiskVerdict, reference: Decimal, tolerance_ticks: float | None, tick: Decimal
) -> Decimal | None:
    if verdict.purpose == "exit":
        return None
    if tolerance_ticks is None:
        raise InvariantBroken("expected a price tolerance for an entry, found none: send nothing")
    return reference + verdict.side.sign * to_quantity(tolerance_ticks, Decimal(1)) * tick
