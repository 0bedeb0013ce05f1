"""Documents in a folder on disk, as the command line reads them: the same loader, the same rules, no git needed."""

import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Self

from reconciler.domain.assemble import assemble
from reconciler.domain.document import Snapshot
from reconciler.errors import NotFound, SettingsError, SourceCause, SourceUnreadable
from reconciler.sources.builder import LIMITS
from reconciler.sources.contract import DocumentContract
from reconciler.sources.file_tree import (
    DEFAULT_PATHS,
    DOCUMENT_SUFFIXES,
    SUBMODULE,
    SYMLINK,
    Entry,
    Tree,
    documents_of,
    entry_of,
    literal,
)
from reconciler.sources.loader import Loaded, load_tree
from reconciler.sources.unmatched_files import with_surroundings

_GIT: Final = ".git"
_SPECIAL: Final = "000000"
_REGULAR: Final = "100644"


def load_folder(
    root: Path,
    paths: Sequence[Path],
    contract: DocumentContract,
    *,
    globs: Sequence[str] = DEFAULT_PATHS,
    allowed: Sequence[str] = (),
) -> Snapshot:
    """What the documents in a folder say, as they stand on disk.

    Args:
        root: The folder that includes may not leave: the repository's root.
        paths: Files and folders in it; of a folder, every YAML and JSON file. Empty means what the globs select.
        contract: What a document may state.
        globs: Where documents are, relative to the root.
        allowed: The chatbot ids or patterns that may be managed; empty means all.

    Raises:
        NotFound: When a path does not exist.
        SettingsError: When a path lies outside of the root, or is no document's.
        SourceUnreadable: When the disk fails.
    """
    return load_selection(Selection(root.resolve(), tuple(paths), tuple(globs)), contract, allowed=allowed)


