"""What went wrong with a request to a model, in one sentence for the ballot, and whether it may pass."""

import re

import httpx2
import openai
import orjson

from agents.line import DeadlinePassed, NotAsked

CUT = "the answer was cut at its limit of tokens"
FILTERED = "the provider's filter stopped the answer"

_MAX_TOLD = 200
_STATUS = re.compile(r"[1-5][0-9]{2}")
"""Some providers number their errors in a way of their own, such as 1302."""


def is_passing(error: Exception) -> bool:
    """Whether the same request may succeed a moment later: line trouble, a busy or a failing server."""
    if (status := _status(error)) is not None:
        return status in (408, 409, 425, 429) or status >= 500
    # A line puts an OSError on record as the unreachable server that it plays back.
    at_the_line = isinstance(error, openai.APIConnectionError | httpx2.TransportError | OSError)
    return at_the_line and not is_deadline(error)


def _status(error: Exception) -> int | None:
    """Of the answer, or of the error that stands in a stream under status 200."""
    if isinstance(error, openai.APIStatusError):
        return error.status_code
    code = str(error.code) if isinstance(error, openai.APIError) else ""
    return int(code) if _STATUS.fullmatch(code) else None


def is_deadline(error: Exception) -> bool:
    """Whether it stands for an answer that, on record, the cycle did not wait for."""
    return any(isinstance(each, DeadlinePassed) for each in _causes(error))


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what it was raised from, down to the first; clients wrap, some of them twice."""
    found = [error]
    while (cause := found[-1].__cause__) is not None:
        found.append(cause)
    return found


def wait_before_retry_s(error: Exception) -> float | None:
    """Seconds the server asked for; None where it named none."""
    if not isinstance(error, openai.APIStatusError):
        return None
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "")))
    except ValueError:
        return None


def in_words(error: Exception, answered: bytes = b"") -> str:
    """One sentence; `answered` is the body that came, which may name an error that the client passed over."""
    if is_deadline(error) or isinstance(_causes(error)[-1], NotAsked):
        return str(_causes(error)[-1])
    if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException):
        return "no answer in the time of one request"
    if isinstance(error, openai.APIStatusError):
        return f"the server answered {error.status_code}: {_told(error.body) or _told(error.message)}"
    if isinstance(error, openai.APIConnectionError):
        return f"the connection failed: {_told(_as_recorded(error))}"
    if isinstance(error, openai.APIError):
        return f"an error inside the answer: {_told(error.body) or _told(error.message)}"
    if isinstance(error, httpx2.TransportError | OSError):
        return f"the answer broke off: {_told(str(error))}"
    if isinstance(error, UnicodeEncodeError):
        return f"the request cannot be sent, look for a stray character in the key: {on_one_line(str(error))}"
    return _unread(error, answered)


def _unread(error: Exception, answered: bytes) -> str:
    """Where the whole of an answer came, and the client could make nothing of it."""
    if isinstance(error, openai.LengthFinishReasonError):
        return CUT
    if isinstance(error, openai.ContentFilterFinishReasonError):
        return FILTERED
    if told := in_place_of_answer(answered):
        return told
    # The client only asserts that there was a part at all, and says nothing.
    return f"the answer cannot be read: {_told(str(error)) or 'it has no part of a chat completion'}"


def in_place_of_answer(answered: bytes) -> str:
    """One sentence on the error that a body under 200 names; nothing where it names none."""
    told = _told(_json(answered))
    return f"an error in place of an answer: {told}" if told else ""


def on_one_line(text: str) -> str:
    """The beginning of a text from outside, fit for a record: what is no Unicode cannot be stored."""
    return " ".join(text.split())[:_MAX_TOLD].encode(errors="replace").decode()


def _as_recorded(error: Exception) -> str:
    # Not the first cause, which no record keeps: a replay must find the same words.
    found = next((each for each in _causes(error) if isinstance(each, httpx2.TransportError)), error)
    return str(found) or type(found).__name__


def _json(body: bytes) -> object:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    if not isinstance(found, dict):
        return ""
    # MiniMax puts a failure under 200 here, and a success, as 0.
    base = found.get("base_resp")
    if isinstance(base, dict) and base.get("status_code") != 0:
        return found.get("error") or base.get("status_msg")
    return found.get("error")


def _told(what: object) -> str:
    """The message in an error body, whichever way it is nested, on one line."""
    while isinstance(what, dict):
        what = what.get("error") or what.get("message") or what.get("detail") or ""
    return on_one_line(str(what or ""))
