"""A local WizChat Management API, for demonstrations and for tests against real sockets.

It needs the extra ``sandbox``. Importing ``api_client`` does not load it.
"""

from api_client.sandbox.app import create_app
from api_client.sandbox.auth import ALL_SCOPES, DEFAULT_API_KEY, ApiKey
from api_client.sandbox.fleet import Chatbot, Fleet
from api_client.sandbox.remote import SandboxControl
from api_client.sandbox.seed import SeedError, default_fleet, generated_fleet, load_fleet
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
