"""The commands that need no server, as people run them: a subprocess against a sandbox."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from api_client.sandbox import ALL_SCOPES, ApiKey, SandboxServer, generated_fleet
from tests.support.command import Interpreter, run_command
from tests.support.git import GitRepo
from tests.support.http_server import Answer, http_server
from tests.support.waiting import PATIENCE

READS = frozenset(scope for scope in ALL_SCOPES if scope.endswith(":read"))
KEYS = (
    ApiKey("reader", "wpk_live_reader", scopes=READS),
    ApiKey("no-skills", "wpk_live_no_skills", scopes=READS - {"skills:read"}),
)


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line on stderr."""
        assert self.code == 1
        assert "Traceback" not in self.out + self.err
        (line,) = self.err.splitlines()
        return line


@dataclass(frozen=True, slots=True)
class Shell:
    """A folder, and the sandbox that commands speak to."""

    folder: Path
    url: str
    key: str = "wpk_live_reader"

    def run(self, *arguments: str, cwd: str = ".", **environ: str) -> Ran:
        given = {"WIZCHAT_API_KEY": self.key, "WIZCHAT_BASE_URL": self.url, **environ}
        given = {name: value for name, value in given.items() if value}
        # an interpreter reads its own variables at its start
        starter = Interpreter() if any(name.startswith("PYTHON") for name in given) else None
        done = run_command(*arguments, environ=given, cwd=self.folder / cwd, check=False, starter=starter)
        return Ran(done.returncode, done.stdout, done.stderr)

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.folder / path
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer(keys=KEYS) as running:
        yield running
        assert running.control.journal()["counts"]["writes"] == 0, "a read-only command wrote"


@pytest.fixture
def shell(tmp_path: Path, server: SandboxServer) -> Shell:
    return Shell(tmp_path, server.url)


