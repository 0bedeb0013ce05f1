"""Paths of the pages."""

import re
from urllib.parse import quote


def plan_path(plan_id: str) -> str:
    """The path of a plan's page."""
    return f"/plans/{quote(plan_id, safe='')}"


def group_path(change: str) -> str:
    """The path of the page of a change that many plans share."""
    return f"/plans/groups/{quote(change, safe='')}"


def source_path(name: str) -> str:
    """The address of a source on the page of all sources."""
    return f"/sources#{quote(name, safe='')}"


def chatbot_path(tenant: str, chatbot_id: str) -> str:
    """The path of a chatbot's page."""
    return f"/chatbots/{quote(tenant, safe='')}/{quote(chatbot_id, safe='')}"


_OWN_PAGE = re.compile(
    r"/((plans|chatbots|runs|sources|audit|tokens|settings)(/[\w~%-][\w.~%-]*)*)?(\?[\w%.~!$&'()*+,;=:@/?-]*)?",
    re.ASCII,
)


def own_page(path: str) -> str:
    """Where to go after signing in: never to another site."""
    return path if _OWN_PAGE.fullmatch(path) else "/"
