"""Names of chatbots as lists keep them."""

from typing import Final

LONGEST_CHATBOT_NAME: Final = 200
"""Characters; WizChat sets no limit, and a name is sorted by, searched and shown in tables."""
_CUT: Final = "…"


def bounded_name(name: str) -> str:
    """A name of at most `LONGEST_CHATBOT_NAME` characters, which every database can hold; a cut one ends with “…”."""
    storable = name.replace("\0", "")
    return storable if len(storable) <= LONGEST_CHATBOT_NAME else storable[: LONGEST_CHATBOT_NAME - len(_CUT)] + _CUT
