"""What git and its children see of the program's own environment: nothing that is secret, nothing that steers git."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from reconciler.sources.git_command import GitCommand
from reconciler.sources.git_remote import GitRemote
from reconciler.sources.mirror import Mirror
from tests.support.git import GitRepo
from tests.support.http_server import Answer, http_server

ROOT = Path(__file__).parents[3]
SECRETS = {
    "WIZCHAT_API_KEY": "wpk",
    "RECONCILER_GIT_URL": "https://joe:t0psecret@h/x",
    "RECONCILER_SERVER__SECRET": "s",
    "AWS_SECRET_ACCESS_KEY": "aws",
    "DATABASE_URL": "postgresql://u:p@h/d",
    "PGPASSWORD": "p",
    "GITHUB_TOKEN": "ghp",
}
STEERING = {
    "GIT_DIR": "/nowhere",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "http.followRedirects",
    "GIT_CONFIG_VALUE_0": "true",
    "GIT_CONFIG_PARAMETERS": "'http.followredirects'='true'",
    "GIT_TRACE": "1",
    "GIT_ASKPASS": "/bin/false",
    "SSH_ASKPASS": "/bin/false",
    "GIT_SSL_NO_VERIFY": "1",
    "GIT_DEFAULT_HASH": "sha256",
    "BASH_ENV": "/nowhere",
    "PYTHONPATH_OF_SOMEBODY": "x",
}
NEEDED = {
    "HOME": "/home/somebody",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "https_proxy": "http://proxy:3128",
    "http_proxy": "http://proxy:3128",
    "all_proxy": "socks5://proxy",
    "NO_PROXY": "localhost",
    "no_proxy": "localhost",
    "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
    "GIT_SSL_CAINFO": "/etc/ssl/certs/own.crt",
    "SSH_AUTH_SOCK": "/run/agent",
    "GIT_SSH_COMMAND": "ssh -i /run/secrets/key",
    "GIT_SSH_VARIANT": "ssh",
}


def seen_by_git(environment: Mapping[str, str], folder: Path) -> Mapping[str, str]:
    """The environment of what git starts, in a program that has one of its own."""
    code = (
        "import pathlib, sys\n"
        "from reconciler.sources.git_command import GitCommand\n"
        "command = GitCommand(pathlib.Path(sys.argv[1]), 'https')\n"
        "output = command.run('-c', 'alias.say=!env -0', 'say', seconds=60, bare=False)\n"
        "sys.stdout.buffer.write(output.stdout)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder / "mirror")],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        timeout=60,
        check=True,
    )
    return dict(part.split("=", 1) for part in done.stdout.decode().split("\0") if "=" in part)


def test_git_sees_what_it_needs_and_nothing_else(tmp_path: Path) -> None:
    seen = seen_by_git({**SECRETS, **STEERING, **NEEDED}, tmp_path)
    assert {name: seen.get(name) for name in NEEDED} == NEEDED
    assert seen.keys() & SECRETS.keys() == set()
    # git itself hands its `-c` options on by this one
    steering = {name: value for name, value in STEERING.items() if name != "GIT_CONFIG_PARAMETERS"}
    assert {name for name, value in steering.items() if seen.get(name) == value} == set()
    assert "'http.followredirects'='true'" not in seen["GIT_CONFIG_PARAMETERS"].lower()


def test_without_a_command_of_its_own_ssh_asks_nobody(tmp_path: Path) -> None:
    command = seen_by_git({}, tmp_path)["GIT_SSH_COMMAND"]
    assert "BatchMode=yes" in command
    assert "StrictHostKeyChecking=yes" in command


@pytest.fixture
def spied(tmp_path: Path) -> Path:
    """A git before the real one on the path, which notes what it is asked and whether it sees a password."""
    folder = tmp_path / "bin"
    folder.mkdir()
    real = subprocess.run(["sh", "-c", "command -v git"], capture_output=True, text=True, check=True, timeout=60)
    (folder / "git").write_text(
        f'#!/bin/sh\nprintf "%s|%s\\n" "${{RECONCILER_GIT_PASSWORD-none}}" "$*" >> {tmp_path}/log\n'
        f'exec {real.stdout.strip()} "$@"\n'
    )
    (folder / "git").chmod(0o755)
    return tmp_path / "log"


def test_the_password_is_given_only_where_the_remote_is_asked(spied: Path, tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "bots")
    head = repo.commit({"chatbots/a.yaml": "x"})
    remote = GitRemote.parse(repo.url, "main", insecure=True, username="joe", password="t0psecret")
    code = (
        "import pathlib, sys\n"
        "from reconciler.sources.git_remote import GitRemote\n"
        "from reconciler.sources.mirror import Mirror\n"
        "url, folder, head = sys.argv[1:]\n"
        "remote = GitRemote.parse(url, 'main', insecure=True, username='joe', password='t0psecret')\n"
        "mirror = Mirror(pathlib.Path(folder), remote)\n"
        "mirror.remote_head()\nmirror.ensure(head)\nmirror.tree(head)\n"
    )
    subprocess.run(
        [sys.executable, "-c", code, remote.url, str(tmp_path / "data" / "mirror.git"), head],
        env={"PATH": f"{spied.parent}/bin:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
        timeout=120,
        check=True,
    )
    lines = [line.split("|", 1) for line in spied.read_text().splitlines()]
    with_password = {words.split(" -- ")[0].split()[-1] for password, words in lines if password != "none"}
    assert {password for password, _ in lines} == {"none", "t0psecret"}
    assert all("ls-remote" in words or " fetch " in words for password, words in lines if password != "none"), lines
    assert with_password
    assert not any("t0psecret" in words for _, words in lines), "never as an argument"


def test_credentials_need_no_file_that_can_be_executed(tmp_path: Path) -> None:
    with http_server(Answer(401, {"WWW-Authenticate": 'Basic realm="git"'})) as server:
        url = f"{server.url.replace('//', '//joe:t0psecret@')}/bots"
        mirror = Mirror(tmp_path / "data" / "mirror.git", GitRemote.parse(url, "main", insecure=True))
        with pytest.raises(Exception, match="refuses access"):
            mirror.remote_head()
    assert [headers.get("Authorization") for _, headers in server.asked] == [None, "Basic am9lOnQwcHNlY3JldA=="]
    assert [path for path in (tmp_path / "data").rglob("*") if path.is_file()] == []


def test_a_command_that_reads_lines_uses_no_place_but_the_data_folder(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys, tempfile\n"
        "from reconciler.sources.git_command import GitCommand\n"
        "tempfile.tempdir = '/nowhere/at/all'\n"
        "command = GitCommand(pathlib.Path(sys.argv[1]))\n"
        "output = command.run('hash-object', '--stdin', seconds=60, bare=False, lines=[b'x'])\n"
        "print(output.stdout.decode().strip())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "mirror.git")],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "587be6b4c3f93f93c489c0111bba5596147a26cb"
    assert GitCommand(tmp_path / "mirror.git").run("version", seconds=60, bare=False).status == 0
