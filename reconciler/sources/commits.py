"""Which commit last changed a document, read from the mirror as it is: no fetch, and nobody waits for long."""

import asyncio
import logging
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from reconciler.bounded_cache import BoundedCache
from reconciler.domain.commit import CommitFact
from reconciler.domain.escaping import escaped
from reconciler.domain.secrets import redacted
from reconciler.errors import SourceUnreadable
from reconciler.executors import NamedExecutor
from reconciler.sources.contract import DocumentContract
from reconciler.sources.git_objects import is_revision
from reconciler.sources.git_tree import MirrorBroken, PartOfTree
from reconciler.sources.loader import load_tree
from reconciler.sources.mirror import Mirror

log = logging.getLogger(__name__)

MAX_KEPT_BYTES: Final = 8 * 1024**2
"""Of the answers of one source: a question may be answered by thousands of commits, or by one."""

_OBJECT_BYTES: Final = 256
"""What an answer or a fact takes besides its texts, more than less."""

_LONGEST: Final = 200
_MAX_FILES: Final = 200
_MAX_COMMITS: Final = 1_000
# the names as the commit has them, cut by git itself: a hostile one may be as long as the repository is large
_FORMAT: Final = f"--format=%H%x00%<({_LONGEST},trunc)%an%x00%ct%x00%<({_LONGEST},trunc)%s%x00"
_LOG: Final = ("log", "--no-show-signature", "--encoding=UTF-8", _FORMAT)
# what the branch itself had at each step, merges included; without it git follows whichever side explains the result
_OF_THE_BRANCH: Final = ("--first-parent", "-m")
_PARTS: Final = 4
_LAST_MOMENT: Final = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


@dataclass(frozen=True, slots=True)
class _Question:
    """Which commits are asked for: the last one of a file, or all since a revision."""

    path: str
    since: str | None
    revision: str

    @property
    def is_safe(self) -> bool:
        """Whether git takes the revisions as what they are."""
        return is_revision(self.revision) and (self.since is None or is_revision(self.since))


class CommitLog:
    """What is asked of the history of one mirror, and remembered: a commit's history never changes.

    Args:
        mirror: The mirror, with limits for whoever looks; it may be written, made anew or deleted meanwhile.
        contract: What a document may state.
        executor: Where git is asked; of one thread.
        most_bytes: How much is remembered.
    """

    def __init__(
        self,
        mirror: Mirror,
        contract: DocumentContract,
        executor: NamedExecutor,
        most_bytes: int = MAX_KEPT_BYTES,
    ) -> None:
        self._mirror = mirror
        self._contract = contract
        self._kept = BoundedCache[_Question, Sequence[CommitFact]](most_bytes, _bytes_of)
        self._executor = executor
        self._turn = asyncio.Lock()

    async def last_change(self, path: str, revision: str) -> CommitFact | None:
        """The commit that last changed what a file says; None when that cannot be told here and now."""
        found = await self._asked(_Question(path, None, revision))
        return found[0] if found else None

    async def authors(self, path: str, since: str, revision: str) -> Sequence[str]:
        """Who changed what a file says between two revisions, newest first; nobody when that cannot be told."""
        found = await self._asked(_Question(path, since, revision))
        return tuple(dict.fromkeys(fact.author for fact in found))

    async def _asked(self, question: _Question) -> Sequence[CommitFact]:
        if not question.is_safe:
            return ()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._mirror.limits.look_seconds), self._turn:
                known = self._kept.get(question)
                return await self._found(question) if known is None else known
        return ()

    async def _found(self, question: _Question) -> Sequence[CommitFact]:
        """What git answers, which is kept; nothing where it cannot."""
        try:
            found = await self._executor.run(lambda: self._look(question))
        except (MirrorBroken, SourceUnreadable, OSError) as error:
            log.info("a commit cannot be told", extra={"path": redacted(question.path), "error": str(error)})
            return ()
        self._kept.keep(question, found)
        return found

    def _look(self, question: _Question) -> Sequence[CommitFact]:
        names = [f":(top,literal){name}" for name in self._files(question.path, question.revision)]
        if not names:
            return ()
        tip = f"{question.revision}^{{commit}}"
        if question.since is None:
            return self._commits("--max-count=1", *_OF_THE_BRANCH, tip, "--", *names)
        among = (f"--max-count={_MAX_COMMITS}", tip, f"^{question.since}^{{commit}}", "--", *names)
        of_the_branch, merged = self._commits(*_OF_THE_BRANCH, *among), self._commits("--no-merges", *among)
        found = {fact.id: fact for fact in (*of_the_branch, *merged)}
        return sorted(found.values(), key=lambda fact: fact.at, reverse=True)

    def _commits(self, *arguments: str) -> Sequence[CommitFact]:
        output = self._mirror.local(*_LOG, *arguments).stdout.decode(errors="replace")
        parts = output.split("\0")
        return [_fact(*parts[at : at + _PARTS]) for at in range(0, len(parts) - _PARTS, _PARTS)]

    def _files(self, path: str, revision: str) -> list[str]:
        """The file and what it includes, whose changes are the document's too; nothing when there is no such file."""
        tree = PartOfTree(self._mirror, {}, revision)
        entry = tree.entry(path)
        if entry is None:
            return []
        includes = load_tree(tree, [entry], self._contract, {}).files[0].includes
        return [path, *includes][:_MAX_FILES]


def _fact(revision: str, author: str, moment: str, subject: str) -> CommitFact:
    seconds = min(int(moment) if moment.isdecimal() else 0, _LAST_MOMENT)
    return CommitFact(revision.strip(), _shown(author), datetime.fromtimestamp(seconds, UTC), _shown(subject))


def _bytes_of(question: _Question, facts: Sequence[CommitFact]) -> int:
    texts = [question.path, *(text for fact in facts for text in (fact.id, fact.author, fact.subject))]
    return _OBJECT_BYTES * (1 + len(facts)) + sum(map(sys.getsizeof, texts))


def _shown(text: str) -> str:
    return escaped(redacted(text.rstrip()[:_LONGEST]))
