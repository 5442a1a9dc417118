"""Our values beside those of other people's implementations, formula by formula, cell by cell.

    python -m bench.agreement [--write]

`--write` keeps the page as docs/agreement.md. The peers run in an environment of their own
(`bench/peers/`), our engine under the preset that is named after each. Three panels: random walks without
holes, with a few, and hourly prices of ten symbols where DUALBRAIN_SHARED (../shared by default) has them.
What cannot be had is left out, and the page says so.

A cell agrees where both are missing, or both known and within 1e-9 of the peer's value. A cell that does
not is set apart, and counted as such, where it hangs on the last bits:

- Our engine runs again with every value of the panel and every result inside the formula moved by up to
  1e-12 of itself, and again with results alone moved, correlations by 1e-12; each up to 40 times. The cell
  is set apart if its value changes, and the peer's lies between the smallest and the largest of one kind of
  run, widened by half their distance: a rank or a comparison of what is equal on paper, or a difference
  that rounding alone is left of.
- Or both values are below 1e-11 of the formula's usual size: 0 on paper.

A formula is exact when every cell agrees but those set apart, and these are at most 5% of the known ones.
What this lets through is measured in the same run, with every window of ours one bar longer.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.agreement_reasons import REASONS
from bench.peers import environment
from bench.real_panels import forex_panel
from bench.report import table
from contracts.market import Float2D
from tests.tools.formulas.panels import random_panel
from tools.formulas.catalogue import SETS, published
from tools.formulas.conventions import DEFAULT, PRESETS, Conventions
from tools.formulas.engine import Panel, iter_trees
from tools.formulas.operators import OPERATORS
from tools.formulas.parse import kind_of
from tools.formulas.tree import Call, Field, Node, Number

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "agreement.md"
BARS, COLUMNS, HOLES = 420, 40, 0.001
TOLERANCE, SHAKE, NOTHING = 1e-9, 1e-12, 1e-11
N_SHAKES, N_OTHER_SHAKES = 40, 10
MOST_APART = 0.05

Cells: TypeAlias = npt.NDArray[np.bool_]
Moved: TypeAlias = Literal["all", "results"]
Verdict: TypeAlias = Literal["=", "~", "t", "c", "x", "-"]


@dataclass(frozen=True, slots=True)
class Peer:
    """Another implementation: its adapter, and the preset that reads each set as it does."""

    title: str
    script: str
    presets: Mapping[str, str]
    options: tuple[str, ...] = ()


PEERS = (
    Peer("alpha101v", "run_alpha101v.py", {"alpha101": "alpha101v"}, ("--decay", "dense")),
    Peer(
        "KunQuant",
        "run_kunquant.py",
        {"alpha101": "kunquant_101", "alpha158": "kunquant_158"},
        ("--arithmetic", "exact"),
    ),
    Peer("Qlib", "run_qlib.py", {"alpha158": "qlib", "alpha360": "qlib"}, ("--data", "memory")),
    Peer("polars_ta", "run_polars_ta.py", {"alpha101": "polars_ta", "alpha191": "polars_ta"}),
)
OPERATORS_ONLY = "polars_ta"
"""It runs our own text, so that it vouches for operators and not for the reading of the papers."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """One formula on one panel beside one peer, in cells."""

    n_known: int
    """Known to either."""
    n_apart: int
    n_off: int = 0
    """Known to both, and not within the tolerance."""
    n_ours: int = 0
    n_theirs: int = 0
    """Known to one side only."""

    @property
    def verdict(self) -> Verdict:
        if not self.n_known:
            return "-"
        if self.n_off:
            return "x"
        if self.n_ours or self.n_theirs:
            return "c"
        if self.n_apart > MOST_APART * self.n_known:
            return "t"
        return "~" if self.n_apart else "="

    @property
    def is_exact(self) -> bool:
        return self.verdict in "=~"

    @property
    def token(self) -> str:
        """The verdict and how many cells made it."""
        counts = {"-": 0, "=": 0, "~": self.n_apart, "t": self.n_apart, "c": self.n_ours + self.n_theirs}
        return f"{self.verdict}{counts.get(self.verdict, self.n_off) or ''}"


@dataclass(slots=True)
class Findings:
    """All that a run found."""

    of: dict[tuple[str, str, str], Agreement] = field(default_factory=dict)
    """By panel, peer and formula."""
    by_default: dict[tuple[str, str], Agreement] = field(default_factory=dict)
    """By peer and formula: the first panel under our default conventions."""
    longer: dict[tuple[str, str], Agreement] = field(default_factory=dict)
    """By peer and formula: the first panel with every window of ours one bar longer."""
    versions: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


# Run


def main(arguments: Sequence[str]) -> int:
    """Compare, print, and with `--write` keep the page."""
    if environment.main():
        print("skipped: expected .venv-peers, found none that can be made here; nothing was compared")
        return 0
    findings = Findings()
    with tempfile.TemporaryDirectory() as folder, np.errstate(all="ignore"):
        for name, panel in _panels(findings):
            print(name, file=sys.stderr, flush=True)
            _compare_all(name, panel, Path(folder) / name, findings)
    page = _page(findings)
    print(page)
    if "--write" in arguments:
        PAGE.write_text(page, encoding="utf-8")
    return 0


PANELS = ("whole", "holes", "prices")


def _panels(findings: Findings) -> Iterator[tuple[str, Panel]]:
    yield PANELS[0], random_panel(BARS, COLUMNS, seed=1)
    yield PANELS[1], random_panel(BARS, COLUMNS, seed=2, holes=HOLES)
    data = Path(os.environ.get("DUALBRAIN_SHARED", "../shared")) / "data"
    if (data / "fx_hourly").is_dir():
        yield PANELS[2], _prices(data)
    else:
        findings.left_out.append("Real prices: no fx_hourly under DUALBRAIN_SHARED.")


def _prices(data: Path) -> Panel:
    """Hourly bars with a vwap, which every peer asks for and the files lack."""
    panel = dict(forex_panel(data, BARS))
    vwap = (panel["high"] + panel["low"] + panel["close"]) / 3
    before = np.vstack([np.full((1, vwap.shape[1]), np.nan), panel["close"][:-1]])
    return panel | {"vwap": vwap, "amount": vwap * panel["volume"], "returns": panel["close"] / before - 1}


def _compare_all(name: str, panel: Panel, folder: Path, findings: Findings) -> None:
    folder.mkdir()
    np.savez(folder / "panel.npz", **panel)  # type: ignore[arg-type]  # numpy's stub mistakes names for flags
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(_run_peer, peer, folder) for peer in PEERS]
    for peer, run in zip(PEERS, runs, strict=True):
        if not run.result():
            findings.left_out.append(f"{peer.title} on {name}: its adapter ended with an error.")
            continue
        summary = json.loads((folder / peer.title / "summary.json").read_text(encoding="utf-8"))
        findings.versions |= summary["versions"]
        lacking: dict[str, list[str]] = {}
        for formula, reason in sorted(summary["failures"].items()):
            lacking.setdefault(reason, []).append(formula)
        for reason, formulas in lacking.items():
            findings.left_out.append(f"{', '.join(formulas)} by {peer.title} on {name}: {reason}.")
        for set_name, preset in peer.presets.items():
            _compare_set(name, panel, folder / peer.title, peer, (set_name, PRESETS[preset]), findings)


def _run_peer(peer: Peer, folder: Path) -> bool:
    command = [str(environment.PYTHON), f"bench/peers/{peer.script}", str(folder / "panel.npz")]
    command += [str(folder / peer.title), *peer.options]
    return subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.DEVNULL).returncode == 0


def _compare_set(
    name: str, panel: Panel, results: Path, peer: Peer, reading: tuple[str, Conventions], findings: Findings
) -> None:
    set_name, conventions = reading
    theirs = _theirs(results, set_name)
    trees = {formula: published()[formula].tree for formula in theirs}
    case = Case(trees, panel, theirs, conventions)
    findings.of |= {(name, peer.title, formula): found for formula, found in compare(case).items()}
    if name == PANELS[0]:
        default = replace(case, conventions=DEFAULT, shakes=N_OTHER_SHAKES)
        findings.by_default |= {(peer.title, formula): found for formula, found in compare(default).items()}
        windows = {formula: lengthened(tree) for formula, tree in trees.items()}
        longer = {formula: tree for formula, tree in windows.items() if tree != trees[formula]}
        control = replace(case, trees=longer, shakes=N_OTHER_SHAKES)
        findings.longer |= {(peer.title, formula): found for formula, found in compare(control).items()}


def _theirs(results: Path, set_name: str) -> dict[str, Float2D]:
    found = {}
    for formula in published():
        file = results / f"{formula}.npy"
        if formula.startswith(f"{set_name}_") and file.exists():
            values = np.load(file)
            found[formula] = np.where(np.isfinite(values), values, np.nan)
    return found


# Compare


@dataclass(frozen=True, slots=True)
class Case:
    """What is compared: formulas on a panel, ours under some conventions, and the peer's values."""

    trees: Mapping[str, Node]
    panel: Panel
    theirs: Mapping[str, Float2D]
    conventions: Conventions
    shakes: int = N_SHAKES


