"""Writes a set of files: checks all of them first, then replaces each atomically."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from reconciler.domain.sentences import first_few
from reconciler.errors import ReconcilerError


class CannotWrite(ReconcilerError):
    """The files cannot be written, or would overwrite others."""


@dataclass(frozen=True, slots=True)
class WrittenFiles:
    """What was done.

    Attributes:
        changed: How many files were created or replaced.
        unchanged: How many held the same already.
    """

    changed: int
    unchanged: int


def write_files(folder: Path, files: Mapping[str, str], *, force: bool) -> WrittenFiles:
    """Write files below a folder, which is created.

    Args:
        folder: Where to.
        files: Relative path → text.
        force: Whether files with other content are replaced.

    Raises:
        CannotWrite: A file with other content is in the way, or the system refuses. In the first case nothing was
            written.
    """
    try:
        existing = {path: _content(folder / path) for path in files}
        pending = {path: text.encode() for path, text in files.items() if existing[path] != text.encode()}
        in_the_way = sorted(path for path in pending if existing[path] is not None)
        if in_the_way and not force:
            raise CannotWrite(_refusal(folder, in_the_way))
        for path, content in pending.items():
            _replace(folder / path, content)
    except OSError as error:
        raise CannotWrite(f"{error.filename or folder} cannot be written: {error.strerror}") from error
    return WrittenFiles(len(pending), len(files) - len(pending))


@contextmanager
def private_file(path: Path) -> Iterator[IO[str]]:
    """A file for its owner only, which appears, or replaces what was there, when all of it is written.

    Raises:
        CannotWrite: The system refuses.
    """
    try:
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=".export-", encoding="utf-8", delete=False
        ) as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise CannotWrite(f"{path} cannot be written: {error.strerror}") from error


def _refusal(folder: Path, in_the_way: list[str]) -> str:
    first = first_few([str(folder / in_the_way[0])], len(in_the_way))
    return f"{first} would be overwritten: give --force, or another --to"


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".export-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
