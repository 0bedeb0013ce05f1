"""The protocol without I/O: which request a call is, what its answer means, and the course from one to the other.

`exchange` is the one course of events that both clients drive. It yields what is to be done (`Send`, `Read`, `Wait`),
is given what came of it, and returns the call's value or raises one of `errors`.
"""

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from api_client._retry import Retries, parse_retry_after, retry_wait
from api_client.errors import (
    ApplyOutcomeUnknown,
    WizChatApiError,
    WizChatConnectionError,
    WizChatError,
    WizChatResponseError,
)
from api_client.models import ApplyResult, ChatbotConfigDocument, Op, PublicChatbot

DEFAULT_MAX_ANSWER_BYTES: Final = 32 * 1024 * 1024

DocumentInput = ChatbotConfigDocument | Mapping[str, Any] | bytes
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """What goes over the wire, apart from base URL and key."""

    method: str
    target: str
    content: bytes | None = None
    own_connection: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    status_code: int
    content: bytes
    retry_after: str | None = None

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return HTTPStatus.OK <= self.status_code < HTTPStatus.MULTIPLE_CHOICES


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One call of the API: its request, how to read the answer, and the chatbot when it is a real apply."""

    request: Request
    read: Callable[[Answer, datetime], T]
    applies_to: str | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """Send this request and hand back its answer, or the error that came instead."""

    request: Request


@dataclass(frozen=True, slots=True)
class Wait:
    """Let this time pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """Find out what came of a request, and hand back its value or the error; it takes long where the answer is."""

    outcome: "Outcome | None"
    find_out: Callable[[], T]

    @property
    def size(self) -> int:
        """How many bytes are read."""
        return len(self.outcome.content) if isinstance(self.outcome, Answer) else 0

    def do(self) -> "Value[T] | WizChatError":
        """Find it out here."""
        try:
            return Value(self.find_out())
        except WizChatError as error:
            return error


@dataclass(frozen=True, slots=True)
class Value(Generic[T]):
    """What a call returns."""

    value: T


Step = Send | Read[Any] | Wait
Outcome = Answer | Value[Any] | WizChatError


def chatbot_path(chatbot_id: str) -> str:
    """The path of a chatbot, whose id is quoted as one segment.

    Raises:
        ValueError: The id is empty, `.` or `..`, which no quoting keeps a segment of its own.
    """
    if chatbot_id in {"", ".", ".."}:
        raise ValueError(f"chatbot_id {chatbot_id!r} names no chatbot: give the id that list_chatbots() shows")
    return f"/api/v1/chatbots/{quote(chatbot_id, safe='')}"


def list_call() -> Call[list[PublicChatbot]]:
    """List all chatbots."""
    return Call(Request("GET", "/api/v1/chatbots"), _read_chatbots)


def get_call(chatbot_id: str) -> Call[PublicChatbot]:
    """Read one chatbot."""
    return Call(Request("GET", chatbot_path(chatbot_id)), _read_chatbot)


def config_call(chatbot_id: str) -> Call[ChatbotConfigDocument]:
    """Export one chatbot's configuration."""
    return Call(Request("GET", f"{chatbot_path(chatbot_id)}/config"), _read_config)


def apply_call(chatbot_id: str, document: DocumentInput, *, dry_run: bool, prune: bool | None) -> Call[ApplyResult]:
    """Dry-run or apply a document. A real apply gets a connection of its own: a dead one would look unknown."""
    target = f"{chatbot_path(chatbot_id)}/apply{'?dryRun=true' if dry_run else ''}"
    content = encoded_document(document, prune=prune)
    if dry_run:
        return Call(Request("POST", target, content), _read_dry_run)
    return Call(Request("POST", target, content, own_connection=True), _read_apply, applies_to=chatbot_id)


