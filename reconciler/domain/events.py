"""Events: what was created, changed or removed, without its contents."""

from dataclasses import dataclass
from enum import StrEnum


class ChangeKind(StrEnum):
    """What a change is about."""

    CHATBOT = "chatbot"
    PLAN = "plan"
    APPLY = "apply"
    RUN = "run"
    SOURCE = "source"
    SUSPENSION = "suspension"
    TOKEN = "token"  # noqa: S105  a name
    PERSON = "person"
    TENANT = "tenant"


class Signal(StrEnum):
    """An event that is not about a single record.

    Attributes:
        CHANGED: Another process changed something.
        RESET: Events are missing: whatever is shown has to be read again.
    """

    CHANGED = "changed"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Change:
    """Something was made, changed or removed.

    Attributes:
        id: Which one; None means several, or one whose id is not disclosed.
        source: The source that it belongs to; None for what belongs to none.
    """

    kind: ChangeKind
    id: str | None
    source: str | None


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the feed.

    Attributes:
        id: The position of the feed after it.
    """

    id: str
    payload: Change | Signal
