"""Money to quantity and back: the few lines that sizing and guard must compute alike."""

from decimal import ROUND_DOWN, ROUND_FLOOR, Context, Decimal
from math import isfinite

from contracts.canonical import SIGNIFICANT_DIGITS
from contracts.market import Instrument
from markets.orders import to_quantity

_KEPT_DIGITS = Context(prec=SIGNIFICANT_DIGITS, rounding=ROUND_DOWN)


def risk_per_unit(entry: float, stop: float, instrument: Instrument, conversion: float) -> float:
    """Account money lost on one unit of quantity if `stop` fills at its price.

    Use it wherever money at risk is computed, so that sizing and guard cannot disagree.

    Parameters
    ----------
    entry, stop : float
        Prices in the quote currency, both above 0.
    instrument : Instrument
        Gives the multiplier.
    conversion : float
        Account money for one unit of the quote currency, above 0.

    Returns
    -------
    float
        |entry - stop| * multiplier * conversion, in the account's currency.

    Notes
    -----
    NaN in gives NaN out; callers take prices from records, which hold none. No look-ahead: one moment.

    References
    ----------
    .. [1] Vince, R. (1992). The Mathematics of Money Management. Chapter 1.
    """
    return abs(entry - stop) * float(instrument.multiplier) * conversion


def quantity_within(budget: float, cost_per_unit: float, instrument: Instrument) -> float:
    """Largest quantity on the instrument's step whose cost stays within `budget`.

    Use it to turn an amount of money (at risk, or of notional) into a quantity.

    Parameters
    ----------
    budget : float
        Account money; 0 or less gives 0.
    cost_per_unit : float
        Account money for one unit of quantity.
    instrument : Instrument
        Gives quantity_step.

    Returns
    -------
    float
        Quantity, a whole number of steps, at least 0.

    Notes
    -----
    A cost that is not above 0, or a quotient that is not finite, gives 0: what cannot be computed is
    not traded. Rounds down in decimal after 12 significant digits, so binary noise in a step of 0.1
    loses nothing and gains at most 5e-13 of the quantity. No look-ahead: one moment.

    References
    ----------
    .. [1] Goldberg, D. (1991). What Every Computer Scientist Should Know About Floating-Point
       Arithmetic. ACM Computing Surveys 23(1), 5-48 (why the rounding is done in decimal).
    """
    if not (budget > 0 and cost_per_unit > 0):
        return 0.0
    quantity = budget / cost_per_unit
    return float(to_quantity(quantity, instrument.quantity_step)) if isfinite(quantity) else 0.0


def whole_steps(quantity: Decimal, instrument: Instrument) -> float:
    """Whole steps in `quantity`, cut to the digits a record keeps, so that it can only shrink.

    Use it for a quantity that is an upper bound known exactly: a share of a proposal, a position.

    Parameters
    ----------
    quantity : Decimal
        Quantity in the instrument's units, at least 0.
    instrument : Instrument
        Gives quantity_step.

    Returns
    -------
    float
        Quantity, at most `quantity`, at most 12 significant digits.

    Notes
    -----
    Rounding to 12 digits, as records do, could lift a longer number; cutting cannot. No look-ahead.

    References
    ----------
    .. [1] Goldberg, D. (1991). What Every Computer Scientist Should Know About Floating-Point
       Arithmetic. ACM Computing Surveys 23(1), 5-48.
    """
    steps = (quantity / instrument.quantity_step).to_integral_value(ROUND_FLOOR)
    return float(_KEPT_DIGITS.plus(steps * instrument.quantity_step))
