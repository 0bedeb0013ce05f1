"""Webhooks: a push means “look now”. Nothing that a delivery says is believed beyond that.

Which forge it is stands in the settings, never in the request: else a sender could choose the weakest proof.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Depends, Request, status

from reconciler.domain.records import Role, Trigger
from reconciler.engine.context import Actor
from reconciler.engine.refresh import request_refresh
from reconciler.web.address import client_address
from reconciler.web.api.common import API, TheEngine, TheSettings, refusals
from reconciler.web.asks import Name
from reconciler.web.auth import Gate, Open
from reconciler.web.problems import Code, Problem
from reconciler.web.settings import WebhookSpec
from reconciler.web.shapes import DeliveryShape

GITHUB = "github"
SIGNATURE = "x-hub-signature-256"
_SCHEME = b"sha256="

router = APIRouter(prefix=API, tags=["Webhooks"])


@router.post(
    "/webhooks/{source}",
    name="webhook",
    summary="A push: look at the source now",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[Depends(Open("signed by the source's webhook_secret instead"))],
    responses=refusals(
        Code.WEBHOOK_NOT_CONFIGURED, Code.BODY_TOO_LARGE, Code.BODY_TOO_SLOW, Code.MALFORMED_BODY, Code.INVALID_REQUEST
    ),
    openapi_extra={
        "security": [],
        "parameters": [
            {
                "name": "X-Hub-Signature-256",
                "in": "header",
                "required": True,
                "description": "`sha256=` and the HMAC-SHA-256 of the raw body in hex.",
                "schema": {"type": "string"},
            }
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
    },
)
async def webhook(engine: TheEngine, settings: TheSettings, request: Request, source: Name) -> DeliveryShape:
    """Signed by the source's `webhook_secret`. Pushes to other branches, and events that are no push, are ignored."""
    gate: Gate = request.app.state.gate
    spec = settings.webhooks.get(source)
    if spec is None or not spec.secrets or source not in engine.sources:
        raise Problem(Code.WEBHOOK_NOT_CONFIGURED, "set webhook_secret for the source, and send to its name")
    body = await request.body()
    if not proven(spec.secrets, body, request.headers.getlist(SIGNATURE)):
        gate.metrics.webhooks.labels(source, "refused").inc()
        raise gate.failure(request.scope, presented=False, detail="the signature does not fit the body and secret")
    ignored = why_ignored(spec, request.headers, _payload(body), engine.sources[source].branch)
    gate.metrics.webhooks.labels(source, "ignored" if ignored else "accepted").inc()
    if ignored:
        return DeliveryShape(accepted=False, message=ignored, run_id=None)
    sender = Actor(f"webhook/{source}", Role.OPERATOR, None, (source,), client_address(request.scope, gate.proxies))
    run = await request_refresh(engine, sender, source, Trigger.WEBHOOK, full=False)
    return DeliveryShape(accepted=True, message="the source is being looked at", run_id=run.id)


def proven(secrets: Sequence[str], body: bytes, signatures: Sequence[str]) -> bool:
    """Whether one of the secrets signed the body.

    Args:
        secrets: The secrets that are valid now; an empty one proves nothing.
        body: The raw bytes.
        signatures: Every value of the header; exactly one proves something.
    """
    if len(signatures) != 1:
        return False
    given = signatures[0].encode("latin-1", errors="replace")
    wanted = [
        _SCHEME + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode() for secret in secrets if secret
    ]
    return any(hmac.compare_digest(each, given) for each in wanted)


def why_ignored(
    spec: WebhookSpec, headers: Mapping[str, str], payload: Mapping[str, Any], branch: str | None
) -> str | None:
    """Why a proven delivery asks for nothing; None when the source should be looked at."""
    event = headers.get("x-github-event") if spec.forge == GITHUB else None
    if event not in (None, "push"):
        return f"{event} is not a push"
    ref = payload.get("ref")
    if isinstance(ref, str) and branch is not None and ref not in (branch, f"refs/heads/{branch}"):
        return f"the push is not to {branch}"
    return None


def _payload(body: bytes) -> Mapping[str, Any]:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        raise Problem(Code.MALFORMED_BODY, "the body must be a JSON object")
    return payload
