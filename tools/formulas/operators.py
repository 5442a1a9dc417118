"""Every word of the formula language, with its one meaning.

A value is a panel: float64 of shape (time, instruments), NaN where it is not known. A condition is a panel
of 1 and 0. Three rules hold for all of them:

- What cannot be a finite number is missing: x / 0, log(0), an overflow, a root of a negative number.
- A window is the newest `d` bars, the present one included; it is known only when all `d` are. Windows are
  computed each on its own, so a value depends on its window alone and on nothing before it.
- No operator reads a later bar, and only `rank`, `scale` and `neutralize` read another instrument.

Where a published text can be read in two ways, a switch in `conventions.py` chooses; `switches` names it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Kind = Literal["number", "condition"]
"""What a formula or a part of it is. A condition may stand where a number is wanted, as 1 or 0."""

Want = Literal["x", "c", "d", "q", "g"]
"""An argument: x number, c condition, d window in bars, q plain number, g group field."""

Reach = Literal["bar", "back", "window", "history"]
"""Which bars an operator reads: the present one, one d bars back, the newest d, all so far."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One word: what it takes, what it gives, what it means."""

    name: str
    takes: tuple[Want, ...]
    meaning: str
    gives: Kind = "number"
    reach: Reach = "bar"
    min_window: float = 1
    is_cross_sectional: bool = False
    switches: tuple[str, ...] = ()

    @property
    def signature(self) -> str:
        """As it is written: `ts_corr(x, y, d)`."""
        names = iter("xyzuvw")
        return f"{self.name}({', '.join(next(names) if want == 'x' else want for want in self.takes)})"


@dataclass(frozen=True, slots=True)
class PanelField:
    """A field a panel may have."""

    name: str
    unit: str
    meaning: str


