"""A plan's page leads to the document's file and commit, and says who changed it only where git has moved."""

from dataclasses import replace

import pytest
from fastapi import FastAPI

from reconciler.domain.commit import CommitFact
from reconciler.domain.direction import DirectedOp
from reconciler.domain.plan import Action, Op
from reconciler.domain.status import Direction
from reconciler.web.app import create_app
from tests.fakes.clock import START
from tests.integration.web.conftest import Git, House
from tests.support.records import a_plan

pytestmark = pytest.mark.anyio

REVISION = "a" * 40
COMMIT = CommitFact("c" * 40, "Ana", START, "Shorter answers")
PAGES = "https://github.com/acme/bots"


def on_github(house: House) -> FastAPI:
    git = Git(commits={("chatbots/bot_1.yaml", REVISION): COMMIT})
    binding = replace(house.engine.sources["main"], url=f"{PAGES}.git", port=git)
    return create_app(replace(house.engine, sources={"main": binding}), settings=house.settings)


async def test_a_plan_leads_to_its_document_and_commit(house: House) -> None:
    async with house.client("wzr_viewer", on_github(house)) as client:
        text = (await client.get("/plans/plan_1")).text
    assert f'href="{PAGES}/blob/{REVISION}/chatbots/bot_1.yaml"' in text
    assert f'href="{PAGES}/commit/{REVISION}"' in text
    assert f'href="{PAGES}/commit/{COMMIT.id}"' in text
    assert "“Shorter answers” by Ana" in text


@pytest.mark.parametrize(
    ("direction", "told"),
    [
        (Direction.GIT_AHEAD, True),
        (Direction.DIVERGED, True),
        (Direction.LIVE_AHEAD, False),
        (Direction.UNKNOWN, False),
    ],
)
async def test_who_changed_git_is_said_only_where_git_has_moved(
    house: House, direction: Direction, *, told: bool
) -> None:
    op = DirectedOp(Op("core", Action.UPDATE, None, {"name": "A"}, {"name": "B"}, ("name",)), direction)
    async with house.store.begin() as uow:
        await uow.plans.add(a_plan("plan_3", chatbot_id="bot_3", ops=(op,)))
    async with house.client("wzr_viewer", on_github(house)) as client:
        text = (await client.get("/plans/plan_3")).text
    assert ("Shorter answers" in text) is told
    assert f'href="{PAGES}/blob/' in text


async def test_whoever_follows_a_link_to_a_plan_is_led_nowhere_else(house: House) -> None:
    app = on_github(house)
    async with house.client("wzr_admin", app) as client:
        headers = {"Origin": "http://127.0.0.1:8080"}
        made = await client.post("/plans/plan_1/link", data={"lifetime": "1h"}, headers=headers)
    link = made.text.partition("/plans/plan_1?")[2].partition("<")[0].partition('"')[0].replace("&amp;", "&")
    async with house.client(None, app) as client:
        text = (await client.get(f"/plans/plan_1?{link}")).text
    assert "“Shorter answers” by Ana" in text
    assert "github.com" not in text
