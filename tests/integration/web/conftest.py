import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Self

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.domain.access import Role, Token
from reconciler.domain.commit import CommitFact
from reconciler.domain.document import Snapshot
from reconciler.domain.forge_urls import Forge
from reconciler.domain.grants import Grants
from reconciler.domain.plan import Op
from reconciler.engine.access.tokens import hash_of
from reconciler.engine.context import Engine
from reconciler.errors import TargetError
from reconciler.identity import OidcProvider
from reconciler.ports import Budget, DryRunAnswer, Job, LiveChatbot, ParseCache, Spender
from reconciler.storage import Store, UnitOfWork
from reconciler.web.app import create_app
from reconciler.web.events import api
from reconciler.web.http.web_settings import WebSettings
from tests.fakes.clock import START, FakeClock
from tests.support.defaults import source_binding, tenant_binding
from tests.support.records import a_chatbot, a_plan, a_run, a_source
from tests.support.store import open_store

SECRET = "It's a Secret to Everybody"
OLD_SECRET = "the one before the rotation"
REVISION = "c" * 40


@dataclass
class Jobs:
    """A dispatcher that only notes what was submitted."""

    submitted: list[Job] = field(default_factory=list)

    def submit(self, job: Job) -> None:
        self.submitted.append(job)


@dataclass
class Git:
    """A source whose remote names one revision, in which no document stands.

    Attributes:
        files: Path → what the file says, at every revision.
        commits: Path and revision → the commit that last changed it.
        writers: Path, an older and a newer revision → who changed it in between.
    """

    files: dict[str, str] = field(default_factory=dict)
    commits: dict[tuple[str, str], CommitFact] = field(default_factory=dict)
    writers: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)

    async def head(self) -> str:
        return REVISION

    async def fetch_head(self) -> str:
        return REVISION

    async def load(self, revision: str, cache: ParseCache) -> Snapshot:  # noqa: ARG002  the port's signature
        return Snapshot(revision, (), (), (), 0, 0)

    async def load_changes(self, since: str, revision: str, cache: ParseCache) -> Snapshot | None:  # noqa: ARG002  the port's signature
        return None

    async def text(self, path: str, revision: str) -> str | None:  # noqa: ARG002  the port's signature
        return self.files.get(path)

    async def descends(self, revision: str, ancestor: str) -> bool:  # noqa: ARG002  the port's signature
        return True

    async def last_change(self, path: str, revision: str) -> CommitFact | None:
        return self.commits.get((path, revision))

    async def authors(self, path: str, since: str, revision: str) -> list[str]:
        return self.writers.get((path, since, revision), [])


@dataclass
class Tenant:
    """A tenant's reading side that is asked for its budget, its list, and for what is live.

    Attributes:
        live: Chatbot → its live configuration, or why it cannot be read.
        exported: The chatbots whose configuration was asked for.
    """

    used: int = 7
    live: dict[str, dict[str, object] | TargetError] = field(default_factory=dict)
    exported: list[str] = field(default_factory=list)

    def spending(self, _: Spender) -> Self:
        return self

    def budget(self) -> Budget:
        return Budget(600, 50_000, self.used, None, {"main": 3, "side": 2})

    async def chatbots(self) -> list[LiveChatbot]:
        return [LiveChatbot(key, None, None) for key in ("bot_1", "bot_2", "bot_3")]

    async def dry_run(self, chatbot_id: str, body: object) -> tuple[Op, ...]:
        raise NotImplementedError

    async def dry_run_answer(self, chatbot_id: str, body: object) -> DryRunAnswer:
        raise NotImplementedError

    async def export(self, chatbot_id: str) -> dict[str, object]:
        self.exported.append(chatbot_id)
        match self.live[chatbot_id]:
            case TargetError() as error:
                raise error
            case body:
                return body


