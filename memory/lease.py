"""Who may decide: one runner a desk, one desk an account.

The lease is an operating system lock, so it is gone the moment its process is, however it died. The
file beside it only tells people who holds it.
"""

import getpass
import json
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from filelock import FileLock, Timeout

from contracts.errors import JournalUnavailable, LeaseHeld, SettingsError

CLAIM_TIMEOUT_S = 5.0

# A lock whose last reference is dropped is let go; a runner must not lose its lease that way.
_HELD: set["DeskLease"] = set()


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class DeskLease:
    """The right to decide on the journal in `folder`; `what` is the command that asks for it."""

    def __init__(self, folder: Path, what: str, *, clock: Callable[[], datetime] = _wall_clock) -> None:
        self._holder_file = folder / "desk.holder.json"
        self._lock_file = folder / "desk.lock"
        self._what = what
        self._clock = clock
        # A soft lock would outlive a killed process, and a thread's lock could not be let go by another.
        self._lock = FileLock(self._lock_file, thread_local=False, fallback_to_soft=False)

    def acquire(self) -> None:
        """Take the lease at once, or raise LeaseHeld naming who has it; a second time does nothing."""
        if self._lock.is_locked:
            return
        try:
            self._lock_file.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(blocking=False)
        except Timeout:
            raise self._held() from None
        except OSError as error:
            raise JournalUnavailable(
                f"expected to lock {self._lock_file}, found: {error}; name a folder this user can write"
            ) from error
        _HELD.add(self)
        self._write_holder()

    def release(self) -> None:
        """Let it go; does nothing where it is not held."""
        if self._lock.is_locked:
            self._holder_file.unlink(missing_ok=True)
            self._lock.release()
            _HELD.discard(self)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _write_holder(self) -> None:
        holder = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "user": _user(),
            "started_at": self._clock().astimezone(UTC).isoformat(timespec="seconds"),
            "what": self._what,
        }
        try:
            _write_whole(self._holder_file, holder)
        except OSError as error:
            self.release()
            raise JournalUnavailable(f"expected to write {self._holder_file}, found: {error}") from error

    def _held(self) -> LeaseHeld:
        holder = _read(self._holder_file)
        who = (
            "pid {pid} on {host}, user {user}, since {started_at}, running {what}".format_map(
                _Unknown(holder)
            )
            if holder
            else "another process that has not said who it is"
        )
        return LeaseHeld(
            f"expected to be the only runner in {self._lock_file.parent}, found {who}; stop it first",
            holder=holder,
        )


def holder_of(folder: Path) -> str | None:
    """Who holds the lease on this desk, in words; None where nobody does."""
    holder = _read(folder / "desk.holder.json")
    # Asking takes the lock for a moment, so only where a runner left its name.
    if not holder or not _is_locked(folder / "desk.lock"):
        return None
    return "{what}, pid {pid}, user {user}".format_map(_Unknown(holder))


def _is_locked(path: Path) -> bool:
    probe = FileLock(path, thread_local=False, fallback_to_soft=False)
    try:
        probe.acquire(blocking=False)
    except Timeout:
        return True
    probe.release()
    return False


def claim_account(home: Path, account_id: str, desk: str) -> None:
    """Bind `account_id` to `desk` for good; does nothing where it is bound to it already.

    Raises SettingsError where another desk has it, naming that desk.
    """
    if not account_id or not desk:
        raise SettingsError(f"expected an account and a desk, found {account_id!r} and {desk!r}; name both")
    folder = home / ".accounts"
    claim = folder / f"{quote(account_id, safe='')}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "claims.lock", timeout=CLAIM_TIMEOUT_S, fallback_to_soft=False):
            owner = _claimed_by(claim, account_id)
            if owner is None:
                _write_whole(claim, {"account_id": account_id, "desk": desk})
    except (OSError, Timeout) as error:
        raise JournalUnavailable(
            f"expected to write {claim}, found: {error}; name a home folder this user can write"
        ) from error
    if owner not in (None, desk):
        raise SettingsError(
            f"expected account {account_id} to be free for desk {desk}, found it bound to desk {owner}; "
            f"use another account, or delete {claim} when that desk is gone",
            account_id=account_id,
            owner=owner,
        )


def _claimed_by(claim: Path, account_id: str) -> str | None:
    if not claim.exists():
        return None
    owner = _read(claim).get("desk")
    if not isinstance(owner, str):
        raise SettingsError(
            f"expected the desk of account {account_id} in {claim}, found no such thing; "
            "delete the file if no desk trades this account"
        )
    return owner


class _Unknown(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return f"unknown {key}"


def _read(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write_whole(path: Path, content: dict[str, object]) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    temporary.write_text(json.dumps(content), encoding="utf-8")
    temporary.replace(path)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
