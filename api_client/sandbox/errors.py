"""Errors of the API and their envelope."""

from typing import Any


class ApiRefusal(Exception):
    """A request that the API answers with an error envelope.

    Args:
        status: The HTTP status.
        code: The stable error code of the contract, such as ``not_found``.
        message: One sentence for people.
        details: Structured context, such as the scope that is missing.
        headers: Further response headers, such as ``Retry-After``.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers = headers


def inner_error(code: str, message: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the object inside the envelope; ``details`` is left out when there is nothing to say."""
    error: dict[str, Any] = {"code": code, "message": message}
    return error if details is None else {**error, "details": details}


def not_found(subject: str) -> ApiRefusal:
    """Return the refusal for something that does not exist."""
    return ApiRefusal(404, "not_found", f"{subject} not found.")
