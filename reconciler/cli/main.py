"""The `reconciler` command: arguments → use case → view. Each command is a module of its own."""

import io
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Annotated

import typer
from typer.exceptions import TyperException

from reconciler.cli import audit, db, output, people, token
from reconciler.cli.demo import demo
from reconciler.cli.export import export
from reconciler.cli.plan import plan
from reconciler.cli.sandbox import sandbox
from reconciler.cli.schema import schema
from reconciler.cli.serve import serve
from reconciler.cli.validate import validate
from reconciler.errors import ReconcilerError

INTERRUPTED = 130

app = typer.Typer(
    name="reconciler",
    help="Fleets of WizChat chatbots as code: git is the agreed state, plans are approved, exactly that is applied.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001  as typer hands it over
    if wanted:
        output.show(f"reconciler {metadata.version('wizchat-reconciler')}\n")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[  # noqa: FBT002  an option's default
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None: ...


app.command()(validate)
app.command()(plan)
app.command()(export)
app.command()(schema)
app.command()(serve)
app.command()(demo)
app.command()(sandbox)
app.add_typer(token.app, name="token")
app.add_typer(people.app, name="people")
app.add_typer(audit.app, name="audit")
app.add_typer(db.app, name="db")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: What follows the program's name; by default that of the process.

    Returns:
        The exit code. What goes wrong on purpose is one line on stderr, never a traceback.
    """
    _never_fail_to_print()
    try:
        given = sys.argv[1:] if arguments is None else list(arguments)
        result = app(args=given or ["--help"], prog_name="reconciler", standalone_mode=False)
    except ReconcilerError as error:
        output.complain(str(error))
        return 1
    except TyperException as error:
        output.complain(f"{str(error).removeprefix('Value error, ').rstrip('.')}: see reconciler --help")
        return 1
    except typer.Abort:
        output.complain("interrupted")
        return INTERRUPTED
    return result if isinstance(result, int) else 0


def _never_fail_to_print() -> None:
    """A terminal that cannot show a character gets its escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
