"""Webhooks: a push means “look now”. Nothing that a delivery says is believed beyond that.

Which forge it is stands in the settings, never in the request: else a sender could choose the weakest proof.
"""

import hashlib
import hmac
import json
import logging
import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Depends, Request, status
from pydantic import Field
from starlette.datastructures import Headers

from reconciler.domain.access import Role
from reconciler.domain.entities import Trigger
from reconciler.domain.forge_urls import Forge
from reconciler.engine.context import Actor, SourceBinding
from reconciler.engine.reconcile.run_lifecycle import request_refresh
from reconciler.web.auth.audit_policies import Unaudited
from reconciler.web.auth.dependencies import TheEngine, TheSettings
from reconciler.web.auth.gate import AuthGate, Public
from reconciler.web.http.client_address import client_address
from reconciler.web.http.problems import Code, Problem
from reconciler.web.http.responses import API, refusals
from reconciler.web.http.schemas import Name, ResponseModel
from reconciler.web.http.web_settings import MEBIBYTE


class DeliveryResponse(ResponseModel):
    """What came of a webhook."""

    accepted: bool = Field(description="Whether the source is looked at because of it.")
    message: str
    run_id: str | None


log = logging.getLogger(__name__)

SIGNATURE = "x-hub-signature-256"
MAX_READ = MEBIBYTE
"""Bytes of a delivery that are read; whatever a larger one says, it means “look now”."""
_SHA1_SIGNATURE = "x-hub-signature"
_FORM_FIELD = b"payload="
"""How the body of a form begins in which a forge sends JSON."""
_SIGNED = re.compile(r"sha256=([0-9a-f]{64})")


@dataclass(slots=True)
class DeliveryRoom:
    """How many bytes of bodies may be kept at once, by all deliveries together.

    Anybody can write a header that looks signed, and hold a body back for as long as one may take: 1 MiB for each of
    512 connections. This many bytes are the most that it costs, beside the 128 KiB that the server takes in of each
    connection before anybody reads: 80 MiB in all. No genuine delivery waits for room; without any it is proven all the
    same, and means “look now”.
    """

    left: int = 16 * MEBIBYTE


_DELIVERY_ROOM = DeliveryRoom()
"""Of the process, as its memory is."""

router = APIRouter(prefix=API, tags=["Webhooks"])


