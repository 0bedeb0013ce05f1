"""Loads every document of a tree, parsing only what is not known already."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Final, Protocol, Self, TypeVar

from reconciler.domain.diagnostics import Diagnostic
from reconciler.domain.document import KnownTree, ParsedFile, Snapshot
from reconciler.domain.secrets import redacted
from reconciler.errors import SourceCause, SourceUnreadable
from reconciler.sources.builder import LIMITS
from reconciler.sources.contract import DocumentContract
from reconciler.sources.document_parser import DocumentDraft, finish, read_file, refuse_draft, refuse_file
from reconciler.sources.file_tree import LEAKING, Entry, Files, Tree, documents_of
from reconciler.sources.includes import identity, read_included

T = TypeVar("T")

LOADER_VERSION: Final = 6
"""To be raised whenever the same bytes may be understood otherwise: what is cached is then parsed anew."""

MAX_FILES: Final = 10_000
BATCH_BYTES: Final = 1024 * 1024
"""Of the files that are read at once: the place of each value is known until its file is finished, and takes more."""


@dataclass(frozen=True, slots=True)
class SourceLimits:
    """How much all files of a source may ask of the program together, those that are known already included.

    Attributes:
        bytes: The size of the documents' files.
        documents: How many documents they hold, blank ones included.
        values: How many values, the keys of mappings included: each takes some 9 microseconds, and some 100 bytes while
            its file is read, and a file's size does not tell how many it holds.
        characters: How long their texts are, what is included or repeated counted each time.
    """

    bytes: int = 128 * 1024 * 1024
    documents: int = 10_000
    values: int = 5_000_000
    characters: int = 128 * 1024 * 1024


SOURCE_LIMITS: Final = SourceLimits()


@dataclass(frozen=True, slots=True)
class Loaded:
    """Every file of a tree that a source selects.

    Attributes:
        files: All of them, ordered by path.
        parsed: Those that were parsed now.
    """

    files: tuple[ParsedFile, ...]
    parsed: tuple[ParsedFile, ...]


def tree_of(
    loaded: Loaded, snapshot: Snapshot, *, key: str, entries: int, unmatched: tuple[Diagnostic, ...]
) -> KnownTree:
    """What is known of a tree, once it was loaded whole.

    Args:
        loaded: Its files.
        snapshot: What they say, with what lies beside them.
        key: What they were read by.
        entries: How many files there are in all.
        unmatched: The findings about limits of the source that no document is for.
    """
    files = loaded.files
    return KnownTree(
        revision=snapshot.revision or "",
        key=key,
        entries=entries,
        files=len(files),
        claims=sum(len(file.claims) for file in files),
        bytes=sum(file.size for file in files),
        documents=sum(file.count for file in files),
        values=sum(file.values for file in files),
        characters=sum(file.characters for file in files),
        surroundings=snapshot.surroundings,
        unmatched=unmatched,
    )


def stamp(contract: DocumentContract) -> str:
    """What a cached file depends on besides its bytes: this program's rules and the contract."""
    return f"{LOADER_VERSION}.{contract.digest[:12]}"


def select(tree: Tree, paths: Sequence[str], *, max_files: int = MAX_FILES) -> list[Entry]:
    """The files that a source's path globs select.

    Raises:
        SourceUnreadable: When they are more than one source may have.
    """
    entries = documents_of(tree, paths)
    if len(entries) > max_files:
        raise SourceUnreadable(
            SourceCause.TOO_LARGE,
            f"{len(entries)} files match the source's paths and {max_files} are the limit: split the source",
        )
    return [_nameable(entry) for entry in entries]


def load_tree(
    tree: Tree,
    entries: Sequence[Entry],
    contract: DocumentContract,
    known: Mapping[str, ParsedFile],
    limits: SourceLimits = SOURCE_LIMITS,
) -> Loaded:
    """What the selected files say.

    Args:
        tree: The revision.
        entries: The files, as `select` gives them.
        contract: What a document may state.
        known: Path → what a file of the same content said; it is used as long as its includes are the same too.
        limits: How much they may ask for together.

    Raises:
        SourceUnreadable: When they ask for more.
    """
    reading = TreeReading(tree, entries, contract, known, limits)
    for batch in reading.batches():
        reading.keep(reading.parse(batch))
    return reading.loaded()


