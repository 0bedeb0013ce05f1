"""Forgetting on the dashboard: what is gone has a form, for admins of everything, that says what goes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from reconciler.domain.access import Role
from reconciler.domain.audit import AuditEntry
from reconciler.domain.entities import SourceState
from reconciler.domain.status import Reason
from reconciler.domain.tenant import TenantRecord
from reconciler.errors import SourceCause
from tests.integration.web.conftest import House
from tests.support.records import a_chatbot, a_document, a_source

pytestmark = pytest.mark.anyio

NASTY = "<script>alert(1)</script>"
YES = {"reason": "gone for good", "confirm": "yes"}
OWN = {"Origin": "http://127.0.0.1:8080"}
SOURCE, TENANT, GHOST = "/sources/gone/forget", "/tenants/left/forget", "/chatbots/acme/ghost/forget"


@pytest.fixture
async def left(house: House) -> House:
    """A house with a source and a tenant that left the settings, and a chatbot that no document states."""
    async with house.store.begin() as uow:
        await uow.sources.add(a_source("gone", state=SourceState.UNKNOWN, cause=SourceCause.NOT_CONFIGURED))
        await uow.tenants.add(TenantRecord(name="left"))
        await uow.chatbots.add(a_chatbot("lost", tenant="left"))
        await uow.chatbots.add(a_chatbot("ghost", source=None, fault=Reason.ORPHANED))
        for bot in ("old_1", "old_2"):
            await uow.chatbots.add(a_chatbot(bot, source="gone", plan_id="plan_old" if bot == "old_1" else None))
        await uow.documents.replace("gone", [a_document("old_1", source="gone")])
    await house.add_token("some", Role.ADMIN, ("main", "gone"))
    return house


@asynccontextmanager
async def signed_in(house: House, name: str = "admin") -> AsyncIterator[httpx.AsyncClient]:
    async with house.client() as client:
        client.headers.update(OWN)
        answer = await client.post("/login", data={"token": f"wzr_{name}"})
        assert answer.status_code == 303
        yield client


async def decided(house: House) -> list[AuditEntry]:
    async with house.store.read() as uow:
        return [entry async for entry in uow.audit.entries() if entry.action.endswith(".forget")]


async def test_what_is_gone_can_be_forgotten_and_the_form_says_what_goes(left: House) -> None:
    async with signed_in(left) as client:
        sources = (await client.get("/sources")).text
        ghost = (await client.get("/chatbots/acme/ghost")).text
    assert f'action="{SOURCE}"' in sources
    assert "its documents and its suspensions" in sources
    assert "1 open plan, as stale" in sources
    assert "its hold on 2 chatbots" in sources
    assert f'action="{TENANT}"' in sources
    assert "1 chatbot, and what both sides last agreed on" in sources
    assert f'action="{GHOST}"' in ghost
    for kept in ("/sources/main/forget", "/tenants/acme/forget"):
        assert kept not in sources


@pytest.mark.parametrize("bot", ["bot_1", "seen"])
async def test_what_is_stated_or_there_has_no_form(left: House, bot: str) -> None:
    async with left.store.begin() as uow:
        await uow.chatbots.add(a_chatbot("seen", source=None, fault=Reason.UNMANAGED, reason=Reason.UNMANAGED))
        await uow.documents.replace("main", [a_document("bot_1")])
    async with signed_in(left) as client:
        page = await client.get(f"/chatbots/acme/{bot}")
    assert page.status_code == 200
    assert "/forget" not in page.text


@pytest.mark.parametrize(
    ("path", "back", "subject"),
    [
        (SOURCE, "/sources", "source/gone"),
        (TENANT, "/sources", "tenant/left"),
        (GHOST, "/", "chatbot/ghost"),
    ],
)
async def test_a_form_forgets_as_the_api_does(left: House, path: str, back: str, subject: str) -> None:
    async with signed_in(left) as client:
        answer = await client.post(path, data=YES)
        again = await client.post(path, data=YES)
        sources = (await client.get("/sources")).text
    assert (answer.status_code, answer.headers["location"]) == (303, back)
    assert again.status_code == 404
    assert (f'action="{path}"' in sources) is False
    (done,) = await decided(left)
    assert (done.actor, done.subject, done.detail["reason"]) == ("admin", subject, "gone for good")


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"reason": f"my words {NASTY}"}, "check the box that says what goes"),
        ({"reason": f"my words {NASTY}", "confirm": "no"}, "check the box that says what goes"),
        ({"confirm": "yes"}, "correct these fields: reason"),
        ({"reason": "  ", "confirm": "yes"}, "correct these fields: reason"),
    ],
)
@pytest.mark.parametrize("path", [SOURCE, TENANT, GHOST])
async def test_nothing_goes_without_a_reason_and_a_yes(left: House, path: str, form: dict[str, str], says: str) -> None:
    async with signed_in(left) as client:
        answer = await client.post(path, data=form)
    assert answer.status_code == 422
    assert says in answer.text
    assert f'action="{path}"' in answer.text
    assert "<script>alert" not in answer.text
    assert ("my words" in answer.text) is ("my words" in form.get("reason", ""))
    async with left.store.read() as uow:
        assert await uow.sources.get("gone") is not None
        assert await uow.tenants.get("left") is not None
        assert await uow.chatbots.get("acme", "ghost") is not None


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/sources/main/forget", "take it out of [[sources]]"),
        ("/tenants/acme/forget", "take it out of [[tenants]]"),
    ],
)
async def test_what_is_still_configured_is_refused_with_what_was_typed(left: House, path: str, says: str) -> None:
    async with signed_in(left) as client:
        answer = await client.post(path, data={**YES, "reason": "my words"})
    assert answer.status_code == 409
    assert says in answer.text
    assert "my words" in answer.text


@pytest.mark.parametrize("who", ["viewer", "operator", "approver", "some"])
async def test_who_may_not_forget_is_told_why_and_nothing_of_what_would_go(left: House, who: str) -> None:
    async with signed_in(left, who) as client:
        sources = (await client.get("/sources")).text
        answers = {path: await client.post(path, data=YES) for path in (SOURCE, TENANT, GHOST, "/sources/none/forget")}
    assert "/forget" not in sources
    assert "Tenants that left the settings" not in sources
    for answer in answers.values():
        assert answer.status_code == 403
        assert "chatbots" not in answer.text.partition("<main")[2]
    async with left.store.read() as uow:
        assert await uow.sources.get("gone") is not None
