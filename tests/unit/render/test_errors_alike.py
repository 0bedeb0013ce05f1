"""What is said of many chatbots alike is said once, in text and in markdown."""

import json

from reconciler.render.model import FleetPlan, Unplanned
from reconciler.render.plan_json import fleet_json
from reconciler.render.plan_markdown import fleet_markdown
from reconciler.render.plan_text import plan_text

DOWN = "WizChat cannot be reached: check base_url"


def fleet(count: int) -> FleetPlan:
    down = [failed(f"bot_{number}", DOWN) for number in range(count)]
    return FleetPlan(errors=(failed("bot_odd", "the answer is odd"), *down))


def failed(chatbot_id: str, message: str) -> Unplanned:
    return Unplanned(chatbot_id=chatbot_id, name=None, path=f"chatbots/{chatbot_id}.yaml", message=message)


def test_an_outage_is_told_once_with_how_many_it_met() -> None:
    text = plan_text(fleet(30))
    assert text.count(DOWN) == 1
    assert text.count("\n!") == 6
    assert f"bot_4   chatbots/bot_4.yaml\n! and 25 more\n    {DOWN}\n" in text
    assert "chatbots/bot_odd.yaml\n    the answer is odd\n" in text
    assert "31 could not be asked" in text


def test_so_does_markdown() -> None:
    text = fleet_markdown(fleet(30))
    assert text.count(DOWN) == 1
    assert f"`bot_4` `chatbots/bot_4.yaml` and 25 more: `{DOWN}`" in text


def test_few_are_all_named() -> None:
    assert "more" not in plan_text(fleet(5)) + fleet_markdown(fleet(5))


def test_json_names_all() -> None:
    assert len(json.loads(fleet_json(fleet(30)))["errors"]) == 31
