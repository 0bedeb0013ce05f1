"""Every action that the documentation lists is said in words, and whatever comes later is said somehow."""

import re
from dataclasses import replace

import pytest

from reconciler.domain.audit import AuditEntry
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.render.audit_descriptions import describe_entry
from tests.docs.pages import page
from tests.fakes.clock import START

ENTRY = AuditEntry(
    seq=1, at=START, actor="ana", action="", subject="plan/p", fingerprint=None, detail={}, prev_hash="", hash=""
)
REFUSABLE = {
    "plan.approve", "plan.revoke", "plan.reject", "plan.withdraw", "plan.apply", "plan.link", "source.refresh",
    "source.accept", "suspend", "resume", "token.create", "token.revoke", "person.bar", "person.unbar",
    "person.sign_out", "login",
}  # fmt: skip
LISTED = re.findall(r"`([a-z_.]+)`", page("audit.md").split("| action | when |")[1].split("\n\n")[0])


def words(action: str, **detail: object) -> str:
    said = describe_entry(replace(ENTRY, action=action, detail=detail))
    return f"{said.before} … {said.after} {said.reason}".strip()


def test_every_listed_action_has_words() -> None:
    assert len(LISTED) > 25
    assert [action for action in LISTED if f"{action}:" in words(action)] == []
    assert [action for action in LISTED if f"{action}:" in words(f"{action}.refused") and action in REFUSABLE] == []


@pytest.mark.parametrize("status", [*PlanStatus])
def test_every_state_of_a_plan_is_said(status: PlanStatus) -> None:
    if status is not PlanStatus.PENDING:
        assert words(f"plan.{status.value.lower()}") == f"moved … to {status}"


@pytest.mark.parametrize("status", [*ApplyStatus])
def test_every_end_of_an_apply_is_said(status: ApplyStatus) -> None:
    assert words(f"apply.{status.value.lower()}") == f"ended … as {status}"


@pytest.mark.parametrize(
    ("action", "detail", "said"),
    [
        ("plan.approve", {"comment": "looks good"}, "approved …  looks good"),
        ("plan.approve.refused", {"message": "too late", "code": "x"}, "was refused to approve …  too late"),
        ("login.refused", {"message": "an admin keeps you out"}, "was refused to sign in as …  an admin keeps you out"),
        ("suspend", {"reason": "freeze", "until": None}, "suspended …  freeze"),
        ("plan.link", {"until": "2026-03-01T10:20:30+00:00"}, "made a read-only link to … until 2026-03-01 10:20 UTC"),
        ("plan.link", {"until": "soon"}, "made a read-only link to … until soon"),
        ("plan.approved", {"message": "Approved"}, "moved … to Approved"),
        ("policy.switch", {"from": "none", "to": "full"}, "switched … from none to full"),
        ("from.tomorrow", {"message": 3}, "from.tomorrow: …"),
        ("from.tomorrow.refused", {}, "was refused to from.tomorrow: …"),
    ],
)
def test_an_entry_reads_as_a_sentence(action: str, detail: dict[str, object], said: str) -> None:
    assert words(action, **detail) == said


def test_a_refusal_is_known_as_one() -> None:
    assert describe_entry(replace(ENTRY, action="suspend.refused")).refused
    assert not describe_entry(replace(ENTRY, action="suspend")).refused
