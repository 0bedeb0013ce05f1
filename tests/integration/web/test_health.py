from dataclasses import replace

import pytest

from reconciler.domain.status import Reason, Sync
from reconciler.domain.tenant import NOT_ASKED, TenantRecord, TenantState
from reconciler.domain.write_key import MissingRight, WriteKey, WriteKeyState, write_key_sentence
from reconciler.engine.clock_health import ClockWatch, TickHealth
from reconciler.web.app import create_app
from reconciler.web.fleet.fleet_status import fleet_status
from reconciler.web.monitoring.vitals import Activity, Vitals
from tests.fakes.clock import START
from tests.integration.web.conftest import House
from tests.support.defaults import tenant_binding
from tests.support.records import a_chatbot

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_probes_need_no_token_and_no_name(house: House, path: str) -> None:
    async with house.client() as client:
        answer = await client.get(path, headers={"Host": "10.1.2.3:8080"})

    assert answer.status_code == 200


async def test_a_tick_that_does_not_run_is_said_by_readiness_and_metrics(house: House) -> None:
    vitals = Vitals(TickHealth(house.clock, 5.0), ClockWatch(house.clock))
    app = create_app(house.engine, settings=house.settings, vitals=vitals)
    async with house.client(app=app) as client:
        house.clock.advance(15)
        assert (await client.get("/readyz")).status_code == 200
        house.clock.jump(-86_400)
        house.clock.advance(1)
        vitals.clock_watch.check()
        vitals.connections.doing[Activity.IDLE] += 2
        vitals.connections.closed["address"] += 1
        answer = await client.get("/readyz")
        metrics = (await client.get("/metrics")).text
        assert (await client.get("/healthz")).status_code == 200
        vitals.ticks.record_tick()
        assert (await client.get("/readyz")).status_code == 200

    assert answer.status_code == 503
    assert answer.json()["code"] == "not_ready"
    assert "the tick last ran 16 s ago" in answer.json()["detail"]
    assert "reconciler_tick_age_seconds 16.0" in metrics
    assert "reconciler_clock_jumps_total 1.0" in metrics
    assert 'reconciler_connections{activity="idle"} 2.0' in metrics
    assert 'reconciler_connections_closed_total{full="address"} 1.0' in metrics


async def test_metrics_count_the_fleet_without_naming_a_chatbot(house: House) -> None:
    async with house.store.begin() as uow:
        await uow.chatbots.add(a_chatbot("bot_9", sync=Sync.OUT_OF_SYNC, reason=Reason.READ_ONLY))
    async with house.client("wzr_wrong") as client:
        await client.get("/api/v1/status")
        text = (await client.get("/metrics")).text

    for line in (
        'reconciler_chatbots_by_sync{sync="OutOfSync"} 1.0',
        'reconciler_chatbots_by_reason{reason="ReadOnly"} 1.0',
        'reconciler_open_plans{status="Pending"} 2.0',
        'reconciler_source_state{source="main",state="Ready"} 1.0',
        'reconciler_api_calls_today{tenant="acme"} 7.0',
        'reconciler_api_calls_per_minute_allowed{tenant="acme"} 600.0',
        'reconciler_api_calls_refused_total{tenant="acme"} 0.0',
        "reconciler_auth_failures_total 1.0",
        'reconciler_http_requests_total{method="GET",route="/api/v1/status",status="401"} 1.0',
    ):
        assert line in text
    assert "bot_" not in text
    assert "wzr_" not in text


async def test_the_status_sums_up_the_fleet(house: House) -> None:
    async with house.store.begin() as uow:
        await uow.chatbots.add(a_chatbot("bot_8", reason=Reason.UNMANAGED))
        await uow.chatbots.add(a_chatbot("bot_9", reason=Reason.ORPHANED))
    async with house.client("wzr_viewer") as client:
        status = (await client.get("/api/v1/status")).json()

    assert status["version"] == "1.2.3"
    assert status["chatbots"] == {
        "total": 5,
        "unmanaged": 1,
        "orphaned": 1,
        "sync": {"Synced": 0, "OutOfSync": 0, "Unknown": 5},
        "direction": {"InSync": 0, "GitAhead": 0, "LiveAhead": 0, "Diverged": 0, "Unknown": 5},
        "reason": {"NotChecked": 3, "Unmanaged": 1, "Orphaned": 1},
    }
    assert status["open_plans"]["status"]["Pending"] == status["open_plans"]["total"] == 2
    assert [run["id"] for run in status["last_runs"]] == ["run_main", "run_side"]
    (told,) = status["tenants"]
    key = told.pop("write_key")
    shortcut = {"shortcut_off_since": None, "shortcut_off_reason": None}
    assert told == {"name": "acme", "state": None, "cause": NOT_ASKED, "since": None, **shortcut}
    assert (key["state"], key["since"], key["missing"]) == (None, None, [])
    full_pass = status["budgets"][0].pop("full_pass")
    assert (full_pass["is_least"], full_pass["calls"] >= 2) == (True, True)
    assert status["budgets"][0] == {
        "tenant": "acme",
        "requests_per_minute": 600,
        "daily_budget": 50_000,
        "used_today": 7,
        "whole": True,
        "blocked_until": None,
        "slowed_to": None,
    }


