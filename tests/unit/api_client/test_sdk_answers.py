"""What the clients make of each answer."""

import json
import logging
import pickle
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from api_client import (
    ApplyOutcomeUnknown,
    AsyncWizChatClient,
    WizChatApiError,
    WizChatClient,
    WizChatConnectionError,
    WizChatError,
    WizChatResponseError,
)
from tests.support.work import counted

KEY = "wpk_live_test_0123456789"
DOCUMENT: dict[str, Any] = {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {}}
PLAN = {"ops": [], "summary": {"create": 0, "update": 0, "delete": 0, "noop": 0}}
ENVELOPE = {"error": {"code": "internal_error", "message": "sorry", "details": {"a": 1}}}
HTML = b"<html>Bad Gateway</html>"
DEEP = b"[" * 200_000


@pytest.mark.parametrize("body", [ENVELOPE, ENVELOPE["error"]])
def test_an_envelope_is_read_with_and_without_its_wrapping(
    call: Callable[..., Any], script: Callable[..., Any], body: Any
) -> None:
    with pytest.raises(WizChatApiError) as caught:
        call("list_chatbots", transport=script(httpx.Response(500, json=body)).transport)
    error = caught.value
    assert (error.status, error.code, error.message, error.details) == (500, "internal_error", "sorry", {"a": 1})
    assert error.has_envelope


@pytest.mark.parametrize("body", [HTML, b"", b"[1]", b'{"error": "no"}', b'"x"', b"\xff\xfe\x00", DEEP])
def test_anything_else_is_named_by_its_status(
    call: Callable[..., Any], script: Callable[..., Any], body: bytes
) -> None:
    with pytest.raises(WizChatApiError) as caught:
        call("list_chatbots", transport=script(httpx.Response(403, content=body)).transport)
    assert caught.value.code == "http_403"
    assert not caught.value.has_envelope


@pytest.mark.parametrize(
    "body", [HTML, b"", b"[]", b"{}", b'{"chatbots": 1}', b'{"chatbots": [{"id": 1}]}', b"\xff\xfe\x00", DEEP]
)
def test_a_successful_answer_that_cannot_be_read_is_our_error(
    call: Callable[..., Any], script: Callable[..., Any], body: bytes
) -> None:
    sent = script(httpx.Response(200, content=body))
    with pytest.raises(WizChatResponseError):
        call("list_chatbots", transport=sent.transport)
    assert len(sent.requests) == 1, "reading it again would not help"


@pytest.mark.parametrize(
    ("method", "body", "message"),
    [
        ("list_chatbots", HTML, "the answer is not JSON"),
        ("list_chatbots", DEEP, "the answer is not JSON"),
        ("list_chatbots", b"[]", "the answer is not a JSON object"),
        ("list_chatbots", b'{"chatbots": {}}', "the answer breaks the contract at chatbots: it is not a list"),
        ("list_chatbots", b'{"chatbots": [5]}', "the answer breaks the contract at chatbots.0: "),
        ("get_chatbot", b"{}", "the answer breaks the contract at chatbot: "),
        ("get_chatbot", b'{"chatbot": {"id": "b"}}', "the answer breaks the contract at chatbot.name: Field required"),
        (
            "get_config",
            b'{"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {"core": 5}}',
            "the answer breaks the contract at spec.core: ",
        ),
    ],
)
def test_what_cannot_be_read_is_told(
    call: Callable[..., Any], script: Callable[..., Any], method: str, body: bytes, message: str
) -> None:
    args = () if method == "list_chatbots" else ("b",)
    with pytest.raises(WizChatResponseError) as caught:
        call(method, *args, transport=script(httpx.Response(200, content=body)).transport)
    assert str(caught.value).startswith(message)
    assert message.endswith(": ") or str(caught.value) == message


@pytest.mark.parametrize("status", [422, 429])
@pytest.mark.parametrize(
    ("method", "apply"),
    [
        ("list_chatbots", None),
        ("get_chatbot", None),
        ("get_config", None),
        ("apply_config", {"dry_run": True}),
        ("apply_config", {"dry_run": False}),
    ],
)
def test_every_call_reads_how_long_to_wait_from_a_date(
    call: Callable[..., Any], script: Callable[..., Any], method: str, apply: dict[str, Any] | None, status: int
) -> None:
    args = {"list_chatbots": (), "apply_config": ("b", DOCUMENT)}.get(method, ("b",))
    answer = httpx.Response(status, json=ENVELOPE, headers={"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"})
    with pytest.raises(WizChatApiError) as caught:
        call(method, *args, apply=apply, transport=script(answer).transport, max_retries=0)
    assert caught.value.retry_after == 0


