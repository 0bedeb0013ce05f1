"""Nothing secret leaves: every kind of secret, every kind of fault, every place where something could be read."""

import base64
import hashlib
import hmac
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest

from tests.faults.canaries import Leak, Onlooker, Search, forms
from tests.faults.gate import Mode
from tests.faults.history import Ask
from tests.faults.lane import Lane, Points
from tests.faults.scenarios import WEIGHTS, Scenario
from tests.faults.stage import Secrets
from tests.faults.trial import Trial, carry_out

SECRETS: Final = Secrets(
    bootstrap='wzr_canary-bootstrap"+/%&token-of-forty-characters',
    read_key='wpk_live_canary-read"+/%&key',
    write_key='wpk_live_canary-write"+/%&key',
    git='canary-git"+/%&ü-password',
    webhook='canary-webhook"+/%&ü-secret',
    client='canary-client"+/%&ü-secret',
)
NAMED: Final = {
    "bootstrap token": SECRETS.bootstrap,
    "read key": SECRETS.read_key,
    "write key": SECRETS.write_key,
    "git password": str(SECRETS.git),
    "webhook secret": str(SECRETS.webhook),
    "client secret": str(SECRETS.client),
}
PAGES: Final = (
    "/", "/login", "/login?next=/plans/x", "/login/oidc", "/metrics", "/healthz", "/readyz", "/openapi.json",
    "/docs", "/api/v1/status", "/api/v1/me", "/api/v1/sources", "/api/v1/tokens", "/api/v1/runs", "/api/v1/audit",
    "/api/v1/chatbots", "/api/v1/nothing", "/api/v1/plans?limit=x", "/webhooks/bots",
)  # fmt: skip


@pytest.fixture(scope="module")
def search() -> Search:
    return Search(dict(NAMED))


@pytest.fixture(scope="module")
def lane(tmp_path_factory: pytest.TempPathFactory, search: Search, points: Points) -> Iterator[Lane]:
    def leave(trial: Trial, folder: Path) -> None:
        search.folder("data folder", trial.data)
        search.look("output", trial.name, (folder / "data.out").read_bytes())

    def hear(line: str, answer: bytes) -> None:
        if line == "POST /api/v1/tokens":
            # the one answer that tells a secret: that of a token, at the moment at which it is made
            search.secrets = {**search.secrets, "bearer token": json.loads(answer.partition(b"\n\n")[2])["secret"]}
            search.__post_init__()
        else:
            search.look("answer", line, answer)

    with Lane(tmp_path_factory.mktemp("canaries"), heard=hear, evidence=leave, secrets=SECRETS, points=points) as lane:
        yield lane


@pytest.mark.parametrize("scenario", WEIGHTS, ids=lambda scenario: scenario.__name__)
def test_no_fault_lets_a_secret_out(scenario: Scenario, lane: Lane, search: Search) -> None:
    report = scenario(lane, random.Random(scenario.__name__), scenario.__name__)
    lane.hand_over()
    assert search.leaks == []
    assert report.violations == []


def test_no_page_answer_process_or_git_child_shows_a_secret(lane: Lane, search: Search) -> None:
    trial = lane.trial(lane.remote, "pages", random.Random(0))
    lane.gate.mode = Mode.PASS
    watched: list[Onlooker] = []

    def look_around(trial: Trial) -> None:
        with Onlooker(search, trial.process.pid, frozenset({"git password"})) as onlooker:
            watched.append(onlooker)
            lane.gate.mode, lane.gate.seconds = Mode.HANG, 0.3
            _refresh(trial)
            lane.gate.mode = Mode.PASS
            _refresh(trial)
            _look_at_pages(trial)
            carry_out(trial)
            trial.settle()
            _look_at_pages(trial)

    report = trial.finish(look_around)
    lane.hand_over()
    assert report.violations == []
    assert any(name.startswith("git") for name in watched[0].seen), "no git child was seen"
    assert search.leaks == []
    for kind in ("answer", "output", "data folder", "command line", "environment"):
        assert search.looked_at.get(kind), f"nothing was searched: {kind}"


