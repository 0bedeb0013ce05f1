"""What is for all is learned from few answers, and what is for one chatbot is taken for no more than that."""

import asyncio
from dataclasses import dataclass

import pytest

from reconciler.engine.outage import Outage
from reconciler.errors import (
    BadAnswer,
    ChatbotNotFound,
    QuotaExceeded,
    RequestRefused,
    ScopeMissing,
    TargetError,
    TargetRateLimited,
    TargetUnauthorized,
    TargetUnreachable,
)

pytestmark = pytest.mark.anyio

DOWN, ODD, NO_SCOPE = TargetUnreachable("down"), BadAnswer("odd"), ScopeMissing("no scope")
OPS = ()


@dataclass
class Listing:
    """Counts how often the list is asked for."""

    failure: TargetError | None = None
    asked: int = 0

    async def __call__(self) -> None:
        self.asked += 1
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure


@pytest.mark.parametrize("error", [TargetUnauthorized("no"), QuotaExceeded("tomorrow")])
async def test_a_refused_key_and_a_used_up_quota_are_for_all(error: TargetError) -> None:
    listing = Listing()
    outage = Outage(listing)
    await outage.note(OPS)
    await outage.note(error)
    await outage.note(OPS)
    assert (outage.error, listing.asked) == (error, 0)


@pytest.mark.parametrize("error", [DOWN, ODD])
@pytest.mark.parametrize("failure", [DOWN, ODD, TargetUnauthorized("no"), QuotaExceeded("tomorrow")])
async def test_what_the_list_meets_as_well_is_for_all(error: TargetError, failure: TargetError) -> None:
    listing = Listing(failure)
    outage = Outage(listing)
    await asyncio.gather(*(outage.note(error) for _ in range(16)))
    assert (outage.error, listing.asked) == (failure, 1)


@pytest.mark.parametrize("failure", [None, NO_SCOPE, RequestRefused("no"), TargetRateLimited("later")])
async def test_a_list_that_answers_or_fails_by_itself_is_asked_again_only_after_a_chatbot_was_answered_for(
    failure: TargetError | None,
) -> None:
    listing = Listing(failure)
    outage = Outage(listing)
    for _ in range(3):
        await outage.note(DOWN)
    assert (outage.error, listing.asked) == (None, 1)
    await outage.note(OPS)
    listing.failure = DOWN
    await outage.note(DOWN)
    assert (outage.error, listing.asked) == (DOWN, 2)


@pytest.mark.parametrize("error", [NO_SCOPE, RequestRefused("no"), ChatbotNotFound("gone"), TargetRateLimited("later")])
async def test_what_is_about_one_chatbot_asks_for_no_list(error: TargetError) -> None:
    listing = Listing(DOWN)
    outage = Outage(listing)
    await outage.note(error)
    assert (outage.error, listing.asked) == (None, 0)


@pytest.mark.parametrize("error", [DOWN, ODD, NO_SCOPE, TargetUnauthorized("no")])
async def test_after_a_list_that_failed_the_first_failure_is_for_all(error: TargetError) -> None:
    listing = Listing(DOWN)
    outage = Outage(listing, list_failed=True)
    await outage.note(error)
    assert (outage.error, listing.asked) == (error, 0)


@pytest.mark.parametrize("first", [OPS, ChatbotNotFound("gone")])
async def test_a_list_that_fails_while_chatbots_are_answered_for_tells_nothing(first: object) -> None:
    listing = Listing(DOWN)
    outage = Outage(listing, list_failed=True)
    for answer in (first, DOWN, OPS, ODD):
        await outage.note(answer)
    assert (outage.error, listing.asked) == (None, 0)
