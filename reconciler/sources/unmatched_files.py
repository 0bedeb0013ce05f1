"""What stands beside the documents that a source's paths select: what was skipped, lies outside, or is near."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from itertools import islice
from pathlib import PurePosixPath
from typing import Final

from reconciler.domain.diagnostics import Diagnostic, Severity
from reconciler.domain.document import Refusal, Snapshot, Surroundings
from reconciler.domain.secrets import redacted
from reconciler.domain.sentences import first_few
from reconciler.domain.status import Reason
from reconciler.sources.builder import LIMITS, shorten
from reconciler.sources.file_tree import DOCUMENT_SUFFIXES, SUBMODULE, SYMLINK, Entry, Globs, Tree

_MARK: Final = re.compile(rb"""["']?kind["']?\s*:\s*["']?ChatbotConfig\b""")
_MAX_READ: Final = 2_000
_BEHIND: Final = re.compile(rf"(?:{'|'.join(map(re.escape, DOCUMENT_SUFFIXES))})\W")
"""An ending with something behind it: ``a.yaml.txt``, ``a.yml~``, ``#a.json#``."""

_NEARLY: Final = 0.8
"""How alike an ending is to the one that was meant: ``.yam``, ``.ymal``, ``.jsonc``, and not ``.xml``."""

_MAX_BYTES: Final = 16 * 1024 * 1024
_MAX_OTHERS: Final = 10_000
_MAX_NAMED: Final = 3
_MAX_SKIPPED: Final = 100


def with_surroundings(snapshot: Snapshot, tree: Tree, paths: Sequence[str], *, tells_outside: bool = True) -> Snapshot:
    """A snapshot that tells what was passed over, and, when it is empty, what is near.

    Args:
        snapshot: What the selected files say.
        tree: Where they are.
        paths: The globs that selected them.
        tells_outside: Whether nobody else reads the tree, so that documents outside of the globs are read by nobody.

    Raises:
        SourceUnreadable: When what is near cannot be read.
    """
    if snapshot.documents or snapshot.refusals:
        return amid(snapshot, surroundings_of(tree, paths, tells_outside=tells_outside))
    skipped = tuple(_skipped(tree, Globs(tuple(paths))))[:_MAX_SKIPPED]
    return replace(
        snapshot,
        diagnostics=(*snapshot.diagnostics, *skipped),
        unread=(*snapshot.unread, *skipped),
        nothing=_nothing(snapshot, tree, paths, skipped),
        surroundings=Surroundings(skipped),
    )


def surroundings_of(tree: Tree, paths: Sequence[str], *, tells_outside: bool) -> Surroundings:
    """What lies beside the files of a source that has some; the arguments are those of `with_surroundings`.

    Raises:
        SourceUnreadable: When it cannot be read.
    """
    globs = Globs(tuple(paths))
    return Surroundings(
        skipped=tuple(_skipped(tree, globs))[:_MAX_SKIPPED],
        outside=tuple(_outside(tree, globs)) if tells_outside else (),
        misspelt=tuple(_misspelt(tree, globs)),
    )


def amid(snapshot: Snapshot, surroundings: Surroundings) -> Snapshot:
    """A snapshot, not an empty one, that tells what was passed over."""
    skipped = surroundings.skipped
    refused = tuple(_refusal(found) for found in skipped if found.severity is Severity.ERROR)
    return replace(
        snapshot,
        refusals=(*snapshot.refusals, *refused),
        diagnostics=(*snapshot.diagnostics, *surroundings.all),
        unread=(*snapshot.unread, *skipped),
        surroundings=surroundings,
    )


def lies_beside(entry: Entry, globs: Globs, *, tells_outside: bool) -> bool:
    """Whether what `surroundings_of` finds may depend on a file."""
    if entry.mode in {SYMLINK, SUBMODULE}:
        return _may_hide_documents(entry.path, globs)
    if _is_selected(entry.path, globs):
        return False
    lowered = Globs(tuple(pattern.lower() for pattern in globs.patterns))
    return (
        _is_selected_but_for_case(entry.path, globs, lowered)
        or (tells_outside and entry.path.endswith(DOCUMENT_SUFFIXES))
        or _ends_nearly(entry.path, globs)
    )


def _refusal(found: Diagnostic) -> Refusal:
    """That a document is not read, so that nothing is known of its chatbot."""
    return Refusal(None, found.path or "", Reason.DOCUMENT_INVALID, found.in_one_sentence, found.line)


def _skipped(tree: Tree, globs: Globs) -> Iterator[Diagnostic]:
    yield from _misnamed(tree, globs)
    for entry in tree.entries():
        if entry.mode in {SYMLINK, SUBMODULE} and _may_hide_documents(entry.path, globs):
            message = f"this is {entry.kind}, which is not followed: put the documents behind it here, if there are any"
            yield Diagnostic(Severity.WARNING, message, redacted(entry.path), 1, 1)


def _misnamed(tree: Tree, globs: Globs) -> Iterator[Diagnostic]:
    """Files that would be read if their names were written small: an error about those that hold a document."""
    lowered = Globs(tuple(pattern.lower() for pattern in globs.patterns))
    found = [entry for entry in tree.entries() if _is_selected_but_for_case(entry.path, globs, lowered)]
    marked = _marked(tree, [entry for entry in found if entry.is_regular])
    for entry in found:
        severity = Severity.ERROR if entry.path in marked else Severity.WARNING
        message = "its name differs only in upper and lower case from what is read as a document: rename it"
        yield Diagnostic(severity, message, redacted(entry.path), 1, 1)