def load_selection(selection: "Selection", contract: DocumentContract, *, allowed: Sequence[str] = ()) -> Snapshot:
    """What the selected documents of a folder say, as they stand on disk; the arguments are those of `snapshot_of`."""
    return snapshot_of(FolderTree.read_from(selection.top), selection, contract, allowed=allowed)[0]


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a folder is to be read.

    Attributes:
        top: The folder that includes may not leave, resolved.
        paths: Files and folders in it; empty means what the globs select.
        globs: Where documents are, relative to the top.
        with_globs: Whether what the globs select is read beside the paths.
    """

    top: Path
    paths: tuple[Path, ...] = ()
    globs: tuple[str, ...] = DEFAULT_PATHS
    with_globs: bool = False

    def entries(self, tree: Tree) -> list[Entry]:
        """The documents' files.

        Raises:
            NotFound: When a path does not exist.
            SettingsError: When a path lies outside of the top, or is no document's.
        """
        found = {entry.path: entry for path in self.paths for entry in _at(tree, self.top, path)}
        if not self.paths or self.with_globs:
            found |= {entry.path: entry for entry in documents_of(tree, self.globs)}
        return [found[path] for path in sorted(found)]

    def as_globs(self, tree: Tree) -> Sequence[str]:
        """The globs that select as much."""
        named = [_glob_of(tree, self.top, path) for path in self.paths]
        return [*named, *self.globs] if self.with_globs or not named else named


def snapshot_of(
    tree: Tree, selection: Selection, contract: DocumentContract, *, allowed: Sequence[str] = ()
) -> tuple[Snapshot, Loaded]:
    """What the selected documents of a tree say, and the files that they were read from.

    Args:
        tree: All files.
        selection: Which of them.
        contract: What a document may state.
        allowed: The chatbot ids or patterns that may be managed; empty means all.

    Raises:
        NotFound: When a path does not exist.
        SettingsError: When a path lies outside of the top, or is no document's.
        SourceUnreadable: When the disk fails.
    """
    loaded = load_tree(tree, selection.entries(tree), contract, {})
    snapshot = assemble(None, loaded.files, allowed=allowed, parsed=len(loaded.parsed))
    globs = selection.as_globs(tree)
    return with_surroundings(snapshot, tree, globs, tells_outside=not selection.paths), loaded


@dataclass(frozen=True, slots=True)
class FolderTree:
    """All files in a folder, found without following a symbolic link; ``.git`` is left out."""

    root: Path
    by_path: Mapping[str, Entry]

    @classmethod
    def read_from(cls, root: Path) -> Self:
        """The files as they are now."""
        return cls(root, {entry.path: entry for entry in _walk(root)})

    def entry(self, path: str) -> Entry | None:
        """What stands at a path."""
        return self.by_path.get(path)

    def entries(self) -> Iterable[Entry]:
        """Everything that is not a folder."""
        return self.by_path.values()

    def read(self, blob_ids: Collection[str]) -> Mapping[str, bytes]:
        """The contents; here a file's path is its id."""
        return {blob_id: self._content(blob_id) for blob_id in blob_ids}

    def _content(self, path: str) -> bytes:
        try:
            handle = os.open(self.root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(handle, "rb") as file:
                # one byte more than allowed, so that a file that grew meanwhile is seen to be too large
                return file.read(LIMITS.file_bytes + 1)
        except OSError as error:
            raise SourceUnreadable(SourceCause.UNREACHABLE, f"{path} cannot be read: {error.strerror}") from error


def _walk(root: Path) -> Iterator[Entry]:
    for folder, folders, files in os.walk(root, followlinks=False, onerror=_refuse_unreadable):
        here = Path(folder)
        for name in [*folders, *files]:
            if name == _GIT or (name in folders and _is_plain_folder(here / name)):
                continue
            yield _entry(root, here / name)
        folders[:] = sorted(name for name in folders if name != _GIT and _is_plain_folder(here / name))


def _refuse_unreadable(error: OSError) -> None:
    raise SourceUnreadable(
        SourceCause.UNREACHABLE, f"{error.filename} cannot be read ({error.strerror}): let it be read, or remove it"
    ) from error


def _is_plain_folder(path: Path) -> bool:
    return not path.is_symlink() and not (path / _GIT).exists()


def _entry(root: Path, path: Path) -> Entry:
    relative = path.relative_to(root).as_posix()
    status = path.lstat()
    return entry_of(os.fsencode(relative), _mode(status.st_mode), relative, status.st_size)


def _mode(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return SYMLINK
    if stat.S_ISDIR(mode):
        return SUBMODULE
    return _REGULAR if stat.S_ISREG(mode) else _SPECIAL


def _glob_of(tree: Tree, root: Path, path: Path) -> str:
    """What a file or folder that was named selects."""
    place = _relative(root, path)
    if place == ".":
        return "**"
    return literal(place) if tree.entry(place) else f"{literal(place)}/**"


def _at(tree: Tree, root: Path, path: Path) -> list[Entry]:
    place = _relative(root, path)
    entry = tree.entry(place)
    if entry is not None and entry.mode in {SYMLINK, SUBMODULE} and not place.endswith(DOCUMENT_SUFFIXES):
        raise SettingsError(f"{path} is {entry.kind}, which is not followed: name the folder itself")
    if entry is not None:
        if not place.endswith(DOCUMENT_SUFFIXES):
            raise SettingsError(f"{path} is no document: name a .yaml, .yml or .json file, or a folder")
        return [entry]
    if not path.is_dir():
        raise NotFound(f"there is no file or folder {path}")
    below = PurePosixPath(place)
    return [entry for entry in documents_of(tree, ("**",)) if below in PurePosixPath(entry.path).parents]


def _relative(root: Path, path: Path) -> str:
    # the last part is not resolved, so that a symbolic link is refused as what it is
    absolute = path.parent.resolve() / path.name if path.name not in {"", ".."} else path.resolve()
    try:
        return absolute.relative_to(root).as_posix()
    except ValueError:
        raise SettingsError(f"{path} lies outside of {root}: name files and folders inside of it") from None