def compare(case: Case) -> dict[str, Agreement]:
    """Each formula beside the peer's values of it."""
    ours = dict(iter_trees(case.trees, case.panel, conventions=case.conventions))
    differ = {name: _differs(ours[name], case.theirs[name]) for name in ours}
    left = {name: cells & ~_is_nothing(ours[name], case.theirs[name]) for name, cells in differ.items()}
    kinds: tuple[Moved, ...] = ("all", "results")
    for moved in kinds:
        _set_apart(left, moved, case, ours)
    return {name: _counted(ours[name], case.theirs[name], differ[name], left[name]) for name in ours}


def _differs(ours: Float2D, theirs: Float2D) -> Cells:
    is_off = np.abs(ours - theirs) > TOLERANCE * np.abs(theirs)
    return np.where(np.isnan(ours) | np.isnan(theirs), np.isnan(ours) != np.isnan(theirs), is_off)


def _is_nothing(ours: Float2D, theirs: Float2D) -> Cells:
    known = np.abs(theirs[np.isfinite(theirs)])
    usual = float(np.median(known)) if len(known) else 0.0
    is_nothing: Cells = np.maximum(np.abs(ours), np.abs(theirs)) <= NOTHING * usual
    return is_nothing


def _set_apart(left: dict[str, Cells], moved: Moved, case: Case, ours: Mapping[str, Float2D]) -> None:
    """Take out of `left` what hangs on the last bits."""
    low, high = dict(ours), dict(ours)
    is_missing = {name: np.isnan(values) for name, values in ours.items()}
    for seed in range(case.shakes):
        doubtful = {name: case.trees[name] for name, cells in left.items() if cells.any()}
        for name, values in _shaken(doubtful, moved, seed, case):
            low[name], high[name] = np.fmin(low[name], values), np.fmax(high[name], values)
            is_missing[name] = is_missing[name] | np.isnan(values)
            width, peer = high[name] - low[name], case.theirs[name]
            is_between = (peer >= low[name] - width / 2) & (peer <= high[name] + width / 2)
            moves = is_between & (width > TOLERANCE * np.abs(peer))
            left[name] = left[name] & ~np.where(np.isnan(peer), is_missing[name], moves)


