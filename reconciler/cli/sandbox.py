"""`reconciler sandbox`: a local WizChat Management API."""

from pathlib import Path
from typing import Annotated

import typer

from api_client.base_url import LARGEST_PORT
from api_client.sandbox import SeedError
from api_client.sandbox.auth import keys_from_secrets
from api_client.sandbox.defaults import DEFAULT_PORT, LOOPBACK
from reconciler.cli import output
from reconciler.errors import SettingsError


def sandbox(
    port: Annotated[
        int, typer.Option(min=0, max=LARGEST_PORT, help="Where to listen; 0 takes a free port.")
    ] = DEFAULT_PORT,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = LOOPBACK,
    api_key: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="A key to accept, with every scope; may be given again."),
    ] = None,
    seed: Annotated[Path | None, typer.Option(metavar="FILE", help="The fleet to start with, as JSON.")] = None,
    state: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keeps the fleet; wins over --seed once it exists.")
    ] = None,
    latency_ms: Annotated[float, typer.Option(min=0, help="Milliseconds that every answer takes longer.")] = 0.0,
) -> None:
    """Run a local WizChat Management API with a believable fleet, to try things on."""
    from api_client.sandbox import serve as serve_sandbox  # noqa: PLC0415  loads a web framework, which other commands do without

    try:
        serve_sandbox(
            host=host,
            port=port,
            keys=keys_from_secrets(api_key) if api_key else None,
            seed=seed,
            state=state,
            latency=latency_ms / 1000,
            when_ready=lambda url: output.show(f"WizChat sandbox on {url}\n"),
        )
    except SeedError as error:
        raise SettingsError(str(error)) from error
    except OSError as error:
        raise SettingsError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    except KeyboardInterrupt:
        return
