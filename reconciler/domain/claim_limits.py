"""Whether the settings keep the sources of a tenant from claiming each other's chatbots."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import combinations

Limits = Mapping[str, Sequence[str]]
"""Source → the chatbot ids or patterns that it is limited to; empty means all."""


def open_claims(tenant: str, limits: Limits) -> Iterator[str]:
    """Say what the limits leave open.

    Args:
        tenant: Its name.
        limits: Those of its sources.

    Yields:
        One sentence for each finding, which names the sources and what to set.
    """
    unlimited = [source for source, patterns in limits.items() if not patterns]
    if unlimited and len(limits) > 1:
        names = ", ".join(unlimited)
        yield (
            f"tenant {tenant} has {len(limits)} sources, and not limited to chatbots of its own: {names}: whoever "
            "commits there can claim chatbots of the others before they do; set `chatbots` for each source"
        )
    limited = {source: patterns for source, patterns in limits.items() if patterns}
    for (one, mine), (other, theirs) in combinations(limited.items(), 2):
        if shared := _shared(mine, theirs):
            yield (
                f"the sources {one} and {other} of tenant {tenant} may both claim {shared}: "
                "set `chatbots` so that each chatbot is in one of them only"
            )


def _shared(mine: Sequence[str], theirs: Sequence[str]) -> str | None:
    """An id or pattern of one side that a pattern of the other takes in; not every overlap of two patterns is seen."""
    for a in mine:
        for b in theirs:
            if fnmatchcase(a, b):
                return a
            if fnmatchcase(b, a):
                return b
    return None
