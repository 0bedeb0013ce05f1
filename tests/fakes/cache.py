from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from reconciler.domain.document import KnownTree, ParsedFile
from reconciler.domain.json_values import to_json


class MemoryParseCache:
    """Keeps parsed files as JSON, as the database does, and counts what it is asked to keep.

    What stands at the good revision is in no database here: `promote` says it.
    """

    def __init__(self) -> None:
        self.rows: dict[str, tuple[str, dict[str, object]]] = {}
        self.bodies: dict[str, Mapping[str, Any]] = {}
        self.kept = 0
        self.tree: KnownTree | None = None
        self.claims: Mapping[str, str] = {}
        self.is_promoted = False

    def promote(self, claims: Mapping[str, str]) -> None:
        """Have the claims of the files that are known stand, given as chatbot id → path."""
        self.claims = claims
        self.is_promoted = True

    async def find(self, blobs: Mapping[str, str]) -> Mapping[str, ParsedFile]:
        known = {path: row for path, row in self.rows.items() if blobs.get(path) == row[0]}
        return {path: ParsedFile.from_json(file) for path, (_, file) in known.items()}

    async def paths(self) -> frozenset[str]:
        return frozenset(self.rows)

    async def keep(
        self, files: Sequence[ParsedFile], *, drop: Iterable[str] = (), tree: KnownTree | None = None
    ) -> None:
        for path in drop:
            self.rows.pop(path, None)
        for file in files:
            self.rows[file.path] = (file.blob_id, to_json(file.without_bodies()))
            self.bodies |= {item.digest: item.body for item in file.documents if item.stored is None}
            self.kept += 1
        self.tree = tree
        self.is_promoted = False

    async def promoted_tree(self) -> KnownTree | None:
        return self.tree if self.is_promoted else None

    async def at(self, paths: Collection[str]) -> Mapping[str, ParsedFile]:
        return {path: file for path, file in self._files().items() if path in paths}

    async def with_findings(self) -> Mapping[str, ParsedFile]:
        return {path: file for path, file in self._files().items() if file.diagnostics}

    async def claiming(self, chatbot_ids: Collection[str]) -> frozenset[str]:
        wanted = frozenset(chatbot_ids)
        return frozenset(path for path, file in self._files().items() if file.claimed_ids & wanted)

    async def including(self, paths: Collection[str]) -> frozenset[str]:
        wanted = frozenset(paths)
        return frozenset(path for path, file in self._files().items() if file.includes.keys() & wanted)

    async def claimed_ids(self) -> frozenset[str]:
        return frozenset(chatbot_id for file in self._files().values() for chatbot_id in file.claimed_ids)

    async def standing(self, chatbot_ids: Collection[str], paths: Collection[str]) -> Mapping[str, str]:
        return {key: path for key, path in self.claims.items() if key in chatbot_ids or path in paths}

    def _files(self) -> Mapping[str, ParsedFile]:
        return {path: ParsedFile.from_json(file) for path, (_, file) in self.rows.items()}
