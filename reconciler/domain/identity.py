"""A person's identity as an OpenID Connect issuer states it."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from reconciler.domain.escaping import is_unseen

LONGEST_NAME = 200
_RESERVED = ("reconciler", "nobody")
_RESERVED_BEGINNINGS = ("cli:", "webhook/", "policy:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A person as an issuer vouches for them.

    Attributes:
        name: As shown in approvals and the audit log.
        issuer: Who vouches for them.
        subject: What the issuer calls them, for ever.
    """

    name: str
    issuer: str
    subject: str
    groups: tuple[str, ...]


def is_seen_whole(name: str) -> bool:
    """Whether a name is shown to people as it is: not too long, and nothing of it unseen."""
    return (
        0 < len(name) <= LONGEST_NAME
        and name.isprintable()
        and name == name.strip()
        and not any(is_unseen(item) for item in name)
    )


def is_proper_name(name: str) -> bool:
    """Whether a person may be called so: seen whole, and not what the program calls itself, however it is written."""
    key = person_key(name)
    return is_seen_whole(name) and key not in _RESERVED and not key.startswith(_RESERVED_BEGINNINGS)


@lru_cache(maxsize=4096)
def person_key(name: str) -> str:
    """What names of one person share: neither case, spaces, unseen characters nor ways to write a letter matter."""
    visible = "".join(item for item in name if not is_unseen(item))
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())
    return " ".join(plain.split()) or name


def same_person(one: str, other: str) -> bool:
    """Whether two names are of one person, however they are written."""
    return person_key(one) == person_key(other)
