"""Where a document stands in git, who last changed it, and where that can be looked at."""

from dataclasses import dataclass

from reconciler.domain.commit import CommitFact
from reconciler.domain.weblinks import WebRepository
from reconciler.engine.context import Engine


@dataclass(frozen=True, slots=True)
class Origin:
    """A document at a revision.

    Attributes:
        line: The line at which it begins, where that is known.
        commit: Which commit last changed it, where that is known.
        file_link: The file at its line; None for repositories without pages.
        commit_link: The commit that last changed it.
        revision_link: The revision itself.
    """

    path: str
    revision: str
    line: int | None = None
    commit: CommitFact | None = None
    file_link: str | None = None
    commit_link: str | None = None
    revision_link: str | None = None


async def origin_of(engine: Engine, source: str, path: str, revision: str, line: int | None = None) -> Origin:
    """Where a document of a source stands; of a source that is no longer configured nothing more is known."""
    binding = engine.sources.get(source)
    if binding is None:
        return Origin(path, revision, line)
    commit = await binding.port.last_change(path, revision)
    pages = WebRepository.of(binding.forge, binding.url)
    if pages is None:
        return Origin(path, revision, line, commit)
    return Origin(
        path=path,
        revision=revision,
        line=line,
        commit=commit,
        file_link=pages.file(path, revision, line),
        commit_link=pages.commit(commit.id) if commit else None,
        revision_link=pages.commit(revision),
    )
