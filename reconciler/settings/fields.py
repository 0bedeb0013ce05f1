"""The types of settings, each with an error message that says what to change."""

import ipaddress
import re
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_core import PydanticCustomError

from api_client.api_key import api_key_problem
from api_client.base_url import base_url_problem, web_address_problem
from reconciler.domain.loopback import is_loopback
from reconciler.domain.setting_values import read_list

IpNetwork = IPv4Network | IPv6Network
_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)*")
_HOST = re.compile(r"\*|(?:\*\.)?[^\s/\\@:*\[\]]+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def _network(value: Any) -> IpNetwork:
    if not isinstance(value, str | IPv4Network | IPv6Network):
        raise PydanticCustomError("string_type", "Input should be a valid string")
    try:
        return ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError(f"{value!r} is neither an IP address nor a network such as 10.0.0.0/8") from None


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


def _check_encrypted(parts: SplitResult, subject: str) -> None:
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError(f"it would send {subject} in the clear: use https (http is for loopback only)")


def _api_key(value: SecretStr) -> SecretStr:
    key = value.get_secret_value()
    # an empty one is reported by its length
    if key and (problem := api_key_problem(key)):
        raise ValueError(f"it {problem}")
    return value


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(f"{value!r} is not a name: use up to 64 letters, digits, dots, hyphens and underscores")
    return value


Networks = Annotated[tuple[Annotated[IpNetwork, BeforeValidator(_network)], ...], BeforeValidator(read_list)]
Hosts = Annotated[tuple[Annotated[str, AfterValidator(_host)], ...], BeforeValidator(read_list)]
Origins = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], BeforeValidator(read_list)]
WebUrl = Annotated[str, AfterValidator(_web_url)]
ApiKey = Annotated[SecretStr, AfterValidator(_api_key)]
ApiUrl = Annotated[str, AfterValidator(_api_url)]
IssuerUrl = Annotated[str, AfterValidator(_issuer_url)]
Name = Annotated[str, AfterValidator(_name)]
