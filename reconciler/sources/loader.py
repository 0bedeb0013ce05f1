"""Loads every document of a tree, parsing only what is not known already."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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

LOADER_VERSION: Final = 2
"""To be raised whenever the same bytes may be understood otherwise: what is cached is then parsed anew."""

MAX_FILES: Final = 10_000
MAX_TOTAL_BYTES: Final = 128 * 1024 * 1024
"""Of the documents' files, and of what they include, each."""


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
    parsed = {file.path: file for file in _parse(tree, new, contract)}
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


def _parse(tree: Tree, entries: Sequence[Entry], contract: DocumentContract) -> list[ParsedFile]:
    # each path is parsed and kept for itself, though a tree may name one blob thousands of times
    _check_total(entry.size for entry in entries)
    contents = _read(tree, entries)
    drafts = [read_file(entry, contents[entry.blob_id]) for entry in entries]
    included = [entry for draft in drafts for path in draft.includes() if (entry := _includable(tree, path))]
    # each document holds its own copy, so an include counts once for every file that asks for it
    _check_total(entry.size for entry in included)
    texts = {blob_id: read_included(data) for blob_id, data in _read(tree, included).items()}
    return [finish(draft, tree, texts, contract) for draft in drafts]


def _includable(tree: Tree, path: str) -> Entry | None:
    entry = tree.entry(path)
    return entry if entry is not None and not _why_unreadable(entry) else None


def _read(tree: Tree, entries: Iterable[Entry]) -> Mapping[str, bytes]:
    sizes = {entry.blob_id: entry.size for entry in entries}
    _check_total(sizes.values())
    return tree.read(list(sizes)) if sizes else {}


def _check_total(sizes: Iterable[int]) -> None:
    total = sum(sizes)
    if total > MAX_TOTAL_BYTES:
        raise SourceUnreadable(
            SourceCause.TOO_LARGE,
            f"the source's files hold {total} bytes and {MAX_TOTAL_BYTES} are the limit: split the source",
        )
