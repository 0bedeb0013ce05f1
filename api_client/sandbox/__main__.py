"""``python -m api_client.sandbox``: the sandbox in the foreground."""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from api_client.base_url import LARGEST_PORT
from api_client.sandbox.auth import DEFAULT_API_KEY, keys_from_secrets
from api_client.sandbox.defaults import DEFAULT_PORT, LOOPBACK
from api_client.sandbox.seed import SeedError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sandbox and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        from api_client.sandbox import serve  # noqa: PLC0415  it cannot be imported without the extra
    except ImportError as error:
        return _fail(str(error))
    try:
        serve(
            host=options.host,
            port=options.port,
            keys=keys_from_secrets(options.api_key) if options.api_key else None,
            seed=options.seed,
            state=options.state,
            latency=options.latency_ms / 1000,
            when_ready=_announce,
        )
    except SeedError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"cannot listen on {options.host}:{options.port}: {error.strerror or error}")
    except KeyboardInterrupt:
        return 0
    return 0


def _announce(url: str) -> None:
    sys.stdout.write(f"WizChat sandbox on {url}\n")
    sys.stdout.flush()


def _fail(message: str) -> int:
    sys.stderr.write(f"error: {message}\n")
    return 1


def _api_key(text: str) -> str:
    if not text or text != text.strip():
        raise argparse.ArgumentTypeError("a key is not empty and has no blanks around it")
    return text


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > LARGEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give 0 to {LARGEST_PORT}")
    return int(text)


def _milliseconds(text: str) -> float:
    try:
        milliseconds = float(text)
    except ValueError:
        milliseconds = math.nan
    if not 0 <= milliseconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: give milliseconds, 0 or more")
    return milliseconds


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m api_client.sandbox", description="A local WizChat Management API.")
    parser.add_argument("--host", default=LOOPBACK, help="where to listen (default: %(default)s)")
    parser.add_argument(
        "--port", type=_port, default=DEFAULT_PORT, help="where to listen; 0 takes a free port (default: %(default)s)"
    )
    parser.add_argument(
        "--api-key",
        action="append",
        type=_api_key,
        metavar="KEY",
        help=f"a key to accept, with every scope; may be given again (default: {DEFAULT_API_KEY})",
    )
    parser.add_argument("--seed", type=Path, metavar="FILE", help="the fleet to start with, as JSON")
    parser.add_argument("--state", type=Path, metavar="FILE", help="keeps the fleet; wins over --seed once it exists")
    parser.add_argument(
        "--latency-ms", type=_milliseconds, default=0.0, help="milliseconds that every answer takes longer"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
