"""The whole path on real parts. The sandbox's journal is the judge: each write spent approvals of its own."""

import hashlib
import hmac
import json
import os
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.support.command import Interpreter, run_command
from tests.support.loopback import LOOPBACK
from tests.support.service import SECRETS, TOKEN, Service, smallest, stage
from tests.support.waiting import eventually
from tests.support.world import BOT, document, path_of, spec

LIVE = {BOT: spec(), "bot_2": spec("Second")}
FILES = {path_of(): document(spec()), path_of("bot_2"): document(spec("Second"), "bot_2")}


def spent(service: Service) -> int:
    """How many approvals the audit log says were spent."""
    entries = service.get("/audit?limit=200")["items"]
    return sum(len(entry["detail"]["approvals"]) for entry in entries if entry["action"] == "apply.intent")


def assert_nothing_secret(service: Service) -> None:
    said = "\n".join(service.lines)
    assert not [secret for secret in SECRETS if secret in said]


def test_from_a_commit_to_a_proven_apply_to_a_live_edit(tmp_path: Path) -> None:
    with (
        stage(tmp_path, LIVE, FILES, migrated=False) as s,
        Service(smallest(s.sandbox, s.remote, s.folder), starter=Interpreter()) as service,
    ):
        service.first_run()
        assert service.get(f"/chatbots/{BOT}")["sync"] == "Synced"
        s.repository.commit({path_of(): document(spec(prompt="Be brief."))})
        assert service.refresh()["counts"]["plans"] == 1
        plan = service.open_plan(BOT)
        assert (plan["status"], plan["direction"]) == ("Pending", "GitAhead")

        refused = service.api.post(f"/plans/{plan['id']}/apply", json={"fingerprint": plan["fingerprint"]})
        assert (refused.status_code, refused.json()["code"]) == (409, "plan_not_approved")
        assert s.writes() == []

        apply = service.approve_and_apply(plan)
        assert apply["status"] == "Applied"
        [write] = s.writes()
        assert write["body"]["spec"] == {"core": spec(prompt="Be brief.")["core"]}
        assert write["body"]["prune"] is False
        assert len(s.writes()) == spent(service) == 1
        assert service.get(f"/chatbots/{BOT}")["sync"] == "Synced"

        s.sandbox.control.edit(BOT, "core", set={"behavior.systemPrompt": "Be funny."})
        service.refresh()
        drifted = service.get(f"/chatbots/{BOT}")
        assert (drifted["sync"], drifted["direction"]) == ("OutOfSync", "LiveAhead")
        assert len(s.writes()) == spent(service) == 1
    assert_nothing_secret(service)


def test_a_live_edit_between_approval_and_apply_is_not_overwritten(tmp_path: Path) -> None:
    with stage(tmp_path, {BOT: spec(prompt="old")}, {path_of(): document(spec())}) as s, s.service() as service:
        plan = service.open_plan(BOT)
        service.post(f"/plans/{plan['id']}/approve", fingerprint=plan["fingerprint"])
        s.sandbox.control.edit(BOT, "core", set={"behavior.systemPrompt": "edited meanwhile"})
        apply = service.post(f"/plans/{plan['id']}/apply", fingerprint=plan["fingerprint"])
        ended = service.until(f"/applies/{apply['id']}", lambda apply: apply["finished_at"] is not None)
        assert ended["status"] == "Stale"
        assert s.writes() == []
        assert service.get(f"/plans/{plan['id']}")["status"] == "Stale"


@pytest.mark.parametrize("kind", ["drop_after", "truncated", "malformed"])
def test_an_apply_whose_answer_is_lost_is_read_back_and_never_sent_again(tmp_path: Path, kind: str) -> None:
    with stage(tmp_path, {BOT: spec(prompt="old")}, {path_of(): document(spec())}) as s, s.service() as service:
        plan = service.open_plan(BOT)
        more = {"body": "{"} if kind == "malformed" else {}
        s.sandbox.control.add_fault(kind, match={"dry_run": False}, **more)
        assert service.approve_and_apply(plan)["status"] == "Applied"
        assert len(s.sandbox.control.writes()) == spent(service) == 1


