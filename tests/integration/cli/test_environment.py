"""Whatever the machine refuses is one line that says what to change, whichever command meets it; never a traceback."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.command import INHERITED, run_command
from tests.support.waiting import PATIENCE
from tests.support.world import document, path_of, spec

RECONCILER = (sys.executable, "-m", "reconciler")
KEY = {"WIZCHAT_API_KEY": "wpk_live_made_up_for_this_test"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a valid document."""
    (tmp_path / "chatbots").mkdir()
    (tmp_path / path_of()).write_text(document(spec()), encoding="utf-8")
    return tmp_path


def run(command: str, folder: Path, environ: Mapping[str, str], redirection: str = "") -> tuple[int, str, str]:
    """Run a command, in a shell where it has redirections.

    Returns:
        Its exit code, and what it wrote to stdout and stderr.
    """
    if not redirection:
        forked = run_command(*command.split(), environ=environ, cwd=folder, check=False)
        return forked.returncode, forked.stdout, forked.stderr
    done = subprocess.run(
        ["bash", "-c", f'set -o pipefail; "$0" "$@" {redirection}', *RECONCILER, *command.split()],
        cwd=folder,
        env={**INHERITED, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def complaint(stderr: str) -> str:
    """The one line on stderr."""
    [line] = stderr.splitlines()
    assert line.startswith("error: ")
    return line


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:1080", "httpx[socks]"),
        ("https_proxy", "ftp://user:hunter2@127.0.0.1", "http://host:port"),
        ("NO_PROXY", "localhost,[::1]", "without brackets"),
        ("SSL_CERT_FILE", "/nonexistent", "No such file"),
        ("SSL_CERT_FILE", "/dev/null", "readable file"),
    ],
)
def test_a_variable_that_keeps_wizchat_from_being_asked_is_named(
    folder: Path, variable: str, value: str, said: str
) -> None:
    code, _, stderr = run("plan", folder, {**KEY, variable: value})
    line = complaint(stderr)
    assert code == 1
    assert variable in line
    assert said in line
    assert "hunter2" not in line


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"HTTP_PROXY": "http://user:hunter2@127.0.0.1:9"}, "http://127.0.0.1:1 through the proxy of HTTP_PROXY ("),
        ({"all_proxy": "http://127.0.0.1:9"}, "http://127.0.0.1:1 through the proxy of all_proxy ("),
        ({"HTTPS_PROXY": "http://127.0.0.1:9"}, "http://127.0.0.1:1 ("),
        ({"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}, "http://127.0.0.1:1 ("),
    ],
)
def test_a_proxy_that_stands_between_is_named(folder: Path, environ: Mapping[str, str], said: str) -> None:
    _, _, stderr = run("plan", folder, {**KEY, "WIZCHAT_BASE_URL": "http://127.0.0.1:1", **environ})
    assert f"no connection could be made to {said}" in complaint(stderr)
    assert "hunter2" not in stderr


@pytest.mark.parametrize("command", ["export --all --to bots", "serve"])
def test_each_command_that_asks_wizchat_names_the_variable(folder: Path, command: str) -> None:
    settings = {
        "RECONCILER_GIT_URL": "https://git.invalid/bots.git",
        "RECONCILER_DATA__DIR": str(folder / "data"),
        "SSL_CERT_FILE": "/nonexistent",
    }
    code, stdout, stderr = run(command, folder, {**KEY, **settings})
    assert (code, stdout) == (1, "")
    assert "SSL_CERT_FILE" in complaint(stderr.splitlines()[-1])
    assert "Traceback" not in stderr


@pytest.mark.parametrize("command", ["validate", "schema", "--help", "--version", "plan --help", "token list --help"])
def test_a_full_disk_behind_stdout_is_an_error(folder: Path, command: str) -> None:
    code, _, stderr = run(command, folder, {}, ">/dev/full")
    assert code == 1
    assert complaint(stderr) == "error: the result cannot be printed: No space left on device"


@pytest.mark.parametrize("command", ["validate", "schema", "serve", "sandbox", "demo --port 0"])
def test_a_closed_stdout_is_an_error_before_anything_is_done(folder: Path, command: str) -> None:
    code, _, stderr = run(command, folder, {}, ">&-")
    assert code == 1
    assert "stdout is closed" in complaint(stderr)


def test_a_closed_stderr_changes_nothing_but_that_nobody_is_told(folder: Path) -> None:
    assert run("validate", folder, {}, "2>&-")[0] == 0
    assert run("validate nowhere", folder, {}, "2>&-") == (1, "", "")


def test_a_reader_that_wants_no_more_ends_the_command_quietly(folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*RECONCILER, "schema"],
        cwd=folder,
        env=INHERITED,
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=PATIENCE,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_current_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    done = subprocess.run(
        ["bash", "-c", 'rmdir "$PWD" && exec "$0" "$@"', *RECONCILER, "validate"],
        cwd=gone,
        # found by its path, as an installed program is, and not by the folder that is gone
        env={**INHERITED, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    assert complaint(done.stderr) == "error: the current folder is no longer there: change to another one"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("plan --format xml", "'--format'"),
        ("sandbox --port 99999", "'--port'"),
        ("sandbox --latency-ms nan", "'--latency-ms'"),
        ("demo --port 70000", "'--port'"),
        ("export --all", "'--to'"),
        ("token create x --role boss", "'--role'"),
    ],
)
def test_a_wrong_argument_is_named_with_the_command_that_takes_it(folder: Path, command: str, said: str) -> None:
    code, stdout, stderr = run(command, folder, {})
    line = complaint(stderr)
    assert (code, stdout) == (1, "")
    assert said in line
    assert line.endswith(f": see reconciler {command.split(' -', maxsplit=1)[0].removesuffix(' x')} --help")


@pytest.fixture
def without_extra(tmp_path: Path) -> Mapping[str, str]:
    """An environment in which what the sandbox's extra brings cannot be imported."""
    for name in ("fastapi", "starlette", "uvicorn"):
        (tmp_path / f"{name}.py").write_text(f'raise ModuleNotFoundError("No module named {name}", name="{name}")\n')
    return {**INHERITED, "PYTHONPATH": str(tmp_path)}


def test_the_sandbox_without_its_extra_says_how_to_install_it(without_extra: Mapping[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "api_client.sandbox"],
        env=without_extra,
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    assert complaint(done.stderr) == "error: the sandbox needs its extra: pip install 'wizchat-reconciler[sandbox]'"


@pytest.mark.parametrize("arguments", [("--port", "99999"), ("--port", "-1"), ("--latency-ms", "nan")])
def test_the_sandboxs_own_command_refuses_what_cannot_be(arguments: tuple[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "api_client.sandbox", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 2
    assert f"argument {arguments[0]}: " in done.stderr
    assert "Traceback" not in done.stderr
