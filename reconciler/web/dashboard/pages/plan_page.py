"""What the page of one plan says: one sentence, the loss before anything else, every op with the side that moved."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from reconciler.domain.direction import DirectedOp
from reconciler.domain.fields import MISSING
from reconciler.domain.lifecycle import DECIDABLE, PlanStatus
from reconciler.domain.plan import MCP_SERVERS, Action
from reconciler.domain.policy import ProtectedItem
from reconciler.domain.records import Apply, Approval, Plan
from reconciler.domain.status import Direction
from reconciler.domain.visible import visible
from reconciler.render.model import IRREVERSIBLE
from reconciler.render.prose import Kind, Line, Piece, compare
from reconciler.render.wording import FieldChange, changes, inline, prose
from reconciler.web.dashboard.frame import Frame
from reconciler.web.links import Shared
from reconciler.web.rendering import StoredPlan, holding_up


@dataclass(frozen=True, slots=True)
class FieldView:
    """One field before and after, as compared lines."""

    name: str
    size: str
    direction: Direction
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class OpView:
    """One op."""

    directed: DirectedOp
    place: str
    fields: Sequence[FieldView]
    note: str | None


@dataclass(frozen=True, slots=True)
class PlanPage:
    """One plan.

    Attributes:
        shared: The link that shows it to somebody without an account, who can do nothing here; else None.
    """

    frame: Frame
    plan: Plan
    name: str
    approvals: Sequence[Approval]
    losses: Sequence[OpView]
    ops: Sequence[OpView]
    overwrites_live: bool
    commands: Sequence[tuple[str, str]]
    protected: Sequence[ProtectedItem]
    apply: Apply | None
    shared: Shared | None = None


def plan_page(frame: Frame, stored: StoredPlan, public_url: str, shared: Shared | None = None) -> PlanPage:
    """Everything that the page of a plan says."""
    plan = stored.plan
    ops = [_op(directed) for directed in plan.ops]
    protected = holding_up(plan, stored.policy)
    return PlanPage(
        frame=frame,
        plan=plan,
        name=visible(stored.name or plan.chatbot_id),
        approvals=[each for each in stored.approvals if each.revoked_at is None],
        losses=[each for each in ops if each.directed.op.action is Action.DELETE],
        ops=ops,
        overwrites_live=any(each.direction in (Direction.LIVE_AHEAD, Direction.DIVERGED) for each in plan.ops),
        commands=[] if shared else list(_commands(plan, public_url, may_approve=not protected)),
        protected=protected,
        apply=stored.apply,
        shared=shared,
    )


def _op(directed: DirectedOp) -> OpView:
    op = directed.op
    deleted = op.action is Action.DELETE
    return OpView(
        directed=directed,
        place=visible(op.key or op.section),
        fields=[] if deleted else [_field(directed, change) for change in changes(op)],
        note=IRREVERSIBLE if deleted and op.section == MCP_SERVERS else None,
    )


def _field(directed: DirectedOp, change: FieldChange) -> FieldView:
    return FieldView(
        name=visible(change.name),
        size=change.size,
        direction=directed.fields.get(change.name, directed.direction),
        lines=[_shown(line) for line in _lines(change)],
    )


def _lines(change: FieldChange) -> Sequence[Line]:
    """A text by its words; anything short as a whole, because half a number is another number."""
    if not change.is_short or _is_phrase(change.before) or _is_phrase(change.after):
        return compare(prose(change.before), prose(change.after))
    sides = ((Kind.REMOVED, change.before), (Kind.ADDED, change.after))
    return [tuple(Piece(kind, inline(value)) for kind, value in sides if value is not MISSING)]


def _is_phrase(value: object) -> bool:
    return isinstance(value, str) and " " in value


def _shown(line: Line) -> Line:
    """A line with every unseen character made visible: nothing may look other than it is."""
    return tuple(Piece(piece.kind, visible(piece.text)) for piece in line)


def _commands(plan: Plan, public_url: str, *, may_approve: bool) -> Iterator[tuple[str, str]]:
    """What to run to decide, as long as that is possible; the person says the reason of an override."""
    if plan.status not in DECIDABLE or plan.apply_id is not None:
        return
    ask: dict[str, object] = {"fingerprint": plan.fingerprint}
    if not may_approve:
        pass
    elif plan.status is PlanStatus.APPROVED:
        yield "Apply", _curl(plan, public_url, "apply", ask)
    else:
        override = {"overrides": {"deletes": True, "reason": "WHY"}} if plan.delete_override else {}
        yield "Approve and apply", _curl(plan, public_url, "approve", {**ask, **override, "apply": True})
        yield "Approve only", _curl(plan, public_url, "approve", {**ask, **override})
    yield "Reject", _curl(plan, public_url, "reject", ask)


def _curl(plan: Plan, public_url: str, call: str, ask: dict[str, object]) -> str:
    url = f"{public_url.rstrip('/')}/api/v1/plans/{quote(plan.id)}/{call}"
    return (
        f'curl -X POST {url} -H "Authorization: Bearer $RECONCILER_TOKEN" '
        f"-H 'Content-Type: application/json' -d '{json.dumps(ask)}'"
    )
