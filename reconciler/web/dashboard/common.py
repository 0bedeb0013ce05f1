"""What the pages share: who looks or decides, and the page that says what went wrong."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.responses import Response

from reconciler.domain.records import Role
from reconciler.engine.context import Actor
from reconciler.web import templates
from reconciler.web.auth import Visit
from reconciler.web.dashboard.frame import Frame

Visitor = Annotated[Actor, Depends(Visit(Role.VIEWER))]
Operating = Annotated[Actor, Depends(Visit(Role.OPERATOR))]
Deciding = Annotated[Actor, Depends(Visit(Role.APPROVER))]
Administering = Annotated[Actor, Depends(Visit(Role.ADMIN))]


@dataclass(frozen=True, slots=True)
class ProblemPage:
    """A page instead of the one that was asked for.

    Attributes:
        title: What went wrong, in a few words.
        detail: What to do.
    """

    frame: Frame
    title: str
    detail: str


def problem_page(frame: Frame, status: int, title: str, detail: str) -> Response:
    """Say what went wrong."""
    return templates.page("problem.html", ProblemPage(frame, title, detail), status)
