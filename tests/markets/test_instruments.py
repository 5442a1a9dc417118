"""The instrument table against what venues published, aliases, and conversion between currencies."""

import csv
import gzip
import itertools
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.canonical import round_significant
from contracts.errors import InvariantBroken, ToolInputError
from contracts.market import Instrument, from_ms
from contracts.records import Rate
from markets import instruments
from markets.instruments import INSTRUMENTS, conversion_path, resolve

# Spelt out, so that the generated table is compared with the market's own list of pairs.
PAIRS = [
    "EURUSD",
    "GBPUSD",
    "AUDUSD",
    "NZDUSD",
    "USDCAD",
    "USDCHF",
    "USDJPY",
    "EURGBP",
    "EURAUD",
    "EURNZD",
    "EURCAD",
    "EURCHF",
    "EURJPY",
    "GBPAUD",
    "GBPNZD",
    "GBPCAD",
    "GBPCHF",
    "GBPJPY",
    "AUDNZD",
    "AUDCAD",
    "AUDCHF",
    "AUDJPY",
    "NZDCAD",
    "NZDCHF",
    "NZDJPY",
    "CADCHF",
    "CADJPY",
    "CHFJPY",
]
FUTURES = {"ES": "cme", "NQ": "cme", "CL": "nymex", "GC": "comex"}


def rate(base: str, quote: str, value: float) -> Rate:
    return Rate(base_currency=base, quote_currency=quote, rate=value, at=from_ms(0))


# The table


def test_all_28_pairs_of_the_8_majors_are_there_dollar_pairs_first() -> None:
    found = [row.instrument_id for row in INSTRUMENTS.values() if row.calendar == "forex"]
    assert found == PAIRS


def test_metal_futures_crypto_and_indices_follow_the_pairs() -> None:
    found = [(row.market, row.instrument_id) for row in list(INSTRUMENTS.values())[28:]]
    coins = ["BTCUSD", "ETHUSD", "SOLUSD", "BTCUSDT", "ETHUSDT", "SOLUSDT"]
    perpetuals = ["BTCUSDT-PERP", "ETHUSDT-PERP", "SOLUSDT-PERP"]
    assert found == [
        ("forex", "XAUUSD"),
        *(("futures", symbol) for symbol in FUTURES),
        *(("crypto", coin) for coin in (*coins, *perpetuals)),
        *(("index", symbol) for symbol in ("SPX", "IXIC", "NDX")),
    ]


@pytest.mark.parametrize("pair", PAIRS)
def test_a_pair_has_the_pip_lot_and_tick_of_the_conventions(pair: str) -> None:
    row = INSTRUMENTS[pair]
    pip = Decimal("0.01") if pair.endswith("JPY") else Decimal("0.0001")
    assert (row.pip_size, row.tick_size, row.lot_size) == (pip, pip / 10, Decimal(100_000))
    assert (row.base_currency, row.quote_currency, row.market) == (pair[:3], pair[3:], "forex")
    assert (row.quantity_step, row.min_quantity, row.multiplier) == (Decimal(1),) * 3


def test_gold_has_the_tick_pip_and_lot_of_the_conventions() -> None:
    gold = INSTRUMENTS["XAUUSD"]
    assert (gold.tick_size, gold.pip_size, gold.lot_size) == (Decimal("0.01"), Decimal("0.01"), Decimal(100))
    assert (gold.market, gold.calendar) == ("forex", "metal")


@pytest.mark.parametrize("row", INSTRUMENTS.values(), ids=lambda row: row.instrument_id)
def test_sizes_are_positive_and_fit_into_each_other(row: Instrument) -> None:
    sizes = (row.tick_size, row.pip_size, row.lot_size, row.quantity_step, row.min_quantity, row.multiplier)
    assert min(sizes) > 0
    assert row.pip_size % row.tick_size == 0
    assert row.min_quantity % row.quantity_step == 0
    assert row.lot_size % row.quantity_step == 0


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        INSTRUMENTS["EURUSD"] = INSTRUMENTS["ES"]  # type: ignore[index]


# The table against published properties


@pytest.fixture(scope="module")
def published(shared_data: Path) -> dict[tuple[str, str, str], dict[str, str]]:
    path = shared_data / "market_hours" / "symbol-properties-database.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = csv.DictReader(line for line in lines if line.strip() and not line.startswith("#"))
        return {(row["market"], row["symbol"], row["type"]): row for row in rows}


