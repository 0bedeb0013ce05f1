"""Where the API is: which addresses can be used, and what to write instead of one that cannot."""

import re
from typing import Final
from urllib.parse import urlsplit

DEFAULT_BASE_URL: Final = "https://www.wizchat.com"
LARGEST_PORT: Final = 65535
"""Of TCP."""


def base_url_problem(base_url: str) -> str | None:
    """Why an address is not the origin of an API, worded to follow its name; None when it is one.

    Trailing slashes do not matter. Nothing is quoted in which a key could stand.
    """
    try:
        parts = urlsplit(base_url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        usable = usable and not re.search(r"[\s\\]", base_url)
    except ValueError:
        usable = False
    if not usable:
        return f"is not a URL such as {DEFAULT_BASE_URL}"
    if "@" in parts.netloc:
        return "holds credentials: leave them out, the API key is given apart"
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
