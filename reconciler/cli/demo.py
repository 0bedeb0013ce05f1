"""`reconciler demo`: start the demonstration on this machine."""

import asyncio
import logging
import os
from contextlib import suppress
from typing import Annotated

import typer

from api_client.base_url import LARGEST_PORT
from api_client.environment import PROXY_VARIABLES
from reconciler.runtime.telemetry import log_to_stderr
from reconciler.settings.sections import ServerSettings

_SERVER = ServerSettings()


def demo(
    port: Annotated[
        int, typer.Option(min=0, max=LARGEST_PORT, help="Where the service listens; 0 takes a free port.")
    ] = _SERVER.port,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = _SERVER.host,
) -> None:
    """Start a sandbox API, a sample git repository and the service, with drift and a change waiting to be approved.

    Prints the service's URL first, then a token and what to try. Nothing of it outlives the process.
    """
    from reconciler.demo.demo import run_demo  # noqa: PLC0415  loads the database and the web, which other commands do without

    # everything of the demonstration is on this machine, and no proxy's business
    for name in [name for name in os.environ if name.upper() in PROXY_VARIABLES]:
        del os.environ[name]
    log_to_stderr(logging.WARNING)
    with suppress(KeyboardInterrupt):
        asyncio.run(run_demo(port, host=host))
