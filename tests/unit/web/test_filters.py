"""Filters are written once: the API and the page of a thing take the same, and the store gets all of it."""

from dataclasses import fields

import pytest

from reconciler.domain.listing import AuditFilter, ChatbotFilter, PlanFilter
from reconciler.web.audit.page_view import AuditPageQuery
from reconciler.web.audit.schemas import AuditFilterQuery, AuditQuery
from reconciler.web.chatbots.schemas import ChatbotFilterQuery, ChatbotQuery
from reconciler.web.fleet.filters import FleetQuery
from reconciler.web.http.schemas import PageQuery, Query
from reconciler.web.plans.list_page import PlanPageQuery
from reconciler.web.plans.schemas import PlanFilterQuery, PlanQuery
from reconciler.web.runs.page import RunPageQuery
from reconciler.web.runs.schemas import RunFilterQuery, RunQuery
from reconciler.web.ui.forms import FormQuery

VISIBLE = {"visible"}
"""Comes from who asks, not from the address."""


@pytest.mark.parametrize(
    ("shared", "api", "page"),
    [
        (ChatbotFilterQuery, ChatbotQuery, FleetQuery),
        (PlanFilterQuery, PlanQuery, PlanPageQuery),
        (AuditFilterQuery, AuditQuery, AuditPageQuery),
        (RunFilterQuery, RunQuery, RunPageQuery),
    ],
)
def test_the_api_and_the_page_take_the_same_filters(shared: type[Query], api: type[Query], page: type[Query]) -> None:
    def own(query: type[Query]) -> set[str]:
        return query.model_fields.keys() - PageQuery.model_fields.keys() - FormQuery.model_fields.keys()

    assert own(api) == own(page)
    assert own(api) - own(shared) <= {"status"}, "the page of plans also takes words for several"


@pytest.mark.parametrize(
    ("query", "kind"), [(ChatbotQuery, ChatbotFilter), (PlanQuery, PlanFilter), (AuditQuery, AuditFilter)]
)
def test_the_store_filters_by_nothing_that_cannot_be_asked_for(query: type[Query], kind: type[object]) -> None:
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]  # each of them is a dataclass
    assert names - VISIBLE <= query.model_fields.keys()


def test_every_field_reaches_the_store() -> None:
    asked = {"label": "team=x", "source": "main", "tenant": "acme", "q": "bot"}
    assert FleetQuery(**asked).filter(("main",)) == ChatbotFilter(**asked, visible=("main",))
    assert ChatbotQuery(**asked).filter() == ChatbotFilter(**asked)
    wanted = {"chatbot": "bot_1", "source": "main", "tenant": "acme", "change": "abc"}
    assert PlanQuery(**wanted).filter(None, None) == PlanFilter(**wanted)
    log = {"subject": "plan/1", "actor": "ann", "action": "plan."}
    assert AuditQuery(**log, after=7).filter() == AuditPageQuery(**log, after=7).filter() == AuditFilter(**log, after=7)
