"""Ports of a source in git and of the cache of parsed files."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from reconciler.domain.commit import CommitFact
from reconciler.domain.document import KnownTree, ParsedFile, Snapshot


class ParseCache(Protocol):
    """Keeps what files said, so that an unchanged file is never parsed twice; made anew for each load.

    The files that it gives are without the bodies of their documents, which it stores apart.
    """

    async def find(self, blobs: Mapping[str, str]) -> Mapping[str, ParsedFile]:
        """What is known of files given as path → blob id; paths that are not known are left out."""

    async def paths(self) -> frozenset[str]:
        """The paths of all files that are known."""

    async def keep(
        self, files: Sequence[ParsedFile], *, drop: Iterable[str] = (), tree: KnownTree | None = None
    ) -> None:
        """Remember files with their bodies, replacing older knowledge of the same paths, and forget other paths.

        Args:
            files: What is new.
            drop: What is not there any more.
            tree: What all known files are from now on, as a whole; None while they are not all of a tree.
        """

    async def promoted_tree(self) -> KnownTree | None:
        """The tree that all known files are, when the source's claims at its good revision are theirs."""

    async def at(self, paths: Collection[str]) -> Mapping[str, ParsedFile]:
        """What is known of files, by path."""

    async def with_findings(self) -> Mapping[str, ParsedFile]:
        """The files in which something was found, by path: among them every one that claims nothing."""

    async def claiming(self, chatbot_ids: Collection[str]) -> frozenset[str]:
        """The paths of the files that claim any of these chatbots."""

    async def including(self, paths: Collection[str]) -> frozenset[str]:
        """The paths of the files that include any of these."""

    async def claimed_ids(self) -> frozenset[str]:
        """The chatbots that all known files claim."""

    async def standing(self, chatbot_ids: Collection[str], paths: Collection[str]) -> Mapping[str, str]:
        """The claims of the source at its good revision, as chatbot id → path.

        Args:
            chatbot_ids: Those of these chatbots,
            paths: and those in these files; without any of both, those that are refused.
        """


class Source(Protocol):
    """One branch of one repository."""

    async def head(self) -> str:
        """The branch's commit id at the remote, by one ``ls-remote``.

        Raises:
            SourceUnreadable: With the exact cause.
        """

    async def fetch_head(self) -> str:
        """The branch's commit id at the remote, which is fetched at once: for whoever has heard that it is new.

        Raises:
            SourceUnreadable: With the exact cause.
        """

    async def load(self, revision: str, cache: ParseCache) -> Snapshot:
        """Everything the source says at a revision, fetching it when it is not here.

        Raises:
            SourceUnreadable: With the exact cause.
        """

    async def load_changes(self, since: str, revision: str, cache: ParseCache) -> Snapshot | None:
        """What the source says at a revision of the chatbots that may be concerned by what changed since another.

        It agrees in everything with `load`, but leaves out the documents that did not change.

        Args:
            since: The good revision.
            revision: The commit id; it is fetched when it is not here.
            cache: What is known of the files at the good revision.

        Returns:
            None when too little is known, or the revision does not descend from the other: it must be loaded whole.

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
