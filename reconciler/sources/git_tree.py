"""The files of one commit in a mirror: all of them, or those that somebody asks for."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from reconciler.errors import SourceCause, SourceUnreadable
from reconciler.sources.file_tree import Entry
from reconciler.sources.git_objects import CONTENTS, ObjectMissing, blobs
from reconciler.sources.git_process import DEFAULT_CAPS, Caps, Output

_FEW: Final = 20
"""So many files are read before it is known how large they are."""
_AT_ONCE: Final = 500
"""So many paths are arguments of one command."""


class MirrorBroken(Exception):
    """The mirror itself cannot be used: it is deleted and fetched again."""


class Repository(Protocol):
    """What the files are read from."""

    def local(self, *arguments: str, lines: Iterable[bytes] | None = None, caps: Caps = DEFAULT_CAPS) -> Output:
        """Run a command that must end well."""

    def tree(self, revision: str) -> "GitTree":
        """All files of a commit."""

    def entries_at(self, revision: str, paths: Sequence[str]) -> Mapping[str, Entry]:
        """What stands at some paths of a commit, folders left out."""


@dataclass(frozen=True)
class GitTree:
    """All files of one commit in a mirror.

    Attributes:
        mirror: Where they are.
        by_path: Path → entry.
    """

    mirror: Repository
    by_path: Mapping[str, Entry]

    def entry(self, path: str) -> Entry | None:
        """What stands at a path."""
        return self.by_path.get(path)

    def entries(self) -> Iterable[Entry]:
        """Everything that is not a folder."""
        return self.by_path.values()

    def read(self, blob_ids: Collection[str]) -> Mapping[str, bytes]:
        """The contents, by id, with one ``cat-file --batch``."""
        return self._read(blob_ids, CONTENTS)

    def _read(self, blob_ids: Collection[str], caps: Caps) -> Mapping[str, bytes]:
        if not blob_ids:
            return {}
        lines = [blob_id.encode() for blob_id in blob_ids]
        output = self.mirror.local("cat-file", "--batch", lines=lines, caps=caps)
        try:
            return dict(blobs(output.stdout, blob_ids))
        except ObjectMissing as error:
            raise MirrorBroken(str(error)) from error


@dataclass(frozen=True)
class PartOfTree(GitTree):
    """Some files of one commit in a mirror; others are asked for when somebody wants them.

    Attributes:
        revision: The commit id.
        absent: Paths of which it is known that no file is there.
        contents: Blob id → what a file says, of those that were read to learn of them.
    """

    by_path: dict[str, Entry]
    revision: str
    absent: set[str] = field(default_factory=set)
    contents: dict[str, bytes] = field(default_factory=dict)

    def entry(self, path: str) -> Entry | None:
        """What stands at a path."""
        self.look_up([path])
        return self.by_path.get(path)

    def learn(self, changed: Mapping[str, Entry | None]) -> None:
        """Learn of a few files that differ from another tree's, by reading them: their sizes are not told with that.

        Args:
            changed: Path → what stands there, its size left out.
        """
        if len(changed) > _FEW:
            return
        found = [entry for entry in changed.values() if entry is not None and entry.is_regular]
        try:
            self.contents.update(self._read({entry.blob_id for entry in found}, DEFAULT_CAPS))
        except SourceUnreadable as error:
            if error.cause is SourceCause.TOO_LARGE:
                return  # what is so large is not read before its size is known
            raise
        self.by_path.update({entry.path: replace(entry, size=len(self.contents[entry.blob_id])) for entry in found})
        self.absent.update(path for path, entry in changed.items() if entry is None)

    def read(self, blob_ids: Collection[str]) -> Mapping[str, bytes]:
        """The contents, by id; what was read already is not read again."""
        unread = [blob_id for blob_id in blob_ids if blob_id not in self.contents]
        known = {blob_id: self.contents[blob_id] for blob_id in blob_ids if blob_id in self.contents}
        return {**known, **super().read(unread)} if unread else known

    def look_up(self, paths: Iterable[str]) -> None:
        """Learn what stands at these paths, by one command for very many of them."""
        unknown = sorted(path for path in {*paths} if path not in self.by_path and path not in self.absent)
        for start in range(0, len(unknown), _AT_ONCE):
            part = unknown[start : start + _AT_ONCE]
            self.by_path.update(self.mirror.entries_at(self.revision, part))
            self.absent.update(path for path in part if path not in self.by_path)

    def entries(self) -> Iterable[Entry]:
        """Everything that is not a folder."""
        return self.mirror.tree(self.revision).entries()
