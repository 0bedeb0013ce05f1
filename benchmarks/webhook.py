"""From a push's webhook to the stored plan, against the sum of what cannot be left out."""

import asyncio
import hashlib
import hmac
import json
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, Final

import httpx
import yaml
from fastapi import FastAPI

from api_client import AsyncWizChatClient
from api_client.sandbox.auth import DEFAULT_API_KEY
from benchmarks.git_http import git_http
from benchmarks.in_process import opened, start
from benchmarks.report import Goal, show, spread
from benchmarks.stage import SOURCE, WEBHOOK_SECRET, Stage, body_of, edited, git, stage
from reconciler.engine.reconcile.run_lifecycle import WEBHOOK_SPACING
from reconciler.runtime.bootstrap.service import Service

_BURST: Final = 50
_PUSH: Final = json.dumps({"ref": "refs/heads/main"}).encode()


def main(*, chatbots: int = 1_000, rounds: int = 9) -> list[Goal]:
    """Push one change after the other; then change some at once, and deliver many pushes."""
    with stage(chatbots) as on, git_http(on.repository) as url:
        return asyncio.run(_measure(replace(on, remote=url), rounds))


async def _measure(on: Stage, rounds: int) -> list[Goal]:
    async with opened(on) as service, _client(service.app) as http, _client(_empty()) as bare:
        await start(service)
        floors = Floors(on)
        pairs, accepted, empty = [], [], []
        for number in range(rounds):
            chatbot_id = list(on.documents)[number % len(on.documents)]
            on.commit({chatbot_id: edited(on.documents[chatbot_id], f"Round {number}.")})
            floor = await floors.sum(chatbot_id)
            begun = time.perf_counter()
            accepted.append(await _timed(lambda: _deliver(http)))
            await service.dispatcher.idle()
            pairs.append((floor, time.perf_counter() - begun))
            empty.append(await _timed(lambda: bare.post("/")))
            await asyncio.sleep(WEBHOOK_SPACING.total_seconds())
        fetches, dry_runs = await _burst(on, service, http)
    _say(pairs, accepted, empty)
    return [
        Goal(
            "webhook to stored plan / sum of floors, median",
            median(b / a for a, b in pairs),
            1.3,
            f"{median(a for a, _ in pairs) * 1e3:.0f} ms",
        ),
        Goal("202 / empty FastAPI POST, median", median(accepted) / median(empty), 3, f"{median(empty) * 1e3:.2f} ms"),
        Goal(f"runs that {_BURST} deliveries at once make", fetches, 2),
        Goal("dry runs for each chatbot that they changed", dry_runs, 1),
    ]


def _say(pairs: list[tuple[float, float]], accepted: list[float], empty: list[float]) -> None:
    floors, walls = ([seconds * 1e3 for seconds in each] for each in zip(*pairs, strict=True))
    show(f"  fetch + diff-tree + blob + parse + dry run + insert: {spread(floors, 1)} ms")
    show(f"  webhook to stored plan: {spread(walls, 1)} ms")
    show(f"  202: {spread([s * 1e3 for s in accepted], 2)} ms, empty POST: {spread([s * 1e3 for s in empty], 2)} ms")


async def _burst(on: Stage, service: Service, http: httpx.AsyncClient) -> tuple[int, float]:
    """The runs, and the dry runs for each changed chatbot, of many deliveries at once."""
    changed = dict(list(on.documents.items())[: min(10, len(on.documents))])
    on.commit({key: edited(document, "At once.") for key, document in changed.items()})
    before = {run.id for run in (await service.engine.store.queries.runs(None, limit=100, cursor=None)).items}
    on.reset_calls()
    async with asyncio.TaskGroup() as group:
        for _ in range(_BURST):
            group.create_task(_deliver(http))
    await service.dispatcher.idle()
    runs = (await service.engine.store.queries.runs(None, limit=100, cursor=None)).items
    return sum(run.id not in before for run in runs), on.calls()["dry_runs"] / len(changed)


async def _deliver(http: httpx.AsyncClient) -> None:
    signature = hmac.new(WEBHOOK_SECRET.encode(), _PUSH, hashlib.sha256).hexdigest()
    headers = {
        "X-Hub-Signature-256": f"sha256={signature}",
        "X-GitHub-Event": "push",
        "Content-Type": "application/json",
    }
    answer = await http.post(f"/api/v1/webhooks/{SOURCE}", content=_PUSH, headers=headers)
    answer.raise_for_status()
    assert answer.json()["accepted"], answer.text


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    begun = time.perf_counter()
    await work()
    return time.perf_counter() - begun


def _client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")


def _empty() -> FastAPI:
    app = FastAPI()

    @app.post("/", status_code=202)
    async def nothing() -> Mapping[str, Any]:
        return {}

    return app


@dataclass(slots=True)
class Floors:
    """The steps that a change cannot do without, each as bare as it can be."""

    on: Stage

    async def sum(self, chatbot_id: str) -> float:
        """Seconds that they take together for the newest commit, which changed one chatbot's document."""
        clone = self.on.folder / "floor.git"
        if not clone.exists():
            git(self.on.folder, "clone", "--quiet", "--bare", self.on.remote or self.on.url, str(clone))
            git(clone, "update-ref", "refs/heads/main", "HEAD~1")
        before = git(clone, "rev-parse", "refs/heads/main").decode().strip()
        begun = time.perf_counter()
        git(clone, "fetch", "--quiet", "--no-tags", self.on.remote or self.on.url, "+refs/heads/main:refs/heads/main")
        changed = git(clone, "diff-tree", "-r", "--raw", "--no-abbrev", before, "refs/heads/main").split()
        document = yaml.load(git(clone, "cat-file", "blob", changed[3].decode()), Loader=yaml.CSafeLoader)
        own = time.perf_counter() - begun
        async with AsyncWizChatClient(DEFAULT_API_KEY, base_url=self.on.api) as client:
            await client.list_chatbots()  # the connection stands already
            begun = time.perf_counter()
            result = await client.apply_config(chatbot_id, body_of(document), dry_run=True)
            own += time.perf_counter() - begun
        return own + _inserted(self.on.folder / "floor.db", result.model_dump_json())


def _inserted(path: Path, text: str) -> float:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE IF NOT EXISTS plans (id INTEGER PRIMARY KEY, body TEXT)")
        begun = time.perf_counter()
        with database:
            database.execute("INSERT INTO plans (body) VALUES (?)", (text,))
        return time.perf_counter() - begun
