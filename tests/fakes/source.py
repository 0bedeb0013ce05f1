import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.domain.assemble import assemble, unmatched_in
from reconciler.domain.commit import CommitFact
from reconciler.domain.document import ParsedFile, Snapshot, Surroundings
from reconciler.domain.escaping import escaped
from reconciler.errors import SourceCause, SourceUnreadable
from reconciler.ports import ParseCache
from reconciler.sources.builder import LIMITS
from reconciler.sources.changed_files import ChangeReading, Differences, TooLittleKnown, stamped
from reconciler.sources.contract import DocumentContract
from reconciler.sources.file_tree import DEFAULT_PATHS, SYMLINK, Entry
from reconciler.sources.git_objects import TreeChange
from reconciler.sources.loader import MAX_FILES, Loaded, load_tree, select, stamp, tree_of
from reconciler.sources.unmatched_files import surroundings_of, with_surroundings
from tests.fakes.clock import START
from tests.support.contract import CONTRACT

Files = Mapping[str, str | bytes]


@dataclass(frozen=True)
class MemoryTree:
    """Files that exist nowhere else."""

    files: Files
    symlinks: Mapping[str, str]

    def entry(self, path: str) -> Entry | None:
        if path in self.symlinks:
            target = self.symlinks[path].encode()
            return Entry(path, SYMLINK, _blob_id(target), len(target))
        if path not in self.files:
            return None
        data = _bytes(self.files[path])
        return Entry(path, "100644", _blob_id(data), len(data))

    def entries(self) -> Iterable[Entry]:
        return [entry for path in (*self.files, *self.symlinks) if (entry := self.entry(path))]

    def read(self, blob_ids: Collection[str]) -> Mapping[str, bytes]:
        contents = {_blob_id(data): data for data in map(_bytes, self.files.values())}
        return {blob_id: contents[blob_id] for blob_id in blob_ids}


@dataclass(frozen=True)
class _Commit:
    tree: MemoryTree
    parent: str | None
    author: str
    subject: str


