"""The page that says what went wrong."""

from dataclasses import dataclass

from starlette.responses import Response

from reconciler.web.ui import templates
from reconciler.web.ui.layout import Layout


@dataclass(frozen=True, slots=True)
class ProblemPage:
    """A page instead of the one that was asked for.

    Attributes:
        title: What went wrong, in a few words.
        detail: What to do.
    """

    frame: Layout
    title: str
    detail: str


def problem_page(frame: Layout, status: int, title: str, detail: str) -> Response:
    """The page that shows a problem."""
    return templates.page("ui/problem.html", ProblemPage(frame, title, detail), status)
