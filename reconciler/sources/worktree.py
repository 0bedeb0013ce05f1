"""The files of a git work tree as a commit of all of it would hold them: what the service would read.

A checkout is not what git keeps: line ends, encodings and filters stand between them, and ignored files are in none of
its commits. Git itself makes the difference, by an index and objects of their own: neither the repository nor its index
is touched. Untracked files are read, and told, because somebody who writes a new document wants to see its plan first.
"""

import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Final

from reconciler.errors import SourceCause, SourceUnreadable
from reconciler.sources.builder import LIMITS
from reconciler.sources.file_tree import IGNORED, SUBMODULE, Entry, entry_of
from reconciler.sources.git_command import INHERITED, fresh_git, without_others
from reconciler.sources.git_failure import printed
from reconciler.sources.git_objects import CONTENTS, LISTING, ObjectMissing, blobs
from reconciler.sources.git_process import Caps, GitTimeout, Output, outcome

_SECONDS: Final = 120.0
_OPTIONS: Final = (
    "advice.addEmbeddedRepo=false",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    # nothing is written beside the index that was copied
    "core.splitIndex=false",
    "core.safecrlf=false",
    "index.sparse=false",
)
_OWN_SETTINGS: Final = frozenset(
    {
        *("XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_ATTR_NOSYSTEM"),
        *("GIT_CONFIG_COUNT", "GIT_CEILING_DIRECTORIES"),
    }
)
"""What says how a person's git is set up; where a repository and its index are is told by the folder alone."""
_REGULAR: Final = "100644"


@dataclass(frozen=True, slots=True)
class WorkTree:
    """All files that a commit of a work tree would hold.

    Attributes:
        git: Runs git on the index and the objects of that commit.
        by_path: Path → entry.
        untracked: The paths that git does not know yet.
        ignored: The files and folders (with ``/`` at their end) on the disk that git ignores.
    """

    git: "_Git"
    by_path: Mapping[str, Entry]
    untracked: frozenset[str]
    ignored: frozenset[str]

    def entry(self, path: str) -> Entry | None:
        """What stands at a path; a file that git ignores is named as one, and is no part of the tree."""
        if path in self.by_path:
            return self.by_path[path]
        return Entry(path, IGNORED, "", 0) if self._is_ignored(path) else None

    def entries(self) -> Iterable[Entry]:
        """Everything that is not a folder."""
        return self.by_path.values()

    def read(self, blob_ids: Collection[str]) -> Mapping[str, bytes]:
        """The contents, by id."""
        lines = [blob_id.encode() for blob_id in blob_ids]
        output = self.git.run("cat-file", "--batch", lines=lines, caps=CONTENTS)
        try:
            return dict(blobs(output.stdout, blob_ids))
        except ObjectMissing as error:
            raise SourceUnreadable(SourceCause.GIT_FAILED, f"{self.git.root}: {error}: see git fsck") from error

    def _is_ignored(self, path: str) -> bool:
        parts = path.split("/")
        folders = ("/".join(parts[:length]) + "/" for length in range(1, len(parts)))
        return path in self.ignored or any(folder in self.ignored for folder in folders)


@contextmanager
def work_tree(root: Path) -> Iterator[WorkTree | None]:
    """The files of a work tree as they would be committed; None when the folder is no git work tree.

    Args:
        root: The top of the work tree.

    Raises:
        SourceUnreadable: When git cannot read it.
    """
    with TemporaryDirectory(prefix="reconciler-") as scratch:
        git = _Git(root, Path(scratch))
        found = git.attempt("rev-parse", "--show-toplevel")
        is_none = found.status != 0 and ("not a git repository" in found.stderr or "work tree" in found.stderr)
        if is_none or not Path(os.fsdecode(git.require(found).stdout.rstrip(b"\n"))).samefile(root):
            yield None
            return
        git.prepare()
        yield _read(git)


def _read(git: "_Git") -> WorkTree:
    git.run("add", "--update", "--", ".")
    untracked = git.paths("ls-files", "--others", "--exclude-standard", "-z")
    files = [name for name in untracked if not name.endswith(b"/")]
    sizes = {name: _size(git.root, name) for name in files}
    small = [name for name, size in sizes.items() if size <= LIMITS.file_bytes]
    if small:
        git.run("add", "--pathspec-from-file=-", "--pathspec-file-nul", "--", stdin=b"\0".join(small))
    entries = [
        *_indexed(git),
        *(entry_of(name, _REGULAR, "", size) for name, size in sizes.items() if size > LIMITS.file_bytes),
        *(entry_of(name.rstrip(b"/"), SUBMODULE, "", 0) for name in untracked if name.endswith(b"/")),
    ]
    ignored = git.paths("ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z")
    return WorkTree(
        git,
        {entry.path: entry for entry in entries},
        frozenset(entry_of(name, _REGULAR, "", 0).path for name in files),
        frozenset(name.decode(errors="backslashreplace") for name in ignored),
    )


