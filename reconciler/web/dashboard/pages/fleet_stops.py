"""What is suspended, as the fleet page says it above everything else."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from reconciler.domain.records import Chatbot, ScopeKind, Suspension
from reconciler.web.dashboard.paths import chatbot_path

_MOST = 5


@dataclass(frozen=True, slots=True)
class Stop:
    """One suspension.

    Attributes:
        subject: What is suspended, such as a chatbot's name or ``source bots``.
        path: The page of the chatbot or the source; None of what has none.
    """

    suspension: Suspension
    subject: str
    path: str | None


@dataclass(frozen=True, slots=True)
class Stops:
    """The newest suspensions, but for the one of everything, which each page says.

    Attributes:
        more: How many there are besides.
    """

    shown: Sequence[Stop] = ()
    more: int = 0


def chatbots_of(standing: Sequence[Suspension]) -> Collection[str]:
    """The ids of the chatbots whose names are to be shown."""
    return {each.subject for each in _partial(standing)[:_MOST] if each.kind is ScopeKind.CHATBOT}


def stops(standing: Sequence[Suspension], known: Sequence[Chatbot]) -> Stops:
    """What is said of the suspensions that stand.

    Args:
        standing: All of them, newest first.
        known: The chatbots of `chatbots_of` that the person may see.
    """
    partial = _partial(standing)
    return Stops(tuple(_told(partial[:_MOST], {each.id: each for each in known})), max(0, len(partial) - _MOST))


def _partial(standing: Sequence[Suspension]) -> Sequence[Suspension]:
    return [each for each in standing if each.kind is not ScopeKind.ALL]


def _told(standing: Sequence[Suspension], known: Mapping[str, Chatbot]) -> Iterator[Stop]:
    for each in standing:
        chatbot = known.get(each.subject) if each.kind is ScopeKind.CHATBOT else None
        if chatbot is not None:
            yield Stop(each, chatbot.name or chatbot.id, chatbot_path(chatbot.tenant, chatbot.id))
        else:
            path = f"/sources#{quote(each.subject, safe='')}" if each.kind is ScopeKind.SOURCE else None
            yield Stop(each, f"{each.kind} {each.subject}", path)
