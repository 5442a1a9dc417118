"""Every way in which a request to a model fails: what the ballot says, and whether it is tried again."""

import json
from dataclasses import replace

import httpx2
import openai
import pytest

from agents.line import DeadlinePassed
from agents.model_errors import in_words, is_passing, on_one_line, wait_before_retry_s
from agents.providers import Quirk
from tests.agents.seat_scene import PARTS, PROPOSAL, VOTE, assert_replay_is, desk_told, said, vote_text
from tests.servers.answers import Delivery, Event, Reply, Silence, Stream, ToolCall, error
from tests.servers.scripted import Scripted


def part(**choice: object) -> Event:
    """One part of a stream with this in its only choice."""
    return {**PARTS[0], "choices": [{"index": 0, "delta": {}, "finish_reason": None} | choice]}


def finish(reason: str) -> Event:
    return part(finish_reason=reason)


def html(status: int) -> Reply:
    return Reply(status, b"<html>Please log in</html>", (("content-type", "text/html"),))


def in_stream(**fault: object) -> Stream:
    """An error after the first words of a stream under status 200."""
    return Stream((*PARTS[:3], {"error": fault}))


# What goes wrong and stays wrong: what the server says, a request each, and what the ballot then says

TWICE = 2
HALF = "\ud800"
STUCK = Silence("stall")
FAULTS: dict[str, tuple[tuple[Scripted, ...], str]] = {
    "timeout": ((STUCK,) * TWICE, "no answer in the time of one request"),
    "stall in a stream": (
        (Delivery(VOTE, cut_after=600, then="stall"),) * TWICE,
        "no answer in the time of one request",
    ),
    "429": ((error(429, "slow down"),) * TWICE, "the server answered 429: slow down"),
    "500": ((error(500, "oops"),) * TWICE, "the server answered 500: oops"),
    "502 as a page": ((html(502),) * TWICE, "the server answered 502: <html>Please log in</html>"),
    "401": ((error(401, "bad key"),), "the server answered 401: bad key"),
    "404": ((error(404, "no such model"),), "the server answered 404: no such model"),
    "closed": ((Silence(),) * TWICE, "the connection failed: Server disconnected"),
    "cut": ((Delivery(VOTE, cut_after=600),) * TWICE, "the connection failed: peer closed"),
    "reset": ((Delivery(VOTE, cut_after=600, then="reset"),) * TWICE, "the connection failed: ReadError"),
    "closed early": (
        (Stream(PARTS[:4]),) * TWICE,
        "the answer broke off: it ended without a reason to finish",
    ),
    "closed early, not done": ((Stream(PARTS[:4], is_done=False),) * TWICE, "without a reason to finish"),
    "429 in a stream": ((in_stream(code=429, message="busy"),) * TWICE, "an error inside the answer: busy"),
    "402 in a stream": ((in_stream(code=402, message="pay up"),), "an error inside the answer: pay up"),
    "code of its own in a stream": ((in_stream(code=1302, message="no"),), "an error inside the answer: no"),
    "error under 200": (
        (Reply(body=b'{"error": {"code": 402, "message": "pay up"}}'),),
        "an error in place of an answer: pay up",
    ),
    "base_resp under 200": (
        (Reply(body=b'{"base_resp": {"status_code": 1008, "status_msg": "no money"}}'),),
        "an error in place of an answer: no money",
    ),
    "base_resp of another shape": (
        (Reply(body=b'{"base_resp": "no"}'),),
        "it has no part of a chat completion",
    ),
    "empty body": ((Reply(),), "the answer cannot be read: it has no part of a chat completion"),
    "comments only": ((Stream((": PROCESSING",)),), "it has no part of a chat completion"),
    "a page": ((html(200),), "it has no part of a chat completion"),
    "whole, not streamed": ((Reply(body=json.dumps(VOTE.whole()).encode()),), "no part of a chat completion"),
    "no object": ((Stream((PARTS[0], "data: [1]")),), "the answer cannot be read: "),
    "half an object": (
        (Stream((PARTS[0], 'data: {"choices": [')),),
        "the answer cannot be read: Expecting value",
    ),
    "no UTF-8": (
        (Stream((PARTS[0], b'data: {"x": "\xff"}\n\n')),),
        "the answer cannot be read: 'utf-8' codec",
    ),
    "error that is no Unicode": (
        (Stream((PARTS[0], 'data: {"error": {"message": "\\ud800!"}}')),),
        "an error inside the answer: ?!",
    ),
    "refusal": ((replace(said(None), refusal="I cannot\nhelp"),), "the model refuses: I cannot help"),
    "filter": (
        (replace(said("{"), finish_reason="content_filter"),),
        "the provider's filter stopped the answer",
    ),
    "filter told twice": (
        (Stream((*PARTS[:2], *[finish("content_filter")] * 2)),),
        "the provider's filter stopped the answer",
    ),
    "length": (
        (replace(VOTE, finish_reason="length"),),
        "the answer was cut at its limit of tokens",
    ),
    "length told twice": (
        (Stream((*PARTS[:-2], *[finish("length")] * 2)),),
        "the answer was cut at its limit of tokens",
    ),
    "wrong fields": ((said('{"answer": "APPROVE"}'),) * TWICE, "reasoning: Field required"),
    "prose": ((said("I would approve this trade."),) * TWICE, "Invalid JSON"),
    "prose around the answer": ((said(f"APPROVE, because {vote_text()}"),) * TWICE, "Invalid JSON"),
    "no number": ((said(vote_text().replace("18.5", "NaN")),) * TWICE, "stop_pips: Input should be a finite"),
    "out of range": ((said(vote_text(confidence=101)),) * TWICE, "confidence: Input should be less than or"),
    "an answer of its own": ((said(vote_text(answer="BUY")),) * TWICE, "answer: Input should be 'APPROVE'"),
    "unknown citation": (
        (said(vote_text(citations=["rsi", "moon"])),) * TWICE,
        "expected citations among the evidence ids, found moon",
    ),
    "endless citation": ((said(vote_text(citations=["m" * 9000])),) * TWICE, "found mmm"),
    "no answer but tool calls": (
        (replace(said(None), tool_calls=tuple(ToolCall("buy", "{", f"c{n}") for n in range(50))),) * TWICE,
        "expected one JSON object, found nothing",
    ),
    "thinking only": (
        (replace(said(""), reasoning="Let me see"),) * TWICE,
        "expected one JSON object, found",
    ),
    "a hundred thousand words": (
        (replace(said("word " * 100_000), piece=10_000),) * TWICE,
        "Invalid JSON",
    ),
    "deep nesting": ((replace(said("[" * 5_000), piece=500),) * TWICE, "Invalid JSON: recursion limit"),
    "half a character": (
        (Stream((PARTS[0], f"data: {json.dumps(part(delta={'content': HALF}))}", finish("stop"))),) * TWICE,
        "Invalid JSON",
    ),
    "invented number": (
        (said(vote_text(reasoning="RSI at 81.2 is high.")),) * TWICE,
        "no tool returned 81.2",
    ),
}


