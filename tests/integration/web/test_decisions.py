import html

import pytest

from reconciler.domain.direction import DirectedOp
from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.plan import Action, Op
from reconciler.domain.status import Direction
from reconciler.ports import Job, JobKind
from tests.integration.web.conftest import House
from tests.support.records import a_plan

pytestmark = pytest.mark.anyio

SEEN = {"fingerprint": "f" * 64}


async def test_the_same_decision_again_answers_with_what_stands(house: House) -> None:
    async with house.client("wzr_approver") as client:
        first = await client.post("/api/v1/plans/plan_1/approve", json=SEEN | {"comment": "fine"})
        again = await client.post("/api/v1/plans/plan_1/approve", json=SEEN)

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json()["status"] == "Approved"
    assert [approval["comment"] for approval in again.json()["approvals"]] == ["fine"]


async def test_an_apply_is_202_and_200_once_it_stands(house: House) -> None:
    async with house.client("wzr_approver") as client:
        await client.post("/api/v1/plans/plan_1/approve", json=SEEN)
        first = await client.post("/api/v1/plans/plan_1/apply", json=SEEN)
        again = await client.post("/api/v1/plans/plan_1/apply", json=SEEN)
        apply = (await client.get(f"/api/v1/applies/{first.json()['id']}")).json()
        history = (await client.get("/api/v1/chatbots/bot_1/history")).json()["items"]

    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json() == again.json() == apply == history[0]["apply"]
    assert Job(JobKind.APPLY, apply["id"]) in house.jobs.submitted
    assert (apply["status"], apply["plan_id"], apply["finished_at"]) == ("Queued", "plan_1", None)


async def test_approving_may_start_the_apply(house: House) -> None:
    async with house.client("wzr_approver") as client:
        plan = (await client.post("/api/v1/plans/plan_1/approve", json=SEEN | {"apply": True})).json()
        apply = await client.get(f"/api/v1/applies/{plan['apply_id']}")

    assert apply.json()["requested_by"] == "approver"


async def test_an_approval_may_be_taken_back(house: House) -> None:
    async with house.client("wzr_approver") as client:
        await client.post("/api/v1/plans/plan_1/approve", json=SEEN)
        plan = (await client.post("/api/v1/plans/plan_1/revoke")).json()

    assert plan["status"] == "Pending"
    assert plan["approvals"][0]["revoked_at"] == "2026-03-01T12:00:00Z"


async def test_a_rejected_plan_is_closed(house: House) -> None:
    async with house.client("wzr_approver") as client:
        assert (await client.post("/api/v1/plans/plan_1/reject", json=SEEN)).json()["status"] == "Rejected"
        assert (await client.post("/api/v1/plans/plan_1/reject", json=SEEN)).status_code == 200
        answer = await client.post("/api/v1/plans/plan_1/approve", json=SEEN)

    assert (answer.status_code, answer.json()["code"]) == (409, "plan_closed")


async def test_deletes_need_the_override(house: House) -> None:
    async with house.store.begin() as uow:
        emptied = DirectedOp(Op("domains", Action.DELETE, "old.example", before={}), Direction.GIT_AHEAD)
        body = {"apiVersion": "v1", "kind": "ChatbotConfig", "prune": True, "spec": {"domains": []}}
        await uow.plans.add(a_plan("plan_3", chatbot_id="bot_3", ops=(emptied,), body=body))
    async with house.client("wzr_approver") as client:
        refused = await client.post("/api/v1/plans/plan_3/approve", json=SEEN)
        overrides = {"overrides": {"deletes": True, "reason": "they moved"}}
        passed = await client.post("/api/v1/plans/plan_3/approve", json=SEEN | overrides)

    assert (refused.status_code, refused.json()["code"]) == (409, "delete_override_required")
    assert (passed.json()["approvals"][0]["deletes"], passed.json()["approvals"][0]["reason"]) == (True, "they moved")


async def test_each_of_many_is_decided_by_itself(house: House) -> None:
    items = [
        {"plan_id": "plan_1", "fingerprint": "f" * 64},
        {"plan_id": "plan_2", "fingerprint": "0" * 64},
        {"plan_id": "none", "fingerprint": "0" * 64},
    ]
    async with house.client("wzr_approver") as client:
        answer = await client.post("/api/v1/plans/decide", json={"decision": "approve", "items": items})

    results = answer.json()["items"]
    assert [result["plan"] and result["plan"]["status"] for result in results] == ["Approved", None, None]
    assert [result["problem"] and result["problem"]["code"] for result in results] == [
        None,
        "fingerprint_mismatch",
        "not_found",
    ]


