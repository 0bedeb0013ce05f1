"""`reconciler demo`: everything on embedded parts, with drift and a change that waits."""

import asyncio
import logging
from contextlib import suppress
from typing import Annotated

import typer

from reconciler.runtime.telemetry import log_to_stderr


def demo(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the service listens; 0 takes a free port.")] = 8080,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
) -> None:
    """Start a sandbox API, a sample git repository and the service, with drift and a change waiting to be approved.

    Prints the service's URL first, then a token and what to try. Nothing of it outlives the process.
    """
    from reconciler.demo.demo import run_demo  # noqa: PLC0415  loads the database and the web, which other commands do without

    log_to_stderr(logging.WARNING)
    with suppress(KeyboardInterrupt):
        asyncio.run(run_demo(port, host=host))