@pytest.mark.parametrize(("steps", "why"), FAULTS.values(), ids=FAULTS)
async def test_a_fault_is_an_abstention_that_says_why_and_again_in_a_replay(
    steps: tuple[Scripted, ...], why: str
) -> None:
    async with desk_told(*steps, timeout_s=0.2 if "time of one" in why else 5) as (desk, server):
        ballot = await desk.vote()
    assert (ballot.answer, ballot.confidence, ballot.size_bound, ballot.reasoning) == (
        "ABSTAIN",
        None,
        None,
        "",
    )
    assert why in (ballot.abstained or "")
    assert len(ballot.abstained or "") < 700
    assert len(server.requests) == len(desk.exchanges) == len(steps)
    assert ballot.exchange == desk.exchanges[-1].record_id
    assert ballot.prompt_sha == desk.exchanges[-1].prompt_sha is not None
    assert ballot.parents == (desk.case.report.record_id, PROPOSAL.record_id)
    await assert_replay_is(ballot, desk)


WITHOUT_FORMAT: dict[str, tuple[tuple[Scripted, ...], str]] = {
    **{name: FAULTS[name] for name in ("length", "length told twice", "filter", "filter told twice")},
    "half an object": FAULTS["half an object"],
    "whole, not streamed": (FAULTS["whole, not streamed"][0], "the answer cannot be read: No generations"),
    # Here the client drops what a refusal says.
    "refusal": (FAULTS["refusal"][0] * TWICE, "expected one JSON object, found nothing"),
}


