"""A stop, as by an orchestrator that rolls out a new version: what was begun is ended."""

import signal
from pathlib import Path

from tests.support.service import stage
from tests.support.waiting import PATIENCE
from tests.support.world import BOT, document, path_of, spec

SLOW_MS = 2000


def test_rule_4_an_apply_under_way_is_ended_before_the_process_is(tmp_path: Path) -> None:
    with stage(tmp_path, {BOT: spec(prompt="old")}, {path_of(): document(spec())}) as s:
        with s.service() as service:
            plan = service.open_plan(BOT)
            s.sandbox.control.add_fault("latency", match={"dry_run": False}, ms=SLOW_MS)
            apply_id = service.post(f"/plans/{plan['id']}/approve", fingerprint=plan["fingerprint"], apply=True)[
                "apply_id"
            ]
            service.until(f"/applies/{apply_id}", lambda apply: apply["status"] == "Applying")
            service.process.send_signal(signal.SIGTERM)
            assert service.process.wait(PATIENCE) == 0
        with s.service() as again:
            assert again.get(f"/applies/{apply_id}")["status"] == "Applied"
            actions = [entry["action"] for entry in again.get("/audit?limit=200")["items"]]
            assert "apply.outcomeunknown" not in actions
            assert len(s.writes()) == 1
