"""An answer to a form has an address: whoever loads it again, or keeps it, gets the page of the form."""

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from reconciler.web.auth.route_policies import is_page
from reconciler.web.ui.form_pages import page_of_form
from tests.integration.web.conftest import House

pytestmark = pytest.mark.anyio

FILLED = {
    "plan_id": "plan_1",
    "name": "main",
    "token_id": "tok_viewer",
    "person": "ann",
    "tenant": "acme",
    "chatbot_id": "bot_1",
}


def forms(house: House) -> list[str]:
    """The addresses that the pages' forms are sent to, and that show nothing by themselves."""
    routes = [each for each in iter_route_contexts(house.app.routes) if isinstance(each.original_route, APIRoute)]
    shown = {str(each.path) for each in routes if "GET" in (each.methods or ())}
    posted = [each for each in routes if "POST" in (each.methods or ()) and str(each.path) not in shown]
    pages = [each for each in posted if is_page(each.original_route)]
    return sorted(str(each.path).format(**FILLED) for each in pages)


async def test_every_address_of_a_form_leads_to_its_page(house: House) -> None:
    found = forms(house)
    assert {"/plans/plan_1/approve", "/plans/plan_1/link", "/plans/decide", "/suspend"} <= set(found)
    before = house.store.generation
    async with house.client("wzr_admin") as admin:
        for path in found:
            answer = await admin.get(path)
            assert answer.status_code == 303, path
            assert answer.headers["location"] == page_of_form(path)
            page = await admin.get(answer.headers["location"])
            assert page.status_code == 200, path
            assert (await admin.head(path)).status_code in {303, 405}, path
    assert house.store.generation == before, "looking changes nothing"


async def test_a_stranger_is_asked_to_sign_in_first(house: House) -> None:
    async with house.client() as stranger:
        answer = await stranger.get("/plans/plan_1/approve")
        assert (answer.status_code, answer.headers["location"]) == (303, "/plans/plan_1")
        assert (await stranger.get("/plans/plan_1")).headers["location"] == "/login?next=/plans/plan_1"


@pytest.mark.parametrize("path", ["/plans/plan_9", "/plans/plan_1/approve/more", "/plans//approve", "/elsewhere"])
async def test_what_no_form_is_sent_to_stays_unknown(house: House, path: str) -> None:
    async with house.client("wzr_admin") as admin:
        assert (await admin.get(path)).status_code == 404


async def test_the_api_says_that_a_method_is_not_allowed(house: House) -> None:
    async with house.client("wzr_admin") as admin:
        answer = await admin.get("/api/v1/plans/plan_1/approve")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


def test_a_name_is_written_as_an_address() -> None:
    assert page_of_form("/plans/a?b c/approve") == "/plans/a%3Fb%20c"
    assert page_of_form("/sources/ä#x/refresh") == "/sources#%C3%A4%23x"
    assert page_of_form("/chatbots/a b/c?/forget") == "/chatbots/a%20b/c%3F"
    assert httpx.URL(page_of_form("/plans/..%2f/approve") or "").path == "/plans/..%2f"
