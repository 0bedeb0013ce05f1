"""Every page, once: what axe, the payloads, the widths, the keyboard and the screenshots go through."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.domain.records import Role


@dataclass(frozen=True)
class Shown:
    """A page as somebody sees it.

    Attributes:
        name: For people: of the test, of the screenshot.
        route: The path as the application declares it.
        path: The path to open; ``{plan}`` and the like stand for what a fleet has.
        role: Who looks; None for a page that is seen by nobody in particular.
        refused: Whether it is the answer to something that there is not, or that the person may not see.
    """

    name: str
    route: str
    path: str
    role: Role | None = Role.VIEWER
    refused: bool = False

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


_PLAN: Final = "/plans/{plan_id}"
PAGES: Final = (
    Shown("login", "/login", "/login", None),
    Shown("fleet", "/", "/"),
    Shown("fleet-search", "/", "/?q=shop"),
    Shown("plan", _PLAN, "/plans/{plan}", Role.APPROVER),
    Shown("plan-to-a-viewer", _PLAN, "/plans/{plan}"),
    Shown("plan-edited-live", _PLAN, "/plans/{plan_live}", Role.APPROVER),
    Shown("plan-diverged", _PLAN, "/plans/{plan_both}", Role.APPROVER),
    Shown("plan-deletes", _PLAN, "/plans/{plan_deletes}", Role.APPROVER),
    Shown("plan-approved", _PLAN, "/plans/{plan_approved}", Role.APPROVER),
    Shown("plan-applied", _PLAN, "/plans/{plan_applied}", Role.APPROVER),
    Shown("no-such-plan", _PLAN, "/plans/none", refused=True),
    Shown("api", "/docs", "/docs", None),
)

QUERIES: Final = (Asked("/?q={}"), Asked("/?cursor={}", 900), Asked("/login?next={}", 2000))
"""Every field of an address that a page reads."""
