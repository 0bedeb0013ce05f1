"""People who came by a login, for admins."""

from fastapi import APIRouter

from reconciler.domain.access import Person
from reconciler.domain.entities import Role
from reconciler.engine.access.people import bar, unbar
from reconciler.engine.context import Engine
from reconciler.web.access.schemas import BarRequest, PersonResponse, person_response
from reconciler.web.auth.dependencies import Admin, TheEngine
from reconciler.web.http.problems import Code
from reconciler.web.http.responses import API, NOT_MODIFIED, refusals
from reconciler.web.http.schemas import ListResponse, Name

router = APIRouter(prefix=API, tags=["Access"])

_REFUSALS = refusals(Code.FORBIDDEN, Code.NOT_FOUND, Code.CONCURRENT_CHANGE, Code.INVALID_REQUEST, Code.BODY_TOO_LARGE)


@router.get(
    "/people",
    name="person_list",
    summary="Everybody who came by a login, by name",
    responses=NOT_MODIFIED | refusals(Code.FORBIDDEN),
)
async def person_list(engine: TheEngine, actor: Admin) -> ListResponse[PersonResponse]:
    """With what the grants give them now: `next_cursor` is always null."""
    actor.require(Role.ADMIN)
    return ListResponse(
        items=[_shape(engine, person) for person in await engine.store.queries.people()], next_cursor=None
    )


@router.post("/people/{person}/bar", name="person_bar", summary="Keep a person out", responses=_REFUSALS)
async def person_bar(engine: TheEngine, actor: Admin, person: Name, body: BarRequest) -> PersonResponse:
    """Their sessions end, and their tokens and approvals no longer stand. The same again answers with what stands."""
    return _shape(engine, await bar(engine, actor, person, body.reason))


@router.post("/people/{person}/unbar", name="person_unbar", summary="Let a person in again", responses=_REFUSALS)
async def person_unbar(engine: TheEngine, actor: Admin, person: Name, body: BarRequest) -> PersonResponse:
    """They sign in anew. The same again answers with what stands."""
    return _shape(engine, await unbar(engine, actor, person, body.reason))


def _shape(engine: Engine, person: Person) -> PersonResponse:
    return person_response(person, engine.grants.rights(person.groups))
