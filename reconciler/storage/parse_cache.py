"""What files said, kept so that an unchanged file is never parsed twice."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import delete, insert, select

from reconciler.domain.document import ParsedFile
from reconciler.domain.json_values import to_json
from reconciler.storage.encoded import encoded
from reconciler.storage.tables import parsed_files
from reconciler.storage.transaction import OpenTransaction

T = TypeVar("T")

_CHUNK: Final = 500
"""Databases limit the variables of a statement."""

_PROGRAM: Final = version("wizchat-reconciler")


class SqlParseCache:
    """Implements `ports.ParseCache` for one source."""

    def __init__(self, source: str, reading: OpenTransaction, writing: OpenTransaction) -> None:
        self._source = source
        self._reading = reading
        self._writing = writing

    async def find(self, blobs: Mapping[str, str]) -> Mapping[str, ParsedFile]:
        """What is known of files given as path → blob id; paths that are not known are left out."""
        found: dict[str, ParsedFile] = {}
        async with self._reading() as transaction:
            for paths in _chunks(blobs):
                statement = select(parsed_files.c.path, parsed_files.c.blob_id, parsed_files.c.file).where(
                    parsed_files.c.source == self._source,
                    parsed_files.c.path.in_(paths),
                    parsed_files.c.program == _PROGRAM,
                )
                kept = await transaction.connection.execute(statement)
                # its rows are decoded when they are looked at
                found |= await transaction.records.run(partial(_known, kept, blobs))
        return found

    async def keep(self, files: Sequence[ParsedFile], *, drop: Iterable[str] = ()) -> None:
        """Remember files, replacing older knowledge of the same paths, and forget the paths in ``drop``."""
        forgotten = {*drop, *(file.path for file in files)}
        if not forgotten:
            return
        async with self._writing() as transaction:
            rows = await transaction.records.compute(lambda: [self._row(file) for file in files], files)
            for paths in _chunks(forgotten):
                old = delete(parsed_files).where(parsed_files.c.source == self._source, parsed_files.c.path.in_(paths))
                await transaction.write(old)
            if rows:
                await transaction.write(insert(parsed_files), rows)

    def _row(self, file: ParsedFile) -> dict[str, Any]:
        return {
            "source": self._source,
            "path": file.path,
            "blob_id": file.blob_id,
            "program": _PROGRAM,
            "file": encoded(to_json(file)),
        }


def _known(kept: Iterable[Any], blobs: Mapping[str, str]) -> Mapping[str, ParsedFile]:
    return {path: ParsedFile.from_json(file) for path, blob_id, file in kept if blobs[path] == blob_id}


def _chunks(items: Iterable[T]) -> Iterable[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk
