"""Blind mode: a case without symbol, dates and level of price, so that no model answers from memory.

The instrument is shown as if one unit of it cost 100 now, in the account's currency: prices are multiplied by
one factor, and quantities are told in such units. Money, risk and every ratio stay what they are, and no
quotient of money and quantity tells a contract's multiplier or a rate of exchange, which for USD/JPY would be
the price itself. A pip of it is 0.01. What would tell the level all the same is left out, and dates are not
told. What a model advises in pips is turned back.
"""

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from contracts.errors import DataUnavailable
from contracts.market import Instrument, Quote
from contracts.ports import Case
from contracts.records import Evidence, MarketSnapshot, Position, TradeProposal
from markets.instruments import conversion_path, resolve

LEVEL = 100.0
PIP = 0.01
OWN = "INSTRUMENT"
_HIDDEN = "not shown: its unit would tell the level of price"
_POWER_OF_PRICE = {
    "price": 1,
    "price squared": 2,
    "price per bar": 1,
    "price per volume": 1,
    "price x volume": 1,
    "price*volume": 1,
    "price^-1": -1,
    "price^2*volume^-1": 2,
    "price^-1*volume^-1": -1,
    "bps per million traded": -1,
}
_TELLS_LEVEL = re.compile(r"price|mixed|million traded")


@dataclass(frozen=True)
class Mask:
    """From what is true to what is shown."""

    true_pip: float
    factor: float | None = None
    """Of prices; None shows everything as it is."""

    @property
    def pip(self) -> float:
        """A pip of the prices that are shown."""
        return self.true_pip if self.factor is None else PIP

    def true_pips(self, shown: float | None) -> float | None:
        """Pips of the market for pips that a model names."""
        if shown is None or self.factor is None:
            return shown
        return shown * PIP / self.factor / self.true_pip

    def evidence(self, row: Evidence) -> Evidence:
        """A row as it is shown."""
        if self.factor is None or row.value is None or not _TELLS_LEVEL.search(row.unit):
            return row
        power = _POWER_OF_PRICE.get(row.unit)
        if power is None:
            return row.model_copy(update={"value": None, "reason": _HIDDEN})
        return row.model_copy(update={"value": row.value * self.factor**power})


def mask_of(case: Case) -> Mask:
    """The mask that a case asks for. DataUnavailable where there is no quote to take the level from."""
    pip, quote = float(case.snapshot.instrument.pip_size), case.snapshot.quote
    if not case.is_blind:
        return Mask(pip)
    if quote is None:
        raise DataUnavailable("expected a quote, whose level is to be hidden, found none: no model is asked")
    return Mask(pip, LEVEL / ((quote.bid + quote.ask) / 2))


def masked(case: Case, proposal: TradeProposal | None, mask: Mask) -> tuple[Case, TradeProposal | None]:
    """Case and proposal as they are shown; only for models to read, their records are not those on file.

    Positions are shown to those who vote. DataUnavailable where no rate tells what a unit of one is worth.
    """
    if mask.factor is None:
        return case, proposal
    names = _names(case)
    rows = (
        row.model_copy(update={"instrument_id": names.get(row.instrument_id, "OTHER")})
        for row in map(mask.evidence, case.report.evidence)
    )
    report = case.report.model_copy(update={"evidence": tuple(rows)})
    held = (
        ()
        if proposal is None
        else tuple(_position(case, p, names, mask.factor) for p in case.state.positions)
    )
    state = case.state.model_copy(update={"positions": held})
    shown = replace(case, state=state, report=report, snapshot=_snapshot(case.snapshot, mask.factor))
    return shown, None if proposal is None else _proposal(case, proposal, mask.factor)


def _names(case: Case) -> dict[str, str]:
    own = case.snapshot.instrument.instrument_id
    others = [p.instrument_id for p in case.state.positions if p.instrument_id != own]
    return {own: OWN} | {name: f"OTHER{n}" for n, name in enumerate(dict.fromkeys(others), start=1)}


def _snapshot(snapshot: MarketSnapshot, factor: float) -> MarketSnapshot:
    changes = {"instrument_id": OWN, "pip_size": Decimal(str(PIP)), "lot_size": Decimal(1)}
    quote = snapshot.quote
    return snapshot.model_copy(
        update={
            "instrument": snapshot.instrument.model_copy(update=changes),
            "quote": None if quote is None else _quote(quote, factor),
        }
    )


def _quote(quote: Quote, factor: float) -> Quote:
    return quote.model_copy(update={"bid": quote.bid * factor, "ask": quote.ask * factor})


def _position(case: Case, position: Position, names: dict[str, str], factor: float) -> Position:
    name = names[position.instrument_id]
    # Another instrument's level is hidden by its own price, since no quote of it is at hand.
    by = factor if name == OWN else LEVEL / float(position.average_price)
    instrument = case.snapshot.instrument if name == OWN else resolve(position.instrument_id)
    return position.model_copy(
        update={
            "instrument_id": name,
            "quantity": Decimal(repr(float(position.quantity) * _money_per_price(case, instrument) / by)),
            "average_price": Decimal(repr(float(position.average_price) * by)),
        }
    )


def _money_per_price(case: Case, instrument: Instrument) -> float:
    """What a unit of the instrument gains in the account's currency when its price gains 1."""
    currency = case.state.marks.currency
    rate = conversion_path(instrument.quote_currency, currency, case.snapshot.rates)
    if rate is None:
        raise DataUnavailable(
            f"expected a rate from {instrument.quote_currency} to {currency}, which is to be hidden, found "
            "none: no model is asked"
        )
    return float(instrument.multiplier) * rate


def _proposal(case: Case, proposal: TradeProposal, factor: float) -> TradeProposal:
    prices = {
        name: None if (price := getattr(proposal, name)) is None else price * factor
        for name in ("entry", "stop", "target")
    }
    quantity = proposal.quantity * _money_per_price(case, case.snapshot.instrument) / factor
    return proposal.model_copy(update={**prices, "instrument_id": OWN, "quantity": quantity})
