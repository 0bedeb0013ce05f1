"""Makes and changes a bare git repository without ever checking it out."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

BRANCH = "main"
REPOSITORY = "bots.git"
_LIMIT_S = 60.0
_AUTHOR = "Content Team <content@example.com>"


def create_repository(root: Path, files: Mapping[str, str]) -> Path:
    """Make ``root/bots.git`` with one commit.

    Args:
        root: The folder to make it in.
        files: Path in the repository → text.

    Returns:
        The repository's folder.
    """
    repository = root / REPOSITORY
    _git(root, "init", "--quiet", "--bare", f"--initial-branch={BRANCH}", str(repository))
    commit(repository, files, "Take over what is live")
    return repository


def commit(repository: Path, files: Mapping[str, str | None], message: str) -> str:
    """Commit changes to the branch.

    Args:
        repository: The bare repository.
        files: Path → its new text; None removes the file.
        message: The commit's message.

    Returns:
        The commit's id.
    """
    _git(repository, "fast-import", "--quiet", "--date-format=now", stdin=b"".join(_stream(repository, files, message)))
    return _head(repository)


def read(repository: Path, path: str) -> str:
    """The text of a file as the branch has it."""
    return _git(repository, "cat-file", "blob", f"{BRANCH}:{path}").decode()


def _stream(repository: Path, files: Mapping[str, str | None], message: str) -> Iterator[bytes]:
    yield f"commit refs/heads/{BRANCH}\ncommitter {_AUTHOR} now\n".encode()
    yield _data(message)
    if _has_commits(repository):
        yield f"from refs/heads/{BRANCH}^0\n".encode()
    for path, text in sorted(files.items()):
        if text is None:
            yield f"D {path}\n".encode()
        else:
            yield f"M 100644 inline {path}\n".encode() + _data(text)


def _data(text: str) -> bytes:
    content = text.encode()
    return b"data %d\n%s\n" % (len(content), content)


def _has_commits(repository: Path) -> bool:
    return bool(_git(repository, "for-each-ref", "--format=%(objectname)", f"refs/heads/{BRANCH}").strip())


def _head(repository: Path) -> str:
    return _git(repository, "rev-parse", f"refs/heads/{BRANCH}").decode().strip()


def _git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    git = shutil.which("git")
    if git is None:
        raise FileNotFoundError("git is not installed: install it to make the sample repository")
    environment = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    # what a surrounding git command, such as a hook, has set would name another repository
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        environment.pop(name, None)
    done = subprocess.run(  # noqa: S603 - fixed commands; paths and texts are this program's own
        [git, *arguments], cwd=folder, env=environment, input=stdin, capture_output=True, check=False, timeout=_LIMIT_S
    )
    if done.returncode:
        raise RuntimeError(f"git {arguments[0]} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
