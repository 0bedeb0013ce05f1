"""Requests over the network.

It knows base URL, key, limits and time limits; it turns what httpx raises into our errors, and says whether the request
may have reached the server. It never retries and never reads a body's meaning.
"""

import asyncio
import math
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Self

import httpcore
import httpx

from api_client._answer import Collector, codings_of
from api_client._deadline import TimedBackend, within
from api_client._direct import LOST, NEVER_SENT, DirectConnection
from api_client._wire import Answer, Request
from api_client.api_key import checked_api_key
from api_client.base_url import checked_base_url
from api_client.environment import proxy_variables, usable_environment
from api_client.errors import WizChatConnectionError, WizChatResponseError

MAX_CONNECTIONS: Final = 64
"""Of one client; a request more waits for its turn."""
KEEPALIVE_EXPIRY_S: Final = 3.0
"""Shorter than common servers keep a connection, so that we seldom write into one that just closed."""

BaseTransport = httpx.BaseTransport
AsyncBaseTransport = httpx.AsyncBaseTransport

_NEVER_SENT = (
    *NEVER_SENT,
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.InvalidURL,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Where requests go and how much they may cost."""

    base_url: str
    timeout: float
    max_answer_bytes: int
    headers: httpx.Headers = field(repr=False)

    @classmethod
    def checked(cls, api_key: str, base_url: str, timeout: float, max_answer_bytes: int) -> Self:
        """Settings of which every part can work.

        Raises:
            ValueError: One cannot.
        """
        if not 0 < timeout < float("inf"):
            raise ValueError(f"timeout is {timeout}: give seconds above 0")
        if max_answer_bytes < 1:
            raise ValueError(f"max_answer_bytes is {max_answer_bytes}: give at least 1")
        base_url = checked_base_url(base_url)
        try:
            httpx.URL(base_url)
        except httpx.InvalidURL as error:
            raise ValueError(f"base_url is not a URL such as https://www.wizchat.com: {error}") from None
        headers = {"Authorization": f"Bearer {checked_api_key(api_key)}", "Accept": "application/json"}
        return cls(base_url, timeout, max_answer_bytes, httpx.Headers(headers))

    @property
    def connect_timeout(self) -> float:
        """Half the time: an overdue connect then shows as one, and so as provably not sent."""
        return self.timeout / 2


class SyncTransport:
    """Sends one request after the other, from any number of threads."""

    def __init__(self, settings: Settings, injected: BaseTransport | None = None) -> None:
        self.settings = settings
        self._injected = injected
        self._turns = threading.BoundedSemaphore(MAX_CONNECTIONS)  # waiting for a turn is no part of a request's time
        self._tls = _trust(injected)
        self._http = self._open()

    def send(self, request: Request) -> Answer:
        """Send one request and read the whole answer.

        Raises:
            WizChatConnectionError: No complete answer came.
            WizChatResponseError: The answer is too large or wrongly encoded.
        """
        if self._http.is_closed:
            raise RuntimeError("the client is closed")
        if request.own_connection and self._injected is None:
            with self._open() as http:
                return self._exchange(http, request)
        with self._turns:
            return self._exchange(self._http, request)

    def close(self) -> None:
        """Close all connections, and an injected transport."""
        self._http.close()

    def _open(self) -> httpx.Client:
        options = _options(self.settings, tls=self._tls, connections=MAX_CONNECTIONS)
        with usable_environment():
            http = httpx.Client(transport=self._injected, **options)
        if self._injected is None:
            _limit_in_all(http)
        return http

    def _exchange(self, http: httpx.Client, request: Request) -> Answer:
        with (
            _translated(self.settings, injected=self._injected is not None),
            within(self.settings.timeout),
            http.stream(**_arguments(self.settings, request)) as response,
        ):
            collector = Collector(self.settings.max_answer_bytes, _codings(response))
            for chunk in response.iter_bytes():
                collector.add(chunk)
            return _answer(response, collector)


class _ClientConnection:
    """One connection of a client of httpx, for what `DirectConnection` cannot do: proxies and injected transports."""

    def __init__(self, http: httpx.AsyncClient, settings: Settings) -> None:
        self._http = http
        self._settings = settings

    async def exchange(self, request: Request, *, until: float | None = None) -> Answer:
        """Send one request and read the whole answer.

        Args:
            request: What is sent.
            until: When nothing of it is sent any more, by the event loop's clock.
        """
        async with self._http.stream(**_arguments(self._settings, request, until=until)) as response:
            collector = Collector(self._settings.max_answer_bytes, _codings(response))
            async for chunk in response.aiter_bytes():
                collector.add(chunk)
            return _answer(response, collector)

    async def aclose(self) -> None:
        await self._http.aclose()


@dataclass(slots=True, eq=False)
class _Lane:
    """One connection, and when it was used last, by the event loop's clock."""

    connection: _ClientConnection | DirectConnection
    used_at: float = math.inf


class AsyncTransport:
    """Sends requests of any number of tasks of one event loop.

    Each connection is alone: a pool that many tasks share hands one idle connection to several of them and has all but
    one start over, which costs more CPU than all the rest of a request. Without a proxy it is also without a client of
    httpx, which costs more than half of what then is left.
    """

    def __init__(self, settings: Settings, injected: AsyncBaseTransport | None = None) -> None:
        self.settings = settings
        self._injected = injected
        self._tls = _trust(injected)
        self._turns = asyncio.BoundedSemaphore(MAX_CONNECTIONS)  # waiting for a turn is no part of a request's time
        self._first = self._client()  # at once, so that what cannot work is said here
        self._is_direct = injected is None and not _has_proxy(self._first, settings.base_url)
        lane = _Lane(self._open())
        self._lanes = {lane}
        self._free = [lane] * (MAX_CONNECTIONS if injected else 1)
        self._is_closed = False

    async def send(self, request: Request) -> Answer:
        """As `SyncTransport.send`."""
        self._refuse_closed()
        if request.own_connection and self._injected is None:
            async with self._client() as http:
                return await self._exchange_alone(http, request)
        async with self._turns:
            self._refuse_closed()
            await self._close_idle()
            lane = self._lane()
            try:
                return await self._exchange(lane, request)
            finally:
                lane.used_at = _loop_time()
                self._free.append(lane)

    async def aclose(self) -> None:
        """Close all connections, and an injected transport; requests that wait for a turn are refused."""
        self._is_closed = True
        for lane in [*self._lanes]:
            await lane.connection.aclose()

    def _refuse_closed(self) -> None:
        if self._is_closed:
            raise RuntimeError("the client is closed")

    def _lane(self) -> _Lane:
        """The free one that was used last, so that few connections are open; a new one where all are in use."""
        if self._free:
            return self._free.pop()
        lane = _Lane(self._open())
        self._lanes.add(lane)
        return lane

    async def _close_idle(self) -> None:
        """Close the connections that were not used for a while: their clients notice only when they are used again."""
        limit = _loop_time() - KEEPALIVE_EXPIRY_S
        # those used last are at the end
        if self._injected is None and self._free and self._free[0].used_at < limit:
            idle = [lane for lane in self._free if lane.used_at < limit]
            self._free = [lane for lane in self._free if lane.used_at >= limit]
            self._lanes.difference_update(idle)
            for lane in idle:
                await lane.connection.aclose()

    def _client(self) -> httpx.AsyncClient:
        with usable_environment():
            return httpx.AsyncClient(transport=self._injected, **_options(self.settings, tls=self._tls, connections=1))

    def _open(self) -> _ClientConnection | DirectConnection:
        if not self._is_direct or not isinstance(self._tls, ssl.SSLContext):
            return _ClientConnection(self._client(), self.settings)
        return DirectConnection(
            self.settings.base_url,
            self._first.headers.raw,
            tls=self._tls,
            connect_timeout=self.settings.connect_timeout,
            keepalive_expiry=KEEPALIVE_EXPIRY_S,
            max_answer_bytes=self.settings.max_answer_bytes,
        )

    async def _exchange(self, lane: _Lane, request: Request) -> Answer:
        with _translated(self.settings, injected=self._injected is not None):
            async with asyncio.timeout(self.settings.timeout):
                return await lane.connection.exchange(request)

    async def _exchange_alone(self, http: httpx.AsyncClient, request: Request) -> Answer:
        with _translated(self.settings, injected=False):
            async with asyncio.timeout(self.settings.timeout) as limit:
                return await _ClientConnection(http, self.settings).exchange(request, until=limit.when())


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


def utc_now() -> datetime:
    """The time that a Retry-After date is compared with."""
    return datetime.now(UTC)


def _trust(injected: object) -> ssl.SSLContext | bool:
    """Trusted roots, read once and not for every apply, because that is slow; nothing for an injected transport."""
    if injected is not None:
        return True
    with usable_environment():
        return httpx.create_ssl_context()


def _has_proxy(http: httpx.AsyncClient, url: str) -> bool:
    """Whether the environment sends what goes to a URL through a proxy."""
    # httpx alone knows how it reads the variables; pinned, and a test with a proxy shows that it works
    mounted = (transport for pattern, transport in http._mounts.items() if pattern.matches(httpx.URL(url)))  # noqa: SLF001 - see above
    return next(mounted, None) is not None


def _codings(response: httpx.Response) -> list[str]:
    return codings_of(value.encode() for value in response.headers.get_list("content-encoding"))


def _answer(response: httpx.Response, collector: Collector) -> Answer:
    return Answer(response.status_code, collector.content(), response.headers.get("retry-after"))


def _options(settings: Settings, *, tls: ssl.SSLContext | bool, connections: int) -> dict[str, Any]:
    """What both kinds of httpx client are made with; redirects stay off, so that the key goes nowhere else."""
    return {
        "headers": settings.headers,
        "timeout": httpx.Timeout(settings.timeout, connect=settings.connect_timeout),
        "limits": httpx.Limits(
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=KEEPALIVE_EXPIRY_S,
        ),
        "verify": tls,
        "follow_redirects": False,
    }


def _arguments(settings: Settings, request: Request, *, until: float | None = None) -> dict[str, Any]:
    arguments: dict[str, Any] = {"method": request.method, "url": f"{settings.base_url}{request.target}"}
    if request.content is not None:
        arguments |= {"content": request.content, "headers": {"Content-Type": "application/json"}}
        if request.own_connection and until is not None:
            arguments["content"] = _in_time(request.content, until)
            arguments["headers"]["Content-Length"] = str(len(request.content))
    return arguments


async def _in_time(content: bytes, until: float) -> AsyncIterator[bytes]:
    """A body that is handed over only while there is time: after a standstill of the process nothing is sent any more.

    The limit of the event loop acts when the loop turns, and by then a process that goes on has written everything.
    """
    if asyncio.get_running_loop().time() >= until:
        raise TimeoutError
    yield content


def _limit_in_all(http: httpx.Client) -> None:
    """Put the time limit under the client's own transport and those that it made for proxies."""
    # httpx has no public way to this option of httpcore's pools without giving up proxies; both are pinned, and the
    # tests with a trickling server show that it works
    for transport in (http._transport, *http._mounts.values()):  # noqa: SLF001 - see above
        if isinstance(transport, httpx.HTTPTransport):
            transport._pool._network_backend = TimedBackend()  # noqa: SLF001 - see above


@contextmanager
def _translated(settings: Settings, *, injected: bool) -> Iterator[None]:
    """Our errors for those of httpx and httpcore, telling what was never sent from what may have been."""
    try:
        yield
    except (TimeoutError, httpx.ReadTimeout, httpx.WriteTimeout, httpcore.ReadTimeout, httpcore.WriteTimeout) as error:
        raise WizChatConnectionError(
            f"no complete answer from {settings.base_url} within {settings.timeout:g} s"
        ) from error
    except httpx.DecodingError as error:
        raise WizChatResponseError(f"the answer cannot be decoded: {error}") from error
    except (httpx.HTTPError, httpx.InvalidURL, *LOST) as error:
        maybe_sent = not isinstance(error, _NEVER_SENT)
        what = "the connection was lost before the answer was complete" if maybe_sent else "no connection could be made"
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        names = "" if maybe_sent or injected else proxy_variables(settings.base_url)
        way = f" through the proxy of {names}" if names else ""
        raise WizChatConnectionError(f"{what} to {settings.base_url}{way} ({reason})", maybe_sent=maybe_sent) from error
