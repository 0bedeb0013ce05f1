"""Which fields of a configuration protect somebody, and whether an update removes that (guarantee 10).

A field protects when it keeps people out, keeps what they wrote private, or holds down what a server may do. ``core``
is a free object, so a switch is judged by the words in its name: one that is taken for a protection by mistake only
asks for a person.
"""

import re
from collections.abc import Mapping
from typing import Any

from reconciler.domain.fields import is_nothing

_PROTECTIVE = re.compile(
    r"anonym(?!ous)|auth(?!or(?!i))|block|byo[ik]|captcha|consent|filter|guard|limit|mask|moderat|optout|priva|protect"
    r"|pseudonym|redact|requir|restrict|safe|secur|verif",
    re.IGNORECASE,
)
"""What a switch, or an object around it, is called that protects while it is on."""

_OPENING = re.compile(r"(is)?public$|allow(?!ed)|anonymous", re.IGNORECASE)
"""How the name of a switch begins that lets somebody in, or do more, while it is on."""

_NEGATING = re.compile(
    r"(?i:^(disab|skip|bypass|ignor|exempt|omit|without|insecure|un(safe|protect|restrict|moderat|filter|verif|auth)))"
    r"|^no(?=[A-Z_-])|(?i:(disabled|optional|bypass|exempt)$)"
)
"""How a switch is called that takes a protection away while it is on, such as ``disableAuth``."""

_ON = frozenset({"true", "yes", "on", "enabled", "1"})
_OFF = frozenset({"false", "no", "off", "none", "disabled", "0"})
"""What switches say that are no booleans: ``core`` is a free object."""

_LEVELS: Mapping[str, tuple[str, ...]] = {
    "telemetry.level": ("anonymized", "identified", "full"),
    "accessProtection.keys.status": ("revoked", "active"),
    "externalApi.keys.status": ("revoked", "active"),
}
"""Levels of what is kept about visitors, and of keys; the most careful one first.

Which level WizChat takes for one that is not stated is not known: it may be the most careful one.
"""

_RETENTION = "telemetry.retentionMonths"
_ALGORITHM = "accessProtection.jwtConfig.algorithm"


def lifts_protection(field: str, before: Any, after: Any) -> bool:
    """Whether an update lifts or weakens a protection.

    Args:
        field: The field's path, the section first, without the names of items.
        before: Its value, or `MISSING`.
        after: Likewise.
    """
    if field in _LEVELS:
        return not is_nothing(after) and _rank(field, after) > (0 if is_nothing(before) else _rank(field, before))
    if field == _RETENTION:
        return _is_number(before) and _is_number(after) and after > before
    if field == _ALGORITHM:
        return isinstance(after, str) and after.casefold() == "none" != before
    name = field.rpartition(".")[2]
    protects = bool(_PROTECTIVE.search(field))
    if _OPENING.match(name) or (protects and _NEGATING.search(name)):
        return is_on(after) and not is_on(before)
    return protects and ((is_off(after) and not is_off(before)) or (before is True and after is not True))


def is_on(value: Any) -> bool:
    """Whether a switch says yes, as a boolean, a number or a word."""
    return value.strip().casefold() in _ON if isinstance(value, str) else _is_scalar(value) and bool(value)


def is_off(value: Any) -> bool:
    """Whether a switch says no, as a boolean, a number or a word."""
    return value.strip().casefold() in _OFF if isinstance(value, str) else _is_scalar(value) and not value


def deletes_records(field: str, before: Any, after: Any) -> bool:
    """Whether WizChat may delete recorded conversations because of it: they are kept for a shorter time.

    For how long they are kept where nothing is stated is not known: it may be for longer than any number says.
    """
    if field != _RETENTION or not _is_number(after):
        return False
    return is_nothing(before) or (_is_number(before) and bool(after < before))


def _rank(field: str, level: Any) -> int:
    """The rank of a level among those of its field; an unknown one protects everything."""
    levels = _LEVELS[field]
    return levels.index(level) if level in levels else len(levels)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, bool | int | float)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
