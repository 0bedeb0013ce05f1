"""Reads the settings: the TOML file that ``RECONCILER_CONFIG`` names, and the environment, which wins over it.

`load_settings` is the only way in. Whatever is wrong is a `SettingsError` of one line that says where, and what to
change; it never holds a value.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource
from pydantic_settings import SettingsError as UnreadableVariable

from reconciler.errors import SettingsError
from reconciler.settings.model import (
    CLIENT_VARIABLES,
    CONFIG,
    PREFIX,
    PREFIXES,
    SHORT_FORM,
    Settings,
    model_of,
    variables,
)

DEFAULT = "default"
_NAMES_FIELD = re.compile(r"[\w.-]+: ")

_MAX_BYTES: Final = 2**20
"""How long a file of settings may be: a device never ends."""


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    Args:
        environ: The environment to read.

    Raises:
        SettingsError: In one line: what is wrong, where, and what to change.
    """
    refuse_unknown_variables(environ)
    path = environ.get(CONFIG)
    from_file = _read_toml(Path(path)) if path else {}
    from_environment = _read_environment(environ)
    merged = _merged(from_file, from_environment)
    used = ", ".join(name for name in SHORT_FORM if environ.get(name))
    if used and (merged.get("tenants") or merged.get("sources")):
        raise SettingsError(f"{used} and [[tenants]] or [[sources]] are both set: choose one form and drop the other")
    short = _short_form(environ)
    origins = {**_origins(merged, from_environment, path or ""), **_short_origins(environ, short)}
    try:
        return Settings(**{**merged, **short}).with_origins(origins)
    except ValidationError as error:
        raise SettingsError(_one_line(Settings, error, from_environment, environ)) from None


def _origins(merged: Mapping[str, Any], from_environment: Mapping[str, Any], path: str) -> dict[str, str]:
    found = {}
    for table, values in merged.items():
        above = from_environment.get(table, {})
        if not isinstance(values, dict):
            found[table] = f"{PREFIX}{table}".upper() if table in from_environment else path
            continue
        for name in values:
            found[f"{table}.{name}"] = f"{PREFIX}{table}__{name}".upper() if name in above else path
    return found


def _short_origins(environ: Mapping[str, str], short: Mapping[str, Any]) -> dict[str, str]:
    found = {f"{table}.{field}": name for name, (table, field) in SHORT_FORM.items() if environ.get(name)}
    return {**found, **{f"{table}.name": DEFAULT for table in short}} if short else {}


