"""How long a piece of work takes, and whether that is what was aimed at."""

import gc
import statistics
import time
from collections.abc import Callable

N_RUNS = 7


def timed(work: Callable[[], object], n_runs: int = N_RUNS) -> float:
    """Seconds of one run, the median; the first, which may compile, is not counted."""
    work()
    took = []
    gc.collect()
    for _ in range(n_runs):
        started = time.perf_counter()
        work()
        took.append(time.perf_counter() - started)
    return statistics.median(took)


def met(is_met: bool) -> str:
    """One word for an aim."""
    return "met" if is_met else "missed"
