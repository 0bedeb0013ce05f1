"""HTTP calls to an issuer, limited in time and size, without redirects."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from reconciler.domain.loopback import is_loopback
from reconciler.errors import LoginRefused

SECONDS = 10.0
LARGEST = 512 * 1024

_OK = 200


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Asks an issuer. Each call has a connection of its own: logins are rare.

    Attributes:
        seconds: How long a call may take as a whole.
        largest: How many bytes an answer may have.
    """

    seconds: float = SECONDS
    largest: int = LARGEST

    async def get(self, url: str, subject: str, *, bearer: str | None = None) -> Mapping[str, Any]:
        """A JSON object.

        Args:
            url: Where; https, or http on loopback.
            subject: What it is, for the message.
            bearer: An access token to show.

        Raises:
            LoginRefused: ``issuer_unreachable`` or ``issuer_answer``.
        """
        return await self._request(subject, _Call("GET", url, {"Authorization": f"Bearer {bearer}"} if bearer else {}))

    async def post(self, url: str, subject: str, form: Mapping[str, str], auth: httpx.Auth | None) -> Mapping[str, Any]:
        """What a form is answered with: a JSON object.

        Raises:
            LoginRefused: As `get`.
        """
        return await self._request(subject, _Call("POST", url, {}, form, auth))

    async def _request(self, subject: str, call: "_Call") -> Mapping[str, Any]:
        if not is_safe(call.url):
            raise LoginRefused("issuer_answer", f"the issuer's {subject} is not reached by https")
        try:
            async with asyncio.timeout(self.seconds):
                status, body = await self._send(call)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL) as error:
            raise LoginRefused(
                "issuer_unreachable", f"the issuer's {subject} does not answer: try again later"
            ) from error
        answer = _object(body) if body is not None else None
        if status != _OK or answer is None:
            raise LoginRefused("issuer_answer", f"the issuer's {subject} answers something else than it should")
        return answer

    async def _send(self, call: "_Call") -> tuple[int, bytes | None]:
        async with (
            httpx.AsyncClient(follow_redirects=False, timeout=self.seconds) as client,
            client.stream(
                call.method,
                call.url,
                headers={"Accept": "application/json", "Accept-Encoding": "identity", **call.headers},
                data=call.form,
                auth=call.auth,
            ) as answer,
        ):
            body = bytearray()
            # raw: what is packed could grow to anything when it is unpacked
            async for part in answer.aiter_raw():
                body += part
                if len(body) > self.largest:
                    return answer.status_code, None
            return answer.status_code, bytes(body)


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    url: str
    headers: Mapping[str, str]
    form: Mapping[str, str] | None = field(default=None, repr=False)
    auth: httpx.Auth | None = field(default=None, repr=False)


def is_safe(url: str) -> bool:
    """Whether nobody on the way can read or change what goes there: https, or this very machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))


def _object(body: bytes) -> Mapping[str, Any] | None:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None
