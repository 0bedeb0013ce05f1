"""Identities from an OpenID Connect issuer. Only this package imports joserfc."""

from reconciler.identity.oidc import LoginAttempt, OidcProvider

__all__ = ["LoginAttempt", "OidcProvider"]
