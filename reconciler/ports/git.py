"""What documents say in git, and the cache that spares parsing them again."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from reconciler.domain.commit import CommitFact
from reconciler.domain.document import ParsedFile, Snapshot


class ParseCache(Protocol):
    """Keeps what files said, so that an unchanged file is never parsed twice."""

    async def find(self, blobs: Mapping[str, str]) -> Mapping[str, ParsedFile]:
        """What is known of files given as path → blob id; paths that are not known are left out."""

    async def keep(self, files: Sequence[ParsedFile], *, drop: Iterable[str] = ()) -> None:
        """Remember files, replacing older knowledge of the same paths, and forget the paths in ``drop``."""


class Source(Protocol):
    """One branch of one repository."""

    async def head(self) -> str:
        """The branch's commit id at the remote, by one ``ls-remote``.

        Raises:
            SourceUnreadable: With the exact cause.
        """

    async def load(self, revision: str, cache: ParseCache) -> Snapshot:
        """Everything the source says at a revision, fetching it when it is not here.

        Raises:
            SourceUnreadable: With the exact cause.
        """

    async def text(self, path: str, revision: str) -> str | None:
        """What a file said at a revision, as far as that is known here: the remote is not asked.

        Bytes that are no UTF-8 are replaced, because somebody wants to look at them. None when there is no such file,
        when it is no regular one, when it is larger than a document may be, or when the revision is not here.
        """

    async def descends(self, revision: str, ancestor: str) -> bool:
        """Whether the ancestor is in the revision's history; false when it is no longer known here.

        Raises:
            SourceUnreadable: When git itself fails.
        """

    async def last_change(self, path: str, revision: str) -> CommitFact | None:
        """The commit that last changed what a file says on the branch; what it includes counts too.

        A merge counts as a commit of the branch: one that takes a change back is what changed the file last.

        It reads what is here, asks no remote and is quick enough for a page. None when the file or the revision is not
        here, or when git fails: nothing depends on it.
        """

    async def authors(self, path: str, since: str, revision: str) -> Sequence[str]:
        """Who wrote the commits between two revisions that changed a file or what it includes, each once, newest first.

        Those who wrote the commits of the branch itself and of the branches that were merged into it. It asks no
        remote. Empty when there are none, when the file or a revision is not here, or when git fails.

        Args:
            path: The file's, relative to the repository's root.
            since: The whole id of the commit whose history is left out.
            revision: The whole id of the commit up to which is looked.
        """