def _counted(ours: Float2D, theirs: Float2D, differ: Cells, left: Cells) -> Agreement:
    known, known_to_them = np.isfinite(ours), np.isfinite(theirs)
    return Agreement(
        n_known=int((known | known_to_them).sum()),
        n_apart=int(differ.sum() - left.sum()),
        n_off=int((left & known & known_to_them).sum()),
        n_ours=int((left & known & ~known_to_them).sum()),
        n_theirs=int((left & known_to_them & ~known).sum()),
    )


_FIRST, _SECOND = "sector", "subindustry"
"""Groups that no preset reads; they carry the noise. Steps take different shares of the second."""

_ROUNDED = OPERATORS.keys() - {
    *("negate", "where", "min", "max", "abs", "sign", "delay", "ts_min", "ts_max", "rank", "ts_rank"),
    *("ts_argmin", "ts_argmax"),
}
"""What gives new numbers, so that two ways to compute it may differ in the last bits."""


def _shaken(trees: Mapping[str, Node], moved: Moved, seed: int, case: Case) -> Iterator[tuple[str, Float2D]]:
    draw = np.random.default_rng(seed)
    shape = next(iter(case.panel.values())).shape
    first, second = SHAKE * draw.uniform(-1, 1, (2, *shape))
    noisy = dict(case.panel) | {_FIRST: 1 + first, _SECOND: second}
    shake = _Shaker(moved)
    shaken = {name: shake.node(tree) for name, tree in trees.items()}
    if shaken:
        yield from iter_trees(shaken, noisy, conventions=case.conventions)


