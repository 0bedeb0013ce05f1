"""Whether the settings keep the sources of a tenant from claiming each other's chatbots."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import combinations

Limits = Mapping[str, Sequence[str]]
"""Source → the chatbot ids or patterns that it is limited to; empty means all."""


def open_claims(tenant: str, limits: Limits, visible: Collection[str] | None = None) -> Iterator[str]:
    """Say what the limits leave open.

    Args:
        tenant: Its name.
        limits: Those of its sources.
        visible: The sources that the reader may see; None means all. The others are not named; findings that concern
            none of these are left out.

    Yields:
        One sentence for each finding, which names the sources and what to set.
    """
    shown = limits.keys() if visible is None else limits.keys() & set(visible)
    unlimited = [source for source, patterns in limits.items() if not patterns]
    if unlimited and len(limits) > 1 and shown:
        count = len(limits) if len(shown) == len(limits) else "several"
        yield (
            f"tenant {tenant} has {count} sources, and not limited to chatbots of its own: {_names(unlimited, shown)}: "
            "whoever commits there can claim chatbots of the others before they do; set `chatbots` for each source"
        )
    limited = {source: patterns for source, patterns in limits.items() if patterns}
    for one, other in combinations(limited, 2):
        shared = _shared(limited[one], limited[other])
        if shared and not shown.isdisjoint({one, other}):
            chatbots = shared if {one, other} <= shown else "the same chatbots"
            yield (
                f"the sources {_names([one, other], shown, ' and ')} of tenant {tenant} may both claim {chatbots}: "
                "set `chatbots` so that each chatbot is in one of them only"
            )


def _names(sources: Sequence[str], visible: Collection[str], between: str = ", ") -> str:
    names = [source for source in sources if source in visible]
    return between.join(names if len(names) == len(sources) else [*names, "another source"])


def _shared(patterns: Sequence[str], others: Sequence[str]) -> str | None:
    """An id or pattern of one side that a pattern of the other takes in; not every overlap of two patterns is seen."""
    for a in patterns:
        for b in others:
            if fnmatchcase(a, b):
                return a
            if fnmatchcase(b, a):
                return b
    return None
