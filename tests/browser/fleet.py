"""The service to look at, as a process of its own, with people of every role and something of everything."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from reconciler.domain.access import Role
from tests.browser import documents as docs
from tests.support.loopback import LOOPBACK
from tests.support.service import TOKEN, Service, Stage, smallest, stage
from tests.support.waiting import PATIENCE
from tests.support.world import document, path_of, spec

PEOPLE: Mapping[str, Role] = {
    "vera": Role.VIEWER,
    "otto": Role.OPERATOR,
    "ann": Role.APPROVER,
    "ben": Role.APPROVER,
    "ada": Role.ADMIN,
}
ROLES: Mapping[Role, str] = {Role.VIEWER: "vera", Role.OPERATOR: "otto", Role.APPROVER: "ann", Role.ADMIN: "ada"}
"""Who stands for a role."""
BOTS: Final = tuple(f"bot_{n:02}" for n in range(40))
DELETING: Final = "bot_deleting"
"""Git takes away all its domains."""
PROMPT: Final = "Be kind, and brief."
"""What git makes of each of them."""
_SETTINGS_OF_DEFAULT: Final = (
    "WIZCHAT_API_KEY",
    "WIZCHAT_WRITE_API_KEY",
    "WIZCHAT_BASE_URL",
    "RECONCILER_GIT_URL",
    "RECONCILER_GIT_INSECURE",
)


@dataclass(frozen=True)
class House:
    """A running service and who may enter.

    Attributes:
        ids: What stands in the paths of pages for ``{plan}``, ``{chatbot}`` and so on.
    """

    service: Service = field(repr=False)
    stage: Stage = field(repr=False)
    secrets: Mapping[str, str] = field(repr=False)
    ids: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.service.url

    def plan_of(self, chatbot_id: str) -> dict[str, Any]:
        """The open plan of a chatbot."""
        return self.service.open_plan(chatbot_id)

    @property
    def group_path(self) -> str:
        """Of the page of the change that most chatbots share."""
        return f"/plans/groups/{_group_of(self.service)}"

    def commit(self, files: Mapping[str, str]) -> None:
        """Change git, and let the service see it."""
        self.stage.repository.commit(files)
        self.service.refresh()


def _let_in(service: Service) -> dict[str, str]:
    return {name: service.post("/tokens", name=name, role=role, person=name)["secret"] for name, role in PEOPLE.items()}


@contextmanager
def busy_house(folder: Path) -> Iterator[House]:
    """Chatbots that git changes, a plan for each: for tests that decide."""
    live = {key: spec(key) for key in BOTS} | {DELETING: _with_domains("old.example")}
    files = _prompts("Be kind.") | {path_of(DELETING): document(live[DELETING], DELETING)}
    with stage(folder, live, files) as set_up, set_up.service() as service:
        service.first_run()
        house = House(service, set_up, _let_in(service))
        house.commit(_prompts(PROMPT) | {path_of(DELETING): document(_with_domains(), DELETING)})
        yield house


def _with_domains(*domains: str) -> dict[str, Any]:
    return spec(DELETING, domains=[{"domain": domain} for domain in domains])


def _prompts(prompt: str) -> dict[str, str]:
    return {path_of(key): document(spec(key, prompt), key) for key in BOTS}


@dataclass(frozen=True)
class Waiting:
    """A plan that nobody has decided on yet, and that one test alone does.

    Attributes:
        plan: As it was at first.
    """

    house: House
    chatbot_id: str
    plan: Mapping[str, Any]

    @property
    def path(self) -> str:
        """Of its page."""
        return f"/plans/{self.plan['id']}"

    def until(self, status: str) -> None:
        """Wait for the plan to come to a status."""
        self.house.service.until(self.path, lambda plan: plan["status"] == status)

    def writes(self) -> Sequence[Mapping[str, Any]]:
        """What was written to its chatbot, as the API tells."""
        return [write for write in self.house.stage.writes() if write["chatbot_id"] == self.chatbot_id]

    def move_git(self, prompt: str) -> None:
        """Commit something else for its chatbot, and let the service see it."""
        self.house.commit({path_of(self.chatbot_id): document(spec(self.chatbot_id, prompt), self.chatbot_id)})


@contextmanager
def full_house(folder: Path) -> Iterator[House]:
    """Something of everything: for tests that look."""
    with ExitStack() as open_:
        set_up = open_.enter_context(stage(folder, docs.agreed(), docs.first_files()))
        service = open_.enter_context(Service(_two_sources(set_up)))
        _both_runs_ended(service)
        house = House(service, set_up, _let_in(service))
        _let_both_sides_move(house)
        _decide(house)
        yield House(service, set_up, house.secrets, _ids(house))


def _two_sources(set_up: Stage) -> dict[str, str]:
    environ = smallest(set_up.sandbox, set_up.remote, set_up.folder)
    key, write_key, base_url, remote, _ = (environ.pop(name) for name in _SETTINGS_OF_DEFAULT)
    tenant = f'[[tenants]]\nname = "acme"\nbase_url = "{base_url}"\napi_key = "{key}"\nwrite_api_key = "{write_key}"\n'
    sources = "".join(
        f'[[sources]]\nname = "{name}"\nurl = "{remote}"\ntenant = "acme"\ninsecure = true\n'
        f'paths = ["{name}/**/*.json", "{name}/**/*.yaml"]\ninterval = "1h"\ndrift_interval = "1h"\n'
        for name in (docs.SUPPORT, docs.SALES)
    )
    config = set_up.folder / "reconciler.toml"
    config.write_text(tenant + sources, encoding="utf-8")
    return environ | {"RECONCILER_CONFIG": str(config)}


def _both_runs_ended(service: Service) -> None:
    def ended(runs: dict[str, Any]) -> bool:
        done = {run["source"] for run in runs["items"] if run["finished_at"]}
        return done == {docs.SUPPORT, docs.SALES} and all(run["finished_at"] for run in runs["items"])

    service.until("/runs", ended)


def _let_both_sides_move(house: House) -> None:
    service, control = house.service, house.stage.sandbox.control
    house.stage.repository.commit(
        docs.later_files(),
        remove=[docs.path_of(docs.MISTYPED)],
        message="Shorter answers, and what to say about returns",
    )
    control.edit(docs.LIVE_AHEAD, "core", set={"behavior.firstMessage": "Hi! Tell me what is broken."})
    control.edit(docs.DIVERGED, "core", set={"behavior.systemPrompt": "Be quick about invoices.\n"})
    service.post("/suspend", scope=f"chatbot/{docs.HELD}", reason="Frozen until the campaign is over")
    for name in (docs.SUPPORT, docs.SALES):
        service.post(f"/sources/{name}/refresh")
    _both_runs_ended(service)


def _decide(house: House) -> None:
    service = house.service
    service.approve_and_apply(house.plan_of(docs.APPLIED))
    approved, refused = house.plan_of(docs.APPROVED), house.plan_of(docs.REFUSED)
    said = {"comment": "Reads well; apply it after lunch."}
    service.post(f"/plans/{approved['id']}/approve", fingerprint=approved["fingerprint"], **said)
    service.post(f"/plans/{refused['id']}/reject", fingerprint=refused["fingerprint"], comment="Too short.")


def _ids(house: House) -> dict[str, str]:
    service = house.service
    history = service.get(f"/chatbots/{docs.APPLIED}/history")["items"]
    runs = service.get("/runs")["items"]
    return {
        "plan": house.plan_of(docs.GIT_AHEAD)["id"],
        "plan_live": house.plan_of(docs.LIVE_AHEAD)["id"],
        "plan_both": house.plan_of(docs.DIVERGED)["id"],
        "plan_deletes": house.plan_of(docs.DELETES)["id"],
        "plan_approved": house.plan_of(docs.APPROVED)["id"],
        "plan_applied": history[0]["id"],
        "link": link_to(service, house.plan_of(docs.DIVERGED)["id"]),
        "group": _group_of(service),
        "chatbot": f"acme/{docs.GIT_AHEAD}",
        "chatbot_live": f"acme/{docs.LIVE_AHEAD}",
        "chatbot_held": f"acme/{docs.HELD}",
        "chatbot_bad": f"acme/{docs.BAD}",
        "chatbot_gone": f"acme/{docs.GONE}",
        "chatbot_mistyped": f"acme/{docs.MISTYPED}",
        "run": next(run["id"] for run in runs if run["diagnostics"]),
        "source": docs.SUPPORT,
    }


def link_to(service: Service, plan_id: str) -> str:
    """The path of a link that shows a plan to somebody without an account."""
    made = _page(service, "POST", f"/plans/{plan_id}/link", data={"lifetime": "1d"})
    link = re.search(r'value="(http[^"]+)"', made)
    assert link is not None, made
    address = urlsplit(unescape(link[1]))
    return f"{address.path}?{address.query}"


def _group_of(service: Service) -> str:
    """What the change is found by that several plans share."""
    plans = _page(service, "GET", "/plans")
    group = re.search(r'/plans/groups/([^"]+)', plans)
    assert group is not None, plans
    return group[1]


def _page(service: Service, method: str, path: str, **more: Any) -> str:
    headers = {"Authorization": f"Bearer {TOKEN}", "Origin": service.url}
    with httpx.Client(base_url=service.url, headers=headers, **LOOPBACK, timeout=PATIENCE) as client:
        return client.request(method, path, **more).raise_for_status().text
