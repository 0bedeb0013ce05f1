"""docs/dashboard.md has every page that somebody can open."""

import re

from starlette.routing import Route

from reconciler.web.login import page as login
from reconciler.web.routes import PAGE_ROUTERS
from tests.docs.pages import page

TABLE = page("dashboard.md").partition("\n## ")[0]
ON_THE_WAY = {"page_login_oidc", "page_login_callback"}
"""Where a browser only passes through on its way to a login elsewhere, and back."""
REFERENCE = "/docs"


def as_written(path: str) -> str:
    """A path as the table has it: `/plans/ID` for `/plans/{plan_id}`."""
    return re.sub(r"{(?:\w+_)?(\w+)}", lambda found: found[1].upper(), path)


def pages() -> set[str]:
    routes = [route for router in (*PAGE_ROUTERS, login.router) for route in router.routes]
    shown = [route for route in routes if isinstance(route, Route) and "GET" in (route.methods or ())]
    assert {route.name for route in shown} >= ON_THE_WAY, "an exception that there is no more"
    return {as_written(route.path) for route in shown if route.name not in ON_THE_WAY} | {REFERENCE}


def described() -> set[str]:
    rows = [line.split("|")[1] for line in TABLE.splitlines() if line.startswith("| `/")]
    return {path for cell in rows for path in re.findall(r"`([^`]+)`", cell)}


def test_every_page_is_in_the_table() -> None:
    assert sorted(pages() - described()) == []


def test_every_page_in_the_table_exists() -> None:
    assert sorted(described() - pages()) == []
