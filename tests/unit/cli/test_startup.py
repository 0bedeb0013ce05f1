"""What starts without the parts that it does not use."""

import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer

import api_client
from reconciler.cli.main import app
from tests.support.waiting import PATIENCE

SERVER = ("sqlalchemy", "alembic", "fastapi", "starlette", "uvicorn", "jinja2", "apscheduler", "prometheus_client")
CALLS = ("httpx", "httpcore", "api_client.client", "api_client.async_client", "api_client.models", "joserfc")
SETTINGS = ("pydantic_settings", "structlog", "rich")
DOCUMENTS = ("pydantic", "jsonschema", "yaml", "ruamel.yaml", "psutil", "git")
LOOP = ("asyncio",)

_RUN = """
import sys
from reconciler.cli.main import run
code = run({arguments!r})
sys.stderr.write(" ".join([str(code), *(name for name in {heavy!r} if name in sys.modules)]))
"""


def _loaded(*arguments: str, heavy: tuple[str, ...], folder: Path) -> list[str]:
    """The exit code of a command, and which of these modules it imported."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN.format(arguments=arguments, heavy=heavy)],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        timeout=PATIENCE,
    )
    return done.stderr.split()


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ()])
def test_help_and_version_load_the_command_line_alone(arguments: tuple[str, ...], tmp_path: Path) -> None:
    heavy = (*SERVER, *CALLS, *SETTINGS, *DOCUMENTS, *LOOP)
    assert _loaded(*arguments, heavy=heavy, folder=tmp_path) == ["0"]


def test_checking_documents_loads_neither_server_nor_client_nor_settings(tmp_path: Path) -> None:
    document = tmp_path / "chatbots" / "bot.yaml"
    document.parent.mkdir()
    document.write_text(
        "apiVersion: v1\nkind: ChatbotConfig\nmetadata: {chatbotId: bot_1}\nspec:\n  domains: [{domain: example.com}]\n"
    )
    assert _loaded("validate", str(document), heavy=(*SERVER, *CALLS, *SETTINGS), folder=tmp_path) == ["0"]


def test_the_schema_is_printed_without_server_client_and_settings(tmp_path: Path) -> None:
    assert _loaded("schema", heavy=(*SERVER, *CALLS, *SETTINGS), folder=tmp_path) == ["0"]


def test_a_fact_of_the_contract_loads_no_http_client(tmp_path: Path) -> None:
    code = f"import sys, api_client.contract; print([name for name in {CALLS!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path, timeout=PATIENCE
    )
    assert done.stdout == "[]\n"


def test_whatever_the_sdk_offers_is_there() -> None:
    assert {name for name in api_client.__all__ if not hasattr(api_client, name)} == set()
    assert set(api_client.__all__) <= set(dir(api_client))
    with pytest.raises(AttributeError, match="no attribute 'WizChatKlient'"):
        _ = api_client.WizChatKlient


ENTRIES = app.info.cls.entries  # type: ignore[union-attr]  # it is the program's own class


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.name for entry in ENTRIES])
def test_the_list_says_of_a_command_what_the_command_says_of_itself(entry: object) -> None:
    name, module, attribute, summary = (getattr(entry, field) for field in ("name", "module", "attribute", "summary"))
    group = typer.main.get_command(app)
    command = group.commands[name]  # type: ignore[attr-defined]  # a group has them
    assert command.name == name
    said = inspect.getdoc(getattr(import_module(f"reconciler.cli.{module}"), attribute)) or ""
    paragraph = " ".join((said if module == attribute else command.help).partition("\n\n")[0].split())
    assert paragraph == summary
