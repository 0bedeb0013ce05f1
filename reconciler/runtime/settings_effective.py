"""The settings as the service has them, for people to look at: nothing in here holds a secret, or a part of one.

Whatever the settings call a secret is only said to be set. It takes a reason to show more: the addresses of databases
and repositories are, without what stands before the host and without their options.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from reconciler.domain.secrets import redacted
from reconciler.runtime.settings import DatabaseSettings, Settings, SourceSettings
from reconciler.runtime.settings_input import DEFAULT
from reconciler.runtime.settings_names import model_of
from reconciler.runtime.settings_reference import as_toml, is_secret
from reconciler.web.http.web_settings import EffectiveSetting, EffectiveTable

SET, NOT_SET = "set", "not set"
_GIVEN = "given"
_ADDRESS = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.]*)://(?:[^@?#]*@)?(?P<host>[\w.,-]*|\[[0-9a-f:.]+\])(?P<port>:[0-9]+)?"
    r"(?P<path>/[\w./~%-]*)?(?:[?#][^@]*)?",
    re.ASCII | re.IGNORECASE,
)


def effective_tables(settings: Settings) -> Iterator[EffectiveTable]:
    """Every table with its settings; of a list, one for each member."""
    for name, field in Settings.model_fields.items():
        held = getattr(settings, name)
        model = model_of(field.annotation)
        help_ = ((model.__doc__ if model else None) or "").strip()
        if get_args(field.annotation):
            for member in held:
                yield EffectiveTable(f"[[{name}]] {_title(member)}", help_, _rows(settings, f"{name}[]", name, member))
        else:
            yield EffectiveTable(f"[{name}]", help_, _rows(settings, name, name, held))


def _title(member: BaseModel) -> str:
    return redacted(str(getattr(member, "name", None) or getattr(member, "group", "")))


def _rows(settings: Settings, shown: str, table: str, held: BaseModel) -> tuple[EffectiveSetting, ...]:
    return tuple(
        EffectiveSetting(
            f"{shown}.{name}", _value(held, name, field), _origin(settings, table, held, name), field.description or ""
        )
        for name, field in type(held).model_fields.items()
    )


def _origin(settings: Settings, table: str, held: BaseModel, name: str) -> str:
    if name not in held.model_fields_set:
        return DEFAULT
    # a secret from a file comes from where the file is named
    known = (f"{table}.{name}", f"{table}.{name}_file", table)
    return next((settings.origins[item] for item in known if settings.origins.get(item)), _GIVEN)


def _value(held: BaseModel, name: str, field: FieldInfo) -> str:
    value = getattr(held, name)
    match held, name:
        case SourceSettings(), "url":
            return as_toml(_clean(held.shown_url))
        case DatabaseSettings(), "url" if value is not None:
            return as_toml(_clean(value.get_secret_value()))
    if value is None or (not value and is_secret(field)):
        return NOT_SET
    if is_secret(field):
        return f"{SET} ({len(value)})" if isinstance(value, tuple) else SET
    return as_toml(_clean(value))


def _clean(value: Any) -> Any:
    match value:
        case tuple():
            return tuple(_clean(item) for item in value)
        case str() if "://" in value:
            return redacted(without_credentials(value))
        case str() | Path():
            return redacted(str(value))
        case _:
            return value


def without_credentials(url: str) -> str:
    """An address without what may be secret in it; of one that is written in any unusual way, nothing."""
    found = _ADDRESS.fullmatch(url)
    if found is None:
        return SET
    return f"{found['scheme']}://{found['host']}{found['port'] or ''}{found['path'] or ''}"
