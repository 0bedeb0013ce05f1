"""Reads the TOML file and the environment into one mapping, and builds the settings from it."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource
from pydantic_settings import SettingsError as UnreadableVariable

from reconciler.errors import SettingsError
from reconciler.runtime.settings_errors import one_line, suggestion
from reconciler.runtime.settings_names import CLIENT_VARIABLES, CONFIG, PREFIX, PREFIXES, SHORT_FORM, variables

DEFAULT = "default"

_MAX_BYTES: Final = 2**20
"""How long a file of settings may be: a device never ends."""

S = TypeVar("S", bound=BaseSettings)

Provenance = Mapping[str, str]
"""Where what was given came from: ``server.port``, or ``tenants`` as a whole → the file's path or the variable."""


def read_input(model: type[S], environ: Mapping[str, str]) -> tuple[S, Provenance]:
    """Build the settings from the file and the environment, and say where each came from.

    Raises:
        SettingsError: In one line.
    """
    refuse_unknown_variables(model, environ)
    path = environ.get(CONFIG)
    from_file = _read_toml(Path(path)) if path else {}
    from_environment = _read_environment(model, environ)
    merged = _merged(from_file, from_environment)
    used = ", ".join(name for name in SHORT_FORM if environ.get(name))
    if used and (merged.get("tenants") or merged.get("sources")):
        raise SettingsError(f"{used} and [[tenants]] or [[sources]] are both set: choose one form and drop the other")
    short = _short_form(environ)
    origins = {**_origins(merged, from_environment, path or ""), **_short_origins(environ, short)}
    try:
        return model(**{**merged, **short}), origins
    except ValidationError as error:
        raise SettingsError(one_line(model, error, from_environment, environ)) from None


def _origins(merged: Mapping[str, Any], from_environment: Mapping[str, Any], path: str) -> dict[str, str]:
    found = {}
    for table, given in merged.items():
        above = from_environment.get(table, {})
        if not isinstance(given, dict):
            found[table] = f"{PREFIX}{table}".upper() if table in from_environment else path
            continue
        for name in given:
            found[f"{table}.{name}"] = f"{PREFIX}{table}__{name}".upper() if name in above else path
    return found


def _short_origins(environ: Mapping[str, str], short: Mapping[str, Any]) -> dict[str, str]:
    given = {f"{table}.{field}": name for name, (table, field) in SHORT_FORM.items() if environ.get(name)}
    return {**given, **{f"{table}.name": DEFAULT for table in short}} if short else {}


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


def _read_environment(model: type[BaseSettings], environ: Mapping[str, str]) -> dict[str, Any]:
    try:
        return _Environment(model, environ)()
    except RecursionError:
        raise SettingsError(f"a {PREFIX}… variable is nested too deeply: no setting needs that") from None
    except UnreadableVariable as error:
        name = next((name for name in variables(model) if name.lower() in str(error).lower()), None)
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


def refuse_unknown_variables(model: type[BaseSettings], environ: Mapping[str, str]) -> None:
    """Refuse a variable that is named like a setting and is none: what it was to say would go unheard.

    Raises:
        SettingsError: It names the variable, and the nearest that there is.
    """
    known = {*variables(model), *SHORT_FORM, *CLIENT_VARIABLES, CONFIG}
    for name in sorted(environ):
        if name.upper().startswith(PREFIXES) and name.upper() not in known:
            raise SettingsError(f"the environment has an unknown setting {name}{suggestion(name.upper(), known)}")


def _short_form(environ: Mapping[str, str]) -> dict[str, Any]:
    given: dict[str, dict[str, str]] = {"tenants": {}, "sources": {}}
    for name, (table, field) in SHORT_FORM.items():
        if environ.get(name):
            given[table][field] = environ[name]
    if given["sources"] and not given["tenants"]:
        raise SettingsError(
            "RECONCILER_GIT_URL needs a key to compare with: set WIZCHAT_API_KEY or WIZCHAT_API_KEY_FILE"
        )
    return {table: [{"name": "default", **values}] for table, values in given.items() if values}
