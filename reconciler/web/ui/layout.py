"""The layout of every page: navigation, the signed-in person, and how many plans wait."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from reconciler.domain.access import Role
from reconciler.domain.events import ChangeKind
from reconciler.domain.grants import role_for
from reconciler.domain.suspensions import ScopeKind, Suspension
from reconciler.engine.context import Actor, Engine
from reconciler.web.auth.visibility import standing_suspensions

_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#2458d3"/>'
    '<path d="M9 13a7 7 0 0 1 13-2m1 8a7 7 0 0 1-13 2" fill="none" stroke="#fff" stroke-width="3"/>{badge}</svg>'
)
_BADGE = (
    '<circle cx="22" cy="22" r="10" fill="#a11a26"/><text x="22" y="27" font-family="sans-serif" font-size="14" '
    'font-weight="bold" text-anchor="middle" fill="#fff">{count}</text>'
)
_MAX_SHOWN = 99


@dataclass(frozen=True, slots=True)
class NavItem:
    """One entry of the navigation.

    Attributes:
        everywhere: Whether it concerns all sources, so that a role for some of them is none here.
    """

    name: str
    path: str
    title: str
    role: Role = Role.VIEWER
    everywhere: bool = False

    def admits(self, actor: Actor) -> bool:
        """Whether a person may go there."""
        role = role_for(actor.rights, None) if self.everywhere else actor.role
        return role is not None and role.includes(self.role)


NAV_ITEMS = (
    NavItem("fleet", "/", "Fleet"),
    NavItem("plans", "/plans", "Plans"),
    NavItem("runs", "/runs", "Runs"),
    NavItem("sources", "/sources", "Sources"),
    NavItem("audit", "/audit", "Audit", everywhere=True),
    NavItem("tokens", "/tokens", "Tokens", Role.ADMIN, everywhere=True),
    NavItem("settings", "/settings", "Settings", Role.ADMIN, everywhere=True),
    NavItem("api", "/docs", "API"),
)


@dataclass(frozen=True, slots=True)
class Layout:
    """The top of a page.

    Attributes:
        actor: Who looks; None where nobody is signed in.
        place: The name of the `NavItem` that is open.
        waiting: How many plans wait for approval.
        watch: The kinds of events at which the page looks again.
        stopped: Suspensions of everything, which every page has to say.
        page: The address that an answer to a form follows, which has none of its own; None for every other page.
    """

    actor: Actor | None = None
    place: str = ""
    waiting: int = 0
    watch: Sequence[ChangeKind] = ()
    stopped: Sequence[Suspension] = ()
    page: str | None = None

    @property
    def places(self) -> Sequence[NavItem]:
        """Where the person may go."""
        return [place for place in NAV_ITEMS if self.actor is not None and place.admits(self.actor)]

    @property
    def icon(self) -> str:
        """The favicon as a data URL; it carries the number of plans that wait."""
        count = str(self.waiting) if self.waiting <= _MAX_SHOWN else f"{_MAX_SHOWN}+"
        badge = _BADGE.format(count=count) if self.waiting else ""
        return f"data:image/svg+xml,{quote(_ICON.format(badge=badge))}"


SIGNED_OUT = Layout()
"""Around the pages that are shown before anybody has signed in."""


async def layout_for(engine: Engine, actor: Actor, place: str = "", watch: Collection[ChangeKind] = ()) -> Layout:
    """The frame around a page.

    Args:
        engine: The ports.
        actor: Who looks.
        place: The name of the `NavItem`; empty for pages that are none.
        watch: The kinds of events at which the page looks again, as it does at plans, which it counts; empty for a page
            that does not follow what happens.
    """
    standing = await standing_suspensions(engine, actor.sources)
    return Layout(
        actor=actor,
        place=place,
        waiting=await engine.store.queries.waiting(actor.sources),
        watch=tuple(dict.fromkeys((*watch, ChangeKind.PLAN))) if watch else (),
        stopped=[suspension for suspension in standing if suspension.kind is ScopeKind.ALL],
    )
