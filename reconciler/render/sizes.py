"""The size of a text before and after: characters, and an estimate of tokens."""

from collections import Counter
from math import ceil

_ASCII_PER_TOKEN = 4


def estimated_tokens(text: str) -> int:
    """About how many tokens a model reads in a text: one for every 4 ASCII characters, one for every other character.

    It is an estimate for comparing two texts, the same for every model: tokenizers differ, and none is asked. English
    is met well; other scripts come out somewhat high.
    """
    others = 0 if text.isascii() else sum(not char.isascii() for char in text)
    return ceil((len(text) - others) / _ASCII_PER_TOKEN) + others


def sizes(before: str | None, after: str | None) -> str:
    """Length and estimated tokens, before and after; of a text that only one side has, only those."""
    texts = [text for text in (before, after) if text is not None]
    characters = " → ".join(f"{len(text):,}" for text in texts)
    tokens = " → ".join(f"{estimated_tokens(text):,}" for text in texts)
    unit = "token" if tokens == "1" else "tokens"
    return f"{characters} characters, about {tokens} {unit}"


def differs_in_blanks_only(before: str, after: str) -> bool:
    """Whether two texts differ only in the blanks between and around their words."""
    return before != after and before.split() == after.split()


def share_of_words_kept(before: str, after: str) -> float:
    """The share of the words of both texts that both hold, 0 to 1, in any order."""
    old, new = Counter(before.split()), Counter(after.split())
    total = old.total() + new.total()
    return 2 * (old & new).total() / total if total else 1.0
