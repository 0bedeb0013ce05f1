"""Which fields hold the address of a request, and whether an update sends it to another host.

What goes there takes credentials or conversations along: WizChat keeps an MCP server's credentials when its address
changes. ``core`` is a free object, so there a field is judged by its name, or by its value where that is an address.
"""

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from reconciler.domain.fields import is_nothing

_ENDPOINT = re.compile(r"(url|uri|endpoint|host|hostname|webhook|callback|origin)s?$", re.IGNORECASE)
"""How the name of a field ends that says where requests go."""

_PICTURE = re.compile(r"(logo|icon|image|avatar|picture|photo|background)([._-]?(url|uri|src|href))?$", re.IGNORECASE)
"""How the path of a field ends that says where a picture is: nothing is sent there but the request for it."""

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_AMBIGUOUS = re.compile(r"[\\\s\x00-\x1f]|^(https?|wss?):(?!//)", re.IGNORECASE)
"""Characters that programs parse in different ways, so that the host is ambiguous."""

_PORTS: Final = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_MORE_SECURE: Final = {"http": "https", "ws": "wss", "": "https"}


@dataclass(frozen=True, slots=True)
class _Destination:
    """Where requests to an address go.

    Attributes:
        scheme: Empty where the address has none.
        host: Empty for a path on a host that is not named; the whole address where the host is ambiguous.
        port: None for the scheme's own.
    """

    scheme: str
    host: str
    port: int | None


def is_redirected(path: str, before: Any, after: Any) -> bool:
    """Whether requests go to another host or port because of an update, or are no longer encrypted.

    Args:
        path: The field's path, the section first, without the names of items.
        before: Its value, or `MISSING`.
        after: Likewise.
    """
    if not isinstance(after, str) or is_nothing(after) or not _is_endpoint(path, before, after):
        return False
    if not isinstance(before, str) or is_nothing(before):
        return bool(_destination(after).host)
    old, new = _destination(before), _destination(after)
    return (old.host, old.port) != (new.host, new.port) or new.scheme not in (old.scheme, _MORE_SECURE.get(old.scheme))


def _is_endpoint(path: str, before: Any, after: str) -> bool:
    if _PICTURE.search(path):
        return False
    if _ENDPOINT.search(path):
        return True
    return _is_address(after) and (is_nothing(before) or _is_address(before))


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and bool(_ADDRESS.fullmatch(value.strip()))


def _destination(address: str) -> _Destination:
    text = address.strip()
    unknown = _Destination("", text, None)
    if _AMBIGUOUS.search(text):
        return unknown
    is_path = text.startswith("/") and not text.startswith("//")
    try:
        parts = urlsplit(text if "://" in text or text.startswith("/") else f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return unknown
    if host is None:
        return _Destination("", "", None) if is_path else unknown
    own = _PORTS.get(parts.scheme)
    return _Destination(parts.scheme, host.casefold().rstrip("."), None if port == own else port)
