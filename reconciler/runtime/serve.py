"""Runs the service: starts database, jobs, ticks and web in this order, and stops them in reverse."""

import asyncio
import gc
import logging
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial

import uvicorn

from reconciler.engine.access.tokens import bootstrap_flaw, ensure_bootstrap, ensure_first_token
from reconciler.engine.apply.executor import LEASE_TIMES, LeaseTimes
from reconciler.engine.audit.entries import record_omitted
from reconciler.engine.reconcile.schedule import start_up, tick
from reconciler.errors import SettingsError
from reconciler.runtime.bootstrap.service import Service, open_service
from reconciler.runtime.http_protocol import guarded
from reconciler.runtime.scheduler import TICK_SECONDS, ticking
from reconciler.settings.fields import Networks
from reconciler.settings.model import Settings
from reconciler.sources.git_memory import memory_limit_problem
from reconciler.web.events.streams import Streams
from reconciler.web.http.header_limits import MAX_BYTES

GRACE_SECONDS = 20
"""How long a stop waits for open requests: longer than an apply may take."""

_ANOTHER_TOKEN = "set another secret, or unset it and make a token with `reconciler token create`"  # noqa: S105  what to do

log = logging.getLogger(__name__)


async def serve(
    settings: Settings,
    *,
    ready: Callable[[str], None] = lambda _: None,
    first_token: Callable[[str], None] = lambda _: None,
    tick_seconds: float = TICK_SECONDS,
    lease_times: LeaseTimes = LEASE_TIMES,
) -> None:
    """Run the service until it is asked to stop.

    Args:
        settings: What to run; a service needs a source.
        ready: Called with the service's URL once it listens.
        first_token: Called with the secret of the admin token that the first start makes.
        tick_seconds: How often is looked at what is due or unfinished.
        lease_times: How the leases of its applies run.

    Raises:
        SettingsError: A setting cannot be used.
        StoreError: The database cannot be used.
    """
    settings.check_servable()
    log.info("using the data folder", extra={"folder": str(settings.data.dir)})
    with _listening(settings) as listener:
        url = _url(settings, listener)
        async with open_service(
            settings, public_url=url, lease_times=lease_times, tick_seconds=tick_seconds
        ) as service:
            for event, cause in start_warnings(service.engine.open_claims()):
                log.warning(event, extra={"cause": cause})
            await service.keeper.start()
            await _ensure_bootstrap_token(service, settings, first_token)
            gc.freeze()  # what is loaded by now stays: to go through it again and again costs a fifth of a sweep's CPU
            async with _working(service, tick_seconds):
                await start_up(service.engine, only_process=_is_alone(settings))
                server = _UvicornServer(service, settings.server.trusted_proxies, lambda: ready(url))
                with _signals_end_the_server_only():
                    await server.serve(sockets=[listener])


def start_warnings(open_claims: Iterable[str], platform: str = sys.platform) -> Iterator[tuple[str, str]]:
    """Warnings that are logged once at the start: the event, and its cause with what to do.

    Args:
        open_claims: Which sources may claim each other's chatbots.
        platform: The system, as `sys.platform` names it.
    """
    yield from (("sources may claim each other's chatbots", warning) for warning in open_claims)
    if (problem := memory_limit_problem(platform)) is not None:
        yield "git has no memory limit", problem


async def _ensure_bootstrap_token(service: Service, settings: Settings, first_token: Callable[[str], None]) -> None:
    """Make sure that somebody can sign in."""
    if settings.auth.bootstrap_token is not None:
        token = await ensure_bootstrap(service.engine, settings.auth.bootstrap_token.get_secret_value())
        if (flaw := bootstrap_flaw(token, service.engine.clock.now())) is not None:
            log.error("auth.bootstrap_token lets no admin in: %s; %s", flaw, _ANOTHER_TOKEN)
    elif (new := await ensure_first_token(service.engine)) is not None:
        first_token(new.secret)


@asynccontextmanager
async def _working(service: Service, tick_seconds: float) -> AsyncIterator[None]:
    """Jobs and ticks; at the end no new ones begin, and those under way are waited for."""
    jobs = asyncio.create_task(service.dispatcher.run())
    # a partial, as the scheduler awaits no lambda's coroutine
    stop_ticking = ticking(partial(_tick, service), seconds=tick_seconds, clock_watch=service.vitals.clock_watch)
    try:
        yield
    finally:
        stop_ticking()
        jobs.cancel()
        with suppress(asyncio.CancelledError):
            await jobs
        await _seal(service)


@contextmanager
def _signals_end_the_server_only() -> Iterator[None]:
    """Keep uvicorn from ending the process: once stopped by a signal, it raises it again, in the midst of an apply.

    Outside of it a signal does what it always does, so a second one ends the process at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_alone(settings: Settings) -> bool:
    """Whether no other process can serve this database: SQLite's lock file sees to it."""
    return settings.database_url.get_secret_value().startswith("sqlite")


async def _tick(service: Service) -> None:
    """What one of them meets keeps the others from nothing."""
    engine = service.engine
    try:
        is_done = await _done(partial(tick, engine))
        for part in (
            partial(record_omitted, engine),
            service.keeper.tick,
            service.retention.tick,
            service.token_use.tick,
        ):
            await _done(part)
    except asyncio.CancelledError:
        # a stop cancels the tick that is under way: its transaction is rolled back, and the scheduler would log it
        log.debug("tick cancelled")
        return
    # a tick that fails requests nothing that is due, and is no sign of life
    if is_done:
        service.vitals.ticks.record_tick()


async def _done(part: Callable[[], Awaitable[None]]) -> bool:
    """Run a part of a tick, and return whether it succeeded."""
    try:
        await part()
    except Exception:
        log.exception("tick failed")
        return False
    return True


async def _seal(service: Service) -> None:
    """Write what is only remembered, and let the log's last entry be known: a cut during a standstill is noticed."""
    try:
        await record_omitted(service.engine, at_stop=True)
        await service.keeper.export_head()
        await service.token_use.flush()
    except Exception:
        log.exception("the stop was not noted whole")


def _listening(settings: Settings) -> socket.socket:
    address = (settings.server.host, settings.server.port)
    try:
        listener = socket.create_server(address, family=socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {address[0]} port {address[1]}: {error.strerror or error}: "
            "change server.host or server.port"
        ) from error
    # asyncio sets it only on sockets that name TCP; without it an answer may wait 40 ms for an acknowledgement
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _url(settings: Settings, listener: socket.socket) -> str:
    if settings.server.public_url is not None:
        return settings.server.public_url
    host, port = listener.getsockname()[:2]
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104  compared, not listened on
    return f"http://{shown}:{port}"


class _UvicornServer(uvicorn.Server):
    """uvicorn, with callbacks for when it listens and when it stops."""

    def __init__(self, service: Service, trusted_proxies: Networks, started: Callable[[], None]) -> None:
        config = uvicorn.Config(
            service.app,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=GRACE_SECONDS,
            http=guarded(counts=service.vitals.connections, proxies=trusted_proxies),
            ws="none",
            h11_max_incomplete_event_size=MAX_BYTES,
        )
        super().__init__(config)
        self._started = started
        self._streams: Streams = service.app.state.streams

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # they would never end by themselves, and every open answer is waited for
        self._streams.stop()
        await super().shutdown(sockets)