async def test_a_refresh_is_202_with_the_run_that_is_shared(house: House) -> None:
    async with house.client("wzr_operator") as client:
        first = await client.post("/api/v1/sources/main/refresh")
        again = await client.post("/api/v1/sources/main/refresh")

    assert (first.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert (first.json()["trigger"], first.json()["status"], first.json()["full"]) == ("manual", "Queued", True)


async def test_a_refresh_says_beforehand_what_it_takes(house: House) -> None:
    async with house.client("wzr_operator") as client:
        told = (await client.post("/api/v1/sources/main/refresh")).json()["full_pass"]
        page = (await client.get("/sources")).text
    assert (told["is_least"], told["share_of_day"]) == (True, told["calls"] / 50_000)
    assert told["text"].startswith(f"full pass: {told['calls']:,} call")
    assert told["text"].removeprefix("full pass: ") in html.unescape(page)


async def test_suspending_twice_is_once_and_shows(house: House) -> None:
    ask = {"scope": "source/main", "reason": "freeze"}
    async with house.client("wzr_operator") as client:
        first = await client.post("/api/v1/suspend", json=ask)
        again = await client.post("/api/v1/suspend", json=ask)
        shown = (await client.get("/api/v1/suspensions")).json()["items"]
        source = (await client.get("/api/v1/sources/main")).json()
        ended = await client.post("/api/v1/resume", json={"scope": "source/main"})
        nothing = await client.post("/api/v1/resume", json={"scope": "source/main"})

    assert first.json() == again.json() == shown[0]
    assert (source["state"], source["message"]) == ("Suspended", "the source main: freeze")
    assert ended.json()["ended_by"] == "operator"
    assert (nothing.status_code, nothing.json()) == (200, None)


async def test_a_suspension_whose_end_has_passed_is_refused_and_ends_no_other(house: House) -> None:
    ask = {"scope": "source/main", "reason": "freeze"}
    async with house.client("wzr_operator") as client:
        await client.post("/api/v1/suspend", json=ask)
        refused = await client.post("/api/v1/suspend", json=ask | {"until": house.clock.now().isoformat()})
        source = (await client.get("/api/v1/sources/main")).json()

    assert (refused.status_code, "it has passed" in refused.json()["detail"]) == (422, True)
    assert source["state"] == "Suspended"


async def test_shapes_are_those_of_the_design(house: House) -> None:
    plan = {
        "id", "chatbot_id", "tenant", "source", "path", "revision", "status", "reason", "message", "fingerprint",
        "prune", "summary", "direction", "requires", "approvals", "created_at", "expires_at", "apply_id",
    }  # fmt: skip
    shapes = {
        "/api/v1/plans/plan_1": plan | {"ops"},
        "/api/v1/chatbots/bot_1": {
            "id", "name", "tenant", "source", "path", "labels", "sync", "direction", "reason", "message", "plan_id",
            "revision", "last_applied_revision", "checked_at",
        },
        "/api/v1/runs/run_main": {
            "id", "source", "trigger", "revision", "status", "started_at", "finished_at", "counts", "diagnostics",
        },
        "/api/v1/sources/main": {
            "name", "tenant", "url", "branch", "state", "cause", "good_revision", "seen_revision", "last_run_id",
            "next_run_at",
        },
    }  # fmt: skip
    async with house.client("wzr_viewer") as client:
        for path, fields in shapes.items():
            assert fields <= set((await client.get(path)).json()), path
        body = (await client.get("/api/v1/plans/plan_1")).json()
    assert set(body["ops"][0]) == {
        "section", "action", "key", "before", "after", "changed_fields", "direction", "fields",
        "outcome",
    }  # fmt: skip
    assert body["summary"] == {"create": 0, "update": 1, "delete": 0, "noop": 3}
    assert (body["created_at"], body["status"]) == ("2026-03-01T12:00:00Z", PlanStatus.PENDING)


@pytest.mark.parametrize(("accept", "part"), [("text/plain", "Ace → Acme"), ("text/markdown", "```diff")])
async def test_a_plan_reads_as_text_and_markdown(house: House, accept: str, part: str) -> None:
    async with house.client("wzr_viewer") as client:
        answer = await client.get("/api/v1/plans/plan_1", headers={"Accept": accept})

    assert answer.headers["content-type"] == f"{accept}; charset=utf-8"
    assert part in answer.text
