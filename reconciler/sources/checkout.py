"""Documents as the command line reads them: in a git repository as they would be committed, elsewhere as they are."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from reconciler.domain.diagnostics import Diagnostic, Severity
from reconciler.domain.document import Snapshot
from reconciler.sources.contract import DocumentContract
from reconciler.sources.file_tree import DOCUMENT_SUFFIXES, Globs
from reconciler.sources.folder import Selection, load_selection, snapshot_of
from reconciler.sources.loader import Loaded
from reconciler.sources.worktree import WorkTree, work_tree


def load_checkout(
    root: Path, paths: Sequence[Path], contract: DocumentContract, *, with_default: bool = False
) -> Snapshot:
    """What documents on disk say.

    Args:
        root: The folder that includes may not leave: the repository's root.
        paths: Files and folders in it; empty means where documents are by default.
        contract: What a document may state.
        with_default: Whether the documents that are there by default are read beside the paths.

    Raises:
        NotFound: When a path does not exist.
        SettingsError: When a path lies outside of the root, or is no document's.
        SourceUnreadable: When the disk or git fails.
    """
    top = root.resolve()
    selection = Selection(top, tuple(paths), with_globs=with_default)
    if not (top / ".git").exists():
        return load_selection(selection, contract)
    with work_tree(top) as tree:
        if tree is None:
            return load_selection(selection, contract)
        snapshot, loaded = snapshot_of(tree, selection, contract)
        notes = (*_untracked(tree, loaded), *_ignored(tree, Globs(tuple(selection.as_globs(tree)))))
        return replace(snapshot, diagnostics=(*snapshot.diagnostics, *notes))


def _untracked(tree: WorkTree, loaded: Loaded) -> Iterator[Diagnostic]:
    used = {path for file in loaded.files for path in (file.path, *file.includes)}
    for path in sorted(used & tree.untracked):
        message = "git does not hold this file yet: add and commit it, or nobody else will see it"
        yield Diagnostic(Severity.WARNING, message, path, 1, 1)


def _ignored(tree: WorkTree, globs: Globs) -> Iterator[Diagnostic]:
    for path in sorted(tree.ignored):
        if path.endswith(DOCUMENT_SUFFIXES) and globs.select(path):
            message = "git ignores this file, and no commit holds it: it was not read"
            yield Diagnostic(Severity.WARNING, message, path, 1, 1)
