"""The state of a tenant, from what real servers really answer."""

import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from api_client.sandbox import ALL_SCOPES, ApiKey, SandboxServer
from reconciler.domain.entities import RunStatus
from reconciler.domain.tenant import TenantRecord, TenantState
from reconciler.engine.context import TenantBinding
from reconciler.engine.tenant_state import check_tenant
from reconciler.runtime.clock import SystemClock
from reconciler.targets.wizchat import Access, WizChatTarget
from tests.support.defaults import call_budget, tenant_binding
from tests.support.world import TENANT, document, path_of, spec, world

pytestmark = pytest.mark.anyio
BOT = "bot_7f3a"
NARROW = ALL_SCOPES - {"chatbots:read"}
KEYS = (ApiKey("all", "wpk_live_all"), ApiKey("narrow", "wpk_live_narrow", scopes=NARROW))


@dataclass(frozen=True)
class Place:
    """Where a tenant is told to look, and with which key."""

    url: str
    key: str = "wpk_live_all"


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(keys=KEYS) as running:
        yield running


def _closed(_: SandboxServer, __: ExitStack) -> Place:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return Place(f"http://127.0.0.1:{port}")


def _silent(_: SandboxServer, opened: ExitStack) -> Place:
    listener = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
    return Place(f"http://127.0.0.1:{listener.getsockname()[1]}")


def _wrong_key(sandbox: SandboxServer, _: ExitStack) -> Place:
    return Place(sandbox.url, "wpk_live_wrong")


def _narrow_key(sandbox: SandboxServer, _: ExitStack) -> Place:
    return Place(sandbox.url, "wpk_live_narrow")


def _no_tls(sandbox: SandboxServer, _: ExitStack) -> Place:
    return Place(sandbox.url.replace("http:", "https:"))


def _no_such_name(_: SandboxServer, __: ExitStack) -> Place:
    return Place("https://wizchat.invalid")


def _web_page(sandbox: SandboxServer, _: ExitStack) -> Place:
    sandbox.control.add_fault("html", times=None, status=200)
    return Place(sandbox.url)


def _not_found_by_another(sandbox: SandboxServer, _: ExitStack) -> Place:
    sandbox.control.add_fault("html", times=None, status=404)
    return Place(sandbox.url)


def _server_errors(sandbox: SandboxServer, _: ExitStack) -> Place:
    sandbox.control.add_fault("status", times=None, status=500)
    return Place(sandbox.url)


def _not_implemented_by_another(sandbox: SandboxServer, _: ExitStack) -> Place:
    sandbox.control.add_fault("status", times=None, status=501, envelope="none")
    return Place(sandbox.url)


PLACES = [
    pytest.param(_wrong_key, TenantState.UNAUTHORIZED, "api_key", id="wrong key"),
    pytest.param(_narrow_key, TenantState.UNAUTHORIZED, "chatbots:read", id="key without the scope"),
    pytest.param(_closed, TenantState.UNREACHABLE, "base_url", id="nobody listens"),
    pytest.param(_silent, TenantState.UNREACHABLE, "base_url", id="no answer"),
    pytest.param(_no_tls, TenantState.UNREACHABLE, "base_url", id="no TLS"),
    pytest.param(_no_such_name, TenantState.UNREACHABLE, "base_url", id="no such name"),
    pytest.param(_server_errors, TenantState.UNREACHABLE, "status 500", id="server errors"),
    pytest.param(_web_page, TenantState.MISCONFIGURED, "base_url", id="a web page"),
    pytest.param(_not_found_by_another, TenantState.MISCONFIGURED, "base_url", id="404 of another program"),
    pytest.param(
        _not_implemented_by_another, TenantState.MISCONFIGURED, "check that base_url", id="501 of another program"
    ),
]


@asynccontextmanager
async def _binding(place: Place) -> AsyncIterator[TenantBinding]:
    access = Access(TENANT, place.url, place.key)
    budget = call_budget(TENANT, SystemClock(), requests_per_minute=60_000)
    async with WizChatTarget(access, budget, timeout_s=1.0) as target:
        yield tenant_binding(TENANT, target)


@pytest.mark.parametrize(("where", "state", "says"), PLACES)
async def test_what_is_wrong_is_told_at_the_start_by_a_run_and_is_gone_by_itself(
    tmp_path: Path,
    sandbox: SandboxServer,
    where: Callable[[SandboxServer, ExitStack], Place],
    state: TenantState,
    says: str,
) -> None:
    with ExitStack() as opened:
        place = where(sandbox, opened)
        async with world(tmp_path, {BOT: spec()}, {path_of(BOT): document(spec(), BOT)}) as w:

            async def tenant() -> TenantRecord:
                async with w.store.read() as uow:
                    return await uow.tenants.get(TENANT) or TenantRecord(name=TENANT)

            async with _binding(place) as binding:
                w.switch_tenants({TENANT: binding})
                await check_tenant(w.engine, TENANT)
                assert ((await tenant()).state, says in str((await tenant()).cause)) == (state, True)
                assert place.key not in str((await tenant()).cause)
                run = await w.refresh()
                assert (run.status, says in str(run.message)) == (RunStatus.FAILED, True)
                assert (await tenant()).state is state

            sandbox.control.clear_faults()
            async with _binding(Place(sandbox.url)) as binding:
                w.switch_tenants({TENANT: binding})
                run = await w.refresh(full=False)
                assert run.status is RunStatus.SUCCEEDED
                assert (await tenant()).state is TenantState.READY
