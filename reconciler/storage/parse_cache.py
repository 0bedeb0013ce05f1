"""The cache of parsed files in the database, found by path, by include and by claim."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from secrets import token_hex
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, delete, exists, insert, select

from reconciler.domain.document import KnownTree, ParsedFile
from reconciler.domain.json_values import to_json
from reconciler.storage.bodies import drop_unused_bodies, keep_bodies, known_bodies
from reconciler.storage.contents import in_parts
from reconciler.storage.encoded import encoded
from reconciler.storage.tables import documents, file_claims, file_includes, known_trees, parsed_files
from reconciler.storage.transaction import OpenTransaction, Transaction

_PROGRAM: Final = version("wizchat-reconciler")
_TREE: Final = TypeAdapter(KnownTree)
_BY_PATH: Final = (parsed_files, file_claims, file_includes)


class SqlParseCache:
    """Implements `ports.ParseCache` for one source.

    Args:
        source: Its name.
        reading: Opens a transaction that reads.
        writing: Opens one that writes.
        keeps: Whether anything is remembered; without, the cache is only read.
    """

    def __init__(self, source: str, reading: OpenTransaction, writing: OpenTransaction, *, keeps: bool = True) -> None:
        self._source = source
        self._reading = reading
        self._writing = writing
        self._keeps = keeps
        self._writer: str | None = None

    async def find(self, blobs: Mapping[str, str]) -> Mapping[str, ParsedFile]:
        """What is known of files given as path → blob id; paths that are not known are left out."""
        found: dict[str, ParsedFile] = {}
        async with self._reading() as transaction:
            self._writer = await self._last_writer(transaction)
            for paths in in_parts(blobs):
                found |= await self._files(transaction, parsed_files.c.path.in_(paths), blobs)
        return found

    async def paths(self) -> frozenset[str]:
        """The paths of all files that are known."""
        async with self._reading() as transaction:
            of_source = parsed_files.c.source == self._source
            return frozenset(await transaction.connection.scalars(select(parsed_files.c.path).where(of_source)))

    async def keep(
        self, files: Sequence[ParsedFile], *, drop: Iterable[str] = (), tree: KnownTree | None = None
    ) -> None:
        """Remember files with their bodies, replacing older knowledge of the same paths, and forget other paths."""
        forgotten = {*drop, *(file.path for file in files)}
        if not self._keeps or not (forgotten or tree):
            return
        async with self._writing() as transaction:
            await self._describe(transaction, tree)
            gone = await self._forget(transaction, forgotten)
            read = (document for file in files for document in file.documents if document.stored is None)
            bodies = {document.digest: document.body for document in read}
            await keep_bodies(transaction, self._source, bodies)
            rows = await transaction.records.compute(lambda: [self._row(file) for file in files], files)
            await _add(transaction, parsed_files, rows)
            await _add(transaction, file_claims, [row for file in files for row in self._claims(file)])
            await _add(transaction, file_includes, [row for file in files for row in self._includes(file)])
            await drop_unused_bodies(transaction, self._source, gone)

    async def promoted_tree(self) -> KnownTree | None:
        """The tree that all known files are, when the source's claims at its good revision are theirs."""
        async with self._reading() as transaction:
            self._writer = await self._last_writer(transaction)
            tree = await transaction.connection.scalar(
                select(known_trees.c.tree).where(
                    known_trees.c.source == self._source,
                    known_trees.c.program == _PROGRAM,
                    known_trees.c.is_promoted.is_(True),
                )
            )
            tree_of_blobs = _TREE.validate_python(tree) if tree is not None else None
            # what is deleted by hand is deleted as a whole
            is_there = exists().where(parsed_files.c.source == self._source)
            return (
                tree_of_blobs
                if tree_of_blobs is not None and await transaction.connection.scalar(select(is_there))
                else None
            )

    async def at(self, paths: Collection[str]) -> Mapping[str, ParsedFile]:
        """What is known of files, by path."""
        found: dict[str, ParsedFile] = {}
        async with self._reading() as transaction:
            for part in in_parts(paths):
                found |= await self._files(transaction, parsed_files.c.path.in_(part))
        return found

    async def with_findings(self) -> Mapping[str, ParsedFile]:
        """The files in which something was found, by path: among them every one that claims nothing."""
        async with self._reading() as transaction:
            return await self._files(transaction, parsed_files.c.has_findings.is_(True))

    async def claiming(self, chatbot_ids: Collection[str]) -> frozenset[str]:
        """The paths of the files that claim any of these chatbots."""
        return await self._paths(file_claims, file_claims.c.chatbot_id, chatbot_ids)

    async def including(self, paths: Collection[str]) -> frozenset[str]:
        """The paths of the files that include any of these."""
        return await self._paths(file_includes, file_includes.c.included, paths)

    async def claimed_ids(self) -> frozenset[str]:
        """The chatbots that all known files claim."""
        column = file_claims.c
        ids = select(column.chatbot_id).where(column.source == self._source, column.chatbot_id.is_not(None))
        async with self._reading() as transaction:
            return frozenset(await transaction.connection.scalars(ids))

    async def standing(self, chatbot_ids: Collection[str], paths: Collection[str]) -> Mapping[str, str]:
        """The claims of the source at its good revision, as chatbot id → path."""
        column, found = documents.c, dict[str, str]()
        conditions = [column.chatbot_id.in_(part) for part in in_parts(chatbot_ids)]
        conditions += [column.path.in_(part) for part in in_parts(paths)]
        async with self._reading() as transaction:
            for condition in conditions or [column.refusal.is_not(None)]:
                statement = select(column.chatbot_id, column.path).where(column.source == self._source, condition)
                found |= {row.chatbot_id: row.path for row in await transaction.connection.execute(statement)}
        return found

    async def _files(
        self, transaction: Transaction, condition: ColumnElement[bool], blobs: Mapping[str, str] | None = None
    ) -> dict[str, ParsedFile]:
        """Known files of which every body is there, too."""
        column = parsed_files.c
        statement = select(column.path, column.blob_id, column.file).where(
            column.source == self._source, column.program == _PROGRAM, condition
        )
        kept = await transaction.connection.execute(statement)
        # its rows are decoded when they are looked at
        files = await transaction.records.run(partial(_parsed_files, kept, blobs))
        digests = {path: {document.digest for document in file.documents} for path, file in files.items()}
        bodies = await known_bodies(
            transaction, self._source, {digest for digests_of_file in digests.values() for digest in digests_of_file}
        )
        return {path: file for path, file in files.items() if digests[path] <= bodies}

    async def _paths(self, table: Any, column: ColumnElement[str], values: Collection[str]) -> frozenset[str]:
        found: set[str] = set()
        async with self._reading() as transaction:
            for part in in_parts(values):
                statement = select(table.c.path).where(table.c.source == self._source, column.in_(part))
                found.update(await transaction.connection.scalars(statement))
        return frozenset(found)

    async def _last_writer(self, transaction: Transaction) -> str | None:
        statement = select(known_trees.c.writer).where(known_trees.c.source == self._source)
        writer: str | None = await transaction.connection.scalar(statement)
        return writer

    async def _describe(self, transaction: Transaction, tree: KnownTree | None) -> None:
        """Say which tree the files are, unless somebody else wrote meanwhile: then they may be of several."""
        alone = await self._last_writer(transaction) == self._writer
        self._writer = token_hex(8)
        await transaction.write(delete(known_trees).where(known_trees.c.source == self._source))
        row = {
            "source": self._source,
            "program": _PROGRAM,
            "writer": self._writer,
            "tree": asdict(tree) if tree is not None and alone else None,
            "is_promoted": False,
        }
        await transaction.write(insert(known_trees), row)

    async def _forget(self, transaction: Transaction, paths: Collection[str]) -> set[str]:
        """Forget what is known of files, and give the digests of what they held."""
        gone: set[str] = set()
        for part in in_parts(paths):
            claim = file_claims.c
            digests = select(claim.digest).where(claim.source == self._source, claim.path.in_(part))
            gone.update(await transaction.connection.scalars(digests.where(claim.digest.is_not(None))))
            for table in _BY_PATH:
                await transaction.write(delete(table).where(table.c.source == self._source, table.c.path.in_(part)))
        return gone

    def _row(self, file: ParsedFile) -> dict[str, Any]:
        return {
            "source": self._source,
            "path": file.path,
            "blob_id": file.blob_id,
            "program": _PROGRAM,
            "has_findings": bool(file.diagnostics),
            "file": encoded(to_json(file.without_bodies())),
        }

    def _claims(self, file: ParsedFile) -> Iterable[dict[str, Any]]:
        place = {"source": self._source, "path": file.path}
        digests = [document.digest for document in file.documents]
        for number, claim in enumerate(file.claims):
            digest = digests[number] if number < len(digests) else None
            yield {**place, "number": number, "chatbot_id": claim.chatbot_id, "digest": digest}

    def _includes(self, file: ParsedFile) -> Iterable[dict[str, Any]]:
        return ({"source": self._source, "path": file.path, "included": path} for path in file.includes)


async def _add(transaction: Transaction, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        await transaction.write(insert(table), rows)


def _parsed_files(kept: Iterable[Any], blobs: Mapping[str, str] | None) -> dict[str, ParsedFile]:
    return {path: ParsedFile.from_json(file) for path, blob_id, file in kept if blobs is None or blobs[path] == blob_id}
