"""The kinds of value that settings have, each with a message that says what to change."""

import ipaddress
import json
import re
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from api_client.api_key import api_key_problem
from api_client.base_url import base_url_problem, web_address_problem
from reconciler.domain.loopback import is_loopback
from reconciler.errors import SettingsError
from reconciler.runtime.durations import parse_duration
from reconciler.sources.git_remote import check_branch

_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)*")
_HOST = re.compile(r"\*|(?:\*\.)?[^\s/\\@:*\[\]]+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{value!r} has no unit: write it like 30s, 5m, 1h30m or 7d")  # noqa: TRY004 - pydantic reads ValueError
    return parse_duration(value)


def _words(value: Any) -> Any:
    """Let an environment variable hold a list: as JSON, or separated by commas."""
    if not isinstance(value, str):
        return value
    if not value.lstrip().startswith("["):
        return tuple(word.strip() for word in value.split(",") if word.strip())
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise ValueError('it is not a JSON list: write it like a,b or ["a", "b"]') from None


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError(f"{value!r} is neither an IP address nor a network such as 10.0.0.0/8") from None
    return value


def _host(value: str) -> str:
    if not _HOST.fullmatch(value) and not _is_ip_address(value):
        raise ValueError(
            "it is not a host name: write the name alone, such as bots.example.com or *.example.com, without "
            "scheme, port, path and credentials"
        )
    return value


def _is_ip_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _web_address(value: str, example: str) -> SplitResult:
    """The parts of an address that holds no credentials, query or fragment."""
    if problem := web_address_problem(value, example):
        raise ValueError(f"it {problem}")
    parts = urlsplit(value)
    if "?" in value or "#" in value:
        clean = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        raise ValueError(f"it holds a query or a fragment: write {clean}")
    return parts


def _origin(value: str) -> str:
    parts = _web_address(value, "https://ops.example.com")
    origin = f"{parts.scheme}://{parts.netloc}"
    if parts.path.strip("/"):
        raise ValueError(f"it is not an origin: write {origin}, without a path")
    return origin


def _web_url(value: str) -> str:
    parts = _web_address(value, "https://reconciler.example.com")
    if not _PATH.fullmatch(parts.path.rstrip("/")):
        raise ValueError(
            f"its path {parts.path!r} cannot be served: write one such as /reconciler, of letters, digits, '-', '_', "
            "'.' and '~'"
        )
    return value.rstrip("/")


def _api_url(value: str) -> str:
    if problem := base_url_problem(value):
        raise ValueError(f"it {problem}")
    _check_encrypted(urlsplit(value), "the key")
    return value.rstrip("/")


def _issuer_url(value: str) -> str:
    # a realm or a directory of an issuer is a path of its host
    _check_encrypted(_web_address(value, "https://sso.example.com/realms/acme"), "codes and secrets")
    return value.rstrip("/")


def _check_encrypted(parts: SplitResult, what: str) -> None:
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError(f"it would send {what} in the clear: use https (http is for loopback only)")


def _api_key(value: SecretStr) -> SecretStr:
    key = value.get_secret_value()
    # an empty one is told by its length
    if key and (problem := api_key_problem(key)):
        raise ValueError(f"it {problem}")
    return value


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(f"{value!r} is not a name: use up to 64 letters, digits, dots, hyphens and underscores")
    return value


def _branch(value: str) -> str:
    try:
        check_branch(value)
    except SettingsError as error:
        raise ValueError(str(error)) from None
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Retention = Annotated[timedelta, Field(ge=timedelta(days=1)), BeforeValidator(_duration)]
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]
Networks = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], NoDecode, BeforeValidator(_words)]
Hosts = Annotated[tuple[Annotated[str, AfterValidator(_host)], ...], NoDecode, BeforeValidator(_words)]
Origins = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_words)]
WebUrl = Annotated[str, AfterValidator(_web_url)]
ApiKey = Annotated[SecretStr, AfterValidator(_api_key)]
ApiUrl = Annotated[str, AfterValidator(_api_url)]
IssuerUrl = Annotated[str, AfterValidator(_issuer_url)]
Branch = Annotated[str, AfterValidator(_branch)]
Name = Annotated[str, AfterValidator(_name)]
