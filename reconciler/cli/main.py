"""The `reconciler` command: arguments → use case → view. Each command is a module of its own."""

import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from reconciler.cli import audit, db, forget, output, people, token
from reconciler.cli.demo import demo
from reconciler.cli.export import export
from reconciler.cli.paths import BadPath
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
app.add_typer(forget.sources, name="source")
app.add_typer(forget.tenants, name="tenant")
app.add_typer(forget.chatbots, name="chatbot")
app.add_typer(audit.app, name="audit")
app.add_typer(db.app, name="db")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: What follows the program's name; by default that of the process.

    Returns:
        The exit code. What goes wrong on purpose, and what the machine refuses, is one line on stderr, never a
        traceback.
    """
    try:
        output.prepare()
        _refuse_lost_folder()
        given = sys.argv[1:] if arguments is None else list(arguments)
        result = app(args=given or ["--help"], prog_name="reconciler", standalone_mode=False)
        output.flush()
    except ReconcilerError as error:
        return _fail(str(error))
    except TyperException as error:
        return _fail(f"{_usage_problem(error)}: see {_command_of(error)} --help")
    except typer.Abort:
        output.complain("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        output.close()  # what reads the output wants no more of it, such as `head`, and nobody is to be told
        return 1
    except OSError as error:
        return _fail(output.refusal_of(error))
    return result if isinstance(result, int) else 0


def _refuse_lost_folder() -> None:
    try:
        Path.cwd()
    except FileNotFoundError:
        raise BadPath("the current folder is no longer there: change to another one") from None


def _fail(message: str) -> int:
    output.complain(message)
    return 1


def _usage_problem(error: TyperException) -> str:
    """What is wrong with the arguments, with the option's name; validators of values word theirs for Python."""
    return error.format_message().replace("Value error, ", "").rstrip(".")


def _command_of(error: TyperException) -> str:
    context = getattr(error, "ctx", None)
    return context.command_path if context is not None else "reconciler"
