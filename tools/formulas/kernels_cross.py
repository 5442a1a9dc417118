"""Kernels across instruments: what reads the other columns of the same row.

Inputs are (R, n) and `out` is (r, n), float64 and C-contiguous, r at most R, the last rows aligned. NaN is
missing, in x and in g; inputs are not written. No row knows of another. Costs are nanoseconds a cell on one
EPYC core with 512-bit vectors, on panels of 500 columns.
"""

from typing import Literal

import numpy as np

from contracts.market import Float1D, Float2D, Int1D
from tools.formulas.compiled import compiled
from tools.formulas.kernels_lanes import LANES, load, select, store
from tools.formulas.kernels_layout import check, read_only

_TIES = {"average": 0, "min": 1, "max": 2, "first": 3, "dense": 1}
_AVERAGE, _MIN, _MAX, _FIRST = range(4)


def rank(
    x: Float2D,
    out: Float2D,
    *,
    scale: Literal["fraction", "zero_to_one"] = "fraction",
    ties: Literal["average", "min", "max", "first", "dense"] = "average",
) -> None:
    """Rank r among the m known: r / m, or (r - 1) / (m - 1). Cost: 7, with many ties 15.

    `dense` ranks the distinct values: equal ones share a rank, the next larger have the next, and m is how
    many there are. Where all are equal, or there is one, zero_to_one then gives 0.
    """
    shift = 0.0 if scale == "fraction" else 1.0
    check(out, (x,))
    if ties == "dense":
        _rank(_newest(x, out), 0.0, _TIES[ties], out)
        _close_gaps(out, shift)
        return
    _rank(_newest(x, out), shift, _TIES[ties], out)


def scale(x: Float2D, out: Float2D) -> None:
    """Share of the row's total: x / sum(abs(x)). Cost: 1."""
    check(out, (x,))
    _scale(_newest(x, out), out)


def neutralize(x: Float2D, g: Float2D, out: Float2D) -> None:
    """Distance from the group: x - mean(x over the same g). Cost: 4, where groups change 27."""
    check(out, (x, g))
    _neutralize(_newest(x, out), _newest(g, out), out)


def _newest(x: Float2D, out: Float2D) -> Float2D:
    return read_only(x[len(x) - len(out) :])


# Eight rows are sorted side by side by the merge exchange of Batcher (Knuth, The Art of Computer Programming,
# volume 3, algorithm 5.2.2M), which compares the same places whatever they hold. A key is the value with its
# lowest bits replaced by its column; what then looks equal is put in order by the values themselves.

_KEY_OF_MISSING = int(np.float64(np.inf).view(np.int64))
_LARGEST = float(np.finfo(np.float64).max)


@compiled
def _rank(x: Float2D, shift: float, ties: int, out: Float2D) -> None:
    rows, n = x.shape
    columns = 1
    while columns < n:
        columns *= 2
    columns -= 1
    keys, tied = np.empty(n * LANES), np.empty(n, np.int64)
    bits = keys.view(np.int64)
    known = np.empty(LANES, np.int64)
    for top in range(0, rows, LANES):
        for lane in range(LANES):
            known[lane] = _write_keys(x[min(top + lane, rows - 1)], keys, bits, columns, lane)
        _sort(keys, n)
        for lane in range(min(LANES, rows - top)):
            row, ranks, m = x[top + lane], out[top + lane], known[lane]
            if m < n:
                ranks[:] = np.nan
            place = 0
            while place < m:
                key = bits[place * LANES + lane]
                stop = place + 1
                while stop < m and bits[stop * LANES + lane] | columns == key | columns:
                    stop += 1
                if stop == place + 1:
                    ranks[key & columns] = (stop - shift) / (m - shift)
                else:
                    for k in range(place, stop):
                        tied[k - place] = bits[k * LANES + lane] & columns
                    _order(row, tied[: stop - place])
                    _write_ranks(row, tied[: stop - place], place, m, shift, ties, ranks)
                place = stop


@compiled
def _write_keys(x: Float1D, keys: Float1D, bits: Int1D, columns: int, lane: int) -> int:
    m = 0
    for j in range(len(x)):
        # Adding 0 makes -0 the 0 that it equals.
        keys[j * LANES + lane] = min(max(x[j], -_LARGEST), _LARGEST) + 0.0
        key = (bits[j * LANES + lane] & ~columns) | j
        is_known = x[j] == x[j]
        bits[j * LANES + lane] = key if is_known else _KEY_OF_MISSING
        m += is_known
    return m


