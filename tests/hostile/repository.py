"""Writes git objects by hand: git itself would refuse many of these names and modes, but serves and fetches them."""

import hashlib
import subprocess
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.hostile.corpus.recipes import GOOD, HEAD, SUBMODULE, Case, File, text_file

EVERYTHING: Final = "everything"
_WHO: Final = b"A <a@example.com> 1760000000 +0000"
_FOLDER: Final = b"40000"

Entry = tuple[bytes, str]
Tree = dict[bytes, "Entry | Tree"]


class HostileRepository:
    """A bare repository with one commit per case; a branch whose head has all of them as parents."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run(["git", "init", "--quiet", "--bare", str(folder)], check=True, timeout=60)
        self.commits: dict[str, str] = {}

    def add(self, case: Case) -> str:
        """A commit that holds the case and a healthy document, which is also the commit's id."""
        root: Tree = {}
        good = text_file(GOOD, f"{HEAD}spec: {{core: {{name: Good}}}}\n")
        for file in (good, *case.files):
            content = file.content()
            entry = file.mode.encode(), content.decode() if file.mode == SUBMODULE else self._write(b"blob", content)
            if file.shared:
                _put(root, *self._shared(file, entry))
                continue
            for path in file.paths():
                _put(root, path.split(b"/"), entry)
        self.commits[case.name] = self._commit(root, ())
        return self.commits[case.name]

    def publish(self) -> None:
        """Name everything by one branch."""
        head = self._commit({}, self.commits.values())
        (self.folder / "refs" / "heads" / EVERYTHING).write_text(f"{head}\n")

    def _commit(self, root: Tree, parents: Iterable[str]) -> str:
        lines = [b"tree " + self._tree(root).encode(), *(b"parent " + parent.encode() for parent in parents)]
        return self._write(b"commit", b"\n".join((*lines, b"author " + _WHO, b"committer " + _WHO, b"", b"x\n")))

    def _shared(self, file: File, entry: Entry) -> tuple[list[bytes], Entry]:
        """The first part of the path, and its folder: each is made once, and named so many times by the one above."""
        first, *parts = file.path.split(b"/")
        for part in reversed(parts):
            entry = _FOLDER, self._tree(dict.fromkeys(file.numbered(part), entry))
        return [first], entry

    def _tree(self, tree: Tree) -> str:
        entries = []
        for name, entry in tree.items():
            mode, object_id = (_FOLDER, self._tree(entry)) if isinstance(entry, dict) else entry
            # git sorts folders as if their names ended in a slash
            entries.append((name + b"/" * (mode == _FOLDER), mode + b" " + name + b"\0" + bytes.fromhex(object_id)))
        return self._write(b"tree", b"".join(entry for _, entry in sorted(entries)))

    def _write(self, kind: bytes, content: bytes) -> str:
        whole = kind + b" %d\0" % len(content) + content
        object_id = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
        path = self.folder / "objects" / object_id[:2] / object_id[2:]
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(zlib.compress(whole, 1))
        return object_id


def _put(tree: Tree, parts: list[bytes], entry: tuple[bytes, str]) -> None:
    here = tree
    for part in parts[:-1]:
        inner = here.setdefault(part, {})
        assert isinstance(inner, dict), parts
        here = inner
    here[parts[-1]] = entry
