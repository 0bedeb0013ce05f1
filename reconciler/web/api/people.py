"""People who came by a login, for admins."""

from fastapi import APIRouter

from reconciler.domain.access import Person
from reconciler.domain.records import Role
from reconciler.engine.context import Engine
from reconciler.engine.people import bar, unbar
from reconciler.web.access_shapes import PersonShape, person_shape
from reconciler.web.api.common import API, NOT_MODIFIED, Admin, TheEngine, refusals
from reconciler.web.asks import BarAsk, Name
from reconciler.web.problems import Code
from reconciler.web.shapes import ListShape

router = APIRouter(prefix=API, tags=["Access"])

_REFUSALS = refusals(Code.FORBIDDEN, Code.NOT_FOUND, Code.CONCURRENT_CHANGE, Code.INVALID_REQUEST, Code.BODY_TOO_LARGE)


@router.get(
    "/people",
    name="person_list",
    summary="Everybody who came by a login, by name",
    responses=NOT_MODIFIED | refusals(Code.FORBIDDEN),
)
async def person_list(engine: TheEngine, actor: Admin) -> ListShape[PersonShape]:
    """With what the grants give them now: `next_cursor` is always null."""
    actor.require(Role.ADMIN)
    return ListShape(items=[_shape(engine, each) for each in await engine.store.queries.people()], next_cursor=None)


@router.post("/people/{person}/bar", name="person_bar", summary="Keep a person out", responses=_REFUSALS)
async def person_bar(engine: TheEngine, actor: Admin, person: Name, ask: BarAsk) -> PersonShape:
    """Their sessions end, and their tokens and approvals no longer stand. The same again answers with what stands."""
    return _shape(engine, await bar(engine, actor, person, ask.reason))


@router.post("/people/{person}/unbar", name="person_unbar", summary="Let a person in again", responses=_REFUSALS)
async def person_unbar(engine: TheEngine, actor: Admin, person: Name, ask: BarAsk) -> PersonShape:
    """They sign in anew. The same again answers with what stands."""
    return _shape(engine, await unbar(engine, actor, person, ask.reason))


def _shape(engine: Engine, person: Person) -> PersonShape:
    return person_shape(person, engine.grants.rights(person.groups))
