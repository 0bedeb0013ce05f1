"""Who vouches for people that sign in."""

from reconciler.identity.oidc import OidcProvider, OidcSpec
from reconciler.ports import Clock
from reconciler.settings.sections import OidcSettings


def identity_provider(settings: OidcSettings, clock: Clock) -> OidcProvider | None:
    """The issuer that the settings name; None while they name none."""
    if settings.issuer is None or settings.client_id is None:
        return None
    spec = OidcSpec(
        issuer=settings.issuer,
        client_id=settings.client_id,
        client_secret=settings.client_secret.get_secret_value() if settings.client_secret else None,
        scopes=settings.scopes,
        name_claim=settings.name_claim,
        groups_claim=settings.groups_claim,
    )
    return OidcProvider(spec, clock)
