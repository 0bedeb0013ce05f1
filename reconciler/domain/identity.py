"""Who an issuer says somebody is."""

import unicodedata
from dataclasses import dataclass

LONGEST_NAME = 200
_RESERVED = ("reconciler", "nobody")
_UNSEEN = frozenset({"Cc", "Cf"})
_RESERVED_BEGINNINGS = ("cli:", "webhook/", "policy")


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


def is_proper_name(name: str) -> bool:
    """Whether a person may be called so: visible, not too long, and not what the program calls itself."""
    return (
        0 < len(name) <= LONGEST_NAME
        and name.isprintable()
        and name == name.strip()
        and name.casefold() not in _RESERVED
        and not name.casefold().startswith(_RESERVED_BEGINNINGS)
    )


def person_key(name: str) -> str:
    """What names of one person share: neither case, spaces, unseen characters nor ways to write a letter matter."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    seen = "".join(each for each in plain if unicodedata.category(each) not in _UNSEEN)
    return " ".join(seen.split()) or name
