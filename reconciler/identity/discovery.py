"""Reads the discovery document of an issuer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.errors import LoginRefused
from reconciler.identity.fetching import is_safe

SAFE_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Asymmetric ones: what anybody could sign with a public key, or with no key at all, is never believed."""


@dataclass(frozen=True, slots=True)
class OidcIssuer:
    """An issuer's own description.

    Attributes:
        name: Its URL as it writes it itself, and into its tokens.
        authorize_url: Where browsers sign in.
        token_url: Where codes are exchanged.
        keys_url: Where its public keys are.
        userinfo_url: Where it says more of a person, if anywhere.
        algorithms: What it signs with, as far as it is believed.
        post_secret: Whether the client's secret goes into the form, and not into a header.
        names_itself: Whether it always says its name when it sends a browser back (RFC 9207).
    """

    name: str
    authorize_url: str
    token_url: str
    keys_url: str
    userinfo_url: str | None
    algorithms: tuple[str, ...]
    post_secret: bool
    names_itself: bool


def described(issuer: str, document: Mapping[str, Any]) -> OidcIssuer:
    """Read a discovery document.

    Raises:
        LoginRefused: ``issuer_answer``: it is another issuer's, or lacks what is needed.
    """
    name = document.get("issuer")
    # the setting has no trailing slash, some issuers' names have one: both are the same address
    if name not in (issuer, f"{issuer}/"):
        raise LoginRefused("issuer_answer", "the issuer calls itself something else: correct oidc.issuer")
    signed_with = document.get("id_token_signing_alg_values_supported", ["RS256"])
    algorithms = tuple(name for name in SAFE_ALGORITHMS if isinstance(signed_with, list) and name in signed_with)
    if not algorithms:
        raise LoginRefused("issuer_answer", "the issuer signs by no method that is believed here")
    methods = document.get("token_endpoint_auth_methods_supported")
    post = isinstance(methods, list) and "client_secret_basic" not in methods and "client_secret_post" in methods
    return OidcIssuer(
        name=str(name),
        authorize_url=_endpoint(document, "authorization_endpoint"),
        token_url=_endpoint(document, "token_endpoint"),
        keys_url=_endpoint(document, "jwks_uri"),
        userinfo_url=_endpoint(document, "userinfo_endpoint") if document.get("userinfo_endpoint") else None,
        algorithms=algorithms,
        post_secret=post,
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _endpoint(document: Mapping[str, Any], name: str) -> str:
    url = document.get(name)
    if not isinstance(url, str) or not is_safe(url):
        raise LoginRefused("issuer_answer", f"the issuer's {name} is missing, or not reached by https")
    return url
