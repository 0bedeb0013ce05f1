"""Words what is wrong with the settings, in one line that says where and what to change; it never holds a value."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from reconciler.runtime.settings_names import CONFIG, PREFIX, SHORT_FORM, model_of

_NAMES_FIELD = re.compile(r"[\w.-]+: ")


def one_line(
    model: type[BaseModel], error: ValidationError, from_environment: Mapping[str, Any], environ: Mapping[str, str]
) -> str:
    """Word the first thing that is wrong: where, what, and where it was set."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    location, message = first["loc"], first["msg"].removeprefix("Value error, ")
    match first["type"]:
        case "extra_forbidden":
            siblings = _model_at(model, location[:-1]).model_fields
            known = [_written((*location[:-1], name)) for name in siblings]
            message = f"unknown setting {_written(location)}{suggestion(_written(location), known)}"
            return f"{message} ({_origin(location, from_environment, environ)})"
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
    return f"{_written(location)}: {_plain(message)} ({_origin(location, from_environment, environ)})"


def _plain(message: str) -> str:
    return f"it {message.removeprefix('Input ')}" if message.startswith("Input ") else message


def _written(location: Sequence[int | str]) -> str:
    """A place as it is written in the documentation: ``sources[0].url``."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _origin(location: Sequence[int | str], from_environment: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """Where a setting was given: the variable, or the file."""
    table, field = (*location, "", "")[:2]
    short = [name for name, place in SHORT_FORM.items() if environ.get(name) and place[0] == table]
    if short:
        return f"set by {next((name for name in short if SHORT_FORM[name][1] == location[-1]), short[0])}"
    given = from_environment.get(str(table))
    if isinstance(given, dict) and field in given:
        return "set by " + f"{PREFIX}{table}__{field}".upper()
    if given is not None and not isinstance(given, dict):
        return "set by " + f"{PREFIX}{table}".upper()
    return f"in {environ[CONFIG]}" if environ.get(CONFIG) else "in the environment"


def suggestion(name: str, known: Iterable[str]) -> str:
    """The closest known name, as the end of a sentence."""
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f": did you mean {close[0]}?" if close else ": remove it"


def _model_at(model: type[BaseModel], location: Sequence[int | str]) -> type[BaseModel]:
    for part in location:
        if isinstance(part, str):
            model = model_of(model.model_fields[part].annotation) or model
    return model