# --- the file ---------------------------------------------------------------------------------------------------


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise SettingsError(f"{path} is larger than {_MAX_BYTES // 2**20} MiB: name a file of settings")
        return tomllib.loads(content.decode("utf-8-sig"))  # some editors begin a file with a byte order mark
    except OSError as error:
        raise SettingsError(
            f"{CONFIG}: {path} cannot be read ({error.strerror}): create it, or correct the path"
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is not UTF-8: save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from None
    except RecursionError:
        raise SettingsError(f"{path} is nested too deeply: no setting needs that") from None


# --- the environment --------------------------------------------------------------------------------------------


class _Environment(EnvSettingsSource):
    """The library's reading of the environment, over a mapping that is passed in."""

    def __init__(self, model: type[BaseSettings], environ: Mapping[str, str]) -> None:
        super().__init__(model)
        self.env_vars = {name.lower(): value for name, value in environ.items() if value}

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        # a list within a table is also written as a,b: its own field reads both forms
        return super().decode_complex_value(field_name, field, value) if model_of(field.annotation) else value


def _read_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    try:
        return _Environment(Settings, environ)()
    except RecursionError:
        raise SettingsError(f"a {PREFIX}… variable is nested too deeply: no setting needs that") from None
    except UnreadableVariable as error:
        name = next((name for name in variables(Settings) if name.lower() in str(error).lower()), None)
        field = str(error).split('"')[1] if '"' in str(error) else ""
        raise SettingsError(
            f"{name or PREFIX + field.upper()} is not valid JSON: write it as JSON, or use {CONFIG}"
        ) from None


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    # a secret and the file that holds it are one setting, so that either of them above wins over both below
    replaced = {f"{name}_file" for name in above} | {name.removesuffix("_file") for name in above}
    result = {name: value for name, value in below.items() if name in above or name not in replaced}
    for name, value in above.items():
        old = result.get(name)
        result[name] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


def refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    """Refuse a variable that is named like a setting and is none: what it was to say would go unheard.

    Raises:
        SettingsError: It names the variable, and the nearest that there is.
    """
    names = {*variables(Settings), *SHORT_FORM, *CLIENT_VARIABLES, CONFIG}
    for name in sorted(environ):
        if name.upper().startswith(PREFIXES) and name.upper() not in names:
            raise SettingsError(f"the environment has an unknown setting {name}{_suggestion(name.upper(), names)}")


def _short_form(environ: Mapping[str, str]) -> dict[str, Any]:
    tables: dict[str, dict[str, str]] = {"tenants": {}, "sources": {}}
    for name, (table, field) in SHORT_FORM.items():
        if environ.get(name):
            tables[table][field] = environ[name]
    if tables["sources"] and not tables["tenants"]:
        raise SettingsError(
            "RECONCILER_GIT_URL needs a key to compare with: set WIZCHAT_API_KEY or WIZCHAT_API_KEY_FILE"
        )
    return {table: [{"name": "default", **values}] for table, values in tables.items() if values}


# --- errors ----------------------------------------------------------------------------------------------------


def _one_line(
    model: type[BaseModel], error: ValidationError, from_environment: Mapping[str, Any], environ: Mapping[str, str]
) -> str:
    """Word the first thing that is wrong: where, what, and where it was set."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    location, message = first["loc"], first["msg"].removeprefix("Value error, ")
    match first["type"]:
        case "extra_forbidden":
            siblings = _model_at(model, location[:-1]).model_fields
            names = [_written((*location[:-1], name)) for name in siblings]
            message = f"unknown setting {_written(location)}{_suggestion(_written(location), names)}"
            return f"{message} ({_given_at(location, from_environment, environ)})"
        case "tuple_type" if len(location) == 1:
            name = _written(location)
            message = f"it is a list of tables: write [[{name}]], with two brackets, before each"
        case "model_type" if len(location) == 1:
            name = _written(location)
            message = f"it is one table: write [{name}], with one bracket, once"
        case "literal_error":
            # pydantic would show the members of the enum as Python writes them
            choices = get_args(_model_at(model, location[:-1]).model_fields[str(location[-1])].annotation)
            message = f"it should be {' or '.join(repr(str(choice)) for choice in choices)}"
        case "missing":
            message = f"it is missing: set {location[-1]}"
        case "value_error" if _NAMES_FIELD.match(message):
            # a validator of a whole table names the field that it speaks of
            name, _, message = message.partition(": ")
            location = (*location, name)
    return f"{_written(location)}: {_plain(message)} ({_given_at(location, from_environment, environ)})"


def _plain(message: str) -> str:
    return f"it {message.removeprefix('Input ')}" if message.startswith("Input ") else message


def _written(location: Sequence[int | str]) -> str:
    """A place as it is written in the documentation: ``sources[0].url``."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _given_at(location: Sequence[int | str], from_environment: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """Where a setting was given: the variable, or the file."""
    table, field = (*location, "", "")[:2]
    short = [name for name, place in SHORT_FORM.items() if environ.get(name) and place[0] == table]
    if short:
        return f"set by {next((name for name in short if SHORT_FORM[name][1] == location[-1]), short[0])}"
    values = from_environment.get(str(table))
    if isinstance(values, dict) and field in values:
        return "set by " + f"{PREFIX}{table}__{field}".upper()
    if values is not None and not isinstance(values, dict):
        return "set by " + f"{PREFIX}{table}".upper()
    return f"in {environ[CONFIG]}" if environ.get(CONFIG) else "in the environment"


def _suggestion(name: str, names: Iterable[str]) -> str:
    """The closest known name, as the end of a sentence."""
    close = difflib.get_close_matches(name, sorted(names), n=1)
    return f": did you mean {close[0]}?" if close else ": remove it"


def _model_at(model: type[BaseModel], location: Sequence[int | str]) -> type[BaseModel]:
    for part in location:
        if isinstance(part, str):
            model = model_of(model.model_fields[part].annotation) or model
    return model
