"""Messages as sentences: each ends with a full stop, so that several can stand beside each other."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

_END: Final = re.compile(r"""[.!?:…]["'`”»)\]]*\Z|[.!?…] \(.*\)\Z""", re.DOTALL)
"""A mark at the end, also within quotes or brackets; or an aside in brackets after a whole sentence."""


def ended(message: str) -> str:
    """A message that ends as a sentence does; one that does already stays."""
    text = message.rstrip()
    return text if not text or _END.search(text) else f"{text}."


def joined(messages: Iterable[str]) -> str:
    """Messages one after the other; those that are blank, or come again, are left out."""
    return " ".join(dict.fromkeys(ended(each) for each in messages if each.strip()))


def first_few(shown: Sequence[str], count: int) -> str:
    """The first names of so many, and how many more there are."""
    more = count - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
