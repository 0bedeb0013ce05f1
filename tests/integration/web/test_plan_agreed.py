"""What both sides last agreed on, as the page of a plan tells it."""

from collections.abc import AsyncIterator

import httpx
import pytest

from reconciler.domain.direction import DirectedOp, SectionBaseline
from reconciler.domain.lifecycle import PlanStatus
from reconciler.render.values import ABSENT
from tests.fakes.clock import START
from tests.integration.web.conftest import House
from tests.integration.web.test_plan_page import (
    BOTH,
    NEW_PROMPT,
    OLD_PROMPT,
    PROMPT,
    REFUNDS,
    keep,
    signed_in,
    update,
    words,
)

pytestmark = pytest.mark.anyio

STATUS = update("core", None, {"status": "draft"}, {"status": "public"}, status=BOTH)
AGREED_PROMPT = OLD_PROMPT.replace("five", "seven")
TEXT = update("core", None, {"prompt": OLD_PROMPT}, {"prompt": NEW_PROMPT}, prompt=BOTH)
FOLD = "Whose words are whose"


@pytest.fixture
async def approver(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with signed_in(house, "approver") as client:
        yield client


async def agree(house: House, **core: str) -> None:
    """Both sides once had these core settings; a chatbot beside it never had them."""
    async with house.store.begin() as uow:
        await uow.baselines.put("acme", "bot_3", {"core": SectionBaseline({"": core})})
        await uow.baselines.put("acme", "bot_1", {"core": SectionBaseline({"": dict.fromkeys(core, "another's")})})


def tables(text: str) -> list[str]:
    """What the tables of the fold say that tells the two sides of a text apart."""
    fold = text.partition(FOLD)[2].partition("</details>")[0]
    return [words(table.partition("</table>")[0]) for table in fold.split("<table")[1:]]


async def test_short_fields_say_what_was_agreed_and_who_moved(house: House, approver: httpx.AsyncClient) -> None:
    await keep(house, REFUNDS)
    text = words((await approver.get("/plans/plan_3")).text)

    assert "enabled true false true ● changed live" in text
    assert "mode on_demand on_demand always ⎇ changed in git" in text
    assert "Applying overwrites this edit: skill refunds: enabled" in text


async def test_where_both_moved_the_baseline_says_what_was_agreed(house: House, approver: httpx.AsyncClient) -> None:
    await keep(house, STATUS)
    await agree(house, status="in review")
    text = words((await approver.get("/plans/plan_3")).text)

    assert "Field Last agreed Live now After Who moved" in text
    assert "status in review draft public ⇄ both sides moved" in text


async def test_a_field_that_both_agreed_not_to_have_is_said_to_be_unset(
    house: House, approver: httpx.AsyncClient
) -> None:
    await keep(house, STATUS)
    await agree(house, name="Acme")
    assert f"status {ABSENT} draft public" in words((await approver.get("/plans/plan_3")).text)


async def test_without_a_baseline_what_was_agreed_is_not_known(house: House, approver: httpx.AsyncClient) -> None:
    await keep(house, STATUS)
    assert "status not known draft public" in words((await approver.get("/plans/plan_3")).text)


async def test_what_both_agree_on_by_now_is_not_said_of_a_plan_that_is_closed(
    house: House, approver: httpx.AsyncClient
) -> None:
    await keep(house, STATUS, status=PlanStatus.APPLIED, closed_at=START)
    await agree(house, status="public")
    assert "status not known draft public" in words((await approver.get("/plans/plan_3")).text)


async def test_of_a_text_that_both_moved_it_is_told_whose_words_are_whose(
    house: House, approver: httpx.AsyncClient
) -> None:
    await keep(house, TEXT)
    await agree(house, prompt=AGREED_PROMPT)
    live, git = tables((await approver.get("/plans/plan_3")).text)

    both = "You help the customers of Acme. " * 2
    words_of = "Answer in at most {} sentences.".format
    assert live.endswith(f"Last agreed Live now {both}{words_of('seven')} {words_of('five')}")
    assert git.endswith(f"Last agreed After {both}{words_of('seven')} {words_of('three')}")


@pytest.mark.parametrize("op", [TEXT, PROMPT], ids=["no-baseline", "only-git-moved"])
async def test_where_no_two_sides_can_be_told_apart_no_fold_pretends_to(
    house: House, approver: httpx.AsyncClient, op: DirectedOp
) -> None:
    await keep(house, op)
    assert FOLD not in (await approver.get("/plans/plan_3")).text
