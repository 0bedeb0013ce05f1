"""The page of one chatbot through the whole application."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import pytest

from reconciler.domain.commit import CommitFact
from reconciler.domain.forge_urls import Forge
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.status import Direction, Reason, Sync
from reconciler.domain.suspensions import ScopeKind
from reconciler.errors import TargetUnreachable
from reconciler.web.app import create_app
from tests.fakes.clock import START
from tests.integration.web.conftest import Git, House
from tests.support.records import a_chatbot, a_document, a_plan, a_suspension, an_apply, an_approval

pytestmark = pytest.mark.anyio

PAGE = "/chatbots/acme/bot_1"
REVISION = "a" * 40
COMMIT = CommitFact("b" * 40, "Ann \\u202e", START, "Say <b>hello</b>")
NASTY = "<script>alert(1)</script>\u202e\"'"
LIVE: dict[str, Any] = {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {"core": {"name": "As it is"}}}


@pytest.fixture
async def visitor(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with house.client() as client:
        await client.post("/login", data={"token": "wzr_viewer"})
        yield client


async def claimed(house: House, **changes: Any) -> None:
    async with house.store.begin() as uow:
        await uow.documents.replace("main", [a_document(line=7, **changes)])


async def test_it_says_where_the_chatbot_stands_and_what_to_do(house: House, visitor: httpx.AsyncClient) -> None:
    async with house.store.begin() as uow:
        chatbot = await uow.chatbots.get("acme", "bot_1")
        assert chatbot is not None
        drifted = replace(chatbot, sync=Sync.OUT_OF_SYNC, direction=Direction.LIVE_AHEAD, name="Acme")
        await uow.chatbots.save(replace(drifted, reason=Reason.AWAITING_APPROVAL, message=""))
    text = (await visitor.get(PAGE)).text

    assert "<h1>Acme</h1>" in text
    assert "edited live" in text
    assert "Somebody edited the chatbot at WizChat" in text
    assert "<b>Awaiting approval</b>: A plan waits for a decision: approve or reject it." in text
    assert 'href="/plans/plan_1">Open the plan</a>' in text
    assert "team=support" in text


async def test_it_says_how_long_ago_each_thing_was(house: House, visitor: httpx.AsyncClient) -> None:
    async with house.store.begin() as uow:
        chatbot = await uow.chatbots.get("acme", "bot_1")
        assert chatbot is not None
        hour = timedelta(hours=1)
        await uow.chatbots.save(replace(chatbot, drifted_at=START, checked_at=START + hour, synced_at=START - hour))
    house.clock.advance(3 * 3600)
    text = re.sub(r"<time [^>]*>([^<]*)</time>", r"[\1]", (await visitor.get(PAGE)).text)

    assert "Out of sync for [3 h] · Last compared: [2 h ago] · last as its document says: [4 h ago]" in text
    assert '/plans/plan_1">[3 h ago]</a>' in text


@pytest.mark.parametrize(
    ("forge", "url", "pages"),
    [
        (Forge.GITHUB, "https://git.example.com/acme/bots.git", "https://git.example.com/acme/bots"),
        (Forge.GENERIC, "git@github.com:acme/bots.git", "https://github.com/acme/bots"),
        (Forge.GENERIC, "https://git.example.com/acme/bots.git", None),
    ],
)
async def test_the_document_has_its_place_its_commit_and_links(
    house: House, forge: Forge, url: str, pages: str | None
) -> None:
    git = Git(commits={("chatbots/bot_1.yaml", REVISION): COMMIT})
    binding = replace(house.engine.sources["main"], forge=forge, url=url, port=git)
    engine = replace(house.engine, sources={**house.engine.sources, "main": binding})
    await claimed(house)
    async with house.client("wzr_viewer", create_app(engine, settings=house.settings)) as client:
        text = (await client.get(PAGE)).text

    assert "chatbots/bot_1.yaml:7" in text
    assert "“Say &lt;b&gt;hello&lt;/b&gt;” by Ann \\u202e" in text
    assert "name: Acme" in text
    if pages is None:
        assert 'href="http' not in text
    else:
        assert f'href="{pages}/blob/{REVISION}/chatbots/bot_1.yaml#L7"' in text
        assert f'href="{pages}/commit/{COMMIT.id}"' in text


async def test_what_is_live_is_asked_for_only_by_who_wants_it(house: House, visitor: httpx.AsyncClient) -> None:
    house.tenant.live["bot_1"] = {**LIVE, "_omittedSections": ["mcpServers"]}
    plain = (await visitor.get(PAGE)).text
    assert f'href="{PAGE}?live=1#live-side"' in plain
    assert house.tenant.exported == []

    answer = await visitor.get(f"{PAGE}?live=1")
    assert "name: As it is" in answer.text
    assert "may not read mcpServers" in answer.text
    assert 'data-watch=""' in answer.text, "a page that costs calls does not look again by itself"
    assert "live.js" not in answer.text
    assert house.tenant.exported == ["bot_1"]


async def test_what_cannot_be_read_live_is_said(house: House, visitor: httpx.AsyncClient) -> None:
    house.tenant.live["bot_1"] = TargetUnreachable(f"WizChat cannot be reached {NASTY}: check base_url")
    answer = await visitor.get(f"{PAGE}?live=1")
    assert answer.status_code == 200
    assert "It could not be read:</b> WizChat cannot be reached" in answer.text
    assert NASTY not in answer.text


async def test_its_past_is_that_of_the_api(house: House, visitor: httpx.AsyncClient) -> None:
    async with house.store.begin() as uow:
        closed = {"status": PlanStatus.APPLIED, "closed_at": START, "apply_id": "apply_1"}
        await uow.plans.add(a_plan("plan_0", created_at=START - timedelta(days=1), **closed))
        await uow.approvals.add(an_approval(plan_id="plan_0", comment="looks good"))
        await uow.applies.add(an_apply(plan_id="plan_0", status=ApplyStatus.APPLIED, finished_at=START, window_ms=42))
    text = (await visitor.get(PAGE)).text
    items = (await visitor.get("/api/v1/chatbots/bot_1/history")).json()["items"]

    table = text.partition("Plans and applies</h2>")[2]
    assert [item["id"] for item in items] == ["plan_1", "plan_0"]
    assert table.index("/plans/plan_1") < table.index("/plans/plan_0")
    assert "Changes the <b>name</b> from “Ace” to “Acme”." in table
    assert "to create" not in table
    assert all(said in table for said in ("looks good", "asked for by ana", "sent 42 ms after the last dry run"))


async def test_many_plans_come_in_parts(house: House, visitor: httpx.AsyncClient) -> None:
    async with house.store.begin() as uow:
        for number in range(30):
            made = START - timedelta(hours=number + 1)
            await uow.plans.add(a_plan(f"old_{number}", created_at=made, status=PlanStatus.EXPIRED, closed_at=START))
    first = (await visitor.get(PAGE)).text
    more = unescape(first.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0])
    second = (await visitor.get(more)).text

    seen = [{number for number in range(30) if f'/plans/old_{number}"' in text} for text in (first, second)]
    assert (len(seen[0]), len(seen[1]), len(seen[0] | seen[1])) == (19, 11, 30)
    wrong = await visitor.get(f"{PAGE}?cursor=wrong")
    assert (wrong.status_code, wrong.headers["location"]) == (303, PAGE)


async def test_drift_is_told_with_what_opened_and_closed_it(house: House, visitor: httpx.AsyncClient) -> None:
    assert "No drift is known of it" in (await visitor.get(PAGE)).text
    for sync, direction in (
        (Sync.OUT_OF_SYNC, Direction.GIT_AHEAD),
        (Sync.OUT_OF_SYNC, Direction.DIVERGED),
        (Sync.SYNCED, Direction.IN_SYNC),
    ):
        house.clock.advance(3600)
        async with house.store.begin() as uow:
            uow.history.because("run/run_main")
            chatbot = await uow.chatbots.get("acme", "bot_1")
            assert chatbot is not None
            await uow.chatbots.save(replace(chatbot, sync=sync, direction=direction))
    drift = (await visitor.get(PAGE)).text.partition("Drift</h2>")[2].partition("Plans and applies")[0]

    assert drift.index("Opened") < drift.index("Changed") < drift.index("Closed")
    assert drift.count('href="/runs/run_main">a run (manual)') == 3
    assert re.search(r'<h3><time [^>]*title="2026-03-01 13:00:00 UTC">2 h ago</time>, for 2 h</h3>', drift)
    assert "not checked; by" in drift


async def test_a_suspended_chatbot_says_who_stopped_it_and_how_to_go_on(house: House) -> None:
    async with house.store.begin() as uow:
        await uow.suspensions.add(a_suspension(kind=ScopeKind.SOURCE, subject="main", reason="release freeze"))
        await uow.suspensions.add(
            a_suspension("suspension_2", kind=ScopeKind.CHATBOT, subject="bot_1", reason="looking into it")
        )
        await uow.suspensions.add(a_suspension("suspension_3", kind=ScopeKind.CHATBOT, subject="bot_2", reason="other"))
    pages = {}
    for name in ("viewer", "operator"):
        async with house.client(house.tokens[name]) as client:
            pages[name] = (await client.get(PAGE)).text

    for text in pages.values():
        assert "Applies of the source main are suspended</b> by ana" in text
        assert "until somebody resumes them: looking into it" in text
        assert "other" not in text.partition("<main")[2]
    assert 'action="/resume"' in pages["operator"]
    assert 'value="chatbot/bot_1"' in pages["operator"]
    assert 'action="/resume"' not in pages["viewer"]
    assert "You cannot resume them: this needs the role operator" in pages["viewer"]


async def test_a_chatbot_that_nobody_claims_says_how_to_manage_it(visitor: httpx.AsyncClient) -> None:
    text = (await visitor.get("/chatbots/acme/bot_3")).text
    assert "No document in git says how this chatbot should be." in text
    assert "reconciler export bot_3 --to DIR" in text


@pytest.mark.parametrize("path", ["/chatbots/acme/none", "/chatbots/other/bot_1", "/chatbots/acme/%00"])
async def test_what_is_not_there_is_said_on_a_page(visitor: httpx.AsyncClient, path: str) -> None:
    answer = await visitor.get(path)
    assert answer.status_code in (404, 422)
    assert "<h1>" in answer.text


async def test_whoever_sees_other_sources_sees_nothing_of_it(house: House) -> None:
    async with house.client("wzr_main-only") as client:
        assert [(await client.get(f"/chatbots/acme/bot_{n}")).status_code for n in (1, 2, 3)] == [200, 404, 404]
        assert (await client.get("/chatbots/acme/bot_2?live=1")).status_code == 404
    assert house.tenant.exported == []


async def test_who_changed_the_document_since_both_sides_agreed_is_told(
    house: House, visitor: httpx.AsyncClient
) -> None:
    await claimed(house)
    git = house.engine.sources["main"].port
    assert isinstance(git, Git)
    async with house.store.begin() as uow:
        source, chatbot = await uow.sources.get("main"), await uow.chatbots.get("acme", "bot_1")
        assert source is not None
        assert chatbot is not None
        await uow.sources.save(replace(source, good_revision=REVISION))
        await uow.chatbots.save(replace(chatbot, synced_revision="c" * 40))
    git.commits["chatbots/bot_1.yaml", REVISION] = COMMIT
    git.writers["chatbots/bot_1.yaml", "c" * 40, REVISION] = [COMMIT.author, "<b>Ben"]
    text = (await visitor.get(PAGE)).text

    assert "since both sides last agreed also by" in text
    assert "&lt;b&gt;Ben" in text


async def test_nothing_of_a_chatbot_becomes_markup(house: House) -> None:
    chatbot_id = NASTY.replace("/", "")
    body = {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {NASTY: NASTY, "prompt": NASTY}}
    git = house.engine.sources["side"].port
    assert isinstance(git, Git)
    git.commits["<i>.yaml", REVISION] = replace(COMMIT, author="<img src=x onerror=alert(1)>")
    house.tenant.live[chatbot_id] = {**LIVE, "spec": {NASTY: [NASTY]}, "_omittedSections": [NASTY]}
    async with house.store.begin() as uow:
        named = {"name": NASTY, "message": NASTY, "labels": {NASTY: NASTY}, "path": NASTY}
        await uow.chatbots.add(a_chatbot(chatbot_id, source="side", **named))
        document = a_document(chatbot_id, source="side", path="<i>.yaml", body=body, labels={NASTY: NASTY})
        await uow.documents.replace("side", [document])
        await uow.plans.add(a_plan("plan_9", source="side", chatbot_id=chatbot_id, message=NASTY))
        await uow.approvals.add(an_approval(plan_id="plan_9", actor=NASTY, comment=NASTY))
        await uow.applies.add(an_apply(plan_id="plan_9", chatbot_id=chatbot_id, requested_by=NASTY, message=NASTY))
        stop = a_suspension(kind=ScopeKind.CHATBOT, subject=chatbot_id, reason=NASTY, actor=NASTY)
        await uow.suspensions.add(stop)
    async with house.client("wzr_operator") as client:
        answer = await client.get(httpx.URL(f"/chatbots/acme/{chatbot_id.replace('<', '%3C')}?live=1"))

    assert answer.status_code == 200, answer.text
    assert "<script>alert" not in answer.text
    assert "<img" not in answer.text
    assert "\u202e" not in answer.text
    assert " style=" not in answer.text
