"""What a change from one revision to the next concerns: files that differ, and all whose claims they may decide on.

Of a source's files only those are looked at in which something differs or something was found, and those that claim
a chatbot that one of them claims, or claimed. Of every other chatbot both revisions say the same: its one claim stands
in a file that did not change, and no other file claims it.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from reconciler.domain.assemble import assemble, is_unclear, unmatched_limits
from reconciler.domain.diagnostics import Diagnostic
from reconciler.domain.document import KnownTree, ParsedFile, Snapshot, Surroundings
from reconciler.domain.secrets import redacted
from reconciler.ports import ParseCache
from reconciler.sources.file_tree import DOCUMENT_SUFFIXES, UNNAMEABLE, Entry, Globs
from reconciler.sources.git_objects import LISTING, TreeChange
from reconciler.sources.loader import SOURCE_LIMITS, Loaded, SourceLimits
from reconciler.sources.unmatched_files import amid, lies_beside

MOST_CHANGED: Final = 2_000
"""Of more files that differ, a source is loaded whole: that reads its files some at a time."""


class TooLittleKnown(Exception):
    """What a change makes of a source cannot be told from what is known: it has to be loaded whole."""


@dataclass(frozen=True, slots=True)
class Differences:
    """Where two trees differ.

    Attributes:
        before: Path → blob id of the documents' files that changed or are gone, as they were.
        documents: The paths of all documents' files that differ.
        paths: The paths of all files that differ.
        after: Path → what stands there in the second tree, of the documents' files that differ.
        entries: By how many files the second tree has more.
        beside: Whether what lies beside the documents may be told otherwise.
    """

    before: Mapping[str, str]
    documents: frozenset[str]
    paths: frozenset[str]
    after: Mapping[str, Entry | None]
    entries: int = 0
    beside: bool = False

    @classmethod
    def of(cls, changes: Sequence[TreeChange], paths: Sequence[str], *, tells_outside: bool) -> Self:
        """The differences that a source has to know of.

        Args:
            changes: As git tells them.
            paths: The globs of the documents.
            tells_outside: Whether documents outside of the globs are told of.

        Raises:
            TooLittleKnown: They are too many, or a file has a name under which it cannot be known.
        """
        entries = [entry for change in changes for entry in change.entries]
        if len(changes) > MOST_CHANGED or any(_is_odd(entry.path, entry.mode) for entry in entries):
            raise TooLittleKnown
        globs = Globs(tuple(paths))
        selected = {path for path in {entry.path for entry in entries} if _is_document(path, globs)}
        before = (change.before for change in changes if change.before is not None)
        after = {change.after.path: change.after for change in changes if change.after is not None}
        return cls(
            before={entry.path: entry.blob_id for entry in before if entry.path in selected},
            documents=frozenset(selected),
            paths=frozenset(entry.path for entry in entries),
            after={path: after.get(path) for path in selected},
            entries=sum((change.after is not None) - (change.before is not None) for change in changes),
            beside=any(lies_beside(entry, globs, tells_outside=tells_outside) for entry in entries),
        )

    def require_known(self, known: Mapping[str, str], paths: Collection[str], stamp: Callable[[str], str]) -> None:
        """See that all is known that was there before, and as it was.

        Args:
            known: Path → blob id, stamped, of the files that are known.
            paths: Those that are to be read again.
            stamp: What is made of a blob id to know a file by it.

        Raises:
            TooLittleKnown: It is not.
        """
        expected = {path: stamp(blob_id) for path, blob_id in self.before.items()}
        as_it_was = {path: blob_id for path, blob_id in known.items() if path in self.documents}
        if as_it_was != expected or not set(paths) - self.documents <= known.keys():
            raise TooLittleKnown


def _is_odd(path: str, mode: str) -> bool:
    return mode == UNNAMEABLE or redacted(path) != path


def _is_document(path: str, globs: Globs) -> bool:
    return path.endswith(DOCUMENT_SUFFIXES) and globs.select(path)


@dataclass(frozen=True, slots=True)
class Replaced:
    """The files that a change replaces.

    Attributes:
        before: What they said, by path.
        now: What they say; one that is gone is missing.
    """

    before: Mapping[str, ParsedFile]
    now: Mapping[str, ParsedFile]

    @property
    def paths(self) -> frozenset[str]:
        """All of them."""
        return frozenset((*self.before, *self.now))

    @property
    def gone(self) -> frozenset[str]:
        """Those that are not there any more."""
        return frozenset(self.before.keys() - self.now.keys())

    def tree(self, known: KnownTree, revision: str, entries: int) -> KnownTree:
        """The tree after the change, but for what lies beside its documents.

        Args:
            known: The tree before it.
            revision: The commit id after it.
            entries: By how many files it has more then.
        """

        def more(amount: Callable[[ParsedFile], int]) -> int:
            return sum(map(amount, self.now.values())) - sum(map(amount, self.before.values()))

        return replace(
            known,
            revision=revision,
            entries=known.entries + entries,
            files=known.files + len(self.now) - len(self.before),
            claims=known.claims + more(lambda file: len(file.claims)),
            bytes=known.bytes + more(lambda file: file.size),
            documents=known.documents + more(lambda file: file.count),
            values=known.values + more(lambda file: file.values),
            characters=known.characters + more(lambda file: file.characters),
        )


def require_room(tree: KnownTree, max_files: int, limits: SourceLimits = SOURCE_LIMITS) -> None:
    """See that a tree holds some documents, and no more than a source may have.

    Raises:
        TooLittleKnown: It is not so.
    """
    fits = (
        tree.claims > 0
        and tree.documents <= limits.documents
        and tree.files <= max_files
        and tree.bytes <= limits.bytes
        and tree.values <= limits.values
        and tree.characters <= limits.characters
        and (LISTING.files is None or tree.entries <= LISTING.files)
    )
    if not fits:
        raise TooLittleKnown


@dataclass(frozen=True, slots=True)
class Concern:
    """What a change concerns, closed in itself: whatever claims one of the chatbots is among the files.

    Attributes:
        files: The files, as they are now.
        chatbot_ids: Every chatbot that they claim, or that a claim at the good revision in one of them is for.
    """

    files: Sequence[ParsedFile]
    chatbot_ids: frozenset[str]


async def concern_of(replaced: Replaced, cache: ParseCache) -> Concern:
    """What a change concerns.

    Args:
        replaced: The files that differ.
        cache: What is known of the files before the change.

    Raises:
        TooLittleKnown: The cache lacks a file.
    """
    files = {path: file for path, file in (await cache.with_findings()).items() if path not in replaced.paths}
    files |= replaced.now
    ids, paths = frozenset[str](), frozenset[str]()
    # what is refused may stand by now, for a reason that is in no file that changed
    refused = await cache.standing((), ())
    new_ids = _claimed((*replaced.before.values(), *files.values())) | refused.keys()
    new_paths = replaced.paths | files.keys()
    while new_ids or new_paths:
        ids, paths = ids | new_ids, paths | new_paths
        standing = await cache.standing(new_ids, new_paths)
        claiming = await cache.claiming(new_ids) - paths
        new_paths = (claiming | set(standing.values())) - paths
        found = await cache.at(new_paths)
        if not claiming <= found.keys():
            raise TooLittleKnown
        files |= found
        new_ids = (_claimed(found.values()) | standing.keys()) - ids
    return Concern(tuple(files.values()), ids)


async def unmatched_after(
    replaced: Replaced, concern: Concern, known: KnownTree, allowed: Sequence[str], cache: ParseCache
) -> Sequence[Diagnostic]:
    """The findings about limits of a source that no document is for, once a change was made.

    Args:
        replaced: The files that differ.
        concern: What they concern.
        known: The tree before the change.
        allowed: The limits.
        cache: What is known of the files before the change.
    """
    # what cannot be read may be what is meant; such a file is always among those in which something was found
    if not allowed or any(map(is_unclear, concern.files)):
        return ()
    unchanged = (file for file in concern.files if file.path not in replaced.paths)
    before, now = _claimed((*replaced.before.values(), *unchanged)), _claimed(concern.files)
    if before == now and not any(map(is_unclear, replaced.before.values())):
        return known.unmatched
    return tuple(unmatched_limits((await cache.claimed_ids() - before) | now, allowed))


def _claimed(files: Iterable[ParsedFile]) -> frozenset[str]:
    return frozenset(chatbot_id for file in files for chatbot_id in file.claimed_ids)


def stamped(files: Iterable[ParsedFile], stamp: Callable[[str], str]) -> list[ParsedFile]:
    """Files as they are cached."""
    return [replace(file, blob_id=stamp(file.blob_id)) for file in files]


@dataclass(frozen=True, slots=True)
class ChangeReading:
    """Reads what a change concerns, wherever the trees are.

    Attributes:
        stamp: What is made of a blob id to cache a file by it.
        load: Loads some files of the tree after the change, of which some were known before it.
        beside: Finds what lies beside the documents of that tree.
        allowed: The chatbot ids or patterns that the source may manage; empty means all.
        max_files: How many files a source may have.
    """

    stamp: Callable[[str], str]
    load: Callable[[Collection[str], Mapping[str, ParsedFile]], Awaitable[Loaded]]
    beside: Callable[[], Awaitable[Surroundings]]
    allowed: Sequence[str]
    max_files: int

    async def read(self, known: KnownTree, found: Differences, revision: str, cache: ParseCache) -> Snapshot:
        """What a source says of everything that a change concerns.

        Args:
            known: The tree before it.
            found: Where the tree after it differs.
            revision: The commit id after it.
            cache: What is known of the files before it; afterwards, of those after it.

        Raises:
            TooLittleKnown: The source has to be loaded whole.
        """
        if not known.claims:
            raise TooLittleKnown
        paths = found.documents | await cache.including(found.paths)
        before = await cache.at(paths)
        found.require_known({path: file.blob_id for path, file in before.items()}, paths, self.stamp)
        loaded = await self.load(paths, before)
        replaced = Replaced(before, {file.path: file for file in loaded.files})
        concern = await concern_of(replaced, cache)
        after = replace(
            replaced.tree(known, revision, found.entries),
            unmatched=tuple(await unmatched_after(replaced, concern, known, self.allowed, cache)),
            surroundings=await self.beside() if found.beside else known.surroundings,
        )
        require_room(after, self.max_files)
        if after != known:
            await cache.keep(stamped(loaded.files, self.stamp), drop=replaced.gone, tree=after)
        snapshot = assemble(
            revision,
            concern.files,
            allowed=self.allowed,
            parsed=len(loaded.parsed),
            unmatched=after.unmatched,
        )
        return replace(amid(snapshot, after.surroundings), files=after.files, about=concern.chatbot_ids)
