"""Checks that an API key can be sent."""

import re
from typing import Final

_SENDABLE: Final = re.compile(r"[!-~]+")


def api_key_problem(api_key: str) -> str | None:
    """Why no header could carry a key, worded to follow its name; None when one can.

    The key is not repeated: messages must not hold it.
    """
    if not api_key:
        return "is empty: give a Management API key (wpk_live_…)"
    if not _SENDABLE.fullmatch(api_key):
        return (
            "holds a space, line break or non-ASCII character: give the key alone, without quotes, its line end or a "
            "byte order mark"
        )
    return None


def checked_api_key(api_key: str) -> str:
    """The key, as it can be sent.

    Raises:
        ValueError: No header could carry it.
    """
    if problem := api_key_problem(api_key):
        raise ValueError(f"api_key {problem}")
    return api_key
