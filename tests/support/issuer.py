"""Issuers on this machine: one that keeps to the standard, and one that does not."""

import hashlib
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.support.loopback import LOOPBACK
from tests.support.waiting import PATIENCE, wait_until

CLIENT_ID = "reconciler"
KEY = RSAKey.generate_key(2048, parameters={"kid": "k1"})
OTHER_KEY = RSAKey.generate_key(2048, parameters={"kid": "k1"})


@contextmanager
def real_issuer() -> Iterator[str]:
    """oidc-provider-mock in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce"]
    environ = {**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"}
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(url)
            yield url
        finally:
            process.terminate()


def _wait_for(url: str) -> None:
    def answers() -> bool:
        try:
            with httpx.Client(**LOOPBACK) as client:
                client.get(url)
        except httpx.TransportError:
            return False
        return True

    wait_until(answers, url)


def signed(claims: Mapping[str, Any], key: Any = KEY, alg: str = "RS256", **header: Any) -> str:
    return jwt.encode({"alg": alg, "kid": "k1", **header}, dict(claims), key, algorithms=[alg])


@dataclass
class HostileIssuer:
    """An issuer that does as it is told, and remembers what it was asked.

    Attributes:
        claims: Set over those that would be right; None leaves one out.
        sign: How an ID token is made of claims.
        discovery: Set over the right description; None leaves one out.
        keys: The key set.
        userinfo: What it says besides; None means that there is none.
        lies: Path → what is answered instead.
    """

    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[Mapping[str, Any]], Any] = signed
    discovery: dict[str, Any] = field(default_factory=dict)
    keys: Any = field(default_factory=lambda: {"keys": [KEY.as_dict(private=False)]})
    userinfo: dict[str, Any] | None = None
    lies: dict[str, Callable[[], Response]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def authorize(self, location: str) -> tuple[str, str]:
        """What its page does once somebody signed in there: a code and the state."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self._codes[code] = asked
        return code, asked["state"]

    def app(self) -> Starlette:
        paths: dict[str, Callable[[Request], Any]] = {
            "/.well-known/openid-configuration": self._describe,
            "/token": self._token,
            "/keys": self._keys,
            "/userinfo": self._userinfo,
            "/elsewhere": self._elsewhere,
        }
        return Starlette(
            routes=[Route(path, self._lying(path, say), methods=["GET", "POST"]) for path, say in paths.items()]
        )

    def _lying(self, path: str, say: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            self.asked.append(path)
            self.shown.append(request.headers.get("authorization", "") + (await request.body()).decode())
            said: Response = self.lies[path]() if path in self.lies else await say(request)
            return said

        return answer

    async def _describe(self, _: Request) -> Response:
        right = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            **({"userinfo_endpoint": f"{self.url}/userinfo"} if self.userinfo is not None else {}),
        }
        return JSONResponse({name: value for name, value in (right | self.discovery).items() if value is not None})

    async def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        asked = self._codes.pop(form.get("code", ""), None)
        if asked is None or challenge_of(form["code_verifier"]) != asked["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        right = {
            "iss": self.url,
            "sub": "1234",
            "aud": CLIENT_ID,
            "exp": now + 300,
            "iat": now,
            "nonce": asked["nonce"],
            "email": "ann@example.com",
            "email_verified": True,
            "groups": ["approvers"],
        }
        claims = {name: value for name, value in (right | self.claims).items() if value is not None}
        return JSONResponse({"access_token": "at", "token_type": "Bearer", "id_token": self.sign(claims)})

    async def _keys(self, _: Request) -> Response:
        return JSONResponse(self.keys)

    async def _userinfo(self, _: Request) -> Response:
        return JSONResponse(self.userinfo)

    async def _elsewhere(self, _: Request) -> Response:
        return JSONResponse({})


def redirect_elsewhere(issuer: HostileIssuer) -> Callable[[], Response]:
    return lambda: RedirectResponse(f"{issuer.url}/elsewhere", 307)


def challenge_of(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


class _Server(uvicorn.Server):
    ready: threading.Event

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def hostile_issuer() -> Iterator[HostileIssuer]:
    issuer = HostileIssuer()
    server = _Server(uvicorn.Config(issuer.app(), port=0, log_level="warning"))
    server.ready = threading.Event()
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert server.ready.wait(PATIENCE)
        issuer.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        yield issuer
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
