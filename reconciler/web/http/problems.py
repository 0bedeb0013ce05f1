"""Problem documents (RFC 9457) and the list of their codes."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, Self

from starlette.exceptions import HTTPException
from starlette.responses import Response

from reconciler.errors import Conflict, Forbidden, NotFound, ReconcilerError, SourceUnreadable, StoreError
from reconciler.web.http.root_path import outside

MEDIA_TYPE = "application/problem+json"
CLIENT_CLOSED_REQUEST: Final = 499
"""The status of a request whose client has hung up, for the log and the metrics, where others use it for the same."""


class Code(StrEnum):
    """The stable code of a problem, with its status and heading."""

    status: int
    heading: str

    def __new__(cls, value: str, status: int, heading: str) -> Self:
        """Make a code that carries its status and heading."""
        code = str.__new__(cls, value)
        code._value_ = value
        code.status = status
        code.heading = heading
        return code

    MALFORMED_BODY = "malformed_body", 400, "The body cannot be read"
    INVALID_CURSOR = "invalid_cursor", 400, "The cursor was not handed out here"
    HOST_NOT_ALLOWED = "host_not_allowed", 400, "The Host header is not allowed"
    BAD_REQUEST = "bad_request", 400, "The request cannot be understood"
    UNAUTHORIZED = "unauthorized", 401, "A valid credential is needed"
    FORBIDDEN = "forbidden", 403, "This is not allowed"
    CROSS_SITE = "cross_site", 403, "Another site sent this"
    LOGIN_REFUSED = "login_refused", 403, "Nobody was signed in"
    NOT_FOUND = "not_found", 404, "There is no such thing"
    WEBHOOK_NOT_CONFIGURED = "webhook_not_configured", 404, "The source has no webhook"
    METHOD_NOT_ALLOWED = "method_not_allowed", 405, "The method is not allowed here"
    NOT_ACCEPTABLE = "not_acceptable", 406, "No acceptable representation"
    BODY_TOO_SLOW = "body_too_slow", 408, "The body took too long"
    AMBIGUOUS_CHATBOT = "ambiguous_chatbot", 409, "Several tenants have this chatbot"
    FINGERPRINT_MISMATCH = "fingerprint_mismatch", 409, "The plan has another fingerprint"
    PLAN_CLOSED = "plan_closed", 409, "The plan is closed"
    PLAN_NOT_APPROVED = "plan_not_approved", 409, "The plan is not approved"
    DELETE_OVERRIDE_REQUIRED = "delete_override_required", 409, "The deletes need an override"
    PROTECTED = "protected", 409, "The plan touches what is protected"
    READ_ONLY = "read_only", 409, "The tenant has no write key"
    WRITE_KEY_REFUSED = "write_key_refused", 409, "WizChat refuses the tenant's write key"
    SUSPENDED = "suspended", 409, "Applies are suspended"
    SOURCE_UNKNOWN = "source_unknown", 409, "The source cannot be read or trusted"
    APPLY_IN_PROGRESS = "apply_in_progress", 409, "An apply is under way"
    CONCURRENT_CHANGE = "concurrent_change", 409, "Somebody else was faster"
    REVISION_NOT_SEEN = "revision_not_seen", 409, "The revision was not seen"
    NOTHING_TO_ACCEPT = "nothing_to_accept", 409, "There is nothing to accept"
    STILL_CONFIGURED = "still_configured", 409, "The settings still name it"
    STILL_CLAIMED = "still_claimed", 409, "A document still states the chatbot"
    CHATBOT_EXISTS = "chatbot_exists", 409, "WizChat still has the chatbot"
    TOKEN_NAME_TAKEN = "token_name_taken", 409, "A token of this name stands"
    CONFLICT = "conflict", 409, "This no longer fits what is"
    BODY_TOO_LARGE = "body_too_large", 413, "The body is too large"
    INVALID_REQUEST = "invalid_request", 422, "A field is missing or wrong"
    TOO_MANY_FAILURES = "too_many_failures", 429, "Too many failed authentications"
    TOO_MANY_STREAMS = "too_many_streams", 429, "Too many event streams of one person"
    HEADERS_TOO_LARGE = "headers_too_large", 431, "The headers are too large"
    INTERNAL_ERROR = "internal_error", 500, "Something went wrong"
    STORE_UNAVAILABLE = "store_unavailable", 503, "The database does not answer"
    NOT_READY = "not_ready", 503, "The service does not do its work"
    NO_STREAM_LEFT = "no_stream_left", 503, "No event stream is left"

    @classmethod
    def known(cls, value: str) -> "Code | None":
        """The code of this name, if there is one."""
        return next((code for code in cls if code.value == value), None)

    @classmethod
    def of_status(cls, status: int) -> "Code":
        """The general code of a status that a framework raised."""
        general = (
            cls.BAD_REQUEST, cls.UNAUTHORIZED, cls.FORBIDDEN, cls.NOT_FOUND, cls.METHOD_NOT_ALLOWED,
            cls.NOT_ACCEPTABLE, cls.CONFLICT, cls.BODY_TOO_LARGE, cls.INVALID_REQUEST, cls.TOO_MANY_FAILURES,
            cls.STORE_UNAVAILABLE,
        )  # fmt: skip
        fallback = cls.BAD_REQUEST if status < cls.INTERNAL_ERROR.status else cls.INTERNAL_ERROR
        return next((code for code in general if code.status == status), fallback)


class Problem(HTTPException):
    """An error of the web itself.

    It is an `HTTPException`, because FastAPI turns whatever else is raised while a body is read into a 400.
    """

    def __init__(self, code: Code, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(code.status, detail, dict(headers or {}))
        self.code = code
        self.more = more


def document(code: str, status: int, title: str, detail: str, **more: Any) -> dict[str, Any]:
    """Build a problem document."""
    return {
        "type": outside(f"/docs#problem-{code}"),
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        **more,
    }


def document_of(code: Code, detail: str, **more: Any) -> dict[str, Any]:
    """The problem document of a code."""
    return document(code, code.status, code.heading, detail, **more)


def answer(body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """A problem document as a response that nobody keeps."""
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    return Response(content, body["status"], {"cache-control": "no-store", **(headers or {})}, MEDIA_TYPE)


def of_problem(problem: Problem) -> Response:
    """The response of a problem."""
    return answer(document_of(problem.code, problem.detail, **problem.more), problem.headers)


def code_of_error(error: ReconcilerError) -> Code:
    """The code of an error that the program raised on purpose."""
    match error:
        case Conflict(code=code):
            return Code.known(code) or Code.CONFLICT
        case NotFound():
            return Code.NOT_FOUND
        case Forbidden():
            return Code.FORBIDDEN
        case SourceUnreadable():
            return Code.SOURCE_UNKNOWN
        case StoreError():
            return Code.STORE_UNAVAILABLE
        case _:
            return Code.INTERNAL_ERROR


def problem_of_error(error: ReconcilerError) -> dict[str, Any]:
    """The problem document of an error that the program raised on purpose."""
    code = code_of_error(error)
    if code is Code.CONFLICT and isinstance(error, Conflict):
        return document(error.code, code.status, code.heading, str(error))
    return document_of(code, str(error))
