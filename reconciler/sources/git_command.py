"""Runs git through GitPython's command layer: never a shell, never without limits, never a secret in a message.

Each call gets a fresh `git.cmd.Git`, because shared ones return each other's data. Arguments come from this program
only; what users name has been checked and stands behind ``--``.
"""

import os
import tempfile
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from reconciler.errors import SourceCause, SourceUnreadable
from reconciler.sources.git_process import DEFAULT_CAPS, Caps, Output, outcome

if TYPE_CHECKING:
    from git.cmd import Git

# answers from the environment, so that no argument and no file holds a secret, and no file has to be executable
_CREDENTIALS: Final = (
    """!f() { test "$1" = get && printf 'username=%s\\npassword=%s\\n' """
    """"$RECONCILER_GIT_USERNAME" "$RECONCILER_GIT_PASSWORD"; }; f"""
)
_OPTIONS: Final = (
    ("credential.helper", ""),
    # larger files go to the disk piece by piece, where their size is seen: no document is as large
    ("core.bigFileThreshold", "16m"),
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("gc.autoDetach", "false"),
    ("http.followRedirects", "false"),
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "30"),
    ("protocol.version", "2"),
    # the mirror is ours, whoever owns the volume it lies on
    ("safe.directory", "*"),
)
_SSH: Final = "ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=15"
INHERITED: Final = frozenset(
    {
        *("PATH", "LD_LIBRARY_PATH", "GIT_EXEC_PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR"),
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *(
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
            "CURL_CA_BUNDLE",
            "GIT_SSL_CAINFO",
            "GIT_SSL_CAPATH",
            "GIT_PROXY_SSL_CAINFO",
        ),
        *("SSH_AUTH_SOCK", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "KRB5CCNAME", "KRB5_CONFIG"),
    }
)
"""What git and its children see of the program's own environment: neither its secrets nor what steers git."""
_LOCALE: Final = "LC_"


@dataclass(frozen=True, slots=True)
class GitCommand:
    """Runs git in one folder.

    Attributes:
        folder: A bare repository, or any folder for commands that need none; what it lies in must exist.
        protocol: The one protocol that git may use; empty allows none.
        username: Given to git when a server asks.
        password: Given to git when a server asks.
        env: Environment on top of ours.
        stopped: Once set, it ends the command that is under way, and every further one before it begins.
    """

    folder: Path
    protocol: str = ""
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    stopped: threading.Event = field(default_factory=threading.Event, repr=False)

    def run(
        self,
        *arguments: str,
        seconds: float,
        lines: Iterable[bytes] | None = None,
        bare: bool = True,
        caps: Caps = DEFAULT_CAPS,
    ) -> Output:
        """Run one command and wait for it.

        Args:
            *arguments: The subcommand and what belongs to it.
            seconds: When to end it.
            lines: What it reads, line by line.
            bare: Whether the folder is a repository; without, git sees none.
            caps: What else ends it.

        Raises:
            GitTimeout: When it was ended for its time.
            SourceUnreadable: When it was ended for what it said or by a stop, or there is no git.
        """
        self._refuse_when_stopped()
        git = fresh_git(self.folder)
        environment = self._environment()
        options = [part for name, value in self._options() for part in ("-c", f"{name}={value}")]
        # an explicit repository, or explicitly none: git must not find one around the working directory
        where = f"--git-dir={self.folder if bare else os.devnull}"
        command = [*without_others(environment), git.GIT_PYTHON_GIT_EXECUTABLE or "git", where, *options, *arguments]
        with self._input(lines) as stdin:
            # kept by a name until git has ended: it ends git when it is forgotten
            running = git.execute(command, istream=stdin, env=environment, as_process=True)
            assert running.proc is not None  # noqa: S101  it was started just now
            name = next(argument for argument in arguments if not argument.startswith("-"))
            return outcome(running.proc, name, seconds, self._ended_by_a_stop(caps))

    def _ended_by_a_stop(self, caps: Caps) -> Caps:
        def watch() -> None:
            self._refuse_when_stopped()
            if caps.watch is not None:
                caps.watch()

        return replace(caps, watch=watch)

    def _refuse_when_stopped(self) -> None:
        if self.stopped.is_set():
            raise SourceUnreadable(SourceCause.GIT_FAILED, "git is asked nothing any more: the service stops")

    @contextmanager
    def _input(self, lines: Iterable[bytes] | None) -> Iterator[BinaryIO | None]:
        """What git reads, in a file beside the mirror: no other place has to take anything."""
        if lines is None:
            yield None
            return
        with tempfile.TemporaryFile(dir=self.folder.parent) as stdin:
            stdin.writelines(line + b"\n" for line in lines)
            stdin.seek(0)
            yield stdin

    def _options(self) -> Sequence[tuple[str, str]]:
        return (*_OPTIONS, ("credential.helper", _CREDENTIALS)) if self._has_credentials else _OPTIONS

    def _environment(self) -> dict[str, str]:
        environment = {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ALLOW_PROTOCOL": self.protocol or "none",
            "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND") or _SSH,
            "GIT_NO_REPLACE_OBJECTS": "1",
        }
        if self._has_credentials:
            environment |= {"RECONCILER_GIT_USERNAME": self.username, "RECONCILER_GIT_PASSWORD": self.password}
        return environment | dict(self.env)

    @property
    def _has_credentials(self) -> bool:
        return bool(self.username or self.password)


def fresh_git(folder: Path) -> "Git":
    """GitPython's way to run git in a folder; never shared, because shared ones return each other's data.

    Raises:
        SourceUnreadable: When there is no git.
    """
    try:
        # GitPython looks for git while it is imported, and fails when there is none
        from git.cmd import Git  # noqa: PLC0415
    except ImportError as error:
        raise SourceUnreadable(
            SourceCause.GIT_FAILED, "the program git was not found: install it, or put it on the PATH"
        ) from error
    return Git(folder)


def without_others(environment: Mapping[str, str], inherited: Collection[str] = INHERITED) -> list[str]:
    """What runs git without the variables it must not see; GitPython itself passes the whole environment on.

    Args:
        environment: What is set for git.
        inherited: What it may see besides.
    """
    kept = {*inherited, *environment}
    hidden = [name for name in os.environ if name not in kept and not name.startswith(_LOCALE)]
    return ["env", *(part for name in hidden for part in ("-u", name))] if hidden else []
