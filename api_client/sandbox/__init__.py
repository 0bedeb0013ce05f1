"""A local WizChat Management API, for demonstrations and for tests against real sockets.

What serves it needs the extra ``sandbox``. Importing ``api_client`` does not load it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from api_client.sandbox.auth import ALL_SCOPES, DEFAULT_API_KEY, ApiKey
from api_client.sandbox.fleet import Chatbot, Fleet
from api_client.sandbox.remote import SandboxControl
from api_client.sandbox.seed import SeedError, default_fleet, generated_fleet, load_fleet

if TYPE_CHECKING:
    from api_client.sandbox.app import create_app
    from api_client.sandbox.server import SandboxServer, serve

__all__ = [
    "ALL_SCOPES",
    "DEFAULT_API_KEY",
    "ApiKey",
    "Chatbot",
    "Fleet",
    "SandboxControl",
    "SandboxServer",
    "SeedError",
    "create_app",
    "default_fleet",
    "generated_fleet",
    "load_fleet",
    "serve",
]

_SERVING: Final = {"create_app": "app", "SandboxServer": "server", "serve": "server"}


def __getattr__(name: str) -> Any:
    """Import what needs the extra when it is used, so that its absence can be reported in one line."""
    if name not in _SERVING:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_SERVING[name]}"), name)
    except ModuleNotFoundError as error:
        raise ImportError("the sandbox needs its extra: pip install 'wizchat-reconciler[sandbox]'") from error