def _size(root: Path, name: bytes) -> int:
    try:
        return Path(os.fsdecode(os.path.join(os.fsencode(root), name))).lstat().st_size  # noqa: PTH118 - a name in bytes
    except FileNotFoundError:
        return 0


def _indexed(git: "_Git") -> Iterator[Entry]:
    staged = [_staged(line) for line in git.paths("ls-files", "--stage", "-z")]
    lines = sorted({blob.encode() for _, mode, blob in staged if mode != SUBMODULE})
    told = git.run("cat-file", "--batch-check=%(objectname) %(objectsize)", lines=lines).stdout
    sizes = {name.decode(): int(size) for name, _, size in (line.partition(b" ") for line in told.splitlines())}
    for name, mode, blob in staged:
        yield entry_of(name, mode, blob, sizes.get(blob, 0))


def _staged(line: bytes) -> tuple[bytes, str, str]:
    """Name, mode and blob of a line of ``ls-files --stage``."""
    head, _, name = line.partition(b"\t")
    mode, blob, _ = head.decode("ascii").split()
    return name, mode, blob


@dataclass(frozen=True, slots=True)
class _Git:
    """Runs git in a work tree with the settings of whoever owns it, on an index and objects of its own."""

    root: Path
    scratch: Path
    environment: dict[str, str] = field(default_factory=lambda: {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"})

    def prepare(self) -> None:
        """Copy the index, and let new objects be written beside the repository's."""
        index, objects = self._place("index"), self._place("objects")
        if index.exists():
            shutil.copy2(index, self.scratch / "index")
        (self.scratch / "objects" / "info").mkdir(parents=True)
        (self.scratch / "objects" / "info" / "alternates").write_bytes(os.fsencode(objects) + b"\n")
        self.environment.update(
            GIT_INDEX_FILE=str(self.scratch / "index"),
            GIT_OBJECT_DIRECTORY=str(self.scratch / "objects"),
            GIT_LITERAL_PATHSPECS="1",
        )

    def paths(self, *arguments: str) -> Sequence[bytes]:
        """What a command lists, each ended by a NUL."""
        return [name for name in self.run(*arguments, caps=LISTING).stdout.split(b"\0") if name]

    def run(self, *arguments: str, lines: Iterable[bytes] = (), stdin: bytes = b"", caps: Caps = LISTING) -> Output:
        """Run a command that must end well.

        Raises:
            SourceUnreadable: When it does not.
        """
        return self.require(self.attempt(*arguments, lines=lines, stdin=stdin, caps=caps))

    def require(self, output: Output) -> Output:
        """The output of a command that ended well.

        Raises:
            SourceUnreadable: When it did not.
        """
        if output.status:
            said = printed(output.stderr)
            raise SourceUnreadable(SourceCause.GIT_FAILED, f"git cannot read what {self.root} would commit: {said}")
        return output

    def attempt(self, *arguments: str, lines: Iterable[bytes] = (), stdin: bytes = b"", caps: Caps = LISTING) -> Output:
        """Run a command.

        Raises:
            SourceUnreadable: When there is no git, or it takes too long.
        """
        git = fresh_git(self.root)
        numbered = (name for name in os.environ if name.startswith(("GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_")))
        outer = without_others(self.environment, {*INHERITED, *_OWN_SETTINGS, *numbered})
        options = [part for option in _OPTIONS for part in ("-c", option)]
        command = [*outer, git.GIT_PYTHON_GIT_EXECUTABLE or "git", *options, *arguments]
        with TemporaryFile() as file:
            file.write(stdin)
            file.writelines(line + b"\n" for line in lines)
            file.seek(0)
            # kept by a name until git has ended: it ends git when it is forgotten
            running = git.execute(command, istream=file, env=self.environment, as_process=True)
            assert running.proc is not None  # noqa: S101  it was started just now
            try:
                return outcome(running.proc, arguments[0], _SECONDS, caps)
            except GitTimeout as error:
                raise SourceUnreadable(SourceCause.TIMEOUT, f"{self.root} is read too slowly: {error}") from error

    def _place(self, name: str) -> Path:
        told = self.run("rev-parse", "--git-path", name).stdout.rstrip(b"\n")
        return self.root / os.fsdecode(told)