class _Shaker:
    """Puts noise behind every step of a tree; the same step has the same noise wherever it stands."""

    def __init__(self, moved: Moved) -> None:
        self._moved = moved
        self._done: dict[Node, Node] = {}

    def node(self, node: Node) -> Node:
        if isinstance(node, Number) or node in (Field("industry"), Field(_FIRST), Field(_SECOND)):
            return node
        if node not in self._done:
            self._done[node] = self._noisy(node)
        return self._done[node]

    def _noisy(self, node: Node) -> Node:
        whole = Call(node.operator, tuple(map(self.node, node.args))) if isinstance(node, Call) else node
        share = Number((len(self._done) * 37 % 101 - 50) / 50)
        noise = Call("add", (Field(_FIRST), Call("multiply", (share, Field(_SECOND)))))
        if self._moved == "all" and kind_of(node) == "number":
            return Call("multiply", (whole, noise))
        if not isinstance(node, Call) or node.operator not in _ROUNDED or kind_of(node) != "number":
            return whole
        if node.operator == "ts_corr":
            return Call("subtract", (Call("add", (whole, noise)), Number(1.0)))
        return Call("multiply", (whole, noise))


def lengthened(node: Node) -> Node:
    """The tree with every window one bar longer."""
    if not isinstance(node, Call):
        return node
    pairs = zip(OPERATORS[node.operator].takes, node.args, strict=True)
    return Call(
        node.operator,
        tuple(
            Number(arg.value + 1) if want == "d" and isinstance(arg, Number) else lengthened(arg)
            for want, arg in pairs
        ),
    )


# Tell


