"""The settings as tables for people: every setting for ``docs/settings.md``, and those of a service for its page.

Nothing of the latter holds a secret, or a part of one. Whatever the settings call a secret is only said to be set. It
takes a reason to show more: the addresses of databases and repositories are, without what stands before the host and
without their options.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from reconciler.domain.policy import Protection
from reconciler.domain.secrets import redacted
from reconciler.domain.setting_values import format_duration
from reconciler.settings.input import DEFAULT
from reconciler.settings.model import PREFIX, Settings, SourceSettings, model_of
from reconciler.settings.sections import DatabaseSettings
from reconciler.web.http.web_settings import EffectiveSetting, EffectiveTable

SET, NOT_SET = "set", "not set"
_GIVEN = "given"
_ADDRESS = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.]*)://(?:[^@?#]*@)?(?P<host>[\w.,-]*|\[[0-9a-f:.]+\])(?P<port>:[0-9]+)?"
    r"(?P<path>/[\w./~%-]*)?(?:[?#][^@]*)?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting, described.

    Attributes:
        name: As in the TOML file, such as ``tenants[].api_key``.
        variable: Its environment variable; None for settings of a list, which come as one JSON variable.
        kind: What kind of value it takes.
        default: As it is written in TOML, or ``required`` or ``unset``.
        help: What it is for.
    """

    name: str
    variable: str | None
    kind: str
    default: str
    help: str


@dataclass(frozen=True, slots=True)
class SettingTable:
    """One table of the TOML file."""

    heading: str
    help: str
    rows: tuple[SettingRow, ...]


def setting_tables() -> Iterator[SettingTable]:
    """Every table of the settings, in the order of the class."""
    for name, field in Settings.model_fields.items():
        model = model_of(field.annotation)
        if model is None:
            raise TypeError(f"Settings.{name} is no table")
        is_list = bool(get_args(field.annotation))
        rows = tuple(
            _row(name, inner, inner_field, is_list=is_list) for inner, inner_field in model.model_fields.items()
        )
        yield SettingTable(f"[[{name}]]" if is_list else f"[{name}]", (model.__doc__ or "").strip(), rows)


def _row(table: str, name: str, field: FieldInfo, *, is_list: bool) -> SettingRow:
    return SettingRow(
        name=f"{table}[].{name}" if is_list else f"{table}.{name}",
        variable=None if is_list else f"{PREFIX}{table}__{name}".upper(),
        kind=_kind(field),
        default=_default(field),
        help=field.description or "",
    )


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting is a secret, or a list of them."""
    return "Secret" in repr(field.annotation)


def _kind(field: FieldInfo) -> str:
    labels = {bool: "true or false", int: "number", float: "number", Path: "path", timedelta: "duration"}
    annotation = field.annotation
    types = _flat(annotation)
    if is_secret(field):
        return "secret, or list" if "tuple" in repr(annotation) else "secret"
    if "Literal" in repr(annotation):
        return " or ".join(f"`{as_toml(choice)}`" for choice in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(f"`{as_toml(choice.value)}`" for choice in annotation)
    if "tuple" in repr(annotation):
        return "path, or list" if "Path" in repr(annotation) else "list"
    return next((label for kind, label in labels.items() if kind in types), "text")


def _flat(annotation: Any) -> list[Any]:
    """The annotation and all types within it."""
    return [annotation, *(inner for argument in get_args(annotation) for inner in _flat(argument))]


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required"
    return "unset" if field.default is None else f"`{as_toml(field.default)}`"


def as_toml(value: Any) -> str:
    """A value as it is written in TOML."""
    match value:
        case bool():
            return str(value).lower()
        case timedelta():
            return f'"{format_duration(value)}"'
        case tuple():
            return f"[{', '.join(map(as_toml, value))}]"
        case IPv4Network() | IPv6Network():
            return f'"{value if value.num_addresses > 1 else value.network_address}"'
        case str() | Path():
            return f'"{value}"'
        case BaseModel():
            raise TypeError("a table has no default of its own")
        case _:
            return str(value)


def as_markdown() -> str:
    """The tables as markdown."""
    parts = []
    for table in setting_tables():
        header = "| setting | variable | takes | default | what it is for |\n|---|---|---|---|---|"
        if table.heading.startswith("[["):
            header = "| setting | takes | default | what it is for |\n|---|---|---|---|"
        lines = [_markdown_row(row) for row in table.rows]
        parts.append("\n".join([f"### `{table.heading}`", "", table.help, "", header, *lines]))
    return "\n\n".join(parts) + "\n"


def _markdown_row(row: SettingRow) -> str:
    cells = [f"`{row.name}`", f"`{row.variable}`" if row.variable else None, row.kind, row.default, row.help]
    return "| " + " | ".join(re.sub(r"(?<!\\)\|", r"\\|", cell) for cell in cells if cell is not None) + " |"


def effective_tables(settings: Settings) -> Iterator[EffectiveTable]:
    """Every table with its settings; of a list, one for each member."""
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        model = model_of(field.annotation)
        help_ = ((model.__doc__ if model else None) or "").strip()
        if get_args(field.annotation):
            for member in value:
                yield EffectiveTable(f"[[{name}]] {_title(member)}", help_, _rows(settings, f"{name}[]", name, member))
        else:
            yield EffectiveTable(f"[{name}]", help_, _rows(settings, name, name, value))


def _title(member: BaseModel) -> str:
    return redacted(str(getattr(member, "name", None) or getattr(member, "group", "")))


def _rows(settings: Settings, shown: str, table: str, model: BaseModel) -> tuple[EffectiveSetting, ...]:
    return tuple(
        EffectiveSetting(
            f"{shown}.{name}",
            _value(model, name, field),
            _origin(settings, table, model, name),
            field.description or "",
        )
        for name, field in type(model).model_fields.items()
    )


def _origin(settings: Settings, table: str, model: BaseModel, name: str) -> str:
    if name not in model.model_fields_set:
        return DEFAULT
    # a secret from a file comes from where the file is named
    keys = (f"{table}.{name}", f"{table}.{name}_file", table)
    return next((settings.origins[item] for item in keys if settings.origins.get(item)), _GIVEN)


def _value(model: BaseModel, name: str, field: FieldInfo) -> str:
    value = getattr(model, name)
    match model, name:
        case SourceSettings(), "url":
            return as_toml(_clean(model.shown_url))
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
        case Protection():
            return redacted(str(value))
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
