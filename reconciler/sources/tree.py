"""All files of one revision, or of a folder on disk, and which of them are documents."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

DEFAULT_PATHS: Final = ("chatbots/**/*.yaml", "chatbots/**/*.yml", "chatbots/**/*.json")
"""Where documents are, unless a source says otherwise."""

DOCUMENT_SUFFIXES: Final = (".yaml", ".yml", ".json")
REGULAR_MODES: Final = frozenset({"100644", "100755", "100664"})
SYMLINK: Final = "120000"
SUBMODULE: Final = "160000"
UNNAMEABLE: Final = "unnameable"
"""Ours, not git's: a name that is not UTF-8, or that cannot be shown."""

LEAKING: Final = "leaking"
"""Ours too: a name that holds a key."""

_KINDS: Final[Mapping[str, str]] = {
    SYMLINK: "a symbolic link",
    SUBMODULE: "a submodule",
    UNNAMEABLE: "a file whose name is not printable UTF-8",
    LEAKING: "a file whose name holds what looks like a key (take it out, and revoke it)",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a tree.

    Attributes:
        path: Relative to the root, with ``/``.
        mode: Git's mode, such as ``100644``.
        blob_id: What its content is read by; equal ids mean equal content.
        size: In bytes.
    """

    path: str
    mode: str
    blob_id: str
    size: int

    @property
    def is_regular(self) -> bool:
        """Whether it is a file and nothing else."""
        return self.mode in REGULAR_MODES

    @property
    def kind(self) -> str:
        """What it is, for a message."""
        return "a file" if self.is_regular else _KINDS.get(self.mode, "not a file")


def entry_of(name: bytes, mode: str, blob_id: str, size: int) -> Entry:
    """An entry for a file name as git or the file system gives it."""
    path = name.decode(errors="backslashreplace")
    if path.encode() != name or not path.isprintable():
        path = path.encode("unicode_escape").decode("ascii")
        return Entry(path, UNNAMEABLE, blob_id, size)
    return Entry(path, mode, blob_id, size)


class Tree(Protocol):
    """All files of one revision. Nothing outside of it can be reached through it."""

    def entry(self, path: str) -> Entry | None:
        """What stands at a path; None for folders and for what does not exist."""

    def entries(self) -> Iterable[Entry]:
        """Everything that is not a folder."""

    def read(self, blob_ids: Collection[str]) -> Mapping[str, bytes]:
        """The contents, by id, all at once.

        Raises:
            SourceUnreadable: When one of them cannot be read.
        """


def documents_of(tree: Tree, paths: Sequence[str]) -> list[Entry]:
    """The entries that a source's path globs select, ordered by path; only YAML and JSON files are documents."""
    patterns = [_compiled(path) for path in paths]
    return sorted(
        (
            entry
            for entry in tree.entries()
            if entry.path.endswith(DOCUMENT_SUFFIXES) and any(pattern.match(entry.path) for pattern in patterns)
        ),
        key=lambda entry: entry.path,
    )


@lru_cache(maxsize=256)
def _compiled(glob: str) -> re.Pattern[str]:
    return re.compile(_translate(glob), re.DOTALL)


_TOKENS: Final = re.compile(
    r"(?P<folders>(?:^|(?<=/))\*\*/)|(?P<all>(?:^|(?<=/))\*\*\Z)|(?P<star>\*+)|(?P<one>\?)|(?P<set>\[!?\]?[^\]/]*\])"
)


def _translate(glob: str) -> str:
    """A regular expression for a glob as git's pathspecs know it: only ``**`` crosses folders."""
    result, at = "", 0
    for token in _TOKENS.finditer(glob):
        result += re.escape(glob[at : token.start()])
        at = token.end()
        match token.lastgroup:
            case "folders":
                result += "(?:[^/]+/)*"
            case "all":
                result += ".+"
            case "star":
                result += "[^/]*"
            case "one":
                result += "[^/]"
            case _:
                result += _translate_set(token[0])
    return result + re.escape(glob[at:]) + r"\Z"


def _translate_set(token: str) -> str:
    inner = token[1:-1].replace("\\", "\\\\").replace("[", "\\[")
    negated = inner.startswith("!")
    body = inner[1:] if negated else inner.replace("^", "\\^", 1) if inner.startswith("^") else inner
    return f"(?!/)[{'^' if negated else ''}{body}]"
