"""Nothing secret leaves: every kind of secret, every kind of fault, every place where something could be read."""

import base64
import hashlib
import hmac
import html
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest
from fastapi.routing import APIRoute
from markupsafe import escape

from reconciler.web import routes
from reconciler.web.events import api
from reconciler.web.http.cookies import SESSION
from reconciler.web.login import page as login
from tests.faults.canaries import Leak, Onlooker, Search, forms
from tests.faults.gate import Mode
from tests.faults.history import Ask
from tests.faults.lane import Lane, Points
from tests.faults.scenarios import WEIGHTS, Scenario
from tests.faults.stage import Secrets
from tests.faults.trial import Trial, carry_out
from tests.support.loopback import LOOPBACK

SECRETS: Final = Secrets(
    bootstrap='wzr_canary-bootstrap"+/%&token-of-forty-characters',
    read_key='wpk_live_canary-read"+/%&key',
    write_key='wpk_live_canary-write"+/%&key',
    git='canary-git"+/%&ü-password',
    webhook='canary-webhook"+/%&ü-secret',
    client='canary-client"+/%&ü-secret',
    link='canary-link"+/%&ü-key-of-more-than-thirty-two-characters',
)
NAMED: Final = {
    "bootstrap token": SECRETS.bootstrap,
    "read key": SECRETS.read_key,
    "write key": SECRETS.write_key,
    "git password": str(SECRETS.git),
    "webhook secret": str(SECRETS.webhook),
    "client secret": str(SECRETS.client),
    "link key": str(SECRETS.link),
}
ROUTES: Final = tuple(
    route.path
    for router in (*routes.API_ROUTERS, *routes.PAGE_ROUTERS, login.router)
    for route in router.routes
    # the stream of events never ends
    if isinstance(route, APIRoute) and "GET" in (route.methods or ()) and route.path != api.PATH
)
"""Everything that can be looked at, as the application declares it."""
ODD: Final = (
    "/login?next=/plans/x", "/openapi.json", "/docs", "/api/v1/nothing", "/api/v1/plans?limit=x", "/nothing",
    "/?q=canary", "/plans?status=closed", "/audit?actor=bootstrap", "/runs?source=bots",
)  # fmt: skip
WEBHOOK: Final = "/api/v1/webhooks/bots"
PUSH: Final = b'{"ref": "refs/heads/main"}'


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
            search.add("bearer token", json.loads(answer.partition(b"\n\n")[2])["secret"])
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
            _look_around(trial, search)
            carry_out(trial)
            trial.settle()
            _look_around(trial, search)

    report = trial.finish(look_around)
    lane.hand_over()
    assert report.violations == []
    assert any(name.startswith("git") for name in watched[0].seen), "no git child was seen"
    assert search.leaks == []
    assert sum(name.startswith("session cookie") for name in search.secrets) > 1
    for kind in ("answer", "output", "data folder", "command line", "environment"):
        assert search.looked_at.get(kind), f"nothing was searched: {kind}"


def _refresh(trial: Trial) -> None:
    trial.client.call("POST", "/api/v1/sources/bots/refresh")
    trial.settle()


def _look_around(trial: Trial, search: Search) -> None:
    with httpx.Client(base_url=trial.process.url, **LOOPBACK, timeout=10) as browser:
        _paste_wrong_secrets(trial, browser)
        _deliver(trial, browser)
        _sign_in(browser, search)
        _look_at_pages(trial, browser)


def _sign_in(browser: httpx.Client, search: Search) -> None:
    """As a person does; the answer that gives the cookie is the one that may say what it holds."""
    answer = browser.post("/login", data={"token": SECRETS.bootstrap})
    assert answer.status_code == 303, answer.text
    # each session has its own, and none is forgotten
    search.add(f"session cookie {len(search.secrets)}", answer.cookies[SESSION])
    told = [(name, value) for name, value in answer.headers.multi_items() if name != "set-cookie"]
    search.look("answer", "POST /login", str(told).encode() + answer.content)


def _look_at_pages(trial: Trial, browser: httpx.Client) -> None:
    """Every page and every read of the API, as whoever is signed in and as a program gets them."""
    ids = _ids(trial)
    assert {name for path in ROUTES for name in _fields(path)} <= ids.keys(), "say what a new route is about"
    for path in (*(route.format_map(ids) for route in ROUTES), *ODD, f"/api/v1/plans/{ids['plan_id']}/nothing"):
        trial.client.call("GET", path)
        _ask(trial, browser, "GET", path)
    for path in ("/", "/settings", f"/plans/{ids['plan_id']}", "/chatbots/{tenant}/{chatbot_id}".format_map(ids)):
        assert browser.get(path).status_code == 200, path


def _fields(path: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(path) if name]


def _ids(trial: Trial) -> Mapping[str, str]:
    """What there is; an apply, once there was one."""
    client = trial.client
    plan = next(iter(client.plans().values()))
    return {
        "plan_id": plan["id"],
        "chatbot_id": plan["chatbot_id"],
        "tenant": plan["tenant"],
        "change": plan["change"],
        "apply_id": plan["apply_id"] or "none",
        "run_id": client.get("/runs")["items"][0]["id"],
        "name": plan["source"],
    }


def _deliver(trial: Trial, browser: httpx.Client) -> None:
    """Pushes that are signed, wrongly signed and not signed."""
    signed = {name: f"sha256={_mac(secret)}" for name, secret in {"right": SECRETS.webhook, "wrong": "wrong"}.items()}
    expected = {signed["right"]: 202, signed["wrong"]: 401, _mac(str(SECRETS.webhook)): 401, "sha256=0": 401, "": 401}
    for signature, status in expected.items():
        headers = {"X-Hub-Signature-256": signature, "X-GitHub-Event": "push"}
        assert _ask(trial, browser, "POST", WEBHOOK, content=PUSH, headers=headers).status_code == status


def _mac(secret: str) -> str:
    return hmac.new(secret.encode(), PUSH, hashlib.sha256).hexdigest()


def _paste_wrong_secrets(trial: Trial, browser: httpx.Client) -> None:
    """Somebody pastes the wrong secret: it comes back in no answer and no log."""
    for wrong in (*(secret for name, secret in NAMED.items() if name != "bootstrap token"), "wzr_wrong"):
        headers = {"Authorization": f"Bearer {quote(wrong)}"}
        assert _ask(trial, browser, "GET", "/api/v1/me", headers=headers).status_code == 401
        assert _ask(trial, browser, "POST", "/login", data={"token": wrong}).status_code == 401


def _ask(trial: Trial, browser: httpx.Client, method: str, path: str, **more: Any) -> httpx.Response:
    answer = browser.request(method, path, **more)
    # not by its method and path alone: those of one call of a program are told a secret
    trial.client.heard(f"browser's {method} {path}", str(answer.headers.multi_items()).encode() + answer.content)
    return answer


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
        "json of the API": json.dumps({"detail": f"it was {secret}"}, ensure_ascii=False),
        "html": f"<p>{html.escape(secret)}</p>",
        "html of the pages": f"<p>{escape(secret)}</p>",
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
