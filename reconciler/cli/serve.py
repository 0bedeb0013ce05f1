"""`reconciler serve`: run the service in the foreground."""

import asyncio

from reconciler.cli import output
from reconciler.runtime.telemetry import log_to_stderr
from reconciler.settings.input import load_settings


def serve() -> None:
    """Run the service until it is stopped.

    Reads RECONCILER_CONFIG and the environment. Creates or upgrades the database, and needs no reachable git to
    become ready. The first start without any token prints a one-time admin token.
    """
    settings = load_settings()
    from reconciler.runtime.serve import serve as run_service  # noqa: PLC0415  loads the database and the web, which other commands do without

    log_to_stderr()
    asyncio.run(run_service(settings, ready=_announce, first_token=_hand_over))


def _announce(url: str) -> None:
    output.show(f"{url}\n")


def _hand_over(secret: str) -> None:
    """The only time that the secret can be read; stderr may be collected as a log, so it goes to stdout."""
    output.show(f"admin token (shown once): {secret}\n")