class FakeSource:
    """A branch in memory, read by the real loader.

    >>> source = FakeSource({"chatbots/a.yaml": "…"})
    >>> revision = source.commit({"chatbots/a.yaml": "other"})     # files given replace all others
    >>> source.force_push({"chatbots/a.yaml": "…"})                # a commit without a parent
    >>> source.fail(SourceCause.UNREACHABLE)                       # until `recover`
    """

    def __init__(
        self,
        files: Files | None = None,
        *,
        paths: Sequence[str] = DEFAULT_PATHS,
        allowed: Sequence[str] = (),
        contract: DocumentContract = CONTRACT,
    ) -> None:
        self._paths, self._allowed, self._contract = paths, allowed, contract
        self._commits: dict[str, _Commit] = {}
        self._tip: str | None = None
        self._failure: SourceUnreadable | None = None
        self.heads_asked = 0
        self.loads_asked = 0
        if files is not None:
            self.commit(files)

    def commit(
        self, files: Files, symlinks: Mapping[str, str] | None = None, *, author: str = "A", subject: str = "Change"
    ) -> str:
        """Put a commit on top of the branch; the files given are all that it holds."""
        return self._push(_Commit(MemoryTree(dict(files), dict(symlinks or {})), self._tip, author, subject))

    def amend(self, files: Files, *, remove: Iterable[str] = (), author: str = "A", subject: str = "Change") -> str:
        """Put a commit on top of the branch that changes, adds and removes the files named."""
        kept = {path: text for path, text in self.files.items() if path not in set(remove)}
        return self.commit({**kept, **files}, author=author, subject=subject)

    def force_push(self, files: Files) -> str:
        """Replace the branch by one commit that has no parent."""
        return self._push(_Commit(MemoryTree(dict(files), {}), None, "A", "Rewrite"))

    def reset(self, revision: str) -> None:
        """Let the branch point to a commit that it had before."""
        self._tip = revision

    def read_from(self, paths: Sequence[str]) -> None:
        """Select other files from now on, as after a restart with other settings."""
        self._paths = paths

    def fail(self, cause: SourceCause, message: str = "the repository cannot be read: repair it") -> None:
        """Answer every call with a failure, until `recover`."""
        self._failure = SourceUnreadable(cause, message)

    def recover(self) -> None:
        self._failure = None

    @property
    def has_commits(self) -> bool:
        return self._tip is not None

    @property
    def tip(self) -> str:
        """The branch's commit id, without asking."""
        if self._tip is None:
            raise SourceUnreadable(SourceCause.REPOSITORY_EMPTY, "the repository has no commits: push to it")
        return self._tip

    @property
    def files(self) -> Files:
        """What the branch holds now."""
        return self._commits[self.tip].tree.files

    async def head(self) -> str:
        self.heads_asked += 1
        self._check()
        return self.tip

    async def fetch_head(self) -> str:
        return await self.head()

    async def load(self, revision: str, cache: ParseCache) -> Snapshot:
        self.loads_asked += 1
        self._check()
        tree = self._commit(revision).tree
        entries = select(tree, self._paths)
        ids = {entry.path: entry.blob_id for entry in entries if entry.is_regular}
        found = await cache.find({path: self._stamp(blob_id) for path, blob_id in ids.items()})
        known = {path: replace(file, blob_id=ids[path]) for path, file in found.items()}
        loaded = load_tree(tree, entries, self._contract, known)
        unmatched = tuple(unmatched_in(loaded.files, self._allowed))
        snapshot = assemble(
            revision, loaded.files, allowed=self._allowed, parsed=len(loaded.parsed), unmatched=unmatched
        )
        snapshot = with_surroundings(snapshot, tree, self._paths)
        new = [file for file in loaded.files if known.get(file.path) != file]
        known_tree = tree_of(loaded, snapshot, key=self._key, entries=len(list(tree.entries())), unmatched=unmatched)
        drop = await cache.paths() - {file.path for file in loaded.files}
        await cache.keep(stamped(new, self._stamp), drop=drop, tree=known_tree)
        return snapshot

    async def load_changes(self, since: str, revision: str, cache: ParseCache) -> Snapshot | None:
        self._check()
        known = await cache.promoted_tree()
        if (
            known is None
            or (known.revision, known.key) != (since, self._key)
            or not await self.descends(revision, since)
        ):
            return None
        before, after = self._commit(since).tree, self._commit(revision).tree

        async def load(paths: Collection[str], _: Mapping[str, ParsedFile]) -> Loaded:
            entries = [entry for path in sorted(paths) if (entry := after.entry(path)) is not None]
            return load_tree(after, entries, self._contract, {})

        async def beside() -> Surroundings:
            return surroundings_of(after, self._paths, tells_outside=True)

        reading = ChangeReading(self._stamp, load, beside, self._allowed, MAX_FILES)
        try:
            found = Differences.of(changes(before, after), self._paths, tells_outside=True)
            snapshot = await reading.read(known, found, revision, cache)
        except TooLittleKnown:
            return None
        self.loads_asked += 1
        return snapshot

    async def text(self, path: str, revision: str) -> str | None:
        commit = self._commits.get(revision)
        entry = commit.tree.entry(path) if commit else None
        if commit is None or entry is None or not entry.is_regular or entry.size > LIMITS.file_bytes:
            return None
        return commit.tree.read([entry.blob_id])[entry.blob_id].decode("utf-8-sig", errors="replace")

    async def descends(self, revision: str, ancestor: str) -> bool:
        self._check()
        at: str | None = revision
        while at is not None:
            if at == ancestor:
                return True
            at = self._commit(at).parent
        return False

    async def last_change(self, path: str, revision: str) -> CommitFact | None:
        return next(self._changes(path, revision), None)

    async def authors(self, path: str, since: str, revision: str) -> Sequence[str]:
        before = set(self._history(since))
        found = [fact.author for fact in self._changes(path, revision) if fact.id not in before]
        return tuple(dict.fromkeys(found)) if before else ()

    def _history(self, revision: str) -> Iterator[str]:
        at: str | None = revision
        while at is not None and at in self._commits:
            yield at
            at = self._commits[at].parent

    def _changes(self, path: str, revision: str) -> Iterator[CommitFact]:
        """The commits that changed a file or what it includes now, newest first."""
        tree = self._commits[revision].tree if revision in self._commits else MemoryTree({}, {})
        entry = tree.entry(path)
        if self._failure is not None or entry is None:
            return
        paths = [path, *load_tree(tree, [entry], self._contract, {}).files[0].includes]
        for at in self._history(revision):
            commit = self._commits[at]
            before = self._commits[commit.parent].tree if commit.parent else MemoryTree({}, {})
            if any(commit.tree.entry(path) != before.entry(path) for path in paths):
                yield CommitFact(at, escaped(commit.author), START, escaped(commit.subject))

    def _stamp(self, blob_id: str) -> str:
        return f"{stamp(self._contract)}.{blob_id}"

    @property
    def _key(self) -> str:
        return repr((stamp(self._contract), self._paths, self._allowed))

    def _push(self, commit: _Commit) -> str:
        content = repr((sorted(commit.tree.files.items()), sorted(commit.tree.symlinks.items()), commit.parent))
        self._tip = hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest()
        self._commits[self._tip] = commit
        return self._tip

    def _commit(self, revision: str) -> _Commit:
        if revision not in self._commits:
            raise SourceUnreadable(SourceCause.HISTORY_REWRITTEN, f"the commit {revision[:12]} is no longer there")
        return self._commits[revision]

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure


def changes(before: MemoryTree, after: MemoryTree) -> list[TreeChange]:
    """Where two trees differ."""
    old, new = ({entry.path: entry for entry in tree.entries()} for tree in (before, after))
    places = sorted(path for path in {*old, *new} if old.get(path) != new.get(path))
    return [TreeChange(old.get(path), new.get(path)) for path in places]


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _blob_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