def dry_run_call(chatbot_id: str, document: DocumentInput) -> "Call[DryRunAnswer]":
    """Dry-run a document, and leave the answer to be read later."""
    request = Request("POST", f"{chatbot_path(chatbot_id)}/apply?dryRun=true", encoded_document(document, prune=None))
    return Call(request, DryRunAnswer.of)


def encoded_document(document: DocumentInput, *, prune: bool | None) -> bytes:
    """The body of an apply; bytes are taken as they are."""
    if isinstance(document, bytes):
        if prune is not None:
            raise ValueError("prune cannot be set on an encoded document: put it into the bytes")
        return document
    body = document_body(document)
    if prune is not None:
        body["prune"] = prune
    # the very form that httpx gives to JSON, so that the bytes are those of the official SDK
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def document_body(document: ChatbotConfigDocument | Mapping[str, Any]) -> dict[str, Any]:
    """What of a document is sent: JSON values, without `dryRun` and `_omittedSections`.

    A model gives up its null fields, except those inside free objects such as `core`; fields that it does not know
    but the server sent are kept as they came. A mapping is taken as it is. Neither is changed.
    """
    if isinstance(document, ChatbotConfigDocument):
        body = document.model_dump(mode="json", by_alias=True, exclude_none=True)
        _restore_unknown(body, document)
    else:
        body = dict(document)
    for name in ("dryRun", "_omittedSections"):
        body.pop(name, None)
    return body


def _restore_unknown(body: dict[str, Any], model: BaseModel) -> None:
    """Put back the unknown fields, which pydantic reads into strict models but does not write out of them."""
    for name, stated in type(model).model_fields.items():
        value = getattr(model, name)
        written = body.get(stated.alias or name)
        pairs = zip(written, value, strict=True) if isinstance(value, list) and written else [(written, value)]
        for inner_body, inner in pairs:
            if isinstance(inner, BaseModel) and isinstance(inner_body, dict):
                _restore_unknown(inner_body, inner)
    for name, value in (model.__pydantic_extra__ or {}).items():
        body[name] = to_jsonable_python(value)


def exchange(call: Call[T], retries: Retries) -> Generator[Step, Outcome | None, T]:
    """The course of one call, from the first request to its value or its error."""
    attempt = 0
    while True:
        outcome = yield Send(call.request)
        attempt += 1
        read = yield Read(outcome, partial(_value, call, outcome, retries.now()))
        if isinstance(read, Value):
            value: T = read.value
            return value
        error = read if isinstance(read, WizChatError) else WizChatResponseError("the answer was not read")
        wait = None if call.applies_to is not None else retry_wait(error, attempt, retries)
        if wait is None:
            raise error
        if retries.on_retry is not None:
            retries.on_retry(attempt, wait, error)
        yield Wait(wait)


def _value(call: Call[T], outcome: Outcome | None, now: datetime) -> T:
    """What the outcome means; for a real apply, what is neither an answer nor provably not sent is unknown."""
    try:
        if isinstance(outcome, Answer):
            return call.read(outcome, now)
        raise outcome if isinstance(outcome, WizChatError) else WizChatConnectionError("no answer was handed over")
    except (WizChatConnectionError, WizChatResponseError) as error:
        if call.applies_to is None or (isinstance(error, WizChatConnectionError) and not error.maybe_sent):
            raise
        raise ApplyOutcomeUnknown(
            f"the apply of chatbot {call.applies_to!r} may or may not have taken effect: {error}. "
            "It was not sent again; a dry run of the same document shows what is left to do",
            chatbot_id=call.applies_to,
        ) from error


def _refusal(answer: Answer, now: datetime) -> WizChatApiError:
    return WizChatApiError.from_response(answer, retry_after=parse_retry_after(answer.retry_after, now))


def _json_object(answer: Answer, now: datetime) -> dict[str, Any]:
    """The body of a successful answer."""
    if not answer.is_success:
        raise _refusal(answer, now)
    try:
        body = json.loads(answer.content)
    except (ValueError, RecursionError):
        raise WizChatResponseError("the answer is not JSON") from None
    if not isinstance(body, dict):
        raise WizChatResponseError("the answer is not a JSON object")
    return body


