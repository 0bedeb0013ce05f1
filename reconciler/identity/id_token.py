"""Verifies ID tokens: signature, issuer, audience, times and nonce."""

import binascii
import hmac
import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeGuard

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from reconciler.errors import LoginRefused

LONGEST = 64 * 1024
LEEWAY = 60
"""Seconds by which clocks may differ."""
OLDEST = 600
"""Seconds since it was issued."""

_MAX_KEYS = 100
_SMALLEST_RSA = 2048
_KINDS: Mapping[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


def refused(code: str, problem: str) -> LoginRefused:
    """The refusal of an ID token."""
    return LoginRefused(code, f"the issuer's ID token {problem}: sign in again")


def read_keys(document: Mapping[str, Any]) -> list[Key]:
    """The public keys of a key set that can sign; others are left out."""
    listed = document.get("keys")
    if not isinstance(listed, list) or len(listed) > _MAX_KEYS:
        raise LoginRefused("issuer_answer", "the issuer's key set cannot be read")
    return [key for key in map(_key, listed) if key is not None]


def _key(value: object) -> Key | None:
    if not isinstance(value, dict) or value.get("use", "sig") != "sig":
        return None
    kind = _KINDS.get(str(value.get("kty")))
    if kind is None:
        return None
    try:
        key = kind.import_key(value)
        too_weak = isinstance(key, RSAKey) and key.public_key.key_size < _SMALLEST_RSA
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return None if too_weak else key


def key_id(token: str) -> str | None:
    """Which key a token says it is signed with; nothing that it says is believed yet."""
    if len(token) > LONGEST:
        raise refused("bad_token", "is too long")
    try:
        head = token.split(".", maxsplit=1)[0]
        header = json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
        kid = header.get("kid")
    except (ValueError, binascii.Error, AttributeError, RecursionError) as error:
        raise refused("bad_token", "cannot be read") from error
    return kid if isinstance(kid, str) else None


def matching(keys: Sequence[Key], kid: str | None) -> Key | None:
    """The key of this id; a token that names none is only believed where there is no choice."""
    if kid is None:
        return keys[0] if len(keys) == 1 else None
    return next((key for key in keys if key.kid == kid), None)


def signed_claims(token: str, key: Key, algorithms: Sequence[str]) -> Mapping[str, Any]:
    """What a token says, once its signature is proven.

    Raises:
        LoginRefused: ``bad_signature``.
    """
    try:
        return jwt.decode(token, key, algorithms=list(algorithms)).claims
    except (JoseError, ValueError, TypeError) as error:
        raise refused("bad_signature", "is not signed by the issuer") from error


def check_claims(claims: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str, now: datetime) -> None:
    """Refuse what is not from this issuer, for this client, of this moment and for this attempt.

    Raises:
        LoginRefused: ``wrong_issuer``, ``wrong_audience``, ``expired``, ``wrong_nonce`` or ``bad_token``.
    """
    if claims.get("iss") != issuer:
        raise refused("wrong_issuer", "is another issuer's")
    _check_audience(claims, client_id)
    _check_times(claims, now.timestamp())
    token_nonce = claims.get("nonce")
    if not isinstance(token_nonce, str) or not hmac.compare_digest(token_nonce.encode(), nonce.encode()):
        raise refused("wrong_nonce", "is for another attempt")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:  # noqa: PLR2004  the standard's longest
        raise refused("bad_token", "names nobody")


def _check_audience(claims: Mapping[str, Any], client_id: str) -> None:
    audience = claims.get("aud")
    listed = [audience] if isinstance(audience, str) else audience
    party = claims.get("azp")
    if not isinstance(listed, list) or client_id not in listed:
        raise refused("wrong_audience", "is for another client")
    if party != client_id if party is not None else len(listed) > 1:
        raise refused("wrong_audience", "was given to another client")


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    ends, issued, begins = (claims.get(name) for name in ("exp", "iat", "nbf"))
    if not _is_moment(ends) or not _is_moment(issued):
        raise refused("bad_token", "does not say when it is good for")
    if ends + LEEWAY <= now or issued + OLDEST <= now:
        raise refused("expired", "ran out")
    if issued > now + LEEWAY or (begins is not None and (not _is_moment(begins) or begins > now + LEEWAY)):
        raise refused("expired", "is for later: see that the clocks are right")


def _is_moment(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
