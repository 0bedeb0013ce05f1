"""A key that was committed by mistake is refused, and can be read nowhere: not in the database, nor in any output."""

import logging
from pathlib import Path
from typing import Final

import pytest

from reconciler.domain.layout import Exported, Unwritable, lay_out
from tests.hostile.corpus.make import kept_cases
from tests.hostile.corpus.recipes import HEAD
from tests.hostile.corpus.secret_cases import keys
from tests.support.command import run_command
from tests.support.git import GitRepo
from tests.support.world import world

CASES: Final = [case for case in kept_cases() if case.secrets]
SECRETS: Final = sorted({"".join(parts) for case in CASES for parts in case.secrets})


def readable(data: bytes) -> list[str]:
    """The keys that a text gives away; half of one is enough."""
    return [secret for secret in SECRETS if secret[:20].encode() in data or secret[-20:].encode() in data]


def all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def files() -> dict[str, str | bytes]:
    """All documents of the corpus with a key in them, as one repository; each is a document of its own."""
    found: dict[str, str | bytes] = {"chatbots/good.yaml": f"{HEAD}spec: {{core: {{name: Good}}}}\n"}
    for number, case in enumerate(CASES):
        for file in case.files:
            path = file.path.decode().replace("chatbots/bad", f"chatbots/bad-{number}")
            content = file.content().replace(b"../prompts/p.md", b"../prompts/p%d.md" % number)
            found[path.replace("prompts/p.md", f"prompts/p{number}.md")] = content
    return found


def test_what_is_searched_for_is_there() -> None:
    everything = b"".join(data if isinstance(data, bytes) else data.encode() for data in files().values())
    assert len(readable(everything)) >= 0.8 * len(SECRETS)
    assert len(SECRETS) >= 30


@pytest.mark.anyio
async def test_no_key_reaches_the_database_or_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    healthy = {"chatbots/good.yaml": f"{HEAD}spec: {{core: {{name: Good}}}}\n"}
    async with world(tmp_path, {"good": {"core": {"name": "Good"}}}, healthy) as here:
        here.source.amend(files())
        runs = [await here.refresh(), await here.refresh()]
    refused = [each for each in runs[0].diagnostics if "looks like a" in each.message]
    assert len(refused) >= len(CASES)
    stored = all_bytes(tmp_path)
    assert b"chatbots/bad-0.yaml" in stored, "this is where what is stored can be read"
    assert readable(stored) == []
    assert readable(caplog.text.encode()) == []


@pytest.mark.parametrize("command", [("validate",), ("plan",), ("plan", "--format", "json")])
def test_no_command_prints_a_key(command: tuple[str, ...], tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "repo")
    repo.write({path: data for path, data in files().items() if path != "chatbots/good.yaml"})
    # the second document of one file is healthy: it would be planned, were anybody there
    environ = {"WIZCHAT_API_KEY": "wpk_live_reader", "WIZCHAT_BASE_URL": "http://127.0.0.1:1"}
    done = run_command(*command, environ=environ, cwd=repo.folder, check=False)
    assert done.returncode == 1
    if command == ("validate",):
        assert done.stdout.count("looks like a") >= len(CASES)
    assert readable((done.stdout + done.stderr).encode()) == []


@pytest.mark.parametrize("name", sorted(keys()))
def test_no_key_is_exported_into_a_repository(name: str) -> None:
    key = "".join(keys()[name])
    for spec in ({"core": {"a": {"prompt": f"Be kind.\n{key}\n\n"}}}, {"skills": [{"name": "s", "body": f"x {key}"}]}):
        body = {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": spec}
        with pytest.raises(Unwritable, match=r"holds what looks like .*: take it out at WizChat") as raised:
            lay_out(Exported("bot_1", "Acme", body), "acme")
        assert str(raised.value).startswith(("core.a.prompt", "skills.s.body"))
        assert readable(str(raised.value).encode()) == []


def test_a_key_that_only_its_name_gives_away_is_not_exported() -> None:
    core = {"DD_API_KEY": "0f1e2d3c4b5a69788796a5b4c3d2e1f0"}
    body = {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {"core": core}}
    with pytest.raises(Unwritable, match=r"core\.DD_API_KEY holds what looks like a Datadog key"):
        lay_out(Exported("bot_1", "Acme", body), "acme")
