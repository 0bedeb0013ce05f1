"""What is suspended, as the fleet page says it above everything else."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from reconciler.domain.records import Chatbot, ScopeKind, Suspension
from reconciler.web.dashboard.paths import chatbot_path, source_path

_MOST = 5


@dataclass(frozen=True, slots=True)
class Stop:
    """One suspension.

    Attributes:
        kind: What is suspended: a chatbot, a source or a tenant.
        subjects: What people call it, with its page where it has one; several where tenants share a chatbot's id.
    """

    suspension: Suspension
    kind: ScopeKind
    subjects: Sequence[tuple[str, str | None]]


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
    shown = [Stop(each, each.kind, _subjects(each, known)) for each in partial[:_MOST]]
    return Stops(tuple(shown), len(partial) - len(shown))


def _partial(standing: Sequence[Suspension]) -> Sequence[Suspension]:
    return [each for each in standing if each.kind is not ScopeKind.ALL]


def _subjects(suspension: Suspension, known: Sequence[Chatbot]) -> Sequence[tuple[str, str | None]]:
    match suspension.kind:
        case ScopeKind.CHATBOT:
            named = [each for each in known if each.id == suspension.subject]
            return [_called(each, named) for each in named] or [(suspension.subject, None)]
        case ScopeKind.SOURCE:
            return [(suspension.subject, source_path(suspension.subject))]
        case _:
            return [(suspension.subject, None)]


def _called(chatbot: Chatbot, namesakes: Sequence[Chatbot]) -> tuple[str, str]:
    name = chatbot.name or chatbot.id
    return f"{name} of {chatbot.tenant}" if len(namesakes) > 1 else name, chatbot_path(chatbot.tenant, chatbot.id)
