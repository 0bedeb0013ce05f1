"""The `reconciler` command: arguments → use case → view. Each command is a module of its own."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from reconciler.cli import output
from reconciler.cli.lazy_commands import CommandEntry, LazyGroup
from reconciler.cli.paths import BadPath
from reconciler.errors import ReconcilerError

INTERRUPTED = 130


class _Commands(LazyGroup):
    """The commands in the order in which people meet them."""

    entries = (
        CommandEntry(
            "validate", "validate", "validate", "Check documents against the contract, without asking WizChat anything."
        ),
        CommandEntry(
            "plan",
            "plan",
            "plan",
            "Show what an apply of the documents would do. Nothing is written, and a read key is enough.",
        ),
        CommandEntry(
            "export",
            "export",
            "export",
            "Write live chatbots as documents, long texts as files of their own. Nothing is written at WizChat.",
        ),
        CommandEntry("schema", "schema", "schema", "Print the JSON Schema of a document, for editors."),
        CommandEntry("serve", "serve", "serve", "Run the service until it is stopped."),
        CommandEntry(
            "demo",
            "demo",
            "demo",
            "Start a sandbox API, a sample git repository and the service, with drift and a change waiting to be "
            "approved.",
        ),
        CommandEntry(
            "sandbox",
            "sandbox",
            "sandbox",
            "Run a local WizChat Management API with a believable fleet, to try things on.",
        ),
        CommandEntry("token", "token", "app", "Make, list and revoke bearer tokens."),
        CommandEntry("people", "people", "app", "List, bar and sign out people who came by a login."),
        CommandEntry("source", "forget", "sources", "List sources, and forget those that left the settings."),
        CommandEntry("tenant", "forget", "tenants", "List tenants, and forget those that left the settings."),
        CommandEntry("chatbot", "forget", "chatbots", "List chatbots that no document states, and forget those."),
        CommandEntry("audit", "audit", "app", "Verify and export the audit log."),
        CommandEntry("db", "db", "app", "Look after the database."),
    )


app = typer.Typer(
    name="reconciler",
    cls=_Commands,
    help="Fleets of WizChat chatbots as code: git is the agreed state, plans are approved, exactly that is applied.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(value: bool) -> None:  # noqa: FBT001  as typer hands it over
    if value:
        from importlib import metadata  # noqa: PLC0415  loads a parser of mails

        output.show(f"reconciler {metadata.version('wizchat-reconciler')}\n")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[  # noqa: FBT002  an option's default
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None: ...


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
        argv = sys.argv[1:] if arguments is None else list(arguments)
        result = app(args=argv or ["--help"], prog_name="reconciler", standalone_mode=False)
        output.flush()
    except ReconcilerError as error:
        return _fail(str(error))
    except TyperException as error:
        return _fail(f"{_usage_problem(error)}: see {_command_of(error)} --help")
    except typer.Abort:
        output.complain("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        output.close()  # the reader, such as `head`, closed the pipe: that is no error to report
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
