"""One file of prices as a table whose every complaint names the file, the row and the column.

CSV (plain, .gz, or a .zip with one file) is read as text and turned into numbers here, so that a word
among the prices is an error and not a missing value. Rows are counted as an editor counts lines, the
header being 1; in a Parquet file, as in a CSV without a header, the first row is 1. Columns without a
header are called column_1, column_2 and so on.
"""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np
import numpy.typing as npt
import polars as pl

from contracts.errors import FeedFormatError
from contracts.market import Float1D

_LARGEST_CELL_SHOWN = 60


@dataclass(frozen=True, slots=True)
class PriceTable:
    """The rows of one file."""

    path: Path
    frame: pl.DataFrame
    first_row: int

    def column(self, name: str) -> pl.Series:
        """The cells of a column as they stand in the file."""
        if name not in self.frame.columns:
            raise self._header_error(name, f"columns {', '.join(self.frame.columns)[:400]}")
        if f"{name}_duplicated_0" in self.frame.columns:
            raise self._header_error(name, "two of that name")
        return self.frame[name]

    def numbers(self, name: str, *, may_be_empty: bool = False) -> Float1D:
        """The cells of a column as finite numbers; an empty one is NaN where that is allowed."""
        cells = self.column(name)
        if cells.dtype == pl.String:
            cells = cells.str.strip_chars()
        elif not cells.dtype.is_numeric():
            raise self.error(0, name, "numbers", f"a column of {cells.dtype}")
        values = cells.cast(pl.Float64, strict=False)
        is_empty = cells.is_null() if may_be_empty else pl.repeat(False, len(cells), eager=True)
        bad = ~(values.is_finite().fill_null(False) | is_empty)
        self.refuse(bad.to_numpy(), name, "a number")
        return values.fill_null(np.nan).to_numpy().copy()

    def refuse(self, is_bad: npt.NDArray[np.bool_], name: str, expected: str) -> None:
        """Raise for the first bad row, showing its cell."""
        if is_bad.any():
            index = int(is_bad.argmax())
            raise self.error(index, name, expected, self.shown(index, name))

    def shown(self, index: int, name: str) -> str:
        """A cell as an error message quotes it."""
        cell = self.frame[name][index]
        return "nothing" if cell is None else repr(str(cell)[:_LARGEST_CELL_SHOWN])

    def error(self, index: int, name: str, expected: str, found: str) -> FeedFormatError:
        """What is wrong in row `index` of the frame."""
        return _error(self.path, index + self.first_row, name, expected, found)

    def _header_error(self, name: str, found: str) -> FeedFormatError:
        return _error(self.path, 1, name, "a column of this name", found)


def open_table(path: Path, *, has_header: bool = True, separator: str = ",") -> PriceTable:
    """Read a CSV or Parquet file whole. Raises FeedFormatError where there is nothing to read."""
    path = path.expanduser()
    if not path.is_file():
        raise FeedFormatError(f"expected a price file at {path}, found none", path=str(path))
    is_parquet = path.suffix == ".parquet"
    try:
        frame = pl.read_parquet(path) if is_parquet else _read_text(path, has_header, separator)
    except (pl.exceptions.PolarsError, OSError, EOFError, zlib.error, BadZipFile, RuntimeError) as error:
        raise _unreadable(path, error) from error
    if not is_parquet:
        frame = _without_blank_end(frame)
    if not len(frame):
        raise _error(path, 1, None, "rows of prices", "none")
    return PriceTable(path, frame, 2 if has_header and not is_parquet else 1)


def _read_text(path: Path, has_header: bool, separator: str) -> pl.DataFrame:
    data = _unpacked(path)
    try:
        frame = pl.read_csv(data, has_header=has_header, separator=separator, infer_schema=False)
    except pl.exceptions.NoDataError:
        raise _error(path, 1, None, "rows of prices", "an empty file") from None
    except pl.exceptions.ComputeError:
        # Polars does not say in which row, so it is looked for here; only a bad file pays for that.
        _refuse_bad_line(path, data, separator)
        raise
    if not has_header:
        frame.columns = [f"column_{number}" for number in range(1, len(frame.columns) + 1)]
    return frame


def _unpacked(path: Path) -> bytes:
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    if path.suffix != ".zip":
        return path.read_bytes()
    with ZipFile(path) as archive:
        names = archive.namelist()
        if len(names) != 1:
            found = f"{len(names)}: {', '.join(names)[:200]}"
            raise FeedFormatError(f"expected one file in {path}, found {found}", path=str(path))
        return archive.read(names[0])


def _refuse_bad_line(path: Path, data: bytes, separator: str) -> None:
    lines = data.split(b"\n")
    width = lines[0].count(separator.encode()) + 1
    for row, line in enumerate(lines, start=1):
        cells = line.count(separator.encode()) + 1
        if line.count(b'"') % 2:
            raise _error(path, row, None, "every quotation mark closed in its row", "one left open")
        if b'"' not in line and cells > width:
            raise _error(path, row, None, f"{width} cells", f"{cells}")
        if not _is_utf8(line):
            raise _error(path, row, None, "UTF-8 text", "other bytes")


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _without_blank_end(frame: pl.DataFrame) -> pl.DataFrame:
    # A blank line at the end of a file is no row; anywhere else it is, and a bad one.
    is_filled = frame.select(pl.any_horizontal(pl.all().str.strip_chars() != "")).to_series()
    filled = is_filled.fill_null(False).arg_true()
    return frame.head(int(filled[-1]) + 1 if len(filled) else 0)


def _unreadable(path: Path, error: Exception) -> FeedFormatError:
    cause = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    return FeedFormatError(f"expected a CSV or Parquet file at {path}, found: {cause}", path=str(path))


def _error(path: Path, row: int, column: str | None, expected: str, found: str) -> FeedFormatError:
    where = f"{path}, row {row}" + (f", column {column}" if column else "")
    message = f"{where}: expected {expected}, found {found}"
    return FeedFormatError(message, path=str(path), row=row, column=column)
