"""Joins messages into sentences. Whatever combines messages uses `joined`."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

_END: Final = re.compile(r"""[.!?:…]["'`”»)\]]*\Z|[.!?…] \(.*\)\Z""", re.DOTALL)
"""A mark at the end, also within quotes or brackets; or an aside in brackets after a whole sentence."""

_WORD: Final = re.compile(r"[a-z]+(?=[ ,;?!]|\.?\Z)")
"""A word at the beginning. Names, paths, settings and code hold other characters, or are followed by a colon."""

_ALWAYS_SMALL: Final = frozenset({"ssh", "http", "https"})


MAX_LISTED: Final = 20


def listed(names: Sequence[str], between: str = ", ") -> str:
    """Names in a row, the first `MAX_LISTED` of them and how many more there are: what is kept stays short."""
    return first_few(names[:MAX_LISTED], len(names), between)


def ended(message: str) -> str:
    """A message that ends as a sentence does; one that does already stays."""
    text = message.rstrip()
    return text if not text or _END.search(text) else f"{text}."


def as_sentence(message: str) -> str:
    """A message that begins and ends as a sentence does; a name at its beginning stays as it is written."""
    text = ended(message).lstrip()
    first = _WORD.match(text)
    return text if first is None or first[0] in _ALWAYS_SMALL else text[0].upper() + text[1:]


def joined(messages: Iterable[str]) -> str:
    """Messages one after the other, each as a sentence; those that are blank, or come again, are left out."""
    return " ".join(dict.fromkeys(as_sentence(message) for message in messages if message.strip()))


def first_few(shown: Sequence[str], count: int, between: str = ", ") -> str:
    """The first names of so many, and how many more there are."""
    more = count - len(shown)
    return between.join(shown) + (f" and {more} more" if more else "")
