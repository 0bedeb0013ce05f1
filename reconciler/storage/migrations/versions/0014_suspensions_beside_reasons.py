"""What suspends a chatbot or a plan, beside its reason"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_STANDING = ("source", "sync", "direction", "reason")
_SUSPENDED = "Applies are suspended: resume them to go on."

# how the messages of open plans began, which is all that was left of their reasons
_BEGINNINGS = {
    "The plan changes or deletes what policy.protected covers": "Protected",
    "The plan takes away more than the policy lets pass": "BlockedByDeleteGate",
    "The tenant has no write key": "ReadOnly",
    "WizChat refuses the write key": "WriteKeyRefused",
    "More of the fleet would change": "BlockedByFleetBrake",
}
# what is said where nothing was said beside the suspension
_SENTENCES = {
    "AwaitingApproval": "A plan waits for a decision: approve or reject it.",
    "Approved": "The plan is approved: apply it.",
    "BlockedByDeleteGate": "The plan takes away more than the policy lets pass: approve that, too, with a reason.",
    "InSync": "The chatbot is as its document says.",
    "SourceUnknown": "The source cannot be read, or what it says now is not trusted; the last good revision stands.",
    "NotConverged": "WizChat accepted the apply but stored it differently from what was sent.",
    "Rejected": "The plan was rejected: change the document or the chatbot to get another plan.",
    "NotChecked": "It has not been compared yet: wait for the next run, or refresh its source.",
}

_suspensions = sa.table("suspensions", *map(sa.column, ("id", "kind", "subject", "ended_at")))
_sources = sa.table("sources", *map(sa.column, ("name", "state")))
_plans = sa.table(
    "plans",
    *map(sa.column, ("id", "tenant", "chatbot_id", "source", "status", "reason", "message", "delete_override")),
    sa.column("suspension_id"),
)
_chatbots = sa.table(
    "chatbots",
    *map(sa.column, ("tenant", "id", "source", "sync", "reason", "message", "plan_id", "rejected_fingerprint")),
    sa.column("unconverged_ends"),
    sa.column("suspension_id"),
)


def upgrade() -> None:
    op.add_column("chatbots", sa.Column("suspension_id", sa.String(), nullable=True))
    op.add_column("plans", sa.Column("suspension_id", sa.String(), nullable=True))
    op.drop_index("ix_chatbots_standing", "chatbots")
    op.create_index("ix_chatbots_standing", "chatbots", [*_STANDING, "suspension_id"])
    _name_suspensions()
    _restore_reasons_of_plans()
    _restore_reasons_of_chatbots()


def _name_suspensions() -> None:
    """Name the widest suspension of every chatbot, and of every plan that nothing was sent for."""
    chatbots, plans = _chatbots.c, _plans.c
    op.execute(sa.update(_chatbots).values(suspension_id=_widest(chatbots.tenant, chatbots.id, chatbots.source)))
    op.execute(
        sa.update(_plans)
        .values(suspension_id=_widest(plans.tenant, plans.chatbot_id, plans.source))
        .where(plans.status.in_(("Pending", "Approved")))
    )


def _widest(tenant: Any, chatbot_id: Any, source: Any) -> Any:
    stop = _suspensions.c
    covering = sa.or_(
        stop.kind == "all",
        sa.and_(stop.kind == "tenant", stop.subject == tenant),
        sa.and_(stop.kind == "source", stop.subject == source),
        sa.and_(stop.kind == "chatbot", stop.subject == chatbot_id),
    )
    width = sa.case({"all": 3, "tenant": 2, "source": 1}, value=stop.kind, else_=0)
    return sa.select(stop.id).where(stop.ended_at.is_(None), covering).order_by(width.desc()).limit(1).scalar_subquery()


def _restore_reasons_of_plans() -> None:
    column = _plans.c
    for row in _rows(sa.select(_plans).where(column.reason == "Suspended")):
        told = _beside(row["message"])
        reason = next((reason for words, reason in _BEGINNINGS.items() if told.startswith(words)), None)
        reason = reason or _reason_of_plan(row["status"], row["delete_override"])
        _keep(_plans, column.id == row["id"], reason, told)


def _reason_of_plan(status: str, delete_override: str | None) -> str:
    if status != "Pending":
        return "Approved"
    return "AwaitingApproval" if delete_override is None else "BlockedByDeleteGate"


def _restore_reasons_of_chatbots() -> None:
    column = _chatbots.c
    plan, source = _plans.c, _sources.c
    found = (
        sa.select(_chatbots, plan.reason.label("plan_reason"), plan.message.label("plan_message"), source.state)
        .outerjoin_from(_chatbots, _plans, plan.id == column.plan_id)
        .outerjoin(_sources, source.name == column.source)
        .where(column.reason == "Suspended")
    )
    for row in _rows(found):
        mine = sa.and_(column.tenant == row["tenant"], column.id == row["id"])
        if row["plan_reason"] is not None:
            _keep(_chatbots, mine, row["plan_reason"], row["plan_message"])
        else:
            _keep(_chatbots, mine, _reason_of_chatbot(row), _beside(row["message"]))


def _reason_of_chatbot(row: Any) -> str:
    if row["state"] == "Unknown":
        return "SourceUnknown"
    if row["sync"] == "Synced":
        return "InSync"
    if row["unconverged_ends"] > 1:
        return "NotConverged"
    return "NotChecked" if row["rejected_fingerprint"] is None else "Rejected"


def _beside(message: str) -> str:
    """What a message says besides the suspension, which came last."""
    return message.partition(_SUSPENDED)[0].strip()


def _keep(table: sa.TableClause, mine: Any, reason: str, message: str) -> None:
    op.execute(sa.update(table).where(mine).values(reason=reason, message=message or _SENTENCES[reason]))


def _rows(statement: Any) -> Any:
    return op.get_bind().execute(statement).mappings().all()
