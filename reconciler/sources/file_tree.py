"""All files of one revision, or of a folder on disk, and which of them are documents."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from reconciler.domain.layout import DOCUMENTS
from reconciler.errors import SettingsError

DOCUMENT_SUFFIXES: Final = (".yaml", ".yml", ".json")
DEFAULT_PATHS: Final = tuple(f"{DOCUMENTS}/**/*{suffix}" for suffix in DOCUMENT_SUFFIXES)
"""Where documents are, unless a source says otherwise."""

_DOCUMENT_ENDS: Final = "{}, {} or {}".format(*DOCUMENT_SUFFIXES)
REGULAR_MODES: Final = frozenset({"100644", "100755", "100664"})
SYMLINK: Final = "120000"
SUBMODULE: Final = "160000"
UNNAMEABLE: Final = "unnameable"
"""Ours, not git's: a name that is not UTF-8, or that cannot be shown."""

LEAKING: Final = "leaking"
"""Ours too: a name that holds a key."""

IGNORED: Final = "ignored"
"""Ours too: a file on the disk that no commit holds, because git ignores it."""

_KINDS: Final[Mapping[str, str]] = {
    SYMLINK: "a symbolic link",
    SUBMODULE: "a submodule",
    UNNAMEABLE: "a file whose name is not printable UTF-8",
    IGNORED: "a file that git ignores, so that no commit holds it",
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


class Files(Protocol):
    """The files of one revision, by path. Nothing outside of it can be reached through them."""

    def entry(self, path: str) -> Entry | None:
        """What stands at a path; None for folders and for what does not exist."""

    def read(self, blob_ids: Collection[str]) -> Mapping[str, bytes]:
        """The contents, by id, all at once.

        Raises:
            SourceUnreadable: When one of them cannot be read.
        """


class Tree(Files, Protocol):
    """All files of one revision."""

    def entries(self) -> Iterable[Entry]:
        """Everything that is not a folder."""


def documents_of(tree: Tree, paths: Sequence[str]) -> list[Entry]:
    """The entries that a source's path globs select, ordered by path; only YAML and JSON files are documents."""
    globs = Globs(tuple(paths))
    return sorted(
        (entry for entry in tree.entries() if entry.path.endswith(DOCUMENT_SUFFIXES) and globs.select(entry.path)),
        key=lambda entry: entry.path,
    )


@dataclass(frozen=True, slots=True)
class Globs:
    r"""Path globs as git's pathspecs know them; one that begins with ``!`` excludes, and the last that matches wins.

    An exclusion that matches a folder holds for all that is in it. ``\!`` stands for a name that begins with ``!``.
    """

    patterns: tuple[str, ...]

    def select(self, path: str) -> bool:
        """Whether a file is selected."""
        return self._last_word(path, lambda glob: _compiled(glob).match(path) is not None)

    def may_select_below(self, folder: str) -> bool:
        """Whether something in a folder, or behind a link in its place, would be selected."""
        return self._last_word(folder, lambda glob: _leads_below(glob, folder))

    def _last_word(self, path: str, is_included: Callable[[str], bool]) -> bool:
        for pattern in reversed(self.patterns):
            if pattern.startswith("!"):
                if _excludes(pattern[1:], path):
                    return False
            elif is_included(pattern.removeprefix("\\") if pattern.startswith("\\!") else pattern):
                return True
        return False


def check_globs(globs: Sequence[str]) -> None:
    """Refuse globs that can select nothing, however the repository looks.

    Raises:
        SettingsError: Saying how to write them.
    """
    if all(glob.startswith("!") for glob in globs):
        raise SettingsError(
            f'"{globs[0]}" only excludes, and nothing is selected: put before it what to read, as "{DEFAULT_PATHS[0]}"'
        )
    for glob in globs:
        bare = glob.removeprefix("!").removeprefix("\\!")
        parts = bare.rstrip("/").split("/")
        if not bare.strip("/") or {"", ".", ".."} & set(parts) or "\\" in bare:
            raise SettingsError(
                f'"{glob}" is no path from the repository\'s root: write it as "{DEFAULT_PATHS[0]}", without ./ and ..'
            )
        if bare.endswith("/") and not glob.startswith("!"):
            raise SettingsError(f'"{glob}" names a folder, not the files in it: write "{bare}**"')
        if not glob.startswith("!") and not _may_end_as_document(parts[-1]):
            raise SettingsError(
                f'"{glob}" matches no document, as their names end with {_DOCUMENT_ENDS}: write "{_as_documents(bare)}"'
            )


def _may_end_as_document(name: str) -> bool:
    """Whether a file whose name matches this part of a glob may be a document by its name's end."""
    end = re.split(r"[*?\]]", name)[-1]
    is_literal = end == name
    return any(end.endswith(suffix) or (suffix.endswith(end) and not is_literal) for suffix in DOCUMENT_SUFFIXES)


def _as_documents(glob: str) -> str:
    """A glob of documents in the place of one that matches none: those in the folder that it names."""
    folder, _, name = glob.rpartition("/")
    if "." not in name:
        return f"{glob}/**/*{DOCUMENT_SUFFIXES[0]}"
    return f"{folder}/*{DOCUMENT_SUFFIXES[0]}".removeprefix("/")


def literal(path: str) -> str:
    """The glob that matches this path and no other."""
    glob = re.sub(r"[*?\[]", lambda found: f"[{found[0]}]", path)
    return f"\\{glob}" if glob.startswith("!") else glob


def _excludes(glob: str, path: str) -> bool:
    compiled = _compiled(glob.removesuffix("/**").rstrip("/"))
    parts = path.split("/")
    return any(compiled.match("/".join(parts[:length])) for length in range(1, len(parts) + 1))


def _leads_below(glob: str, folder: str) -> bool:
    parts, names = glob.split("/"), folder.split("/")
    for part, name in zip(parts, names, strict=False):
        if part == "**":
            return True
        if not _compiled(part).match(name):
            return False
    return len(parts) > len(names)


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
