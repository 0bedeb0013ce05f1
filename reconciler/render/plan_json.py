"""A plan as JSON, for programs: the field names are those of the HTTP API."""

import json
from dataclasses import asdict
from typing import Any

from reconciler.domain.diagnostics import Diagnostic
from reconciler.domain.direction import DirectedOp
from reconciler.domain.losses import Loss, losses
from reconciler.render.model import FleetPlan, PlanView


def fleet_json(fleet: FleetPlan) -> str:
    """A fleet's plan as JSON.

    Returns:
        ASCII text that ends with a line end; an absent value is null, never missing.
    """
    shape = {
        "summary": fleet.summary._asdict(),
        "in_sync": fleet.in_sync,
        "plans": [plan_json(plan) for plan in fleet.plans],
        "missing": [asdict(missing) for missing in fleet.missing],
        "errors": [asdict(failed) for failed in fleet.errors],
        "refused_documents": fleet.refused_documents,
        "diagnostics": [_diagnostic_json(diagnostic) for diagnostic in fleet.refused],
    }
    return json.dumps(shape, indent=2) + "\n"


def _diagnostic_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """One finding; in documents on disk there are no other sources to tell of."""
    return {name: value for name, value in asdict(diagnostic).items() if name != "rival"}


def plan_json(plan: PlanView) -> dict[str, Any]:
    """One chatbot's plan, as JSON values."""
    return {
        "chatbot_id": plan.chatbot_id,
        "name": plan.name,
        "tenant": plan.tenant,
        "path": plan.path,
        "fingerprint": plan.fingerprint,
        "prune": plan.prune,
        "summary": plan.summary._asdict(),
        "direction": plan.direction,
        "losses": [loss_json(loss) for loss in losses(directed.op for directed in plan.ops)],
        "ops": [op_json(directed) for directed in plan.ops],
    }


def loss_json(loss: Loss) -> dict[str, Any]:
    """Something that a plan takes away, as JSON values."""
    return {
        "kind": loss.kind,
        "section": loss.place.section,
        "key": loss.place.key or None,
        "field": loss.field or None,
        "count": loss.count,
        "entries": list(loss.entries),
        "message": str(loss),
    }


def op_json(directed: DirectedOp) -> dict[str, Any]:
    """One op, as JSON values."""
    op = directed.op
    return {
        "section": op.section,
        "action": op.action,
        "key": op.key,
        "before": op.before,
        "after": op.after,
        "changed_fields": list(op.changed_fields),
        "direction": directed.direction,
        "fields": dict(directed.fields),
    }