@compiled
def _sort(keys: Float1D, n: int) -> None:
    top = 1
    while top < n:
        top *= 2
    p = top // 2
    while p > 0:
        q, r, apart = top // 2, 0, p
        while apart > 0:
            for block in range(r, n - apart, 2 * p):
                for i in range(block, min(block + p, n - apart)):
                    left, right = load(keys, i * LANES), load(keys, (i + apart) * LANES)
                    is_out_of_order = right < left
                    store(keys, i * LANES, select(is_out_of_order, right, left))
                    store(keys, (i + apart) * LANES, select(is_out_of_order, left, right))
            q, r, apart = q // 2, p, q - p
        p //= 2


@compiled
def _order(x: Float1D, tied: Int1D) -> None:
    """Sort the columns by value, and by column where values are equal."""
    if x[tied[0]] < 0.0:
        # Of negative keys the larger column is the smaller number.
        for k in range(len(tied) // 2):
            tied[k], tied[len(tied) - 1 - k] = tied[len(tied) - 1 - k], tied[k]
    for k in range(1, len(tied)):
        column, at = tied[k], k
        while at > 0 and x[tied[at - 1]] > x[column]:
            tied[at] = tied[at - 1]
            at -= 1
        tied[at] = column


@compiled
def _write_ranks(
    x: Float1D, tied: Int1D, place: int, m: int, shift: float, ties: int, ranks: Float1D
) -> None:
    begin = 0
    while begin < len(tied):
        stop = begin + 1
        while stop < len(tied) and x[tied[stop]] == x[tied[begin]]:
            stop += 1
        shared = place + (begin + stop + 1) / 2.0
        if ties == _MIN:
            shared = place + begin + 1.0
        elif ties == _MAX:
            shared = place + stop * 1.0
        for k in range(begin, stop):
            r = place + k + 1.0 if ties == _FIRST else shared
            ranks[tied[k]] = (r - shift) / (m - shift)
        begin = stop


@compiled
def _close_gaps(ranks: Float2D, shift: float) -> None:
    """From r / m, where equal values have the smallest r of them, to ranks without gaps, in place."""
    n = ranks.shape[1]
    places = np.empty(n + 1, np.int64)
    for row in ranks:
        m = 0
        for j in range(n):
            m += row[j] == row[j]
        places[:] = 0
        for j in range(n):
            if row[j] == row[j]:
                places[int(row[j] * m + 0.5)] = 1
        for k in range(1, m + 1):
            places[k] += places[k - 1]
        for j in range(n):
            if row[j] == row[j]:
                row[j] = (places[int(row[j] * m + 0.5)] - shift) / max(places[m] - shift, 1.0)


@compiled
def _scale(x: Float2D, out: Float2D) -> None:
    for i in range(len(x)):
        total = 0.0
        for j in range(x.shape[1]):
            total += abs(x[i, j]) if x[i, j] == x[i, j] else 0.0
        if total == 0.0 or total > _LARGEST:
            total = np.nan
        for j in range(x.shape[1]):
            out[i, j] = x[i, j] / total


@compiled
def _neutralize(x: Float2D, g: Float2D, out: Float2D) -> None:
    rows, n = x.shape
    size = 2
    while size < 2 * n:
        size *= 2
    table, group = np.empty(size, np.int64), np.empty(n, np.int64)
    first, total, count = np.empty(n), np.empty(n), np.empty(n)
    labels = g.view(np.int64)
    for i in range(rows):
        if i == 0 or (labels[i] != labels[i - 1]).any():
            _find_groups(g[i], labels[i], table, group)
        count[:] = 0.0
        for j in range(n):
            k = group[j]
            if k >= 0 and x[i, j] == x[i, j]:
                if count[k] == 0.0:
                    first[k], total[k] = x[i, j], 0.0
                total[k] += x[i, j] - first[k]
                count[k] += 1.0
        for j in range(n):
            k = group[j]
            value = np.nan
            if k >= 0:
                # Where x is missing so is the difference, whatever the group's numbers are.
                value = x[i, j] - first[k] - total[k] / count[k]
            out[i, j] = value if np.isfinite(value) else np.nan


@compiled
def _find_groups(g: Float1D, labels: Int1D, table: Int1D, group: Int1D) -> None:
    """Of each column, the first column with its label, by a table of labels; -1 where there is none."""
    table[:] = -1
    for j in range(len(g)):
        group[j] = -1
        if g[j] == g[j]:
            # -0 and 0 are one label. The multiplier is 2^64 over the golden ratio (Knuth, volume 3, 6.4).
            label = labels[j] if g[j] != 0.0 else 0
            at = ((label * -7046029254386353131) >> 32) & (len(table) - 1)
            while table[at] >= 0 and g[table[at]] != g[j]:
                at = (at + 1) & (len(table) - 1)
            if table[at] < 0:
                table[at] = j
            group[j] = table[at]
