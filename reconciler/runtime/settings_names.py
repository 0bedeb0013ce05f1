"""The names of settings in the environment."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_settings import BaseSettings

PREFIX = "RECONCILER_"
PREFIXES = (PREFIX, "WIZCHAT_")
"""Of variables that are ours: another name with one of them is a slip."""
CONFIG = "RECONCILER_CONFIG"
SHORT_FORM: Mapping[str, tuple[str, str]] = {
    "WIZCHAT_API_KEY": ("tenants", "api_key"),
    "WIZCHAT_API_KEY_FILE": ("tenants", "api_key_file"),
    "WIZCHAT_WRITE_API_KEY": ("tenants", "write_api_key"),
    "WIZCHAT_WRITE_API_KEY_FILE": ("tenants", "write_api_key_file"),
    "WIZCHAT_BASE_URL": ("tenants", "base_url"),
    "RECONCILER_GIT_URL": ("sources", "url"),
    "RECONCILER_GIT_URL_FILE": ("sources", "url_file"),
    "RECONCILER_GIT_BRANCH": ("sources", "branch"),
    "RECONCILER_GIT_INSECURE": ("sources", "insecure"),
}
"""The smallest installation: these variables make one tenant and one source, both named `default`."""
CLIENT_VARIABLES = frozenset({"RECONCILER_TOKEN", "RECONCILER_URL"})
"""Read by commands that ask a running service; no settings of the service."""


def variables(model: type[BaseSettings]) -> Iterator[str]:
    """The name of every environment variable that the settings know, the smallest installation's left out."""
    for name, field in model.model_fields.items():
        section = model_of(field.annotation)
        if section is None or get_args(field.annotation):
            yield f"{PREFIX}{name}".upper()
        else:
            yield from (f"{PREFIX}{name}__{inner}".upper() for inner in section.model_fields)


def model_of(annotation: Any) -> type[BaseModel] | None:
    """The model in an annotation such as ``tuple[Model, ...]``, or None."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