def test_a_database_that_is_deleted_is_told_in_one_line_at_each_tick(tmp_path: Path) -> None:
    with stage(tmp_path, LIVE, FILES) as s:
        with s.service() as service:
            service.first_run()
            database = sorted((tmp_path / "data").glob("reconciler.db*"))
            for file in database:
                shutil.copy(file, tmp_path)
                file.unlink()

            def told() -> list[str]:
                return [line for line in service.lines if '"tick failed"' in line]

            assert eventually(lambda: bool(told())), service.lines
        assert json.loads(told()[0])["cause"].startswith("the database ")
        assert not [line for line in service.lines if "Traceback" in line]
        # the judge of the stage reads it
        for file in database:
            shutil.copy(tmp_path / file.name, file)


def test_a_service_whose_ticks_all_fail_is_not_ready_until_one_does_not(tmp_path: Path) -> None:
    with stage(tmp_path, LIVE, FILES) as s, s.service() as service:
        service.first_run()

        def rename(before: str, after: str) -> None:
            with closing(sqlite3.connect(tmp_path / "data" / "reconciler.db")) as database:
                database.execute(f"ALTER TABLE {before} RENAME TO {after}")

        def is_answered(status: int) -> bool:
            return httpx.get(f"{service.url}/readyz", **LOOPBACK).status_code == status

        assert is_answered(200)
        rename("switches", "lost")
        assert eventually(lambda: is_answered(503)), service.lines
        assert service.api.get("/sources").is_success, "the database answers"
        rename("lost", "switches")
        assert eventually(lambda: is_answered(200)), service.lines


def test_the_data_folder_is_said_in_full(tmp_path: Path) -> None:
    relative = os.path.relpath(tmp_path / "data")
    with stage(tmp_path, LIVE, FILES) as s, s.service(RECONCILER_DATA__DIR=relative) as service:
        [event] = [json.loads(line) for line in service.lines if '"using the data folder"' in line]
        assert event["folder"] == str(Path(relative).absolute())


def test_without_a_write_key_nothing_can_be_written(tmp_path: Path) -> None:
    with stage(tmp_path, {BOT: spec(prompt="old")}, {path_of(): document(spec())}) as s:
        environ = smallest(s.sandbox, s.remote, s.folder)
        del environ["WIZCHAT_WRITE_API_KEY"]
        with Service(environ) as service:
            plan = service.open_plan(BOT)
            assert plan["reason"] == service.get(f"/chatbots/{BOT}")["reason"] == "ReadOnly"
            service.post(f"/plans/{plan['id']}/approve", fingerprint=plan["fingerprint"])
            refused = service.api.post(f"/plans/{plan['id']}/apply", json={"fingerprint": plan["fingerprint"]})
            assert (refused.status_code, refused.json()["code"]) == (409, "read_only")
            assert s.sandbox.control.writes() == []


def test_what_was_decided_survives_kill_9(tmp_path: Path) -> None:
    with stage(tmp_path, {BOT: spec(prompt="old")}, {path_of(): document(spec())}) as s:
        with s.service() as service:
            plan = service.open_plan(BOT)
            service.post(f"/plans/{plan['id']}/approve", fingerprint=plan["fingerprint"])
            service.kill()
        with s.service() as again:
            assert again.get(f"/plans/{plan['id']}")["status"] == "Approved"
            assert again.approve_and_apply(plan)["status"] == "Applied"
            assert len(s.writes()) == spent(again) == 1


def signed(secret: str, body: bytes) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={digest}", "X-GitHub-Event": "push", "Content-Type": "application/json"}


