"""One chatbot whose live side cannot be read takes nothing else with it: no other's comparison, no page, no export."""

import json
from pathlib import Path
from typing import Any

import httpx

from tests.support.command import run_command
from tests.support.loopback import LOOPBACK
from tests.support.service import READ_KEY, TOKEN, stage
from tests.support.world import BOT, document, path_of, spec

OTHER = "bot_2"
FILES = {path_of(): document(spec(prompt="New.")), path_of(OTHER): document(spec(prompt="New."), OTHER)}


def nested(levels: int) -> Any:
    return json.loads('{"a":' * levels + "1" + "}" * levels)


def test_a_chatbot_nested_beyond_measure_hides_no_other(tmp_path: Path) -> None:
    odd = spec()
    odd["core"]["x"] = nested(300)
    with stage(tmp_path, {BOT: odd, OTHER: spec()}, FILES) as s, s.service() as service:
        run = service.first_run()["items"][-1]
        assert (run["status"], run["counts"]["plans"], run["counts"]["uncompared"]) == ("Succeeded", 1, 1)
        assert service.get(f"/chatbots/{BOT}")["reason"] == "BadAnswer"
        assert "nested deeper than" in service.get(f"/chatbots/{BOT}")["message"]
        assert service.approve_and_apply(service.open_plan(OTHER))["status"] == "Applied"
        for page in ("/", f"/chatbots/default/{BOT}?live=1", "/runs", "/plans"):
            answer = httpx.get(f"{service.url}{page}", headers={"Authorization": f"Bearer {TOKEN}"}, **LOOPBACK)
            assert answer.status_code == httpx.codes.OK, page
        exported = run_command(
            *("export", "--all", "--to", str(tmp_path / "exported")),
            environ={"WIZCHAT_API_KEY": READ_KEY, "WIZCHAT_BASE_URL": s.sandbox.url},
            check=False,
        )
        assert "nested deeper than" in exported.stderr
