"""Where the pages are, for whoever links to them."""

from urllib.parse import quote


def chatbot_path(tenant: str, chatbot_id: str) -> str:
    """The path of a chatbot's page."""
    return f"/chatbots/{quote(tenant, safe='')}/{quote(chatbot_id, safe='')}"