def test_a_signed_push_is_looked_at_at_once_and_a_forged_one_is_not(tmp_path: Path) -> None:
    secret = "a webhook secret of some length"
    with stage(tmp_path, LIVE, FILES) as s:
        config = tmp_path / "reconciler.toml"
        environ = smallest(s.sandbox, s.remote, s.folder, RECONCILER_CONFIG=str(config))
        key, write_key = environ.pop("WIZCHAT_API_KEY"), environ.pop("WIZCHAT_WRITE_API_KEY")
        base_url, remote = environ.pop("WIZCHAT_BASE_URL"), environ.pop("RECONCILER_GIT_URL")
        del environ["RECONCILER_GIT_INSECURE"]
        config.write_text(f"""
            [[tenants]]
            name = "acme"
            base_url = "{base_url}"
            api_key = "{key}"
            write_api_key = "{write_key}"
            [[sources]]
            name = "default"
            url = "{remote}"
            tenant = "acme"
            insecure = true
            interval = "1h"
            drift_interval = "1h"
            forge = "github"
            webhook_secret = "{secret}"
        """)
        with Service(environ) as service:
            service.first_run()
            s.repository.commit({path_of(): document(spec(prompt="pushed"))})
            body = json.dumps({"ref": "refs/heads/main"}).encode()
            forged = httpx.post(f"{service.url}/api/v1/webhooks/default", content=body, headers=signed("guess", body))
            assert forged.status_code == 401
            pushed = httpx.post(f"{service.url}/api/v1/webhooks/default", content=body, headers=signed(secret, body))
            assert pushed.status_code == 202
            assert service.open_plan(BOT)["direction"] == "GitAhead"
            runs = service.get("/runs")["items"]
            assert [(run["trigger"], run["counts"]["dry_runs"]) for run in runs] == [("webhook", 1), ("startup", 2)]
        assert secret not in "\n".join(service.lines)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"RECONCILER_GIT_URL": "http://127.0.0.1:1/none.git"}, "Unreachable"),
        ({"RECONCILER_GIT_BRANCH": "no-such-branch"}, "BranchMissing"),
    ],
)
def test_a_source_that_cannot_be_read_is_a_status_with_a_reason(
    tmp_path: Path, change: dict[str, str], cause: str
) -> None:
    with stage(tmp_path, LIVE, FILES) as s, s.service(**change) as service:
        source = service.until("/sources/default", lambda source: source["state"] == "Unknown")
        assert source["cause"] == cause
        assert httpx.get(f"{service.url}/readyz").status_code == 200
        [run] = service.until("/runs", lambda runs: runs["items"][0]["finished_at"] is not None)["items"]
        assert run["status"] == "Failed"


@pytest.mark.parametrize(
    ("key", "reason"), [("wpk_live_wrong", "Unauthorized"), ("wpk_live_scopeless", "ScopeMissing")]
)
def test_a_key_that_does_not_do_is_a_reason_on_each_chatbot(tmp_path: Path, key: str, reason: str) -> None:
    with stage(tmp_path, LIVE, FILES) as s:
        s.sandbox.control.put_key("scopeless", key="wpk_live_scopeless", scopes=["skills:read"])
        with s.service(WIZCHAT_API_KEY=key) as service:
            service.first_run()
            chatbot = service.get(f"/chatbots/{BOT}")
            assert (chatbot["sync"], chatbot["reason"]) == ("Unknown", reason)
            if reason == "ScopeMissing":
                assert "chatbots:read" in chatbot["message"]


def test_the_first_start_prints_an_admin_token_once(tmp_path: Path) -> None:
    with stage(tmp_path, LIVE, FILES, migrated=False) as s:
        environ = smallest(s.sandbox, s.remote, s.folder)
        del environ["RECONCILER_AUTH__BOOTSTRAP_TOKEN"]
        with Service(environ) as first:
            pass
        [line] = [line for line in first.lines if "wzr_" in line]
        token = re.search(r"wzr_\S+", line)
        assert token is not None
        with Service(environ) as second:
            headers = {"Authorization": f"Bearer {token.group()}"}
            assert httpx.get(f"{second.url}/api/v1/status", headers=headers).status_code == 200
        assert "wzr_" not in "\n".join(second.lines)


def test_a_token_made_or_revoked_beside_the_service_holds_from_the_next_request_on(tmp_path: Path) -> None:
    with stage(tmp_path, LIVE, FILES) as s, s.service() as service:
        environ = smallest(s.sandbox, s.remote, s.folder)
        made = run_command("token", "create", "ci", "--role", "viewer", environ=environ)
        headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
        assert httpx.get(f"{service.url}/api/v1/status", headers=headers).status_code == 200
        assert "ci" in run_command("token", "list", environ=environ).stdout
        run_command("token", "revoke", "ci", environ=environ)
        assert httpx.get(f"{service.url}/api/v1/status", headers=headers).status_code == 401
        assert TOKEN not in run_command("token", "list", environ=environ).stdout
