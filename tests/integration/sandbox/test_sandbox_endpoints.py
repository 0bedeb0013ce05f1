"""The endpoints over a real socket: envelopes, the order of the checks, and what the journal says."""

import hashlib
from typing import Any

import httpx
import pytest

from api_client.models import ApplyResult, Error
from api_client.sandbox import ApiKey, SandboxControl, SandboxServer
from tests.fakes.clock import FakeClock
from tests.support.loopback import LOOPBACK

BOT = "bot_7f3a"


def document(spec: Any, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": spec, **fields}


def refused(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, Error.model_validate(response.json(), strict=True).error.code


def with_key(sandbox: SandboxServer, name: str, **rights: Any) -> dict[str, str]:
    sandbox.control.put_key(name, key=f"wpk_live_{name}", **rights)
    return {"Authorization": f"Bearer wpk_live_{name}"}


def test_a_chatbot_is_listed_and_shown_under_the_name_of_its_core(api: httpx.Client) -> None:
    listed = {bot["id"]: bot for bot in api.get("/chatbots").json()["chatbots"]}
    shown = api.get(f"/chatbots/{BOT}").json()["chatbot"]
    assert listed[BOT]["name"] == shown["name"] == "Acme Support Bot"


def test_every_refusal_has_the_envelope(api: httpx.Client) -> None:
    assert refused(api.get("/chatbots", headers={"Authorization": "Bearer wrong"})) == (401, "invalid_api_key")
    assert refused(api.get("/chatbots/none")) == (404, "not_found")
    assert refused(api.get("/chatbots/none/config")) == (404, "not_found")
    assert refused(api.post("/chatbots/none/apply", json=document({}))) == (404, "not_found")
    assert refused(api.post(f"/chatbots/{BOT}/apply", content=b"{")) == (400, "bad_request")
    assert refused(api.get("/nothing")) == (404, "not_found")
    assert refused(api.delete(f"/chatbots/{BOT}")) == (405, "bad_request")


def test_checks_come_in_one_order(sandbox: SandboxServer, api: httpx.Client) -> None:
    bad = document({"skills": [{"name": "a", "mode": "never"}]})
    headers = with_key(sandbox, "narrow", scopes=["chatbots:read"], chatbots=[], requests_per_minute=1)

    def apply(headers: dict[str, str]) -> tuple[int, str]:
        return refused(api.post("/chatbots/none/apply", json=bad, headers=headers))

    assert apply({"Authorization": "Bearer wrong"}) == (401, "invalid_api_key")
    assert apply(headers) == (403, "insufficient_scope")
    assert apply(headers) == (429, "rate_limited")
    assert apply(with_key(sandbox, "scoped", chatbots=[BOT])) == (403, "chatbot_not_in_key_scope")
    assert apply(with_key(sandbox, "free")) == (404, "not_found")
    assert refused(api.post(f"/chatbots/{BOT}/apply", json=bad)) == (400, "bad_request")


def test_the_missing_scope_is_named(sandbox: SandboxServer, api: httpx.Client) -> None:
    headers = with_key(sandbox, "reader", scopes=["chatbots:read", "skills:read"])
    body = document({"core": {}, "skills": []}, prune=False)
    path = f"/chatbots/{BOT}/apply"
    assert api.post(path, json=body, params={"dryRun": "true"}, headers=headers).status_code == 200
    response = api.post(path, json=body, headers=headers)
    assert refused(response) == (403, "insufficient_scope")
    assert response.json()["error"]["details"] == {"requiredScope": "chatbots:write"}
    domains = api.post(path, json=document({"domains": []}), params={"dryRun": "true"}, headers=headers)
    assert domains.json()["error"]["details"] == {"requiredScope": "domains:read"}


def test_a_key_sees_its_chatbots_and_its_sections(sandbox: SandboxServer, api: httpx.Client) -> None:
    headers = with_key(sandbox, "part", scopes=["chatbots:read", "skills:read"], chatbots=[BOT])
    assert [bot["id"] for bot in api.get("/chatbots", headers=headers).json()["chatbots"]] == [BOT]
    exported = api.get(f"/chatbots/{BOT}/config", headers=headers).json()
    assert set(exported["spec"]) == {"core", "scopes", "skills"}
    assert set(exported["_omittedSections"]) >= {"mcpServers", "domains", "telemetry"}
    assert api.get(f"/chatbots/{BOT}/config").json()["_omittedSections"] == []


def test_the_limits_say_when_to_come_back() -> None:
    clock = FakeClock()
    keys = [ApiKey(name="a", secret="wpk_live_a", requests_per_minute=2, daily_quota=3)]
    with SandboxServer(keys=keys, clock=clock.now) as server:

        def call() -> httpx.Response:
            headers = {"Authorization": f"Bearer {server.api_key}"}
            return httpx.get(f"{server.url}/api/v1/chatbots", headers=headers, **LOOPBACK)

        assert [call().status_code for _ in range(3)] == [200, 200, 429]
        clock.advance(30)
        limited = call()
        assert (refused(limited), limited.headers["retry-after"]) == ((429, "rate_limited"), "30")
        clock.advance(30)
        assert call().status_code == 200
        exceeded = call()
        assert refused(exceeded) == (429, "quota_exceeded")
        assert int(exceeded.headers["retry-after"]) == 12 * 3600 - 60


@pytest.mark.parametrize("query", ["dryRun=1", "dryRun=True", "dryRun=", "dryRun=true&dryRun=false"])
def test_an_unclear_dry_run_is_refused_and_writes_nothing(
    api: httpx.Client, control: SandboxControl, query: str
) -> None:
    response = api.post(f"/chatbots/{BOT}/apply?{query}", json=document({"core": {"name": "X"}}))
    assert refused(response) == (400, "bad_request")
    assert api.get(f"/chatbots/{BOT}").json()["chatbot"]["name"] == "Acme Support Bot"
    assert not any(write["took_effect"] for write in control.writes())


def test_field_errors_name_the_place(api: httpx.Client) -> None:
    response = api.post(f"/chatbots/{BOT}/apply", json=document({"skills": [{"name": "a", "mode": "never"}]}))
    (error,) = response.json()["error"]["details"]["fieldErrors"]
    assert error["path"] == "spec.skills.0.mode"
    assert "on_demand" in error["message"]


def test_a_dry_run_carries_the_plan_alone_and_changes_nothing(api: httpx.Client, control: SandboxControl) -> None:
    before = api.get(f"/chatbots/{BOT}").json()["chatbot"]["updatedAt"]
    response = api.post(f"/chatbots/{BOT}/apply?dryRun=true", json=document({"core": {"name": "X"}}))
    assert set(response.json()) == {"dryRun", "plan"}
    assert api.get(f"/chatbots/{BOT}").json()["chatbot"]["updatedAt"] == before
    assert control.writes() == []


def test_an_apply_answers_what_was_done_and_what_stands(api: httpx.Client) -> None:
    before = api.get(f"/chatbots/{BOT}").json()["chatbot"]["updatedAt"]
    body = document({"core": {"name": "X"}, "domains": [{"domain": "www.acme.example"}]})
    result = api.post(f"/chatbots/{BOT}/apply", json=body).json()
    ApplyResult.model_validate(result)
    assert result["applied"] == [
        {"section": "core", "action": "update"},
        {"section": "domains", "action": "delete", "key": "old.acme.example"},
        {"section": "domains", "action": "noop", "key": "www.acme.example", "noop": True},
    ]
    assert (result["dryRun"], result["failed"]) == (False, None)
    assert result["config"]["spec"]["domains"] == [{"domain": "www.acme.example"}]
    shown = api.get(f"/chatbots/{BOT}").json()["chatbot"]
    assert shown["name"] == "X"
    assert shown["updatedAt"] > before


def test_an_ordered_op_failure_is_a_true_422(api: httpx.Client, control: SandboxControl) -> None:
    control.add_fault("op_failure", section="domains", key="old.acme.example", code="dns_busy", message="Later.")
    body = document({"core": {"name": "X"}, "domains": []})
    assert api.post(f"/chatbots/{BOT}/apply?dryRun=true", json=body).status_code == 200
    response = api.post(f"/chatbots/{BOT}/apply", json=body)
    result = ApplyResult.model_validate(response.json())
    assert response.status_code == 422
    assert result.failed is not None
    assert (result.failed.code, result.failed.message, result.failed.status) == ("dns_busy", "Later.", 409)
    assert result.failed.op["key"] == "old.acme.example"
    assert [item.section for item in result.applied or []] == ["core"]
    (write,) = control.writes()
    assert (write["status"], write["took_effect"]) == (422, True)
    assert api.post(f"/chatbots/{BOT}/apply", json=body).status_code == 200


def test_the_journal_holds_every_request_and_every_write(api: httpx.Client, control: SandboxControl) -> None:
    body = b'{"apiVersion":"v1","kind":"ChatbotConfig","spec":{"core":{"name":"X"}}}'
    api.get("/chatbots")
    api.post(f"/chatbots/{BOT}/apply?dryRun=true", content=body)
    api.post(f"/chatbots/{BOT}/apply", content=body)
    api.post(f"/chatbots/{BOT}/apply", content=body)
    api.post("/chatbots/none/apply", content=b"not json")
    journal = control.journal()
    assert journal["counts"] == {"requests": 5, "reads": 1, "dry_runs": 1, "writes": 3}
    assert [entry["status"] for entry in journal["requests"]] == [200, 200, 200, 200, 404]
    assert [entry["dry_run"] for entry in journal["requests"]] == [None, True, False, False, False]
    assert {entry["key"] for entry in journal["requests"]} == {"default"}
    first, second, third = journal["writes"]
    assert first["body_sha256"] == hashlib.sha256(body).hexdigest()
    assert first["body"]["spec"] == {"core": {"name": "X"}}
    assert first["ops"] == [{"section": "core", "action": "update"}]
    assert [write["took_effect"] for write in (first, second, third)] == [True, False, False]
    assert third["body"] == "not json"
    assert control.journal(after=journal["requests"][-1]["seq"])["requests"] == []
    control.clear_journal()
    assert control.journal()["requests"] == []


def test_a_body_above_the_limit_is_refused(api: httpx.Client) -> None:
    response = api.post(f"/chatbots/{BOT}/apply?dryRun=true", content=b" " * (9 * 1024 * 1024))
    assert refused(response) == (413, "bad_request")


def test_the_values_of_keys_never_come_out(sandbox: SandboxServer, api: httpx.Client) -> None:
    with_key(sandbox, "hidden")
    api.get("/chatbots", headers={"Authorization": "Bearer wpk_live_hidden"})
    seen = f"{sandbox.control.state()}{sandbox.control.journal()}"
    assert "wpk_live_hidden" not in seen
    assert sandbox.api_key not in seen
