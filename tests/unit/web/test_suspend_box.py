from datetime import timedelta

import pytest

from reconciler.domain.access import Role
from reconciler.domain.suspensions import ScopeKind
from reconciler.engine.context import Actor
from reconciler.web.suspensions.box import SuspendBox, suspend_box
from reconciler.web.ui.forms import from_datetime_field
from tests.fakes.clock import START
from tests.support.records import a_suspension

OPERATOR = Actor("ann", Role.OPERATOR)
OF_MAIN = a_suspension(kind=ScopeKind.SOURCE, subject="main", reason="freeze", until=START + timedelta(hours=1))


def box(actor: Actor = OPERATOR, scope: str = "source/main", source: str | None = "main") -> SuspendBox:
    return suspend_box(actor, scope, source, [a_suspension(), OF_MAIN], title="the source", back="/sources")


def test_only_a_suspension_of_the_very_scope_is_shown_and_filled_in() -> None:
    shown = box()
    assert (shown.standing, shown.reason, shown.until) == (OF_MAIN, "freeze", "2026-03-01T13:00")
    assert box(scope="source/side", source="side").standing is None
    assert box(scope="all", source=None).standing == a_suspension()


@pytest.mark.parametrize(
    ("actor", "scope", "source", "why"),
    [
        (Actor("ann", Role.VIEWER), "source/main", "main", "needs the role operator"),
        (Actor("ann", Role.ADMIN, sources=("side",)), "source/main", "main", "concerns the source main"),
        (Actor("ann", Role.ADMIN, sources=("main",)), "all", None, "concerns every source"),
        (OPERATOR, "all", None, None),
        (Actor("ann", Role.OPERATOR, sources=("main",)), "source/main", "main", None),
    ],
)
def test_who_may_not_is_told_why(actor: Actor, scope: str, source: str | None, why: str | None) -> None:
    refusal = box(actor, scope, source).refusal
    assert refusal is None if why is None else why in str(refusal)


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("2026-12-31T18:00", "2026-12-31T18:00Z"),
        (" 2026-12-31 18:00:30 ", "2026-12-31T18:00:30Z"),
        ("2026-12-31T18:00+02:00", "2026-12-31T18:00+02:00"),
        ("2026-12-31T18:00:00Z", "2026-12-31T18:00:00Z"),
        ("tomorrow", "tomorrow"),
        ("", ""),
    ],
)
def test_a_time_without_a_zone_is_utc_as_the_field_says(typed: str, sent: str) -> None:
    assert from_datetime_field(typed) == sent
