"""What an account is exposed to: positions, entry orders at work and intents nobody has answered.

Gross, never net: longs and shorts add up, so one more row can only make the sum larger. Reduce-only
rows add nothing. An order known both as an intent and as a working order, or a position named twice,
counts once, at the larger figure.
"""

from datetime import timedelta
from decimal import Decimal

from contracts.market import Instrument, Market, Side
from contracts.records import Exposure, Portfolio, Position
from markets.instruments import INSTRUMENTS, conversion_path


def entry_exposures(portfolio: Portfolio) -> tuple[Exposure, ...]:
    """Everything that is a position or may become one, each order once.

    Use it to ask what stands in an instrument, or to add up notional.

    Parameters
    ----------
    portfolio : Portfolio
        Positions and exposures, any number.

    Returns
    -------
    tuple of Exposure
        Rows with a quantity other than 0 that are not reduce-only, in the portfolio's order.

    Notes
    -----
    Of rows with one client order id, and of rows for the one net position of an instrument, the one with
    the largest |quantity| * price stays. Records hold no NaN. No look-ahead: one moment.

    References
    ----------
    .. [1] FIA (2015). Guide to the Development and Operation of Automated Trading Systems.
    """
    positions = (_as_exposure(p) for p in portfolio.positions)
    largest: dict[str, Exposure] = {}
    for row, exposure in enumerate((*portfolio.exposures, *positions)):
        if exposure.is_reduce_only or exposure.quantity == 0:
            continue
        key = exposure.client_order_id or f"row {row}"
        key = f"position {exposure.instrument_id}" if exposure.kind == "position" else key
        if key not in largest or _size(exposure) > _size(largest[key]):
            largest[key] = exposure
    return tuple(largest.values())


def gross_notional(
    portfolio: Portfolio, *, instrument_id: str | None = None, market: Market | None = None
) -> float | None:
    """Sum of |quantity| * price * multiplier in account money, of everything or of one part.

    Use it for leverage and concentration limits.

    Parameters
    ----------
    portfolio : Portfolio
        Exposures and the rates to convert them with.
    instrument_id : str, optional
        Count only this instrument.
    market : {"forex", "futures", "crypto", "index"}, optional
        Count only this market.

    Returns
    -------
    float or None
        Account money, at least 0; None when a row cannot be valued.

    Notes
    -----
    sum |q_i| * p_i * m_i * c_i, with multiplier m and conversion c. A row of an unknown instrument, of
    a currency without a path, or with a price not above 0 makes the sum None: a limit that cannot be
    computed must refuse, and leaving the row out would loosen it. No look-ahead: one moment.

    References
    ----------
    .. [1] FIA (2015). Guide to the Development and Operation of Automated Trading Systems.
    """
    total = 0.0
    for exposure in entry_exposures(portfolio):
        if instrument_id is not None and exposure.instrument_id != instrument_id:
            continue
        instrument = INSTRUMENTS.get(exposure.instrument_id)
        if instrument is None:
            return None
        if market is not None and instrument.market != market:
            continue
        rate = account_rate(instrument, portfolio)
        if rate is None or exposure.price <= 0:
            return None
        total += float(_size(exposure) * instrument.multiplier) * rate
    return total


def account_rate(
    instrument: Instrument, portfolio: Portfolio, *, max_age: timedelta | None = None
) -> float | None:
    """Account money for one unit of the instrument's quote currency, or None without a path.

    Use it to turn a price move of an instrument into account money.

    Parameters
    ----------
    instrument : Instrument
        Gives the quote currency.
    portfolio : Portfolio
        Gives the account's currency and the mid rates.
    max_age : timedelta, optional
        Rates older than this at the portfolio's time are not used; none is too old where it is absent.

    Returns
    -------
    float or None
        A rate above 0.

    Notes
    -----
    A rate that is not above 0 counts as none. No look-ahead: the portfolio's own rates.

    References
    ----------
    .. [1] Weithers, T. (2006). Foreign Exchange. Chapter 4 (cross rates).
    """
    rates = [r for r in portfolio.rates if max_age is None or portfolio.at - r.at <= max_age]
    rate = conversion_path(instrument.quote_currency, portfolio.marks.currency, rates)
    return rate if rate is not None and rate > 0 else None


def closable_quantity(portfolio: Portfolio, instrument_id: str, side: Side) -> Decimal:
    """Quantity an order on `side` may still close: the broker's position less exits on their way.

    Use it before an exit, so that two exits never add up to more than the position.

    Parameters
    ----------
    portfolio : Portfolio
        Positions as the broker tells them; reduce-only exposures are exits, not protective orders.
    instrument_id : str
        The instrument to close.
    side : Side
        Side of the closing order: SELL closes a long.

    Returns
    -------
    Decimal
        Quantity in the instrument's units, at least 0.

    Notes
    -----
    max(0, -side * position - sum of reduce-only quantity on `side`), each client order id once. A
    position on the other side gives 0. No look-ahead: one moment.

    References
    ----------
    .. [1] FIA (2015). Guide to the Development and Operation of Automated Trading Systems.
    """
    held = sum((p.quantity for p in portfolio.positions if p.instrument_id == instrument_id), Decimal(0))
    leaving: dict[str, Decimal] = {}
    for row, exposure in enumerate(portfolio.exposures):
        quantity = exposure.quantity * side.sign
        if exposure.instrument_id == instrument_id and exposure.is_reduce_only and quantity > 0:
            key = exposure.client_order_id or f"row {row}"
            leaving[key] = max(quantity, leaving.get(key, Decimal(0)))
    return max(Decimal(0), -side.sign * held - sum(leaving.values(), Decimal(0)))


def _size(exposure: Exposure) -> Decimal:
    return abs(exposure.quantity) * exposure.price


def _as_exposure(position: Position) -> Exposure:
    return Exposure(
        kind="position",
        instrument_id=position.instrument_id,
        client_order_id=None,
        quantity=position.quantity,
        price=position.average_price,
        is_reduce_only=False,
    )
