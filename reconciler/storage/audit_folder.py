"""Heads of the audit chain and removed entries, in files beside the database."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from reconciler.domain.audit_lines import Head, entry_line, entry_of, head_line, heads_in
from reconciler.domain.audit_verify import Unreadable
from reconciler.domain.records import AuditEntry

HEADS: Final = "audit-heads.jsonl"
ARCHIVE: Final = "audit-archive"
MOST_HEADS: Final = 1000
"""How many heads are left when the file is shortened, at twice as many. One alone covers all that is before it."""


@dataclass(frozen=True, slots=True)
class AuditFolder:
    """Implements `ports.AuditShelf` in a folder, which is made when something is kept."""

    folder: Path

    def heads(self) -> frozenset[Head]:
        """The heads that are kept."""
        try:
            with (self.folder / HEADS).open(encoding="utf-8", errors="replace") as lines:
                return frozenset(heads_in(lines))
        except FileNotFoundError:
            return frozenset()

    def keep_head(self, head: Head, at: datetime, *, forget: bool) -> None:
        """Keep a head durably."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / HEADS
        lines = _whole_lines(path)
        if forget and len(lines) >= 2 * MOST_HEADS:
            _write(path, [*(line.decode(errors="replace") for line in lines[1 - MOST_HEADS :]), head_line(head, at)])
            return
        handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(handle, "wb") as file:
            # a line that a crash left unfinished is written over
            file.truncate(sum(len(line) + 1 for line in lines))
            file.seek(0, os.SEEK_END)
            file.write(f"{head_line(head, at)}\n".encode())
            file.flush()
            os.fsync(file.fileno())

    def archive(self, entries: Sequence[AuditEntry]) -> str:
        """Keep entries durably that are about to be removed, and say where.

        An earlier attempt that archived the same entries, but could not remove them, is replaced.
        """
        folder = self.folder / ARCHIVE
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        begin = f"{entries[0].seq:012d}-"
        path = folder / f"{begin}{entries[-1].seq:012d}.jsonl"
        _write(path, [entry_line(entry) for entry in entries])
        for stale in folder.glob(f"{begin}*.jsonl"):
            if stale != path:
                stale.unlink()
        return f"{ARCHIVE}/{path.name}"

    def archived(self) -> Iterator[AuditEntry | Unreadable]:
        """Everything that was archived, in order."""
        seq = 0
        for path in sorted((self.folder / ARCHIVE).glob("*.jsonl")):
            with path.open(encoding="utf-8", errors="replace") as lines:
                for number, line in enumerate(lines, start=1):
                    entry = _entry(line, f"{path.name} line {number}", seq + 1)
                    seq = entry.seq
                    yield entry


def _entry(line: str, where: str, seq: int) -> AuditEntry | Unreadable:
    try:
        return entry_of(line)
    except ValueError as error:
        return Unreadable(seq, f"{where}: {error}")


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
