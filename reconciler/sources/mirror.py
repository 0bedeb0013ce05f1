"""A bare mirror of one branch: a cache that can be deleted at any time, and never a checkout."""

import os
import shutil
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Final

from reconciler.domain.escaping import escaped
from reconciler.errors import SourceCause, SourceUnreadable
from reconciler.sources.file_tree import Entry
from reconciler.sources.git_command import GitCommand
from reconciler.sources.git_failure import is_explained, printed, remote_failure
from reconciler.sources.git_objects import (
    LISTING,
    TreeChange,
    is_revision,
    object_format_of,
    tree_changes,
    tree_entries,
)
from reconciler.sources.git_process import DEFAULT_CAPS, Caps, GitTimeout, Output
from reconciler.sources.git_remote import GitRemote, split_branch
from reconciler.sources.git_tree import GitTree, MirrorBroken

_HEAD: Final = "refs/reconciler/head"
_KEPT: Final = "refs/reconciler/kept"
_MAX_KEPT: Final = 200
_REJECTED: Final = 1
"""How ``git fetch`` ends when it got what it was asked for, and a reference would not move forward."""
_LEFT_BEHIND: Final = ("*.lock", "tmp_*", ".tmp-*")
_FOLDER: Final = "040000"
_MAX_NAMED: Final = 10
"""Branches, in a message: enough to see the right one."""
_OVER_HTTP: Final = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True)
class GitLimits:
    """How long git may take, and how large a repository may be.

    Attributes:
        poll_seconds: For asking the remote where the branch is.
        fetch_seconds: For fetching.
        local_seconds: For everything in the mirror.
        look_seconds: For what a person who looks at a page waits for.
        repository_bytes: The size of the mirror.
        files: How many documents' files one source may have.
    """

    poll_seconds: float = 30
    fetch_seconds: float = 600
    local_seconds: float = 120
    look_seconds: float = 10
    repository_bytes: int = 2 * 1024**3
    files: int = 10_000


