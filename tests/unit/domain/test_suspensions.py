"""What a suspension stops, and how that is shown."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from reconciler.domain.entities import SourceState
from reconciler.domain.suspensions import (
    ScopeKind,
    Suspension,
    shown_source,
    suspended_sources,
    suspension_sentence,
    widest_suspension,
)
from tests.support.records import a_source

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SOURCE = Suspension(id="s", kind=ScopeKind.SOURCE, subject="main", reason="release", actor="ann", created_at=NOW)
TENANT = replace(SOURCE, id="t", kind=ScopeKind.TENANT, subject="acme")
ALL = replace(SOURCE, id="a", kind=ScopeKind.ALL, subject="")
CHATBOT = replace(SOURCE, id="c", kind=ScopeKind.CHATBOT, subject="bot_1")


@pytest.mark.parametrize(
    ("standing", "named"),
    [
        ((), None),
        ((CHATBOT,), CHATBOT),
        ((CHATBOT, SOURCE), SOURCE),
        ((TENANT, SOURCE, CHATBOT), TENANT),
        ((SOURCE, ALL, TENANT), ALL),
        ((replace(SOURCE, subject="side"), replace(TENANT, subject="other"), replace(CHATBOT, subject="b")), None),
    ],
)
def test_of_several_the_widest_is_named(standing: tuple[Suspension, ...], named: Suspension | None) -> None:
    assert widest_suspension(standing, "acme", "bot_1", "main") == named


def test_a_suspended_chatbot_does_not_suspend_its_source() -> None:
    main, side = a_source("main"), a_source("side", tenant="other")
    assert suspended_sources([main, side], [CHATBOT]) == {}
    assert suspended_sources([main, side], [SOURCE, TENANT]) == {"main": TENANT}


def test_a_source_that_cannot_be_read_stays_unknown_while_suspended() -> None:
    ready, unknown = a_source("main"), a_source("main", state=SourceState.UNKNOWN, message="gone")
    assert shown_source(ready, SOURCE).state is SourceState.SUSPENDED
    assert shown_source(unknown, SOURCE) == unknown
    assert shown_source(ready, None) == ready


def test_a_suspension_says_what_until_when_and_why() -> None:
    until = replace(SOURCE, until=NOW, reason="Release!")
    assert suspension_sentence(SOURCE) == "Applies of the source main are suspended: release."
    assert suspension_sentence(until) == (
        "Applies of the source main are suspended until 2026-01-02T00:00:00Z: Release!"
    )
