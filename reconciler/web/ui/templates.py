"""The Jinja templates: values are escaped, unknown ones are errors, and scripts and styles are external.

A template's whole context is `page`, a dataclass with a `frame`. No value brings an unseen character into a page: each
is shown as its escape.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from reconciler.domain.escaping import escaped
from reconciler.domain.sentences import as_sentence
from reconciler.render.alignment import Effort
from reconciler.render.text_diff import TOO_MUCH
from reconciler.web.http.compression import compressed
from reconciler.web.http.render_pool import RenderPool
from reconciler.web.http.root_path import with_links_outside
from reconciler.web.ui import badges, static_files
from reconciler.web.ui.layout import Layout
from reconciler.web.ui.paths import chatbot_path

_WEB = Path(__file__).parent.parent
"""Each feature keeps its templates in a folder of its own: `plans/plan.html` lies in `plans/templates`."""


class HasLayout(Protocol):
    """A view model with a layout."""

    @property
    def frame(self) -> Layout:
        """The layout around the page."""


def _shown(value: Any) -> Any:
    """What a page prints of a value: a text without unseen characters; what a macro made is done already."""
    return escaped(value, keep="\n") if isinstance(value, str) and not isinstance(value, Markup) else value


_environment = Environment(
    loader=PrefixLoader({folder.parent.name: FileSystemLoader(folder) for folder in _WEB.glob("*/templates")}),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=_shown,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {"sentence": as_sentence}
_environment.globals |= {
    "static": static_files.address,
    "badges": badges,
    "chatbot_path": chatbot_path,
    "too_much": TOO_MUCH,
}


def render(name: str, page: HasLayout) -> str:
    """A template filled in, its addresses as people have them."""
    return with_links_outside(_environment.get_template(name).render(page=page))


def page(name: str, page: HasLayout, status: int = 200) -> HTMLResponse:
    """A template filled in, as an answer."""
    return HTMLResponse(render(name, page), status)


async def long_page(request: Request, name: str, make: Callable[[Effort], HasLayout], status: int = 200) -> Response:
    """The same for what takes a while, such as comparing long prompts: not on the event loop.

    Args:
        request: Who looks.
        name: The template's.
        make: What the page says, made with the effort that all comparisons of the page share.
        status: The answer's.

    Raises:
        ClientGone: They look no more.
    """
    pool: RenderPool = request.app.state.pages
    accepted = request.headers.get("accept-encoding", "")
    return await pool.render(request, lambda effort: compressed(page(name, make(effort), status), accepted))
