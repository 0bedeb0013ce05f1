"""Every page that has an address, once: what axe, the payloads, the widths and the screenshots go through."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from string import Formatter
from typing import Final

from playwright.sync_api import Page

from reconciler.domain.access import Role

Send = Callable[[Page, Mapping[str, str]], None]
"""Fills in a form on the page that is open, and presses its button."""


@dataclass(frozen=True)
class Shown:
    """A page as somebody sees it.

    Attributes:
        name: For people: of the test, of the screenshot.
        route: The path as the application declares it; with `send`, the one that the form is sent to.
        path: The path to open; ``{plan}`` and the like stand for what a fleet has.
        role: Who looks; None for a page that is seen by nobody in particular.
        refused: Whether it is the answer to something that there is not, or that the person may not see or do.
        main: Whether it is photographed in the dark, too.
        long: Whether only its beginning is photographed.
        send: How to come from the path to the page, where it is what a form answers.
    """

    name: str
    route: str
    path: str
    role: Role | None = Role.VIEWER
    refused: bool = False
    main: bool = False
    long: bool = False
    send: Send | None = None

    @property
    def needs(self) -> AbstractSet[str]:
        """What a fleet must have for it."""
        return {name for _, name, _, _ in Formatter().parse(self.path) if name}

    def at(self, ids: Mapping[str, str]) -> str:
        """The path in a fleet."""
        return self.path.format_map(ids)


@dataclass(frozen=True)
class Asked:
    """A field of an address.

    Attributes:
        path: The address; ``{}`` stands for what is asked.
        longest: How much it takes.
    """

    path: str
    longest: int = 190


PLAN: Final = "/plans/{plan_id}"
CHATBOT: Final = "/chatbots/{tenant}/{chatbot_id}"
PAGES: Final = (
    Shown("login", "/login", "/login", None),
    Shown("fleet", "/", "/", main=True),
    Shown("fleet-search", "/", "/?q=shop"),
    Shown("fleet-filtered", "/", "/?sync=OutOfSync&direction=GitAhead&order=drifted"),
    Shown("plan", PLAN, "/plans/{plan}", Role.APPROVER, main=True),
    Shown("plan-to-a-viewer", PLAN, "/plans/{plan}"),
    Shown("plan-edited-live", PLAN, "/plans/{plan_live}", Role.APPROVER),
    Shown("plan-diverged", PLAN, "/plans/{plan_both}", Role.APPROVER),
    Shown("plan-deletes", PLAN, "/plans/{plan_deletes}", Role.APPROVER),
    Shown("plan-approved", PLAN, "/plans/{plan_approved}", Role.APPROVER),
    Shown("plan-applied", PLAN, "/plans/{plan_applied}", Role.APPROVER),
    Shown("no-such-plan", PLAN, "/plans/none", refused=True),
    Shown("plan-by-link", PLAN, "{link}", None),
    Shown("plans", "/plans", "/plans", main=True),
    Shown("plans-closed", "/plans", "/plans?status=closed"),
    Shown("plan-group", "/plans/groups/{change}", "/plans/groups/{group}", Role.APPROVER),
    Shown("chatbot", CHATBOT, "/chatbots/{chatbot}", Role.OPERATOR, main=True),
    Shown("chatbot-live", CHATBOT, "/chatbots/{chatbot}?live=1"),
    Shown("chatbot-edited-live", CHATBOT, "/chatbots/{chatbot_live}"),
    Shown("chatbot-suspended", CHATBOT, "/chatbots/{chatbot_held}", Role.OPERATOR),
    Shown("chatbot-document-invalid", CHATBOT, "/chatbots/{chatbot_bad}"),
    Shown("chatbot-missing", CHATBOT, "/chatbots/{chatbot_gone}"),
    Shown("chatbot-to-forget", CHATBOT, "/chatbots/{chatbot_mistyped}", Role.ADMIN),
    Shown("runs", "/runs", "/runs"),
    Shown("run", "/runs/{run_id}", "/runs/{run}"),
    Shown("sources", "/sources", "/sources", Role.APPROVER),
    Shown("audit", "/audit", "/audit"),
    Shown("tokens", "/tokens", "/tokens", Role.ADMIN),
    Shown("settings", "/settings", "/settings", Role.ADMIN),
    Shown("settings-to-a-viewer", "/settings", "/settings", refused=True),
    Shown("api", "/docs", "/docs", None, long=True),
)

QUERIES: Final = (
    Asked("/?q={}&label={}&source={}"),
    Asked("/?sync={}", 900),
    Asked("/?direction={}&reason={}&order={}&descending={}&down={}&tenant={}", 900),
    Asked("/?cursor={}", 900),
    Asked("/login?next={}", 2000),
    Asked("/runs?source={}"),
    Asked("/runs?cursor={}", 900),
    Asked("/plans?source={}&chatbot={}&tenant={}&change={}"),
    Asked("/plans?status={}", 900),
    Asked("/plans?cursor={}", 900),
    Asked("/audit?subject={}&actor={}&action={}"),
    Asked("/audit?cursor={}", 900),
)
"""Every field of an address that a page reads."""
