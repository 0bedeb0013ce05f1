"""The demonstration on a busy day: a running one, and everything on it that a page can show and its start does not."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import yaml

from api_client.sandbox import SandboxControl
from reconciler.demo.demo import SOURCE, TENANT
from reconciler.demo.sample_repo import REPOSITORY, commit, read
from reconciler.demo.story import CHANGED_IN_GIT, EDITED_LIVE, SCHEMA_PATH
from reconciler.domain.access import Role
from reconciler.render.yaml_text import document_text
from scripts.smoke_demo import Output
from tests.browser.fleet import ROLES

START_LIMIT_S: Final = 120.0
STOP_LIMIT_S: Final = 40.0
STEP_LIMIT_S: Final = 60.0

DELETES, APPROVED, HELD, BAD = "bot_b4e8", "bot_51c2", "bot_e09c", "bot_c615"
SHOP, DIVERGED, GONE = "bot_d27b", "bot_a38e", "bot_2e44"
_DOCUMENTS: Final = {SHOP: "fable-thread-returns", DIVERGED: "quartier-tenant-desk"}
_NEW: Final = {
    "bot_d27b_at": (SHOP, "Fable & Thread Austria"),
    "bot_d27b_be": (SHOP, "Fable & Thread Belgium"),
    "bot_d27b_cz": (SHOP, "Fable & Thread Czechia"),
    "bot_a38e_be": (DIVERGED, "Quartier Berlin"),
    "bot_a38e_hh": (DIVERGED, "Quartier Hamburg"),
    "bot_a38e_le": (DIVERGED, "Quartier Leipzig"),
}
"""More chatbots → whose prompt they share, and their names: git changes the shops' prompt, and the desks' not."""

_FIRST_CHANGE: Final = {"lumen-solar-adviser": {"core": {"behavior": {"tone": "competent and patient"}}}}
"""To the chatbot that loses something afterwards: both agree again, so that its history has an applied plan."""
_LATER_CHANGES: Final[Mapping[str, Mapping[str, Any]]] = {
    "acme-support-bot": {"domains": [{"domain": "www.acme.example"}]},
    "lumen-solar-adviser": {"skills": [], "mcpServers": [], "domains": []},
    "quartier-tenant-desk": {"core": {"behavior": {"firstMessage": "Hello, this is Quartier. Which house is it?"}}},
    "brightwater-onboarding": {"telemetry": {"retentionMonths": 3}},
    "linden-clinic-reception": {"telemetry": {"level": "anonymised"}, "domians": [{"domain": "linden-clinic.example"}]},
}
"""Document → what git makes of its spec."""
_REWORDED: Final = {
    "acme-support-bot": {
        "a retailer of household appliances in Europe.": "which sells and repairs household appliances in Europe.",
        "acknowledge it once, in one sentence, then solve the problem.": "say sorry once, and solve the problem first.",
        "payment of more than 500 EUR": "payment of more than 250 EUR",
    },
    "fable-thread-returns": {"within 3 working days": "within 2 working days"},
    "acme-careers": {"Three positions at most": "Five positions at most"},
}
"""Whose prompt → its words → git's words for them."""
_LIVE_EDITS: Final = {
    CHANGED_IN_GIT: {"behavior.firstMessage": "Hi! Your order number, please, and we are off."},
    DIVERGED: {"behavior.firstMessage": "Good day, Quartier here. Is it urgent?"},
}


