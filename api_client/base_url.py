"""Checks the address of the API."""

import re
from typing import Final
from urllib.parse import urlsplit

DEFAULT_BASE_URL: Final = "https://www.wizchat.com"
LARGEST_PORT: Final = 65535
"""Of TCP."""


def web_address_problem(address: str, example: str) -> str | None:
    """Why a text is not the address of a web server, worded to follow its name; None when it is one.

    An ``@`` anywhere counts as credentials, as a password may hold a ``/``, ``?`` or ``#``. Nothing is quoted in which
    one could stand.

    Args:
        address: Scheme and host, perhaps with a port, a path, a query or a fragment.
        example: An address that can be used, for the message.
    """
    if "@" in address:
        return f"holds credentials (an @): leave them out, as in {example}"
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        usable = usable and not re.search(r"[\s\\]", address)
    except ValueError:
        usable = False
    return None if usable else f"is not a URL such as {example}"


def base_url_problem(base_url: str) -> str | None:
    """Why an address is not the origin of an API, worded to follow its name; None when it is one.

    Trailing slashes do not matter. Nothing is quoted in which a key could stand.
    """
    if problem := web_address_problem(base_url, DEFAULT_BASE_URL):
        return problem
    parts = urlsplit(base_url)
    origin = f"{parts.scheme}://{parts.netloc}"
    if "?" in base_url or "#" in base_url:
        return f"holds a query or a fragment: write {origin}"
    if parts.path.strip("/"):
        return f"has a path: write {origin}, to which /api/v1 is added for every call"
    return None


def checked_base_url(base_url: str) -> str:
    """The base URL without trailing slashes.

    Raises:
        ValueError: It is not the origin of an API: no http(s) URL, or with a path, credentials, a query or a fragment.
    """
    if problem := base_url_problem(base_url):
        raise ValueError(f"base_url {problem}")
    return base_url.rstrip("/")