async def test_a_tenant_that_cannot_be_used_is_told_and_never_makes_the_service_unready(house: House) -> None:
    cause = "WizChat refused the API key: put a valid key in api_key"
    async with house.store.begin() as uow:
        await uow.tenants.add(TenantRecord(name="acme", state=TenantState.UNAUTHORIZED, cause=cause, since=START))
    async with house.client("wzr_viewer") as client:
        status = (await client.get("/api/v1/status")).json()
        ready = await client.get("/readyz")
        metrics = (await client.get("/metrics")).text

    (told,) = status["tenants"]
    assert (told["state"], told["cause"], told["since"]) == ("Unauthorized", cause, "2026-03-01T12:00:00Z")
    assert ready.status_code == 200
    assert 'reconciler_tenant_state{state="Unauthorized",tenant="acme"} 1.0' in metrics
    assert 'reconciler_tenant_state{state="Ready",tenant="acme"} 0.0' in metrics


async def test_what_is_known_of_a_write_key_is_told(house: House) -> None:
    missing = MissingRight(scope="skills:write", sections=("skills",), since=START)
    key = WriteKey(key_id="key_1", state=WriteKeyState.REFUSED, since=START, missing=(missing,))
    async with house.store.begin() as uow:
        await uow.tenants.add(TenantRecord(name="acme", state=TenantState.READY, cause=None, write_key=key))
    async with house.client("wzr_viewer") as client:
        (told,) = (await client.get("/api/v1/status")).json()["tenants"]
        metrics = (await client.get("/metrics")).text

    assert told["write_key"] == {
        "state": "Refused",
        "since": "2026-03-01T12:00:00Z",
        "message": write_key_sentence("acme", key),
        "missing": [
            {
                "scope": "skills:write",
                "sections": ["skills"],
                "chatbot_id": None,
                "since": "2026-03-01T12:00:00Z",
                "message": missing.sentence("acme"),
            }
        ],
    }
    assert "key_1" not in str(told)
    assert 'reconciler_write_key_state{state="Refused",tenant="acme"} 1.0' in metrics
    assert 'reconciler_write_key_state{state="Accepted",tenant="acme"} 0.0' in metrics
    assert 'reconciler_write_key_missing_rights{tenant="acme"} 1.0' in metrics


async def test_a_tenant_without_a_write_key_tells_of_none(house: House) -> None:
    key = WriteKey(key_id="an earlier one", state=WriteKeyState.REFUSED)
    async with house.store.begin() as uow:
        await uow.tenants.add(TenantRecord(name="acme", write_key=key))
    engine = replace(house.engine, tenants={"acme": tenant_binding("acme", house.tenant, read_only=True)})
    assert [each.write_key for each in (await fleet_status(engine)).tenants] == [None]


async def test_a_chatbot_that_the_write_key_may_not_use_is_named_to_who_may_see_it(house: House) -> None:
    key = WriteKey(missing=tuple(MissingRight(chatbot_id=bot, since=START) for bot in ("bot_1", "bot_0")))
    async with house.store.begin() as uow:
        await uow.tenants.add(TenantRecord(name="acme", write_key=key))
        await uow.chatbots.add(a_chatbot("bot_0", source="elsewhere"))
    for visible, named in ((("main",), ["bot_1"]), (None, ["bot_1", "bot_0"])):
        (tenant,) = (await fleet_status(house.engine, visible)).tenants
        assert tenant.write_key is not None
        assert [right.chatbot_id for right in tenant.write_key.missing] == named


async def test_who_may_see_no_source_of_a_tenant_is_told_nothing_of_it(house: House) -> None:
    engine = replace(house.engine, tenants={**house.engine.tenants, "other": house.engine.tenants["acme"]})
    for visible, told in ((("main",), ["acme"]), ((), []), (None, ["acme", "other"])):
        assert [each.name for each in (await fleet_status(engine, visible)).tenants] == told


async def test_every_answer_carries_the_security_headers(house: House) -> None:
    async with house.client("wzr_viewer") as client:
        for path in ("/healthz", "/api/v1/plans", "/nowhere", "/login", "/docs", "/static/page.css"):
            headers = (await client.get(path)).headers
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"
            assert headers["x-request-id"]


async def test_the_log_holds_neither_tokens_nor_query_strings(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "reconciler")
    async with house.client("wzr_viewer") as client:
        await client.get("/api/v1/chatbots?q=private")
        await client.post("/login", data={"token": "wzr_viewer"})

    logged = [record.__dict__ for record in caplog.records if record.name.startswith("reconciler")]
    assert [(said["method"], said["path"], said["status"], said["token"]) for said in logged] == [
        ("GET", "/api/v1/chatbots", 200, "viewer"),
        ("POST", "/login", 303, None),
    ]
    assert "wzr_" not in str(logged)
    assert "private" not in str(logged)