def _table() -> dict[str, Operator]:
    xx: tuple[Want, ...] = ("x", "x")
    xd: tuple[Want, ...] = ("x", "d")
    xxd: tuple[Want, ...] = ("x", "x", "d")
    rows = (
        # bar by bar
        Operator("add", xx, "x + y"),
        Operator("subtract", xx, "x - y"),
        Operator("multiply", xx, "x * y"),
        Operator("divide", xx, "x / y; missing where y is 0", switches=("division_by_zero",)),
        Operator("power", xx, "x ^ y; missing where that is no real, finite number"),
        Operator("negate", ("x",), "-x"),
        Operator("less", xx, "x < y; missing where either is", "condition", switches=("missing_comparison",)),
        Operator("less_equal", xx, "x <= y", "condition", switches=("missing_comparison",)),
        Operator("greater", xx, "x > y", "condition", switches=("missing_comparison",)),
        Operator("greater_equal", xx, "x >= y", "condition", switches=("missing_comparison",)),
        Operator("equal", xx, "x == y", "condition", switches=("missing_comparison",)),
        Operator("not_equal", xx, "x != y", "condition", switches=("missing_comparison",)),
        Operator("and", ("c", "c"), "both; missing where either is", "condition"),
        Operator("or", ("c", "c"), "at least one; missing where either is", "condition"),
        Operator("not", ("c",), "1 for 0 and 0 for 1", "condition"),
        Operator(
            "where",
            ("c", "x", "x"),
            "c ? x : y; only the chosen one need be known, and c",
            switches=("missing_condition",),
        ),
        Operator("min", xx, "the smaller of two; missing where either is", switches=("missing_extreme",)),
        Operator("max", xx, "the larger of two; missing where either is", switches=("missing_extreme",)),
        Operator("abs", ("x",), "x without its sign"),
        Operator("sign", ("x",), "1, 0 or -1"),
        Operator("log", ("x",), "natural logarithm; missing unless x > 0"),
        Operator("signed_power", xx, "sign(x) * abs(x)^y"),
        # back in time
        Operator("delay", xd, "x of d bars ago", reach="back", min_window=0),
        Operator("delta", xd, "x less x of d bars ago", reach="back", min_window=0),
        Operator("ts_sum", xd, "sum over the window; of a condition, how often it held", reach="window"),
        Operator("ts_mean", xd, "mean over the window", reach="window"),
        Operator("ts_product", xd, "product over the window", reach="window"),
        Operator(
            "ts_std",
            xd,
            "standard deviation over the window",
            reach="window",
            min_window=2,
            switches=("ddof",),
        ),
        Operator("ts_min", xd, "smallest in the window", reach="window"),
        Operator("ts_max", xd, "largest in the window", reach="window"),
        Operator(
            "ts_argmin",
            xd,
            "bars since the smallest in the window, 0 when it is the newest",
            reach="window",
            switches=("arg_extreme", "arg_ties"),
        ),
        Operator(
            "ts_argmax",
            xd,
            "bars since the largest in the window, 0 when it is the newest",
            reach="window",
            switches=("arg_extreme", "arg_ties"),
        ),
        Operator(
            "ts_rank",
            xd,
            "rank of the newest among the window, from 1/d to 1; equal values share their mean",
            reach="window",
            switches=("ts_rank_scale", "ts_rank_ties"),
        ),
        Operator(
            "ts_quantile",
            ("x", "d", "q"),
            "the q-quantile of the window, interpolated between neighbours",
            reach="window",
        ),
        Operator(
            "ts_corr",
            xxd,
            "Pearson correlation over the window, rounded to 13 decimals, so that what is equal on paper is "
            "equal; missing where either never moves",
            reach="window",
            min_window=2,
            switches=("flat_correlation",),
        ),
        Operator(
            "ts_cov", xxd, "covariance over the window", reach="window", min_window=2, switches=("ddof",)
        ),
        Operator(
            "decay_linear",
            xd,
            "mean with weights d, d-1, ..., 1, the newest weighing d",
            reach="window",
            switches=("decay_order",),
        ),
        Operator(
            "decay_power",
            ("x", "d", "q"),
            "mean with weights q^0, q^1, ..., the newest weighing q^0 = 1",
            reach="window",
        ),
        Operator(
            "sma",
            ("x", "d", "q"),
            "recursive average: (q x + (d - q) previous) / d, begun with the first known x; a bar without x "
            "has none and changes nothing; known from the d-th bar with x on",
            reach="history",
            switches=("sma_warmup",),
        ),
        Operator("ts_slope", xd, "least-squares slope of x on 1, 2, ..., d", reach="window", min_window=2),
        Operator(
            "ts_rsquare",
            xd,
            "share of the variance that this line explains; missing where x never moves",
            reach="window",
            min_window=3,
            switches=("flat_correlation",),
        ),
        Operator("ts_residual", xd, "the newest x less the line's value there", reach="window", min_window=2),
        Operator(
            "ts_beta",
            xxd,
            "least-squares slope of x on y over the window; missing where y never moves",
            reach="window",
            min_window=2,
        ),
        Operator(
            "ts_beta_where",
            ("x", "x", "c", "d"),
            "least-squares slope of x on y over those bars of the window on which c holds and all are known; "
            "at least two, among which y moves",
            reach="window",
            min_window=2,
        ),
        Operator(
            "ts_factor_residual",
            ("x", "x", "x", "x", "d"),
            "the newest residual of x regressed on a constant, y, z and u over the window",
            reach="window",
            min_window=5,
        ),
        Operator(
            "ts_cumsum_max",
            xd,
            "largest of the d running sums of the window, oldest bar first",
            reach="window",
        ),
        Operator(
            "ts_cumsum_min",
            xd,
            "smallest of the d running sums of the window, oldest bar first",
            reach="window",
        ),
        Operator("adv", ("d",), "mean volume over the window", reach="window", switches=("adv",)),
        # across instruments
        Operator(
            "rank",
            ("x",),
            "rank among the n instruments known on the bar, from 1/n to 1; equal values share their mean",
            is_cross_sectional=True,
            switches=("rank_scale", "rank_ties"),
        ),
        Operator(
            "scale",
            ("x",),
            "x over the sum of abs(x) across instruments; missing where that is 0",
            is_cross_sectional=True,
        ),
        Operator(
            "neutralize",
            ("x", "g"),
            "x less the mean of x in the instrument's group on the bar",
            is_cross_sectional=True,
            switches=("groups",),
        ),
    )
    return {row.name: row for row in rows}


OPERATORS: Mapping[str, Operator] = MappingProxyType(_table())

FIELDS: Mapping[str, PanelField] = MappingProxyType(
    {
        row.name: row
        for row in (
            PanelField("open", "price", "first price of the bar"),
            PanelField("high", "price", "highest price of the bar"),
            PanelField("low", "price", "lowest price of the bar"),
            PanelField("close", "price", "last price of the bar"),
            PanelField("volume", "volume", "shares, contracts or lots traded in the bar"),
            PanelField("vwap", "price", "volume-weighted mean price of the bar"),
            PanelField("amount", "price*volume", "money traded in the bar"),
            PanelField("returns", "ratio", "close / delay(close, 1) - 1"),
            PanelField("cap", "price", "market capitalisation"),
            PanelField("benchmark_open", "price", "open of the benchmark index, the same in every column"),
            PanelField("benchmark_close", "price", "close of the benchmark index, the same in every column"),
            PanelField("factor_market", "ratio", "return of the market factor, the same in every column"),
            PanelField("factor_size", "ratio", "return of the size factor, small minus big"),
            PanelField("factor_value", "ratio", "return of the value factor, high minus low book to market"),
        )
    }
)

GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "sector": "broadest classification",
        "industry": "classification of the instrument, any number that is the same within a group",
        "subindustry": "finest classification",
    }
)
