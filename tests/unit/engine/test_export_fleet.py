import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from api_client.sandbox import generated_fleet
from reconciler.engine.export import export_fleet
from reconciler.errors import ChatbotNotFound, ScopeMissing
from tests.fakes.target import FakeTarget

pytestmark = pytest.mark.anyio


class _Slow(FakeTarget):
    """Counts how many exports are under way at a time."""

    under_way = most = 0

    async def export(self, chatbot_id: str) -> Mapping[str, Any]:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        return {**await super().export(chatbot_id), "_omittedSections": ["mcpServers"]}


async def test_a_whole_fleet_is_read_a_few_at_a_time_and_ordered_by_id() -> None:
    target = _Slow(generated_fleet(400))
    fleet = await export_fleet(target, concurrency=7)
    assert [one.chatbot_id for one in fleet.exported] == [f"bot_{number:05}" for number in range(400)]
    assert fleet.exported[3].name == "Chatbot 3"
    assert target.most == 7
    assert fleet.failures == ()


async def test_what_the_key_may_not_read_is_said_and_no_part_of_the_body() -> None:
    (first, *_) = (await export_fleet(_Slow())).exported
    assert first.omitted == ("mcpServers",)
    assert set(first.body) == {"apiVersion", "kind", "spec"}


async def test_one_that_cannot_be_read_stops_no_other() -> None:
    target = FakeTarget()
    target.fail(ScopeMissing("no"), "bot_51c2")
    fleet = await export_fleet(target)
    assert [failure.chatbot_id for failure in fleet.failures] == ["bot_51c2"]
    assert len(fleet.exported) == len(target.fleet) - 1


async def test_some_are_read_and_the_whole_list_is_known_all_the_same() -> None:
    target = FakeTarget()
    fleet = await export_fleet(target, ["bot_7f3a", "bot_nope", "bot_7f3a"])
    assert [one.chatbot_id for one in fleet.exported] == ["bot_7f3a"]
    (failure,) = fleet.failures
    assert isinstance(failure.error, ChatbotNotFound)
    assert len(fleet.chatbots) == len(target.fleet)


async def test_an_id_that_is_nearly_one_is_told_which() -> None:
    (failure,) = (await export_fleet(FakeTarget(), ["bot_7f3"])).failures
    assert str(failure.error).endswith("check the id; did you mean bot_7f3a?")
