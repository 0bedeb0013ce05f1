"""A source in git: `ports.Source` over a bare mirror."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from reconciler.domain.assemble import assemble
from reconciler.domain.commit import CommitFact
from reconciler.domain.document import ParsedFile, Snapshot
from reconciler.errors import SourceCause, SourceUnreadable
from reconciler.executors import NamedExecutor
from reconciler.ports import ParseCache
from reconciler.sources.builder import LIMITS
from reconciler.sources.commits import CommitLog
from reconciler.sources.contract import DocumentContract
from reconciler.sources.file_tree import Entry
from reconciler.sources.git_remote import GitRemote
from reconciler.sources.loader import Loaded, load_tree, select, stamp
from reconciler.sources.mirror import GitLimits, GitTree, Mirror, MirrorBroken
from reconciler.sources.unmatched_files import with_surroundings

__all__ = ["GitLimits", "GitRemote", "GitSource"]

T = TypeVar("T")


class GitSource:
    """One branch of one repository.

    Everything that waits has a time limit, and does so in one of two threads: one for the remote and what writes the
    mirror, one for what people who look at pages ask of the mirror. One process uses a mirror folder at a time.

    Args:
        remote: Where the repository is, and what of it is a source.
        mirror: The folder of the mirror; it is made when it is missing and may be deleted at any time.
        contract: What a document may state.
        limits: How long git may take, and how large a repository may be.
    """

    def __init__(
        self, remote: GitRemote, mirror: Path, contract: DocumentContract, limits: GitLimits | None = None
    ) -> None:
        self._remote = remote
        self._contract = contract
        self._limits = limits or GitLimits()
        self._mirror = Mirror(mirror.absolute(), remote, self._limits)
        self._turn = asyncio.Lock()
        # of one thread: a cancelled call leaves its work running, and the next one must not meet it in the mirror
        self._git = NamedExecutor(f"git-{mirror.stem}")
        self._looks = NamedExecutor(f"git-looks-{mirror.stem}")
        quick = replace(self._limits, local_seconds=self._limits.look_seconds)
        self._looked_at = replace(self._mirror, limits=quick)
        self._commits = CommitLog(self._looked_at, contract, self._looks)
        self._paths: frozenset[str] = frozenset()
        self._too_large: tuple[str, str] | None = None

    def __repr__(self) -> str:
        return f"GitSource({self._remote.display_url!r}, branch={self._remote.branch!r})"

    async def close(self) -> None:
        """End every git command that is under way, and let no more begin."""
        self._mirror.stopped.set()
        await self._git.close()
        await self._looks.close()

    async def head(self) -> str:
        """The branch's commit id at the remote, by one ``ls-remote``."""
        return await self._git.run(lambda: self._kept(self._mirror.remote_head))

    async def load(self, revision: str, cache: ParseCache) -> Snapshot:
        """Everything the source says at a revision, fetching it when it is not here."""
        async with self._turn:
            tree, entries = await self._git.run(lambda: self._kept(lambda: self._listed(revision)))
            known = await self._known(cache, entries)
            loaded = await self._git.run(lambda: self._kept(lambda: self._parsed_once(revision, tree, entries, known)))
            await self._keep(cache, loaded)
            snapshot = assemble(revision, loaded.files, allowed=self._remote.allowed, parsed=len(loaded.parsed))
            return await self._git.run(lambda: self._kept(lambda: self._surrounded(snapshot, tree)))

    async def text(self, path: str, revision: str) -> str | None:
        """What a file said at a revision, as far as that is known here: the remote is not asked.

        It waits for nobody: reading while another call fetches is safe, and a mirror that is broken, or being made
        anew, only means that nothing is known.
        """

        def read() -> bytes | None:
            try:
                return self._looked_at.file(revision, path, LIMITS.file_bytes)
            except (MirrorBroken, SourceUnreadable, OSError):
                return None

        data = await self._looks.run(read)
        return None if data is None else data.decode("utf-8-sig", errors="replace")

    async def descends(self, revision: str, ancestor: str) -> bool:
        """Whether the ancestor is in the revision's history; false when it is no longer known here."""

        def ask() -> bool:
            self._mirror.ensure(revision)
            return self._mirror.descends(revision, ancestor)

        async with self._turn:
            return await self._git.run(lambda: self._kept(lambda: self._mended(revision, ask)))

    async def last_change(self, path: str, revision: str) -> CommitFact | None:
        """The commit that last changed what a file says; it waits for no fetch and no load."""
        return await self._commits.last_change(path, revision)

    async def authors(self, path: str, since: str, revision: str) -> Sequence[str]:
        """Who changed what a file says between two revisions; it waits for no fetch and no load."""
        return await self._commits.authors(path, since, revision)

    def _listed(self, revision: str) -> tuple[GitTree, Sequence[Entry]]:
        def listing() -> GitTree:
            self._mirror.ensure(revision)
            return self._mirror.tree(revision)

        tree = self._mended(revision, listing)
        return tree, select(tree, self._remote.paths, max_files=self._limits.files)

    def _parsed_once(
        self, revision: str, tree: GitTree, entries: Sequence[Entry], known: Mapping[str, ParsedFile]
    ) -> Loaded:
        """What the files say; a revision that asks for too much is not read again to find that out."""
        if self._too_large is not None and self._too_large[0] == revision:
            raise SourceUnreadable(SourceCause.TOO_LARGE, self._too_large[1])
        try:
            return self._parsed(revision, tree, entries, known)
        except SourceUnreadable as error:
            if error.cause is SourceCause.TOO_LARGE:
                self._too_large = revision, str(error)
            raise

    def _parsed(
        self, revision: str, tree: GitTree, entries: Sequence[Entry], known: Mapping[str, ParsedFile]
    ) -> Loaded:
        return self._mended(revision, lambda: load_tree(tree, entries, self._contract, known))

    def _surrounded(self, snapshot: Snapshot, tree: GitTree) -> Snapshot:
        paths, alone = self._remote.paths, not self._remote.is_shared
        return self._mended(
            snapshot.revision or "", lambda: with_surroundings(snapshot, tree, paths, tells_outside=alone)
        )

    def _kept(self, work: Callable[[], T]) -> T:
        """The result of work that needs the mirror's place on the disk."""
        try:
            return work()
        except OSError as error:
            raise SourceUnreadable(
                SourceCause.GIT_FAILED,
                f"{self._remote.display_url}: its mirror cannot be kept ({error.strerror or type(error).__name__}): "
                "make data.dir a folder that can be written, with room on its disk",
            ) from error

    def _mended(self, revision: str, work: Callable[[], T]) -> T:
        """The result of reading the mirror, which is made anew once when it turns out to be broken."""
        try:
            return work()
        except MirrorBroken:
            self._mirror.remove()
        try:
            self._mirror.ensure(revision)
            return work()
        except MirrorBroken as error:
            raise SourceUnreadable(
                SourceCause.GIT_FAILED, f"{self._remote.display_url}: the repository cannot be read: {error}"
            ) from error

    async def _known(self, cache: ParseCache, entries: Sequence[Entry]) -> Mapping[str, ParsedFile]:
        by_path = {entry.path: entry.blob_id for entry in entries if entry.is_regular}
        found = await cache.find({path: self._stamped(blob_id) for path, blob_id in by_path.items()})
        return {path: replace(file, blob_id=by_path[path]) for path, file in found.items()}

    async def _keep(self, cache: ParseCache, loaded: Loaded) -> None:
        paths = frozenset(file.path for file in loaded.files)
        files = [replace(file, blob_id=self._stamped(file.blob_id)) for file in loaded.parsed]
        gone = self._paths - paths
        if files or gone:
            await cache.keep(files, drop=sorted(gone))
        self._paths = paths

    def _stamped(self, blob_id: str) -> str:
        """The id under which a file is cached: it changes with the loader's rules and the contract too."""
        return f"{stamp(self._contract)}.{blob_id}"
