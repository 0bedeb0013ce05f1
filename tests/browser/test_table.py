"""The table of pages names every page that there is."""

from starlette.routing import Route

from reconciler.web.login import page as login
from reconciler.web.routes import PAGE_ROUTERS
from tests.browser.answers import ANSWERS
from tests.browser.pages import PAGES, QUERIES

FROM_ELSEWHERE = {"/login", "/docs"}


def test_each_page_is_looked_at_and_each_that_is_looked_at_exists() -> None:
    there = {
        route.path
        for router in PAGE_ROUTERS
        for route in router.routes
        if isinstance(route, Route) and "GET" in (route.methods or ())
    }
    assert {shown.route for shown in PAGES} == there | FROM_ELSEWHERE
    assert len({shown.name for shown in (*PAGES, *ANSWERS)}) == len(PAGES) + len(ANSWERS)
    assert {asked.path.partition("?")[0] for asked in QUERIES} <= there | FROM_ELSEWHERE


def test_each_answer_that_is_looked_at_is_one_to_a_form() -> None:
    routes = [route for router in (*PAGE_ROUTERS, login.router) for route in router.routes if isinstance(route, Route)]
    assert {shown.route for shown in ANSWERS} <= {route.path for route in routes if "POST" in (route.methods or ())}
    assert all(shown.send for shown in ANSWERS)
    assert not any(shown.send for shown in PAGES), "a page at an address of its own is opened by it"
