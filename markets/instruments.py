"""The instrument table, the one place for aliases, and conversion between currencies.

A pair is named by market convention: the currency that comes first in EUR, GBP, AUD, NZD, USD, CAD,
CHF, JPY is the base. A crypto row is the contract of the venue named beside it; another venue's
limits are checked by its broker. An index row stands for a paper contract that moves one unit of
the quote currency a point; no venue trades it here.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from itertools import combinations
from types import MappingProxyType

from contracts.errors import InvariantBroken, ToolInputError
from contracts.market import Instrument
from contracts.records import Rate

_CURRENCIES = ("EUR", "GBP", "AUD", "NZD", "USD", "CAD", "CHF", "JPY")

# Sources: CME Group contract specifications (ES, NQ, CL, GC); Coinbase products (USD pairs); Binance
# exchangeInfo, spot and USD-M (USDT pairs); OANDA (gold trades in whole ounces; its own price grid is
# 0.001, the desk's is a pip). Crypto venues also set a least order value, which no quantity can tell.
_TABLE = """
XAUUSD        forex   XAU  USD  0.01 0.01 100 1          1          1    metal
ES            futures ES   USD  0.25 0.25 1   1          1          50   cme_equity /ES ES=F ES1!
NQ            futures NQ   USD  0.25 0.25 1   1          1          20   cme_equity /NQ NQ=F NQ1!
CL            futures CL   USD  0.01 0.01 1   1          1          1000 cme_energy /CL CL=F CL1!
GC            futures GC   USD  0.10 0.10 1   1          1          100  cme_metal  /GC GC=F GC1!
BTCUSD        crypto  BTC  USD  0.01 0.01 1   0.00000001 0.00000001 1    crypto
ETHUSD        crypto  ETH  USD  0.01 0.01 1   0.00000001 0.00000001 1    crypto
SOLUSD        crypto  SOL  USD  0.01 0.01 1   0.00000001 0.00000001 1    crypto
BTCUSDT       crypto  BTC  USDT 0.01 0.01 1   0.00001    0.00001    1    crypto
ETHUSDT       crypto  ETH  USDT 0.01 0.01 1   0.0001     0.0001     1    crypto
SOLUSDT       crypto  SOL  USDT 0.01 0.01 1   0.001      0.001      1    crypto
BTCUSDT-PERP  crypto  BTC  USDT 0.10 0.10 1   0.001      0.001      1    crypto     BTC/USDT:USDT BTCUSDT.P
ETHUSDT-PERP  crypto  ETH  USDT 0.01 0.01 1   0.001      0.001      1    crypto     ETH/USDT:USDT ETHUSDT.P
SOLUSDT-PERP  crypto  SOL  USDT 0.01 0.01 1   0.01       0.01       1    crypto     SOL/USDT:USDT SOLUSDT.P
SPX           index   SPX  USD  0.01 1    1   0.1        0.1        1    us_index   ^GSPC ^SPX SP500 S&P500
IXIC          index   IXIC USD  0.01 1    1   0.1        0.1        1    us_index   ^IXIC
NDX           index   NDX  USD  0.01 1    1   0.1        0.1        1    us_index   ^NDX NASDAQ100
"""
# Refused, because each means one thing at one venue and another at the next.
_AMBIGUOUS = {"GOLD": ("XAUUSD", "GC"), "BITCOIN": ("BTCUSD", "BTCUSDT"), "NASDAQ": ("NDX", "IXIC", "NQ")}
_COLUMNS = (
    "instrument_id",
    "market",
    "base_currency",
    "quote_currency",
    "tick_size",
    "pip_size",
    "lot_size",
    "quantity_step",
    "min_quantity",
    "multiplier",
    "calendar",
)


def resolve(alias: str) -> Instrument:
    """The instrument an id or a vendor's spelling of it names, in any case.

    Any other name is refused with a ToolInputError that tells the nearest three instruments, or, for
    one that means different things at different venues (GOLD), all it could mean.
    """
    name = alias.strip().upper()
    instrument_id = _IDS.get(name)
    if instrument_id is None:
        nearest = _nearest(name)
        raise ToolInputError(
            f"expected the name of an instrument, found {alias[:40]!r}; nearest are {', '.join(nearest)}",
            alias=alias,
            nearest=nearest,
        )
    return INSTRUMENTS[instrument_id]


def known_id(alias: str) -> str:
    """The id that `resolve` finds, for a field of settings: a ValueError where there is none."""
    try:
        return resolve(alias).instrument_id
    except ToolInputError as error:
        raise ValueError(str(error)) from error


def conversion_path(from_currency: str, to_currency: str, rates: Sequence[Rate]) -> float | None:
    """Units of `to_currency` for one `from_currency` along the shortest path of `rates`, or None.

    Of equally short paths the one whose currencies come first in the alphabet is taken, so the order
    of `rates` is without effect. A rate that is not positive is as good as absent.
    """
    if from_currency == to_currency:
        return 1.0
    factors = _factors(rates)
    reached = {from_currency: 1.0}
    frontier = deque([from_currency])
    while frontier:
        here = frontier.popleft()
        for there, factor in sorted(factors.get(here, {}).items()):
            if there in reached:
                continue
            reached[there] = reached[here] * factor
            if there == to_currency:
                return reached[there]
            frontier.append(there)
    return None


def _factors(rates: Sequence[Rate]) -> dict[str, dict[str, float]]:
    usable = [rate for rate in rates if rate.rate > 0]
    factors: dict[str, dict[str, float]] = {}
    for rate in usable:
        factors.setdefault(rate.base_currency, {}).setdefault(rate.quote_currency, rate.rate)
    for rate in usable:
        factors.setdefault(rate.quote_currency, {}).setdefault(rate.base_currency, 1 / rate.rate)
    return factors


def _nearest(name: str) -> tuple[str, ...]:
    if name in _AMBIGUOUS:
        return _AMBIGUOUS[name]
    return tuple(get_close_matches(name[:40], INSTRUMENTS, n=3, cutoff=0.0))


def _forex() -> Iterator[Instrument]:
    for base, quote in sorted(combinations(_CURRENCIES, 2), key=lambda pair: "USD" not in pair):
        pip = Decimal("0.01") if quote == "JPY" else Decimal("0.0001")
        yield Instrument(
            instrument_id=base + quote,
            market="forex",
            base_currency=base,
            quote_currency=quote,
            tick_size=pip / 10,
            pip_size=pip,
            lot_size=Decimal(100_000),
            quantity_step=Decimal(1),
            min_quantity=Decimal(1),
            multiplier=Decimal(1),
            calendar="forex",
        )


def _parse(row: str) -> tuple[Instrument, tuple[str, ...]]:
    cells = row.split()
    fields = dict(zip(_COLUMNS, cells, strict=False))
    return Instrument.model_validate(fields), tuple(cells[len(_COLUMNS) :])


def _spellings(instrument: Instrument) -> Iterator[str]:
    base, quote = instrument.base_currency, instrument.quote_currency
    yield instrument.instrument_id
    if instrument.instrument_id != base + quote:
        return
    yield from (f"{base}{separator}{quote}" for separator in "_/-")
    if instrument.market == "forex":
        yield f"{base}{quote}=X"


def _index_names(table: Sequence[tuple[Instrument, tuple[str, ...]]]) -> dict[str, str]:
    ids: dict[str, str] = {}
    for instrument, aliases in table:
        for name in (*_spellings(instrument), *aliases):
            if name in ids:
                found = f"{ids[name]} and {instrument.instrument_id}"
                raise InvariantBroken(f"expected {name} to name one instrument, found {found}")
            ids[name] = instrument.instrument_id
    return ids


_ROWS = tuple(_parse(row) for row in _TABLE.strip().splitlines())
_ALL = (*((instrument, ()) for instrument in _forex()), *_ROWS)
_IDS = _index_names(_ALL)

INSTRUMENTS: Mapping[str, Instrument] = MappingProxyType({row.instrument_id: row for row, _ in _ALL})
"""Every instrument the desk knows, by id: dollar pairs, crosses, then the table above."""
