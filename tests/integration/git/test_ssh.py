"""Repositories over ssh: a real server and a real client, and what is said when one of them refuses."""

import getpass
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.errors import SourceCause, SourceUnreadable
from reconciler.sources.git_remote import GitRemote
from reconciler.sources.mirror import Mirror
from tests.support.git import GitRepo, free_port, wait_until_open
from tests.support.machine import SETPRIV, SSH, SSH_SERVER

ROOT = Path(__file__).parents[3]
CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
PidFile none
AuthorizedKeysFile {folder}/authorized
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
"""


@dataclass(frozen=True)
class SshServer:
    """A server that runs as whoever runs the tests, with a host key of its own."""

    folder: Path
    port: int
    repo: GitRepo

    @property
    def host_key(self) -> str:
        return (self.folder / "host.pub").read_text().rsplit(" ", 1)[0]

    def mirror(self, key: str, known_hosts: str) -> Mirror:
        """A mirror whose ssh shows a key of the folder, and knows those hosts."""
        known = self.folder / "known_hosts"
        known.write_text(known_hosts)
        url = f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{self.repo.folder}"
        ssh = (
            f"ssh -F /dev/null -i {self.folder / key} -o IdentitiesOnly=yes -o BatchMode=yes -o ConnectTimeout=60 "
            f"-o StrictHostKeyChecking=yes -o UserKnownHostsFile={known} -o GlobalKnownHostsFile=/dev/null"
        )
        remote = GitRemote.parse(url, "main", env={"GIT_SSH_COMMAND": ssh})
        return Mirror(self.folder / "data" / "mirror.git", remote)

    def known_as(self, key: str) -> str:
        return f"[127.0.0.1]:{self.port} {key}\n"


def make_key(file: Path) -> str:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(file)]
    subprocess.run(command, check=True, timeout=60)
    return file.with_suffix(".pub").read_text().rsplit(" ", 1)[0]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    SSH.here()
    sshd = SSH_SERVER.here()
    if os.getuid() == 0:
        # Debian's sshd wants it there when root starts it
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    folder = tmp_path / "ssh"
    folder.mkdir()
    port = free_port()
    for name in ("host", "stranger"):
        make_key(folder / name)
    (folder / "authorized").write_text(make_key(folder / "key") + "\n")
    (folder / "config").write_text(CONFIG.format(port=port, folder=folder))
    repo = GitRepo(tmp_path / "bots")
    repo.commit({"chatbots/a.yaml": "x"})
    process = subprocess.Popen([sshd, "-D", "-e", "-f", folder / "config"], stderr=subprocess.DEVNULL)
    try:
        wait_until_open(port)
        yield SshServer(folder, port, repo)
    finally:
        process.terminate()
        process.wait(timeout=60)


def failure_of(mirror: Mirror) -> tuple[SourceCause, str]:
    with pytest.raises(SourceUnreadable) as raised:
        mirror.remote_head()
    return raised.value.cause, str(raised.value)


def test_a_key_and_a_known_host_are_enough(server: SshServer) -> None:
    mirror = server.mirror("key", server.known_as(server.host_key))
    assert mirror.remote_head() == server.repo.head
    mirror.ensure(server.repo.head)
    assert mirror.has(server.repo.head)


def test_each_cause_is_told_by_the_program_s_own_words(server: SshServer) -> None:
    stranger = (server.folder / "stranger.pub").read_text().rsplit(" ", 1)[0]
    host = f"[127.0.0.1]:{server.port}"

    cause, message = failure_of(server.mirror("key", ""))
    assert cause is SourceCause.AUTHENTICATION_FAILED
    assert "the ssh server's host key is not known here" in message
    assert f"host key is known for {host}" in message

    cause, message = failure_of(server.mirror("key", server.known_as(stranger)))
    assert cause is SourceCause.AUTHENTICATION_FAILED
    assert "somebody may be in between" in message
    assert f"Host key for {host} has changed" in message

    cause, message = failure_of(server.mirror("stranger", server.known_as(server.host_key)))
    assert cause is SourceCause.AUTHENTICATION_FAILED
    assert "the ssh server refuses the key" in message
    assert f"{getpass.getuser()}@127.0.0.1: Permission denied (publickey)" in message

    shutil.rmtree(server.repo.folder)
    cause, message = failure_of(server.mirror("key", server.known_as(server.host_key)))
    assert cause is SourceCause.UNREACHABLE
    assert "does not appear to be a git repository" in message


def test_a_server_that_hangs_up_is_no_matter_of_keys(tmp_path: Path) -> None:
    SSH.here()
    with socket.create_server(("127.0.0.1", 0)) as refusing:
        url = f"ssh://git@127.0.0.1:{refusing.getsockname()[1]}/bots"
        remote = GitRemote.parse(url, "main", env={"GIT_SSH_COMMAND": "ssh -F /dev/null -o BatchMode=yes"})

        def hang_up() -> None:
            refusing.accept()[0].close()

        hangs_up = threading.Thread(target=hang_up, daemon=True)
        hangs_up.start()
        cause, message = failure_of(Mirror(tmp_path / "mirror.git", remote))
        hangs_up.join(timeout=60)
    assert cause is SourceCause.UNREACHABLE
    assert "ends the connection before anything is said" in message
    assert "kex_exchange_identification" in message


def told_by(environment: Mapping[str, str], tmp_path: Path, *prefix: str) -> str:
    """What a program in that environment says of a source over ssh."""
    code = (
        "import asyncio, pathlib, sys\n"
        "from tests.support.contract import CONTRACT\n"
        "from reconciler.sources.git import GitSource\n"
        "from reconciler.sources.git_remote import GitRemote\n"
        "remote = GitRemote.parse('git@127.0.0.1:x/y.git', 'main')\n"
        "source = GitSource(remote, pathlib.Path(sys.argv[1]), CONTRACT)\n"
        "try:\n    asyncio.run(source.head())\n"
        "except Exception as error:\n    print(type(error).__name__, error.cause, error)\n"
    )
    done = subprocess.run(
        [*prefix, sys.executable, "-c", code, str(tmp_path / "data" / "mirror.git")],
        env={"PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("by_command", [False, True], ids=["on the path", "GIT_SSH_COMMAND"])
@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("Host key verification failed.", "host key is not known here"),
        ("git@127.0.0.1: Permission denied (publickey).", "the ssh server refuses the key"),
        ("No user exists for uid 1000650000", "an entry in /etc/passwd"),
        ("kex_exchange_identification: Connection closed by remote host", "before anything is said"),
    ],
)
def test_whatever_ssh_program_is_used_its_words_are_told(
    tmp_path: Path, words: str, told: str, *, by_command: bool
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    ssh = folder / ("my-ssh" if by_command else "ssh")
    ssh.write_text(f'#!/bin/sh\necho "{words}" >&2\nexit 255\n')
    ssh.chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}"}
    if by_command:
        environment |= {"PATH": os.environ["PATH"], "GIT_SSH_COMMAND": str(ssh)}
    message = told_by(environment, tmp_path)
    assert told in message
    assert words in message


def test_a_user_that_the_system_does_not_know_is_told_what_ssh_needs() -> None:
    if os.getuid():
        pytest.skip("only root can become somebody whom nobody knows")
    SSH.here()
    nobody = (SETPRIV.here(), "--reuid", "1000650000", "--clear-groups")
    environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        if subprocess.run([*nobody, sys.executable, "-c", ""], cwd=ROOT, check=False, timeout=60).returncode:
            pytest.skip("this checkout cannot be read by others")
        message = told_by(environment, folder, *nobody)
    assert "No user exists for uid 1000650000" in message
    assert "give the service's user one" in message
