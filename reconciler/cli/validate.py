"""`reconciler validate`: check documents without calling WizChat."""

from pathlib import Path

import typer

from reconciler.cli import options, output
from reconciler.cli.paths import BadPath, nothing_found, refuse_warnings, repository_of
from reconciler.domain.document import Snapshot
from reconciler.render.diagnostics_text import findings_text
from reconciler.runtime.bootstrap import local


def validate(paths: options.Paths = None, *, strict: options.Strict = False) -> None:
    """Check documents against the contract, without asking WizChat anything.

    Prints what is wrong with file, line and column. Exit code 1 when a document is refused, or none is found.
    """
    snapshot = local.local_snapshot(repository_of(paths or [], Path.cwd()), paths or [])
    output.show(findings_text(snapshot.diagnostics) + ("" if snapshot.nothing else _verdict(snapshot)))
    if snapshot.nothing:
        raise BadPath(nothing_found(snapshot))
    refused = len(snapshot.refusals)
    if refused:
        output.complain("1 document is refused" if refused == 1 else f"{refused} documents are refused")
        raise typer.Exit(1)
    if strict:
        refuse_warnings(snapshot)


def _verdict(snapshot: Snapshot) -> str:
    valid, refused = len(snapshot.documents), len(snapshot.refusals)
    return f"{valid} of {valid + refused} documents are valid.\n"
