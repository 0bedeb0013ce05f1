"""Client for the WizChat Management API: typed, synchronous and asynchronous.

Start with `WizChatClient` or `AsyncWizChatClient`. Less common payload types are in `api_client.models`, facts about
the configuration's sections in `api_client.contract`, and a local stand-in for the API in `api_client.sandbox`.
"""

from api_client._wire import document_body
from api_client.async_client import AsyncWizChatClient
from api_client.base_url import DEFAULT_BASE_URL
from api_client.client import WizChatClient
from api_client.errors import (
    ApplyOutcomeUnknown,
    WizChatApiError,
    WizChatConnectionError,
    WizChatError,
    WizChatResponseError,
)
from api_client.models import ApplyResult, ChatbotConfigDocument, Error, Plan, PublicChatbot, Spec

__version__ = "0.1.0"

__all__ = [
    "DEFAULT_BASE_URL",
    "ApplyOutcomeUnknown",
    "ApplyResult",
    "AsyncWizChatClient",
    "ChatbotConfigDocument",
    "Error",
    "Plan",
    "PublicChatbot",
    "Spec",
    "WizChatApiError",
    "WizChatClient",
    "WizChatConnectionError",
    "WizChatError",
    "WizChatResponseError",
    "__version__",
    "document_body",
]
