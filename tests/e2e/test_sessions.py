"""What is known of people outlives the process."""

import signal
from pathlib import Path

import httpx

from tests.support.command import run_command
from tests.support.loopback import LOOPBACK
from tests.support.service import TOKEN, smallest, stage
from tests.support.waiting import PATIENCE
from tests.support.world import BOT, document, path_of, spec


def test_sessions_and_the_use_of_tokens_outlive_a_stop(tmp_path: Path) -> None:
    with stage(tmp_path, {BOT: spec()}, {path_of(): document(spec())}) as s:
        environ = smallest(s.sandbox, s.remote, tmp_path)
        with s.service() as service:
            made = run_command("token", "create", "ci", "--person", "ann", "--expires", "1d", environ=environ)
            listed = run_command("token", "list", environ=environ).stdout
            assert " ann " in listed
            # the bootstrap token has been used and the minute's write was made: this use is only remembered
            headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
            me = httpx.get(f"{service.url}/api/v1/me", headers=headers, **LOOPBACK).json()
            assert (me["name"], me["credential"]) == ("ann", "token")
            form = {"token": TOKEN}
            cookies = httpx.post(f"{service.url}/login", data=form, headers={"Origin": service.url}, **LOOPBACK).cookies
            service.process.send_signal(signal.SIGTERM)
            assert service.process.wait(PATIENCE) == 0
        with (
            s.service() as again,
            httpx.Client(base_url=again.url, cookies=dict(cookies), **LOOPBACK) as browser,
        ):
            assert browser.get("/api/v1/me").json()["credential"] == "session"
            used = {token["name"]: token["last_used_at"] for token in again.get("/tokens")["items"]}
            assert used["ci"] is not None
            assert browser.post("/logout", headers={"Origin": again.url}).status_code == 303
            held = {"Cookie": f"reconciler={cookies['reconciler']}"}
            assert httpx.get(f"{again.url}/api/v1/me", headers=held, **LOOPBACK).status_code == 401


def test_somebody_who_never_signed_in_cannot_be_barred_or_signed_out(tmp_path: Path) -> None:
    with stage(tmp_path, {BOT: spec()}, {path_of(): document(spec())}) as s:
        environ = smallest(s.sandbox, s.remote, tmp_path)
        with s.service() as service:
            refused = run_command("people", "bar", "ann", "--reason", "left", environ=environ, check=False)
            assert refused.returncode == 1
            assert "nobody named 'ann' has signed in" in refused.stderr
            assert run_command("people", "list", environ=environ).stdout == ""
            mistyped = run_command("people", "sign-out", "ann", environ=environ, check=False)
            assert (mistyped.returncode, "nobody named 'ann'" in mistyped.stderr) == (1, True)
            actions = [entry["action"] for entry in service.get("/audit")["items"]]
            assert {"person.bar.refused", "person.sign_out.refused"} <= set(actions)


def test_a_service_whose_bootstrap_token_was_revoked_starts_and_says_what_to_do(tmp_path: Path) -> None:
    with stage(tmp_path, {BOT: spec()}, {path_of(): document(spec())}) as s:
        environ = smallest(s.sandbox, s.remote, tmp_path)
        with s.service():
            run_command("token", "revoke", "bootstrap", environ=environ)
        with s.service() as again:
            assert again.api.get("/me").status_code == 401
            (said,) = [line for line in again.lines if "auth.bootstrap_token" in line]
            assert "was revoked at" in said
            assert "set another secret, or unset it and make a token with `reconciler token create`" in said
            new = "wzr_another-end-to-end-admin-token-of-forty"
        with s.service(RECONCILER_AUTH__BOOTSTRAP_TOKEN=new) as third:
            headers = {"Authorization": f"Bearer {new}"}
            assert third.api.get("/me", headers=headers).json()["role"] == "admin"
