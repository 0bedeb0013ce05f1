"""An upgrade puts the large values of an older program's rows apart, and loses none of them."""

import json
from typing import Any

import pytest
from sqlalchemy import func, insert, inspect, select

from reconciler.domain.direction import DirectedOp
from reconciler.domain.plan import Action, Op
from reconciler.domain.status import Direction
from reconciler.storage import schema, tables
from reconciler.storage.dialects import locate
from reconciler.storage.rows import PLANS, RUNS
from tests.fakes.clock import FakeClock
from tests.support.records import BODY, a_plan, a_run
from tests.support.store import open_url

pytestmark = pytest.mark.anyio

TEXT = 'odd: \\ " \u0000 \ud800 ü ' * 400
SMALL = a_plan("plan_2", chatbot_id="bot_2")
RUN = a_run(diagnostics=())


def _written(url: str, *rows: tuple[Any, Any]) -> None:
    """Have an older program's rows in the database: all that it kept of these records was in them."""
    parsed, dialect = locate(url)
    engine = dialect.migration_engine(parsed)
    try:
        with engine.begin() as connection:
            for codec, record in rows:
                known = {column["name"] for column in inspect(connection).get_columns(codec.table.name)}
                row = {name: value for name, value in codec.to_row(record).items() if name in known}
                connection.execute(insert(codec.table).values(row))
    finally:
        engine.dispose()


async def test_an_upgrade_puts_large_values_apart_and_keeps_them(empty_url: str) -> None:
    schema.upgrade(empty_url, revision="0011")
    text = TEXT if empty_url.startswith("sqlite") else TEXT.replace("\ud800", "")
    ops = (DirectedOp(Op("core", Action.DELETE, None, {"name": text}, None), Direction.GIT_AHEAD),)
    plan = a_plan(body={**BODY, "spec": {"core": {"name": text}}}, ops=ops)
    twin = a_plan("plan_3", chatbot_id="bot_3", body=plan.body, ops=ops)
    _written(empty_url, (PLANS, plan), (PLANS, SMALL), (PLANS, twin), (RUNS, RUN))
    async with open_url(empty_url, FakeClock()) as store:
        async with store.begin() as uow:
            assert await uow.plans.some(["plan_1", "plan_2", "plan_3"]) == {
                "plan_1": plan,
                "plan_2": SMALL,
                "plan_3": twin,
            }
            assert await uow.runs.get("run_1") == RUN
            await uow.plans.save(plan)
        async with store._reading() as transaction:
            bodies = dict(iter(await transaction.connection.execute(select(tables.plans.c.id, tables.plans.c.body))))
            sizes = list(await transaction.connection.scalars(select(func.length(tables.contents.c.data))))
    assert bodies["plan_2"] == SMALL.body
    assert bodies["plan_3"].keys() == {"$content"}
    assert sum(sizes) < len(json.dumps(plan.body))
