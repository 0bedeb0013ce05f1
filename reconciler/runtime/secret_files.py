"""Secrets that lie in files: ``api_key_file`` stands for ``api_key``, and so on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

_SUFFIX = "_file"
_MAX_BYTES = 64 * 1024


def read_secret_files(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """Put what the files hold in the place of the settings that name them.

    Raises:
        ValueError: When a secret is given twice, or its file cannot be read or is empty.
    """
    result = dict(values)
    for name, value in values.items():
        secret = name.removesuffix(_SUFFIX)
        if secret != name and name in model.model_fields and secret in model.model_fields and value is not None:
            if values.get(secret) is not None:
                raise ValueError(f"{name}: {secret} is set too: keep one of them")
            result[secret] = _read_all(name, value)
    return result


def _read_all(name: str, value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_read(name, str(path)) for path in value]
    return _read(name, str(value))


def _read(name: str, path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            text = file.read(_MAX_BYTES).decode("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ValueError(f"{name}: {path} cannot be read ({cause}): create it, or correct the path") from None
    if not text:
        raise ValueError(f"{name}: {path} is empty: put the secret in it")
    return text
