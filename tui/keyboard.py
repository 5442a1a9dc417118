"""What is typed: bytes that are no UTF-8 become `�`, and the terminal goes on.

A paste in another encoding, or a mouse told in the oldest way, is no reason to end. Textual 8.2.8 reads
strictly, and ends with a traceback (drivers/linux_driver.py). On Windows text is read, not bytes.
"""

import os
import select
import sys
from codecs import getincrementaldecoder

from textual.driver import Driver

_LISTEN_S = 0.1
_AT_ONCE = 4_096


def patient(driver: type[Driver]) -> type[Driver]:
    """The driver that reads so, in place of Textual's own for this system; any other as it is."""
    return driver if sys.platform == "win32" or driver is not LinuxDriver else _PatientDriver


if sys.platform != "win32":
    from textual._xterm_parser import XTermParser
    from textual.drivers.linux_driver import LinuxDriver

    class _PatientDriver(LinuxDriver):
        """Textual's own, with another way to read."""

        def run_input_thread(self) -> None:
            decoder, keys = getincrementaldecoder("utf-8")("replace"), XTermParser(self._debug)
            while not self.exit_event.is_set():
                if select.select([self.fileno], [], [], _LISTEN_S)[0]:
                    typed = decoder.decode(os.read(self.fileno, _AT_ONCE))
                    # Half a letter is no text yet; the parser would take that for the end.
                    for message in keys.feed(typed) if typed else ():
                        self.process_message(message)
                # A lone Esc is known by what does not follow it.
                for message in keys.tick():
                    self.process_message(message)
