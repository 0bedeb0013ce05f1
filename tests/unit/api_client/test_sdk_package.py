"""The package as its users meet it."""

import inspect
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import api_client

ROOT = Path(__file__).resolve().parents[3]


def python(code: str) -> str:
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return run.stdout.strip()


def test_the_exports_are_sorted_and_complete() -> None:
    exported = api_client.__all__
    assert exported == sorted(exported, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    assert all(hasattr(api_client, name) for name in exported)
    public = {name for name, value in vars(api_client).items() if name[0] != "_" and not inspect.ismodule(value)}
    assert public | {"__version__"} == set(exported)


def test_everything_that_the_official_package_exports_is_here() -> None:
    import wizchat_management  # noqa: PLC0415 - the peer, not a part

    assert set(wizchat_management.__all__) <= set(api_client.__all__)


@pytest.mark.parametrize("library", ["fastapi", "starlette", "uvicorn", "sqlalchemy", "reconciler"])
def test_importing_the_sdk_loads_nothing_of_the_service(library: str) -> None:
    assert python(f"import sys, api_client, api_client.contract; print({library!r} in sys.modules)") == "False"


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "api_client" / "py.typed").is_file()


def test_the_version_is_that_of_the_distribution() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert api_client.__version__ == project["version"]


@pytest.mark.parametrize("name", ["list_chatbots", "get_chatbot", "get_config", "apply_config", "dry_run_answer"])
def test_both_clients_have_the_same_surface(name: str) -> None:
    ours, theirs = (getattr(kind, name) for kind in (api_client.WizChatClient, api_client.AsyncWizChatClient))
    assert inspect.signature(ours) == inspect.signature(theirs)
    assert inspect.iscoroutinefunction(theirs)


def test_both_clients_are_made_alike() -> None:
    ours, theirs = (
        inspect.signature(kind).parameters for kind in (api_client.WizChatClient, api_client.AsyncWizChatClient)
    )
    assert [(one.name, one.kind, one.default) for one in ours.values()] == [
        (one.name, one.kind, one.default) for one in theirs.values()
    ]


@pytest.mark.parametrize(
    "name", [name for name in api_client.__all__ if name.startswith(("WizChat", "Apply", "Async"))]
)
def test_the_public_classes_say_what_they_are(name: str) -> None:
    if name != "ApplyResult":  # described by the contract
        assert inspect.getdoc(getattr(api_client, name))


def test_the_tree_drawn_in_errors_is_the_tree() -> None:
    from api_client import errors  # noqa: PLC0415 - only this test reads the drawing

    drawn = [line.strip(" ├└─").split()[0] for line in (errors.__doc__ or "").splitlines() if line.startswith("    ")]
    kinds = [
        value.__name__ for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)
    ]
    assert drawn == kinds
    assert all(issubclass(getattr(errors, name), errors.WizChatError) for name in drawn)