@pytest.fixture(scope="module")
def export(server: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    assert Shell(folder, server.url).run("export", "--all", "--to", "bots").code == 0
    return folder / "bots"


@pytest.fixture
def exported(shell: Shell, export: Path) -> Shell:
    shutil.copytree(export, shell.folder / "bots")
    return shell


def test_export_then_plan_finds_nothing_and_one_edit_is_found(exported: Shell) -> None:
    in_sync = exported.run("plan", "--detailed-exitcode", cwd="bots")
    assert (in_sync.code, in_sync.err) == (0, "")
    assert in_sync.out == "Plan: nothing to change on 9 chatbots; 9 in sync.\nNothing was written.\n"

    exported.edit("bots/prompts/acme-support-bot/skills.refunds.body.md", "wants money back", "wants a refund")
    drifted = exported.run("plan", "--detailed-exitcode", cwd="bots")
    assert (drifted.code, drifted.err) == (2, "")
    assert '~ skills "refunds"' in drifted.out
    assert "Use this whenever a customer wants [-money back-]{+a refund+}, also when" in drifted.out
    assert "Plan: 1 to update on 1 of 9 chatbots; 8 in sync." in drifted.out
    assert exported.run("plan", cwd="bots").code == 0, "without the option a difference is no failure"


def test_an_export_is_the_same_again_and_never_overwrites_an_edit(exported: Shell) -> None:
    again = exported.run("export", "--all", "--to", "bots")
    assert "0 files written" in again.out
    exported.edit("bots/chatbots/acme-support-bot.yaml", "friendly", "formal")
    assert "give --force" in exported.run("export", "--all", "--to", "bots").error
    assert exported.run("export", "bot_7f3a", "--to", "bots", "--force").code == 0
    assert exported.run("plan", "--detailed-exitcode", cwd="bots").code == 0


@pytest.mark.parametrize(
    ("written", "lost"),
    [
        ("metadata:\n  labels: {team: support, env: prod}\n", "its labels (env, team)"),
        ("prune: false\n", "prune: false"),
        ("# agreed with legal\n", "a comment"),
        ("---\n{apiVersion: v1, kind: ChatbotConfig, metadata: {chatbotId: bot_9}, spec: {}}\n", "chatbot bot_9"),
        ("  skils: []\n", "what its document says, which is not valid"),
    ],
)
def test_what_no_export_states_is_dropped_only_with_discard(exported: Shell, written: str, lost: str) -> None:
    document = exported.folder / "bots/chatbots/acme-support-bot.yaml"
    text = document.read_text(encoding="utf-8").replace("friendly", "formal")
    match written.partition(":")[0]:
        case "metadata":
            text = text.replace("metadata:\n", written)
        case "prune":
            text = text.replace("prune: true\n", written)
        case _:
            text += written
    document.write_text(text, encoding="utf-8")
    refused = exported.run("export", "bot_7f3a", "--to", "bots", "--force")
    assert (refused.code, refused.out) == (1, "")
    assert f"bots/chatbots/acme-support-bot.yaml would lose {lost}" in refused.error.replace("the document of ", "")
    assert refused.error.endswith("give --force --discard")
    assert document.read_text(encoding="utf-8") == text
    assert exported.run("export", "bot_7f3a", "--to", "bots", "--force", "--discard").code == 0
    assert exported.run("plan", "--detailed-exitcode", cwd="bots").code == 0


def test_no_second_document_is_written_for_a_chatbot(exported: Shell) -> None:
    document = exported.folder / "bots/chatbots/acme-support-bot.yaml"
    document.rename(document.with_name("support.yaml"))
    refused = exported.run("export", "--all", "--to", "bots", "--force", "--discard")
    assert refused.error == (
        "error: chatbot bot_7f3a has a document already, at chatbots/support.yaml:2: remove that one first"
    )
    assert not document.exists()


def test_a_chatbots_second_document_is_found_wherever_documents_are(exported: Shell) -> None:
    bots = exported.folder / "bots"
    already = (
        "error: chatbot bot_7f3a has a document already, at chatbots/acme-support-bot.yaml:2: remove that one first"
    )
    assert exported.run("export", "bot_7f3a", "--to", "new", cwd="bots").error == already
    assert not (bots / "new").exists()
    (bots / "new").mkdir()
    assert exported.run("export", "bot_7f3a", "--to", "new", cwd="bots").error == already


def test_an_export_reads_the_work_tree_once(exported: Shell, tmp_path: Path) -> None:
    bots, calls, git = exported.folder / "bots", tmp_path / "calls", shutil.which("git")
    GitRepo(bots)
    counting = tmp_path / "bin" / "git"
    counting.parent.mkdir()
    counting.write_text(f'#!/bin/sh\necho "$@" >> {calls}\nexec {git} "$@"\n')
    counting.chmod(0o755)
    path = f"{counting.parent}{os.pathsep}{os.environ['PATH']}"
    ran = exported.run("export", "--all", "--to", ".", cwd="bots", PATH=path)
    assert (ran.code, ran.err) == (0, "")
    assert len([line for line in calls.read_text().splitlines() if " add --update " in line]) == 1


def test_an_export_is_valid_and_holds_no_server_owned_field(exported: Shell) -> None:
    assert exported.run("validate", cwd="bots").out == "9 of 9 documents are valid.\n"
    text = "".join(path.read_text(encoding="utf-8") for path in (exported.folder / "bots/chatbots").iterdir())
    assert not re.search(r"updatedAt|createdAt|hasSecret|authorizedEmailCount", text)


@pytest.mark.parametrize(("given", "says"), [("bot_nope", "check the id"), ("all", "give --all"), ("*", "give --all")])
def test_an_export_of_nothing_says_only_what_is_wrong(exported: Shell, given: str, says: str) -> None:
    ran = exported.run("export", given, "--to", "new")
    assert (ran.code, ran.out) == (1, "")
    assert ran.error.startswith(f"error: chatbot {given} was not found")
    assert ran.error.count(f"chatbot {given}") == 1
    assert says in ran.error
    assert not (exported.folder / "new").exists()


def test_four_hundred_chatbots_are_exported_and_planned(tmp_path: Path) -> None:
    config = tmp_path / "reconciler.toml"
    with SandboxServer(fleet=generated_fleet(400)) as server:
        config.write_text(
            f'[[tenants]]\nname = "big"\nbase_url = "{server.url}"\napi_key = "{server.api_key}"\n'
            "requests_per_minute = 60000\n"
        )
        shell = Shell(tmp_path, "", "")
        assert shell.run("export", "--all", "--to", "bots", RECONCILER_CONFIG=str(config)).code == 0
        planned = shell.run("plan", "bots", "--detailed-exitcode", "--format", "json", RECONCILER_CONFIG=str(config))
        assert server.control.journal()["counts"]["writes"] == 0
    assert planned.code == 0
    assert json.loads(planned.out)["in_sync"] == 400


def test_machine_output_stands_alone_and_can_be_saved(exported: Shell) -> None:
    exported.edit("bots/chatbots/acme-support-bot.yaml", "friendly", "formal")
    ran = exported.run("plan", "--format", "json", "--out", "plan.json", "--chatbot", "bot_7f3a", cwd="bots")
    assert ran.out == (exported.folder / "bots/plan.json").read_text()
    (plan,) = json.loads(ran.out)["plans"]
    assert (plan["chatbot_id"], plan["tenant"], len(plan["fingerprint"])) == ("bot_7f3a", "default", 64)
    assert plan["ops"][0]["changed_fields"] == ["behavior.tone"]
    markdown = exported.run("plan", "--format", "markdown", cwd="bots").out
    assert plan["fingerprint"] in markdown


def test_a_chatbot_that_is_gone_and_a_document_that_is_wrong_are_told_and_stop_no_other(exported: Shell) -> None:
    exported.edit("bots/chatbots/acme-careers.yaml", "bot_51c2", "bot_gone")
    exported.edit("bots/chatbots/it-helpdesk.yaml", "\n  skills:", "\n  skils:")
    exported.edit("bots/chatbots/acme-support-bot.yaml", "friendly", "formal")
    ran = exported.run("plan", cwd="bots")
    assert ran.error == "error: the plan is incomplete: 1 not found, 1 document refused"
    assert "? Acme Careers   bot_gone   chatbots/acme-careers.yaml\n    chatbot bot_gone was not found" in ran.out
    assert re.search(r'^! chatbots/it-helpdesk\.yaml:\d+:3 .*did you mean "skills"\?$', ran.out, re.MULTILINE)
    assert "friendly → formal" in ran.out
    assert exported.run("plan", "--detailed-exitcode", cwd="bots").code == 2
    checked = exported.run("validate", cwd="bots")
    assert checked.error == "error: 1 document is refused"
    assert checked.out.endswith("8 of 9 documents are valid.\n")


@pytest.mark.parametrize("command", ["validate", "plan"])
def test_finding_no_document_is_an_error_that_says_what_is_near(shell: Shell, command: str) -> None:
    (shell.folder / "bots").mkdir()
    (shell.folder / "bots/a.yaml").write_text("apiVersion: v1\nkind: ChatbotConfig\nspec: [\n")
    beside = shell.run(command).error
    assert beside.startswith("error: no file matches chatbots/**/*.yaml")
    assert "near are 1 document in bots/" in beside
    (shell.folder / "chatbots").mkdir()
    (shell.folder / "chatbots/team").symlink_to("../bots")
    linked = shell.run(command)
    assert linked.code == 1
    assert "chatbots/team: this is a symbolic link, which is not followed" in linked.err
    assert shell.run("validate", "bots").code == 1


def test_a_link_beside_good_documents_is_a_warning(exported: Shell) -> None:
    (exported.folder / "bots/chatbots/team").symlink_to("../prompts")
    ran = exported.run("validate", cwd="bots")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("· chatbots/team:1:1   this is a symbolic link")
    assert ran.out.endswith("9 of 9 documents are valid.\n")


def test_warnings_are_errors_when_that_is_asked(exported: Shell) -> None:
    assert exported.run("validate", "--strict", cwd="bots").code == 0
    exported.edit("bots/chatbots/acme-support-bot.yaml", "tone: friendly", "tonne: friendly")
    lenient = exported.run("validate", cwd="bots")
    assert lenient.code == 0
    assert re.search(r'^· chatbots/acme-support-bot.yaml:\d+:\d+ .*did you mean "tone"\?$', lenient.out, re.MULTILINE)
    for command in ("validate", "plan"):
        assert "warnings are errors because of --strict" in exported.run(command, "--strict", cwd="bots").error


def test_a_clone_with_other_line_ends_plans_what_git_holds(exported: Shell) -> None:
    repo = GitRepo(exported.folder / "bots")
    repo.commit()
    clone = GitRepo(exported.folder / "clone")
    clone.git("config", "core.autocrlf", "true")
    clone.git("fetch", "--quiet", repo.url, "main")
    clone.git("checkout", "--quiet", "-B", "main", "FETCH_HEAD")
    assert any(b"\r\n" in path.read_bytes() for path in (clone.folder / "prompts").rglob("*.md"))
    planned = exported.run("plan", "--detailed-exitcode", cwd="clone")
    assert (planned.code, planned.err) == (0, "")
    assert planned.out == "Plan: nothing to change on 9 chatbots; 9 in sync.\nNothing was written.\n"
    assert exported.run("validate", cwd="clone").out == "9 of 9 documents are valid.\n"


def test_an_account_without_chatbots_is_no_export(tmp_path: Path) -> None:
    with SandboxServer(fleet=generated_fleet(0)) as server:
        ran = Shell(tmp_path, server.url, server.api_key).run("export", "--all", "--to", "bots")
    assert "there is no chatbot at" in ran.error
    assert not (tmp_path / "bots").exists()


def test_a_wrong_key_is_one_line_without_the_key(exported: Shell) -> None:
    ran = exported.run("plan", cwd="bots", WIZCHAT_API_KEY="wpk_live_wrong")
    assert (
        ran.error
        == "error: WizChat refused the API key: put a valid key in api_key (WIZCHAT_API_KEY) of tenant default"
    )


def test_no_key_at_all_says_where_to_put_one(exported: Shell) -> None:
    assert "put a read key in WIZCHAT_API_KEY" in exported.run("plan", cwd="bots", WIZCHAT_API_KEY="").error


def test_the_key_can_come_from_a_file(exported: Shell) -> None:
    (exported.folder / "key").write_text("wpk_live_reader\n")
    ran = exported.run("plan", "bots", "--api-key-file", "key", "--base-url", exported.url, WIZCHAT_API_KEY="wrong")
    assert ran.code == 0


def test_a_missing_scope_is_named_with_its_section(exported: Shell) -> None:
    ran = exported.run("plan", "--chatbot", "bot_7f3a", cwd="bots", WIZCHAT_API_KEY="wpk_live_no_skills")
    assert ran.error == "error: the plan is incomplete: 1 could not be asked"
    assert "lacks the scope skills:read (for spec.skills): add it to the key of tenant default" in ran.out


def test_an_export_without_a_scope_says_what_it_left_out(shell: Shell) -> None:
    ran = shell.run("export", "bot_7f3a", "--to", "bots", WIZCHAT_API_KEY="wpk_live_no_skills")
    assert ran.code == 0
    assert ran.err == "warning: spec.skills was left out of 1 chatbot: the API key may not read it\n"
    assert "skills" not in (shell.folder / "bots/chatbots/acme-support-bot.yaml").read_text()


def test_documents_that_are_not_read_are_told_and_one_that_is_misnamed_fails(exported: Shell) -> None:
    bots = exported.folder / "bots"
    (bots / "more").mkdir()
    (bots / "chatbots/acme-careers.yaml").rename(bots / "more/acme-careers.yaml")
    planned = exported.run("plan", cwd="bots")
    assert (planned.code, planned.err.count("warning: ")) == (0, 1)
    assert "warning: more/acme-careers.yaml:1:1 this document is not read, as it lies outside of" in planned.err
    assert exported.run("validate", "--strict", cwd="bots").code == 1
    assert exported.run("validate", "--strict", "chatbots", cwd="bots").code == 0

    (bots / "chatbots/it-helpdesk.yaml").rename(bots / "chatbots/it-helpdesk.YML")
    checked = exported.run("validate", "chatbots", cwd="bots")
    assert checked.error == "error: 1 document is refused"
    assert "! chatbots/it-helpdesk.YML:1:1   its name differs only in upper and lower case" in checked.out
    planned = exported.run("plan", "chatbots", cwd="bots")
    assert planned.error == "error: the plan is incomplete: 1 document refused"
    assert "! chatbots/it-helpdesk.YML:1:1" in planned.out


def test_nobody_listening_is_one_line(exported: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    ran = exported.run("plan", cwd="bots", WIZCHAT_BASE_URL=f"http://127.0.0.1:{port}")
    assert re.fullmatch(r"error: WizChat cannot be reached \(.*\): check base_url of tenant default and .*", ran.error)


def test_a_wrong_address_is_one_line_and_met_once(exported: Shell) -> None:
    page = Answer(200, {"Content-Type": "text/html"}, b"<html>Welcome</html>")
    with http_server(page) as elsewhere:
        ran = exported.run("plan", cwd="bots", WIZCHAT_BASE_URL=elsewhere.url)
    assert ran.error.startswith("error: WizChat's answer cannot be read (")
    assert ran.error.count("check that base_url of tenant default is that of the Management API") == 1
    assert ran.out == ""
    assert [path for path, _ in elsewhere.asked] == ["/api/v1/chatbots/bot_51c2/apply?dryRun=true", "/api/v1/chatbots"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("plan", "--chatbot", "bot_x", "bots"), "no document claims chatbot bot_x"),
        (("plan", "--chatbot", "bot_7f3b", "bots"), "did you mean bot_7f3a?"),
        (("plan", "nowhere"), "there is no file or folder nowhere"),
        (("plan", "--format", "xml"), "'text', 'json', 'markdown'"),
        (("plan", "--no-such-option"), "No such option"),
        (("plan", "bots", "--out", "no/such/folder"), "cannot be written"),
        (("plan", "--tenant", "other", "bots"), "there is no tenant 'other'"),
        (("export", "--to", "x"), "name the chatbots to export, or give --all"),
        (("export", "--all", "bot_7f3a", "--to", "x"), "name the chatbots to export, or give --all"),
        (("export", "--all"), "to"),
        (("export", "bot_nope", "--to", "x"), "chatbot bot_nope was not found"),
        (("no-such-command",), "No such command"),
    ],
    ids=str,
)
def test_a_mistake_is_one_line_and_exit_code_1(exported: Shell, arguments: tuple[str, ...], says: str) -> None:
    """Never 2, which means that something would change."""
    line = exported.run(*arguments).error
    assert line.startswith("error: ")
    assert says in line


