"""The demonstration's documents are the live fleet, and its changes are what its words say."""

import asyncio
from pathlib import Path

import pytest

from api_client.sandbox import SandboxServer
from reconciler.demo import story
from reconciler.demo.sample_repo import REPOSITORY, create_repository
from reconciler.domain.layout import Exported
from reconciler.engine.export import export_fleet
from reconciler.runtime.bootstrap.local import editor_schema, local_target
from reconciler.settings.input import load_settings


@pytest.fixture(scope="module")
def fleet() -> tuple[Exported, ...]:
    with SandboxServer() as sandbox:
        tenant = load_settings({"WIZCHAT_API_KEY": sandbox.api_key, "WIZCHAT_BASE_URL": sandbox.url}).tenant()

        async def read() -> tuple[Exported, ...]:
            async with local_target(tenant) as target:
                export = await export_fleet(target)
            assert export.failures == ()
            return export.exported

        return asyncio.run(read())


def test_the_repository_holds_the_fleet_but_for_what_is_left_unmanaged(fleet: tuple[Exported, ...]) -> None:
    files = story.repository_files(fleet, editor_schema())

    documents = [path for path in files if path.startswith("chatbots/")]
    assert len(documents) == len(fleet) - len(story.UNMANAGED)
    assert story.SCHEMA_PATH in files


def test_the_second_commit_changes_a_prompt_and_adds_a_skill(fleet: tuple[Exported, ...]) -> None:
    before = story.repository_files(fleet, {})

    after = story.later_files(fleet)

    changed = {path for path, text in after.items() if before.get(path) != text}
    assert changed == {
        "chatbots/acme-support-bot.yaml",
        "prompts/acme-support-bot/core.behavior.system-prompt.md",
        "prompts/acme-support-bot/skills.returns-eu.body.md",
    }


def test_the_chatbots_of_the_story_are_in_the_fleet(fleet: tuple[Exported, ...]) -> None:
    ids = {chatbot.chatbot_id for chatbot in fleet}

    assert {*story.UNMANAGED, story.CHANGED_IN_GIT, story.EDITED_LIVE, story.LEFT_FOR_THE_READER} <= ids


def test_the_live_edits_are_taken_by_the_sandbox() -> None:
    with SandboxServer() as sandbox:
        for edit in (story.EDIT, story.READERS_EDIT):
            sandbox.control.edit(edit.chatbot_id, edit.section, set=dict(edit.values))


def test_the_documents_can_be_committed(fleet: tuple[Exported, ...], tmp_path: Path) -> None:
    assert create_repository(tmp_path, story.repository_files(fleet, editor_schema())) == tmp_path / REPOSITORY


def test_the_instructions_carry_the_plans_id_and_fingerprint() -> None:
    plan = {"id": "plan_1", "fingerprint": "f" * 64}

    text = story.instructions("http://127.0.0.1:8080", "http://127.0.0.1:8700", "wzr_token", plan)

    assert text.startswith("# in a browser: open http://127.0.0.1:8080 and sign in")
    assert "\nexport RECONCILER_TOKEN=wzr_token\n" in text
    assert f'{{"fingerprint": "{"f" * 64}"}}' in text
    assert "http://127.0.0.1:8080/api/v1/plans/plan_1/approve" in text
    assert "http://127.0.0.1:8080/api/v1/plans/plan_1/apply" in text
    assert f"/_sandbox/chatbots/{story.LEFT_FOR_THE_READER}/edit" in text