class Parser(Protocol):
    """Parses files elsewhere."""

    def parse(self, tree: Files, batch: Sequence[Entry]) -> list[ParsedFile]:
        """What files say, in their order."""


class TreeReading:
    """The reading of a tree's files, some at once, so that no more than those have to be in memory.

    The arguments are those of `load_tree`.

    Raises:
        SourceUnreadable: When the files that are known ask for more than the limits.
    """

    def __init__(
        self,
        tree: Tree,
        entries: Sequence[Entry],
        contract: DocumentContract,
        known: Mapping[str, ParsedFile],
        limits: SourceLimits = SOURCE_LIMITS,
    ) -> None:
        self._tree = tree
        self._contract = contract
        self._entries = [_nameable(entry) for entry in entries]
        current = (entry for entry in self._entries if _is_current(known.get(entry.path), entry, tree))
        self._files = {entry.path: known[entry.path] for entry in current}
        kept = list(self._files.values())
        refused = {entry.path: refuse_file(entry, why) for entry in self._entries if (why := _why_unreadable(entry))}
        self._parsed: list[str] = []
        self._room = _Room.within(limits)
        self._room.bytes.take(sum(entry.size for entry in self._entries if entry.path not in refused))
        for file in kept:
            self._room.take(file)
        self._new = [entry for entry in self._entries if entry.path not in self._files and entry.path not in refused]
        self.refused = [file for path, file in refused.items() if self._files.get(path) != file]
        """The files that are not read at all, as far as that is new."""
        self._files |= refused

    @property
    def is_large(self) -> bool:
        """Whether there is more than one batch."""
        return sum(entry.size for entry in self._new) > BATCH_BYTES

    def batches(self) -> Iterator[list[Entry]]:
        """The files that have to be parsed, those of a batch at once."""
        return _batches(self._new, lambda entry: entry.size, BATCH_BYTES)

    def parse(self, batch: Sequence[Entry], parser: Parser | None = None) -> list[ParsedFile]:
        """What the files of a batch say.

        Args:
            batch: Some files, as `batches` gives them.
            parser: What parses them instead of this thread.

        Raises:
            SourceUnreadable: When they ask for more than the limits, together with those that came before.
        """
        if parser is None:
            return list(parse_files(self._tree, batch, self._contract, self._room))
        files = parser.parse(self._tree, batch)
        for file in files:
            self._room.take(file)
        return files

    def keep(self, files: Iterable[ParsedFile]) -> None:
        """Take what a batch gave, with the bodies of its documents or without."""
        for file in files:
            self._files[file.path] = file
            self._parsed.append(file.path)

    def loaded(self) -> Loaded:
        """All files, once every batch was parsed."""
        every = tuple(self._files[entry.path] for entry in self._entries)
        return Loaded(every, tuple(self._files[path] for path in self._parsed))


def _is_current(file: ParsedFile | None, entry: Entry, tree: Files) -> bool:
    if file is None or file.blob_id != entry.blob_id or not entry.is_regular:
        return False
    return all(identity(tree, path) == before for path, before in file.includes.items())


def _nameable(entry: Entry) -> Entry:
    """The entry as it may be named everywhere: a key in its path is replaced, and the file refused for it."""
    shown = redacted(entry.path)
    if shown == entry.path:
        return entry
    stem, dot, suffix = shown.rpartition(".")
    mark = sha256(entry.path.encode()).hexdigest()[:8]
    return replace(entry, path=f"{stem}-{mark}{dot}{suffix}", mode=LEAKING)


def _why_unreadable(entry: Entry) -> str | None:
    if not entry.is_regular:
        return f"this is {entry.kind}: put a regular file here, or take it out of the source's paths"
    if entry.size > LIMITS.file_bytes:
        return f"the file is larger than {LIMITS.file_bytes} bytes: split it"
    if len(entry.path) > LIMITS.path:
        return f"the file's path is longer than {LIMITS.path} characters: shorten it"
    return None


