"""Settings in which every secret is set, also those that are yet to come: what shows them must show nothing of it."""

from collections.abc import Iterator
from typing import Any

from reconciler.settings.model import Settings, model_of
from reconciler.settings.reference import is_secret

CANARY = "Qz7Kw2Xp9Lm4Vt8B"
REPOSITORY = f"https://user-{CANARY}:pass-{CANARY}@git.example.com/acme/bots.git"
DATABASE = (
    f"postgresql://user-{CANARY}:p%40ss-{CANARY}@db.example.com:5432/reconciler?password={CANARY}&sslmode=require"
)
ADDRESSES = {("sources", "url"): REPOSITORY, ("database", "url"): DATABASE}
NEEDED: dict[str, dict[str, Any]] = {
    "tenants": {"name": "acme"},
    "sources": {"name": "main", "tenant": "acme"},
    "oidc": {"issuer": "https://sso.example.com", "client_id": "reconciler"},
}


def secret_fields() -> Iterator[tuple[str, str, bool]]:
    """Every setting that is a secret: its table, its name, and whether it is a list; also those to come."""
    for table, field in Settings.model_fields.items():
        model = model_of(field.annotation)
        assert model is not None
        for name, inner in model.model_fields.items():
            if is_secret(inner):
                yield table, name, "tuple" in repr(inner.annotation)


def full_settings() -> Settings:
    """Settings in which every secret is set, to something that no page may hold."""
    given = {table: dict(values) for table, values in NEEDED.items()}
    for table, name, many in secret_fields():
        secret = ADDRESSES.get((table, name), f"secret-{CANARY}-{table}-{name}-" + "x" * 32)
        given.setdefault(table, {})[name] = (secret, secret) if many else secret
    lists = {"tenants", "sources"}
    values: dict[str, Any] = {name: (held,) if name in lists else held for name, held in given.items()}
    return Settings(**values)


def parts_of_the_canary() -> set[str]:
    """What no text may hold that shows settings."""
    return {CANARY[at : at + 4] for at in range(len(CANARY) - 3)} | {"secret-", "xxxx", "user-", "pass-"}
