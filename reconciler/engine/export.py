"""Reads live configurations to write them as documents. Writes nothing at WizChat."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from reconciler.domain.layout import Exported
from reconciler.domain.setting_values import MOST_CALLS_AT_ONCE
from reconciler.engine.concurrency import Progress, gather_bounded, no_progress
from reconciler.errors import ChatbotNotFound, TargetError
from reconciler.ports import LiveChatbot, Target

_OMITTED = "_omittedSections"


@dataclass(frozen=True, slots=True)
class ExportFailure:
    """A chatbot that could not be read.

    Attributes:
        chatbot_id: The chatbot.
        error: Why, and what to change.
    """

    chatbot_id: str
    error: TargetError


@dataclass(frozen=True, slots=True)
class FleetExport:
    """What was read, each part ordered by chatbot id.

    Attributes:
        chatbots: Every chatbot that the key may see, also those that were not asked for.
        exported: What was read.
        failures: What could not be.
    """

    chatbots: tuple[LiveChatbot, ...]
    exported: tuple[Exported, ...]
    failures: tuple[ExportFailure, ...]


async def export_fleet(
    target: Target,
    ids: Collection[str] | None = None,
    *,
    concurrency: int = MOST_CALLS_AT_ONCE,
    progress: Progress = no_progress,
) -> FleetExport:
    """Read the live configuration of chatbots.

    Args:
        target: The tenant's side of WizChat.
        ids: The chatbots to read, or None for every one that the key may see.
        concurrency: How many to read at a time; the tenant's own limit holds as well.
        progress: Called after each.

    Raises:
        TargetError: The chatbots could not even be listed, or nothing could be read at all.
    """
    live = {chatbot.id: chatbot for chatbot in await target.chatbots()}
    requested = sorted(live if ids is None else set(ids))

    async def read(chatbot_id: str) -> Exported:
        if chatbot_id not in live:
            close = get_close_matches(chatbot_id, live, n=1)
            near = f"; did you mean {close[0]}?" if close else ""
            raise ChatbotNotFound(f"chatbot {chatbot_id} was not found at WizChat: check the id{near}")
        return exported(live[chatbot_id], await target.export(chatbot_id))

    answers = await gather_bounded(requested, read, target=target, concurrency=concurrency, progress=progress)
    return FleetExport(
        chatbots=tuple(live[chatbot_id] for chatbot_id in sorted(live)),
        exported=tuple(answer for answer in answers if isinstance(answer, Exported)),
        failures=_failures(requested, answers),
    )


def exported(chatbot: LiveChatbot, body: Mapping[str, Any]) -> Exported:
    """An exported chatbot, from the answer of the API."""
    values = {key: value for key, value in body.items() if key != _OMITTED}
    return Exported(chatbot.id, chatbot.name, values, tuple(body.get(_OMITTED, ())))


def _failures(ids: Sequence[str], answers: Sequence[Exported | TargetError]) -> tuple[ExportFailure, ...]:
    pairs = zip(ids, answers, strict=True)
    return tuple(ExportFailure(chatbot_id, answer) for chatbot_id, answer in pairs if isinstance(answer, TargetError))
