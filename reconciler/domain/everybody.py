"""Entries of allow lists that let everybody in."""

import re
import unicodedata

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://")
_PORT = re.compile(r":[0-9*]*$")
_SEPARATORS = re.compile(r"[\s,;]+")
_ALL_HOSTS = frozenset({"http:", "https:"})
"""What lets every host embed a page, where the entry ends up in a Content-Security-Policy."""
_ALL_ADDRESSES = ("0.0.0.0/0", "::/0")


def means_everybody(entry: str) -> bool:
    """Whether an entry of an allow list matches everybody, or a whole top-level domain.

    Args:
        entry: A host, an origin, an email address or a pattern of one, such as ``*``, ``https://*`` or ``*.com``.
    """
    text = unicodedata.normalize("NFKC", entry).strip().casefold()
    if text in _ALL_ADDRESSES:
        return True
    if "*" not in text or any(char.isspace() for char in text):
        return False
    host = _SCHEME.sub("", text, count=1).rpartition("@")[2].partition("/")[0]
    host = _PORT.sub("", host)
    return "*" in host and "." not in host.strip("*.")


def lets_everybody_in(entry: str) -> bool:
    """Whether an entry of an access list means everybody, also where it holds several in one text.

    Args:
        entry: As `means_everybody`, or several of them with spaces, commas or semicolons in between.
    """
    parts = _SEPARATORS.split(unicodedata.normalize("NFKC", entry).casefold())
    return any(part in _ALL_HOSTS or means_everybody(part) for part in parts)