def _page(findings: Findings) -> str:
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    versions = ", ".join(f"{name} {version}" for name, version in sorted(findings.versions.items()))
    parts = [
        "# Agreement with other implementations",
        f"`python -m bench.agreement` on {machine}, {datetime.now(UTC):%Y-%m-%d}.",
        _HOW,
        f"Versions: {versions}.",
        "\n".join(f"- Left out: {line}" for line in findings.left_out),
        _headline(findings),
        "## Peer by peer",
        _PEERS_SAY,
        _peer_table(findings),
        _control(findings),
        "## Formula by formula",
        _LEGEND,
        _reason_table(),
        *(_set_table(set_name, findings) for set_name in SETS),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


_HOW = f"""\
Our formulas under the preset named after each peer, beside the peer's own values, in float64. A cell
agrees where both are missing, or both known and within 1e-9 of the peer's value. Cells that hang on the
last bits are set apart and counted: 0 on paper, or a value that comes to lie around the peer's when all
numbers are moved by 1e-12 of themselves (`bench/agreement.py` says how). A formula is exact when all cells
agree but those, and those are at most {MOST_APART:.0%} of the known ones. From the first bar on: the
warm-up counts as well.

alpha101v, KunQuant and Qlib have texts of their own, so they vouch for the transcription and for the
operators. polars_ta holds no such formulas: it is given our text, and vouches for the operators alone."""

_PEERS_SAY = f"""\
How many formulas are exact: under our default conventions and under the peer's preset on random walks
without holes ({BARS} x {COLUMNS}), and under the preset on random walks in which an instrument misses
{HOLES:.1%} of its bars and on hourly prices of ten symbols, whose vwap is (high + low + close) / 3."""

_LEGEND = """\
Three marks for each peer: without holes, with holes, real prices. `=` exact; `~` exact but for so many
cells set apart; `t` nothing but ties, too many of them; `c` the known cells agree, but so many are known
to one side only; `x` so many cells differ; `-` not computed, or known to neither. `why` numbers the
reasons."""


def _is_exact(findings: Findings, formula: str, peers: Iterable[str]) -> bool:
    found = (findings.of.get((PANELS[0], peer, formula)) for peer in peers)
    return any(agreement is not None and agreement.is_exact for agreement in found)


def _headline(findings: Findings) -> str:
    independent = [peer.title for peer in PEERS if peer.title != OPERATORS_ONLY]
    rows, totals = [], np.zeros(3, np.int64)
    for set_name in SETS:
        names = [name for name in published() if name.startswith(f"{set_name}_")]
        by_text = {name for name in names if _is_exact(findings, name, independent)}
        more = {name for name in names if _is_exact(findings, name, [OPERATORS_ONLY])} - by_text
        counts = np.array([len(names), len(by_text), len(more)])
        totals += counts
        rows.append(_counts_row(set_name.capitalize(), counts))
    rows.append(_counts_row("all", totals))
    head = ("set", "formulas", "exact with a text of their own", "more by operators alone", "together")
    return table(head, rows)


def _counts_row(title: str, counts: npt.NDArray[np.int64]) -> tuple[str, ...]:
    n, by_text, more = (int(count) for count in counts)
    return title, str(n), str(by_text), str(more), f"{by_text + more} ({(by_text + more) / n:.1%})"


def _peer_table(findings: Findings) -> str:
    rows = []
    for peer in PEERS:
        for set_name, preset in peer.presets.items():
            names = [name for name in published() if name.startswith(f"{set_name}_")]
            default = [findings.by_default.get((peer.title, name)) for name in names]
            cells = [_share(default)]
            cells += [
                _share([findings.of.get((panel, peer.title, name)) for name in names]) for panel in PANELS
            ]
            rows.append((peer.title, set_name.capitalize(), f"`{preset}`", *cells))
    return table(("peer", "set", "preset", "default", "preset", "with holes", "real prices"), rows)


def _share(found: Sequence[Agreement | None]) -> str:
    there = [agreement for agreement in found if agreement is not None]
    return f"{sum(agreement.is_exact for agreement in there)} of {len(there)}" if there else "-"


def _control(findings: Findings) -> str:
    passed = [f"{name} ({peer})" for (peer, name), agreement in findings.longer.items() if agreement.is_exact]
    told = f": {', '.join(sorted(passed))}" if passed else ""
    return (
        f"Control: with every window of ours one bar longer, {len(passed)} of {len(findings.longer)} "
        f"comparisons still count as exact{told}. In these no window shows: KunQuant's ranks in time begin "
        "at 1 and are compared with ranks that end there, or an average is taken away from itself. Their "
        "agreement says little."
    )


def _reason_table() -> str:
    return table(
        ("why", "peer", "reason"),
        [(str(number), reason.peer, reason.text) for number, reason in enumerate(REASONS, 1)],
    )


def _set_table(set_name: str, findings: Findings) -> str:
    peers = [peer.title for peer in PEERS if set_name in peer.presets]
    names = [name for name in published() if name.startswith(f"{set_name}_")]
    why = {(reason.peer, name): number for number, reason in enumerate(REASONS, 1) for name in reason.names()}
    reasons = {
        name: [
            number
            for number, reason in enumerate(REASONS, 1)
            if name in set(reason.names()) and _falls_short(findings, reason.peer, name)
        ]
        for name in names
    }
    unknown = [
        f"{name} ({peer})"
        for name in names
        for peer in peers
        if _falls_short(findings, peer, name) and (peer, name) not in why
    ]
    lines = [
        (
            name.removeprefix(f"{set_name}_"),
            *(_marks(findings, peer, name) for peer in peers),
            " ".join(map(str, reasons[name])),
        )
        for name in names
    ]
    rows = [
        (_span([line[0] for line in group]), *marks)
        for marks, members in groupby(lines, key=lambda line: line[1:])
        for group in [list(members)]
    ]
    told = f"\n\nNot followed: {', '.join(unknown)}." if unknown else ""
    return f"### {set_name.capitalize()}\n\n{table((set_name, *peers, 'why'), rows)}{told}"


def _falls_short(findings: Findings, peer: str, name: str) -> bool:
    found = (findings.of.get((panel, peer, name)) for panel in PANELS)
    return any(agreement is not None and agreement.verdict in "tcx" for agreement in found)


def _marks(findings: Findings, peer: str, name: str) -> str:
    found = [findings.of.get((panel, peer, name)) for panel in PANELS]
    marks = ["-" if agreement is None else agreement.token for agreement in found]
    return " ".join(marks) if any(found) else ""


def _span(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
