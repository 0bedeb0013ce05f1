"""Which commit last changed a document, read from the mirror as it is: no fetch, and nobody waits for long."""

import asyncio
import logging
from collections import OrderedDict
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from reconciler.domain.commit import CommitFact
from reconciler.domain.secrets import redacted
from reconciler.domain.visible import visible
from reconciler.errors import SourceUnreadable
from reconciler.sources.contract import DocumentContract
from reconciler.sources.loader import load_tree
from reconciler.sources.mirror import Mirror, MirrorBroken, is_revision

log = logging.getLogger(__name__)

_MOST_KEPT: Final = 1_000
_AT_ONCE: Final = 2
_LONGEST: Final = 200
_MOST_FILES: Final = 200
# the names as the commit has them, cut by git itself: a hostile one may be as long as the repository is large
_FORMAT: Final = f"--format=%H%x00%<({_LONGEST},trunc)%an%x00%ct%x00%<({_LONGEST},trunc)%s%x00"
_LOG: Final = ("log", "-1", "--no-show-signature", "--encoding=UTF-8", _FORMAT)
_PARTS: Final = 5
_LAST_MOMENT: Final = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


class CommitLog:
    """What is asked of the history of one mirror, and remembered: a commit's history never changes.

    Args:
        mirror: The mirror; it may be written, made anew or deleted meanwhile.
        contract: What a document may state.
    """

    def __init__(self, mirror: Mirror, contract: DocumentContract) -> None:
        limits = replace(mirror.limits, local_seconds=mirror.limits.look_seconds)
        self._mirror = replace(mirror, limits=limits)
        self._contract = contract
        self._kept: OrderedDict[tuple[str, str], CommitFact | None] = OrderedDict()
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def last_change(self, path: str, revision: str) -> CommitFact | None:
        """The commit that last changed what a file says; None when that cannot be told here and now."""
        key = (path, revision)
        if not is_revision(revision):
            return None
        with suppress(TimeoutError):
            async with asyncio.timeout(self._mirror.limits.look_seconds), self._turns:
                if key not in self._kept and not await self._found(key):
                    return None
                return self._kept[key]
        return None

    async def _found(self, key: tuple[str, str]) -> bool:
        """Whether git could answer; what it answered is kept."""
        try:
            self._kept[key] = await asyncio.to_thread(self._look, *key)
        except (MirrorBroken, SourceUnreadable, OSError) as error:
            log.info("a commit cannot be told", extra={"path": redacted(key[0]), "error": str(error)})
            return False
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return True

    def _look(self, path: str, revision: str) -> CommitFact | None:
        names = [f":(top,literal){name}" for name in self._files(path, revision)]
        if not names:
            return None
        output = self._mirror.local(*_LOG, f"{revision}^{{commit}}", "--", *names)
        return _fact(output.stdout)

    def _files(self, path: str, revision: str) -> list[str]:
        """The file and what it includes, whose changes are the document's too; nothing when there is no such file."""
        tree = self._mirror.tree(revision)
        entry = tree.entry(path)
        if entry is None:
            return []
        includes = load_tree(tree, [entry], self._contract, {}).files[0].includes
        return [path, *includes][:_MOST_FILES]


def _fact(output: bytes) -> CommitFact | None:
    parts = output.decode(errors="replace").split("\0")
    if len(parts) != _PARTS:
        return None
    revision, author, moment, subject, _ = parts
    seconds = min(int(moment) if moment.isdecimal() else 0, _LAST_MOMENT)
    return CommitFact(revision, _shown(author), datetime.fromtimestamp(seconds, UTC), _shown(subject))


def _shown(text: str) -> str:
    return visible(redacted(text.rstrip()[:_LONGEST]))
