"""The pages' templates: every value is escaped, an unknown one is an error, and none holds a script or a style."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

_FOLDER = Path(__file__).parent / "dashboard" / "templates"
_environment = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def render(name: str, **context: Any) -> str:
    """A template filled in."""
    return _environment.get_template(name).render(context)


def page(name: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A template filled in, as an answer."""
    return HTMLResponse(render(name, **context), status)
