"""Explains in a sentence why a source is Unknown: it could not be read, or its revision is not trusted."""

from typing import Final

from reconciler.errors import SourceCause

_UNTRUSTED: Final = frozenset(
    {SourceCause.HISTORY_REWRITTEN, SourceCause.PATHS_EMPTIED, SourceCause.DOCUMENTS_VANISHED}
)


def explain_source(cause: str | None) -> str:
    """What it means that a source is Unknown, and what to do.

    Args:
        cause: A `SourceCause`; None where none was written down.
    """
    if cause in _UNTRUSTED:
        return (
            "The source was read, but what it says now is not trusted; the last good revision stands: restore the "
            "branch, or accept its new revision."
        )
    if cause == SourceCause.NOTHING_MATCHED:
        return "The source was read, but no document was found in it: correct its paths, or add documents."
    if cause == SourceCause.NOT_CONFIGURED:
        return (
            "The source is no longer configured, and its last good revision stands: configure it again, or forget it."
        )
    if cause == SourceCause.NOT_READ_YET:
        return "The source is configured again and was not read since; its last good revision stands: wait for its run."
    return "The source cannot be read; the last good revision stands: repair it."
