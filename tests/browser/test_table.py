"""The table of pages names every page that there is."""

from starlette.routing import Route

from reconciler.web.dashboard.routes import ROUTERS
from tests.browser.pages import PAGES, QUERIES

FROM_ELSEWHERE = {"/login", "/docs"}


def test_each_page_is_looked_at_and_each_that_is_looked_at_exists() -> None:
    there = {
        route.path
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, Route) and "GET" in route.methods
    }
    assert {shown.route for shown in PAGES} == there | FROM_ELSEWHERE
    assert len({shown.name for shown in PAGES}) == len(PAGES)
    assert {asked.path.partition("?")[0] for asked in QUERIES} <= there | FROM_ELSEWHERE
