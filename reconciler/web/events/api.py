"""The event stream."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from pydantic import Field
from starlette.responses import Response

from reconciler.domain.events import ChangeKind, Signal
from reconciler.web.auth.dependencies import Viewer
from reconciler.web.events.streams import MEDIA_TYPE, EventStream, Streams
from reconciler.web.http.problems import Code
from reconciler.web.http.responses import API, refusals
from reconciler.web.http.schemas import Query as Asked

PATH = f"{API}/events"

router = APIRouter(tags=["Events"])

_PLACE = "The `id` of the last event that was seen: what came after it follows at once."
_NULLABLE = {"type": ["string", "null"]}
_SAID = {
    "type": "object",
    "properties": {"kind": {"enum": [*ChangeKind, None]}, "id": _NULLABLE, "source": _NULLABLE},
    "required": ["kind", "id", "source"],
    "additionalProperties": False,
}
_EVENT = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "event": {"enum": [*ChangeKind, *Signal]},
        "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": _SAID},
    },
    "required": ["id", "event", "data"],
}
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}, "itemSchema": _EVENT}}}
}


class EventQuery(Asked):
    """Where to begin."""

    after: str | None = Field(default=None, description=f"{_PLACE} The header `Last-Event-ID` goes before it.")


@router.get(
    PATH,
    name="events",
    summary="What changes, as server-sent events",
    response_class=Response,
    response_model=None,
    responses=_STREAM | refusals(Code.TOO_MANY_STREAMS, Code.NO_STREAM_LEFT, Code.INVALID_REQUEST),
)
async def events(
    actor: Viewer,
    request: Request,
    query: Annotated[EventQuery, Query()],
    last_event_id: Annotated[str | None, Header(description=_PLACE)] = None,
) -> Response:
    """Kinds and ids only: ask for what they name.

    `reset` means that events are missing, and `changed` that another process changed something: read everything again.
    """
    streams: Streams = request.app.state.streams
    return EventStream(streams, actor, last_event_id or query.after)
