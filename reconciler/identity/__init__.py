"""People vouched for by an OpenID Connect issuer. The only owner of joserfc and what it needs."""

from reconciler.identity.oidc import LoginAttempt, OidcProvider

__all__ = ["LoginAttempt", "OidcProvider"]
