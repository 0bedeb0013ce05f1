"""The form that suspends and resumes applies, for the pages of what can be suspended."""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.domain.access import Role
from reconciler.domain.suspensions import Suspension
from reconciler.engine.context import Actor
from reconciler.web.ui.forms import to_datetime_field


@dataclass(frozen=True, slots=True)
class SuspendBox:
    """One scope, whether it is suspended, and what a person may do about it.

    Attributes:
        scope: As the API names it, such as ``source/main``.
        title: What people call it, such as ``this chatbot``.
        back: The page to come back to.
        standing: The active suspension of exactly this scope, if there is one.
        refusal: Why the person may do nothing here, or None.
        reason: What is in the field of that name.
        until: What is in the field of that name.
        problem: Why what was just sent was refused, or None.
    """

    scope: str
    title: str
    back: str
    standing: Suspension | None = None
    refusal: str | None = None
    reason: str = ""
    until: str = ""
    problem: str | None = None


def suspend_box(
    actor: Actor, scope: str, source: str | None, suspensions: Sequence[Suspension], *, title: str, back: str
) -> SuspendBox:
    """The form for a scope.

    Args:
        actor: Who looks.
        scope: ``chatbot/ID``, ``source/NAME``, ``tenant/NAME`` or ``all``.
        source: The source that it belongs to; None for what concerns all of them.
        suspensions: What is suspended now.
        title: What people call the scope.
        back: The page to come back to.
    """
    own = next((suspension for suspension in suspensions if suspension.scope == scope), None)
    return SuspendBox(
        scope=scope,
        title=title,
        back=back,
        standing=own,
        refusal=actor.refusal(Role.OPERATOR, source),
        reason=own.reason if own else "",
        until=to_datetime_field(own.until) if own and own.until else "",
    )
