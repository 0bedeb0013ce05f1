"""Starts the demonstration: the sandbox with its fleet, a git remote, and the service with a change that waits."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from api_client.sandbox import ALL_SCOPES, ApiKey, SandboxControl, SandboxServer
from api_client.sandbox.defaults import DEFAULT_PORT
from reconciler.demo import story
from reconciler.demo.git_http import GitHttpServer
from reconciler.demo.sample_repo import REPOSITORY, commit, create_repository
from reconciler.domain.layout import Exported
from reconciler.domain.loopback import is_loopback
from reconciler.domain.policy import Policy
from reconciler.engine.access.tokens import new_secret
from reconciler.engine.export import export_fleet
from reconciler.executors import NamedExecutor
from reconciler.runtime.bootstrap.local import editor_schema, local_target
from reconciler.runtime.clock import SystemClock
from reconciler.runtime.serve import serve
from reconciler.settings.model import Settings, SourceSettings
from reconciler.settings.sections import AuthSettings, DataSettings, ServerSettings, TenantSettings

LOOPBACK = "127.0.0.1"
SOURCE = "bots"
TENANT = "demo"
_INTERVAL = timedelta(seconds=10)
_LIMIT_S = 60.0
_CALL_LIMIT_S = 10.0
_PAUSE_S = 0.1
_READ_SCOPES = frozenset(scope for scope in ALL_SCOPES if scope.endswith(":read"))

Say = Callable[[str], None]


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)  # noqa: T201 - what the demonstration prints is its purpose


@dataclass(frozen=True, slots=True)
class Stage:
    """The parts of the demonstration that are set up before the service starts."""

    settings: Settings
    repository: Path
    sandbox: SandboxServer
    fleet: Sequence[Exported]
    token: str


async def run_demo(port: int, *, host: str = LOOPBACK, print_line: Say = say) -> None:
    """Run the demonstration until it is interrupted; nothing of it outlives the process.

    Args:
        port: Where the service listens; 0 takes a free port.
        host: Where the service listens. Beyond loopback (inside a container) the sandbox listens there too, on its
            default port, so that it can be published.
        print_line: Prints the service's URL, then a token, then what to try.
    """
    async with _stage(host, port) as stage:
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        narrator = asyncio.create_task(_print_steps(stage, ready, print_line))
        try:
            await serve(stage.settings, ready=ready.set_result)
        finally:
            narrator.cancel()
            await asyncio.wait([narrator])


@asynccontextmanager
async def _stage(host: str, port: int) -> AsyncIterator[Stage]:
    read = ApiKey("read", _new_key(), scopes=_READ_SCOPES)
    write = ApiKey("write", _new_key())
    sandbox_port = 0 if is_loopback(host) else DEFAULT_PORT
    with (
        TemporaryDirectory(prefix="reconciler-demo-") as folder,
        SandboxServer(keys=(read, write), host=host, port=sandbox_port) as sandbox,
    ):
        root = Path(folder)
        tenant = TenantSettings(
            name=TENANT, base_url=_own(sandbox.url), api_key=read.secret, write_api_key=write.secret
        )
        async with local_target(tenant) as target:
            export = await export_fleet(target)
        if export.failures:
            raise export.failures[0].error
        fleet = export.exported
        async with NamedExecutor("demo") as executor:
            repository = await executor.run(
                lambda: create_repository(root, story.repository_files(fleet, editor_schema()))
            )
        with GitHttpServer(root, pushes=True) as git:
            token = new_secret()
            settings = _settings(root, host, port, tenant, git.url(REPOSITORY), token)
            yield Stage(settings, repository, sandbox, fleet, token)


def _own(url: str) -> str:
    """The URL by which this machine reaches what listens everywhere."""
    return url.replace("//0.0.0.0:", f"//{LOOPBACK}:").replace("//[::]:", "//[::1]:")


def _new_key() -> str:
    return f"wpk_live_{secrets.token_urlsafe(24)}"


def _settings(root: Path, host: str, port: int, tenant: TenantSettings, remote: str, token: str) -> Settings:
    source = SourceSettings(
        name=SOURCE,
        url=remote,
        tenant=TENANT,
        insecure=True,
        interval=_INTERVAL,
        drift_interval=_INTERVAL,
    )
    return Settings(
        server=ServerSettings(host=host, port=port),
        data=DataSettings(dir=root / "data"),
        tenants=(tenant,),
        sources=(source,),
        auth=AuthSettings(bootstrap_token=token),
        policy=Policy(),
    )


async def _print_steps(stage: Stage, ready: Awaitable[str], print_line: Say) -> None:
    """Print where the service is, bring drift and a change about, and say what to try."""
    url = await ready
    print_line(url)
    print_line(f"token: {stage.token}\n\npreparing a change and a live edit …")
    headers = {"Authorization": f"Bearer {stage.token}"}
    async with httpx.AsyncClient(
        base_url=f"{url}/api/v1", headers=headers, timeout=_CALL_LIMIT_S, trust_env=False
    ) as api:
        plan = await _prepared(api, stage, print_line)
    print_line("\n" + story.instructions(url, _own(stage.sandbox.url), stage.token, plan))
    remote = stage.settings.sources[0].shown_url
    print_line(f"\ngit remote: {remote}  sandbox: {_own(stage.sandbox.url)}")
    print_line(f"# change a document\ngit clone {remote} bots && cd bots  # edit, commit, git push\n\nstop with Ctrl-C")


async def _prepared(api: httpx.AsyncClient, stage: Stage, print_line: Say) -> dict[str, Any] | None:
    """The plan that waits; None when it could not be prepared, after printing why."""
    try:
        return await _prepare(api, stage)
    except (httpx.HTTPError, TimeoutError) as error:
        print_line(
            f"the change could not be prepared ({type(error).__name__}: {error}); the service runs on without it"
        )
        return None


async def _prepare(api: httpx.AsyncClient, stage: Stage) -> dict[str, Any]:
    async with asyncio.timeout(_LIMIT_S):
        # the first run must see both sides agree: directions are derived from there
        await _until(api, f"/sources/{SOURCE}", lambda source: source["good_revision"] is not None)
        await _all_runs_ended(api)
        async with NamedExecutor("demo") as executor:
            files = story.later_files(stage.fleet)
            await executor.run(lambda: commit(stage.repository, files, story.COMMIT_MESSAGE))
            await executor.run(lambda: _edit_live(stage.sandbox.control))
        (await api.post(f"/sources/{SOURCE}/refresh")).raise_for_status()
        await _all_runs_ended(api)
        chatbot = await _until(api, f"/chatbots/{story.CHANGED_IN_GIT}", lambda chatbot: chatbot["plan_id"] is not None)
        return await _get(api, f"/plans/{chatbot['plan_id']}")


def _edit_live(sandbox: SandboxControl) -> None:
    edit = story.EDIT
    sandbox.edit(edit.chatbot_id, edit.section, set=edit.values)


async def _all_runs_ended(api: httpx.AsyncClient) -> None:
    await _until(api, "/runs", lambda runs: bool(runs["items"]) and all(run["finished_at"] for run in runs["items"]))


async def _until(api: httpx.AsyncClient, path: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    clock = SystemClock()
    while not holds(answer := await _get(api, path)):
        await clock.sleep(_PAUSE_S)
    return answer


async def _get(api: httpx.AsyncClient, path: str) -> dict[str, Any]:
    answer = await api.get(path)
    answer.raise_for_status()
    body: dict[str, Any] = answer.json()
    return body
