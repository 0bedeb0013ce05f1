"""Dry-run every chatbot's own export at once, with the asynchronous client. It writes nothing.

Usage: WIZCHAT_API_KEY=wpk_live_… python examples/async_quickstart.py
"""

import asyncio
import os

from api_client import DEFAULT_BASE_URL, AsyncWizChatClient


async def differing_ops(wizchat: AsyncWizChatClient, chatbot_id: str) -> int:
    """How many ops a chatbot's own export would cause; none, unless somebody edits it right now."""
    config = await wizchat.get_config(chatbot_id)
    summary = (await wizchat.apply_config(chatbot_id, config, dry_run=True)).plan.summary
    return summary.create + summary.update + summary.delete


async def main() -> None:
    """Print one line for each chatbot."""
    base_url = os.environ.get("WIZCHAT_BASE_URL", DEFAULT_BASE_URL)
    async with AsyncWizChatClient(api_key=os.environ["WIZCHAT_API_KEY"], base_url=base_url) as wizchat:
        chatbots = await wizchat.list_chatbots()
        async with asyncio.TaskGroup() as group:
            counts = [group.create_task(differing_ops(wizchat, chatbot.id)) for chatbot in chatbots]
        for chatbot, count in zip(chatbots, counts, strict=True):
            print(f"{chatbot.name}: {count.result()} to change")


if __name__ == "__main__":
    asyncio.run(main())
