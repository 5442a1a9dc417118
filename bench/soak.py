"""Memory over 20,000 cycles in one process: it must be flat.

One session runs the bundled EUR/USD hours, each closing moment four times (three as manual runs with a
nonce), with its real journal on disk. Resident memory is read after a garbage collection, every 1,000
cycles. Exits 1 when the second half of the run needed more than 2% more memory than the first half did
once warm.
"""

import asyncio
import gc
import os
import sys
import tempfile
from pathlib import Path

from bench.report import publish, table
from desk.settings import load_settings
from desk.wiring import open_desk

N_CYCLES = 20_000
EVERY = 1_000
N_WARM = 4_000
ALLOWED_GROWTH = 0.02


def main() -> int:
    """Measure, publish, and judge."""
    samples = asyncio.run(_soak())
    rows = [(f"{n:,}", f"{mebibytes:.1f}") for n, mebibytes in samples if n % (2 * EVERY) == 0]
    warm = [mebibytes for n, mebibytes in samples if n >= N_WARM]
    early, late = max(warm[: len(warm) // 2]), max(warm[len(warm) // 2 :])
    growth = late / early - 1
    text = table(("cycles", "resident MiB"), rows)
    text += f"\n\nPeak of the second half over the peak of the first, from {N_WARM:,} on: {growth:+.2%}."
    publish("soak", "Memory over 20,000 cycles", text)
    return int(growth > ALLOWED_GROWTH)


async def _soak() -> list[tuple[int, float]]:
    samples: list[tuple[int, float]] = []
    with tempfile.TemporaryDirectory() as home:
        settings = load_settings({"desk": "soak"}, where=Path(home))
        with open_desk(settings, command="soak", home=Path(home)) as runner:
            session = runner.session
            async for bars in runner.desk.feed.events(settings.timeframe):
                await session.step(bars)
                for nonce in ("a", "b", "c"):
                    await session.run_cycle(bars[0].instrument_id, bars[0].close_time, nonce)
                    if session.tally.n_cycles % EVERY == 0:
                        samples.append((session.tally.n_cycles, _resident_mebibytes()))
                if session.tally.n_cycles >= N_CYCLES:
                    break
    return samples


def _resident_mebibytes() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    sys.exit(main())
