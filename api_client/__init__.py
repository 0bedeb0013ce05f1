"""Client for the WizChat Management API: typed, synchronous and asynchronous.

Start with `WizChatClient` or `AsyncWizChatClient`. Less common payload types are in `api_client.models`, facts about
the configuration's sections in `api_client.contract`, and a local stand-in for the API in `api_client.sandbox`.
"""

import importlib
import typing

if typing.TYPE_CHECKING:
    from api_client._wire import DryRunAnswer, document_body
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
    "DryRunAnswer",
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

_MODULES: typing.Final = {
    "DEFAULT_BASE_URL": "base_url",
    "ApplyOutcomeUnknown": "errors",
    "ApplyResult": "models",
    "AsyncWizChatClient": "async_client",
    "ChatbotConfigDocument": "models",
    "DryRunAnswer": "_wire",
    "Error": "models",
    "Plan": "models",
    "PublicChatbot": "models",
    "Spec": "models",
    "WizChatApiError": "errors",
    "WizChatClient": "client",
    "WizChatConnectionError": "errors",
    "WizChatError": "errors",
    "WizChatResponseError": "errors",
    "document_body": "_wire",
}


def __getattr__(name: str) -> typing.Any:
    """Import what is asked for: who needs a fact about the contract, or a check of a key, loads no HTTP client."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
