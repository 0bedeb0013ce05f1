"""What docs/sdk.md and examples/ show works as shown, against the sandbox."""

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import api_client
from api_client import errors
from api_client.sandbox import SandboxServer

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "sdk.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        yield server


def run(arguments: list[str], sandbox: SandboxServer) -> subprocess.CompletedProcess[str]:
    environment = {"WIZCHAT_API_KEY": sandbox.api_key, "WIZCHAT_BASE_URL": sandbox.url, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_of_the_documentation_runs(sandbox: SandboxServer, number: int) -> None:
    done = run(["-c", BLOCKS[number]], sandbox)
    assert done.returncode == 0, done.stderr


def test_the_quickstart_of_the_documentation_changes_something_on_the_sandbox(sandbox: SandboxServer) -> None:
    done = run(["-c", BLOCKS[0]], sandbox)
    assert "update=1" in done.stdout
    assert len(sandbox.control.writes()) == 1


def test_the_quickstart_renames_a_chatbot_with_one_write(sandbox: SandboxServer) -> None:
    done = run([str(ROOT / "examples" / "quickstart.py")], sandbox)
    assert (done.returncode, done.stderr) == (0, "")
    assert "applied: ['core']" in done.stdout
    assert len(sandbox.control.writes()) == 1


def test_the_quickstart_says_in_one_line_what_went_wrong(sandbox: SandboxServer) -> None:
    sandbox.api_key = "wpk_live_wrong"
    done = run([str(ROOT / "examples" / "quickstart.py")], sandbox)
    assert done.returncode == 1
    assert done.stderr.startswith("refused (401 invalid_api_key)")
    assert len(done.stderr.splitlines()) == 1


def test_the_asynchronous_quickstart_writes_nothing(sandbox: SandboxServer) -> None:
    done = run([str(ROOT / "examples" / "async_quickstart.py")], sandbox)
    assert (done.returncode, done.stderr) == (0, "")
    assert "0 to change" in done.stdout
    assert sandbox.control.writes() == []


@pytest.mark.parametrize("name", inspect.signature(api_client.WizChatClient).parameters)
def test_every_argument_is_documented_with_its_default(name: str) -> None:
    default = inspect.signature(api_client.WizChatClient).parameters[name].default
    (row,) = re.findall(rf"^\| `{name}` \| (.*?) \|", TEXT, flags=re.MULTILINE)
    shown = {"api_key": "required", "base_url": f"`{default}`", "max_answer_bytes": "32 MiB"}.get(name, f"`{default}`")
    assert row.strip() == shown


@pytest.mark.parametrize(
    "name", ["WizChatApiError", "WizChatConnectionError", "WizChatResponseError", "ApplyOutcomeUnknown"]
)
def test_every_error_is_documented(name: str) -> None:
    assert f"| `{name}` |" in TEXT
    assert hasattr(errors, name)
