"""Audit entries are found by whatever they are about or name, and people however their name is written."""

import pytest

from reconciler.domain.listing import AuditFilter
from reconciler.storage import Store
from tests.fakes.clock import START
from tests.support import records

pytestmark = pytest.mark.anyio

ENTRIES = (
    ("reconciler", "plan.pending", "plan/plan_1", {"chatbot": "bot_1", "tenant": "acme", "run": "run_1"}),
    ("Ünal@example.com", "plan.approve", "plan/plan_1", {}),
    ("reconciler", "apply.intent", "apply/apply_1", {"plan": "plan_1"}),
    ("reconciler", "chatbot.move", "chatbot/bot_1", {}),
    ("reconciler", "plan.stale", "plan/gone", {"chatbot": "bot_1"}),
    ("cli:Root", "token.create", "token/ci", {"person": "Ünal@example.com", "list": ["bot_1"]}),
    ("Ünal@example.com", "login", "person/Ünal@example.com", {}),
    ("reconciler", "plan.pending", "plan/plan_2", {"chatbot": "bot_10", "note": "chatbot"}),
    ("nobody", "login.refused", "person/nobody", {"name": "bot_1"}),
)


@pytest.fixture
async def filled(store: Store) -> Store:
    async with store.begin() as uow:
        await uow.plans.add(records.a_plan("plan_1", chatbot_id="bot_1"))
        await uow.applies.add(records.an_apply("apply_1", plan_id="plan_1", chatbot_id="bot_1"))
        await uow.people.add(records.a_person("Ünal@example.com"))
        await uow.tokens.add(records.a_token("tok_1", person="ben"))
        for actor, action, subject, detail in ENTRIES:
            await uow.audit.append(at=START, actor=actor, action=action, subject=subject, detail=detail)
    return store


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"subject": "chatbot/bot_1"}, [5, 4, 3, 2, 1]),
        ({"subject": "chatbot/bot_1", "action": "plan."}, [5, 2, 1]),
        ({"subject": "chatbot/bot_10"}, [8]),
        ({"subject": "chatbot/BOT_1"}, []),
        ({"subject": "chatbot/"}, []),
        ({"subject": "chatbot"}, []),
        ({"subject": "plan/plan_1"}, [3, 2, 1]),
        ({"subject": "run/run_1"}, [1]),
        ({"subject": "token/ci"}, [6]),
        ({"subject": "list/bot_1"}, []),
        ({"subject": "person/ünal@EXAMPLE.com"}, [7, 6]),
        ({"subject": "person/NOBODY"}, [9]),
        ({"subject": "person/%"}, []),
        ({"actor": "ÜNAL@example.com "}, [7, 2]),
        ({"actor": "CLI:root"}, [6]),
        ({"actor": "Reconciler", "action": "chatbot."}, [4]),
        ({"actor": "ben"}, []),
        ({"subject": "person/Ünal@example.com", "actor": "ünal@example.com"}, [7]),
    ],
)
async def test_an_entry_is_found_by_what_it_names(filled: Store, wanted: dict[str, str], found: list[int]) -> None:
    page = await filled.queries.audit(AuditFilter(**wanted), limit=99, cursor=None)
    assert [entry.seq for entry in page.items] == found