def _refresh(trial: Trial) -> None:
    trial.client.call("POST", "/api/v1/sources/bots/refresh")
    trial.settle()


def _look_at_pages(trial: Trial) -> None:
    client = trial.client
    for path in PAGES:
        client.call("GET", path)
    for plan in client.plans().values():
        client.call("GET", f"/plans/{plan['id']}")
        client.call("GET", f"/api/v1/plans/{plan['id']}/nothing")
    for signature in ("", "sha256=0", hmac.new(b"wrong", b"{}", hashlib.sha256).hexdigest()):
        _post_raw(trial, "/webhooks/bots", b"{}", {"X-Hub-Signature-256": signature, "X-GitHub-Event": "push"})
    for wrong in (SECRETS.read_key, SECRETS.write_key, str(SECRETS.webhook), "wzr_wrong"):
        # somebody pastes the wrong secret: it comes back in no answer and no log
        _post_raw(trial, "/api/v1/me", b"", {"Authorization": f"Bearer {quote(wrong)}"})


def _post_raw(trial: Trial, path: str, body: bytes, headers: dict[str, Any]) -> None:
    answer = httpx.post(f"{trial.process.url}{path}", content=body, headers=headers, trust_env=False, timeout=10)
    trial.client.heard(f"POST {path}", answer.content + str(answer.headers).encode())


def test_a_bearer_token_is_told_once_and_never_again(lane: Lane, search: Search) -> None:
    trial = lane.trial(lane.few, "token", random.Random(1))

    def with_a_token(trial: Trial) -> None:
        token = trial.client.call("POST", "/api/v1/tokens", name="ann", role="approver").json()
        trial.client.act_as("ann", token["secret"])
        for plan in trial.open_plans():
            trial.client.decide(Ask.APPROVE, plan["id"], apply=True)
        trial.settle()
        trial.client.act_as("bootstrap", SECRETS.bootstrap)

    report = trial.finish(with_a_token)
    lane.hand_over()
    assert report.violations == []
    assert "bearer token" in search.secrets
    assert search.leaks == []


@pytest.mark.parametrize("name", NAMED)
def test_a_planted_leak_is_found_in_every_form(name: str, tmp_path: Path) -> None:
    secret = NAMED[name]
    planted = {
        "plain": f"key={secret}!",
        "quoted": f"https://u:{quote(secret, safe='')}@host/",
        "json": json.dumps({"detail": f"it was {secret}"}),
        "basic": base64.b64encode(f"robot:{secret}".encode()).decode(),
        "shifted": base64.b64encode(f"xy{secret}z".encode()).decode(),
        "hex": secret.encode().hex(),
    }
    for form, text in planted.items():
        search = Search(NAMED)
        (tmp_path / form).write_text(text, encoding="utf-8")
        search.folder("planted", tmp_path)
        (tmp_path / form).unlink()
        assert {leak.secret for leak in search.leaks} == {name}, form


def test_a_planted_leak_in_a_process_is_found() -> None:
    search = Search(NAMED)
    with Onlooker(search, os.getpid()) as onlooker:
        subprocess.run(
            [sys.executable, "-c", "import time; time.sleep(0.3)", SECRETS.write_key], check=True, timeout=20
        )
    assert [leak.secret for leak in search.leaks if leak.where.startswith("command line")][:1] == ["write key"]
    assert onlooker.root == os.getpid()


def test_innocent_text_is_no_leak() -> None:
    search = Search(NAMED)
    search.look("text", "x", b"wpk_live_other wzr_other canary " + base64.b64encode(b"robot:other"))
    assert search.leaks == []
    assert len(list(forms("abcdef"))) > 10
    assert Leak("a", "b", "c").where == "c"
