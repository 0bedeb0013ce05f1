"""A finding about another source's chatbot names that source only to who may see it: in the API and on the page."""

import pytest

from reconciler.domain.diagnostics import ANOTHER_SOURCE, Diagnostic, Severity
from tests.fakes.clock import START
from tests.integration.web.conftest import House
from tests.support.records import a_run

pytestmark = pytest.mark.anyio

FOUND = Diagnostic(
    Severity.ERROR, f"the chatbot is claimed twice: {ANOTHER_SOURCE} had it first", "a.yaml", 1, rival="side"
)


@pytest.mark.parametrize(("token", "said"), [("wzr_viewer", "the source side"), ("wzr_main-only", ANOTHER_SOURCE)])
@pytest.mark.parametrize("path", ["/api/v1/runs", "/api/v1/runs/run_lost", "/runs/run_lost"])
async def test_the_other_source_is_named_to_who_may_see_it(house: House, path: str, token: str, said: str) -> None:
    async with house.store.begin() as uow:
        await uow.runs.add(a_run("run_lost", finished_at=START, diagnostics=(FOUND,)))
    async with house.client(token) as client:
        text = (await client.get(path)).text
    assert f"claimed twice: {said} had it first" in text
    assert "rival" not in text
    assert ("source side" in text) is (token == "wzr_viewer")
