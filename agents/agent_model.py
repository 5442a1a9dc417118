"""What the pydantic-ai agents share: a model over a line, how far it is trusted, its failures in words."""

from collections.abc import AsyncIterable
from typing import Literal

import httpx2
import pydantic_ai
from openai import AsyncOpenAI
from pydantic import ValidationError
from pydantic_ai.exceptions import AgentRunError, ModelAPIError
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIChatModelSettings
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.openai import OpenAIProvider

from agents.chat import Endpoint, client_over, extra_body, temperature_of
from agents.line import Line
from agents.model_errors import in_place_of_answer, in_words, on_one_line
from agents.providers import Quirk
from agents.settings import BrainSettings

Ability = Literal["tools", "loop", "single"]

# pydantic-ai 2.68 greets with a logo on stderr before the first run, which is in the middle of the terminal's
# screen; this is its own switch (pydantic_ai/__init__.py, read 2026-11).
pydantic_ai.BANNER_ENABLED = False


def open_model(
    endpoint: Endpoint, transport: httpx2.AsyncBaseTransport, settings: BrainSettings
) -> OpenAIChatModel:
    """A model whose every request goes over `transport`; it never retries by itself."""
    client = AsyncOpenAI(
        base_url=endpoint.base_url,
        api_key=endpoint.key.get_secret_value(),
        max_retries=0,
        timeout=settings.timeout_s,
        http_client=client_over(transport, settings.timeout_s),
    )
    body = OpenAIChatModelSettings(extra_body=extra_body(endpoint.model, settings.max_tokens))
    if (temperature := temperature_of(endpoint.model, settings.temperature)) is not None:
        body["temperature"] = temperature
    profile = OpenAIModelProfile(
        supports_json_schema_output=True,
        openai_chat_streaming_requires_finish_reason=True,
        supports_forced_tool_choice=Quirk.NO_FORCED_TOOL not in endpoint.model.quirks,
    )
    return OpenAIChatModel(
        endpoint.model.name,
        provider=OpenAIProvider(openai_client=client),
        settings=body,
        profile=profile,
    )


def abilities_of(settings: BrainSettings, endpoint: Endpoint) -> tuple[Ability, ...]:
    """The ability to ask at, then what may have been begun with when another word was given.

    As set, else the highest that the server tells of, else the catalogue.
    """
    if settings.ability != "auto":
        return (settings.ability,)
    says = endpoint.declared
    calls_tools = endpoint.model.tools == "yes" if says is None else "tools" in says
    return ("tools", "loop") if calls_tools else ("loop", "tools")


async def let_through(_ctx: object, events: AsyncIterable[object]) -> None:
    """Asks for a stream, so that the line hears the words as they come; the whole of it is read elsewhere."""
    async for _ in events:
        pass


def agent_error_in_words(error: Exception, line: Line) -> str:
    """pydantic-ai wraps what happened on the line, and has words of its own for the rest."""
    cause = error.__cause__
    if isinstance(error, ModelAPIError) and isinstance(cause, Exception):
        return in_words(cause, line.answered)
    if isinstance(error, AgentRunError):
        counted = f"no answer that counts: {on_one_line(_mistake(error))}"
        return in_place_of_answer(line.answered) or counted
    return in_words(error, line.answered)


def _mistake(error: AgentRunError) -> str:
    """What the model did wrong in the end; the library's own words tell how often it was asked."""
    cause = error.__cause__
    while cause is not None and cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, ValidationError):
        problems = (("".join(f"{part}: " for part in each["loc"]), each["msg"]) for each in cause.errors())
        return "; ".join(f"{where}{what}" for where, what in problems)
    # Its advice is to who programs, and its body the whole answer over again.
    return str(cause or error.message.partition(" Consider ")[0])
