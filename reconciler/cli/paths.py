"""The PATHs of a command line: the repository that they lie in, and the warnings about what they hold."""

from collections.abc import Sequence
from pathlib import Path

from reconciler.domain.diagnostics import Severity
from reconciler.domain.document import Snapshot
from reconciler.domain.escaping import escaped
from reconciler.domain.layout import DOCUMENTS
from reconciler.errors import ReconcilerError


class BadPath(ReconcilerError):
    """A PATH names nothing that can be used."""


class BadDocument(ReconcilerError):
    """A document is not as good as it was asked to be."""


def nothing_found(snapshot: Snapshot) -> str:
    """What to say where no document was found."""
    return f"{snapshot.nothing}: name a document or a folder of documents"


def refuse_warnings(snapshot: Snapshot) -> None:
    """Take warnings about documents for errors.

    Raises:
        BadDocument: There is one.
    """
    warnings = [diagnostic for diagnostic in snapshot.diagnostics if diagnostic.severity is Severity.WARNING]
    if warnings:
        more = f" (and {len(warnings) - 1} more)" if len(warnings) > 1 else ""
        raise BadDocument(f"{escaped(warnings[0].in_one_sentence)}{more}: warnings are errors because of --strict")


def repository_of(paths: Sequence[Path], cwd: Path) -> Path:
    """The root of the repository that the first path lies in: includes may reach all of it and nothing outside.

    Outside of git it is the nearest folder upwards with a ``chatbots`` folder, else the current one.

    Args:
        paths: Files and folders; without any, the current folder is what counts.
        cwd: The current folder.
    """
    start = (cwd / paths[0]).resolve() if paths else cwd.resolve()
    upwards = [folder for folder in (start, *start.parents) if folder.is_dir()]
    for marker in (".git", DOCUMENTS):
        for folder in upwards:
            if (folder / marker).exists():
                return folder
    return cwd.resolve() if cwd.resolve() in upwards else upwards[0]
