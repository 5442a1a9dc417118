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
- `division_by_zero`, `missing_comparison`, `missing_extreme`: nothing is invented out of what is missing.
- `groups` industry: a panel has one classification; `as_published` reads sector and subindustry as well.
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
    rank_ties: Literal["average", "min", "max", "first"] = "average"
    ts_rank_scale: Literal["fraction", "zero_to_one", "ordinal"] = "fraction"
    ts_rank_ties: Literal["average", "min", "max", "first"] = "average"
    ddof: Literal[0, 1] = 1
    """The divisor of variances and covariances is n - ddof."""
    arg_extreme: Literal["bars_ago", "position"] = "bars_ago"
    """0 for the newest, or 1 for the oldest bar of the window and d for the newest."""
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
    missing_comparison: Literal["missing", "false"] = "missing"
    missing_extreme: Literal["missing", "other"] = "missing"
    """min and max of a known and a missing value: missing, or the known one."""
    incomplete_window: Literal["missing", "partial"] = "missing"
    """A window with missing bars: missing, or computed from those it has."""
    groups: Literal["industry", "as_published"] = "industry"


DEFAULT = Conventions()

PRESETS: Mapping[str, Conventions] = MappingProxyType({"default": DEFAULT})


def choices_of(switch: str) -> tuple[str, ...]:
    """What a switch may be set to."""
    return tuple(str(choice) for choice in get_args(Conventions.model_fields[switch].annotation))
