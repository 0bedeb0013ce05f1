"""Loads every document of a tree, parsing only what is not known already."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final

from reconciler.domain.document import ParsedFile
from reconciler.domain.secrets import redacted
from reconciler.errors import SourceCause, SourceUnreadable
from reconciler.sources.builder import LIMITS
from reconciler.sources.contract import DocumentContract
from reconciler.sources.includes import identity, read_included
from reconciler.sources.parse import finish, read_file, refuse_file
from reconciler.sources.tree import LEAKING, Entry, Tree, documents_of

LOADER_VERSION: Final = 3
"""To be raised whenever the same bytes may be understood otherwise: what is cached is then parsed anew."""

MAX_FILES: Final = 10_000
MAX_TOTAL_BYTES: Final = 128 * 1024 * 1024
"""Of the documents' files, and of what they include, each."""
MAX_DOCUMENTS: Final = 10_000
MAX_VALUES: Final = 1_000_000
"""Of all documents: each takes some 200 bytes and 9 microseconds, and a file's size does not tell how many it holds."""
BATCH_BYTES: Final = 1024 * 1024
"""Of the files that are read at once: the place of each value is known until its file is finished, and takes more."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Every file of a tree that a source selects.

    Attributes:
        files: All of them, ordered by path.
        parsed: Those that were parsed now, and are worth keeping.
    """

    files: tuple[ParsedFile, ...]
    parsed: tuple[ParsedFile, ...]


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
    tree: Tree, entries: Sequence[Entry], contract: DocumentContract, known: Mapping[str, ParsedFile]
) -> Loaded:
    """What the selected files say.

    Args:
        tree: The revision.
        entries: The files, as `select` gives them.
        contract: What a document may state.
        known: Path → what a file of the same content said; it is used as long as its includes are the same too.
    """
    entries = [_nameable(entry) for entry in entries]
    kept = {entry.path: known[entry.path] for entry in entries if _is_current(known.get(entry.path), entry, tree)}
    refused = {entry.path: refuse_file(entry, why) for entry in entries if (why := _why_unreadable(entry))}
    new = [entry for entry in entries if entry.path not in kept and entry.path not in refused]
    room = _Room()
    room.bytes.take(sum(entry.size for entry in entries if entry.path not in refused))
    for file in kept.values():
        room.admit(file.values, len(file.documents) + len(file.refusals), _included(tree, file.includes))
    parsed = {file.path: file for batch in _batches(new) for file in _parse(tree, batch, contract, room)}
    every = {**kept, **parsed, **refused}
    return Loaded(tuple(every[entry.path] for entry in entries), tuple(parsed.values()))


def _is_current(file: ParsedFile | None, entry: Entry, tree: Tree) -> bool:
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
    return None


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """The files in their order, some at once: git is asked for each batch, and memory holds one."""
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        if batch and size + entry.size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += entry.size
    if batch:
        yield batch


def _parse(tree: Tree, entries: Sequence[Entry], contract: DocumentContract, room: "_Room") -> Iterator[ParsedFile]:
    # each path is parsed and kept for itself, though a tree may name one blob thousands of times
    contents = _read(tree, entries)
    drafts, included = [], []
    for entry in entries:
        draft = read_file(entry, contents[entry.blob_id])
        asked = _included(tree, draft.includes())
        room.admit(draft.values, len(draft.documents), asked)
        drafts.append(draft)
        included += asked
    texts = {blob_id: read_included(data) for blob_id, data in _read(tree, included).items()}
    for draft in drafts:
        yield finish(draft, tree, texts, contract)


def _included(tree: Tree, paths: Iterable[str]) -> list[Entry]:
    """Those of the included files that are read."""
    return [entry for path in paths if (entry := tree.entry(path)) is not None and not _why_unreadable(entry)]


def _read(tree: Tree, entries: Iterable[Entry]) -> Mapping[str, bytes]:
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


@dataclass(slots=True)
class _Room:
    """What a source as a whole may cost."""

    bytes: _Allowance = field(default_factory=lambda: _Allowance("bytes", MAX_TOTAL_BYTES))
    included: _Allowance = field(default_factory=lambda: _Allowance("bytes of included text", MAX_TOTAL_BYTES))
    documents: _Allowance = field(default_factory=lambda: _Allowance("documents", MAX_DOCUMENTS))
    values: _Allowance = field(default_factory=lambda: _Allowance("values", MAX_VALUES))

    def admit(self, values: int, documents: int, included: Iterable[Entry]) -> None:
        """Count one file."""
        self.values.take(values)
        self.documents.take(documents)
        # each document holds its own copy, so an include counts once for every file that asks for it
        self.included.take(sum(entry.size for entry in included))