M = TypeVar("M", bound=BaseModel)


def _model(kind: type[M], value: Any, where: str) -> M:
    """Read a model and keep what it does not know: a field that the API adds tomorrow must not break today's code."""
    try:
        return kind.model_validate(value, extra="allow")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        path = ".".join(str(part) for part in (where, *first["loc"]) if part != "")
        raise WizChatResponseError(f"the answer breaks the contract at {path or 'its top'}: {first['msg']}") from None


def _read_chatbots(answer: Answer, now: datetime) -> list[PublicChatbot]:
    items = _json_object(answer, now).get("chatbots")
    if not isinstance(items, list):
        raise WizChatResponseError("the answer breaks the contract at chatbots: it is not a list")
    return [_model(PublicChatbot, item, f"chatbots.{index}") for index, item in enumerate(items)]


def _read_chatbot(answer: Answer, now: datetime) -> PublicChatbot:
    return _model(PublicChatbot, _json_object(answer, now).get("chatbot"), "chatbot")


def _read_config(answer: Answer, now: datetime) -> ChatbotConfigDocument:
    return _model(ChatbotConfigDocument, _json_object(answer, now), "")


def _read_dry_run(answer: Answer, now: datetime) -> ApplyResult:
    if answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY:
        return _partial_failure(answer, now)
    return _model(ApplyResult, _with_ops(_json_object(answer, now)), "")


def _with_ops(body: dict[str, Any]) -> dict[str, Any]:
    """An answer with its ops read one by one: while one call reads, no other thread runs, and there may be thousands.

    Where an op is not as it should be, the answer is left as it is: read as a whole, it says where.
    """
    plan = body.get("plan")
    ops = plan.get("ops") if isinstance(plan, dict) else None
    if not isinstance(plan, dict) or not isinstance(ops, list):
        return body
    try:
        return {**body, "plan": {**plan, "ops": [Op.model_validate(op, extra="allow") for op in ops]}}
    except ValidationError:
        return body


def _read_apply(answer: Answer, now: datetime) -> ApplyResult:
    """As a dry run's answer, but a status that the API did not explain says nothing about what was written."""
    by_the_api = answer.is_success or _refusal(answer, now).has_envelope
    is_client_error = HTTPStatus.BAD_REQUEST <= answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
    if not by_the_api and not is_client_error:
        raise WizChatResponseError(f"status {answer.status_code} came without the API's error envelope")
    return _read_dry_run(answer, now)


@dataclass(frozen=True, slots=True)
class DryRunAnswer:
    """What a dry run was answered, to be read only by those who do not know it yet.

    Attributes:
        content: The bytes that came; equal ones say the same.
    """

    content: bytes
    _read: Callable[[], ApplyResult] = field(repr=False, compare=False)

    @classmethod
    def of(cls, answer: Answer, now: datetime) -> "DryRunAnswer":
        """An answer with a plan; a refusal is raised at once.

        Raises:
            WizChatApiError: The API refused.
        """
        if answer.is_success:
            return cls(answer.content, lambda: _read_dry_run(answer, now))
        result = _read_dry_run(answer, now)
        return cls(answer.content, lambda: result)

    def result(self) -> ApplyResult:
        """Read it.

        Raises:
            WizChatResponseError: It cannot be read.
        """
        return self._read()


def _partial_failure(answer: Answer, now: datetime) -> ApplyResult:
    """A 422 is a result when it looks like one and says what failed, and a refusal otherwise."""
    refusal = _refusal(answer, now)
    try:
        body = json.loads(answer.content)
        result = None if "error" in body else ApplyResult.model_validate(body, extra="allow")
    except (ValueError, TypeError, RecursionError):
        raise refusal from None
    if result is None or result.failed is None:
        raise refusal
    return result