@dataclass(frozen=True)
class Demo:
    """The running demonstration, seen from outside.

    Attributes:
        secrets: Role → a token of somebody who has it.
    """

    api: httpx.Client = field(repr=False)
    repository: Path
    sandbox: SandboxControl = field(repr=False)
    secrets: Mapping[Role, str] = field(repr=False)

    @property
    def url(self) -> str:
        return str(self.api.base_url.copy_with(path="/")).rstrip("/")

    def get(self, path: str) -> Any:
        return self.api.get(path).raise_for_status().json()

    def post(self, path: str, role: Role = Role.APPROVER, **body: Any) -> Any:
        """Have somebody do something."""
        return self.api.post(path, json=body or None, headers=_bearer(self.secrets[role])).raise_for_status().json()

    def until(self, path: str, holds: Callable[[Any], bool]) -> Any:
        """Ask until it holds."""
        deadline = time.monotonic() + STEP_LIMIT_S
        while not holds(answer := self.get(path)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{path} did not come to it within {STEP_LIMIT_S:.0f} s: {answer}")
            time.sleep(0.1)
        return answer

    def plan_of(self, chatbot_id: str) -> Any:
        """The open plan of a chatbot."""
        chatbot = self.until(f"/chatbots/{chatbot_id}", lambda chatbot: chatbot["plan_id"] is not None)
        return self.get(f"/plans/{chatbot['plan_id']}")

    def commit(self, files: Mapping[str, str], message: str) -> None:
        """Change git, and let the service see it."""
        commit(self.repository, files, message)
        self.refresh()

    def refresh(self) -> None:
        run = self.post(f"/sources/{SOURCE}/refresh", Role.OPERATOR)
        self.until(f"/runs/{run['id']}", lambda run: run["finished_at"] is not None)


@contextmanager
def busy_demo() -> Iterator[Demo]:
    """The demonstration with something of everything."""
    with _demo() as demo:
        _take_over_more(demo)
        _apply_one(demo)
        _let_everything_move(demo)
        _decide(demo)
        yield demo


@contextmanager
def _demo() -> Iterator[Demo]:
    with ExitStack() as open_:
        folder = open_.enter_context(TemporaryDirectory(prefix="screenshots-"))
        output = open_.enter_context(_started(folder))
        url = output.until(r"^(http://\S+)$", START_LIMIT_S)[1]
        token = output.until(r"^token: (\S+)$", START_LIMIT_S)[1]
        sandbox = SandboxControl(output.until(r"sandbox: (\S+)$", START_LIMIT_S)[1])
        open_.callback(sandbox.close)
        api = httpx.Client(base_url=f"{url}/api/v1", headers=_bearer(token), trust_env=False, timeout=30)
        repository = next(Path(folder).glob(f"*/{REPOSITORY}"))
        yield Demo(open_.enter_context(api), repository, sandbox, _let_in(api))


@contextmanager
def _started(folder: str) -> Iterator[Output]:
    """The process, which keeps everything in the folder."""
    command = [sys.executable, "-m", "reconciler", "demo", "--port", "0"]
    environ = {**os.environ, "TMPDIR": folder}
    with subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Output(process)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(STOP_LIMIT_S)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _let_in(api: httpx.Client) -> dict[Role, str]:
    def secret(name: str, role: Role) -> str:
        made = api.post("/tokens", json={"name": name, "role": role, "person": name}).raise_for_status()
        return str(made.json()["secret"])

    return {role: secret(name, role) for role, name in ROLES.items()}


def _take_over_more(demo: Demo) -> None:
    """More chatbots, live and in git alike, so that the next run sees both sides agree on them."""
    seeds = {each["id"]: each["spec"] for each in demo.sandbox.state()["chatbots"]}
    for chatbot_id, (like, name) in _NEW.items():
        demo.sandbox.add_chatbot(chatbot_id, _changed(seeds[like], {"core": {"name": name}}))
    demo.commit(dict(_copy(demo, *each) for each in _NEW.items()), "Take over the shops and the desks")


def _copy(demo: Demo, chatbot_id: str, made: tuple[str, str]) -> tuple[str, str]:
    """A document for another chatbot that includes the same texts."""
    like, name = made
    change = {"metadata": {"chatbotId": chatbot_id}, "spec": {"core": {"name": name}}}
    return _path(chatbot_id), _text(_changed(_document(demo, _DOCUMENTS[like]), change))


def _apply_one(demo: Demo) -> None:
    demo.commit(_documents(demo, _FIRST_CHANGE), "Take more time with visitors")
    plan = demo.plan_of(DELETES)
    demo.post(f"/plans/{plan['id']}/approve", fingerprint=plan["fingerprint"], apply=True)
    demo.until(f"/plans/{plan['id']}", lambda plan: plan["status"] == "Applied")


def _let_everything_move(demo: Demo) -> None:
    for chatbot_id, values in _LIVE_EDITS.items():
        demo.sandbox.edit(chatbot_id, "core", set=values)
    why = "Frozen until the new handbook is out"
    demo.post("/suspend", Role.OPERATOR, scope=f"chatbot/{HELD}", reason=why)
    path, text = _copy(demo, GONE, (SHOP, "Fable & Thread Denmark"))
    demo.commit({**_documents(demo, _LATER_CHANGES), **_prompts(demo), path: text}, "Say sorry first, and tidy up")


def _decide(demo: Demo) -> None:
    plan = demo.plan_of(APPROVED)
    said = "Reads well; apply it after lunch."
    demo.post(f"/plans/{plan['id']}/approve", fingerprint=plan["fingerprint"], comment=said)


def _path(name: str) -> str:
    return f"chatbots/{name}.yaml"


def _document(demo: Demo, name: str) -> Any:
    return yaml.safe_load(read(demo.repository, _path(name)))


def _text(document: Mapping[str, Any]) -> str:
    return document_text(document, schema=f"../{SCHEMA_PATH}")


def _documents(demo: Demo, changes: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    return {_path(name): _text(_changed(_document(demo, name), {"spec": change})) for name, change in changes.items()}


def _changed(value: Any, change: Any) -> Any:
    """A value with other values for some of its fields, at any depth."""
    if not isinstance(change, Mapping):
        return change
    return {**value, **{name: _changed(value.get(name), each) for name, each in change.items()}}


def _prompts(demo: Demo) -> dict[str, str]:
    paths = {name: f"prompts/{name}/core.behavior.system-prompt.md" for name in _REWORDED}
    return {path: _reworded(read(demo.repository, path), _REWORDED[name]) for name, path in paths.items()}


def _reworded(text: str, words: Mapping[str, str]) -> str:
    for old, new in words.items():
        if old not in text:
            raise ValueError(f"no prompt says {old!r} any more: choose other words of it")
        text = text.replace(old, new)
    return text


def ids_of(demo: Demo) -> Mapping[str, str]:
    """What the busy demonstration has for the places in the paths of pages."""
    plan, both, shop = (demo.plan_of(each) for each in (CHANGED_IN_GIT, DIVERGED, SHOP))
    return {
        "plan": plan["id"],
        "plan_live": demo.plan_of(EDITED_LIVE)["id"],
        "plan_both": both["id"],
        "plan_deletes": demo.plan_of(DELETES)["id"],
        "plan_approved": demo.plan_of(APPROVED)["id"],
        "plan_applied": _first(demo, f"/chatbots/{DELETES}/history", lambda plan: plan["status"] == "Applied"),
        "link": _link_to(demo, plan["id"]),
        "group": shop["change"],
        "chatbot": f"{TENANT}/{CHANGED_IN_GIT}",
        "chatbot_live": f"{TENANT}/{EDITED_LIVE}",
        "chatbot_held": f"{TENANT}/{HELD}",
        "chatbot_bad": f"{TENANT}/{BAD}",
        "chatbot_gone": f"{TENANT}/{GONE}",
        "run": _first(demo, "/runs", lambda run: bool(run["diagnostics"])),
    }


def _first(demo: Demo, path: str, holds: Callable[[Any], bool]) -> str:
    return next(str(item["id"]) for item in demo.get(path)["items"] if holds(item))


def _link_to(demo: Demo, plan_id: str) -> str:
    """The path of a link that shows a plan to somebody without an account."""
    form = demo.api.build_request("POST", f"{demo.url}/plans/{plan_id}/link", data={"lifetime": "1d"})
    form.headers["Origin"] = demo.url
    made = demo.api.send(form).raise_for_status().text
    link = re.search(r'value="(http[^"]+)"', made)
    if link is None:
        raise ValueError(f"the page shows no link: {made}")
    address = urlsplit(unescape(link[1]))
    return f"{address.path}?{address.query}"