def test_pairs_agree_with_the_published_oanda_properties(
    published: dict[tuple[str, str, str], dict[str, str]],
) -> None:
    for pair in PAIRS:
        row, theirs = INSTRUMENTS[pair], published["oanda", pair, "forex"]
        assert row.tick_size == Decimal(theirs["minimum_price_variation"]), pair
        assert row.quantity_step == Decimal(theirs["lot_size"]), pair
        assert row.quote_currency == theirs["quote_currency"], pair


def test_futures_agree_with_the_published_cme_properties(
    published: dict[tuple[str, str, str], dict[str, str]],
) -> None:
    for symbol, exchange in FUTURES.items():
        row, theirs = INSTRUMENTS[symbol], published[exchange, symbol, "future"]
        assert row.tick_size == Decimal(theirs["minimum_price_variation"]), symbol
        assert row.multiplier == Decimal(theirs["contract_multiplier"]), symbol
        assert row.quantity_step == Decimal(theirs["lot_size"]), symbol


@pytest.mark.parametrize(
    ("venue", "kind", "suffix", "quote"),
    [
        ("coinbase", "crypto", "", "USD"),
        ("binance", "crypto", "", "USDT"),
        ("binance", "cryptofuture", "-PERP", "USDT"),
    ],
)
def test_crypto_agrees_with_the_published_venue_properties(
    published: dict[tuple[str, str, str], dict[str, str]], venue: str, kind: str, suffix: str, quote: str
) -> None:
    for base in ("BTC", "ETH", "SOL"):
        row, theirs = INSTRUMENTS[base + quote + suffix], published[venue, base + quote, kind]
        assert row.tick_size == Decimal(theirs["minimum_price_variation"]), row.instrument_id
        assert row.quantity_step == Decimal(theirs["lot_size"]), row.instrument_id
        assert row.quote_currency == theirs["quote_currency"] == quote


def test_spot_bitcoin_and_ether_agree_with_binance_exchange_info_on_the_wire(shared_data: Path) -> None:
    # Solana is left out: its step has become finer since this capture of 2021.
    with gzip.open(shared_data / "recorded_exchange" / "BINANCE.0.gz", "rt", encoding="utf-8") as lines:
        line = next(line for line in lines if "exchangeInfo" in line)
    symbols = {row["symbol"]: row for row in json.loads(line[line.index(": {") + 2 :])["symbols"]}
    for symbol in ("BTCUSDT", "ETHUSDT"):
        filters = {entry["filterType"]: entry for entry in symbols[symbol]["filters"]}
        row = INSTRUMENTS[symbol]
        assert row.tick_size == Decimal(filters["PRICE_FILTER"]["tickSize"])
        assert row.quantity_step == Decimal(filters["LOT_SIZE"]["stepSize"])
        assert row.min_quantity == Decimal(filters["LOT_SIZE"]["minQty"])


# Aliases


@pytest.mark.parametrize(
    ("alias", "instrument_id"),
    [
        ("EURUSD", "EURUSD"),
        ("EUR_USD", "EURUSD"),
        ("eur/usd", "EURUSD"),
        ("EURUSD=X", "EURUSD"),
        (" usd-jpy ", "USDJPY"),
        ("XAU_USD", "XAUUSD"),
        ("BTC/USDT", "BTCUSDT"),
        ("BTCUSDT", "BTCUSDT"),
        ("BTC/USDT:USDT", "BTCUSDT-PERP"),
        ("btcusdt-perp", "BTCUSDT-PERP"),
        ("BTC-USD", "BTCUSD"),
        ("^GSPC", "SPX"),
        ("SPX", "SPX"),
        ("sp500", "SPX"),
        ("^IXIC", "IXIC"),
        ("ES=F", "ES"),
        ("/ES", "ES"),
        ("es1!", "ES"),
    ],
)
def test_an_alias_in_any_case_resolves_to_its_instrument(alias: str, instrument_id: str) -> None:
    assert resolve(alias) is INSTRUMENTS[instrument_id]


def test_every_id_resolves_to_itself() -> None:
    assert all(resolve(instrument_id.lower()) is row for instrument_id, row in INSTRUMENTS.items())


def test_a_table_with_one_alias_for_two_rows_is_refused() -> None:
    table = [(INSTRUMENTS["XAUUSD"], ("GOLD",)), (INSTRUMENTS["GC"], ("GOLD",))]
    with pytest.raises(InvariantBroken, match="GOLD to name one instrument, found XAUUSD and GC"):
        instruments._index_names(table)


