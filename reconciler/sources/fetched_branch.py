"""Fetches a branch of which there is news, without asking the remote first where it is."""

from dataclasses import dataclass
from typing import Final

from reconciler.errors import SourceCause, SourceUnreadable
from reconciler.sources.git_tree import MirrorBroken
from reconciler.sources.mirror import Mirror

_FINAL: Final = frozenset({SourceCause.TIMEOUT, SourceCause.TOO_LARGE})
"""Causes that asking the remote once more would not tell better."""


@dataclass(frozen=True, slots=True)
class FetchedBranch:
    """Where a branch is, once that is in the mirror.

    Attributes:
        revision: The commit id.
        ancestor: Where it was before, if its history goes on from there.
    """

    revision: str
    ancestor: str | None


def fetch_branch(mirror: Mirror) -> FetchedBranch | None:
    """Fetch a branch into a mirror that has fetched it before.

    Returns:
        None where the remote, or the mirror, has to be looked at more closely to say what is wrong.

    Raises:
        SourceUnreadable: It took too long, or is too large.
    """
    if not mirror.exists:
        return None
    try:
        before = mirror.fetched()
        goes_on = mirror.fetch_branch()
        revision = mirror.fetched()
        mirror.check_size()
    except MirrorBroken:
        return None
    except SourceUnreadable as error:
        if error.cause in _FINAL:
            raise
        return None
    return FetchedBranch(revision, before if goes_on else None) if revision else None
