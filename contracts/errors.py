"""Every error the desk raises, one class for each different reaction.

    DualbrainError
    ├── SettingsError          stops start-up: fix the settings and start again (exit 2)
    ├── FeedFormatError        stops start-up: names file, row and column (exit 2)
    ├── DataUnavailable        closes the gate: the cycle stands aside with the reason
    ├── ToolInputError         the caller can mend its arguments and call again
    ├── VenueThrottled         waits, then asks again
    ├── VenueRejected          is recorded: the order is refused for good
    ├── OrderStateUnknown      reconciles: never resubmits
    ├── LeaseHeld              refuses to start: another runner decides on this journal (exit 3)
    ├── NotOnRecord            ends a replay there: the past holds no answer to a new question
    ├── JournalUnavailable     stops the desk before its next act (exit 4)
    └── InvariantBroken        halts the desk: something that must hold does not (exit 5)
        └── JournalCorrupt     the stored bytes do not hash to what the chain says (exit 1 in audit)

Messages are one sentence: what was expected, what was found, what to do.
"""

from collections.abc import Mapping


class DualbrainError(Exception):
    """Base of all of them; `fields` are for the journal and `--json`, the message is for people."""

    exit_code = 1

    def __init__(self, message: str, **fields: object) -> None:
        super().__init__(message)
        self.fields: Mapping[str, object] = fields


class SettingsError(DualbrainError):
    """A setting is unknown, missing or impossible."""

    exit_code = 2


class FeedFormatError(DualbrainError):
    """A price file cannot be read as described; fields: path, row (1-based, header is 1), column."""

    exit_code = 2


class DataUnavailable(DualbrainError):
    """The market data for this moment is missing or unfit to decide on."""

    exit_code = 2


class ToolInputError(DualbrainError):
    """A tool was called with arguments it cannot use; the message says which and what would do."""

    exit_code = 2


class VenueThrottled(DualbrainError):
    """The venue asked for patience; field: retry_after_s."""


class VenueRejected(DualbrainError):
    """The venue refused the order and says why; field: client_order_id."""


class OrderStateUnknown(DualbrainError):
    """An order was sent and its fate is not known; field: client_order_id."""


class LeaseHeld(DualbrainError):
    """Another living process holds what only one may hold; field: holder."""

    exit_code = 3


class NotOnRecord(DualbrainError):
    """A replay needs something of the outside world that was never asked then; field: stage."""


class JournalUnavailable(DualbrainError):
    """The journal or a blob could not be written; nothing may be done that is not written first."""

    exit_code = 4


class InvariantBroken(DualbrainError):
    """Something the design promises does not hold."""

    exit_code = 5


class JournalCorrupt(InvariantBroken):
    """Stored bytes differ from their hash; field: seq or blob."""

    exit_code = 1


NOT_AN_ABSTENTION = (InvariantBroken, JournalUnavailable, NotOnRecord)
"""What a mind's door lets through: the desk itself, or its record, is at fault, not the mind."""
