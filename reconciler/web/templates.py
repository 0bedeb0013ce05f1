"""The pages' templates: every value is escaped, an unknown one is an error, and none holds a script or a style.

No value brings an unseen character into a page: each is shown as its escape.
"""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from reconciler.domain.visible import visible

_FOLDER = Path(__file__).parent / "dashboard" / "templates"


def _shown(value: Any) -> Any:
    """What a page prints of a value: a text without unseen characters; what a macro made is done already."""
    return visible(value, keep="\n") if isinstance(value, str) and not isinstance(value, Markup) else value


_environment = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=_shown,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(name: str, **context: Any) -> str:
    """A template filled in."""
    return _environment.get_template(name).render(context)


def page(name: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A template filled in, as an answer."""
    return HTMLResponse(render(name, **context), status)
