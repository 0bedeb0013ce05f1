"""Runs git through GitPython's command layer: never a shell, never without limits, never a secret in a message.

Each call gets a fresh `git.cmd.Git`, because shared ones return each other's data. Arguments come from this program
only; what users name has been checked and stands behind ``--``.
"""

import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.errors import SourceCause, SourceUnreadable
from reconciler.sources.git_process import DEFAULT_CAPS, Caps, Output, outcome

if TYPE_CHECKING:
    from git.cmd import Git

_ASKPASS: Final = """#!/bin/sh
case "$1" in
Username*) printf '%s\\n' "$RECONCILER_ASK_USERNAME" ;;
*) printf '%s\\n' "$RECONCILER_ASK_PASSWORD" ;;
esac
"""
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
# What the program itself was given must neither steer git nor be seen by it.
_HIDDEN: Final = ("GIT_", "RECONCILER_", "WIZCHAT_", "SSH_ASKPASS")
_URL_CREDENTIALS: Final = re.compile(r"(?<=://)[^/@\s]*@")
_MAX_DETAIL: Final = 300


@dataclass(frozen=True, slots=True)
class GitCommand:
    """Runs git in one folder.

    Attributes:
        folder: A bare repository, or any folder for commands that need none; it must exist.
        protocol: The one protocol that git may use; empty allows none.
        username: Given to git when it asks.
        password: Given to git when it asks.
        env: Environment on top of ours.
    """

    folder: Path
    protocol: str = ""
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)

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
            SourceUnreadable: When it was ended for what it said, or there is no git.
        """
        git = _fresh_git(self.folder)
        environment = self._environment()
        options = [part for name, value in _OPTIONS for part in ("-c", f"{name}={value}")]
        # an explicit repository, or explicitly none: git must not find one around the working directory
        where = f"--git-dir={self.folder if bare else os.devnull}"
        command = [*_without_hidden(environment), git.GIT_PYTHON_GIT_EXECUTABLE or "git", where, *options, *arguments]
        with tempfile.TemporaryFile() as stdin:
            stdin.writelines(line + b"\n" for line in lines or ())
            stdin.seek(0)
            # kept by a name until git has ended: it ends git when it is forgotten
            running = git.execute(command, istream=stdin, env=environment, as_process=True)
            assert running.proc is not None  # noqa: S101  it was started just now
            return outcome(running.proc, arguments[0], seconds, caps)

    def _environment(self) -> dict[str, str]:
        return {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ALLOW_PROTOCOL": self.protocol or "none",
            "GIT_ASKPASS": str(self._askpass()),
            "GIT_SSH_COMMAND": _SSH,
            "GIT_NO_REPLACE_OBJECTS": "1",
            "RECONCILER_ASK_USERNAME": self.username,
            "RECONCILER_ASK_PASSWORD": self.password,
            **self.env,
        }

    def _askpass(self) -> Path:
        """A program that answers git's questions from its environment, so that no argument or file holds a secret."""
        script = self.folder.parent / "askpass.sh"
        if not script.exists():
            with tempfile.NamedTemporaryFile("w", dir=script.parent, delete=False) as draft:
                draft.write(_ASKPASS)
            Path(draft.name).chmod(0o700)
            Path(draft.name).replace(script)
        return script


def _fresh_git(folder: Path) -> "Git":
    try:
        # GitPython looks for git while it is imported, and fails when there is none
        from git.cmd import Git  # noqa: PLC0415
    except ImportError as error:
        raise SourceUnreadable(
            SourceCause.GIT_FAILED, "the program git was not found: install it, or put it on the PATH"
        ) from error
    return Git(folder)


def _without_hidden(environment: Mapping[str, str]) -> list[str]:
    """What runs git without the variables it must not see; GitPython itself passes the whole environment on."""
    hidden = [name for name in os.environ if name.startswith(_HIDDEN) and name not in environment]
    return ["env", *(part for name in hidden for part in ("-u", name))] if hidden else []


_CAUSES: Final = (
    (SourceCause.TIMEOUT, ("timed out", "too slow", "operation too slow")),
    (
        SourceCause.AUTHENTICATION_FAILED,
        (
            "authentication failed",
            "could not read username",
            "could not read password",
            "permission denied",
            "invalid username or password",
            "invalid credentials",
            "access denied",
            "host key verification failed",
            "returned error: 401",
            "returned error: 403",
        ),
    ),
    (
        SourceCause.HISTORY_REWRITTEN,
        ("not our ref", "unadvertised object"),
    ),
    (SourceCause.BRANCH_MISSING, ("couldn't find remote ref", "could not find remote ref")),
    (
        SourceCause.UNREACHABLE,
        (
            "could not resolve",
            "unable to access",
            "unable to connect",
            "connection refused",
            "connection reset",
            "network is unreachable",
            "no route to host",
            "could not read from remote repository",
            "does not appear to be a git repository",
            "repository not exported",
            "not found",
            "no such repository",
            "the remote end hung up",
            "early eof",
        ),
    ),
)
_ADVICE: Final[Mapping[SourceCause, str]] = {
    SourceCause.TIMEOUT: "the git server answers too slowly: look at it and at the network",
    SourceCause.AUTHENTICATION_FAILED: "the git server refuses access: correct the source's user, token or key",
    SourceCause.BRANCH_MISSING: "the branch does not exist at the remote: correct the source's branch, or restore it",
    SourceCause.UNREACHABLE: "the repository cannot be reached: correct the source's URL, or look at the network",
    SourceCause.HISTORY_REWRITTEN: "the commit is no longer there: restore it, or accept the branch as it is now",
    SourceCause.GIT_FAILED: "git failed: look at what it says",
}


def remote_failure(url: str, stderr: str, secrets: Sequence[str]) -> SourceUnreadable:
    """Why the remote could not be read, told by what git says (in English, because its locale is set to C)."""
    said = stderr.lower().replace("access denied or repository not exported", "repository not exported")
    cause = next((cause for cause, marks in _CAUSES if any(mark in said for mark in marks)), SourceCause.GIT_FAILED)
    return SourceUnreadable(cause, f"{url}: {_ADVICE[cause]} ({scrub(stderr, secrets)})")


def scrub(stderr: str, secrets: Sequence[str]) -> str:
    """The line of git's output that says most, without credentials and control characters."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "ERROR:", "remote:", "ssh:"))]
    text = (telling or lines or ["git said nothing"])[0]
    if text.endswith(":") and text != lines[-1]:
        text = f"{text} {lines[lines.index(text) + 1]}"
    for secret in secrets:
        text = text.replace(secret, "…")
    text = _URL_CREDENTIALS.sub("", text)
    return "".join(char if char.isprintable() else " " for char in text)[:_MAX_DETAIL]
