"""The tags of pages: an open page asks cheaply, and nobody is told that somebody else's page is still good."""

import pytest

from reconciler.domain.access import Role
from tests.integration.web.conftest import House
from tests.support.records import a_run

pytestmark = pytest.mark.anyio

PAGES = ("/", "/plans", "/plans/plan_1", "/chatbots/acme/bot_1", "/runs", "/sources")


async def _tag(house: House, path: str, who: str = "wzr_viewer") -> str:
    async with house.client(who) as client:
        answer = await client.get(path)
    assert answer.status_code == 200, path
    return answer.headers["etag"]


async def _asked(house: House, path: str, tag: str, who: str = "wzr_viewer") -> int:
    async with house.client(who) as client:
        answer = await client.get(path, headers={"If-None-Match": tag})
    assert answer.status_code != 304 or (answer.content, answer.headers["etag"]) == (b"", tag)
    return answer.status_code


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_that_nothing_has_changed_is_304_until_something_has(house: House, path: str) -> None:
    tag = await _tag(house, path)
    assert await _asked(house, path, tag) == 304
    async with house.store.begin() as uow:
        await uow.runs.add(a_run("run_9"))
    assert await _asked(house, path, tag) == 200


async def test_a_tag_is_good_for_one_credential_and_one_address(house: House) -> None:
    await house.add_token("second", Role.VIEWER)
    tag = await _tag(house, "/plans")
    assert await _asked(house, "/plans", tag, "wzr_second") == 200
    assert await _asked(house, "/plans", tag, "wzr_main-only") == 200
    assert await _asked(house, "/plans?status=Pending", tag) == 200
    assert await _asked(house, "/runs", tag) == 200


async def test_who_is_not_signed_in_is_sent_to_whatever_tag_they_show(house: House) -> None:
    tag = await _tag(house, "/plans")
    async with house.client() as client:
        for shown in (tag, "*"):
            assert (await client.get("/plans", headers={"If-None-Match": shown})).status_code == 303


async def test_what_moves_with_time_is_shown_within_a_minute(house: House) -> None:
    tag = await _tag(house, "/")
    house.clock.advance(61)
    assert await _asked(house, "/", tag) == 200


async def test_browsers_keep_no_page_though_it_has_a_tag(house: House) -> None:
    async with house.client("wzr_viewer") as client:
        first = await client.get("/plans")
        again = await client.get("/plans", headers={"If-None-Match": first.headers["etag"]})
    assert [answer.headers.get_list("cache-control") for answer in (first, again)] == [["no-store"]] * 2
    # what has a body may be packed; a 304 has none
    assert {*first.headers["vary"].split(", ")} == {"Authorization", "Cookie", "Accept-Encoding"}
    assert again.headers["vary"] == "Authorization, Cookie"


async def test_what_is_no_page_of_anybody_has_no_tag_of_anybody(house: House) -> None:
    async with house.client("wzr_viewer") as client:
        for path in ("/login", "/healthz", "/metrics", "/plans/none", "/api/v2/plans"):
            assert "etag" not in (await client.get(path)).headers, path
        own = [(await client.get(path)).headers["etag"] for path in ("/docs", "/openapi.json")]
    async with house.client() as stranger:
        assert own == [(await stranger.get(path)).headers["etag"] for path in ("/docs", "/openapi.json")]