def hanging_up(app: ASGIApp) -> ASGIApp:
    """An application as somebody meets it who hangs up when an event stream has begun: by itself it never ends."""

    async def met(scope: Scope, _: Receive, send: Send) -> None:
        begun, sent = asyncio.Event(), iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def hanging() -> Message:
            if (whole := next(sent, None)) is not None:
                return whole
            await begun.wait()
            return {"type": "http.disconnect"}

        async def noting(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.body":
                begun.set()

        await app(scope, hanging, noting)

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        await (met if scope.get("path") == api.PATH else app)(scope, receive, send)

    return either


@dataclass
class House:
    """A web over a real store, and everything a test may turn."""

    engine: Engine
    clock: FakeClock
    jobs: Jobs
    tenant: Tenant
    settings: WebSettings
    app: FastAPI
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        return self.engine.store

    def client(self, token: str | None = None, app: FastAPI | None = None) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # what the program did not expect must become an answer, not an exception in the test
        transport = httpx.ASGITransport(
            hanging_up(app or self.app), raise_app_exceptions=False, client=("192.0.2.7", 4711)
        )
        return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080", headers=headers)

    async def add_token(self, name: str, role: Role, sources: tuple[str, ...] | None = None) -> Token:
        async with self.store.begin() as uow:
            return await self.add_token_in(uow, name, role, sources)

    async def add_token_in(
        self, uow: UnitOfWork, name: str, role: Role, sources: tuple[str, ...] | None = None
    ) -> Token:
        """Where more is written in the same transaction."""
        token = Token(
            id=f"tok_{name}",
            name=name,
            person=name,
            role=role,
            hash=hash_of(f"wzr_{name}".encode()),
            created_at=START,
            sources=sources,
        )
        await uow.tokens.add(token)
        self.tokens[name] = f"wzr_{name}"
        return token


FORGES = {"main": Forge.GITHUB, "side": Forge.GENERIC}


@asynccontextmanager
async def signed_in(house: House, who: str = "viewer") -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which somebody has signed in."""
    async with house.client() as client:
        client.headers["Origin"] = house.settings.public_url
        await client.post("/login", data={"token": f"wzr_{who}"})
        yield client


async def build(
    store: Store,
    clock: FakeClock,
    settings: WebSettings | None = None,
    *,
    identity: OidcProvider | None = None,
    grants: Grants | None = None,
) -> House:
    numbers, jobs, tenant = count(1), Jobs(), Tenant()
    url = "https://git.example.com/bots.git"
    engine = Engine(
        store=store,
        clock=clock,
        dispatcher=jobs,
        new_id=lambda kind: f"{kind}_new{next(numbers):04}",
        sources={name: source_binding(name, "acme", url, "main", Git(), forge=forge) for name, forge in FORGES.items()},
        tenants={"acme": tenant_binding("acme", tenant, read_only=False)},
        grants=grants or Grants(),
    )
    settings = settings or WebSettings(
        webhook_secret={
            "main": (SecretStr(SECRET), SecretStr(OLD_SECRET)),
            "side": (),
        },
        version="1.2.3",
    )
    house = House(engine, clock, jobs, tenant, settings, create_app(engine, settings=settings, identity=identity))
    async with store.begin() as uow:
        for name in ("main", "side"):
            await uow.sources.add(a_source(name, branch="main", good_revision="a" * 40, last_run_id=f"run_{name}"))
            await uow.runs.add(a_run(f"run_{name}", source=name, finished_at=START))
        await uow.plans.add(a_plan("plan_1"))
        await uow.plans.add(a_plan("plan_2", chatbot_id="bot_2", source="side", fingerprint="e" * 64))
        await uow.chatbots.add(a_chatbot("bot_1", source="main", plan_id="plan_1", labels={"team": "support"}))
        await uow.chatbots.add(a_chatbot("bot_2", source="side", plan_id="plan_2", name="Careers"))
        await uow.chatbots.add(a_chatbot("bot_3"))
        for role in Role:
            await house.add_token_in(uow, role.value, role)
        await house.add_token_in(uow, "main-only", Role.ADMIN, ("main",))
    return house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    clock = FakeClock()
    async with open_store(tmp_path, clock) as store:
        yield await build(store, clock)
