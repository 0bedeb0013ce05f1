from collections.abc import Iterable, Mapping, Sequence

from reconciler.domain.document import ParsedFile
from reconciler.domain.json_values import to_json


class MemoryParseCache:
    """Keeps parsed files as JSON, as the database does, and counts what it is asked to keep."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[str, dict[str, object]]] = {}
        self.kept = 0

    async def find(self, blobs: Mapping[str, str]) -> Mapping[str, ParsedFile]:
        return {
            path: ParsedFile.from_json(self.rows[path][1])
            for path, blob_id in blobs.items()
            if path in self.rows and self.rows[path][0] == blob_id
        }

    async def keep(self, files: Sequence[ParsedFile], *, drop: Iterable[str] = ()) -> None:
        for path in drop:
            self.rows.pop(path, None)
        for file in files:
            self.rows[file.path] = (file.blob_id, to_json(file))
            self.kept += 1
