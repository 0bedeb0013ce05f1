import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import create_connection, create_server

from tests.support.waiting import PATIENCE, wait_until

_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com",
}


class GitRepo:
    """A repository with a work tree in a folder, its branch ``main`` checked out.

    It is served straight from its ``.git`` folder, so that a commit is visible to a reader at once.
    """

    def __init__(self, folder: Path, branch: str = "main", object_format: str = "sha1") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", f"--initial-branch={branch}", f"--object-format={object_format}")
        # a reader may ask for a commit that no branch names any more, as at the usual forges
        self.git("config", "uploadpack.allowAnySHA1InWant", "true")

    @property
    def url(self) -> str:
        """As a ``file://`` URL."""
        return f"file://{self.folder}"

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *arguments: str, stdin: str | None = None) -> str:
        """Run git in the work tree."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={**clean, **_ENVIRONMENT},
            input=stdin,
            text=True,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write files into the work tree."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode() if isinstance(text, str) else text)

    def commit(
        self,
        files: Mapping[str, str | bytes] | None = None,
        *,
        remove: Iterable[str] = (),
        message: str = "Change",
        author: str = "A",
    ) -> str:
        """Write and remove files, commit everything, and give the commit id."""
        self.write(files or {})
        for name in remove:
            (self.folder / name).unlink()
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", f"--author={author} <a@example.com>", "-m", message)
        return self.head

    def add_entry(self, mode: str, path: str, content: str) -> None:
        """Stage an entry of any mode, such as a symbolic link or a submodule, without touching the work tree."""
        blob = self.git("hash-object", "-w", "--stdin", stdin=content).strip() if mode != "160000" else content
        self.git("update-index", "--add", "--cacheinfo", f"{mode},{blob},{path}")

    def commit_staged(self, message: str = "Change") -> str:
        """Commit what is staged, whatever the work tree says."""
        self.git("commit", "--quiet", "-m", message)
        return self.head

    def force_push(self, files: Mapping[str, str | bytes]) -> str:
        """Replace the branch by one commit without a parent that holds these files alone."""
        branch = self.git("symbolic-ref", "--short", "HEAD").strip()
        self.git("checkout", "--quiet", "--orphan", "rewritten")
        self.git("rm", "-r", "--quiet", "--force", "--ignore-unmatch", ".")
        self.commit(files, message="Rewrite")
        self.git("branch", "--force", "-M", "rewritten", branch)
        return self.head


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def git_daemon(base: Path) -> Iterator[str]:
    """Serve every repository in a folder over git://, and give the URL that their names are put after."""
    port = free_port()
    process = subprocess.Popen(
        [
            *("git", "daemon", "--reuseaddr", "--listen=127.0.0.1", f"--port={port}", "--export-all"),
            *(f"--base-path={base}", "--informative-errors", str(base)),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )
    try:
        wait_until_open(port)
        yield f"git://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 15)
        process.wait(PATIENCE)


def wait_until_open(port: int) -> None:
    """Wait until somebody listens on a port of 127.0.0.1."""

    def is_open() -> bool:
        try:
            create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
        except OSError:
            return False
        return True

    wait_until(is_open, f"port {port}")
