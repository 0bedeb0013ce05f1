"""Builds the identity provider from the settings."""

from reconciler.identity.oidc import OidcProvider
from reconciler.ports import Clock
from reconciler.settings.sections import OidcSettings


def identity_provider(settings: OidcSettings, clock: Clock) -> OidcProvider | None:
    """The issuer that the settings name; None while they name none."""
    if settings.issuer is None or settings.client_id is None:
        return None
    return OidcProvider(settings.issuer, settings.client_id, settings, clock)