@router.post(
    "/webhooks/{source}",
    name="webhook",
    summary="A push: look at the source now",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[
        Depends(Public("signed by the source's webhook_secret instead")),
        Depends(Unaudited("a forge sends it, and no person; the run that it starts says so")),
    ],
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
async def webhook(engine: TheEngine, settings: TheSettings, request: Request, source: Name) -> DeliveryResponse:
    """Signed by the source's `webhook_secret`. Pushes to other branches, and events that are no push, are ignored."""
    gate: AuthGate = request.app.state.gate
    secrets = tuple(secret.get_secret_value() for secret in settings.webhook_secret.get(source, ()))
    binding = engine.sources.get(source)
    if not secrets or binding is None:
        raise Problem(Code.WEBHOOK_NOT_CONFIGURED, "set webhook_secret for the source, and send to its name")
    with closing(PingDelivery(_DELIVERY_ROOM)) as draft:
        if not await _is_proven(request, DeliveryProof(secrets, request.headers.getlist(SIGNATURE)), draft):
            gate.metrics.webhooks.labels(source, "refused").inc()
            raise gate.failure(request.scope, presented=False, detail=why_unproven(request.headers))
        try:
            payload = draft.payload()
        except NoPayload as error:
            # only whoever has the secret comes here: nobody else can fill the log with it
            log.warning("a signed delivery of a webhook cannot be read", extra={"source": source, "cause": str(error)})
            raise Problem(Code.MALFORMED_BODY, str(error)) from error
    ignored = why_ignored(binding, request.headers, payload)
    gate.metrics.webhooks.labels(source, "ignored" if ignored else "accepted").inc()
    if ignored:
        return DeliveryResponse(accepted=False, message=ignored, run_id=None)
    sender = Actor(f"webhook/{source}", Role.OPERATOR, None, (source,), client_address(request.scope, gate.proxies))
    run = await request_refresh(engine, sender, source, Trigger.WEBHOOK, full=False)
    return DeliveryResponse(accepted=True, message="the source is being looked at", run_id=run.id)


async def _is_proven(request: Request, proof: "DeliveryProof", draft: "PingDelivery") -> bool:
    """Take the body in; of a delivery that cannot be proven, not a byte is waited for."""
    if not proof.is_possible:
        return False
    async for part in request.stream():
        proof.take(part)
        draft.take(part)
    return proof.holds()


class DeliveryProof:
    """Whether one of the secrets signed a body, worked out while it comes in.

    Args:
        secrets: The secrets that are valid now; an empty one proves nothing.
        signatures: Every value of the header; exactly one proves something.
    """

    def __init__(self, secrets: Sequence[str], signatures: Sequence[str]) -> None:
        found = _SIGNED.fullmatch(signatures[0]) if len(signatures) == 1 else None
        self._signature = found[1] if found else None
        self._macs = [hmac.new(secret.encode(), digestmod=hashlib.sha256) for secret in secrets if secret]

    @property
    def is_possible(self) -> bool:
        """Whether any body could be proven: there is a signature."""
        return self._signature is not None

    def take(self, part: bytes) -> None:
        """The next raw bytes of the body."""
        for mac in self._macs:
            mac.update(part)

    def holds(self) -> bool:
        """Whether the body that was taken is the signed one."""
        signature = self._signature
        return signature is not None and any(hmac.compare_digest(mac.hexdigest(), signature) for mac in self._macs)


class PingDelivery:
    """What is kept of a body until it is proven: nothing of one that is large, or for which there is no room."""

    def __init__(self, room: DeliveryRoom) -> None:
        self._room = room
        # not a list of parts: a sender decides how small they are, and each would cost more than it holds
        self._kept: bytearray | None = bytearray()

    def take(self, part: bytes) -> None:
        """The next raw bytes of the body."""
        if self._kept is None:
            return
        if len(part) > min(MAX_READ - len(self._kept), self._room.left):
            self.close()
            return
        self._kept += part
        self._room.left -= len(part)

    def payload(self) -> Mapping[str, Any]:
        """What the body says; nothing, when it was not kept.

        Raises:
            NoPayload: It is no JSON object.
        """
        return {} if self._kept is None else _payload(self._kept)

    def close(self) -> None:
        """Give the room back."""
        self._room.left += len(self._kept or b"")
        self._kept = None


class NoPayload(Exception):
    """A body is no JSON object; the message says what to change at the forge."""


def why_unproven(headers: Headers) -> str:
    """What to change at the forge, told by the headers alone: to a stranger it says nothing about the secret."""
    signatures = headers.getlist(SIGNATURE)
    if not signatures and headers.get(_SHA1_SIGNATURE):
        return f"the delivery is signed with SHA-1 only: have the forge send {SIGNATURE.title()}"
    if not signatures:
        return (
            f"the delivery carries no signature ({SIGNATURE.title()}): set the source's webhook_secret as the secret "
            "of the webhook at the forge"
        )
    if len(signatures) > 1 or not _SIGNED.fullmatch(signatures[0]):
        return f"{SIGNATURE.title()} must be there once, as sha256= and 64 hexadecimal digits in lower case"
    return "the signature does not fit the body and secret: set the source's webhook_secret as the secret at the forge"


def why_ignored(source: SourceBinding, headers: Mapping[str, str], payload: Mapping[str, Any]) -> str | None:
    """Why a proven delivery asks for nothing; None when the source should be looked at."""
    event = headers.get("x-github-event") if source.forge is Forge.GITHUB else None
    if event not in (None, "push"):
        return f"{event} is not a push"
    ref, branch = payload.get("ref"), source.branch
    if isinstance(ref, str) and branch is not None and ref not in (branch, f"refs/heads/{branch}"):
        return f"the push is not to {branch}"
    return None


def _payload(body: bytearray) -> Mapping[str, Any]:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        is_form = body.startswith(_FORM_FIELD)
        hint = ": its content type must be application/json, set it for the webhook at the forge" if is_form else ""
        raise NoPayload(f"the body must be a JSON object{hint}")
    return payload