def test_the_schema_accepts_what_export_writes(shell: Shell) -> None:
    schema = json.loads(shell.run("schema", WIZCHAT_API_KEY="").out)
    assert {"apiVersion", "kind", "metadata", "prune", "spec"} == set(schema["properties"])


def test_without_arguments_the_commands_are_listed(shell: Shell) -> None:
    done = run_command(environ={}, cwd=shell.folder, starter=Interpreter())
    ran = Ran(done.returncode, done.stdout, done.stderr)
    assert ran.code == 0
    assert {"validate", "plan", "export", "schema"} <= set(ran.out.split())


def test_a_terminal_without_unicode_gets_escapes(exported: Shell) -> None:
    exported.edit("bots/chatbots/acme-support-bot.yaml", "friendly", "formal")
    ran = exported.run("plan", cwd="bots", PYTHONIOENCODING="ascii")
    assert ran.code == 0
    assert "friendly \\u2192 formal" in ran.out


def test_with_the_sdk_alone_the_command_says_how_to_install_the_rest() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-S", "-m", "reconciler", "plan"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: only the SDK is installed: run pip install 'wizchat-reconciler[service]'\n"


def test_many_dry_runs_are_announced(exported: Shell, server: SandboxServer) -> None:
    """Nine chatbots at a call a minute; with a wrong key, so that nobody waits for them."""
    config = exported.folder / "reconciler.toml"
    config.write_text(
        f'[[tenants]]\nname = "acme"\nbase_url = "{server.url}"\napi_key = "wpk_live_wrong"\n'
        "requests_per_minute = 1\ndaily_budget = 90\n",
        encoding="utf-8",
    )
    planned = exported.run("plan", "bots", RECONCILER_CONFIG=str(config), WIZCHAT_API_KEY="", WIZCHAT_BASE_URL="")
    told, refused = planned.err.splitlines()
    assert told == "dry runs: 9 calls, at least 8 min at 1/min, 10 % of today's quota"
    assert "WizChat refused the API key" in refused