@dataclass(frozen=True)
class Mirror:
    """Brings commits here and reads them. Not safe for use by two threads at once; its owner takes care of that.

    Attributes:
        folder: Where it is.
        remote: What is mirrored.
        limits: How long git may take, and how large the repository may be.
        stopped: Once set, it ends the git command that is under way, and every further one before it begins.
    """

    folder: Path
    remote: GitRemote
    limits: GitLimits = field(default_factory=GitLimits)
    stopped: threading.Event = field(default_factory=threading.Event)

    @cached_property
    def _here(self) -> GitCommand:
        """For what needs no remote, and so no credentials."""
        return GitCommand(self.folder, stopped=self.stopped)

    @cached_property
    def _there(self) -> GitCommand:
        """For asking the remote."""
        remote = self.remote
        return GitCommand(self.folder, remote.scheme, remote.username, remote.password, remote.env, self.stopped)

    @property
    def _branch_ref(self) -> str:
        return f"refs/heads/{self.remote.branch}" if self.remote.branch else "HEAD"

    @property
    def _upload_pack(self) -> Sequence[str]:
        """A repository on this machine may be somebody else's: that it is read is what the settings say."""
        return ("--upload-pack=git -c safe.directory='*' upload-pack",) if self.remote.scheme == "file" else ()

    def remote_head(self) -> str:
        """Where the branch is at the remote, by one ``ls-remote``; it needs no mirror.

        Raises:
            SourceUnreadable: With the exact cause.
        """
        for line in self._ask_remote("ls-remote", *self._upload_pack, "--", self.remote.url, self._branch_ref):
            revision, _, name = line.partition("\t")
            if name == self._branch_ref and is_revision(revision):
                return revision
        raise self._absent_branch()

    def ensure(self, revision: str) -> None:
        """Have a commit here, fetching the branch, or the commit alone, when it is not.

        Raises:
            SourceUnreadable: With the exact cause.
            MirrorBroken: When the mirror has to be made anew.
        """
        if not is_revision(revision):
            raise SourceUnreadable(SourceCause.GIT_FAILED, "this is no commit id: give all of its hexadecimal digits")
        if not self.exists:
            self._create(revision)
        if self.has(revision):
            return
        if self._object_format() != object_format_of(revision):
            self.remove()
            self._create(revision)
        self.fetch_branch()
        if not self.has(revision):
            self._fetch_commit(revision)
        self.check_size()

    @property
    def exists(self) -> bool:
        """Whether there is a mirror."""
        return (self.folder / "HEAD").exists()

    def remove(self) -> None:
        """Forget everything that is here; `ensure` begins anew."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _create(self, revision: str) -> None:
        """Begin with an empty mirror that can hold a commit."""
        self.remove()
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(mode=0o700)
        output = self._here.run(
            "init",
            "--quiet",
            "--bare",
            "--template=",
            f"--object-format={object_format_of(revision)}",
            "--",
            str(self.folder),
            seconds=self.limits.local_seconds,
            bare=False,
        )
        if output.status:
            raise SourceUnreadable(
                SourceCause.GIT_FAILED, f"the mirror cannot be made in the data folder: {printed(output.stderr)}"
            )

    def has(self, revision: str) -> bool:
        """Whether a commit is here."""
        return self._local("cat-file", "-e", f"{revision}^{{commit}}").status == 0

    def descends(self, revision: str, ancestor: str) -> bool:
        """Whether the ancestor, which may be unknown here, is in the history of a commit that is here."""
        if not is_revision(ancestor):
            return False
        output = self._local("merge-base", "--is-ancestor", ancestor, revision)
        # a commit that is missing in between makes git end as if the answer were no
        if output.status and (output.status != 1 or output.stderr):
            if self.has(ancestor):
                raise MirrorBroken(printed(output.stderr))
            return False
        return output.status == 0

    def tree(self, revision: str) -> GitTree:
        """All files of a commit that is here."""
        listing = self.local("ls-tree", "-r", "-z", "-l", "--full-tree", revision, caps=LISTING).stdout
        return GitTree(self, {entry.path: entry for entry in tree_entries(listing)})

    def changes(self, since: str, revision: str) -> list[TreeChange]:
        """Where the files of two commits that are here differ."""
        arguments = ("-r", "-z", "--raw", "--no-renames", "--no-abbrev", since, revision, "--")
        return list(tree_changes(self.local("diff-tree", *arguments, caps=LISTING).stdout))

    def entries_at(self, revision: str, paths: Sequence[str]) -> Mapping[str, Entry]:
        """What stands at some paths of a commit that is here, folders left out."""
        arguments = ("-z", "-l", "--full-tree", revision, "--", *paths)
        listing = self.local("--literal-pathspecs", "ls-tree", *arguments, caps=LISTING).stdout
        return {entry.path: entry for entry in tree_entries(listing) if entry.mode != _FOLDER}

    def file(self, revision: str, path: str, most_bytes: int) -> bytes | None:
        """A regular file of a commit, when both are here and it is not larger than that; nothing is fetched."""
        if not is_revision(revision) or not self.exists or not self.has(revision):
            return None
        entry = self.entries_at(revision, [path]).get(path)
        if entry is None or not entry.is_regular or entry.size > most_bytes:
            return None
        return GitTree(self, {path: entry}).read([entry.blob_id])[entry.blob_id]

    def local(self, *arguments: str, lines: Iterable[bytes] | None = None, caps: Caps = DEFAULT_CAPS) -> Output:
        """Run a command in the mirror that must end well.

        Raises:
            MirrorBroken: When it does not.
            SourceUnreadable: When it takes too long, or says too much.
        """
        output = self._local(*arguments, lines=lines, caps=caps)
        if output.status:
            raise MirrorBroken(printed(output.stderr))
        return output

    def _local(self, *arguments: str, lines: Iterable[bytes] | None = None, caps: Caps = DEFAULT_CAPS) -> Output:
        try:
            return self._here.run(*arguments, seconds=self.limits.local_seconds, lines=lines, caps=caps)
        except GitTimeout as error:
            raise SourceUnreadable(SourceCause.TIMEOUT, f"the mirror is read too slowly: {error}") from error

    def _object_format(self) -> str:
        return self.local("rev-parse", "--show-object-format").stdout.decode().strip()

    def _ask_remote(self, *arguments: str) -> list[str]:
        output = self._remote_output(self._there, *arguments)
        return output.stdout.decode(errors="replace").splitlines()

    def _remote_output(self, command: GitCommand, *arguments: str) -> Output:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            output = command.run(*arguments, seconds=self.limits.poll_seconds, bare=False)
        except GitTimeout as error:
            raise self._too_slow(error) from error
        if output.status:
            raise remote_failure(self.remote.display_url, output.stderr, self.remote.secrets)
        return output

    def _absent_branch(self) -> SourceUnreadable:
        url = self.remote.display_url
        heads = self._ask_remote("ls-remote", *self._upload_pack, "--heads", "--", self.remote.url)
        names = sorted(escaped(line.partition("refs/heads/")[2]) for line in heads)
        branch = f'the branch "{escaped(self.remote.branch)}"' if self.remote.branch else "what the remote's HEAD names"
        if names:
            prefix, bare = split_branch(self.remote.branch or "")
            if prefix and bare in names:
                return SourceUnreadable(
                    SourceCause.BRANCH_MISSING,
                    f'{url}: {branch} does not exist: set the source\'s branch to "{bare}", without "{prefix}"',
                )
            known = ", ".join(names[:_MAX_NAMED]) + (", …" if len(names) > _MAX_NAMED else "")
            return SourceUnreadable(
                SourceCause.BRANCH_MISSING,
                f"{url}: {branch} does not exist: set the source's branch to one of {known}, or restore it",
            )
        if not self._speaks_git():
            return SourceUnreadable(
                SourceCause.UNREACHABLE,
                f"{url}: a web server answers, but does not speak git: correct the source's URL",
            )
        if self._had_commits() or self._ask_remote("ls-remote", *self._upload_pack, "--", self.remote.url):
            return SourceUnreadable(
                SourceCause.BRANCH_MISSING,
                f"{url}: {branch} does not exist, and the repository has no other: restore it",
            )
        return SourceUnreadable(SourceCause.REPOSITORY_EMPTY, f"{url}: the repository has no commits: push to it")

    def _speaks_git(self) -> bool:
        """Whether a server that names no branch is one of git's: a short page looks like a list without entries."""
        if self.remote.scheme not in _OVER_HTTP:
            return True
        traced = replace(self._there, env={**self._there.env, "GIT_TRACE_PACKET": "1"})
        output = self._remote_output(traced, "ls-remote", "--heads", "--", self.remote.url)
        return "packet:" in output.stderr

    def _had_commits(self) -> bool:
        return self.exists and self.fetched() is not None

    def fetched(self) -> str | None:
        """Where the branch was when it was last fetched; None before that."""
        loose = self.folder / _HEAD
        found = loose.read_text(encoding="ascii").strip() if loose.is_file() else ""
        if not is_revision(found):
            found = self._local("rev-parse", "--verify", "--quiet", _HEAD).stdout.decode().strip()
        return found or None

    def fetch_branch(self) -> bool:
        """Fetch, and keep what a rewritten history leaves behind: it may be the last good revision.

        Returns:
            Whether the history goes on from what was fetched before, or nothing was.
        """
        output = self._fetch(f"{self._branch_ref}:{_HEAD}")
        rewritten = output.status == _REJECTED
        if not rewritten:
            self._require_fetched(output)
        else:
            before = self.fetched()
            if before:
                self.local("update-ref", f"{_KEPT}/{before}", before)
            self._fetch_all(f"+{self._branch_ref}:{_HEAD}")
        if self._keeps_any():
            self._forget_kept()
        return not rewritten

    def _keeps_any(self) -> bool:
        """Whether a commit of a rewritten history is kept, told without asking git."""
        packed = self.folder / "packed-refs"
        loose = (self.folder / _KEPT).glob("*")
        return any(loose) or (packed.exists() and _KEPT.encode() in packed.read_bytes())

    def _fetch_commit(self, revision: str) -> None:
        try:
            self._fetch_all(f"+{revision}:{_KEPT}/{revision}")
        except SourceUnreadable as error:
            if error.cause is not SourceCause.BRANCH_MISSING:
                raise
            raise remote_failure(self.remote.display_url, f"fatal: not our ref {revision}", ()) from error

    def _fetch_all(self, refspec: str) -> None:
        self._require_fetched(self._fetch(refspec))

    def _require_fetched(self, output: Output) -> None:
        if output.status:
            failure = remote_failure(self.remote.display_url, output.stderr, self.remote.secrets)
            raise failure if is_explained(output.stderr) else MirrorBroken(str(failure))

    def _fetch(self, refspec: str) -> Output:
        self._remove_left_behind()
        try:
            return self._there.run(
                *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"),
                # what is read needs no history: a remote that has only a part of its own is read as well
                *("--update-shallow", *self._upload_pack, "--", self.remote.url, refspec),
                seconds=self.limits.fetch_seconds,
                caps=Caps(watch=self._watch_size),
            )
        except GitTimeout as error:
            raise self._too_slow(error) from error
        finally:
            self._remove_left_behind()

    def _too_slow(self, error: GitTimeout) -> SourceUnreadable:
        return SourceUnreadable(
            SourceCause.TIMEOUT, f"{self.remote.display_url}: {error}: look at the git server and the network"
        )

    def _forget_kept(self) -> None:
        """Drop kept commits that the branch reaches anyway, and the oldest of too many."""
        listed = self.local("for-each-ref", "--format=%(refname)", "--sort=-committerdate", _KEPT)
        reached = self.local("for-each-ref", "--format=%(refname)", f"--merged={_HEAD}", _KEPT).stdout.split()
        unreached = [name for name in listed.stdout.split() if name not in reached]
        gone = [*reached, *unreached[_MAX_KEPT:]]
        if gone:
            self.local("update-ref", "--stdin", lines=[b"delete " + name for name in gone])

    def _remove_left_behind(self) -> None:
        """A git that was ended by force leaves its locks and half a pack; nobody else writes in the mirror."""
        for where, _, names in os.walk(self.folder):
            for name in names:
                if any(fnmatchcase(name, pattern) for pattern in _LEFT_BEHIND):
                    Path(where, name).unlink(missing_ok=True)

    def _watch_size(self) -> None:
        """While git fetches: it keeps everything twice when it packs anew, so only twice the size is too much."""
        size = _bytes_in(self.folder / "objects")
        if size > 2 * self.limits.repository_bytes:
            raise self._too_large(size)

    def check_size(self) -> None:
        """Refuse a repository that has become too large.

        Raises:
            SourceUnreadable: Saying how large it is, and may be.
        """
        size = _bytes_in(self.folder / "objects")
        if size > self.limits.repository_bytes:
            raise self._too_large(size)

    def _too_large(self, size: int) -> SourceUnreadable:
        return SourceUnreadable(
            SourceCause.TOO_LARGE,
            f"{self.remote.display_url}: the repository holds {size} bytes and {self.limits.repository_bytes} are "
            "the limit: keep the documents in another repository",
        )


def _bytes_in(folder: Path) -> int:
    """What the files of a folder hold, while git adds and removes some."""
    size = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                size += Path(where, name).lstat().st_size
    return size
