"""`reconciler`, also as `python -m reconciler`."""

import sys
from importlib.util import find_spec

_INTERRUPTED = 130
_NEEDED = ("typer", "rich", "yaml", "pydantic_settings")


def main() -> None:
    """Run the command line, or say how to install what it needs."""
    if any(find_spec(name) is None for name in _NEEDED):
        sys.stderr.write("error: only the SDK is installed: run pip install 'wizchat-reconciler[service]'\n")
        raise SystemExit(1)
    try:
        from reconciler.cli.main import run  # noqa: PLC0415 - it cannot be imported without the extra

        raise SystemExit(run())
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED) from None


if __name__ == "__main__":
    main()
