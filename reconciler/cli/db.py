"""`reconciler db`: upgrade the schema of the database, show its revision, compact its file."""

import typer

from reconciler.cli import output
from reconciler.settings.input import load_settings

app = typer.Typer(no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Create the schema, or bring it to the revision that this program needs; `serve` does this by itself."""
    from reconciler.runtime.bootstrap import database  # noqa: PLC0415  loads the database, which other commands do without

    output.show(f"{database.upgrade_database(load_settings())}\n")


@app.command()
def current() -> None:
    """Print the revision that the database has, and the one that this program needs."""
    from reconciler.runtime.bootstrap import database  # noqa: PLC0415  loads the database, which other commands do without

    has, needs = database.database_revisions(load_settings())
    output.show(f"database: {has or 'empty'}\nprogram:  {needs}\n")


@app.command()
def compact() -> None:
    """Give what is free in SQLite's file back to the disk; the service must be stopped."""
    from reconciler.runtime.bootstrap import database  # noqa: PLC0415  loads the database, which other commands do without

    database.compact_database(load_settings())