def test_the_place_where_an_answer_breaks_the_contract_is_named(
    call: Callable[..., Any], script: Callable[..., Any]
) -> None:
    body = {"chatbots": [{"id": "a", "name": "b"}, {"id": "c", "name": 5}]}
    with pytest.raises(WizChatResponseError, match=r"chatbots\.1\.name"):
        call("list_chatbots", transport=script(httpx.Response(200, json=body)).transport)


def test_a_field_that_the_api_adds_tomorrow_is_kept(call: Callable[..., Any], script: Callable[..., Any]) -> None:
    op = {"section": "core", "action": "noop", "cost": 3}
    body = {"dryRun": True, "plan": {**PLAN, "ops": [op]}, "took": 1}
    result = call(
        "apply_config",
        "b",
        DOCUMENT,
        apply={"dry_run": True},
        transport=script(httpx.Response(200, json=body)).transport,
    )
    assert (result.model_extra, result.plan.ops[0].model_extra) == ({"took": 1}, {"cost": 3})


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_422_with_a_result_is_returned(
    call: Callable[..., Any], script: Callable[..., Any], *, dry_run: bool
) -> None:
    failed = {"op": {"section": "core"}, "status": 400, "code": "bad_request", "message": "no"}
    body = {"dryRun": False, "plan": PLAN, "applied": [], "failed": failed, "config": None, "new": 1}
    transport = script(httpx.Response(422, json=body)).transport
    result = call("apply_config", "b", DOCUMENT, apply={"dry_run": dry_run}, transport=transport)
    assert result.failed.code == "bad_request"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"error": {"code": "bad_request", "message": "m"}}', "bad_request"),
        (b'{"code": "bad_request", "message": "m"}', "bad_request"),
        (b'{"plan": 1}', "http_422"),
        (json.dumps({"dryRun": True, "plan": PLAN}).encode(), "http_422"),
        (b"[]", "http_422"),
        (b"5", "http_422"),
        (HTML, "http_422"),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_a_422_with_anything_else_is_a_refusal(
    call: Callable[..., Any], script: Callable[..., Any], body: bytes, code: str, *, dry_run: bool
) -> None:
    transport = script(httpx.Response(422, content=body)).transport
    with pytest.raises(WizChatApiError) as caught:
        call("apply_config", "b", DOCUMENT, apply={"dry_run": dry_run}, transport=transport)
    assert caught.value.code == code


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_an_apply_that_the_api_refused_is_answered(
    call: Callable[..., Any], script: Callable[..., Any], status: int
) -> None:
    sent = script(httpx.Response(status, json=ENVELOPE, headers={"Retry-After": "7"}))
    with pytest.raises(WizChatApiError) as caught:
        call("apply_config", "b", DOCUMENT, transport=sent.transport)
    assert (caught.value.status, caught.value.retry_after) == (status, 7.0)
    assert len(sent.requests) == 1, "a real apply is sent once"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=HTML),
        httpx.Response(200, json={"dryRun": False}),
        httpx.Response(200, content=b"x", headers={"Content-Encoding": "gzip"}),
        httpx.Response(204),
        httpx.Response(302, headers={"Location": "/elsewhere"}),
        httpx.Response(502, content=HTML),
        httpx.Response(500, json={"oops": True}),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut"),
        httpx.WriteError("broken"),
    ],
    ids=repr,
)
def test_an_apply_without_a_readable_answer_is_unknown_and_sent_once(
    call: Callable[..., Any], script: Callable[..., Any], answer: Any
) -> None:
    sent = script(answer)
    with pytest.raises(ApplyOutcomeUnknown, match="may or may not"):
        call("apply_config", "b", DOCUMENT, transport=sent.transport)
    assert len(sent.requests) == 1


