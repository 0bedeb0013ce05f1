"""Signs people in at an OpenID Connect issuer: authorization code flow with PKCE."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import httpx
from joserfc.jwk import Key

from reconciler.domain.identity import Identity
from reconciler.errors import LoginRefused
from reconciler.identity.discovery import OidcIssuer, described
from reconciler.identity.fetching import Fetcher
from reconciler.identity.id_token import check_claims, key_id, matching, read_keys, refused, signed_claims
from reconciler.ports import Clock
from reconciler.settings.sections import OidcSettings
from reconciler.shared_work import SharedWork

DISCOVERY_SECONDS = 3600.0
KEYS_SECONDS = 3600.0
LOOK_AGAIN_SECONDS = 60.0
"""How long an unknown key is not asked for again: whoever makes one up must not make us ask."""

_MAX_GROUPS = 1000
_LONGEST_GROUP = 256
_LONGEST_CODE = 4096


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """One try to sign in: what binds the issuer's answer to the browser that asked.

    Attributes:
        callback: Where the issuer sends the browser back to.
        state: Comes back with the browser.
        nonce: Comes back in what the issuer signs.
        verifier: Proves at the exchange of the code that the same client began the attempt (PKCE).
    """

    callback: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(slots=True)
class OidcProvider:
    """An issuer. Whatever it does not say beyond doubt raises `errors.LoginRefused`.

    Attributes:
        issuer: Its URL, as it writes it itself.
        client_id: What it calls this service.
        settings: How it is asked, and which claims of its answers count.
        clock: Where time comes from.
        fetch: How its answers are read.
    """

    issuer: str
    client_id: str
    settings: OidcSettings
    clock: Clock
    fetch: Fetcher = field(default_factory=Fetcher)
    _description: SharedWork[OidcIssuer] = field(init=False)
    _keys: tuple[float, Sequence[Key]] | None = None
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._description = SharedWork(self.clock, self._describe, DISCOVERY_SECONDS)

    async def authorization_url(self, attempt: LoginAttempt) -> str:
        """The URL at which a browser signs in.

        Raises:
            LoginRefused: The issuer does not answer, or not as it should.
        """
        issuer = await self._description.outcome()
        return url_with_parameters(
            issuer.authorize_url,
            response_type="code",
            client_id=self.client_id,
            redirect_uri=attempt.callback,
            scope=" ".join(self.settings.scopes),
            state=attempt.state,
            nonce=attempt.nonce,
            code_challenge=code_challenge(attempt.verifier),
            code_challenge_method="S256",
        )

    async def exchange_code(self, code: str, attempt: LoginAttempt, returned_issuer: str | None) -> Identity:
        """Exchange a code for the verified identity of a person.

        Args:
            code: What the browser brought back.
            attempt: The attempt that it belongs to.
            returned_issuer: Who the browser says sent it back, if it says so.

        Raises:
            LoginRefused: Anything is not as it must be.
        """
        issuer = await self._description.outcome()
        if returned_issuer != issuer.name and (returned_issuer is not None or issuer.names_itself):
            raise LoginRefused("wrong_issuer", "another issuer sent the browser back: sign in again")
        if len(code) > _LONGEST_CODE:
            raise LoginRefused("bad_code", "the code is too long: sign in again")
        answer = await self._exchange(issuer, code, attempt)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise refused("bad_token", "is missing")
        claims = signed_claims(token, await self._key(issuer, key_id(token)), issuer.algorithms)
        now = self.clock.now()
        check_claims(claims, issuer=issuer.name, client_id=self.client_id, nonce=attempt.nonce, now=now)
        userinfo = await self._userinfo(issuer, claims, answer.get("access_token"))
        return Identity(
            name=self._name(claims, userinfo),
            issuer=self.issuer,
            subject=claims["sub"],
            groups=_groups(claims.get(self.settings.groups_claim, userinfo.get(self.settings.groups_claim))),
        )

    async def _describe(self) -> OidcIssuer:
        url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        return described(self.issuer, await self.fetch.get(url, "discovery document"))

    async def _exchange(self, issuer: OidcIssuer, code: str, attempt: LoginAttempt) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": attempt.callback,
            "code_verifier": attempt.verifier,
        }
        secret = self.settings.client_secret.get_secret_value() if self.settings.client_secret else None
        auth = None
        if secret is not None and not issuer.post_secret:
            auth = httpx.BasicAuth(quote(self.client_id, safe=""), quote(secret, safe=""))
        else:
            form |= {"client_id": self.client_id} | ({"client_secret": secret} if secret else {})
        return await self.fetch.post(issuer.token_url, "token endpoint", form, auth)

    async def _key(self, issuer: OidcIssuer, kid: str | None) -> Key:
        """The key of this id, asked for again when it is unknown, for keys change; but not over and over."""
        async with self._one_at_a_time:
            keys = await self._known_keys(issuer, kid)
        found = matching(keys, kid)
        if found is None:
            raise refused("unknown_key", "is signed with an unknown key")
        return found

    async def _known_keys(self, issuer: OidcIssuer, kid: str | None) -> Sequence[Key]:
        now = self.clock.monotonic()
        fetched_at, keys = self._keys or (None, ())
        fresh_for = KEYS_SECONDS if matching(keys, kid) is not None else LOOK_AGAIN_SECONDS
        if fetched_at is not None and now - fetched_at < fresh_for:
            return keys
        # set before the answer, so that a failing issuer is not called at every login
        self._keys = now, keys
        keys = read_keys(await self.fetch.get(issuer.keys_url, "key set"))
        self._keys = now, keys
        return keys

    async def _userinfo(self, issuer: OidcIssuer, claims: Mapping[str, Any], token: object) -> Mapping[str, Any]:
        """What the issuer says besides, where the ID token lacks it; of the same person, or not at all."""
        needed = {self.settings.name_claim, self.settings.groups_claim}
        needed |= {"email_verified"} if self.settings.name_claim == "email" else set()
        if needed <= claims.keys() or issuer.userinfo_url is None or not isinstance(token, str):
            return {}
        more = await self.fetch.get(issuer.userinfo_url, "userinfo endpoint", bearer=token)
        subject = more.get("sub")
        if not isinstance(subject, str) or not hmac.compare_digest(subject.encode(), str(claims["sub"]).encode()):
            raise LoginRefused("issuer_answer", "the issuer's userinfo endpoint speaks of somebody else")
        return more

    def _name(self, *claim_sets: Mapping[str, Any]) -> str:
        claim = self.settings.name_claim
        with_name = [claims for claims in claim_sets if isinstance(claims.get(claim), str) and claims[claim]]
        if not with_name:
            raise LoginRefused("no_name", f"the issuer does not say the claim {claim}: correct oidc.name_claim")
        if claim != "email":
            return str(with_name[0][claim])
        # an address and whether it is verified must come from the same claims
        verified = next((claims for claims in with_name if claims.get("email_verified") in (True, "true")), None)
        if verified is None:
            raise LoginRefused("email_unverified", _unverified(with_name))
        return str(verified["email"])


def code_challenge(verifier: str) -> str:
    """The challenge of the method S256 for a verifier (RFC 7636, section 4.2)."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def url_with_parameters(endpoint: str, **parameters: str) -> str:
    """Where a browser is sent: the endpoint with its own query, which stays (RFC 6749, section 3.1), and ours."""
    parts = urlsplit(endpoint)
    own = parse_qsl(parts.query, keep_blank_values=True)
    return parts._replace(query=urlencode([*own, *parameters.items()])).geturl()


def _unverified(claim_sets: Sequence[Mapping[str, Any]]) -> str:
    if any(claims.get("email_verified") is not None for claims in claim_sets):
        return "the issuer has not verified your email address: verify it there"
    # nobody who signs in can change that: Microsoft's issuer has no such claim
    return (
        "the issuer does not say whether your email address is verified: an admin must set oidc.name_claim to another "
        "claim that people cannot change by themselves, such as preferred_username"
    )


def _groups(value: object) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    if len(listed) > _MAX_GROUPS:
        raise LoginRefused("too_many_groups", f"the issuer names more than {_MAX_GROUPS} groups: let it name fewer")
    return tuple(group for group in listed if isinstance(group, str) and 0 < len(group) <= _LONGEST_GROUP)
