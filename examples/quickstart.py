"""List, export, edit, preview, apply: the whole way with the synchronous client.

Usage: WIZCHAT_API_KEY=wpk_live_… python examples/quickstart.py

WIZCHAT_BASE_URL points it at another installation, such as the sandbox. It renames the first chatbot of the account.
"""

import os
import sys

from api_client import (
    DEFAULT_BASE_URL,
    ApplyOutcomeUnknown,
    WizChatApiError,
    WizChatClient,
    WizChatConnectionError,
)


def main() -> int:
    """Rename the first chatbot, after showing what that changes."""
    base_url = os.environ.get("WIZCHAT_BASE_URL", DEFAULT_BASE_URL)
    with WizChatClient(api_key=os.environ["WIZCHAT_API_KEY"], base_url=base_url) as wizchat:
        # 1. List your chatbots.
        chatbot_id = wizchat.list_chatbots()[0].id

        # 2. Export the configuration as a document.
        config = wizchat.get_config(chatbot_id)

        # 3. Edit the document in memory.
        config.spec.core = {**(config.spec.core or {}), "name": "Acme Support Desk"}

        # 4. Preview: the plan, and nothing is written.
        preview = wizchat.apply_config(chatbot_id, config, dry_run=True)
        print("plan:", preview.plan.summary)

        # 5. Apply. A partial failure is a result and no exception.
        result = wizchat.apply_config(chatbot_id, config)
        if result.failed is not None:
            print("stopped at:", result.failed.op, result.failed.message, file=sys.stderr)
            return 1
        print("applied:", [op.section for op in result.applied or [] if not op.noop])
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except WizChatApiError as error:
        sys.exit(f"refused ({error.status} {error.code}): {error.message} {error.details or ''}")
    except ApplyOutcomeUnknown as error:
        sys.exit(f"unknown: {error}")
    except WizChatConnectionError as error:
        sys.exit(f"not reached: {error}")