def test_an_unknown_outcome_says_what_came_instead_of_an_answer(
    call: Callable[..., Any], script: Callable[..., Any]
) -> None:
    with pytest.raises(ApplyOutcomeUnknown, match="status 502 came without the API's error envelope"):
        call("apply_config", "b", DOCUMENT, transport=script(httpx.Response(502)).transport)


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), httpx.PoolTimeout("busy")], ids=repr
)
def test_an_apply_that_never_left_is_a_connection_error(
    call: Callable[..., Any], script: Callable[..., Any], error: Exception
) -> None:
    sent = script(error)
    with pytest.raises(WizChatConnectionError) as caught:
        call("apply_config", "b", DOCUMENT, transport=sent.transport)
    assert not caught.value.maybe_sent
    assert len(sent.requests) == 1, "sending it again is the caller's decision"


def test_the_key_is_in_no_repr_error_or_log(
    call: Callable[..., Any], script: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    errors: list[str] = []
    for answer in (httpx.Response(401, json=ENVELOPE), httpx.Response(200), httpx.ReadError("cut")):
        with pytest.raises(WizChatError) as caught:
            call("apply_config", "b", DOCUMENT, transport=script(answer).transport)
        errors.append(f"{caught.value!r} {caught.value} {caught.value.__cause__!r} {vars(caught.value)}")
    with WizChatClient(KEY) as client:
        shown = f"{client!r} {vars(client)} {vars(client._transport)} {AsyncWizChatClient(KEY)!r}"
    assert KEY not in f"{errors} {shown} {caplog.text}"


def test_a_closed_client_makes_no_call_not_even_a_real_apply() -> None:
    client = WizChatClient(KEY)
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.apply_config("b", DOCUMENT)


def test_an_api_error_survives_a_process_border() -> None:
    error = WizChatApiError(429, "quota_exceeded", "no more", {"requiredScope": "skills:write"}, retry_after=9.0)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert vars(copy) == vars(error)
    assert (copy.is_quota_exceeded, copy.required_scope, str(copy)) == (True, "skills:write", str(error))


def _many(ops: int) -> dict[str, Any]:
    """An answer to a dry run with so many ops."""
    skills = [{"section": "skills", "action": "create", "key": f"{number}", "after": {}} for number in range(ops)]
    return {"dryRun": True, "plan": {**PLAN, "ops": skills}}


@pytest.mark.anyio
async def test_a_large_answer_is_read_while_the_event_loop_does_something_else(script: Callable[..., Any]) -> None:
    lines = []
    for ops in (2_000, 20_000):
        async with AsyncWizChatClient(KEY, transport=script(httpx.Response(200, json=_many(ops))).transport) as client:
            with counted(1_000_000) as work:
                result = await client.apply_config("bot_1", DOCUMENT, dry_run=True)
        assert len(result.plan.ops) == ops
        lines.append(work.lines)
    assert lines[1] < 2 * lines[0], "lines of the event loop's thread"


def test_of_very_many_ops_the_one_that_is_wrong_is_named(call: Callable[..., Any], script: Callable[..., Any]) -> None:
    answer = _many(5_000)
    answer["plan"]["ops"][4_321]["section"] = "nonsense"
    with pytest.raises(ApplyOutcomeUnknown, match=r"at plan\.ops\.4321\.section"):
        call("apply_config", "bot_1", DOCUMENT, transport=script(httpx.Response(200, json=answer)).transport)


def test_an_answer_to_a_dry_run_is_read_when_it_is_asked_for(
    call: Callable[..., Any], script: Callable[..., Any]
) -> None:
    body = b'{"dryRun": true, "plan": {"ops": [], "summary": {"create": 0, "update": 0, "delete": 0, "noop": 0}}}'
    unreadable = script(httpx.Response(200, content=b"<html>"))
    answer = call("dry_run_answer", "bot_1", {}, transport=unreadable.transport)
    assert answer.content == b"<html>"
    with pytest.raises(WizChatResponseError, match="not JSON"):
        answer.result()
    answered = script(httpx.Response(200, content=body))
    answer = call("dry_run_answer", "bot_1", {}, transport=answered.transport)
    assert (answer.content, answer.result().dryRun) == (body, True)
    assert [str(request.url.query, "ascii") for request in answered.requests] == ["dryRun=true"]


def test_a_refusal_of_a_dry_run_is_raised_at_once(call: Callable[..., Any], script: Callable[..., Any]) -> None:
    with pytest.raises(WizChatApiError):
        call("dry_run_answer", "bot_1", {}, transport=script(httpx.Response(422, json={})).transport)
