"""A person at the API, who writes down what was asked and what was answered."""

import time
from collections.abc import Callable, Iterable
from typing import Any

import httpx

from tests.faults import bots
from tests.faults.history import Ask, Asked, History, Json, Seen
from tests.faults.http import plain_http
from tests.faults.process import Dead, Process

LIMIT = 60.0
PAUSE = 0.3
Heard = Callable[[str, bytes], None]
"""Takes a request's line and everything that was answered."""


def unheard(_: str, __: bytes) -> None:
    """For whoever keeps no answers."""


class Client:
    """Asks one service after the other.

    Args:
        history: Where it writes.
        spec_of: Chatbot id and revision → what the document says there.
        token: Who it is.
        actor: The token's name.
        heard: Gets every answer.
    """

    def __init__(
        self,
        history: History,
        spec_of: Callable[[str, str], Json],
        token: str,
        *,
        actor: str = "bootstrap",
        heard: Heard = unheard,
    ) -> None:
        self.history = history
        self.actor = actor
        self.spec_of = spec_of
        self.heard = heard
        self._http = plain_http(token, LIMIT)
        self._process: Process | None = None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def act_as(self, actor: str, token: str) -> None:
        """Be somebody else from now on."""
        self.actor = actor
        self._http.headers["Authorization"] = f"Bearer {token}"

    def meet(self, process: Process) -> None:
        """Talk to this service from now on, once it listens.

        Raises:
            Dead: It ended before.
        """
        self._process = process
        process.wait_ready()

    def call(self, method: str, path: str, **body: Any) -> httpx.Response:
        """One request.

        Raises:
            Dead: The service ended before it had answered.
        """
        process = self._process
        assert process is not None, "meet a service first"
        try:
            answer = self._http.request(method, f"{process.url}{path}", json=body or None)
        except httpx.TransportError as error:
            if process.wait_end(LIMIT):
                raise Dead from error
            raise
        self.heard(f"{method} {path}", _whole(answer))
        return answer

    def get(self, path: str) -> Json:
        """Read from the API."""
        answer = self.call("GET", f"/api/v1{path}")
        answer.raise_for_status()
        body: Json = answer.json()
        return body

    def all(self, path: str) -> list[Json]:
        """Every item of a list."""
        items: list[Json] = []
        cursor = None
        while True:
            page = self.get(f"{path}?limit=200" + (f"&cursor={cursor}" if cursor else ""))
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items

    def plans(self) -> dict[str, Json]:
        """All plans, by id."""
        looked = time.time()
        return {plan["id"]: {**plan, "looked_at": looked} for plan in self.all("/plans")}

    def look_at(self, plan_id: str) -> Seen:
        """Read a plan, as a person does before deciding."""
        if plan_id not in self.history.seen:
            plan = self.get(f"/plans/{plan_id}")
            ops = tuple(plan["ops"])
            body = bots.expected_body(self.spec_of(plan["chatbot_id"], plan["revision"]), ops)
            self.history.seen[plan_id] = Seen(
                plan_id, plan["chatbot_id"], plan["fingerprint"], bots.body_hash(body), body, ops
            )
        return self.history.seen[plan_id]

    def decide(self, kind: Ask, plan_id: str, *, apply: bool = False, fingerprint: str | None = None) -> httpx.Response:
        """Ask for something that decides, and write down what came of it.

        Args:
            kind: What for.
            plan_id: About which plan.
            apply: Whether to have it applied with that.
            fingerprint: Another one than was seen: such an approval is none, whatever is answered.
        """
        seen = self.look_at(plan_id)
        asked = Asked(plan_id, kind, self.actor, applies=apply or kind is Ask.APPLY, valid=fingerprint is None)
        self.history.asked.append(asked)
        body: dict[str, Any] = {} if kind is Ask.REVOKE else {"fingerprint": fingerprint or seen.fingerprint}
        if apply:
            body["apply"] = True
        if kind is Ask.APPROVE and any(op["action"] == "delete" for op in seen.ops):
            body["overrides"] = {"deletes": True, "reason": "A trial."}
        answer = self.call("POST", f"/api/v1/plans/{plan_id}/{kind}", **body)
        if answer.is_success:
            asked.acknowledged = True
        elif answer.is_client_error:
            asked.refused = answer.status_code
        return answer

    def wait(self, holds: Callable[[], bool], limit: float = LIMIT) -> bool:
        """Ask until it holds; tell whether it did in time."""
        deadline = time.monotonic() + limit
        pause = 0.02
        while not holds():
            if time.monotonic() > deadline:
                return False
            time.sleep(pause)
            pause = min(PAUSE, pause * 1.6)
        return True


def underway(plans: Iterable[Json]) -> list[str]:
    """What of these plans is not at a definite state."""
    return [
        f"plan {plan['id']} of {plan['chatbot_id']} is {plan['status']}: {plan['message']}"
        for plan in plans
        if plan["status"] in ("Applying", "OutcomeUnknown")
        or (plan["status"] in ("Approved", "Pending") and plan["apply_id"] is not None)
    ]


def _whole(answer: httpx.Response) -> bytes:
    head = "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
    return f"{answer.status_code}\n{head}\n".encode() + answer.content
