"""One connection to the API's own host, without what httpx puts around each request.

A client of httpx merges URLs, headers and cookies anew for every request and asks a pool which of its connections is
free. The address and the headers of this API never change, and a connection that one request has at a time needs no
pool: httpcore's connection, on which httpx works as well, is all that is left. Proxies and injected transports are
httpx's.
"""

import ssl
from collections.abc import AsyncIterator, Sequence
from typing import Final

import httpcore
import httpx

from api_client._answer import Collector, codings_of
from api_client._wire import Answer, Request

NEVER_SENT: Final = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.ProxyError, httpcore.UnsupportedProtocol)
"""What httpcore raises before anything of a request was written."""
LOST: Final = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, *NEVER_SENT)
"""What httpcore raises when no complete answer came."""

RawHeaders = Sequence[tuple[bytes, bytes]]


class DirectConnection:
    """Sends one request after the other; opened by the first, and again when the server closed it.

    Args:
        base_url: Where the API is.
        headers: What every request has.
        tls: What is trusted.
        connect_timeout: Seconds for opening it.
        keepalive_expiry: Seconds without use after which it is opened again.
        max_answer_bytes: The largest answer that is read.
    """

    def __init__(
        self,
        base_url: str,
        headers: RawHeaders,
        *,
        tls: ssl.SSLContext,
        connect_timeout: float,
        keepalive_expiry: float,
        max_answer_bytes: int,
    ) -> None:
        url = httpx.URL(base_url)
        self._scheme, self._host, self._port = url.raw_scheme, url.raw_host, url.port
        self._headers = [(b"Host", url.netloc), *headers]
        self._tls = tls
        # what else may take time ends with the request's own limit
        self._extensions = {"timeout": {"connect": connect_timeout}}
        self._keepalive_expiry = keepalive_expiry
        self._max_answer_bytes = max_answer_bytes
        self._connection = self._new()

    async def exchange(self, request: Request) -> Answer:
        """Send one request and read the whole answer.

        Raises:
            Exception: One of `LOST`, when no complete answer came.
            httpx.DecodingError: It is wrongly encoded.
            WizChatResponseError: It is too large, or packed twice.
        """
        if self._connection.is_closed() or self._connection.has_expired():
            await self._connection.aclose()
            self._connection = self._new()
        response = await self._connection.handle_async_request(self._request(request))
        try:
            return await self._answer(response)
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Close it."""
        await self._connection.aclose()

    def _new(self) -> httpcore.AsyncHTTPConnection:
        origin = httpcore.Origin(self._scheme, self._host, self._port or _DEFAULT_PORTS[self._scheme])
        return httpcore.AsyncHTTPConnection(origin, self._tls, self._keepalive_expiry)

    def _request(self, request: Request) -> httpcore.Request:
        url = httpcore.URL(scheme=self._scheme, host=self._host, port=self._port, target=request.target.encode())
        headers = self._headers
        if request.content is not None:
            length = str(len(request.content)).encode()
            headers = [*headers, (b"Content-Type", b"application/json"), (b"Content-Length", length)]
        return httpcore.Request(
            request.method, url, headers=headers, content=request.content, extensions=self._extensions
        )

    async def _answer(self, response: httpcore.Response) -> Answer:
        codings = codings_of(value for name, value in response.headers if name.lower() == b"content-encoding")
        collector = Collector(self._max_answer_bytes, codings)
        chunks = response.aiter_stream()
        async for chunk in _decoded(response, chunks) if codings else chunks:
            collector.add(chunk)
        waits = (value for name, value in response.headers if name.lower() == b"retry-after")
        return Answer(response.status, collector.content(), next((wait.decode("latin-1") for wait in waits), None))


_DEFAULT_PORTS: Final = {b"http": 80, b"https": 443}


class _Body(httpx.AsyncByteStream):
    """A body that comes in, for httpx to decode."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks


def _decoded(response: httpcore.Response, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    packed = httpx.Response(response.status, headers=list(response.headers), stream=_Body(chunks))
    return packed.aiter_bytes()
