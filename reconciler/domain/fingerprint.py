"""The fingerprint: what an approval is for (guarantee 2)."""

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.domain.canonical import digest

SCHEME = 1
"""Bump when the hashed form changes: older approvals then no longer fit, which is the safe side."""


def fingerprint(tenant: str, chatbot_id: str, body: Mapping[str, Any], ops: Sequence[Mapping[str, Any]]) -> str:
    """Hash who is written to, what is sent, and what that was seen to do.

    Args:
        tenant: The tenant's name.
        chatbot_id: The chatbot.
        body: The body to be sent.
        ops: The ops that are not noop, in order, without what moves by itself.

    Returns:
        64 hex digits.
    """
    return digest({"scheme": SCHEME, "tenant": tenant, "chatbot": chatbot_id, "body": body, "ops": list(ops)})
