"""Injected faults, seen from the other end of a real socket."""

from datetime import datetime, timedelta
from typing import Any

import anyio
import httpx
import pytest

from api_client.sandbox import SandboxControl, SandboxServer, create_app
from tests.support.loopback import LOOPBACK
from tests.support.waiting import wait_until

BOT = "bot_7f3a"
APPLY = f"/chatbots/{BOT}/apply"
RENAMED: dict[str, Any] = {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {"core": {"name": "Renamed"}}}


def name_of(api: httpx.Client) -> str:
    name: str = api.get(f"/chatbots/{BOT}").json()["chatbot"]["name"]
    return name


def test_a_drop_before_leaves_nothing_written(api: httpx.Client, control: SandboxControl) -> None:
    control.add_fault("drop_before", match={"dry_run": False})
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        api.post(APPLY, json=RENAMED)
    assert name_of(api) == "Acme Support Bot"
    (write,) = control.writes()
    assert (write["took_effect"], write["status"], write["fault"]) == (False, None, "drop_before")


def test_a_drop_after_leaves_it_written(api: httpx.Client, control: SandboxControl) -> None:
    control.add_fault("drop_after", match={"dry_run": False})
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        api.post(APPLY, json=RENAMED)
    assert name_of(api) == "Renamed"
    (write,) = control.writes()
    assert (write["took_effect"], write["status"]) == (True, None)


def test_a_held_write_takes_effect_when_it_is_let_go(api: httpx.Client, control: SandboxControl) -> None:
    control.add_fault("late_write")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        api.post(APPLY, json=RENAMED)
    assert name_of(api) == "Acme Support Bot"
    assert control.state()["held_writes"] == 1
    assert control.let_writes_go() == 1
    assert name_of(api) == "Renamed"
    assert control.writes()[0]["took_effect"]
    assert control.let_writes_go() == 0


def test_a_late_write_takes_effect_by_itself(api: httpx.Client, control: SandboxControl) -> None:
    control.add_fault("late_write", seconds=0.3)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        api.post(APPLY, json=RENAMED)
    wait_until(lambda: bool(control.writes()[0]["took_effect"]))
    (write,) = control.writes()
    waited = datetime.fromisoformat(write["effect_at"]) - datetime.fromisoformat(write["at"])
    assert waited >= timedelta(seconds=0.29)
    assert (write["status"], write["key"]) == (None, "default")
    assert name_of(api) == "Renamed"


def test_a_late_write_lets_reads_and_dry_runs_pass(api: httpx.Client, control: SandboxControl) -> None:
    control.add_fault("late_write", match={"path_contains": BOT})
    assert name_of(api) == "Acme Support Bot"
    assert api.post(f"{APPLY}?dryRun=true", json=RENAMED).status_code == 200


def test_a_truncated_answer_breaks_off_and_the_write_stands(api: httpx.Client, control: SandboxControl) -> None:
    control.add_fault("truncated", match={"method": "POST"})
    with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|without sending complete"):
        api.post(APPLY, json=RENAMED)
    assert name_of(api) == "Renamed"


def test_a_malformed_200_comes_after_the_write(api: httpx.Client, control: SandboxControl) -> None:
    control.add_fault("malformed", body="[]", match={"method": "POST"})
    response = api.post(APPLY, json=RENAMED)
    assert (response.status_code, response.json()) == (200, [])
    assert name_of(api) == "Renamed"


@pytest.mark.parametrize("after", [False, True])
def test_an_error_status_comes_before_or_after_the_write(
    api: httpx.Client, control: SandboxControl, *, after: bool
) -> None:
    control.add_fault("status", status=500, after=after, match={"dry_run": False})
    assert api.post(APPLY, json=RENAMED).json()["error"]["code"] == "internal_error"
    assert (name_of(api) == "Renamed") is after


def test_an_error_status_comes_in_three_envelopes(api: httpx.Client, control: SandboxControl) -> None:
    for envelope in ("full", "bare", "none"):
        control.add_fault("status", status=429, envelope=envelope, retry_after="7", message="Slow down.")
    full, bare, none = (api.get("/chatbots") for _ in range(3))
    assert full.json() == {"error": {"code": "rate_limited", "message": "Slow down."}}
    assert bare.json() == {"code": "rate_limited", "message": "Slow down."}
    assert none.content == b""
    assert {response.headers["retry-after"] for response in (full, bare, none)} == {"7"}


def test_an_html_page_is_html(api: httpx.Client, control: SandboxControl) -> None:
    control.add_fault("html")
    response = api.get("/chatbots")
    assert (response.status_code, response.headers["content-type"]) == (502, "text/html; charset=utf-8")


def test_latency_makes_an_answer_late(api: httpx.Client, control: SandboxControl) -> None:
    control.add_fault("latency", ms=150)
    answer = api.get("/chatbots")
    assert answer.status_code == 200
    assert answer.elapsed >= timedelta(seconds=0.15)


def test_latency_can_be_a_start_option() -> None:
    with SandboxServer(latency=0.1) as server:
        headers = {"Authorization": f"Bearer {server.api_key}"}
        answer = httpx.get(f"{server.url}/api/v1/chatbots", headers=headers, **LOOPBACK)
        assert answer.elapsed >= timedelta(seconds=0.1)


def test_an_unknown_field_is_in_every_answer_and_accepted_back(api: httpx.Client, control: SandboxControl) -> None:
    control.add_fault("extra_field", field="mood", value={"of": "today"}, times=None)
    listed = api.get("/chatbots").json()
    exported = api.get(f"/chatbots/{BOT}/config").json()
    assert "mood" in listed["chatbots"][0]
    assert "mood" in api.get(f"/chatbots/{BOT}").json()["chatbot"]
    assert "mood" in exported
    assert "mood" in exported["spec"]
    assert "mood" in exported["spec"]["skills"][0]
    exported.pop("_omittedSections")
    plan = api.post(f"{APPLY}?dryRun=true", json=exported).json()["plan"]
    assert "mood" in plan["ops"][0]
    assert {op["action"] for op in plan["ops"]} == {"noop"}
    control.clear_faults()
    assert api.post(f"{APPLY}?dryRun=true", json=exported).status_code == 400


def test_a_fault_meets_only_matching_requests_and_only_so_often(api: httpx.Client, control: SandboxControl) -> None:
    control.add_fault("status", times=2, match={"method": "get", "path_contains": "bot_90de"})
    assert api.get(f"/chatbots/{BOT}").status_code == 200
    statuses = [api.get("/chatbots/bot_90de").status_code for _ in range(3)]
    assert statuses == [503, 503, 200]
    control.add_fault("status", times=None)
    assert [api.get("/chatbots").status_code for _ in range(3)] == [503, 503, 503]
    control.clear_faults()
    assert api.get("/chatbots").status_code == 200


def test_a_fault_that_is_none_is_refused(control: SandboxControl) -> None:
    for kind, fields in (("nothing", {}), ("status", {"status": 499}), ("latency", {}), ("drop_before", {"tmes": 2})):
        with pytest.raises(httpx.HTTPStatusError, match="422"):
            control.add_fault(kind, **fields)


def test_without_a_socket_a_drop_is_a_connection_error() -> None:
    async def call() -> None:
        transport = httpx.ASGITransport(app=create_app())
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
            await client.post("/_sandbox/faults", json={"kind": "drop_before"})
            with pytest.raises(ConnectionError):
                await client.get("/api/v1/chatbots")

    anyio.run(call)
