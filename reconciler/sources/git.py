"""A source in git: `ports.Source` over a bare mirror."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from reconciler.domain.assemble import assemble, unmatched_in
from reconciler.domain.canonical import digest
from reconciler.domain.commit import CommitFact
from reconciler.domain.diagnostics import Diagnostic
from reconciler.domain.document import ParsedFile, Snapshot, Surroundings
from reconciler.errors import SourceCause, SourceUnreadable
from reconciler.executors import NamedExecutor
from reconciler.ports import ParseCache
from reconciler.sources.builder import LIMITS
from reconciler.sources.changed_files import ChangeReading, Differences, TooLittleKnown, stamped
from reconciler.sources.commits import CommitLog
from reconciler.sources.contract import DocumentContract
from reconciler.sources.fetched_branch import FetchedBranch, fetch_branch
from reconciler.sources.file_tree import Entry
from reconciler.sources.git_remote import GitRemote
from reconciler.sources.git_tree import GitTree, MirrorBroken, PartOfTree
from reconciler.sources.loader import Loaded, TreeReading, load_tree, select, stamp, tree_of
from reconciler.sources.mirror import GitLimits, Mirror
from reconciler.sources.parse_process import ParseProcess
from reconciler.sources.unmatched_files import surroundings_of, with_surroundings

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
        self._fetched: FetchedBranch | None = None
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
        return await self._run(self._mirror.remote_head)

    async def fetch_head(self) -> str:
        """The branch's commit id at the remote, fetched."""
        async with self._turn:
            self._fetched = await self._run(lambda: fetch_branch(self._mirror))
        return self._fetched.revision if self._fetched is not None else await self.head()

    async def load(self, revision: str, cache: ParseCache) -> Snapshot:
        """Everything the source says at a revision, fetching it when it is not here."""
        async with self._turn:
            tree, entries = await self._run(lambda: self._listed(revision))
            known = await self._known(cache, entries)
            reading = await self._run(
                lambda: self._once(revision, lambda: TreeReading(tree, entries, self._contract, known))
            )
            with self._parser(reading) as parser:
                for batch in reading.batches():
                    files = await self._run(partial(self._parsed, revision, reading, batch, parser))
                    await cache.keep(stamped(files, self._stamp))
                    reading.keep(file.without_bodies() for file in files)
            loaded = reading.loaded()
            unmatched = tuple(unmatched_in(loaded.files, self._remote.allowed))
            snapshot = self._assembled(revision, loaded, unmatched)
            snapshot = await self._run(lambda: self._surrounded(snapshot, tree))
            drop = await cache.paths() - {file.path for file in loaded.files}
            known_tree = tree_of(loaded, snapshot, key=self._key, entries=len(tree.by_path), unmatched=unmatched)
            await cache.keep(stamped(reading.refused, self._stamp), drop=drop, tree=known_tree)
            return snapshot

    async def load_changes(self, since: str, revision: str, cache: ParseCache) -> Snapshot | None:
        """What the source says at a revision of what may be concerned by what changed since the good one."""
        async with self._turn:
            try:
                return await self._load_changes(since, revision, cache)
            except TooLittleKnown:
                return None

    async def _load_changes(self, since: str, revision: str, cache: ParseCache) -> Snapshot:
        known = await cache.promoted_tree()
        if known is None or (known.revision, known.key) != (since, self._key):
            raise TooLittleKnown
        found = await self._run(lambda: self._differences(since, revision))
        tree, remote = PartOfTree(self._mirror, {}, revision), self._remote
        reading = ChangeReading(
            stamp=self._stamp,
            load=lambda paths, before: self._run(lambda: self._loaded_again(tree, paths, before, found.after)),
            beside=lambda: self._run(lambda: self._beside(tree)),
            allowed=remote.allowed,
            max_files=self._limits.files,
        )
        return await reading.read(known, found, revision, cache)

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
            return await self._run(lambda: self._mended(revision, ask))

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
        self._mirror.check_size()
        return tree, select(tree, self._remote.paths, max_files=self._limits.files)

    @contextmanager
    def _parser(self, reading: TreeReading) -> Iterator[ParseProcess | None]:
        """A process for files that take long to parse; for a few, starting one would take longer."""
        if not reading.is_large:
            yield None
            return
        with ParseProcess(self._contract, self._mirror.stopped) as process:
            yield process

    def _parsed(
        self, revision: str, reading: TreeReading, batch: Sequence[Entry], parser: ParseProcess | None
    ) -> list[ParsedFile]:
        """What the files of a batch say, their digests included."""
        files = self._once(revision, lambda: self._mended(revision, lambda: reading.parse(batch, parser)))
        for file in files:
            file.without_bodies()
        return files

    def _once(self, revision: str, work: Callable[[], T]) -> T:
        """The result of reading a revision; one that asks for too much is not read again to find that out."""
        if self._too_large is not None and self._too_large[0] == revision:
            raise SourceUnreadable(SourceCause.TOO_LARGE, self._too_large[1])
        try:
            return work()
        except SourceUnreadable as error:
            if error.cause is SourceCause.TOO_LARGE:
                self._too_large = revision, str(error)
            raise

    def _assembled(self, revision: str, loaded: Loaded, unmatched: Sequence[Diagnostic]) -> Snapshot:
        return assemble(
            revision, loaded.files, allowed=self._remote.allowed, parsed=len(loaded.parsed), unmatched=unmatched
        )

    def _differences(self, since: str, revision: str) -> Differences:
        """Where a revision differs from the good one."""
        with _too_little_known():
            if self._fetched != FetchedBranch(revision, since):
                self._mirror.ensure(revision)
                if since != revision and not self._mirror.descends(revision, since):
                    raise TooLittleKnown
            changes = self._mirror.changes(since, revision) if since != revision else []
        return Differences.of(changes, self._remote.paths, tells_outside=not self._remote.is_shared)

    def _loaded_again(
        self,
        tree: PartOfTree,
        paths: Collection[str],
        before: Mapping[str, ParsedFile],
        after: Mapping[str, Entry | None],
    ) -> Loaded:
        """What those of the files say that are still there."""
        with _too_little_known():
            tree.learn({path: entry for path, entry in after.items() if path in paths})
            tree.look_up((*paths, *(path for file in before.values() for path in file.includes)))
            entries = [entry for path in sorted(paths) if (entry := tree.entry(path)) is not None]
            return load_tree(tree, entries, self._contract, {})

    def _beside(self, tree: PartOfTree) -> Surroundings:
        with _too_little_known():
            whole = self._mirror.tree(tree.revision)
            return surroundings_of(whole, self._remote.paths, tells_outside=not self._remote.is_shared)

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

    async def _run(self, work: Callable[[], T]) -> T:
        """The result of work that needs the mirror, in its thread."""
        return await self._git.run(lambda: self._kept(work))

    async def _known(self, cache: ParseCache, entries: Sequence[Entry]) -> Mapping[str, ParsedFile]:
        by_path = {entry.path: entry.blob_id for entry in entries if entry.is_regular}
        found = await cache.find({path: self._stamp(blob_id) for path, blob_id in by_path.items()})
        return {path: replace(file, blob_id=by_path[path]) for path, file in found.items()}

    def _stamp(self, blob_id: str) -> str:
        """The id under which a file is cached: it changes with the loader's rules and the contract too."""
        return f"{stamp(self._contract)}.{blob_id}"

    @property
    def _key(self) -> str:
        """What is the same as long as the same files say the same."""
        remote = self._remote
        return digest([stamp(self._contract), list(remote.paths), list(remote.allowed), remote.is_shared])


@contextmanager
def _too_little_known() -> Iterator[None]:
    """What keeps a change from being told by itself is found out, and told, where the source is loaded whole."""
    try:
        yield
    except MirrorBroken as error:
        raise TooLittleKnown from error
    except SourceUnreadable as error:
        if error.cause is not SourceCause.TOO_LARGE:
            raise
        raise TooLittleKnown from error