@pytest.mark.parametrize(("steps", "why"), WITHOUT_FORMAT.values(), ids=WITHOUT_FORMAT)
async def test_a_fault_is_one_too_where_the_client_takes_another_way_for_want_of_a_format(
    steps: tuple[Scripted, ...], why: str
) -> None:
    async with desk_told(*steps, quirks=(Quirk.NO_RESPONSE_FORMAT,)) as (desk, _):
        ballot = await desk.vote()
    assert ballot.answer == "ABSTAIN"
    assert why in (ballot.abstained or "")
    await assert_replay_is(ballot, desk)


async def test_an_answer_past_every_limit_is_cut_and_not_asked_for_again() -> None:
    async with desk_told(replace(VOTE, content="word " * 60_000, piece=1_000), max_tokens=400) as (desk, _):
        ballot = await desk.vote()
    assert ballot.abstained == "the connection failed: the answer is longer than 250,000 bytes"
    assert desk.outcomes == ["cut"]
    assert not desk.pauses
    await assert_replay_is(ballot, desk)


# What passes

PASSING: dict[str, Scripted] = {
    "429": error(429, "slow down"),
    "408": error(408, "too slow"),
    "500": error(500, "oops"),
    "529": error(529, "overloaded"),
    "429 in a stream": in_stream(code=429, message="busy"),
    "word for 502 in a stream": in_stream(code="502", message="upstream died"),
    "closed": Silence(),
    "cut": Delivery(VOTE, cut_after=600),
    "closed early": Stream(PARTS[:4]),
}


@pytest.mark.parametrize("step", PASSING.values(), ids=PASSING)
async def test_what_may_pass_is_asked_again_after_a_pause(step: Scripted) -> None:
    async with desk_told(step, VOTE) as (desk, server):
        ballot = await desk.vote()
    assert ballot.answer == "APPROVE"
    assert ballot.exchange == desk.exchanges[1].record_id
    first, second = server.requests
    assert first.body == second.body
    (pause,) = desk.pauses
    assert 0.5 <= pause <= 2
    desk.pauses.clear()
    await assert_replay_is(ballot, desk)
    assert not desk.pauses


@pytest.mark.parametrize(("told", "least", "most"), [("7", 7, 7), ("0", 0.5, 2), ("Mon, 1 Jan 2029", 0.5, 2)])
async def test_a_pause_is_as_long_as_the_server_asked(told: str, least: float, most: float) -> None:
    async with desk_told(error(429, "slow down", retry_after=told), VOTE) as (desk, _):
        ballot = await desk.vote()
    assert ballot.answer == "APPROVE"
    assert least <= desk.pauses[0] <= most


@pytest.mark.parametrize("name", ["no UTF-8", "402 in a stream", "half an object"])
async def test_a_failure_counts_when_the_rest_of_the_stream_is_on_record(name: str) -> None:
    """The client turns away at once; the next request would overtake the record of this one."""
    (step,) = FAULTS[name][0]
    assert isinstance(step, Stream)
    async with desk_told(Delivery(step, between_s=0.05)) as (desk, _):
        ballot = await desk.vote()
        assert desk.outcomes == ["complete"]
    assert ballot.exchange == desk.exchanges[0].record_id
    await assert_replay_is(ballot, desk)


async def test_a_stream_that_stalls_after_its_error_is_a_timeout_here_and_in_a_replay() -> None:
    size = sum(len(piece) for piece in in_stream(code=402, message="pay up").pieces()) - 14
    step = Delivery(in_stream(code=402, message="pay up"), cut_after=size, then="stall")
    async with desk_told(step, VOTE, timeout_s=0.2) as (desk, _):
        ballot = await desk.vote()
    assert (ballot.answer, desk.outcomes) == ("APPROVE", ["timeout", "complete"])
    await assert_replay_is(ballot, desk)


# The words and the decision by themselves

REQUEST = httpx2.Request("POST", "https://models.invalid/v1/chat/completions")


def answered(status: int, body: object, retry_after: str | None = None) -> openai.APIStatusError:
    headers = {} if retry_after is None else {"retry-after": retry_after}
    response = httpx2.Response(status, headers=headers, request=REQUEST)
    return openai.APIStatusError("as the client puts it", response=response, body=body)


