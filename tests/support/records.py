"""Records with everything filled in that a test does not care about."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from reconciler.domain.access import Person, Role, Session, Token
from reconciler.domain.direction import DirectedOp
from reconciler.domain.document import Document, ParsedFile
from reconciler.domain.entities import Apply, Approval, Chatbot, Claim, Plan, Run, RunStatus, SourceRecord, Trigger
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.plan import Action, Op, Summary
from reconciler.domain.status import Direction, Reason
from reconciler.domain.suspensions import ScopeKind, Suspension
from tests.fakes.clock import START

TTL = timedelta(seconds=15)
BODY = {"apiVersion": "v1", "kind": "ChatbotConfig", "prune": False, "spec": {"core": {"name": "Acme"}}}
OP = DirectedOp(
    Op("core", Action.UPDATE, None, {"name": "Ace"}, {"name": "Acme"}, ("name",)),
    Direction.GIT_AHEAD,
    {"name": Direction.GIT_AHEAD},
)


def a_source(name: str = "main", **changes: Any) -> SourceRecord:
    return replace(
        SourceRecord(name=name, tenant="acme", url="https://git.example.com/bots.git", branch=None), **changes
    )


def a_run(run_id: str = "run_1", **changes: Any) -> Run:
    run = Run(id=run_id, source="main", trigger=Trigger.MANUAL, full=True, status=RunStatus.SUCCEEDED, created_at=START)
    return replace(run, **changes)


def a_document(chatbot_id: str = "bot_1", **changes: Any) -> Claim:
    document = Claim(
        source="main",
        tenant="acme",
        chatbot_id=chatbot_id,
        path=f"chatbots/{chatbot_id}.yaml",
        line=1,
        labels={},
        name="Acme",
        body=BODY,
        digest="d" * 64,
    )
    return replace(document, **changes)


def a_chatbot(chatbot_id: str = "bot_1", **changes: Any) -> Chatbot:
    return replace(Chatbot(tenant="acme", id=chatbot_id), **changes)


def a_plan(plan_id: str = "plan_1", **changes: Any) -> Plan:
    plan = Plan(
        id=plan_id,
        tenant="acme",
        chatbot_id="bot_1",
        source="main",
        path="chatbots/bot_1.yaml",
        revision="a" * 40,
        status=PlanStatus.PENDING,
        reason=Reason.AWAITING_APPROVAL,
        message="A plan waits.",
        fingerprint="f" * 64,
        body=BODY,
        ops=(OP,),
        summary=Summary(update=1, noop=3),
        direction=Direction.GIT_AHEAD,
        approvals_required=1,
        delete_override=None,
        created_at=START,
        expires_at=START.replace(month=4),
    )
    return replace(plan, **changes)


def an_approval(approval_id: str = "approval_1", **changes: Any) -> Approval:
    approval = Approval(
        id=approval_id, plan_id="plan_1", fingerprint="f" * 64, actor="ana", token_id="tok_1", created_at=START
    )
    return replace(approval, **changes)


def an_apply(apply_id: str = "apply_1", **changes: Any) -> Apply:
    apply = Apply(
        id=apply_id,
        plan_id="plan_1",
        tenant="acme",
        chatbot_id="bot_1",
        fingerprint="f" * 64,
        status=ApplyStatus.QUEUED,
        requested_by="ana",
        created_at=START,
    )
    return replace(apply, **changes)


def a_suspension(suspension_id: str = "suspension_1", **changes: Any) -> Suspension:
    suspension = Suspension(
        id=suspension_id, kind=ScopeKind.ALL, subject="", reason="release freeze", actor="ana", created_at=START
    )
    return replace(suspension, **changes)


def a_token(token_id: str = "tok_1", **changes: Any) -> Token:  # noqa: S107  an id, not the token
    token = Token(
        id=token_id, name="ana", person="ana", role=Role.APPROVER, hash=f"hash of {token_id}", created_at=START
    )
    return replace(token, **changes)


def a_person(name: str = "ana", **changes: Any) -> Person:
    person = Person(
        name=name, issuer="https://id.example.com", subject=f"sub of {name}", groups=("editors",), seen_at=START
    )
    return replace(person, **changes)


def a_session(session_id: str = "session_1", **changes: Any) -> Session:
    session = Session(
        id=session_id,
        hash=f"hash of {session_id}",
        person="ana",
        token_id=None,
        created_at=START,
        expires_at=START + TTL,
    )
    return replace(session, **changes)


def a_file(path: str = "chatbots/bot_1.yaml", **changes: Any) -> ParsedFile:
    document = Document("bot_1", path, 1, BODY, {"team": "support"})
    file = ParsedFile(path=path, blob_id="b" * 40, includes={"prompts/a.md": "c" * 40}, documents=(document,))
    return replace(file, **changes)
