"""Stores heads of the audit chain and archived entries in files beside the database."""

import filecmp
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Final

from reconciler.domain.audit import AuditEntry
from reconciler.domain.audit_lines import (
    AuditHead,
    PruneNote,
    entry_line,
    entry_of,
    evidence_in,
    head_line,
    heads_in,
    prune_line,
)
from reconciler.domain.audit_verify import Unreadable
from reconciler.executors import NamedExecutor

HEADS: Final = "audit-heads.jsonl"
ARCHIVE: Final = "audit-archive"
MAX_HEADS: Final = 1000
"""How many heads are left when the file is shortened, at twice as many. One alone covers all that is before it."""
_PIECE: Final = re.compile(r"(\d+)-\d+\.jsonl")


@dataclass(frozen=True, slots=True)
class AuditFolder:
    """Heads of the chain, removed entries, and notes of their removal, in a folder that is made when it is needed.

    Every method waits for the disk: call none of them on the event loop, but in `files`.

    Attributes:
        folder: The folder.
        moved: Files of the archive that were moved elsewhere, and folders of such files.
        files: Where its files are read and written: in one thread, because they are written in order.
    """

    folder: Path
    moved: tuple[Path, ...] = ()
    files: NamedExecutor = field(default_factory=lambda: NamedExecutor("audit-files"), compare=False, repr=False)

    def heads(self) -> frozenset[AuditHead]:
        """The stored heads."""
        return frozenset(heads_in(_text_lines(self.folder / HEADS)))

    def keep_head(self, head: AuditHead, at: datetime, *, forget: bool) -> None:
        """Keep a head durably.

        Args:
            head: What to keep.
            at: When it was the chain's end.
            forget: Whether the oldest may go when there are very many.
        """
        path = self.folder / HEADS
        if forget:
            _shorten(path)
        _append(path, head_line(head, at))

    def prunes(self) -> frozenset[PruneNote]:
        """The removals that are noted in the file of heads."""
        return evidence_in(_text_lines(self.folder / HEADS)).prunes

    def note_prune(self, note: PruneNote, at: datetime) -> None:
        """Note durably, in the file of heads, that entries are about to be removed; no note is ever forgotten."""
        _append(self.folder / HEADS, prune_line(note, at))

    def archive(self, entries: Sequence[AuditEntry]) -> str:
        """Keep entries durably that are about to be removed, and say where.

        An earlier attempt that archived the same entries, but could not remove them, is replaced. What says something
        else of them, as after a backup was restored, is kept under another name.
        """
        folder = self.folder / ARCHIVE
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        begin = f"{entries[0].seq:012d}-"
        path = folder / f"{begin}{entries[-1].seq:012d}.jsonl"
        lines = [entry_line(entry) for entry in entries]
        for earlier in list(folder.glob(f"{begin}*.jsonl")):
            if not _say_the_same(_text_lines(earlier), lines):
                earlier.rename(_free_name(earlier))
        _write(path, lines)
        for earlier in folder.glob(f"{begin}*.jsonl"):
            if earlier != path:
                earlier.unlink()
        return f"{ARCHIVE}/{path.name}"

    def archived(self) -> Iterator[AuditEntry | Unreadable]:
        """Everything that was archived, in order."""
        seq = 0
        for _, path in self._pieces():
            with path.open(encoding="utf-8", errors="replace") as lines:
                for number, line in enumerate(lines, start=1):
                    entry = _entry(line, f"{path.name} line {number}", seq + 1)
                    seq = entry.seq
                    yield entry

    def archived_entry(self, seq: int) -> AuditEntry | None:
        """One archived entry, of the newest file that begins at or before it; None where it cannot be read there."""
        path = next((path for begin, path in reversed(self._pieces()) if begin <= seq), None)
        found = (_entry(line, "", 0) for line in _text_lines(path)) if path else ()
        return next((entry for entry in found if isinstance(entry, AuditEntry) and entry.seq == seq), None)

    def _pieces(self) -> list[tuple[int, Path]]:
        """The files of the archive with the number of their first entry, in its order; copies count once."""
        pieces: list[tuple[int, Path]] = []
        for place in (self.folder / ARCHIVE, *self.moved):
            for path in [place] if place.is_file() else sorted(place.glob("*.jsonl")):
                begin = _begin_of(path)
                copies = (other for number, other in pieces if number == begin)
                if not any(filecmp.cmp(path, other, shallow=False) for other in copies):
                    pieces.append((begin, path))
        return sorted(pieces)


def _begin_of(path: Path) -> int:
    """The number of a file's first entry: by its name, or by its first line where somebody renamed it."""
    if match := _PIECE.fullmatch(path.name):
        return int(match[1])
    return _entry(next(iter(_text_lines(path)), ""), path.name, 0).seq


def _say_the_same(earlier: Sequence[str], lines: Sequence[str]) -> bool:
    """Whether one of them begins with all of the other."""
    return all(earlier_line.rstrip("\n") == line for earlier_line, line in zip(earlier, lines, strict=False))


def _free_name(path: Path) -> Path:
    return next(free for number in count(1) if not (free := path.with_suffix(f".superseded-{number}")).exists())


def _entry(line: str, place: str, seq: int) -> AuditEntry | Unreadable:
    try:
        return entry_of(line)
    except ValueError as error:
        return Unreadable(seq, f"{place}: {error}")


def _text_lines(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            return list(lines)
    except FileNotFoundError:
        return []


def _append(path: Path, line: str) -> None:
    """Add a line durably; one that a crash left unfinished is written over."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = _whole_lines(path)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.truncate(sum(len(line_) + 1 for line_ in lines))
        file.seek(0, os.SEEK_END)
        file.write(f"{line}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def _shorten(path: Path) -> None:
    """Forget the oldest heads when there are very many, and no note of a removal."""
    lines = [line.decode(errors="replace") for line in _whole_lines(path)]
    if len(lines) < 2 * MAX_HEADS:
        return
    notes = {number for number, line in enumerate(lines) if evidence_in([line]).prunes}
    heads = [number for number in range(len(lines)) if number not in notes]
    if len(heads) >= 2 * MAX_HEADS:
        kept = notes.union(heads[1 - MAX_HEADS :])
        _write(path, [line for number, line in enumerate(lines) if number in kept])


def _whole_lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []


def _write(path: Path, lines: Sequence[str]) -> None:
    """Put a file in place that is whole and on the disk, or leave what was there."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
        _sync_folder(path.parent)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