def _outside(tree: Tree, globs: Globs) -> Iterator[Diagnostic]:
    """The documents that lie where nobody looks, in one warning however many they are."""
    files = [entry for entry in _documents_by_name(tree) if not _is_selected(entry.path, globs)]
    marked = _marked(tree, files)
    if not marked:
        return
    first, *more = sorted(marked)
    looked_for = ", ".join(shorten(pattern) for pattern in globs.patterns)
    others = f", and so do {len(more)} more ({_named(more)})" if more else ""
    seen = f"; of {len(files)} files there only {_MAX_READ} were looked at" if len(files) > _MAX_READ else ""
    message = (
        f"this document is not read, as it lies outside of {looked_for}{others}{seen}: move it, or add its folder to "
        "what is read"
    )
    yield Diagnostic(Severity.WARNING, message, redacted(first), 1, 1)


def _misspelt(tree: Tree, globs: Globs) -> Iterator[Diagnostic]:
    """The documents whose names end nearly as those that are read, in one warning however many they are."""
    files = [entry for entry in tree.entries() if entry.is_regular and _ends_nearly(entry.path, globs)]
    marked = _marked(tree, files)
    if not marked:
        return
    first, *more = sorted(marked)
    others = f", and neither are {len(more)} more ({_named(more)})" if more else ""
    message = (
        f"this document is not read, as its name does not end with {', '.join(DOCUMENT_SUFFIXES)}{others}: rename it, "
        "or move it away"
    )
    yield Diagnostic(Severity.WARNING, message, redacted(first), 1, 1)


def _ends_nearly(path: str, globs: Globs) -> bool:
    """Whether a file would be read by another ending, and has one that is mistyped, or that a tool put behind it."""
    name = path.rpartition("/")[2].lower()
    if name.endswith(DOCUMENT_SUFFIXES) or not _would_be_selected(path, globs):
        return False
    ending = f".{name.rpartition('.')[2]}" if "." in name else ""
    return bool(_BEHIND.search(name) or get_close_matches(ending, DOCUMENT_SUFFIXES, n=1, cutoff=_NEARLY))


def _may_hide_documents(path: str, globs: Globs) -> bool:
    # what looks like a document is refused as one
    return not _is_selected(path, globs) and globs.may_select_below(path)


def _is_selected_but_for_case(path: str, globs: Globs, lowered: Globs) -> bool:
    small = path.lower()
    if path == small or not small.endswith(DOCUMENT_SUFFIXES):
        return False
    return lowered.select(small) and not _is_selected(path, globs)


def _is_selected(path: str, globs: Globs) -> bool:
    return path.endswith(DOCUMENT_SUFFIXES) and globs.select(path)


def _nothing(snapshot: Snapshot, tree: Tree, paths: Sequence[str], passed_over: Sequence[Diagnostic]) -> str:
    looked_for = ", ".join(shorten(path) for path in paths)
    if snapshot.files:
        return f"no document is in the files that match {looked_for} ({snapshot.files} of them)"
    hints = [f"{shorten(found.path or '')}: {found.message}" for found in passed_over[:_MAX_NAMED]]
    hints += [*_elsewhere(tree), *_other_endings(tree, Globs(tuple(paths)))]
    near = f"near are {'; '.join(hints)}" if hints else "there is no YAML or JSON file at all"
    return f"no file matches {looked_for}: {near}"


def _elsewhere(tree: Tree) -> Iterator[str]:
    """Where documents are, and where at least files are that could be some."""
    files = _documents_by_name(tree)
    marked = _marked(tree, files)
    documents = [entry for entry in files if entry.path in marked]
    if documents:
        yield f"{_counted(len(documents), 'document')} in {_folders(documents)}"
    others = [entry for entry in files if entry.path not in marked]
    if others:
        yield f"{_counted(len(others), 'other YAML or JSON file')} in {_folders(others)}"


def _documents_by_name(tree: Tree) -> Sequence[Entry]:
    return [entry for entry in tree.entries() if entry.is_regular and entry.path.endswith(DOCUMENT_SUFFIXES)]


def _marked(tree: Tree, files: Sequence[Entry]) -> set[str]:
    """The paths of those files that speak of a document's kind; of very many files, of the first."""
    chosen, size = [], 0
    for entry in sorted(files, key=lambda file: file.path)[:_MAX_READ]:
        size += entry.size
        if entry.size <= LIMITS.file_bytes and size <= _MAX_BYTES:
            chosen.append(entry)
    contents = tree.read({entry.blob_id for entry in chosen}) if chosen else {}
    return {entry.path for entry in chosen if _MARK.search(contents[entry.blob_id])}


def _other_endings(tree: Tree, globs: Globs) -> Iterator[str]:
    """Files where documents are looked for, which no ending makes a document."""
    others = (entry.path for entry in tree.entries() if not entry.path.endswith(DOCUMENT_SUFFIXES))
    found = [path for path in islice(others, _MAX_OTHERS) if _would_be_selected(path, globs)]
    if found:
        yield f"{_named(found)} with another ending than {', '.join(DOCUMENT_SUFFIXES)}"


def _named(paths: Sequence[str]) -> str:
    return first_few([redacted(shorten(path)) for path in paths[:_MAX_NAMED]], len(paths))


def _would_be_selected(path: str, globs: Globs) -> bool:
    stem = path.rpartition(".")[0] if "." in path.rpartition("/")[2] else path
    return any(globs.select(f"{stem}{ending}") for ending in DOCUMENT_SUFFIXES)


def _folders(entries: Sequence[Entry]) -> str:
    counts = Counter(str(PurePosixPath(entry.path).parent) for entry in entries)
    named = [shorten("the root" if folder == "." else f"{folder}/") for folder, _ in counts.most_common(_MAX_NAMED)]
    more = f" and {len(counts) - _MAX_NAMED} more folders" if len(counts) > _MAX_NAMED else ""
    return ", ".join(named) + more


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
