"""ID tokens and keys that no client may believe."""

import base64
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from joserfc.jwk import OctKey

from tests.support.issuer import CLIENT_ID, KEY, OTHER_KEY, signed

SECRET = "the-client-secret-of-the-test"


def packed(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def unsigned(claims: Mapping[str, Any], alg: str = "none") -> str:
    return ".".join(packed(json.dumps(each).encode()) for each in ({"alg": alg, "kid": "k1"}, dict(claims))) + "."


def by_public_key(claims: Mapping[str, Any]) -> str:
    said = unsigned(claims, "HS256")
    return said + packed(hmac.digest(KEY.as_pem(private=False), said[:-1].encode(), "sha256"))


def by_own_secret(claims: Mapping[str, Any]) -> str:
    return signed(claims, OctKey.import_key(SECRET * 2), "HS256")


def with_critical(claims: Mapping[str, Any]) -> str:
    _, body, seal = signed(claims).split(".")
    changed = {"alg": "RS256", "kid": "k1", "crit": ["made-up"], "made-up": True}
    return f"{packed(json.dumps(changed).encode())}.{body}.{seal}"


def with_own_key(claims: Mapping[str, Any]) -> str:
    return signed(claims, OTHER_KEY, jwk=OTHER_KEY.as_dict(private=False))


NOW = int(time.time())
LIES: dict[str, tuple[str, dict[str, Any]]] = {
    "wrong issuer": ("wrong_issuer", {"claims": {"iss": "https://evil.example.net"}}),
    "issuer with a slash": ("wrong_issuer", {"claims": {"iss": "http://127.0.0.1/"}}),
    "wrong audience": ("wrong_audience", {"claims": {"aud": "another"}}),
    "no audience": ("wrong_audience", {"claims": {"aud": None}}),
    "audience begins like ours": ("wrong_audience", {"claims": {"aud": "reconciler2"}}),
    "several audiences without azp": ("wrong_audience", {"claims": {"aud": [CLIENT_ID, "another"]}}),
    "given to another": ("wrong_audience", {"claims": {"azp": "another"}}),
    "expired": ("expired", {"claims": {"exp": NOW - 3600, "iat": NOW - 7200}}),
    "expired though fresh": ("expired", {"claims": {"exp": NOW - 3600}}),
    "old though not expired": ("expired", {"claims": {"iat": NOW - 3600}}),
    "from the future": ("expired", {"claims": {"iat": NOW + 3600, "exp": NOW + 7200}}),
    "not yet": ("expired", {"claims": {"nbf": NOW + 3600}}),
    "no end": ("bad_token", {"claims": {"exp": None}}),
    "end is a text": ("bad_token", {"claims": {"exp": "never"}}),
    "end is true": ("bad_token", {"claims": {"exp": True}}),
    "no beginning": ("bad_token", {"claims": {"iat": None}}),
    "wrong nonce": ("wrong_nonce", {"claims": {"nonce": "another"}}),
    "no nonce": ("wrong_nonce", {"claims": {"nonce": None}}),
    "nonce is a list": ("wrong_nonce", {"claims": {"nonce": ["x"]}}),
    "no subject": ("bad_token", {"claims": {"sub": None}}),
    "empty subject": ("bad_token", {"claims": {"sub": ""}}),
    "subject is a number": ("bad_token", {"claims": {"sub": 1234}}),
    "not signed": ("bad_signature", {"sign": unsigned}),
    "HS256 by the public key": ("bad_signature", {"sign": by_public_key}),
    "HS256 by the client's secret": ("bad_signature", {"sign": by_own_secret}),
    "signed by another": ("bad_signature", {"sign": lambda claims: signed(claims, OTHER_KEY)}),
    "brings its own key": ("bad_signature", {"sign": with_own_key}),
    "unknown critical header": ("bad_signature", {"sign": with_critical}),
    "an algorithm that was not announced": ("bad_signature", {"sign": lambda claims: signed(claims, alg="RS512")}),
    "unknown key": ("unknown_key", {"sign": lambda claims: signed(claims, kid="k2")}),
    "key id is no text": ("unknown_key", {"keys": {"keys": []}}),
    "no token": ("bad_token", {"sign": lambda _: 17}),
    "no token at all": ("bad_token", {"sign": lambda _: "not.a"}),
    "huge token": ("bad_token", {"claims": {"more": "x" * 100_000}}),
    "email not verified": ("email_unverified", {"claims": {"email_verified": False}}),
    "email said to be verified by nobody": ("email_unverified", {"claims": {"email_verified": None}}),
    "email verified by a number": ("email_unverified", {"claims": {"email_verified": 2}}),
    "no name": ("no_name", {"claims": {"email": None}}),
    "the program's name": ("bad_name", {"claims": {"email": "Reconciler"}}),
    "a command's name": ("bad_name", {"claims": {"email": "cli:root"}}),
    "an unprintable name": ("bad_name", {"claims": {"email": "ann\u202e@example.com"}}),
    "no group": ("no_role", {"claims": {"groups": None}}),
    "another group": ("no_role", {"claims": {"groups": ["Approvers", "approvers "]}}),
    "groups are an object": ("no_role", {"claims": {"groups": {"approvers": True}}}),
    "too many groups": ("too_many_groups", {"claims": {"groups": ["g"] * 1001}}),
    "key set is huge": ("issuer_answer", {"keys": {"keys": [{"kty": "RSA", "n": "x" * 700_000}]}}),
    "key set has too many keys": ("issuer_answer", {"keys": {"keys": [KEY.as_dict(private=False)] * 101}}),
    "key set is no object": ("issuer_answer", {"keys": []}),
    "secret keys in the key set": ("unknown_key", {"keys": {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "k1"}]}}),
    "a key to encrypt": ("unknown_key", {"keys": {"keys": [KEY.as_dict(private=False, use="enc")]}}),
}
"""Lie → the code of its refusal, and how an issuer tells it."""
