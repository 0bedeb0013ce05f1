"""What bad input gets: one line that says what to change, and exit code 1. Never a traceback."""

import socket
import sqlite3
from pathlib import Path

import pytest

from reconciler.storage import migrations
from tests.support.command import run_command
from tests.support.service import READ_KEY

SMALLEST = {"WIZCHAT_API_KEY": READ_KEY, "RECONCILER_GIT_URL": "https://git.example.com/bots.git"}


def refusal(folder: Path, *arguments: str, **environ: str) -> str:
    """The one line that a command complains with."""
    given = {**SMALLEST, "RECONCILER_DATA__DIR": str(folder / "data"), **environ}
    done = run_command(*arguments, environ=given, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    [line] = [line for line in done.stderr.splitlines() if not line.startswith("{")]  # beside the log of the start
    assert line.startswith("error: ")
    assert READ_KEY not in line
    return line


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("RECONCILER_SEVER__PORT", "1", "did you mean RECONCILER_SERVER__PORT?"),
        ("RECONCILER_SERVER__PORT", "http", "port"),
        ("RECONCILER_GIT_URL", "ftp://git.example.com/bots.git", "url"),
        ("RECONCILER_GIT_URL", "http://git.example.com/bots.git", "insecure"),
        ("WIZCHAT_BASE_URL", "http://wizchat.example.com", "https"),
        ("WIZCHAT_BASE_URL", "https://wizchat.example.com/api/v1/", "write https://wizchat.example.com,"),
        ("WIZCHAT_BASE_ULR", "https://wizchat.example.com", "did you mean WIZCHAT_BASE_URL?"),
        ("RECONCILER_CONFIG", "/nonexistent/reconciler.toml", "RECONCILER_CONFIG"),
        ("RECONCILER_DATABASE__URL", "mysql://host/db", "sqlite"),
        ("RECONCILER_POLICY__AUTO_APPLY", "all", "no_delete"),
    ],
)
def test_a_setting_that_cannot_be(tmp_path: Path, name: str, value: str, says: str) -> None:
    assert says in refusal(tmp_path, "serve", **{name: value})


def test_no_source_at_all(tmp_path: Path) -> None:
    assert "RECONCILER_GIT_URL" in refusal(tmp_path, "serve", RECONCILER_GIT_URL="")


def test_two_sources_with_one_name(tmp_path: Path) -> None:
    config = tmp_path / "reconciler.toml"
    source = '[[sources]]\nname = "bots"\nurl = "https://git.example.com/bots.git"\ntenant = "acme"\n'
    config.write_text(f'[[tenants]]\nname = "acme"\napi_key = "{READ_KEY}"\n{source}{source}')
    line = refusal(tmp_path, "serve", RECONCILER_CONFIG=str(config), WIZCHAT_API_KEY="", RECONCILER_GIT_URL="")
    assert "two are named 'bots'" in line


@pytest.mark.parametrize("command", [("serve",), ("db", "upgrade"), ("token", "list")])
def test_a_database_newer_than_the_program(tmp_path: Path, command: tuple[str, ...]) -> None:
    environ = {**SMALLEST, "RECONCILER_DATA__DIR": str(tmp_path / "data")}
    run_command("db", "upgrade", environ=environ)
    with sqlite3.connect(tmp_path / "data" / "reconciler.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    assert "9999" in refusal(tmp_path, *command)


def test_the_revision_of_the_database_is_told(tmp_path: Path) -> None:
    environ = {**SMALLEST, "RECONCILER_DATA__DIR": str(tmp_path / "data")}
    run_command("db", "upgrade", environ=environ)
    current = run_command("db", "current", environ=environ).stdout
    newest = max(file.name[:4] for file in Path(str(migrations.__path__[0]), "versions").glob("[0-9]*.py"))
    assert current == f"database: {newest}\nprogram:  {newest}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("token", "revoke", "nobody"),
        ("token", "create", "x", "--expires-in", "soon"),
        ("token", "create", "x", "--source", "nothing"),
        ("token", "create", "x", "--role", "king"),
        ("sandbox", "--seed", "/nonexistent.json"),
        ("frobnicate",),
    ],
)
def test_arguments_that_cannot_be(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    refusal(tmp_path, *arguments)


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert "server.port" in refusal(tmp_path, "serve", RECONCILER_SERVER__PORT=port)
        assert port in refusal(tmp_path, "sandbox", "--port", port)
