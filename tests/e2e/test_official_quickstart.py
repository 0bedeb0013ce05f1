"""The official SDK's quickstart against `reconciler sandbox --port N --api-key K`: only its address is another."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.waiting import PATIENCE

KEY = "wpk_live_quickstart"

QUICKSTART = """
import os
from wizchat_management import WizChatClient, WizChatApiError

wizchat = WizChatClient(api_key=os.environ["WIZCHAT_API_KEY"], base_url=os.environ["WIZCHAT_BASE_URL"])
try:
    # 1. List your chatbots.
    chatbots = wizchat.list_chatbots()
    chatbot_id = chatbots[0].id

    # 2. Export the current configuration as a desired-state document.
    config = wizchat.get_config(chatbot_id)

    # 3. Edit the document in memory (config-as-code).
    core = dict(config.spec.core or {})
    core["name"] = "Acme Support Bot, renamed"
    config.spec.core = core

    # 4. Preview the change with a dry-run: returns the reconcile plan, no writes.
    plan = wizchat.apply_config(chatbot_id, config, dry_run=True)
    print(plan.plan.summary)

    # 5. Apply for real once the plan looks right.
    result = wizchat.apply_config(chatbot_id, config)
    print(result.applied)
except WizChatApiError as err:
    print(f"API error {err.status} [{err.code}]: {err.message}", err.details)
finally:
    wizchat.close()
"""


@pytest.fixture
def sandbox_url() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "sandbox", "--port", "0", "--api-key", KEY],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


@pytest.mark.parametrize("package", ["wizchat_management", "api_client"])
def test_the_quickstart_runs(sandbox_url: str, package: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", QUICKSTART.replace("wizchat_management", package)],
        env={**os.environ, "WIZCHAT_API_KEY": KEY, "WIZCHAT_BASE_URL": sandbox_url},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    summary, applied = done.stdout.splitlines()
    assert summary.startswith("create=0 update=1 delete=0")
    assert "update" in applied