def _batches(items: Iterable[T], size: Callable[[T], int], most: int) -> Iterator[list[T]]:
    """The items in their order, some at once: those of a batch are together no larger than that, or it is only one."""
    batch: list[T] = []
    total = 0
    for item in items:
        if batch and total + size(item) > most:
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += size(item)
    if batch:
        yield batch


@dataclass(frozen=True, slots=True)
class _Asking:
    """A file that was read, and the files that it includes."""

    draft: DocumentDraft
    included: Sequence[Entry]

    @property
    def size(self) -> int:
        """Of what it includes."""
        return sum(entry.size for entry in self.included)

    def refusal(self) -> str | None:
        """Why it asks for too much."""
        if len(self.draft.includes) > LIMITS.includes:
            return f"the file includes more than {LIMITS.includes} files: split it"
        if self.size > LIMITS.included_bytes:
            return f"the file includes files of more than {LIMITS.included_bytes} bytes: split it"
        return None


def parse_files(
    tree: Files, entries: Sequence[Entry], contract: DocumentContract, room: "_Room | None" = None
) -> Iterator[ParsedFile]:
    """What files say, in their order.

    Args:
        tree: The revision.
        entries: The files.
        contract: What a document may state.
        room: What is left of the source's limits; by default, all.

    Raises:
        SourceUnreadable: When they ask for more than that.
    """
    room = room or _Room.within(SOURCE_LIMITS)
    # each path is parsed and kept for itself, though a tree may name one blob thousands of times
    contents = _read(tree, entries)
    sizes = {entry.path: entry.size for entry in entries}
    asking = (_ask(tree, read_file(entry, contents[entry.blob_id]), room) for entry in entries)
    for batch in _batches(asking, lambda item: item.size, LIMITS.included_bytes):
        judged = [(file, file.refusal()) for file in batch]
        readable = [entry for item, why in judged if why is None for entry in item.included]
        texts = {blob_id: read_included(data) for blob_id, data in _read(tree, readable).items()}
        for item, why in judged:
            file = refuse_draft(item.draft, tree, why) if why else finish(item.draft, tree, texts, contract)
            room.characters.take(file.characters)
            yield replace(file, size=sizes[file.path], count=item.draft.count)


def _ask(tree: Files, draft: DocumentDraft, room: "_Room") -> _Asking:
    room.documents.take(draft.count)
    room.values.take(draft.values)
    found = (tree.entry(path) for path in draft.includes)
    return _Asking(draft, [entry for entry in found if entry is not None and _is_includable(entry)])


def _is_includable(entry: Entry) -> bool:
    return entry.is_regular and entry.size <= LIMITS.file_bytes


def _read(tree: Files, entries: Iterable[Entry]) -> Mapping[str, bytes]:
    blob_ids = {entry.blob_id for entry in entries}
    return tree.read(blob_ids) if blob_ids else {}


@dataclass(slots=True)
class _Allowance:
    """How much of something a source may hold, and holds so far."""

    what: str
    most: int
    used: int = 0

    def take(self, amount: int) -> None:
        """Count so much more of it.

        Raises:
            SourceUnreadable: When it is more than a source may hold.
        """
        self.used += amount
        if self.used > self.most:
            raise SourceUnreadable(
                SourceCause.TOO_LARGE,
                f"the source's files hold more than {self.most} {self.what}: split the source",
            )


@dataclass(frozen=True, slots=True)
class _Room:
    """What is left of a source's limits."""

    bytes: _Allowance
    documents: _Allowance
    values: _Allowance
    characters: _Allowance

    def take(self, file: ParsedFile) -> None:
        """Count what a file holds that is known, besides its size.

        Raises:
            SourceUnreadable: When it is more than a source may hold.
        """
        self.documents.take(file.count)
        self.values.take(file.values)
        self.characters.take(file.characters)

    @classmethod
    def within(cls, limits: SourceLimits) -> Self:
        """All of it."""
        return cls(**{name: _Allowance(name, most) for name, most in asdict(limits).items()})
