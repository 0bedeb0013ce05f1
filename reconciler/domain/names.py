"""Limits of the names and ids of chatbots, and names cut to fit."""

from typing import Final

LONGEST_CHATBOT_NAME: Final = 200
"""Characters; WizChat sets no limit, and a name is sorted by, searched and shown in tables."""
_CUT: Final = "…"
LONGEST_CHATBOT_ID: Final = 200
"""Characters: an id is a key of tables and a part of addresses."""


def bounded_name(name: str) -> str:
    """A name of at most `LONGEST_CHATBOT_NAME` characters, which every database can hold; a cut one ends with “…”."""
    # half of a surrogate pair is no text in UTF-8
    storable = name.replace("\0", "").encode(errors="replace").decode()
    return storable if len(storable) <= LONGEST_CHATBOT_NAME else storable[: LONGEST_CHATBOT_NAME - len(_CUT)] + _CUT