def from_cause(error: Exception, *causes: Exception) -> Exception:
    for earlier, later in zip((error, *causes), causes, strict=False):
        earlier.__cause__ = later
    return error


@pytest.mark.parametrize(
    ("told", "seconds"),
    [(None, None), ("7", 7), ("1.5", 1.5), ("-3", 0), ("nan", 0), ("soon", None), ("", None)],
)
def test_only_a_number_of_seconds_is_a_wait(told: str | None, seconds: float | None) -> None:
    assert wait_before_retry_s(answered(429, None, told)) == seconds


def test_an_error_without_an_answer_names_no_wait() -> None:
    assert wait_before_retry_s(openai.APIConnectionError(request=REQUEST)) is None


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_a_busy_or_failing_server_may_pass(status: int) -> None:
    assert is_passing(answered(status, None))
    assert is_passing(openai.APIError("busy", REQUEST, body={"code": status}))
    assert is_passing(openai.APIError("busy", REQUEST, body={"code": str(status)}))


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
def test_a_refused_request_does_not_pass(status: int) -> None:
    assert not is_passing(answered(status, None))
    assert not is_passing(openai.APIError("no", REQUEST, body={"code": status}))


@pytest.mark.parametrize("code", [1302, "1002", "²²²", "rate_limited", "", None, "9" * 5000, 5_000, 12.5])
def test_a_code_that_is_no_status_does_not_pass(code: object) -> None:
    assert not is_passing(openai.APIError("no", REQUEST, body={"code": code}))


@pytest.mark.parametrize(
    "failure",
    [
        httpx2.ConnectError("refused"),
        httpx2.RemoteProtocolError("gone"),
        OSError("no network"),
        from_cause(openai.APIConnectionError(request=REQUEST), httpx2.ReadError("reset")),
        from_cause(openai.APITimeoutError(REQUEST), httpx2.ReadTimeout("slow")),
    ],
    ids=repr,
)
def test_trouble_on_the_line_may_pass(failure: Exception) -> None:
    assert is_passing(failure)


def test_a_deadline_on_record_does_not_pass_and_keeps_its_words() -> None:
    passed = DeadlinePassed("no answer by the deadline of 3 s")
    for failure in (passed, from_cause(openai.APITimeoutError(REQUEST), passed)):
        assert not is_passing(failure)
        assert in_words(failure) == "no answer by the deadline of 3 s"


def test_a_mistake_of_ours_does_not_pass_and_is_told() -> None:
    assert not is_passing(KeyError("choices"))
    assert in_words(KeyError("choices")) == "the answer cannot be read: 'choices'"


def test_words_come_from_what_the_line_put_on_record_and_not_from_beneath_it() -> None:
    beneath = from_cause(
        openai.APIConnectionError(request=REQUEST), httpx2.ReadError(""), OSError(104, "reset by peer")
    )
    assert in_words(beneath) == "the connection failed: ReadError"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"message": "no"}, "no"),
        ({"error": {"message": "no"}}, "no"),
        ({"error": {"error": {"message": "no"}}}, "no"),
        ({"detail": "no"}, "no"),
        ({"error": "no"}, "no"),
        ("a\nb\t c", "a b c"),
        ("n" * 1000, "n" * 200),
        ({"error": {"message": "half \ud83d"}}, "half ?"),
        ({"error": {}}, "as the client puts it"),
        ([], "as the client puts it"),
        (None, "as the client puts it"),
    ],
)
def test_the_message_is_found_however_it_is_nested(body: object, told: str) -> None:
    assert in_words(answered(400, body)) == f"the server answered 400: {told}"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"null",
        b"[1]",
        b'"text"',
        b"{}",
        b'{"error": null}',
        b'{"base_resp": "x"}',
        b'{"base_resp": {"status_msg": ""}}',
        b'{"base_resp": {"status_code": 0, "status_msg": "success"}}',
        b"[" * 5000,
    ],
)
def test_a_body_that_names_no_error_leaves_the_words_of_the_client(body: bytes) -> None:
    assert in_words(ValueError("no parts"), body) == "the answer cannot be read: no parts"


def test_text_from_outside_is_one_short_line_of_unicode() -> None:
    assert on_one_line("a\r\n\u2028 b\udfff" + "c" * 500) == "a b?" + "c" * 196