@pytest.mark.parametrize("alias", ["EURUSDD", "USDEUR", "", "€", "x" * 100_000, "ES2!", "EUR USD"])
def test_an_unknown_name_is_refused_with_three_known_ones(alias: str) -> None:
    with pytest.raises(ToolInputError) as refused:
        resolve(alias)
    nearest = refused.value.fields["nearest"]
    assert isinstance(nearest, tuple)
    assert len(set(nearest)) == 3
    assert set(nearest) <= set(INSTRUMENTS)
    assert len(str(refused.value)) < 200


def test_a_misspelt_pair_is_answered_with_the_pair() -> None:
    with pytest.raises(ToolInputError, match=r"found 'EURUSDD'; nearest are EURUSD, "):
        resolve("EURUSDD")


@pytest.mark.parametrize(("alias", "candidates"), [("Gold", "XAUUSD, GC"), ("NASDAQ", "NDX, IXIC, NQ")])
def test_a_name_with_several_meanings_is_refused_with_all_of_them(alias: str, candidates: str) -> None:
    with pytest.raises(ToolInputError, match=f"nearest are {candidates}$"):
        resolve(alias)


# Conversion


def test_a_currency_into_itself_is_one_without_any_rate() -> None:
    assert conversion_path("USD", "USD", ()) == 1.0


def test_a_direct_rate_is_used_as_it_is() -> None:
    assert conversion_path("EUR", "USD", [rate("EUR", "USD", 1.25)]) == 1.25


def test_a_rate_the_other_way_round_is_inverted() -> None:
    assert conversion_path("USD", "EUR", [rate("EUR", "USD", 1.25)]) == 0.8


def test_a_path_over_two_currencies_multiplies() -> None:
    rates = [rate("GBP", "USD", 1.5), rate("USD", "JPY", 110.0), rate("EUR", "GBP", 0.8)]
    assert conversion_path("EUR", "JPY", rates) == pytest.approx(0.8 * 1.5 * 110.0)
    assert conversion_path("JPY", "EUR", rates) == pytest.approx(1 / (0.8 * 1.5 * 110.0))


def test_the_shorter_path_wins_over_a_better_rate() -> None:
    rates = [rate("EUR", "GBP", 9.0), rate("GBP", "USD", 9.0), rate("EUR", "USD", 1.1)]
    assert conversion_path("EUR", "USD", rates) == 1.1


def test_a_pair_quoted_both_ways_uses_the_direct_quote() -> None:
    assert conversion_path("EUR", "USD", [rate("USD", "EUR", 0.5), rate("EUR", "USD", 1.9)]) == 1.9


@pytest.mark.parametrize("bad", [0.0, -1.1])
def test_a_rate_that_is_not_positive_is_no_path(bad: float) -> None:
    assert conversion_path("EUR", "USD", [rate("EUR", "USD", bad)]) is None
    assert conversion_path("USD", "EUR", [rate("EUR", "USD", bad)]) is None


def test_tether_is_not_taken_for_the_dollar() -> None:
    assert conversion_path("USDT", "USD", [rate("EUR", "USD", 1.1), rate("BTC", "USDT", 3e4)]) is None


def test_equally_short_paths_do_not_depend_on_the_order_of_the_rates() -> None:
    rates = [
        rate("EUR", "CHF", 1.1),
        rate("CHF", "USD", 1.2),
        rate("EUR", "GBP", 0.8),
        rate("GBP", "USD", 1.6),
    ]
    found = {conversion_path("EUR", "USD", order) for order in itertools.permutations(rates)}
    assert found == {1.1 * 1.2}


@given(
    prices=st.lists(st.floats(0.01, 100), min_size=8, max_size=8),
    kept=st.sets(st.sampled_from(PAIRS), min_size=1),
)
def test_consistent_rates_convert_there_and_back_by_the_price_ratio(
    prices: list[float], kept: set[str]
) -> None:
    value = dict(zip(instruments._CURRENCIES, prices, strict=True))
    rates = [rate(p[:3], p[3:], value[p[:3]] / value[p[3:]]) for p in sorted(kept)]
    for start, end in itertools.permutations(value, 2):
        there, back = conversion_path(start, end, rates), conversion_path(end, start, rates)
        assert (there is None) == (back is None)
        if there is not None and back is not None:
            assert there == pytest.approx(value[start] / value[end], rel=1e-10)
            assert round_significant(there * back) == pytest.approx(1.0, rel=1e-10)
