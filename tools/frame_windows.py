"""Windows of book frames, by the frames' own times.

A frame is counted where the book knew everything that is asked of it. Where that leaves less than half of the
frames there should be, there is no value; where it leaves fewer than all of them, a warning says how many.
"""

from typing import TypeVar

import numpy as np

from contracts.errors import ToolInputError
from contracts.market import Float1D, Float2D
from contracts.ticks import FRAME_MS, BookFrames
from tools.registry import ToolValue

Array = TypeVar("Array", Float1D, Float2D)

FRAMES_A_SECOND = 1_000 // FRAME_MS


def trailing_means(values: Float1D, book: BookFrames, seconds: int) -> Float1D:
    """Mean of each frame's value and those of the seconds before it.

    Use it on `imbalance_by_frame` for the 1, 5, 15 and 60 second averages at every frame.

    Parameters
    ----------
    values : array of shape (n,)
        One a frame, any unit; NaN where it is not known.
    book : BookFrames
        The frames they are of; times are read.
    seconds : int
        Length of the window, which its newest frame ends, 1 or more.

    Returns
    -------
    array of shape (n,)
        Unit of `values`; NaN where less than half of the window's frames are there and known.

    Notes
    -----
    Each window is added up on its own. Look-ahead: none. Cost: n x frames in a window.
    """
    if not len(values):
        return np.empty(0)
    since = np.searchsorted(book.time, book.time - seconds * 1_000, side="right")
    bounds = np.column_stack((since, np.arange(1, len(values) + 1))).ravel()
    is_known = np.isfinite(values)
    # One value more, since no bound may lie behind the last.
    sums, counts = (
        np.add.reduceat(np.append(each, 0.0), bounds)[::2]
        for each in (np.where(is_known, values, 0.0), is_known.astype(np.float64))
    )
    return np.where(2 * counts >= seconds * FRAMES_A_SECOND, sums / np.maximum(counts, 1), np.nan)


def newest_frames(book: BookFrames, seconds: int) -> BookFrames:
    """The frames of the newest seconds; it needs one frame."""
    return book[int(np.searchsorted(book.time, book.time[-1] - seconds * 1_000, side="right")) :]


def nearest(columns: Float2D, buckets: int) -> Float2D:
    """The nearest buckets; ToolInputError where a frame has fewer."""
    if columns.shape[1] < buckets:
        raise ToolInputError(
            f"expected at most {columns.shape[1]} buckets, what a frame has, found {buckets}"
        )
    return finite(columns[:, :buckets])


def finite(values: Array) -> Array:
    """The same with NaN for an infinity: neither is known."""
    return np.where(np.isfinite(values), values, np.nan)


def averaged(values: Float1D, seconds: int) -> ToolValue:
    """Mean of the values that are known, one a frame of the window, or why there is none."""
    known = values[np.isfinite(values)]
    n, wanted = len(known), seconds * FRAMES_A_SECOND
    what = f"{wanted} frames of {seconds} s"
    if 2 * n < wanted:
        return ToolValue(None, n, too_few(n, what))
    return ToolValue(float(known.mean()), n, None, () if n == wanted else (some_missing(n, what),))


def too_few(n: int, what: str) -> str:
    """The reason for no value."""
    return f"needs half of the {what} whole, has {n}"


def some_missing(n: int, what: str) -> str:
    """The warning beside a value."""
    return f"only {n} of the {what} are there and whole"
