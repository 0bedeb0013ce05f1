"""Live configurations as documents: the first step of a fleet into git. Reads only."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.domain.layout import Exported
from reconciler.engine.each import Progress, for_each, no_progress
from reconciler.errors import ChatbotNotFound, TargetError
from reconciler.ports import LiveChatbot, Target

CONCURRENCY = 16
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


async def export_fleet(
    target: Target,
    ids: Collection[str] | None = None,
    *,
    concurrency: int = CONCURRENCY,
    progress: Progress = no_progress,
) -> tuple[tuple[Exported, ...], tuple[ExportFailure, ...]]:
    """Read the live configuration of chatbots.

    Args:
        target: The tenant's side of WizChat.
        ids: The chatbots to read, or None for every one that the key may see.
        concurrency: How many to read at a time; the tenant's own limit holds as well.
        progress: Told after each.

    Returns:
        What was read and what could not be, each ordered by chatbot id.

    Raises:
        TargetError: The chatbots could not even be listed, or nothing could be read at all.
    """
    live = {chatbot.id: chatbot for chatbot in await target.chatbots()}
    wanted = sorted(live if ids is None else set(ids))

    async def read(chatbot_id: str) -> Exported:
        if chatbot_id not in live:
            raise ChatbotNotFound(f"chatbot {chatbot_id} was not found at WizChat: check the id")
        return _exported(live[chatbot_id], await target.export(chatbot_id))

    answers = await for_each(wanted, read, concurrency=concurrency, progress=progress)
    return _read(answers), _failed(wanted, answers)


def _exported(chatbot: LiveChatbot, body: Mapping[str, Any]) -> Exported:
    stated = {key: value for key, value in body.items() if key != _OMITTED}
    return Exported(chatbot.id, chatbot.name, stated, tuple(body.get(_OMITTED, ())))


def _read(answers: Sequence[Exported | TargetError]) -> tuple[Exported, ...]:
    return tuple(answer for answer in answers if isinstance(answer, Exported))


def _failed(ids: Sequence[str], answers: Sequence[Exported | TargetError]) -> tuple[ExportFailure, ...]:
    pairs = zip(ids, answers, strict=True)
    return tuple(ExportFailure(chatbot_id, answer) for chatbot_id, answer in pairs if isinstance(answer, TargetError))
