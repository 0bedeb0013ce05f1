import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest

from reconciler.domain.entities import Trigger
from reconciler.ports import Job, JobKind
from tests.integration.web.conftest import OLD_SECRET, SECRET, House

pytestmark = pytest.mark.anyio

PUSH = json.dumps({"ref": "refs/heads/main", "after": "b" * 40}).encode()
URL = "/api/v1/webhooks/main"


def signed(body: bytes, secret: str = SECRET, event: str | None = "push") -> dict[str, Any]:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={signature}"} | ({"X-GitHub-Event": event} if event else {})
    return {"content": body, "headers": headers}


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
async def test_a_push_asks_for_one_shared_run(house: House, secret: str) -> None:
    async with house.client() as client:
        answers = [await client.post(URL, **signed(PUSH, secret)) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [202] * 3
    (run_id,) = {answer.json()["run_id"] for answer in answers}
    run = await house.store.queries.run(run_id)
    assert run is not None
    assert (run.trigger, run.full) == (Trigger.WEBHOOK, False)
    assert Job(JobKind.REFRESH, "main") in house.jobs.submitted


@pytest.mark.parametrize(
    ("body", "event"), [(b'{"zen": "Speak like a human."}', "ping"), (b'{"ref": "refs/heads/other"}', "push")]
)
async def test_a_ping_and_a_push_elsewhere_are_heard_and_ignored(house: House, body: bytes, event: str) -> None:
    async with house.client() as client:
        answer = await client.post(URL, **signed(body, event=event))

    assert (answer.status_code, answer.json()["accepted"], answer.json()["run_id"]) == (202, False, None)
    assert house.jobs.submitted == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hub-Signature-256": ""},
        {"X-Hub-Signature-256": "sha256=" + "0" * 64},
        {"X-Hub-Signature": "sha1=" + hmac.new(SECRET.encode(), PUSH, hashlib.sha1).hexdigest()},
        {"X-Gitlab-Token": SECRET},
        {"Authorization": "Bearer wzr_admin"},
    ],
)
async def test_what_is_not_proven_is_401_and_does_nothing(house: House, headers: dict[str, str]) -> None:
    async with house.client() as client:
        answer = await client.post(URL, content=PUSH, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert house.jobs.submitted == []


async def test_an_unproven_body_is_not_even_parsed(house: House) -> None:
    async with house.client() as client:
        assert (await client.post(URL, content=b"{")).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("X-Hub-Signature-256", "sha256=" + "0" * 63)],
        [("X-Hub-Signature-256", "0" * 64)],
        [("X-Hub-Signature-256", "sha256=" + "0" * 64)] * 2,
        [("X-Hub-Signature", "sha1=" + "0" * 40)],
    ],
)
async def test_without_a_signature_the_body_is_not_even_read(house: House, headers: list[tuple[str, str]]) -> None:
    read = []

    async def body() -> AsyncIterator[bytes]:
        read.append("a part")
        yield PUSH

    async with house.client() as client:
        answer = await client.post(URL, content=body(), headers=headers)

    assert (answer.status_code, answer.json()["code"], read) == (401, "unauthorized", [])


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"push"', b"null", b"[" * 100_000, b"\xff"])
async def test_a_proven_body_must_be_a_json_object(house: House, body: bytes) -> None:
    async with house.client() as client:
        answer = await client.post(URL, **signed(body))

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_body")


async def test_a_form_is_told_what_to_set_at_the_forge(house: House, caplog: pytest.LogCaptureFixture) -> None:
    body = urlencode({"payload": PUSH.decode()}).encode()
    delivery = signed(body)
    form = {**delivery["headers"], "Content-Type": "application/x-www-form-urlencoded"}
    async with house.client() as client:
        answer = await client.post(URL, content=body, headers=form)
        accepted = await client.post(
            URL, content=PUSH, headers={**signed(PUSH)["headers"], "Content-Type": "text/plain"}
        )

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_body")
    assert "content type must be application/json" in answer.json()["detail"]
    assert [getattr(record, "source", None) for record in caplog.records if "delivery" in record.message] == ["main"]
    assert accepted.status_code == 202, "a sender may name any type for what is JSON"


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ([], "the delivery carries no signature (X-Hub-Signature-256): set the source's webhook_secret"),
        ([("X-Gitlab-Token", SECRET)], "the delivery carries no signature"),
        ([("X-Hub-Signature", "sha1=" + "0" * 40)], "signed with SHA-1 only"),
        ([("X-Hub-Signature-256", "0" * 64)], "must be there once"),
        ([("X-Hub-Signature-256", "")], "must be there once"),
        ([("X-Hub-Signature-256", "sha256=" + "0" * 64)] * 2, "must be there once"),
        ([("X-Hub-Signature-256", "sha256=" + "0" * 64)], "does not fit the body and secret"),
    ],
)
async def test_what_is_not_proven_is_told_what_is_missing(
    house: House, headers: list[tuple[str, str]], detail: str
) -> None:
    async with house.client() as client:
        told = [
            (await client.post(URL, content=body, headers=headers)).json()["detail"]
            for body in (PUSH, b"payload=%7B%7D", b"x")
        ]

    assert detail in told[0]
    assert len(set(told)) == 1, "what a stranger is told depends on nothing but the headers"


@pytest.mark.parametrize("source", ["side", "none"])
async def test_a_source_without_a_secret_has_no_webhook(house: House, source: str) -> None:
    async with house.client() as client:
        answer = await client.post(f"/api/v1/webhooks/{source}", **signed(PUSH, ""))

    assert (answer.status_code, answer.json()["code"]) == (404, "webhook_not_configured")


async def test_a_delivery_may_be_larger_than_a_request_and_is_capped(house: House) -> None:
    limit = house.settings.webhook_body_limit
    large = json.dumps({"ref": "refs/heads/main", "pad": "x" * 2_000_000}).encode()
    async with house.client() as client:
        assert (await client.post(URL, **signed(large))).status_code == 202
        answer = await client.post(URL, content=b"x", headers={"Content-Length": str(limit + 1)})

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(("pad", "accepted"), [(1000, False), (20 * 1024 * 1024, True)])
async def test_whatever_a_very_large_delivery_says_it_means_look_now(house: House, pad: int, *, accepted: bool) -> None:
    body = json.dumps({"ref": "refs/heads/other", "pad": "x" * pad}).encode()
    async with house.client() as client:
        answer = await client.post(URL, **signed(body))

    assert (answer.status_code, answer.json()["accepted"]) == (202, accepted)
    assert (Job(JobKind.REFRESH, "main") in house.jobs.submitted) is accepted


async def test_failures_to_prove_never_lock_the_forge_out(house: House) -> None:
    async with house.client() as client:
        for _ in range(25):
            assert (await client.post(URL, content=PUSH)).status_code == 401
        assert (await client.post(URL, **signed(PUSH))).status_code == 202
