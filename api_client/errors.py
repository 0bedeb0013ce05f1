"""The exceptions of the SDK. A wrong argument raises `ValueError`.

    WizChatError                    every error below
    ├── WizChatApiError             the API answered, and refused
    ├── WizChatConnectionError      no complete answer came
    ├── WizChatResponseError        an answer came that cannot be read
    └── ApplyOutcomeUnknown         a real apply may or may not have taken effect

No message, repr or attribute of these holds the API key.
"""

import json
from collections.abc import Mapping
from typing import Any, Protocol, Self


class WizChatError(Exception):
    """What all errors of the SDK have in common."""


class AnswerLike(Protocol):
    """What an error is read from: an `httpx.Response` is one."""

    @property
    def status_code(self) -> int:
        """The HTTP status."""

    @property
    def content(self) -> bytes:
        """The whole body."""


class WizChatApiError(WizChatError):
    """The API answered with a status that is no success.

    Attributes:
        status: HTTP status.
        code: The API's stable code, or `http_<status>` when the answer was not the API's error envelope.
        message: What went wrong, for people.
        details: More about it, such as which fields were refused.
        retry_after: Seconds that the server asked to wait, None when it did not say.
    """

    def __init__(
        self,
        status: int,
        code: str | None = None,
        message: str | None = None,
        details: dict[str, Any] | None = None,
        *,
        retry_after: float | None = None,
    ) -> None:
        self.status = status
        self.code = code or f"http_{status}"
        self.message = message or f"Request failed with status {status}"
        self.details = details
        self.retry_after = retry_after
        super().__init__(f"API error {self.status} [{self.code}]: {self.message}")

    def __reduce__(self) -> tuple[Any, ...]:
        # an exception is rebuilt from its one message otherwise, which is not what __init__ takes
        return type(self), (self.status, self.code, self.message, self.details), {"retry_after": self.retry_after}

    @property
    def is_quota_exceeded(self) -> bool:
        """Whether the daily quota is used up: a short wait does not help, and the SDK does not retry."""
        return self.code == "quota_exceeded"

    @property
    def has_envelope(self) -> bool:
        """Whether the API itself answered, and not something on the way to it."""
        return self.code != f"http_{self.status}"

    @property
    def required_scope(self) -> str | None:
        """The scope that the key lacks, when the API named it."""
        scope = (self.details or {}).get("requiredScope")
        return scope if isinstance(scope, str) else None

    @classmethod
    def from_response(cls, response: AnswerLike, *, retry_after: float | None = None) -> Self:
        """Read the refusal out of an answer: the error envelope, its bare inner object, or neither."""
        envelope = _envelope(response.content)
        code, message, details = (envelope.get(name) for name in ("code", "message", "details"))
        return cls(
            response.status_code,
            code if isinstance(code, str) else None,
            message if isinstance(message, str) else None,
            details if isinstance(details, dict) else None,
            retry_after=retry_after,
        )


class WizChatConnectionError(WizChatError):
    """No complete answer came: refused, timed out, or cut off.

    Attributes:
        maybe_sent: False when the request provably never reached the server.
    """

    def __init__(self, message: str, *, maybe_sent: bool = True) -> None:
        super().__init__(message)
        self.maybe_sent = maybe_sent


class WizChatResponseError(WizChatError):
    """A whole answer came, but it is not what the contract says: not JSON, missing fields, too large."""


class ApplyOutcomeUnknown(WizChatError):
    """A real apply was sent and no readable answer came back, so it may or may not have taken effect.

    The SDK does not send it again. Make a dry run of the same document: the ops that it still lists were not
    applied. A late write may still land, so wait a little before taking that for final.

    Attributes:
        chatbot_id: The chatbot that the apply was for.
    """

    def __init__(self, message: str, *, chatbot_id: str = "") -> None:
        super().__init__(message)
        self.chatbot_id = chatbot_id


def _envelope(content: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(body, dict):
        return {}
    inner = body.get("error")
    return inner if isinstance(inner, dict) else body
