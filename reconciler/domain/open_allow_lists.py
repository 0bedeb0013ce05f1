"""Detects allow lists that admit everybody, or every name below a public suffix."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network, summarize_address_range
from typing import Final

from publicsuffixlist import PublicSuffixList

from reconciler.domain.escaping import is_unseen

EVERYBODY: Final = "*"

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://+|(?:https?|wss?):/|\A//+")
_PORT = re.compile(r":[0-9*]*$")
_AFTER_HOST = re.compile(r"[?#\\]")
_SEPARATORS = re.compile(r"[\s,;]+")
_FULL_STOPS = str.maketrans("\u3002", ".")
"""What else separates the labels of a host, besides what the normalisation makes a full stop of."""
_ALL_HOSTS = re.compile(r"(https?|wss?):[/*]*")
"""What lets every host embed a page, where the entry ends up in a Content-Security-Policy."""
_OTHER_ASTERISKS = re.compile(r"(?<![^.@/])[*?%]+(?=[.:@/]|$)")
"""Labels of nothing but what shells and databases write for any characters; after a host, ``?`` begins a query."""
_ANYTHING = re.compile(r"\^?\.[*+]\$?")
"""The expression that every text matches."""
_WORDS_FOR_EVERYBODY: Final = frozenset({"all", "any", "anybody", "anyone", "everybody", "everyone", "public", "world"})
_QUOTES: Final = "\"'`<>()[]{}"
_SHORT_NETWORK = re.compile(r"([0-9]+(?:\.[0-9]+){0,2})\.?/([0-9]+)")
"""A network whose zeros at the end are left out, such as ``0/0``."""
_RANGE = re.compile(r"([0-9a-f.:]+)\s*-\s*([0-9a-f.:]+)")
_LARGEST_OF_A_HOLDER: Final[Mapping[int, int]] = {4: 8, 6: 16}
"""IP version → the length of the prefix of the largest network that has one holder."""


def reach_of_pattern(entry: str) -> str | None:
    """Whom a pattern lets in, where it is not known who they are.

    Args:
        entry: A host, an origin, an email address or a pattern of one, such as ``*``, ``https://*`` or ``*.com``.

    Returns:
        `EVERYBODY`; a public suffix, such as ``com``, ``co.uk`` or ``github.io``, for everybody who has a name below
        it; None for an entry that is no pattern, or one of names that belong to somebody.
    """
    text = _plain(entry).strip()
    if _is_of_all_addresses(text):
        return EVERYBODY
    if "*" not in text or any(char.isspace() for char in text):
        return None
    labels = _host_of(text).split(".")
    if not any("*" in label for label in labels):
        return None
    return _reach_of_labels(labels)


def reach_of_entry(entry: str) -> frozenset[str]:
    """Whom an entry of an access list lets in, where it is not known who they are.

    Never fewer than the same text lets in as a pattern.

    Args:
        entry: As `reach_of_pattern` takes it, a public suffix as it is, or several of them in one text with spaces,
            commas or semicolons in between.

    Returns:
        `EVERYBODY` or public suffixes; empty for an entry that lets only some in.
    """
    parts = _SEPARATORS.split(_plain(entry))
    reaches = (reach_of_pattern(entry), *map(_reach_of_part, parts))
    return frozenset(reach for reach in reaches if reach is not None)


def is_wider(after: frozenset[str], before: frozenset[str]) -> bool:
    """Whether the one reach lets somebody in that the other does not."""
    if EVERYBODY in before:
        return False
    return any(
        not any(suffix == suffix_before or suffix.endswith(f".{suffix_before}") for suffix_before in before)
        for suffix in after
    )


def _plain(entry: str) -> str:
    """An entry as a resolver of names takes it: whatever it maps or leaves out hides nothing."""
    text = unicodedata.normalize("NFKC", entry).casefold().translate(_FULL_STOPS)
    return "".join(char for char in text if char.isspace() or not is_unseen(char))


def _is_of_all_addresses(text: str) -> bool:
    """Whether a network or a range holds all addresses, or more than anybody has."""
    bare = text.replace("[", "").replace("]", "")
    try:
        networks = _networks(bare)
    except (TypeError, ValueError):
        return False
    return any(network.prefixlen < _LARGEST_OF_A_HOLDER[network.version] for network in networks)


def _networks(text: str) -> Iterable[IPv4Network | IPv6Network]:
    if ends := _RANGE.fullmatch(text):
        first, last = map(ip_address, ends.groups())
        return summarize_address_range(first, last)
    return [ip_network(text, strict=False)]


def _reach_of_part(part: str) -> str | None:
    if any(shape.fullmatch(part) for shape in (_ALL_HOSTS, _ANYTHING)) or part.strip(_QUOTES) in _WORDS_FOR_EVERYBODY:
        return EVERYBODY
    if (reach := reach_of_pattern(_in_full(_OTHER_ASTERISKS.sub("*", part)))) is not None:
        return reach
    host = _PORT.sub("", _AFTER_HOST.split(_host_of(part), maxsplit=1)[0]).strip(".")
    return host if _known_suffixes().is_public(host) else None


def _in_full(part: str) -> str:
    if short := _SHORT_NETWORK.fullmatch(part):
        octets = [*short[1].split("."), "0", "0", "0"][:4]
        return f"{'.'.join(octets)}/{short[2]}"
    return part


def _host_of(text: str) -> str:
    """The host of a host, an origin or an email address."""
    return _PORT.sub("", _SCHEME.sub("", text, count=1).rpartition("@")[2].partition("/")[0])


def _reach_of_labels(labels: list[str]) -> str | None:
    """Whom the labels of a host let in of which at least one holds an asterisk."""
    names = [name for label in labels if (name := label.strip("*"))]
    if len(names) > 1 and all(map(str.isdigit, names)):
        return None  # a range of addresses, such as 10.0.*.*
    fixed = labels[len(labels) - _number_without_asterisk(labels) :]
    suffix = ".".join(fixed).strip(".")
    if not suffix:
        return EVERYBODY
    return suffix if "." not in suffix or _known_suffixes().is_public(suffix) else None


def _number_without_asterisk(labels: list[str]) -> int:
    """How many labels at the end are no patterns."""
    return next((count for count, label in enumerate(reversed(labels)) if "*" in label), len(labels))


@cache
def _known_suffixes() -> PublicSuffixList:
    """The list that comes with the library, with the suffixes under which companies give away names."""
    return PublicSuffixList(accept_unknown=False)
