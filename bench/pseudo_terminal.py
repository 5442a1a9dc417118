"""A program on a pseudo-terminal: what it draws and when, and keys pressed on it.

A key is timed from its write to the read that brings its letter back. Letters are Cyrillic, which nothing
else on these screens is: a repaint of prices or words cannot pass for an echo.
"""

import os
import random
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

WIDTH, HEIGHT = 120, 40
_LETTERS = tuple(chr(code).encode() for code in range(0x430, 0x450))
_LINE = 16
"""Letters in the line before it is emptied; half of them, so that an old one is never awaited anew."""
_EMPTY_LINE = b"\x15"
_LEAVE = b"\x11"
_PATIENCE_S = 60.0
_LOST_S = 5.0
_PAUSE_S = (0.03, 0.15)


class PseudoTerminal:
    """One program from its start until the `with` block ends."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        # Only where there is one: this module is imported on Windows too.
        import fcntl
        import struct
        import termios

        self._screen, inside = os.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        self._drawn = bytearray()
        self.started = time.perf_counter()
        self._program = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
        )
        os.close(inside)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave as a person does; kill what does not."""
        self.type(_LEAVE)
        ends = time.perf_counter() + 10
        while self._program.poll() is None and time.perf_counter() < ends:
            self._read(0.05)
        self._program.kill()
        self._program.wait()
        os.close(self._screen)

    @property
    def pid(self) -> int:
        return self._program.pid

    def type(self, keys: bytes) -> None:
        """Press keys, whatever comes of them."""
        os.write(self._screen, keys)

    def until(self, *words: str) -> float:
        """Seconds from the start until all of the words have been drawn."""
        awaited = [each.encode() for each in words]
        while not all(each in self._drawn for each in awaited):
            if time.perf_counter() > self.started + _PATIENCE_S or self._program.poll() is not None:
                end = bytes(self._drawn[-2000:]).decode(errors="replace")
                raise AssertionError(f"expected {words} to be drawn, found {end}")
            self._read(0.2)
        return time.perf_counter() - self.started

    def has_drawn(self, words: str) -> bool:
        """Whether they have been drawn by now."""
        return words.encode() in self._drawn

    def rest(self, seconds: float) -> None:
        """Let it draw."""
        ends = time.perf_counter() + seconds
        while (left := ends - time.perf_counter()) > 0:
            self._read(left)

    def echoes(self, n: int, seed: int = 1) -> list[float]:
        """Seconds from each of `n` keys to its echo.

        They are pressed at random moments, whether or not those before were drawn. A key that is never
        drawn counts as the patience it was given.
        """
        moments = random.Random(seed)
        found: list[float] = []
        while len(found) < n:
            found += self._line(min(_LINE, n - len(found)), len(found) % len(_LETTERS), moments)
            self.type(_EMPTY_LINE)
            self.rest(0.1)
        return found

    def _line(self, n: int, first: int, moments: random.Random) -> list[float]:
        letters = [_LETTERS[(first + place) % len(_LETTERS)] for place in range(n)]
        waiting: dict[bytes, tuple[float, int]] = {}
        found: list[float] = []
        next_at = time.perf_counter()
        while letters or waiting:
            now = time.perf_counter()
            if letters and now >= next_at:
                letter = letters.pop(0)
                waiting[letter] = (now, len(self._drawn))
                self.type(letter)
                next_at = now + moments.uniform(*_PAUSE_S)
            self._read(max(0.0, min(next_at - time.perf_counter(), 0.2)) if letters else 0.2)
            now = time.perf_counter()
            for letter, (pressed, at) in list(waiting.items()):
                if self._drawn.find(letter, at) >= 0 or now - pressed > _LOST_S:
                    found.append(now - pressed)
                    del waiting[letter]
        return found

    def _read(self, seconds: float) -> None:
        if select.select([self._screen], [], [], seconds)[0]:
            try:
                self._drawn += os.read(self._screen, 65_536)
            except OSError:
                # Linux answers so once the program has closed its side.
                time.sleep(min(seconds, 0.01))
