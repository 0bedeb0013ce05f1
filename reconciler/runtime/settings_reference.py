"""The settings as a table for people: ``docs/settings.md`` is written from it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from reconciler.runtime.durations import format_duration
from reconciler.runtime.settings import Settings
from reconciler.runtime.settings_names import PREFIX, model_of


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
        many = bool(get_args(field.annotation))
        rows = tuple(_row(name, inner, inner_field, many=many) for inner, inner_field in model.model_fields.items())
        yield SettingTable(f"[[{name}]]" if many else f"[{name}]", (model.__doc__ or "").strip(), rows)


def _row(table: str, name: str, field: FieldInfo, *, many: bool) -> SettingRow:
    return SettingRow(
        name=f"{table}[].{name}" if many else f"{table}.{name}",
        variable=None if many else f"{PREFIX}{table}__{name}".upper(),
        kind=_kind(field),
        default=_default(field),
        help=field.description or "",
    )


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting is a secret, or a list of them."""
    return "Secret" in repr(field.annotation)


def _kind(field: FieldInfo) -> str:
    named = {bool: "true or false", int: "number", float: "number", Path: "path", timedelta: "duration"}
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
    return next((label for kind, label in named.items() if kind in types), "text")


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
