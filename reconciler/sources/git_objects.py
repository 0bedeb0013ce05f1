"""What git prints of the objects in a repository, and how much of it there may be."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from reconciler.sources.file_tree import Entry, entry_of
from reconciler.sources.git_process import Caps

LISTING: Final = Caps(stdout_bytes=64 * 1024**2, files=200_000)
"""For the names of all files."""
_REVISION: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_SHA256_DIGITS: Final = 64
_ABSENT: Final = "000000"
CONTENTS: Final = Caps(stdout_bytes=160 * 1024**2)
"""For files with their headers: more than the loader ever asks for at once."""


@dataclass(frozen=True, slots=True)
class TreeChange:
    """A place at which two trees differ; sizes are not known, and are 0.

    Attributes:
        before: What stood there; None where nothing did.
        after: What stands there.
    """

    before: Entry | None
    after: Entry | None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Both, as far as there are."""
        return tuple(entry for entry in (self.before, self.after) if entry is not None)


class ObjectMissing(Exception):
    """A repository does not hold an object that it names."""


def is_revision(text: str) -> bool:
    """Whether a text is a whole commit id, and so neither an option nor a name."""
    return _REVISION.match(text) is not None


def object_format_of(revision: str) -> str:
    """The format of a repository that can hold a commit."""
    return "sha256" if len(revision) == _SHA256_DIGITS else "sha1"


def tree_entries(listing: bytes) -> Iterable[Entry]:
    """The entries that ``ls-tree -z -l`` prints."""
    return (_tree_entry(line) for line in listing.split(b"\0") if line)


def _tree_entry(line: bytes) -> Entry:
    head, _, name = line.partition(b"\t")
    mode, _, blob_id, size = head.decode("ascii").split()
    return entry_of(name, mode, blob_id, int(size) if size.isdigit() else 0)


def tree_changes(listing: bytes) -> Iterator[TreeChange]:
    """What ``diff-tree -r -z --raw`` prints of two trees."""
    fields = iter(listing.split(b"\0"))
    for head in fields:
        if not head:
            continue
        modes_and_ids, name = head.decode("ascii").removeprefix(":").split(), next(fields)
        old_mode, new_mode, old_id, new_id, _ = modes_and_ids
        yield TreeChange(_changed(name, old_mode, old_id), _changed(name, new_mode, new_id))


def _changed(name: bytes, mode: str, blob_id: str) -> Entry | None:
    return None if mode == _ABSENT else entry_of(name, mode, blob_id, 0)


def blobs(output: bytes, wanted: Iterable[str]) -> Iterable[tuple[str, bytes]]:
    """Id and content of each object that ``cat-file --batch`` prints.

    Args:
        output: What it printed.
        wanted: The ids that it was asked for, in the same order.

    Raises:
        ObjectMissing: When one is missing.
    """
    at = 0
    for blob_id in wanted:
        end = output.find(b"\n", at)
        header = output[at:end].split()
        if end < 0 or len(header) != 3 or header[:2] != [blob_id.encode(), b"blob"]:  # noqa: PLR2004 - id, type, size
            raise ObjectMissing(f"the object {blob_id} is missing")
        start, size = end + 1, int(header[2])
        yield blob_id, output[start : start + size]
        at = start + size + 1
