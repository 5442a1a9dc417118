"""What a reader of the published texts may take in two ways, as switches; and presets that match others.

The defaults, and why:

- `rank_scale` fraction: r/n keeps the quotient of two ranks what it is for plain ordinals, is never zero
  (a formula that divides by a rank loses no instrument), and is what most implementations use. The other,
  (r-1)/(n-1), is WorldQuant BRAIN's.
- `ddof` 1: the windows are samples.
- `arg_extreme` bars_ago: BRAIN's ts_arg_max and Guotai Junan's HIGHDAY both count from today.
- `decay_order` newest_heaviest: a decay forgets the past; BRAIN and the Alpha101 appendix agree.
- `adv` shares: Kakushadze defines adv as dollar volume, yet compares it with shares (Alpha101 7, 21) and
  divides shares by it; in shares these make sense, and in money they depend on the price level.
- `flat_correlation` missing: 0/0 says nothing; 0 would say that there is no relation.
- `windows` floor: Kakushadze's appendix says so.
- `division_by_zero`, `missing_comparison`, `missing_condition`, `missing_extreme`: nothing is invented out of
  what is missing.
- `groups` industry: a panel has one classification; `as_published` reads sector and subindustry as well.

What no preset takes is a reading all the same. Equal values share the smallest rank in SQL's RANK and take
turns in its ROW_NUMBER. The appendix of the Alpha101 paper lists the weights of a decay as d, d - 1, ..., 1,
which can be laid from the oldest bar on. Neither paper says what to do without a vwap, and the Alpha101 paper
prints three classifications.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict


class Conventions(BaseModel):
    """One reading of the published texts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank_scale: Literal["fraction", "zero_to_one"] = "fraction"
    """r/n, or (r-1)/(n-1)."""
    rank_ties: Literal["average", "min", "max", "first", "dense"] = "average"
    """`dense` counts distinct values: n is how many there are, and equal ones share a place."""
    ts_rank_scale: Literal["fraction", "zero_to_one", "ordinal"] = "fraction"
    ts_rank_ties: Literal["average", "min", "max", "first"] = "average"
    ddof: Literal[0, 1] = 1
    """The divisor of variances and covariances is n - ddof."""
    arg_extreme: Literal["bars_ago", "position"] = "bars_ago"
    """0 for the newest, or 1 for the oldest bar of the window and d for the newest; a window that begins
    before the panel counts from the panel's first."""
    arg_ties: Literal["oldest", "newest"] = "oldest"
    decay_order: Literal["newest_heaviest", "oldest_heaviest"] = "newest_heaviest"
    adv: Literal["shares", "money"] = "shares"
    vwap: Literal["field", "amount_over_volume", "typical_price"] = "field"
    """The panel's own, amount / volume, or (high + low + close) / 3."""
    flat_correlation: Literal["missing", "zero"] = "missing"
    windows: Literal["floor", "round"] = "floor"
    sma_warmup: Literal["window", "first"] = "window"
    """A recursive average is known from its d-th bar on, or from its first."""
    division_by_zero: Literal["missing", "infinite"] = "missing"
    """With `infinite`, 1 / (x / 0) is 0, and ranks, comparisons and choices know x / 0; windows, sums and the
    formula's own value do not: missing."""
    missing_comparison: Literal["missing", "false"] = "missing"
    missing_condition: Literal["missing", "otherwise"] = "missing"
    """A choice on a missing condition: missing, or what it gives where the condition does not hold."""
    missing_extreme: Literal["missing", "other"] = "missing"
    """min and max of a known and a missing value: missing, or the known one."""
    incomplete_window: Literal["missing", "partial"] = "missing"
    """A window with missing bars: missing, or computed from those it has."""
    groups: Literal["industry", "as_published"] = "industry"


DEFAULT = Conventions()

PRESETS: Mapping[str, Conventions] = MappingProxyType(
    {
        "default": DEFAULT,
        "alpha101v": Conventions(
            rank_scale="zero_to_one",
            ts_rank_scale="zero_to_one",
            ddof=0,
            adv="money",
            division_by_zero="infinite",
            missing_extreme="other",
        ),
        "kunquant_101": Conventions(
            ts_rank_scale="ordinal",
            arg_extreme="position",
            flat_correlation="zero",
            windows="round",
            division_by_zero="infinite",
            missing_comparison="false",
        ),
        "kunquant_158": Conventions(
            arg_extreme="position",
            flat_correlation="zero",
            division_by_zero="infinite",
            missing_comparison="false",
        ),
        "qlib": Conventions(
            arg_extreme="position",
            division_by_zero="infinite",
            missing_comparison="false",
            incomplete_window="partial",
        ),
        "polars_ta": Conventions(
            rank_scale="zero_to_one",
            rank_ties="dense",
            ddof=0,
            arg_ties="newest",
            sma_warmup="first",
            division_by_zero="infinite",
            missing_condition="otherwise",
            missing_extreme="other",
        ),
    }
)
"""The readings of the packages they are named after; docs/agreement.md says how far each one carries."""


def choices_of(switch: str) -> tuple[str, ...]:
    """What a switch may be set to."""
    return tuple(str(choice) for choice in get_args(Conventions.model_fields[switch].annotation))
