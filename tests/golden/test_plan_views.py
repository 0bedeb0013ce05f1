"""A plan in each of its forms, compared letter by letter with the files beside this one.

After a wanted change write them anew with ``GOLDEN=write pytest tests/golden`` and read the difference.
"""

import json
import os
import re
from pathlib import Path

import pytest

from reconciler.domain.diagnostics import Diagnostic, Severity
from reconciler.domain.direction import DirectedOp
from reconciler.domain.plan import Action, Op
from reconciler.domain.status import Direction
from reconciler.render.model import FleetPlan, PlanView, Unplanned
from reconciler.render.plan_json import fleet_json
from reconciler.render.plan_markdown import fleet_markdown
from reconciler.render.plan_text import plan_text

HERE = Path(__file__).parent
GIT, LIVE, BOTH, UNKNOWN = Direction.GIT_AHEAD, Direction.LIVE_AHEAD, Direction.DIVERGED, Direction.UNKNOWN
OLD = """You are the support assistant of Acme.

Answer in at most five sentences.
If you are unsure, say so and offer a person.
Use the customer's language.

Never promise a refund.
"""
NEW = OLD.replace("five", "three").replace(", say so and offer a person.", ", offer a person at once.")
RETURNS = """# Returns within the EU

A customer may return within 14 days.
Ask for the order number.

1. Look up
2. Label
3. Send
"""


def _update(section: str, key: str | None, changed: dict[str, tuple[object, object, Direction]]) -> DirectedOp:
    op = Op(
        section,
        Action.UPDATE,
        key,
        {name: before for name, (before, _, _) in changed.items()},
        {name: after for name, (_, after, _) in changed.items()},
        tuple(sorted(changed)),
    )
    directions = {name: direction for name, (_, _, direction) in changed.items()}
    common = directions.popitem()[1] if len(set(directions.values())) == 1 else BOTH
    return DirectedOp(op, common, {name: direction for name, (_, _, direction) in changed.items()})


SUPPORT = PlanView(
    chatbot_id="bot_7f3a",
    name="Acme Support Bot",
    tenant="default",
    path="chatbots/support.yaml",
    ops=(
        _update("core", None, {"behavior.systemPrompt": (OLD, NEW, GIT)}),
        _update("skills", "refunds", {"enabled": (False, True, LIVE), "mode": ("on_demand", "always", GIT)}),
        DirectedOp(
            Op("skills", Action.CREATE, "returns-eu", None, {"name": "returns-eu", "mode": "always", "body": RETURNS}),
            GIT,
        ),
        DirectedOp(Op("domains", Action.DELETE, "old.acme.example", {"domain": "old.acme.example"}), GIT),
    ),
    noops=11,
    prune=True,
    fingerprint="0123456789abcdef" * 4,
)
HOSTILE = PlanView(
    chatbot_id="bot_90de",
    name="``` @everyone <b>\u202eDesk\x1b[31m",
    tenant="default",
    path="chatbots/desk.yaml",
    ops=(
        _update(
            "accessLists",
            None,
            {
                "authorizedEmails": (
                    [f"{n}@a.example" for n in range(9)],
                    [f"{n}@a.example" for n in range(1, 10)],
                    UNKNOWN,
                )
            },
        ),
        _update("core", None, {"note": ("```", "````\n```\nx\x1b]0;title\x07\n", UNKNOWN), "limit": ("5", 5, UNKNOWN)}),
        DirectedOp(Op("mcpServers", Action.DELETE, "crm", {"name": "crm"}), UNKNOWN),
    ),
    noops=0,
    prune=True,
    fingerprint="fedcba9876543210" * 4,
)
FLEET = FleetPlan(
    plans=(SUPPORT, HOSTILE),
    in_sync=4,
    missing=(
        Unplanned(
            chatbot_id="bot_77f0",
            name="Campaign 2019",
            path="chatbots/campaign.yaml",
            message="chatbot bot_77f0 was not found at WizChat: remove the document or correct metadata.chatbotId",
        ),
    ),
    errors=(Unplanned(chatbot_id="bot_1", name=None, path="chatbots/a.yaml", message="WizChat asks to slow down"),),
    refused=(Diagnostic(Severity.ERROR, "unknown section", "chatbots/careers.yaml", 14, 7, "spec.skils", "skills"),),
    refused_documents=1,
)
VIEWS = {
    "plan.txt": plan_text(FLEET),
    "plan.ansi.txt": plan_text(FLEET, colour=True),
    "plan.md": fleet_markdown(FLEET),
    "plan.json": fleet_json(FLEET),
    "nothing.txt": plan_text(FleetPlan(in_sync=3)),
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_plan_looks_as_it_did(name: str) -> None:
    path = HERE / name
    if os.environ.get("GOLDEN") == "write":
        path.write_text(VIEWS[name], encoding="utf-8")
    assert VIEWS[name] == path.read_text(encoding="utf-8")


def test_no_value_reaches_a_terminal_with_anything_that_acts_on_it() -> None:
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", VIEWS["plan.txt"])


def test_no_value_ends_a_code_block_in_markdown() -> None:
    fences = re.findall(r"^(`{3,})(diff)?$", VIEWS["plan.md"], re.MULTILINE)
    assert [bool(kind) for _, kind in fences] == [True, False, True, False]
    assert "@everyone" not in re.sub(r"(`+).*?\1", "", VIEWS["plan.md"])


def test_the_machine_form_says_all_and_in_the_api_s_words() -> None:
    shape = json.loads(VIEWS["plan.json"])
    assert shape["summary"] == {"create": 1, "update": 4, "delete": 2, "noop": 11}
    op = shape["plans"][0]["ops"][1]
    assert op["fields"] == {"enabled": "LiveAhead", "mode": "GitAhead"}
    assert op["changed_fields"] == ["enabled", "mode"]
    assert shape["plans"][0]["ops"][2]["before"] is None
    assert shape["plans"][1]["ops"][1]["after"]["note"] == "````\n```\nx\x1b]0;title\x07\n"
